"""Exposure is booked before an order leaves and released on each of its final states (RTS 6 article 15(2))."""

from __future__ import annotations

from math import inf

from tests.risk.bench import ACCEPTED, MIDNIGHT, SECOND, Bench, endings, fills, only
from workbench.core.build import VenueFaultWindow
from workbench.core.costs import Costs
from workbench.core.facts import OrderAccepted, OrderEnded
from workbench.core.intents import CancelOrders, Signals
from workbench.core.limits import PositionLimit
from workbench.core.messages import MarketSignal
from workbench.core.venue_faults import VenueFault

TEN = only(position_limits={"BTC-USD": PositionLimit(max_long=10.0, max_short=-10.0)})
RESTING = {"order_type": "limit", "limit_price": 90.0}


def booked(bench: Bench) -> tuple[float, float]:
    """Working units of strategy alpha: buys, sells."""
    row = bench.desk.view.positions[0]
    symbol = bench.desk.view.symbols[0]
    assert (row.working_buy, row.working_sell) == (symbol.working_buy, symbol.working_sell)
    return float(row.working_buy), float(row.working_sell)


def is_full(bench: Bench) -> bool:
    """Whether the limit of ten is used up: the smallest buy is refused."""
    return bench.order("buy", 0.001) == ("position_limit",)


def test_an_order_counts_from_the_moment_it_is_accepted() -> None:
    bench = Bench(TEN)
    assert bench.order("buy", 10.0, **RESTING) == ACCEPTED
    assert booked(bench) == (10.0, 0.0)
    assert is_full(bench)


def test_a_refused_order_books_nothing() -> None:
    bench = Bench(TEN)
    assert bench.order("buy", 10.5) == ("position_limit",)
    assert booked(bench) == (0.0, 0.0)
    assert float(bench.desk.view.positions[0].exposure) == 0.0


def test_cancelled_releases() -> None:
    bench = Bench(TEN)
    bench.order("buy", 10.0, **RESTING)
    assert endings(bench.tell(CancelOrders())) == [("cancelled", "requested", 10.0)]
    assert booked(bench) == (0.0, 0.0)
    assert not is_full(bench)


def test_replaced_counts_once() -> None:
    bench = Bench(TEN)
    bench.order("buy", 10.0, **RESTING)
    terms = {**RESTING, "quantity": 9.0, "action": "replace"}
    bench.tell(Signals("alpha", [MarketSignal("BTC-USD", None, 1.0, 1.0, terms)]))
    assert booked(bench) == (9.0, 0.0)


def test_expired_releases() -> None:
    bench = Bench(TEN)
    bench.order("buy", 10.0, time_in_force="DAY", **RESTING)
    bench.price(100.0, at=86_399.0)
    assert is_full(bench)
    assert endings(bench.price(100.0, at=86_400.0)) == [("expired", "end_of_day", 10.0)]
    assert booked(bench) == (0.0, 0.0)


def test_rejected_by_the_venue_releases_and_had_been_booked_before() -> None:
    down = VenueFaultWindow(VenueFault.DISCONNECT, MIDNIGHT, MIDNIGHT + 60 * SECOND)
    bench = Bench(TEN, faults=[down])
    facts = bench.send("buy", 10.0)
    accepted, ended = facts
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(ended, OrderEnded)
    assert (ended.state, ended.reason, ended.leaves) == ("rejected_by_venue", "venue_down", 10.0)
    assert booked(bench) == (0.0, 0.0)


def test_filled_moves_from_working_to_held() -> None:
    bench = Bench(TEN)
    bench.order("buy", 10.0)
    assert fills(bench.price(100.0)) == [(10.0, 100.0)]
    assert booked(bench) == (0.0, 0.0)
    assert bench.position() == 10.0
    assert is_full(bench)


def test_a_partial_fill_moves_its_part_and_the_rest_is_released_on_cancel() -> None:
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.0)  # a tenth of each update's volume
    bench = Bench(TEN, costs=costs)
    bench.order("buy", 10.0)
    assert fills(bench.price(100.0, volume=40.0)) == [(4.0, 100.0)]
    assert (booked(bench), bench.position()) == ((6.0, 0.0), 4.0)
    assert is_full(bench)
    bench.tell(CancelOrders())
    assert (booked(bench), bench.position()) == ((0.0, 0.0), 4.0)
    assert bench.order("buy", 6.01) == ("position_limit",)
    assert bench.order("buy", 6.0) == ACCEPTED


def test_the_remainder_of_ioc_and_an_unfillable_fok_are_released() -> None:
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.0)
    bench = Bench(TEN, costs=costs)
    bench.order("buy", 5.0, time_in_force="IOC")
    bench.order("sell", 5.0, time_in_force="FOK")
    assert booked(bench) == (5.0, 5.0)
    bench.price(100.0, volume=40.0)
    assert (booked(bench), bench.position()) == ((0.0, 0.0), 4.0)


def test_what_a_venue_filled_and_has_not_reported_stays_booked_through_a_cancel() -> None:
    late = VenueFaultWindow(VenueFault.OUT_OF_ORDER_FILLS, MIDNIGHT, MIDNIGHT + 60 * SECOND)
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.0)
    bench = Bench(TEN, faults=[late], costs=costs)
    bench.order("buy", 10.0)
    assert fills(bench.price(100.0, volume=40.0)) == []  # four are filled, the report is under way
    bench.tell(CancelOrders())
    assert (booked(bench), bench.position()) == ((4.0, 0.0), 0.0)
    assert bench.order("buy", 6.01, **RESTING) == ("position_limit",)
    assert fills(bench.price(100.0, volume=0.0)) == [(4.0, 100.0)]
    assert (booked(bench), bench.position()) == ((0.0, 0.0), 4.0)


def test_a_duplicate_report_is_released_once() -> None:
    twice = VenueFaultWindow(VenueFault.DUPLICATE_FILLS, MIDNIGHT, MIDNIGHT + 60 * SECOND)
    bench = Bench(TEN, faults=[twice])
    bench.order("buy", 10.0)
    assert fills(bench.price(100.0)) == [(10.0, 100.0)]
    assert (booked(bench), bench.position()) == ((0.0, 0.0), 10.0)


def test_exposure_of_a_working_order_follows_the_mark() -> None:
    bench = Bench(only())
    bench.order("buy", 10.0, **RESTING)
    bench.price(120.0)
    assert float(bench.desk.view.positions[0].exposure) == 1_200.0


def test_an_order_that_closes_and_one_that_opens_do_not_add_up() -> None:
    """Long 6, 10 working to sell: the worst is 6 long or 4 short."""
    bench = Bench(only())
    bench.hold(6.0)
    bench.order("sell", 10.0, order_type="limit", limit_price=110.0)
    assert float(bench.desk.view.positions[0].exposure) == 600.0
    bench.order("sell", 3.0, order_type="limit", limit_price=110.0)
    assert float(bench.desk.view.positions[0].exposure) == 700.0
    assert inf > float(bench.desk.book.worst_gross) == 700.0
