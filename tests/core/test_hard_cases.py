"""Corners where a desk could lose count: each of these was a way to a wrong position or a disarmed control."""

import math

import msgspec
import pytest

from tests.core.table import MINUTE, Table, accepted, endings, fills
from workbench.core.build import VenueFaultWindow
from workbench.core.costs import Costs
from workbench.core.facts import BreakerTripped, OrderRefused, SignalRefused
from workbench.core.intents import AcceptPrice, CancelOrders, ResetBreaker, SetLimits, TripBreaker
from workbench.core.limits import (
    CircuitBreakers,
    DrawdownLimits,
    OrderLimits,
    RepeatedExecution,
    RiskLimits,
)
from workbench.core.venue_faults import VenueFault
from workbench.errors import EngineError

OFF = RiskLimits.unlimited()


def only(**tables: object) -> RiskLimits:
    """Nothing checked but what `tables` set."""
    return msgspec.structs.replace(OFF, enable_pre_trade=True, enable_circuit_breakers=True, **tables)


def reasons(facts: list[object]) -> list[str]:
    return [f.reason for f in facts if isinstance(f, SignalRefused)]


def test_an_ioc_order_filled_up_to_dust_gives_its_slot_back_once() -> None:
    table = Table(order_capacity=3)
    table.price(100.0)
    table.order(1.0, quantity=0.1 + 0.2, time_in_force="IOC")
    facts = table.price(100.0, sizes=(math.nan, 0.3))
    assert (len(fills(facts)), endings(facts)) == (1, [])
    assert int(table.desk.book.working) == 0
    for price in (90.0, 80.0):
        table.order(1.0, order_type="limit", limit_price=price)
    assert len(endings(table.desk.process(CancelOrders()))) == 2
    assert float(table.desk.view.positions[0].working_buy) == 0.0


def test_the_rest_of_a_marketable_limit_order_goes_on_paying_the_market() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=10.0)
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=109.0)
    assert fills(table.price(100.0, volume=50.0)) == [(5.0, 100.0, "taker")]
    assert fills(table.price(101.0, volume=50.0)) == [(5.0, 101.0, "taker")]


def test_a_quoted_size_is_given_once() -> None:
    table = Table(unit=10.0)
    table.price(100.0)
    table.order(1.0)
    table.order(1.0)
    assert fills(table.price(100.0, sizes=(99.0, 12.0))) == [(10.0, 100.0, "taker"), (2.0, 100.0, "taker")]


def test_cutting_an_order_into_pieces_does_not_make_it_cheap() -> None:
    costs = Costs(0, 0, 0, 0, impact_bps=100.0, participation=1.0)
    whole, pieces = (Table(costs=costs, unit=unit, order_capacity=100) for unit in (100.0, 1.0))
    for table, count in ((whole, 1), (pieces, 100)):
        table.price(100.0)
        for _ in range(count):
            table.order(1.0)
        table.price(100.0, volume=1000.0)
    paid = [(1_000_000.0 - float(t.desk.book.equity)) for t in (whole, pieces)]
    assert paid[0] == pytest.approx(100 * 100.0 * 0.01 * math.sqrt(0.1))
    assert paid[1] > 0.6 * paid[0]


def test_a_sale_never_brings_less_than_nothing() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, impact_bps=10.0, participation=math.inf), unit=1e7)
    table.price(100.0)
    table.order(-1.0)
    [(_, price, _)] = fills(table.price(100.0, volume=1.0))
    assert price == pytest.approx(10.0)


def test_a_throttle_is_not_disarmed_by_reports_that_come_late() -> None:
    limits = only(repeated_execution=RepeatedExecution(3, 3600.0))
    faults = [VenueFaultWindow(VenueFault.OUT_OF_ORDER_FILLS, 0, 99 * MINUTE)]
    table = Table(limits=limits, faults=faults)
    table.price(100.0)
    for _ in range(3):
        table.order(1.0)
    facts = table.price(100.0) + table.price(100.0)
    assert [f.reason for f in facts if isinstance(f, BreakerTripped)] == ["repeated_execution"]


