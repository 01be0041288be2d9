"""Exchanges that go away, have nothing to sell, or tell of what nobody ordered, in a real engine."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from pathlib import Path

import pytest

from live.engine.reconcile import differences
from live.machine import KillSwitch
from live.session import Session
from tests.faults.harness import Scene, book_market, play, until
from workbench.core.facts import OrderAccepted, OrderEnded
from workbench.core.intents import ResetBreaker, TripBreaker, VenueReport
from workbench.core.limits import DuplicateOrder, MessageRate, RiskLimits

LIMITS = RiskLimits(
    message_rate=MessageRate(1e4, 1e4, 1e4, 1e4), duplicate_order=DuplicateOrder(0.001, math.inf)
)
REST = """
self.sent = getattr(self, "sent", 0) + 1
if self.sent > 5:
    return []
about = {"order_type": "limit", "limit_price": round(price_update.bid * 0.97, 2), "quantity": 0.01}
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, about)]
"""
HOLD = """
if hasattr(self, "sent"):
    return []
self.sent = True
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, {"quantity": UNITS})]
"""
ALTERNATE = """
self.turn = not getattr(self, "turn", False)
return [MarketSignal(price_update.symbol, None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.01})]
"""


async def agree(scene: Scene) -> None:
    """Wait until engine and exchange see the same positions and the same orders."""

    for _ in range(200):
        await asyncio.sleep(0.02)
        found = differences(scene.machine, await scene.venue.account())
        if not (found.positions or found.unknown_here or found.unknown_there):
            return
    raise AssertionError("engine and exchange do not agree")


async def hold(scene: Scene, units: float) -> None:
    await scene.start("holder", HOLD.replace("UNITS", str(units)))
    await until(lambda: abs(scene.position("holder") - units) < 1e-9)


@pytest.mark.parametrize("cancels", [True, False])
def test_a_lost_session_has_its_orders_cancelled(tmp_path: Path, cancels: bool) -> None:
    """With the exchange's cancel on disconnect; without it the same orders stay in the book."""
    working: list[int] = []

    async def work(scene: Scene) -> None:
        await scene.start("rester", REST)
        await until(lambda: [o.state for o in scene.machine.blotter.working.values()] == ["working"] * 5)
        scene.fault_begins()
        scene.venue.inject("disconnect", seconds=0.5)
        await scene.told("venue_down")
        await until(lambda: "venue x" in scene.engine.problems)
        await until(lambda: not scene.engine.problems)
        working.append(len((await scene.venue.account()).open_orders))
        await agree(scene)

    play(tmp_path, work, limits=LIMITS, market=book_market(cancel_on_disconnect=cancels))
    assert working == [0 if cancels else 5]


@pytest.mark.parametrize(
    "kind", ["flapping", "reject_storm", "duplicate_fill", "lost_ack", "unsolicited_cancel"]
)
def test_whatever_the_exchange_does_both_sides_agree_in_the_end(tmp_path: Path, kind: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE)
        await scene.start("rester", REST)
        await until(lambda: scene.machine.blotter.fill_cursor > 3)
        before = scene.machine.blotter.cursor
        scene.venue.inject(kind, {"flapping": 0.1, "reject_storm": 0.5}.get(kind))
        await until(lambda: scene.machine.blotter.cursor > before + 40)
        scene.venue.clear_faults()
        await until(lambda: not scene.engine.problems)
        seen = scene.machine.blotter.fill_cursor
        await until(lambda: scene.machine.blotter.fill_cursor > seen + 3)
        await scene.engine.strategies.stop("trader", "ana")
        await agree(scene)
        assert scene.machine.desk.halted() == ()

    session = play(tmp_path, work, limits=LIMITS, market=book_market())
    assert_leaves_are_exact(session)


def assert_leaves_are_exact(session: Session) -> None:
    """What was filled and what was not come to what was ordered, for every order that has ended."""
    for line in session.machine.blotter.ended:
        ends = [f for f in session.facts if isinstance(f, OrderEnded) and f.order_id == line.order_id]
        left = ends[-1].leaves if ends else 0.0
        assert line.filled + left == pytest.approx(line.quantity, abs=1e-9)


