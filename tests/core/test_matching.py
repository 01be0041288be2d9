"""Matching against quotes, one small table per rule."""

import math

import pytest

from tests.core.table import Table, accepted, endings, fills
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.facts import StopTriggered
from workbench.core.messages import Instrument, OrderFill


def test_a_market_order_fills_on_the_next_update_and_never_on_its_own() -> None:
    table = Table()
    assert fills(table.price(100.0)) == []
    assert fills(table.order(1.0)) == []
    assert fills(table.price(103.0, bid=102.0, ask=104.0)) == [(1.0, 104.0, "taker")]


def test_a_market_sell_takes_the_bid() -> None:
    table = Table()
    table.price(100.0)
    table.order(-1.0)
    assert fills(table.price(103.0, bid=102.0, ask=104.0)) == [(-1.0, 102.0, "taker")]


def test_slippage_and_root_impact_move_the_price_against_the_taker() -> None:
    # 100 of 400 units of volume: root of the share 0.5, so 10 bps slippage + 0.5 x 40 bps impact = 30 bps
    table = Table(
        costs=Costs(0.0, 0.0, 0.0, slippage_bps=10.0, impact_bps=40.0, participation=1.0), unit=100.0
    )
    table.price(100.0)
    table.order(1.0)
    [(units, price, _)] = fills(table.price(100.0, volume=400.0))
    assert units == 100.0
    assert price == pytest.approx(100.30, abs=1e-12)


@pytest.mark.parametrize(("strength", "price"), [(1.0, 100.05), (-1.0, 99.95)])
def test_a_taking_price_is_rounded_to_the_tick_against_the_trader(strength: float, price: float) -> None:
    table = Table(
        instrument=Instrument("X", "v", tick=0.05), costs=Costs(0, 0, 0, slippage_bps=1.0, impact_bps=0)
    )
    table.price(100.0)
    table.order(strength)
    [(units, paid, _)] = fills(table.price(100.0))
    assert units == strength
    assert paid == pytest.approx(price)


def test_a_resting_limit_waits_until_the_touch_comes_and_fills_at_its_limit_as_maker() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0)
    assert fills(table.price(99.5)) == []
    assert fills(table.price(98.0)) == [(1.0, 99.0, "maker")]


def test_a_limit_order_that_can_trade_on_arrival_takes_the_touch() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=105.0)
    assert fills(table.price(101.0)) == [(1.0, 101.0, "taker")]


def test_slippage_never_makes_a_limit_order_worse_than_its_limit() -> None:
    table = Table(costs=Costs(0, 0, 0, slippage_bps=100.0, impact_bps=0))
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=100.5)
    assert fills(table.price(100.0)) == [(1.0, 100.5, "taker")]


def test_maker_and_taker_pay_their_own_fee() -> None:
    table = Table(costs=Costs(0, maker_bps=10.0, taker_bps=20.0, slippage_bps=0, impact_bps=0))
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0)
    table.order(1.0)
    facts = table.price(100.0) + table.price(98.0)
    assert [f.fee for f in facts if isinstance(f, OrderFill)] == [pytest.approx(0.2), pytest.approx(0.099)]


def test_post_only_is_rejected_where_it_would_take() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=101.0, post_only=True)
    assert endings(table.price(100.0)) == [("rejected_by_venue", "post_only_would_cross", 1.0)]


def test_post_only_rests_where_it_would_not() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=99.0, post_only=True)
    assert endings(table.price(100.0)) == []
    assert fills(table.price(99.0)) == [(1.0, 99.0, "maker")]


def test_a_stop_sleeps_until_the_last_price_reaches_it_and_then_takes_the_touch() -> None:
    table = Table()
    table.price(100.0)
    table.order(-1.0, order_type="stop", stop_price=95.0)
    assert fills(table.price(96.0)) == []
    facts = table.price(94.0, bid=93.0, ask=95.0)  # gapped through: the stop does not promise its price
    assert [type(f) for f in facts] == [StopTriggered, OrderFill]
    assert fills(facts) == [(-1.0, 93.0, "taker")]


def test_a_buy_stop_triggers_upwards() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="stop", stop_price=105.0)
    assert fills(table.price(104.0)) == []
    assert fills(table.price(105.0)) == [(1.0, 105.0, "taker")]


def test_a_stop_limit_becomes_a_limit_order_once_triggered() -> None:
    table = Table()
    table.price(100.0)
    table.order(-1.0, order_type="stop_limit", stop_price=95.0, limit_price=94.0)
    assert fills(table.price(93.0)) == []  # triggered, but below its limit
    assert fills(table.price(96.0)) == [(-1.0, 94.0, "maker")]


def test_ioc_takes_what_there_is_and_cancels_the_rest() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=100.0)
    table.price(100.0)
    table.order(1.0, time_in_force="IOC")
    facts = table.price(100.0, volume=300.0)
    assert fills(facts) == [(30.0, 100.0, "taker")]
    assert endings(facts) == [("cancelled", "ioc_remainder", 70.0)]


def test_fok_fills_whole_or_not_at_all() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=100.0)
    table.price(100.0)
    table.order(1.0, time_in_force="FOK")
    facts = table.price(100.0, volume=999.0)
    assert fills(facts) == []
    assert endings(facts) == [("cancelled", "fok_not_fillable", 100.0)]
    table.order(1.0, time_in_force="FOK")
    assert fills(table.price(100.0, volume=1000.0)) == [(100.0, 100.0, "taker")]


def test_a_fok_limit_that_does_not_cross_is_cancelled_at_once() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0, time_in_force="FOK")
    assert endings(table.price(100.0)) == [("cancelled", "fok_not_fillable", 1.0)]


