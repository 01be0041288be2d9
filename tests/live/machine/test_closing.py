"""What was stopped to hold nothing holds nothing, also where an order that was on its way fills afterwards."""

from __future__ import annotations

import msgspec
import pytest

from live.machine import KillSwitch, Machine, StrategyNoted
from tests.live.machine.test_machine import RECORD, machine, price, wants
from workbench.core.facts import Fact, OrderAccepted
from workbench.core.intents import CancelOrders, ClosePositions, VenueReport, VenueSession


def stopped_with_an_order_on_its_way(state: str, *, flatten: bool) -> tuple[Machine, list[Fact]]:
    """Its cancel has been asked for, it has nothing to close, and then the venue fills the order."""
    made = machine(
        price(1, 100.0, venue="far"), price(1, 100.0), VenueSession("far", up=True), wants(1.0, venue="far")
    )
    (order,) = made.blotter.working
    made.apply(StrategyNoted(msgspec.structs.replace(RECORD, state="draining", flatten=flatten)))
    made.apply(CancelOrders("s"))
    made.apply(ClosePositions("s"))
    made.apply(StrategyNoted(msgspec.structs.replace(RECORD, state=state, flatten=flatten)))
    made = Machine(made.setup, made.dump())  # nor does a restart forget
    made.apply(VenueReport("cancel_rejected", "far", "", order, 0, report_id=1))
    return made, made.apply(VenueReport("filled", "far", "X", order, 1, "", 0, 0, 1.0, 100.0, "taker", 2))


def closing(facts: list[Fact]) -> list[tuple[int, float, str]]:
    return [(fact.side, fact.quantity, fact.venue) for fact in facts if isinstance(fact, OrderAccepted)]


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_fill_after_the_end_is_closed(state: str) -> None:
    made, facts = stopped_with_an_order_on_its_way(state, flatten=True)
    assert closing(facts) == [(-1, 1.0, "far")]
    (order,) = made.blotter.working
    assert closing(made.apply(price(2, 100.0, venue="far"))) == []  # one works already
    made.apply(VenueReport("filled", "far", "X", order, -1, "", 0, 1, 1.0, 100.0, "taker", 3))
    assert made.desk.position(0, "X") == 0.0
    assert closing(made.apply(price(3, 100.0, venue="far"))) == []


@pytest.mark.parametrize(("state", "flatten"), [("stopped", False), ("running", True), ("paused", True)])
def test_what_is_to_hold_or_runs_again_is_left_alone(state: str, *, flatten: bool) -> None:
    made, facts = stopped_with_an_order_on_its_way(state, flatten=flatten)
    assert closing(facts) == []
    assert closing(made.apply(price(2, 100.0, venue="far"))) == []
    assert made.desk.position(0, "X") == 1.0


@pytest.mark.parametrize(
    ("scope", "target", "closes"),
    [("all", "", False), ("strategy", "s", False), ("venue", "far", False), ("strategy", "other", True)],
)
def test_a_kill_that_holds_goes_before(scope: str, target: str, *, closes: bool) -> None:
    made, _ = stopped_with_an_order_on_its_way("running", flatten=True)
    made.kills[scope, target] = KillSwitch(scope, target, "ana", "what is it doing?")
    made.apply(StrategyNoted(msgspec.structs.replace(RECORD, state="stopped", flatten=True)))
    assert bool(closing(made.apply(price(2, 100.0, venue="far")))) is closes


@pytest.mark.parametrize(
    ("state", "used"), [("draining", False), ("stopped", False), ("failed", False), ("paused", True)]
)
def test_what_is_answered_after_the_end_is_not_used(state: str, *, used: bool) -> None:
    """An answer may be on its way while the orders of a strategy are cancelled: its order would work unwatched."""
    made = machine(price(1, 100.0))
    made.apply(StrategyNoted(msgspec.structs.replace(RECORD, state=state)))
    facts = made.apply(wants(1.0))
    assert bool(closing(facts)) is used
    assert bool(made.blotter.working) is used
    made.apply(StrategyNoted(msgspec.structs.replace(RECORD, state="running")))
    assert bool(closing(made.apply(wants(2.0)))) is True
