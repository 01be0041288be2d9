"""Emergency liquidation ends flat: through partial fills, dead venues, other orders and bad prices."""

from __future__ import annotations

from math import inf

import pytest

from tests.risk.bench import ACCEPTED, MIDNIGHT, SECOND, Bench, endings, fills, only, trips
from workbench.core.build import VenueFaultWindow
from workbench.core.costs import Costs
from workbench.core.facts import OrderAccepted
from workbench.core.intents import (
    CancelOrders,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SetLimits,
    StrategyFailed,
    TripBreaker,
)
from workbench.core.limits import (
    CircuitBreakers,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
    StrategyErrors,
)
from workbench.core.messages import Instrument
from workbench.core.venue_faults import VenueFault

TWO = ("alpha", "beta")
TWO_VENUES = (Instrument("BTC-USD", "x"), Instrument("BTC-USD", "y"))
A_TENTH_OF_THE_VOLUME = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.0)


def loss_of_a_tenth(**tables: object) -> RiskLimits:
    return only(circuit_breakers=CircuitBreakers(-0.10, -inf, -inf, liquidate=True), **tables)


def test_a_trip_closes_every_position_at_the_next_price() -> None:
    bench = Bench(loss_of_a_tenth(), strategies=TWO, instruments=TWO_VENUES, cash=10_000.0)
    bench.hold(150.0, venue="x")
    bench.hold(-30.0, strategy="beta", venue="y")
    facts = bench.price(90.0, venue="x")
    assert trips(facts) == [("portfolio_loss_pct", "")]
    sent = [(f.strategy_id, f.venue, f.side, f.quantity) for f in facts if isinstance(f, OrderAccepted)]
    assert sent == [("alpha", "x", -1, 150.0), ("beta", "y", 1, 30.0)]
    assert fills(facts) == []  # never at the price that it was decided on
    assert fills(bench.price(89.0, venue="x")) == [(-150.0, 89.0)]
    assert fills(bench.price(91.0, venue="y")) == [(30.0, 91.0)]
    assert bench.position("alpha") == bench.position("beta") == 0.0
    assert bench.equity == 10_000.0 - 150.0 * 11.0 + 30.0 * 9.0


def test_liquidation_is_not_doubled_while_it_works() -> None:
    bench = Bench(loss_of_a_tenth(), cash=10_000.0, costs=A_TENTH_OF_THE_VOLUME)
    bench.order("buy", 100.0)
    bench.price(100.0, volume=1_000.0)
    bench.price(90.0, volume=0.0)
    for _ in range(3):
        assert bench.price(90.0, volume=0.0) == []
    assert int(bench.desk.book.working) == 1


def test_partial_fills_end_flat() -> None:
    bench = Bench(loss_of_a_tenth(), cash=10_000.0, costs=A_TENTH_OF_THE_VOLUME)
    bench.order("buy", 100.0)
    bench.price(100.0, volume=1_000.0)
    bench.price(90.0, volume=300.0)
    left = []
    for _ in range(5):
        bench.price(90.0, volume=300.0)
        left.append(bench.position())
    assert left == [70.0, 40.0, 10.0, 0.0, 0.0]
    assert float(bench.desk.view.positions[0].exposure) == 0.0