def test_a_day_order_expires_with_the_utc_day_and_a_gtc_order_does_not() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0, time_in_force="DAY")
    table.order(1.0, order_type="limit", limit_price=90.0, time_in_force="GTC")
    assert endings(table.price(100.0, minute=1439.0)) == []
    facts = table.price(89.0, minute=1440.0)
    assert endings(facts) == [("expired", "end_of_day", 1.0)]
    assert fills(facts) == [(1.0, 90.0, "maker")]


def test_orders_share_the_volume_of_an_update_in_order_of_arrival() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=60.0)
    table.price(100.0)
    table.order(1.0)
    table.order(1.0)
    assert fills(table.price(100.0, volume=1000.0)) == [(60.0, 100.0, "taker"), (40.0, 100.0, "taker")]
    assert fills(table.price(100.0, volume=1000.0)) == [(20.0, 100.0, "taker")]


def test_an_update_without_trades_fills_nothing_and_one_without_a_volume_fills_all() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=60.0)
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(100.0, volume=0.0)) == []
    assert fills(table.price(100.0, volume=math.nan)) == [(60.0, 100.0, "taker")]


def test_a_quoted_size_caps_what_can_be_taken() -> None:
    table = Table(unit=10.0)
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(100.0, sizes=(99.0, 4.0))) == [(4.0, 100.0, "taker")]


def test_a_partial_fill_is_rounded_down_to_the_lot() -> None:
    table = Table(
        costs=Costs(0, 0, 0, 0, 0, participation=0.1), unit=10.0, instrument=Instrument("X", "v", lot=0.5)
    )
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(100.0, volume=18.0)) == [(1.5, 100.0, "taker")]


def test_latency_keeps_an_order_from_the_first_update_that_comes_too_soon() -> None:
    table = Table(costs=Costs(0, 0, 0, 0, 0, math.inf, latency_seconds=90.0))
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(101.0)) == []  # 60 s after the order
    assert fills(table.price(102.0)) == [(1.0, 102.0, "taker")]


def test_reduce_only_never_opens_and_never_flips() -> None:
    table = Table(unit=5.0)
    table.price(100.0)
    assert accepted(table.order(-1.0, reduce_only=True)) == []
    table.order(0.4)  # long 2
    table.price(100.0)
    [order] = accepted(table.order(-1.0, reduce_only=True))  # 5 asked, 2 held
    assert order.quantity == 2.0
    table.price(100.0)
    assert table.quantity == 0.0


def test_a_reduce_only_order_whose_position_has_gone_is_cancelled() -> None:
    table = Table(unit=2.0)
    table.price(100.0)
    table.order(1.0)
    table.price(100.0)
    table.order(-1.0, order_type="limit", limit_price=110.0, reduce_only=True)
    table.order(-1.0)
    facts = table.price(100.0)
    assert fills(facts) == [(-2.0, 100.0, "taker")]
    assert endings(table.price(120.0)) == [("cancelled", "nothing_to_reduce", 2.0)]


def test_target_sizing_sends_the_difference_and_counts_working_orders() -> None:
    table = Table(sizing=Sizing.TARGET, unit=10.0)
    table.price(100.0)
    assert [o.quantity for o in accepted(table.order(1.0))] == [10.0]
    assert accepted(table.order(1.0)) == []  # ten are on their way
    table.price(100.0)
    assert [(o.side, o.quantity) for o in accepted(table.order(-0.5))] == [(-1, 15.0)]


def test_order_sizing_sends_every_signal() -> None:
    table = Table(unit=2.0)
    table.price(100.0)
    assert [o.quantity for _ in range(3) for o in accepted(table.order(0.5))] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("strength", "lot", "quantity"),
    [(1.0, 0.4, 0.8), (-1.0, 0.4, 0.8), (0.3, 0.1, 0.3), (0.29999999, 0.1, 0.2)],
)
def test_quantities_are_rounded_toward_zero_to_the_lot(strength: float, lot: float, quantity: float) -> None:
    table = Table(instrument=Instrument("X", "v", lot=lot))
    table.price(100.0)
    assert [o.quantity for o in accepted(table.order(strength))] == [pytest.approx(quantity)]


def test_an_order_below_the_minimum_notional_is_not_sent() -> None:
    table = Table(instrument=Instrument("X", "v", min_notional=60.0))
    table.price(100.0)
    assert accepted(table.order(0.5)) == []
    assert len(accepted(table.order(0.6))) == 1


def test_cancel_by_client_id_leaves_the_others_working() -> None:
    table = Table()
    table.price(100.0)
    for client in (7, 8):
        table.order(1.0, order_type="limit", limit_price=90.0, client_order_id=client)
    assert endings(table.order(0.0, action="cancel", client_order_id=7)) == [("cancelled", "requested", 1.0)]
    assert fills(table.price(89.0)) == [(1.0, 89.0, "taker")]


def test_replace_cancels_and_sends_anew() -> None:
    table = Table()
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0, client_order_id=7)
    facts = table.order(1.0, action="replace", order_type="limit", limit_price=95.0, client_order_id=7)
    assert endings(facts) == [("cancelled", "requested", 1.0)]
    assert [o.limit_price for o in accepted(facts)] == [95.0]


def test_slots_are_given_back() -> None:
    table = Table(order_capacity=2)
    for _ in range(20):
        table.price(100.0)
        table.order(1.0)
        table.order(-1.0)
    assert int(table.desk.book.refused) == 0
    table.price(100.0)
    assert int(table.desk.book.working) == 0


def test_a_full_queue_refuses_even_without_limits() -> None:
    table = Table(order_capacity=2)
    table.price(100.0)
    sent = [len(accepted(table.order(1.0, order_type="limit", limit_price=90.0))) for _ in range(3)]
    assert sent == [1, 1, 0]
