"""A strategy sees and answers the same in a process of its own as in a replay: bit for bit, by fingerprint."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from live.messages import Hello
from live.sandbox import Isolation, Level, Sandbox, SandboxSettings
from tests.live.sandbox.harness import Heard, script
from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.seating import Player
from workbench.core.feed import Feed
from workbench.core.limits import NotionalLimits, PositionLimit, RiskLimits
from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.data.synthetic import synthetic
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_source
from workbench.strategy.seating import configured, seat_of

STRATEGIES = Path(__file__).parents[3] / "strategies"
LIMITS = RiskLimits(
    position_limits={"BTC-USD": PositionLimit(10.0, -5.0)},
    notional_limits=NotionalLimits(per_strategy=400_000.0, total_portfolio=900_000.0),
)
# It answers in every way that is allowed, reads all that it is promised, and fails now and then.
EVERYTHING = script(
    """
    import numpy as np
    self.calls = getattr(self, "calls", 0) + 1
    held = self.positions.get(u.symbol, 0.0)
    seen = self.price_cache[u.symbol]
    pnl = self.performance_metrics["total_pnl"]
    if self.calls in (150, 390):
        raise ValueError(f"{held} {pnl} {sorted(seen.items())} {sorted(self.active_symbols)}")
    if self.calls % 5 == 0:
        return [MarketSignal(u.symbol, None, -np.sign(held) * 0.5 or np.float32(0.25), 1, {"venue": u.venue})]
    if self.calls % 7 == 0:
        return (MarketSignal(u.symbol, u.timestamp, 1, 0.5, {"limit_price": np.float64(u.bid), "order_type": "limit"}),)
    if self.calls % 11 == 0:
        return [MarketSignal(u.symbol, None, float("nan")), MarketSignal("X"), MarketSignal(u.symbol, metadata=5)]
    if self.calls % 13 == 0:
        odd = {"odd": object(), "deep": {"a": [{}]}}
        return [MarketSignal(u.symbol, None, 0.01 * (1 if pnl > 0 else -1), 1.0, odd)]
    if self.calls == 211:
        return [MarketSignal(u.symbol, None, 0.001)] * 1500
    return None if self.calls % 2 else []
    """,
    fill="self.positions[fill.symbol]; self.logger.info('%s', fill)",
    breach="self.stopped = breach.breach_type",
)


class Remote(TradingStrategy):
    """Stands in a replay for a strategy that runs in a process: what it is told goes there, the answer comes back."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sandbox: Sandbox, name: str, source: str) -> None:
        super().__init__({})
        self._loop, self._sandbox, self._name, self._source = loop, sandbox, name, source
        self._heard = Heard()
        self._fills: list[OrderFill] = []
        self._breaches: list[RiskBreach] = []
        self._metrics: dict[str, float] = {}

    def _wait(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60.0)

    def on_start(self, instruments: Any) -> None:
        heard = self._heard
        hello = Hello(
            self._name, self._source, self._name, "", CONFIGS[self._name], list(instruments), seed=11
        )

        async def start() -> None:
            heard.worker = await self._sandbox.launch(hello, heard.on_messages, heard.on_exit, heard.on_alarm)
            await heard.ready()

        self._wait(start())

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        heard = self._heard
        metrics = dict(self.performance_metrics)
        raised = len(heard.raised)

        async def ask() -> None:
            number = heard.send(
                fills=self._fills,
                breaches=self._breaches,
                positions={fill.symbol: self.positions[fill.symbol] for fill in self._fills},
                metrics=metrics if metrics != self._metrics else {},
                price=price_update,
            )
            await heard.until(
                lambda: bool(heard.answers and heard.answers[-1].sequence == number) or bool(heard.exits)
            )

        self._wait(ask())
        self._metrics = metrics
        self._fills.clear()
        self._breaches.clear()
        if len(heard.raised) > raised:
            raise RuntimeError(heard.raised[-1].error)
        return heard.answers[-1].signals

    def on_order_fill(self, fill: OrderFill) -> None:
        self._fills.append(fill)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self._breaches.append(breach)


SOURCES = {
    "sma_cross.py": (STRATEGIES / "sma_cross.py").read_text(),
    "arbitrage.py": (STRATEGIES / "arbitrage.py").read_text(),
    "slow_leak.py": (STRATEGIES / "chaos" / "slow_leak.py").read_text(),
    "everything.py": EVERYTHING,
}
CONFIGS: dict[str, dict[str, object]] = {
    "sma_cross.py": {"fast": 3, "slow": 8},
    "arbitrage.py": {"min_spread_bps": 3},
    "slow_leak.py": {},
    "everything.py": {"unit": 2.0},
}


def played(feed: Feed, strategies: dict[str, TradingStrategy]) -> ReplayRecord:
    symbols = {i.symbol for i in feed.instruments}
    players = []
    for name, strategy in strategies.items():
        twin = configured(load_source(SOURCES[name], name), CONFIGS[name], 11)
        players.append(Player(strategy, *seat_of(name, twin, symbols)))
    return replay(feed, players, limits=LIMITS, contain_errors=True, progress=False)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture(params=["sandbox", "thread"])
def sandbox(request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    isolation = Isolation(request.param)
    minimum = Level.NONE if isolation is Isolation.THREAD else Level.RLIMITS
    made = Sandbox(SandboxSettings(isolation=isolation, minimum=minimum, hard_s=30.0))
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(60.0)
    yield made
    asyncio.run_coroutine_threadsafe(made.close(), loop).result(60.0)


def test_in_a_process_it_does_what_it_does_in_a_replay(
    loop: asyncio.AbstractEventLoop, sandbox: Sandbox
) -> None:
    prices = synthetic(symbols=("BTC-USD", "ETH-USD"), venues=("exchange-1", "exchange-2"), bars=120, seed=5)
    feed = prices.to_feed(2.0)
    here = played(feed, {n: configured(load_source(s, n), CONFIGS[n], 11) for n, s in SOURCES.items()})
    there = played(feed, {n: Remote(loop, sandbox, n, s) for n, s in SOURCES.items()})
    assert len(here.recorder.fills) > 100
    assert {fill.strategy_id for fill in here.recorder.fills} >= {
        "sma_cross.py",
        "arbitrage.py",
        "everything.py",
    }
    assert [repr(fact) for fact in there.recorder.journal] == [repr(fact) for fact in here.recorder.journal]
    assert there.fingerprint == here.fingerprint
    told = [note.error.partition(" (")[0] for note in here.recorder.errors]
    assert [
        note.error.removeprefix("RuntimeError: ").partition(" (")[0] for note in there.recorder.errors
    ] == told
    assert told[0].startswith("ValueError: ")
