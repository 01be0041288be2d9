"""Orders at a venue outside of the desk: they work until the venue says otherwise, and nothing is taken twice."""

from typing import Any

import numpy as np
import pytest

from tests.core.table import Table, accepted, endings, fills, notices
from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import BreakerTripped, CancelRequested, Fact, OrderAcknowledged, OrderRefused
from workbench.core.intents import (
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    SeatStrategy,
    Signals,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.limits import CircuitBreakers, PositionLimit, RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate


class Remote(Table):
    """A table whose venue is outside; it has a session from the start."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(remote=True, **settings)
        self.desk.process(VenueSession("v", up=True))

    def report(self, kind: str, order: int = 1, side: int = 1, **fields: Any) -> list[Fact]:
        fields = {"strategy_id": "s", **fields}
        return self.desk.process(VenueReport(kind, "v", "X", order, side, **fields))


def test_no_price_fills_an_order_at_a_remote_venue() -> None:
    table = Remote()
    table.price(100.0)
    assert len(accepted(table.order(1.0))) == 1
    assert fills(table.price(100.0)) == []
    assert fills(table.report("filled", execution_id=0, quantity=1.0, price=101.0)) == [(1.0, 101.0, "taker")]
    assert table.quantity == 1.0


def test_before_a_session_is_up_orders_are_rejected() -> None:
    table = Table(remote=True)
    table.price(100.0)
    assert endings(table.order(1.0)) == [("rejected_by_venue", "venue_down", 1.0)]


def test_a_partial_fill_leaves_the_rest_working_and_booked() -> None:
    limits = RiskLimits(position_limits={"X": PositionLimit(max_long=3.0, max_short=-3.0)})
    table = Remote(unit=2.0, limits=limits)
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0)
    (told,) = table.report("acknowledged")
    assert isinstance(told, OrderAcknowledged)
    assert table.report("acknowledged") == []
    table.report("filled", execution_id=0, quantity=0.5, price=99.0, liquidity="maker")
    assert table.quantity == 0.5
    refused = [f for f in table.order(1.0) if isinstance(f, OrderRefused)]
    assert "position_limit" in refused[0].failed_checks  # 0.5 held, 1.5 works, 2 more would be 4


def test_a_cancel_is_asked_for_once_and_done_when_the_venue_says_so() -> None:
    table = Remote()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0)
    (asked,) = table.desk.process(CancelOrders())
    assert isinstance(asked, CancelRequested)
    assert asked.order_id == 1
    assert table.desk.process(CancelOrders()) == []
    assert endings(table.report("cancelled")) == [("cancelled", "requested", 1.0)]
    assert table.report("cancelled") == []


def test_a_refused_cancel_can_be_asked_for_again() -> None:
    table = Remote()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0)
    table.desk.process(CancelOrders())
    table.report("cancel_rejected")
    assert len(table.desk.process(CancelOrders())) == 1


def test_an_execution_is_taken_once() -> None:
    table = Remote(unit=2.0)
    table.price(100.0)
    table.order(1.0)
    for _ in range(3):
        table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    assert table.quantity == 1.0


def test_a_fill_after_the_cancel_still_reaches_the_ledger() -> None:
    table = Remote(costs=Costs.free())
    table.price(100.0)
    table.order(1.0)
    table.report("cancelled")
    late = table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    assert fills(late) == [(1.0, 100.0, "taker")]
    assert table.quantity == 1.0
    assert table.desk.halted() == ()
    free = table.desk.book.free
    table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    assert (table.quantity, table.desk.book.free) == (1.0, free)


def test_a_gap_in_the_numbers_is_told() -> None:
    table = Remote(unit=5.0)
    table.price(100.0)
    table.order(1.0)
    table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    assert "execution_gap" in notices(table.report("filled", execution_id=2, quantity=1.0, price=100.0))
    assert notices(table.report("filled", execution_id=1, quantity=1.0, price=100.0)) == []
    assert table.quantity == 3.0


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy_id": "", "quantity": 1.0, "price": 100.0},
        {"quantity": float("nan"), "price": 100.0},
        {"quantity": 1.0, "price": -5.0},
    ],
)
def test_an_execution_that_nobody_can_place_stops_everything(fields: dict[str, Any]) -> None:
    table = Remote()
    table.price(100.0)
    facts = table.report("filled", order=77, execution_id=0, **fields)
    assert [f.reason for f in facts if isinstance(f, BreakerTripped)] == ["unknown_execution"]
    assert table.desk.halted() == ("unknown_execution",)
    assert table.quantity == 0.0


def test_more_than_was_ordered_is_booked_and_stops_everything() -> None:
    table = Remote()
    table.price(100.0)
    table.order(1.0)
    table.report("filled", execution_id=0, quantity=3.0, price=100.0)
    assert table.quantity == 3.0
    assert table.desk.halted() == ("unknown_execution",)


def test_a_breaker_asks_for_everything_back_and_closes_at_the_remote_venue() -> None:
    table = Remote(limits=RiskLimits(circuit_breakers=CircuitBreakers(liquidate=True)))
    table.price(100.0)
    table.order(1.0)
    table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    table.order(1.0, order_type="limit", limit_price=99.5)
    facts = table.desk.process(TripBreaker("ana", "drill"))
    assert [f.order_id for f in facts if isinstance(f, CancelRequested)] == [2]
    (closing,) = accepted(facts)
    assert closing.side == -1
    table.report("filled", order=closing.order_id, side=-1, execution_id=1, quantity=1.0, price=99.0)
    assert table.quantity == 0.0
    assert accepted(table.price(100.0)) == []


def test_closing_waits_for_what_is_being_asked_back() -> None:
    table = Remote()
    table.price(100.0)
    table.order(1.0)
    table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    table.order(-1.0, order_type="limit", limit_price=120.0)
    facts = table.desk.process(ClosePositions())
    assert [f.order_id for f in facts if isinstance(f, CancelRequested)] == [2]
    assert accepted(facts) == []  # the take-profit may still be filled: two closing orders would sell twice
    table.report("cancelled", order=2, side=-1)
    assert len(accepted(table.desk.process(ClosePositions()))) == 1


def test_a_halted_venue_takes_only_what_reduces_until_a_person_resumes_it() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0)
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0)
    facts = table.desk.process(HaltVenue("ana", "drill", "v"))
    assert (notices(facts), len(endings(facts))) == (["venue_halted"], 1)
    (refused,) = [f for f in table.order(1.0) if isinstance(f, OrderRefused)]
    assert refused.failed_checks == ("circuit_breaker",)
    assert len(accepted(table.desk.process(ClosePositions(venue="v")))) == 1
    table.price(100.0)
    assert table.quantity == 0.0
    assert notices(table.desk.process(HaltVenue("ana", "done", "v", halted=False))) == ["venue_resumed"]
    assert len(accepted(table.order(1.0))) == 1


def test_the_kill_switch_latches_under_its_own_name() -> None:
    table = Table()
    table.price(100.0)
    table.desk.process(TripBreaker("ana", "drill", kill=True))
    assert table.desk.halted() == ("kill_switch",)


def test_closing_at_a_remote_venue_that_refuses_waits_until_time_or_a_new_session() -> None:
    table = Remote(limits=RiskLimits(circuit_breakers=CircuitBreakers(liquidate=True)))
    table.price(100.0)
    table.order(1.0)
    table.report("filled", execution_id=0, quantity=1.0, price=100.0)
    (closing,) = accepted(table.desk.process(TripBreaker("ana", "drill")))
    now = int(table.desk.book.now_ns)
    for kind, wait in (("rejected", 0.1), ("cancelled", 0.2), ("expired", 0.4)):
        assert accepted(table.report(kind, order=closing.order_id, side=-1)) == []
        assert accepted(table.desk.process(ClockTick(now + int(wait * 1e9) - 1))) == []
        now += int(wait * 1e9)
        (closing,) = accepted(table.desk.process(ClockTick(now)))
    table.report("rejected", order=closing.order_id, side=-1)
    table.desk.process(VenueSession("v", up=False))
    (closing,) = accepted(table.desk.process(VenueSession("v", up=True)))
    table.report("rejected", order=closing.order_id, side=-1)
    (closing,) = accepted(table.desk.process(ClockTick(now + 10**8)))  # from the beginning: 0.1 s
    table.report("filled", order=closing.order_id, side=-1, execution_id=1, quantity=0.5, price=99.0)
    (closing,) = accepted(
        table.report("cancelled", order=closing.order_id, side=-1)
    )  # it had traded: no wait
    assert closing.quantity == 0.5


def test_a_tick_of_the_clock_changes_the_day() -> None:
    table = Remote()
    table.price(100.0)
    day = int(table.desk.book.day)
    table.desk.process(ClockTick(2 * 86_400 * 10**9))
    assert table.desk.book.day == day + 2
    table.desk.process(ClockTick(0))
    assert table.desk.book.day == day + 2


def prices(desk: TradingDesk, count: int) -> list[Fact]:
    generator = np.random.default_rng(4)
    path = 100.0 + generator.normal(size=count).cumsum()
    facts: list[Fact] = []
    for i in range(count):
        last = float(path[i])
        nan = float("nan")
        price = PriceUpdate("X", "v", i * 60 * 10**9, last, last, last, nan, nan, nan, 0.0, i)
        facts += desk.process(price)
        facts += desk.process(
            Signals("a", [MarketSignal("X", signal_strength=float(generator.uniform(-1, 1)))])
        )
    return facts


def test_a_strategy_that_is_seated_later_changes_nothing_for_the_others() -> None:
    seats = [Seat("a", unit=2.0, capital=1e5), Seat("b", Sizing.TARGET, 3.0, 1e5)]
    instruments = [Instrument("X", "v")]
    whole = TradingDesk(instruments, seats)
    grown = TradingDesk(instruments, seats[:1])
    assert str(prices(whole, 30)) == str(prices(grown, 30))
    grown.process(SeatStrategy(seats[1]))
    assert grown.strategies == ("a", "b")
    assert bytes(grown.state) == bytes(whole.state)


def test_a_desk_may_begin_without_strategies() -> None:
    desk = TradingDesk([Instrument("X", "v")], [])
    nan = float("nan")
    desk.process(PriceUpdate("X", "v", 0, 1.0, 1.0, 1.0, nan, nan, nan, 0.0, 0))
    desk.process(SeatStrategy(Seat("a", capital=1e5)))
    assert desk.process(Signals("a", [MarketSignal("X", signal_strength=1.0)]))


def test_a_seat_is_changed_in_place() -> None:
    table = Remote()
    table.price(100.0)
    table.desk.process(SeatStrategy(Seat("s", Sizing.TARGET, 7.0)))
    (order,) = accepted(table.order(1.0))
    assert order.quantity == 7.0