@pytest.mark.parametrize("fails_at", [10.0, 25.0], ids=["before the trip", "while it works"])
def test_a_venue_that_is_down_for_a_while(fails_at: float) -> None:
    """Down until 60 s; the trip comes at 20 s."""
    down = VenueFaultWindow(
        VenueFault.DISCONNECT, MIDNIGHT + int(fails_at * SECOND), MIDNIGHT + 60 * SECOND, venue="x"
    )
    bench = Bench(
        loss_of_a_tenth(), instruments=TWO_VENUES, cash=10_000.0, costs=A_TENTH_OF_THE_VOLUME, faults=[down]
    )
    bench.order("buy", 100.0, venue="x")
    bench.price(100.0, volume=1_000.0)
    bench.price(100.0, venue="x", at=9.0)
    assert trips(bench.price(90.0, at=20.0, volume=0.0)) == [("portfolio_loss_pct", "")]
    for second in (30.0, 40.0, 50.0):
        bench.price(100.0, venue="y", at=second)
        bench.price(90.0, venue="x", volume=1_000.0)
        assert bench.position() == 100.0  # nothing trades there, and the ledger says so
        assert bench.desk.halted() == ("portfolio_loss_pct",)
    assert int(bench.desk.book.working) == 0
    bench.price(100.0, venue="y", at=60.0)  # the venue is back; the order is sent again
    assert int(bench.desk.book.working) == 1
    bench.price(90.0, venue="x", volume=600.0)
    bench.price(90.0, venue="x", volume=600.0)
    assert bench.position() == 0.0


def test_a_reject_storm_ends_flat_in_the_end() -> None:
    storm = VenueFaultWindow(
        VenueFault.REJECT_STORM, MIDNIGHT + 5 * SECOND, MIDNIGHT + 600 * SECOND, "", 0.7, 11
    )
    bench = Bench(loss_of_a_tenth(), cash=10_000.0, faults=[storm])
    bench.hold(100.0)
    for second in range(10, 60):
        bench.price(90.0, at=float(second))
        if bench.position() == 0.0:
            break
    assert bench.position() == 0.0
    rejected = [e for e in endings(bench.facts) if e[0] == "rejected_by_venue"]
    assert {reason for _, reason, _ in rejected} == {"reject_storm"}


def test_a_halted_strategy_is_liquidated_though_no_order_of_its_own_passes() -> None:
    limits = loss_of_a_tenth(
        position_limits={"BTC-USD": PositionLimit(max_long=100.0, max_short=0.0)},
        restricted_list=[],
        repeated_execution=RepeatedExecution(1, 3_600.0),
    )
    bench = Bench(limits, strategies=TWO)
    bench.order("buy", 50.0)
    assert trips(bench.price(100.0)) == [("repeated_execution", "alpha")]
    bench.tell(SetLimits(only(restricted_list=["BTC-USD"], permitted_instruments={"alpha": []})))
    assert bench.order("buy", 1.0) != ACCEPTED
    bench.price(100.0)
    assert bench.position() == 0.0
    assert bench.desk.halted("alpha") == ("repeated_execution",)


def test_only_the_strategy_that_tripped_is_liquidated() -> None:
    limits = only(circuit_breakers=CircuitBreakers(-inf, -500.0, -inf, liquidate=True))
    bench = Bench(limits, strategies=TWO)
    bench.hold(100.0, strategy="alpha")
    bench.hold(-40.0, strategy="beta")
    bench.price(95.0)
    bench.price(95.0)
    assert (bench.position("alpha"), bench.position("beta")) == (0.0, -40.0)


def test_an_operators_cancel_spares_the_liquidation() -> None:
    bench = Bench(loss_of_a_tenth(), cash=10_000.0)
    bench.hold(100.0)
    bench.price(90.0)
    assert endings(bench.tell(CancelOrders())) == []
    bench.price(90.0)
    assert bench.position() == 0.0


def test_nothing_is_liquidated_where_that_is_switched_off_until_a_person_says_so() -> None:
    bench = Bench(only(circuit_breakers=CircuitBreakers(-0.10, -inf, -inf, liquidate=False)), cash=10_000.0)
    bench.hold(100.0)
    for price in (90.0, 90.0, 90.0):
        bench.price(price)
    assert bench.position() == 100.0
    bench.tell(ClosePositions())
    bench.price(90.0)
    assert bench.position() == 0.0


