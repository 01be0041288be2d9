"""What holds for every strategy script on any market."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]

# Short windows, so that a few dozen updates trade.
CONFIGS: dict[str, dict[str, Any]] = {
    "arbitrage": {"min_spread_bps": 5.0, "close_spread_bps": 1.0, "max_spread_bps": 5000.0},
    "bollinger": {"window": 5, "width": 1.2},
    "donchian": {"entry": 4, "exit": 2},
    "market_making": {"volatility_span": 2, "refresh": 2, "max_half_spread_bps": 4000.0, "quote_share": 0.5},
    "mean_reversion": {"window": 5, "entry": 1.2, "exit": 0.3, "stop": 1.9},
    "momentum": {"lookback": 3, "entry": 0.5, "exit": 0.1},
    "pairs": {"window": 5, "entry": 1.0, "exit": 0.3, "stop": 1.9},
    "rsi": {"window": 3, "lower": 35.0, "upper": 65.0},
    "sma_cross": {"fast": 2, "slow": 4},
    "trend_volatility_target": {"fast": 2, "slow": 4, "volatility_span": 3, "rebalance": 0.05},
}
INSTRUMENTS = [(symbol, venue) for symbol in ("BTC-USD", "ETH-USD") for venue in ("exchange-1", "exchange-2")]

every_script = pytest.mark.parametrize("script", sorted(CONFIGS))
# Moves of one minute, in basis points, of the four instruments.
minutes = st.lists(st.lists(st.integers(-300, 300), min_size=4, max_size=4), min_size=1, max_size=40)
anything = st.one_of(
    st.floats(1e-6, 1e9), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 1e-300])
)


def market(tick: Tick, moves: list[list[int]]) -> list[PriceUpdate]:
    prices = [30_000.0, 30_010.0, 2_000.0, 2_001.0]
    updates = []
    for minute, row in enumerate(moves):
        for i, (symbol, venue) in enumerate(INSTRUMENTS):
            prices[i] *= 1.0 + row[i] / 10_000.0
            updates.append(tick(minute, prices[i], symbol=symbol, venue=venue, half=prices[i] * 1e-4))
    return updates


def answer(strategy: TradingStrategy, update: PriceUpdate) -> list[MarketSignal]:
    """What the strategy says to one update of a market in which nothing is ever filled."""
    strategy.price_cache.setdefault(update.symbol, {})[update.venue] = update.last
    return strategy.on_market_data(update)


@every_script
@settings(max_examples=25, deadline=None)
@given(moves=minutes, data=st.data())
def test_signals_do_not_depend_on_later_updates_nor_on_other_instances(
    make: Make, tick: Tick, drive: Drive, script: str, moves: list[list[int]], data: st.DataObject
) -> None:
    updates = market(tick, moves)
    seen = data.draw(st.integers(0, len(updates)), label="updates of the shorter run")
    whole = drive(make(script, **CONFIGS[script]), updates)
    drive(make(script, **CONFIGS[script]), market(tick, [[-move for move in row] for row in moves]))
    start = drive(make(script, **CONFIGS[script]), updates[:seen])
    assert start == [(number, signal) for number, signal in whole if number < seen]


@every_script
@settings(max_examples=25, deadline=None)
@given(moves=minutes)
def test_instances_that_run_side_by_side_do_not_mix(
    make: Make, tick: Tick, script: str, moves: list[list[int]]
) -> None:
    mirrored = [[-move for move in row] for row in moves]
    alone, first, second = (make(script, **CONFIGS[script]) for _ in range(3))
    expected = [answer(alone, update) for update in market(tick, moves)]
    pairs = zip(market(tick, moves), market(tick, mirrored), strict=True)
    assert [(answer(first, update), answer(second, other))[0] for update, other in pairs] == expected


@every_script
@settings(max_examples=40, deadline=None)
@given(prices=st.lists(st.tuples(st.integers(0, 3), anything, anything), max_size=60))
def test_whatever_the_prices_signals_are_sound(
    make: Make, tick: Tick, drive: Drive, script: str, prices: list[tuple[int, float, float]]
) -> None:
    updates = [
        tick(number // 4, last, symbol=INSTRUMENTS[which][0], venue=INSTRUMENTS[which][1], half=half)
        for number, (which, last, half) in enumerate(prices)
    ]
    for _, signal in drive(make(script, **CONFIGS[script]), updates):
        assert -1.0 <= signal.signal_strength <= 1.0
        assert 0.0 <= signal.confidence <= 1.0
        assert (signal.symbol, signal.metadata["venue"]) in INSTRUMENTS
        numbers = [value for value in signal.metadata.values() if isinstance(value, int | float)]
        assert all(math.isfinite(number) for number in [signal.signal_strength, *numbers])
        assert signal.metadata.get("limit_price", 1.0) > 0.0


@every_script
def test_memory_does_not_grow_with_the_length_of_the_run(
    make: Make, tick: Tick, drive: Drive, script: str
) -> None:
    wave = [[round(200 * math.sin(i * k)) for k in (0.7, 0.71, 1.3, 1.31)] for i in range(600)]
    updates = market(tick, wave)
    strategy = make(script, **CONFIGS[script])
    signals = drive(strategy, updates[:1200])
    early = len(pickle.dumps(vars(strategy)))
    signals += drive(strategy, updates[1200:])
    assert len(signals) > 10
    assert len(pickle.dumps(vars(strategy))) < 1.1 * early + 200