def test_an_order_that_is_refused_cancels_nobody_elses() -> None:
    limits = only(self_trade_prevention="cancel_oldest", order_limits=OrderLimits(max_order_value=500.0))
    table = Table(limits=limits, strategies=("s", "t"), unit=2.0)
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0)
    table.price(100.0)
    facts = table.order(-1.0, "t", order_type="limit", limit_price=98.0, quantity=1000.0)
    assert [type(f) for f in facts if isinstance(f, OrderRefused)] == [OrderRefused]
    assert endings(facts) == []
    assert endings(table.order(-1.0, "t", order_type="limit", limit_price=98.0)) == [
        ("cancelled", "self_trade", 2.0)
    ]


def test_a_reset_ends_the_liquidation() -> None:
    table = Table(limits=only(circuit_breakers=CircuitBreakers(liquidate=True)), unit=100.0)
    table.price(100.0)
    table.order(1.0)
    table.price(100.0)
    table.desk.process(TripBreaker("me", "drill"))
    assert endings(table.desk.process(ResetBreaker("me", "drill over"))) == [
        ("cancelled", "requested", 100.0)
    ]
    table.price(100.0)
    assert table.quantity == 100.0


def test_a_halved_price_is_believed_late_and_a_tenth_only_by_a_person() -> None:
    table = Table(limits=RiskLimits())
    mark = table.desk.view.instruments[0]
    table.price(100.0)
    for _ in range(20):
        table.price(40.0)
    assert float(mark.mark) == 100.0
    table.price(40.0)
    assert float(mark.mark) == 40.0
    for _ in range(30):
        table.price(3.0)
    assert float(mark.mark) == 40.0
    with pytest.raises(EngineError, match="named person"):
        table.desk.process(AcceptPrice("", "split", "X"))
    with pytest.raises(EngineError, match="for one symbol; it is empty"):
        table.desk.process(AcceptPrice("me", "split", ""))
    table.desk.process(AcceptPrice("me", "split 13:1", "X"))
    table.price(3.0)
    assert float(mark.mark) == 3.0


def test_replacing_an_order_that_has_been_filled_does_not_double_it() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, client_order_id=7)
    table.price(100.0)
    facts = table.order(1.0, action="replace", client_order_id=7)
    assert (reasons(list(facts)), accepted(facts)) == (["unknown_order"], [])


def test_replacing_an_order_under_its_own_id_is_no_duplicate() -> None:
    table = Table(limits=RiskLimits())
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0, client_order_id=7)
    facts = table.order(1.0, action="replace", order_type="limit", limit_price=98.0, client_order_id=7)
    assert [o.limit_price for o in accepted(facts)] == [98.0]


def test_no_strength_is_no_order_whatever_the_quantity() -> None:
    table = Table()
    table.price(100.0)
    assert accepted(table.order(0.0, quantity=5.0)) == []


def test_a_tighter_limit_bites_at_once() -> None:
    table = Table(limits=only(drawdown_limits=DrawdownLimits(-100_000.0, -math.inf, math.inf)), unit=100.0)
    table.price(100.0)
    table.order(1.0)
    table.price(100.0)
    table.price(90.0)  # 1,000 lost
    facts = table.desk.process(SetLimits(only(drawdown_limits=DrawdownLimits(-500.0, -math.inf, math.inf))))
    assert [f.reason for f in facts if isinstance(f, BreakerTripped)] == ["daily_loss"]


def test_a_price_that_comes_late_is_as_old_as_it_is() -> None:
    table = Table(limits=RiskLimits())
    table.price(100.0, minute=60.0)
    table.price(100.0, minute=1.0)
    facts = table.order(1.0)
    assert [f.failed_checks for f in facts if isinstance(f, OrderRefused)] == [("price_collar",)]


@pytest.mark.parametrize("sizing_unit", [1e300, 1e308])
def test_no_infinite_order_is_sent_even_without_limits(sizing_unit: float) -> None:
    table = Table(unit=sizing_unit)
    table.price(1e10)
    assert reasons(list(table.order(1.0))) == ["invalid_signal"]


def test_post_only_needs_a_limit() -> None:
    table = Table()
    table.price(100.0)
    assert reasons(list(table.order(1.0, post_only=True))) == ["bad_metadata"]


def test_a_small_position_can_be_closed_below_the_minimum_notional() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, quantity=0.05)
    table.price(100.0)
    table.desk.view.instruments[0].min_notional = 10.0
    assert [o.quantity for o in accepted(table.order(-1.0, quantity=0.05))] == [0.05]
    assert reasons(list(table.order(1.0, quantity=0.05))) == ["below_min_notional"]