def test_a_position_that_fills_after_the_trip_is_closed_too() -> None:
    """The venue had filled the order before the trip and reports it after."""
    late = VenueFaultWindow(VenueFault.OUT_OF_ORDER_FILLS, MIDNIGHT, MIDNIGHT + 60 * SECOND)
    bench = Bench(loss_of_a_tenth(), faults=[late])
    bench.order("buy", 100.0)
    bench.price(100.0)
    bench.tell(TripBreaker("R. Officer", "drill"))
    assert bench.position() == 0.0
    assert fills(bench.price(100.0)) == [(100.0, 100.0)]
    for _ in range(3):
        bench.price(100.0)
    assert bench.position() == 0.0
    assert int(bench.desk.book.working) == 0


def test_liquidation_waits_for_a_price_that_can_be_believed() -> None:
    bench = Bench(loss_of_a_tenth(order_limits=only().order_limits), cash=10_000.0)
    bench.hold(100.0)
    bench.price(90.0)
    for bad in (float("nan"), -1.0, 0.0):
        assert fills(bench.price(bad)) == []
    assert bench.position() == 100.0
    assert fills(bench.price(89.0)) == [(-100.0, 89.0)]


def test_a_person_may_close_one_symbol_of_one_strategy() -> None:
    instruments = (Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x"))
    bench = Bench(only(), strategies=TWO, instruments=instruments)
    for strategy in TWO:
        for symbol in ("BTC-USD", "ETH-USD"):
            bench.hold(5.0, strategy=strategy, symbol=symbol)
    bench.tell(ClosePositions("alpha", "ETH-USD"))
    for symbol in ("BTC-USD", "ETH-USD"):
        bench.price(100.0, symbol=symbol)
    held = [bench.position(strategy, symbol) for strategy in TWO for symbol in ("BTC-USD", "ETH-USD")]
    assert held == [5.0, 0.0, 5.0, 5.0]


def test_after_a_reset_the_strategy_trades_again() -> None:
    bench = Bench(loss_of_a_tenth(), cash=10_000.0)
    bench.hold(100.0)
    bench.price(90.0)
    bench.price(90.0)
    bench.tell(ResetBreaker("R. Officer", "flat, cause known"))
    bench.hold(50.0)
    assert bench.position() == 50.0
    bench.price(90.0)
    assert bench.position() == 50.0


def test_a_failing_strategys_position_is_closed_without_its_help() -> None:
    limits = only(strategy_errors=StrategyErrors(1, 60.0), circuit_breakers=CircuitBreakers(-inf, -inf, -inf))
    bench = Bench(limits, strategies=TWO)
    bench.hold(10.0)
    bench.tell(StrategyFailed("alpha", "division by zero"))
    for _ in range(2):
        bench.price(100.0)
    assert bench.position() == 0.0


def test_a_resting_order_of_the_strategy_does_not_keep_the_liquidation_away() -> None:
    """A reducing order far from the market, sent between the trip and the next price."""
    limits = only(strategy_errors=StrategyErrors(1, 60.0), circuit_breakers=CircuitBreakers(-inf, -inf, -inf))
    bench = Bench(limits)
    bench.hold(10.0)
    bench.tell(StrategyFailed("alpha", "division by zero"))
    bench.order("sell", 10.0, order_type="limit", limit_price=10_000.0)
    for _ in range(3):
        bench.price(100.0)
    assert bench.position() == 0.0


def test_a_full_queue_does_not_keep_the_liquidation_away() -> None:
    limits = only(circuit_breakers=CircuitBreakers(-inf, -500.0, -inf))
    bench = Bench(limits, strategies=TWO, capacity=20)
    bench.hold(100.0)
    for _ in range(18):  # two places are kept, one for each position that there may be
        assert bench.order("buy", 1.0, strategy="beta", order_type="limit", limit_price=50.0) == ACCEPTED
    assert bench.order("buy", 1.0, strategy="beta") == ("queue_full",)
    for _ in range(3):
        bench.price(95.0)
    assert bench.position() == 0.0


def test_the_kill_switch_holds_what_is_held_though_breakers_liquidate() -> None:
    """Not one order leaves: not after the kill, not for a loss that trips a breaker later, not what only reduces."""
    bench = Bench(loss_of_a_tenth(), cash=10_000.0)
    bench.hold(100.0)
    bench.tell(TripBreaker("R. Officer", "stop", kill=True))
    for price in (99.0, 85.0, 80.0):
        facts = bench.price(price)
        assert not [fact for fact in facts if isinstance(fact, OrderAccepted)]
    assert bench.desk.halted() == ("portfolio_loss_pct", "kill_switch")
    assert bench.order("sell", 10.0) != ACCEPTED
    assert bench.position() == 100.0
    bench.tell(ClosePositions())
    bench.price(80.0)
    assert bench.position() == 0.0


def test_the_kill_switch_ends_a_liquidation_each_time_that_it_is_used() -> None:
    bench = Bench(loss_of_a_tenth(), cash=10_000.0, costs=A_TENTH_OF_THE_VOLUME)
    bench.order("buy", 100.0)
    bench.price(100.0, volume=1_000.0)
    bench.price(90.0, volume=300.0)
    bench.price(90.0, volume=300.0)  # liquidation has sold a part
    assert bench.position() == 70.0
    kill = TripBreaker("R. Officer", "stop", kill=True)
    assert [end[0] for end in endings(bench.tell(kill))] == ["cancelled"]
    bench.price(90.0, volume=300.0)
    bench.tell(ClosePositions())
    assert [end[0] for end in endings(bench.tell(kill))] == ["cancelled"]
    bench.price(90.0, volume=300.0)
    assert (bench.position(), int(bench.desk.book.working)) == (70.0, 0)


def test_a_killed_strategy_is_held_while_the_others_are_liquidated() -> None:
    bench = Bench(loss_of_a_tenth(), strategies=TWO, cash=10_000.0)
    bench.hold(100.0, strategy="alpha")
    bench.hold(100.0, strategy="beta")
    bench.tell(TripBreaker("R. Officer", "stop", "alpha", kill=True))
    bench.price(80.0)
    bench.price(80.0)
    assert (bench.position("alpha"), bench.position("beta")) == (100.0, 0.0)


def test_a_venue_that_a_person_stopped_gets_no_liquidation() -> None:
    bench = Bench(loss_of_a_tenth(), instruments=TWO_VENUES, cash=10_000.0)
    bench.hold(100.0, venue="x")
    bench.hold(100.0, venue="y")
    bench.tell(HaltVenue("R. Officer", "it prints nonsense", "x"))
    for _ in range(2):
        bench.price(80.0, venue="x")
        bench.price(80.0, venue="y")
    assert bench.position() == 100.0  # at x alone
    bench.tell(HaltVenue("R. Officer", "it is well again", "x", halted=False))
    bench.price(80.0, venue="x")
    bench.price(80.0, venue="x")
    assert bench.position() == 0.0


def test_liquidation_at_a_venue_that_rejects_everything_waits_longer_and_longer() -> None:
    """Prices each 50 ms for 20 s, all orders rejected from 10 s on.

    Waits of 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 and from there on 5 s lie between the tries.
    """
    storm = VenueFaultWindow(
        VenueFault.REJECT_STORM, MIDNIGHT + 5 * SECOND, MIDNIGHT + 30 * SECOND, "", 1.0, 1
    )
    bench = Bench(loss_of_a_tenth(), cash=10_000.0, faults=[storm])
    bench.hold(100.0)
    tried = []
    for step in range(400):
        at = 10.0 + step / 20.0
        if [fact for fact in bench.price(90.0, at=at) if isinstance(fact, OrderAccepted)]:
            tried.append(round(at - 10.0, 2))
    assert tried == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3]
    facts = bench.tell(ClosePositions())  # a person is not kept waiting
    assert [fact.quantity for fact in facts if isinstance(fact, OrderAccepted)] == [100.0]
    assert bench.tell(ClosePositions(patient=True)) == []
    for second in (31.0, 36.0, 37.0):
        bench.price(90.0, at=second)
    assert bench.position() == 0.0
