"""A tiny market for one strategy: prices in by hand, signals out, targets filled at the next update."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.core.messages import Instrument
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, TradingStrategy
from workbench.strategy.loader import load_strategy

MINUTE_NS = 60_000_000_000
INSTRUMENTS = [
    Instrument(symbol, f"exchange-{number}") for symbol in ("BTC-USD", "ETH-USD") for number in (1, 2, 3)
]
FOLDER = Path(__file__).parents[2] / "strategies"

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]


@pytest.fixture(scope="session")
def make() -> Make:
    """make("sma_cross", fast=2): an instance of the script's strategy that has been told of INSTRUMENTS."""
    classes = {path.stem: load_strategy(path) for path in FOLDER.glob("*.py")}

    def instance(script: str, **config: Any) -> TradingStrategy:
        strategy = classes[script](config)
        strategy.on_start(INSTRUMENTS)
        return strategy

    return instance


@pytest.fixture(scope="session")
def tick() -> Tick:
    """tick(3, 101.0): the update of minute 3, with bid and ask `half` around the last price."""

    def update(
        minute: float, last: float, symbol: str = "BTC-USD", venue: str = "exchange-1", half: float = 0.0
    ) -> PriceUpdate:
        return PriceUpdate(
            symbol=symbol,
            venue=venue,
            timestamp_ns=int(minute * MINUTE_NS),
            bid=last - half,
            ask=last + half,
            last=last,
            volume=1.0,
            bid_size=math.nan,
            ask_size=math.nan,
            change_pct=0.0,
            sequence=int(minute),
        )

    return update


@pytest.fixture(scope="session")
def drive() -> Drive:
    """Feed the updates; the signals, each with the number of its update."""

    def run(strategy: TradingStrategy, updates: Sequence[PriceUpdate]) -> list[tuple[int, MarketSignal]]:
        market = _Market(strategy)
        return [(number, signal) for number, update in enumerate(updates) for signal in market.step(update)]

    return run


class _Market:
    """Keeps the strategy's view as a runner does; of the signals it fills targets only, whole, at the last price."""

    def __init__(self, strategy: TradingStrategy) -> None:
        self.strategy = strategy
        self.targets: dict[tuple[str, str], float] = {}
        self.held: dict[tuple[str, str], float] = {}
        self.fills = 0

    def step(self, update: PriceUpdate) -> list[MarketSignal]:
        strategy, instrument = self.strategy, (update.symbol, update.venue)
        strategy.price_cache.setdefault(update.symbol, {})[update.venue] = update.last
        strategy.active_symbols.add(update.symbol)
        self._fill(instrument, update)
        signals = strategy.on_market_data(update)
        if strategy.SIZING == "target":
            for signal in signals:
                self.targets[signal.symbol, signal.metadata["venue"]] = signal.signal_strength
        return signals

    def _fill(self, instrument: tuple[str, str], update: PriceUpdate) -> None:
        quantity = self.targets.get(instrument, 0.0) - self.held.get(instrument, 0.0)
        if not quantity:
            return
        self.fills += 1
        self.held[instrument] = self.targets[instrument]
        symbol, venue = instrument
        whole = sum(held for (name, _), held in self.held.items() if name == symbol)
        self.strategy.positions[symbol] = whole
        self.strategy.on_order_fill(
            OrderFill(
                order_id=self.fills,
                client_order_id=0,
                execution_id=self.fills,
                strategy_id="test",
                symbol=symbol,
                venue=venue,
                quantity=quantity,
                price=update.last,
                fee=0.0,
                leaves=0.0,
                liquidity="taker",
                timestamp_ns=update.timestamp_ns,
            )
        )