def test_an_execution_of_no_order_of_ours_stops_everything_until_it_is_looked_at(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("trader", ALTERNATE)
        await until(lambda: scene.machine.blotter.fill_cursor > 3)
        scene.fault_begins()
        scene.engine.pump.post(
            VenueReport(
                "filled", "x", "BTC-USD", 999_999, 1, execution_id=10**6, quantity=0.5, price=30_000.0
            )
        )
        await scene.told("unknown_execution")
        await until(lambda: not scene.machine.blotter.working)
        orders = int(scene.machine.desk.book.accepted)
        refused = scene.breaches("circuit_breaker", "trader")
        await until(lambda: scene.breaches("circuit_breaker", "trader") > refused + 10)
        assert int(scene.machine.desk.book.accepted) <= orders + 1
        await agree(scene)  # it was never booked
        await scene.engine.ask(ResetBreaker("ana", "the exchange has taken it back"))
        await until(lambda: int(scene.machine.desk.book.accepted) > orders + 3)

    play(tmp_path, work, limits=LIMITS, market=book_market())


def closing(session: Session) -> list[OrderAccepted]:
    """Orders that sold what the holder held."""
    return [
        f for f in session.facts if isinstance(f, OrderAccepted) and f.strategy_id == "holder" and f.side < 0
    ]


def assert_never_more_than_one_works(session: Session) -> None:
    working, most = 0, 0
    numbers = {order.order_id for order in closing(session)}
    ended: Counter[int] = Counter()
    for fact in session.facts:
        number = getattr(fact, "order_id", 0)
        if number not in numbers:
            continue
        if isinstance(fact, OrderAccepted):
            working += 1
        elif (isinstance(fact, OrderEnded) or getattr(fact, "leaves", 1.0) == 0.0) and not ended[number]:
            ended[number] += 1
            working -= 1
        most = max(most, working)
    assert most == 1


EMPTY = {"levels": 1, "level_notional": 1_000, "refill_seconds": 0.6, "takers_per_second": 0}


def test_liquidation_into_an_empty_book_goes_on_until_it_is_flat(tmp_path: Path) -> None:
    """A thousand dollars rest on each side; what is held is worth fifteen thousand."""

    async def work(scene: Scene) -> None:
        await scene.start("holder", HOLD.replace("UNITS", "0.5"))
        await until(lambda: scene.position("holder") > 0.0)
        await scene.start("adder", ALTERNATE.replace("-1.0", "1.0"))
        await until(lambda: scene.position("adder") > 0.1, 15.0)
        await scene.engine.strategies.stop("adder", "ana")
        held = scene.position("adder")
        scene.fault_begins()
        await scene.engine.ask(TripBreaker("ana", "out of it"))
        await scene.told("manual")
        assert 0.0 < scene.position("adder") <= held
        await agree(scene)  # on the way as well
        await until(lambda: scene.position("adder") == scene.position("holder") == 0.0, 20.0)
        await agree(scene)
        assert scene.machine.desk.halted() == ("manual",)

    session = play(tmp_path, work, limits=LIMITS, market=book_market(liquidity=EMPTY))
    assert_never_more_than_one_works(session)
    assert_leaves_are_exact(session)


@pytest.mark.parametrize("kind", ["disconnect", "reject_storm"])
def test_liquidation_at_a_venue_that_takes_nothing_waits_and_then_closes(tmp_path: Path, kind: str) -> None:
    async def work(scene: Scene) -> None:
        await hold(scene, 0.05)
        scene.fault_begins()
        scene.venue.inject(kind, 1.0)
        if kind == "disconnect":
            await scene.told("venue_down")
        orders = int(scene.machine.desk.book.accepted)
        await scene.engine.ask(KillSwitch("all", "", "ana", "out of it", flatten=True))
        await scene.told("kill_switch")
        ticks = scene.machine.applied
        await until(lambda: scene.machine.applied > ticks + (20 if kind == "reject_storm" else 1))
        assert scene.position("holder") == pytest.approx(0.05)  # what was not sold is held, and said to be
        tried = int(scene.machine.desk.book.accepted) - orders
        assert tried <= scene.machine.applied - ticks + 2  # at most once for each input, never in a loop
        scene.venue.clear_faults()
        await until(lambda: not scene.engine.problems)
        await until(lambda: scene.position("holder") == 0.0)
        await agree(scene)

    session = play(tmp_path, work, limits=LIMITS, market=book_market())
    assert_never_more_than_one_works(session)


def test_without_flatten_what_is_held_stays_held(tmp_path: Path) -> None:
    off = LIMITS.without("circuit_breaker")

    async def work(scene: Scene) -> None:
        await hold(scene, 0.05)
        ticks = scene.machine.applied
        await until(lambda: scene.machine.applied > ticks + 30)
        assert scene.position("holder") == pytest.approx(0.05)

    play(tmp_path, work, limits=off, market=book_market())
