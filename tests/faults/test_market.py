"""Prices and clocks that cannot be true, and more of them than ever, in a real engine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.session import Session
from tests.faults.harness import Scene, book_market, play, until
from tests.live.engine.desk import paper_market
from workbench.core.facts import BreakerTripped, OrderAccepted
from workbench.core.intents import ResetBreaker
from workbench.core.limits import (
    CircuitBreakers,
    DuplicateOrder,
    MessageRate,
    OrderLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.core.messages import OrderFill, PriceUpdate

NAN = math.nan
FAST = MessageRate(1e4, 1e4, 1e4, 1e4)
ONCE = """
if price_update.venue != "a" or hasattr(self, "sent"):
    return []
self.sent = True
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, {"quantity": QUANTITY, "venue": "a"})]
"""
ALTERNATE = """
if price_update.venue != VENUE:
    return []
self.turn = not getattr(self, "turn", False)
return [MarketSignal(price_update.symbol, None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.01, "venue": "x"})]
"""


def one_price(scene: Scene, last: float, *, back_ns: int = 0, number: int = 1) -> None:
    """A price of BTC-USD at venue a that the feed does not have; its volume fills any order."""
    ns = scene.engine.clock.now_ns() - back_ns
    update = PriceUpdate("BTC-USD", "a", ns, last, last, last, NAN, NAN, NAN, 0.0, 10**9 + number)
    scene.engine.pump.post(update)


async def hold(scene: Scene, units: float) -> None:
    """Have a strategy buy so much."""
    await scene.start("buyer", ONCE.replace("QUANTITY", str(units)), symbols=["BTC-USD"])
    orders = scene.machine.blotter
    await until(lambda: orders.working or scene.position("buyer"))
    mark = float(scene.machine.desk.view.instruments[0].mark)
    one_price(scene, mark)
    await until(lambda: scene.position("buyer") == units)


def latched(scene: Scene) -> set[str]:
    return {*scene.machine.desk.halted(), *scene.machine.desk.halted("buyer")}


def test_a_clock_that_goes_back_is_told_and_the_breaker_is_armed_still(tmp_path: Path) -> None:
    limits = RiskLimits(circuit_breakers=CircuitBreakers(single_strategy_loss=-100.0))

    async def work(scene: Scene) -> None:
        await hold(scene, 0.1)
        scene.fault_begins()
        one_price(scene, 29_500.0, back_ns=3_600 * 10**9, number=2)
        await scene.told("clock_backwards")
        one_price(scene, 28_000.0, back_ns=3_600 * 10**9, number=3)
        await scene.told("single_strategy_loss", "buyer")
        one_price(scene, 31_000.0, number=4)
        await until(lambda: scene.position("buyer") == 0.0)
        assert "single_strategy_loss" in latched(scene)

    session = play(tmp_path, work, limits=limits)
    assert np.all(np.diff(session.feed.timestamp_ns) >= 0)  # the desk's time never went back


POOR = RiskLimits(circuit_breakers=CircuitBreakers(liquidate=False)).without(
    "bad_tick", "price_collar", "single_strategy_loss", "strategy_drawdown", "stop_loss", "buying_power"
)


@pytest.mark.parametrize(("price", "reason"), [(1.0, "portfolio_loss_pct"), (1.7e308, "equity_not_finite")])
def test_equity_below_zero_or_no_number_latches(tmp_path: Path, price: float, reason: str) -> None:
    async def work(scene: Scene) -> None:
        await hold(scene, 20.0)
        scene.fault_begins()
        one_price(scene, price, number=2)
        await scene.told(reason)
        orders = int(scene.machine.desk.book.accepted)
        scene.fault_begins()
        await scene.start("more", ONCE.replace("QUANTITY", "0.01"))
        await scene.told("circuit_breaker", "more")  # the price is back where it was, and nothing is forgiven
        assert reason in scene.machine.desk.halted()
        assert int(scene.machine.desk.book.accepted) == orders
        await scene.engine.ask(ResetBreaker("ana", "the feed was wrong"))
        assert math.isfinite(scene.machine.desk.book.equity)
        assert scene.machine.desk.halted() == ()

    session = play(tmp_path, work, limits=POOR, contained=False, initial_cash=500_000.0)
    trips = [f for f in session.facts if isinstance(f, BreakerTripped) and f.reason == reason]
    assert "" in {trip.strategy_id for trip in trips}  # everything, not only who holds it


@pytest.mark.parametrize(
    ("kind", "intensity", "alert"),
    [("bad_tick", 0.5, "bad_tick"), ("crossed_book", 1.0, "bad_tick"), ("sequence_gap", 0.5, "sequence_gap")],
)
def test_a_feed_gone_mad_makes_no_mark(tmp_path: Path, kind: str, intensity: float, alert: str) -> None:
    marks: list[float] = []

    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE.replace("VENUE", '"x"'))
        scene.fault_begins()
        scene.venue.inject(kind, intensity)
        await scene.told(alert)
        seen = scene.machine.applied

        def looked() -> bool:
            marks.append(float(scene.machine.desk.view.instruments[0].mark))
            return scene.machine.applied > seen + 150

        await until(looked)
        scene.venue.clear_faults()
        assert math.isfinite(scene.machine.desk.book.equity)

    session = play(tmp_path, work, limits=RiskLimits(message_rate=FAST), market=book_market())
    assert all(abs(mark / 30_000.0 - 1.0) < 0.2 for mark in marks)
    fills = [f.price for f in session.facts if isinstance(f, OrderFill)]
    assert all(abs(price / 30_000.0 - 1.0) < 0.2 for price in fills)


def two_venues() -> dict[str, Any]:
    """An exchange, and a venue besides that goes on bringing prices when the exchange is silent."""
    market = book_market()
    paper = paper_market(20.0)
    market["feeds"]["g"] = paper["feeds"]["f"]
    market["venues"]["a"] = {**paper["venues"]["a"], "feed": "g"}
    return market


STALE = RiskLimits(
    order_limits=OrderLimits(max_price_age_seconds=0.4),
    message_rate=FAST,
    duplicate_order=DuplicateOrder(0.001, math.inf),
)


@pytest.mark.parametrize("kind", ["frozen_feed", "blackhole"])
def test_a_stale_price_refuses_orders(tmp_path: Path, kind: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE.replace("VENUE", '"a"'), symbols=["BTC-USD"])
        await until(lambda: scene.machine.blotter.fill_cursor > 2)
        scene.fault_begins()
        scene.venue.inject(kind)
        await scene.told("price_collar", "trader")
        orders = int(scene.machine.desk.book.accepted)
        refused = scene.breaches("price_collar", "trader")
        await until(lambda: scene.breaches("price_collar", "trader") > refused + 10)
        assert int(scene.machine.desk.book.accepted) == orders
        scene.venue.clear_faults()
        await until(lambda: int(scene.machine.desk.book.accepted) > orders)  # fresh prices, and it goes on

    play(tmp_path, work, limits=STALE, market=two_venues())


def test_without_the_collar_stale_prices_are_traded_on(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE.replace("VENUE", '"a"'), symbols=["BTC-USD"])
        scene.venue.inject("frozen_feed")
        orders = int(scene.machine.desk.book.accepted)
        await until(lambda: int(scene.machine.desk.book.accepted) > orders + 60)
        assert scene.breaches("price_collar") == 0

    play(tmp_path, work, limits=STALE.without("price_collar"), market=two_venues(), contained=False)


CHASE = RiskLimits(
    position_limits={"BTC-USD": PositionLimit(0.2, -0.2)},
    order_limits=OrderLimits(max_order_volume=0.1),
    message_rate=FAST,
    duplicate_order=DuplicateOrder(0.001, math.inf),
)
THIN: dict[str, Any] = {"liquidity": {"level_notional": 4_000, "impact_bps": 60, "takers_per_second": 0}}


async def chase(scene: Scene) -> None:
    scene.fault_begins()
    await scene.start(
        "volatility_amplifier",
        unit=0.05,
        momentum_threshold=1e-7,
        amplification_factor=4.0,
        lookback_minutes=0.1,
    )


def moved(session: Session) -> float:
    """The largest distance of the price from where it began, a fraction."""
    last = session.feed.quotes[:, 2]
    return float(np.nanmax(np.abs(last / last[0] - 1.0)))


def test_an_amplifier_moves_the_simulated_book_no_further_than_its_limits_let_it(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await chase(scene)
        await scene.told("signal_out_of_range", "volatility_amplifier")
        await scene.told("position_limit", "volatility_amplifier")
        await until(lambda: scene.breaches("position_limit", "volatility_amplifier") > 20)

    session = play(tmp_path, work, limits=CHASE, market=book_market(**THIN))
    orders = [f for f in session.facts if isinstance(f, OrderAccepted)]
    assert orders
    assert all(order.quantity <= 0.05 for order in orders)  # strength 4 was clipped to 1
    assert moved(session) < 0.01


def test_without_limits_the_amplifier_drives_the_price_away(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await chase(scene)
        price = scene.machine.desk.view.instruments[0]
        await until(lambda: abs(float(price.mark) / 30_000.0 - 1.0) > 0.01, 15.0)

    session = play(tmp_path, work, limits=RiskLimits.unlimited(), market=book_market(**THIN), contained=False)
    assert moved(session) > 0.0099  # of the first price recorded, which is not quite 30,000


def rate(session: Session) -> float:
    """Most prices within a second of the desk's time."""
    times = session.feed.timestamp_ns
    return float(np.max(np.searchsorted(times, times + 10**9) - np.arange(len(times))))


def test_twice_the_highest_rate_so_far_loses_nothing(tmp_path: Path) -> None:
    """RTS 6 article 10: the highest number of messages so far is taken from a session's own journal, and doubled."""
    limits = RiskLimits(message_rate=FAST, duplicate_order=DuplicateOrder(0.001, math.inf)).without(
        "repeated_execution", "strategy_limit"
    )
    waits: list[float] = []

    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE.replace("VENUE", '"a"').replace('"x"', '"a"'))
        book, began = scene.machine.desk.book, int(scene.machine.desk.book.now_ns)
        await until(lambda: int(book.now_ns) > began + 1_300_000_000)
        runner = scene.engine.strategies.slots["trader"].runner
        assert runner is not None
        waits.append(float(np.median(runner.seconds)))

    peak = rate(play(tmp_path / "before", work, limits=limits, market=paper_market(16.0)))
    session = play(tmp_path / "twice", work, limits=limits, market=paper_market(8.0))
    assert rate(session) > 1.8 * peak
    for k in range(len(session.feed.instruments)):
        numbers = session.feed.sequence[session.feed.instrument == k]
        assert np.all(np.diff(numbers) == 1)
    assert waits[1] < 0.005 + waits[0]
