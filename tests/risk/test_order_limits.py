"""Limits on single orders, on messages, and on who may trade what; event time in seconds since midnight."""

from __future__ import annotations

from math import inf, nan

import msgspec
import pytest

from tests.risk.bench import ACCEPTED, Bench, endings, fills, house, only, outcome, trips
from workbench.core.intents import CancelOrders, ResetBreaker, SetLimits, Signals
from workbench.core.limits import (
    DuplicateOrder,
    MessageRate,
    OrderLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
)
from workbench.core.messages import Instrument, MarketSignal, RiskBreach

TWO_SYMBOLS = (Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x"))


def per_order(**limits: float) -> RiskLimits:
    off = dict.fromkeys(OrderLimits.__struct_fields__, inf)
    return only(order_limits=OrderLimits(**(off | limits)))


# ---- price_collar: 5 % around a mark of 100


@pytest.mark.parametrize(
    ("side", "terms", "expected"),
    [
        ("buy", {"order_type": "limit", "limit_price": 104.99}, ACCEPTED),
        ("buy", {"order_type": "limit", "limit_price": 105.0}, ACCEPTED),
        ("buy", {"order_type": "limit", "limit_price": 105.01}, ("price_collar",)),
        ("buy", {"order_type": "limit", "limit_price": 95.0}, ACCEPTED),
        ("sell", {"order_type": "limit", "limit_price": 94.99}, ("price_collar",)),
        ("buy", {"order_type": "stop", "stop_price": 105.0}, ACCEPTED),
        ("buy", {"order_type": "stop", "stop_price": 105.01}, ("price_collar",)),
        ("buy", {"order_type": "stop_limit", "stop_price": 105.01, "limit_price": 105.0}, ("price_collar",)),
        ("buy", {"order_type": "stop_limit", "stop_price": 105.0, "limit_price": 105.01}, ("price_collar",)),
        ("buy", {"order_type": "stop_limit", "stop_price": 105.0, "limit_price": 105.0}, ACCEPTED),
    ],
)
def test_price_collar(side: str, terms: dict[str, object], expected: tuple[str, ...]) -> None:
    assert Bench(per_order(price_collar_pct=0.05)).order(side, 1.0, **terms) == expected


@pytest.mark.parametrize(
    ("bid", "ask", "side", "expected"),
    [
        (100.0, 105.0, "buy", ACCEPTED),
        (100.0, 105.01, "buy", ("price_collar",)),
        (100.0, 105.01, "sell", ACCEPTED),
        (94.99, 100.0, "sell", ("price_collar",)),
    ],
)
def test_price_collar_values_a_market_order_at_the_side_it_would_take(
    bid: float, ask: float, side: str, expected: tuple[str, ...]
) -> None:
    bench = Bench(per_order(price_collar_pct=0.05))
    bench.price(100.0, bid=bid, ask=ask)
    assert bench.order(side, 1.0) == expected


@pytest.mark.parametrize(("age", "expected"), [(60.0, ACCEPTED), (60.001, ("price_collar",))])
@pytest.mark.parametrize("collar", [0.05, inf])
def test_a_stale_price_refuses(age: float, expected: tuple[str, ...], collar: float) -> None:
    limits = per_order(price_collar_pct=collar, max_price_age_seconds=60.0)
    bench = Bench(limits, instruments=TWO_SYMBOLS)
    bench.price(100.0, symbol="ETH-USD", at=age)  # the clock runs, BTC-USD is silent
    assert bench.order("buy", 1.0) == expected
    bench.price(100.0)
    assert bench.order("buy", 1.0) == ACCEPTED


def test_a_missing_price_refuses() -> None:
    bench = Bench(per_order(price_collar_pct=0.05), last=None)
    assert "price_collar" in bench.order("buy", 1.0, order_type="limit", limit_price=100.0)
    assert "price_collar" in bench.order("buy", 1.0)


@pytest.mark.parametrize("bad", [nan, inf, 0.0, -100.0])
def test_a_bad_tick_refuses_until_a_good_one(bad: float) -> None:
    bench = Bench(per_order(price_collar_pct=0.05))
    bench.price(bad)
    assert bench.order("buy", 1.0) == ("price_collar",)
    bench.price(100.0)
    assert bench.order("buy", 1.0) == ACCEPTED


@pytest.mark.parametrize(
    ("bid", "ask"), [(101.0, 99.0), (99.0, 100_000.0), (1.0, 100.0)], ids=["crossed", "ask", "bid"]
)
def test_a_quote_with_an_unbelievable_side_is_no_price(bid: float, ask: float) -> None:
    bench = Bench(per_order(price_collar_pct=0.05, bad_tick_pct=0.20))
    assert bench.order("buy", 1.0) == ACCEPTED
    assert fills(bench.price(100.0, bid=bid, ask=ask)) == []
    assert bench.order("buy", 1.0) == ("price_collar",)
    assert fills(bench.price(100.0)) == [(1.0, 100.0)]


def test_a_jump_is_no_mark_until_others_confirm_it() -> None:
    bench = Bench(per_order(price_collar_pct=0.05, bad_tick_pct=0.20))
    bench.hold(1.0)
    for _ in range(2):
        bench.price(130.0)
        assert bench.equity == 1_000_000.0
        assert bench.order("buy", 1.0) == ("price_collar",)
    bench.price(130.0)
    assert bench.equity == 1_000_030.0
    assert bench.order("buy", 1.0) == ACCEPTED


def test_a_thousandfold_price_never_becomes_a_mark() -> None:
    bench = Bench(per_order(bad_tick_pct=0.20))
    bench.hold(1.0)
    for _ in range(50):
        bench.price(100_000.0)
    assert bench.equity == 1_000_000.0


# ---- max_order_value, max_order_volume


@pytest.mark.parametrize(
    ("quantity", "expected"), [(9.99, ACCEPTED), (10.0, ACCEPTED), (10.01, ("max_order_value",))]
)
def test_max_order_value(quantity: float, expected: tuple[str, ...]) -> None:
    assert Bench(per_order(max_order_value=1_000.0)).order("buy", quantity) == expected


def test_max_order_value_takes_the_dearer_of_price_and_mark_and_the_multiplier() -> None:
    bench = Bench(
        per_order(max_order_value=10_000.0), instruments=(Instrument("BTC-USD", "x", multiplier=10.0),)
    )
    assert bench.order("buy", 9.9, order_type="limit", limit_price=102.0) == ("max_order_value",)  # 10,098
    assert bench.order("buy", 9.8, order_type="limit", limit_price=102.0) == ACCEPTED  # 9,996
    assert bench.order("buy", 10.1, order_type="limit", limit_price=50.0) == ("max_order_value",)  # at 100


@pytest.mark.parametrize(
    ("quantity", "expected"), [(7.0, ACCEPTED), (7.001, ("max_order_volume",)), (6.999, ACCEPTED)]
)
def test_max_order_volume(quantity: float, expected: tuple[str, ...]) -> None:
    assert Bench(per_order(max_order_volume=7.0)).order("sell", quantity) == expected


@pytest.mark.parametrize(("quantity", "expected"), [(10.0, ACCEPTED), (10.1, ("max_order_volume",))])
def test_max_order_volume_as_a_share_of_the_average(quantity: float, expected: tuple[str, ...]) -> None:
    bench = Bench(per_order(max_volume_share=0.10), last=None)
    bench.price(100.0, volume=100.0)
    assert bench.order("buy", quantity) == expected


@pytest.mark.parametrize("volume", [nan, inf, 0.0, -5.0])
def test_an_unknown_average_volume_refuses(volume: float) -> None:
    bench = Bench(per_order(max_volume_share=0.10), last=None)
    bench.price(100.0, volume=volume)
    assert bench.order("buy", 0.01) == ("max_order_volume",)


def test_one_bad_volume_does_not_spoil_the_average() -> None:
    bench = Bench(per_order(max_volume_share=0.10), last=None)
    bench.price(100.0, volume=100.0)
    bench.price(100.0, volume=inf)
    bench.price(100.0, volume=nan)
    assert bench.order("buy", 10.0) == ACCEPTED


# ---- message_rate: ten messages at once, two of them reserved, one more a second


def rate(**figures: float) -> RiskLimits:
    off = MessageRate(inf, 1_000.0, inf, 1_000.0, 0.2)
    return only(
        message_rate=MessageRate(**{f: figures.get(f, getattr(off, f)) for f in off.__struct_fields__})
    )


def test_message_rate_of_a_strategy() -> None:
    bench = Bench(rate(per_strategy_per_second=1.0, per_strategy_burst=10.0), strategies=("alpha", "beta"))
    answers = [bench.order("buy", 1.0) for _ in range(10)]
    assert answers == [ACCEPTED] * 8 + [("message_rate",)] * 2  # two of the ten are kept for emergencies
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED
    bench.price(100.0, at=0.999)
    assert bench.order("buy", 1.0) == ("message_rate",)
    bench.price(100.0, at=2.0)
    assert [bench.order("buy", 1.0) for _ in range(3)] == [ACCEPTED] * 2 + [("message_rate",)]


def test_a_bucket_fills_no_higher_than_its_burst() -> None:
    bench = Bench(rate(per_strategy_per_second=1.0, per_strategy_burst=10.0))
    bench.price(100.0, at=3_600.0)
    assert [bench.order("buy", 1.0) for _ in range(9)] == [ACCEPTED] * 8 + [("message_rate",)]


def test_message_rate_of_a_venue_is_shared_by_all() -> None:
    venues = (Instrument("BTC-USD", "x"), Instrument("BTC-USD", "y"))
    bench = Bench(
        rate(per_venue_per_second=1.0, per_venue_burst=10.0),
        strategies=("alpha", "beta"),
        instruments=venues,
    )
    for strategy in ("alpha", "beta"):
        for _ in range(4):
            assert bench.order("buy", 1.0, strategy=strategy, venue="x") == ACCEPTED
    assert bench.order("buy", 1.0, strategy="beta", venue="x") == ("message_rate",)
    assert bench.order("buy", 1.0, strategy="beta", venue="y") == ACCEPTED


def test_a_refused_order_costs_a_message_and_a_signal_that_is_none_does_not() -> None:
    limits = rate(per_strategy_per_second=1.0, per_strategy_burst=10.0)
    bench = Bench(msgspec.structs.replace(limits, restricted_list=["BTC-USD"]), instruments=TWO_SYMBOLS)
    for _ in range(5):
        assert bench.order("buy", nan, symbol="ETH-USD") == ("bad_metadata",)
    for _ in range(5):
        assert bench.order("buy", 1.0) == ("restricted_list",)
    assert [bench.order("buy", 1.0, symbol="ETH-USD") for _ in range(4)] == [ACCEPTED] * 3 + [
        ("message_rate",)
    ]


def test_cancels_of_a_strategy_are_messages_and_an_operators_cancel_always_passes() -> None:
    bench = Bench(rate(per_strategy_per_second=1.0, per_strategy_burst=10.0))
    for place in range(8):
        bench.order("buy", 1.0, order_type="limit", limit_price=90.0 + place)
    cancel = MarketSignal("BTC-USD", None, 0.0, 1.0, {"action": "cancel"})
    facts = bench.tell(Signals("alpha", [cancel]))
    assert [f.breach_type for f in facts if isinstance(f, RiskBreach)] == ["rate_limited"]
    assert endings(facts) == []
    facts = bench.tell(CancelOrders("alpha"))
    assert endings(facts) == [("cancelled", "requested", 1.0)] * 8


# ---- repeated_execution_throttle: three executions of one side within a minute


def throttle() -> RiskLimits:
    return only(repeated_execution=RepeatedExecution(3, 60.0))


def test_the_throttle_disables_a_strategy_until_a_named_person_enables_it() -> None:
    bench = Bench(throttle(), strategies=("alpha", "beta"))
    for second in (0.0, 20.0):
        bench.order("buy", 1.0)
        assert trips(bench.price(100.0, at=second)) == []
    bench.order("buy", 1.0)
    assert trips(bench.price(100.0, at=59.0)) == [("repeated_execution", "alpha")]
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED
    bench.price(100.0, at=7_200.0)
    assert bench.order("buy", 1.0) == ("circuit_breaker",)
    bench.tell(ResetBreaker("R. Officer", "parent order checked by hand", "alpha"))
    assert bench.order("buy", 1.0) == ACCEPTED


def test_the_throttle_counts_each_side_and_instrument_by_itself() -> None:
    bench = Bench(throttle(), instruments=TWO_SYMBOLS)
    for symbol, side in [("BTC-USD", "buy"), ("BTC-USD", "sell"), ("ETH-USD", "buy")] * 2:
        assert bench.order(side, 1.0, symbol=symbol) == ACCEPTED
        assert trips(bench.price(100.0, symbol=symbol)) == []
    bench.order("sell", 1.0)
    assert trips(bench.price(100.0)) == [("repeated_execution", "alpha")]


def test_executions_older_than_the_window_do_not_count() -> None:
    bench = Bench(throttle())
    for second in (0.0, 30.0, 60.0, 90.0, 120.0):
        bench.order("buy", 1.0)
        assert trips(bench.price(100.0, at=second)) == []


def test_where_breakers_are_off_the_throttle_still_refuses_before_the_trade() -> None:
    bench = Bench(only(repeated_execution=RepeatedExecution(3, 60.0), enable_circuit_breakers=False))
    for _ in range(3):
        assert bench.order("buy", 1.0) == ACCEPTED
        bench.price(100.0)
    assert bench.order("buy", 1.0) == ("repeated_execution_throttle",)
    assert bench.order("sell", 1.0) == ACCEPTED
    bench.price(100.0, at=60.0)
    assert bench.order("buy", 1.0) == ACCEPTED


# ---- duplicate_order


def test_a_client_order_id_may_not_come_again_within_the_window() -> None:
    bench = Bench(only(duplicate_order=DuplicateOrder(10.0, inf)), strategies=("alpha", "beta"))
    assert bench.order("buy", 1.0, client_order_id=7) == ACCEPTED
    assert bench.order("sell", 2.0, client_order_id=7) == ("duplicate_order",)
    assert bench.order("buy", 1.0, client_order_id=8) == ACCEPTED
    assert bench.order("buy", 1.0, client_order_id=7, strategy="beta") == ACCEPTED
    bench.price(100.0, at=9.999)
    assert bench.order("buy", 1.0, client_order_id=8) == ("duplicate_order",)
    bench.price(100.0, at=20.0)
    assert bench.order("buy", 1.0, client_order_id=8) == ACCEPTED


@pytest.mark.parametrize("ids", [(0, 0, 0), (1, 2, 3)], ids=["without ids", "with ids of their own"])
def test_the_same_content_may_come_twice_within_the_window(ids: tuple[int, int, int]) -> None:
    bench = Bench(only(duplicate_order=DuplicateOrder(10.0, 2)))
    first, second, third = ids
    assert bench.order("buy", 1.0, client_order_id=first) == ACCEPTED
    assert bench.order("buy", 1.0, client_order_id=second) == ACCEPTED
    assert bench.order("buy", 1.0, client_order_id=third) == ("duplicate_order",)
    assert bench.order("buy", 1.1) == ACCEPTED
    assert bench.order("sell", 1.0) == ACCEPTED
    assert bench.order("buy", 1.0, order_type="limit", limit_price=99.0) == ACCEPTED
    bench.price(100.0, at=10.0)
    assert bench.order("buy", 1.0) == ACCEPTED


# ---- self_trade_prevention: beta's sell rests at 101


def resting(mode: str) -> Bench:
    bench = Bench(only(self_trade_prevention=mode), strategies=("alpha", "beta"))
    assert bench.order("sell", 1.0, strategy="beta", order_type="limit", limit_price=101.0) == ACCEPTED
    bench.price(100.0)
    return bench


@pytest.mark.parametrize(
    ("mode", "expected", "ended"),
    [
        ("off", ACCEPTED, []),
        ("cancel_newest", ("self_trade_prevention",), []),
        ("cancel_oldest", ACCEPTED, [("cancelled", "self_trade", 1.0)]),
        ("cancel_both", ("self_trade_prevention",), [("cancelled", "self_trade", 1.0)]),
    ],
)
def test_self_trade_prevention(mode: str, expected: tuple[str, ...], ended: list[object]) -> None:
    facts = resting(mode).send("buy", 1.0, order_type="limit", limit_price=101.0)
    assert outcome(facts) == expected
    assert endings(facts) == ended


@pytest.mark.parametrize("mode", ["cancel_newest", "cancel_oldest", "cancel_both"])
def test_orders_that_would_not_meet_are_left_alone(mode: str) -> None:
    bench = resting(mode)
    facts = bench.send("buy", 1.0, order_type="limit", limit_price=100.99)
    assert (outcome(facts), endings(facts)) == (ACCEPTED, [])
    facts = bench.send("sell", 1.0, order_type="limit", limit_price=101.0)
    assert (outcome(facts), endings(facts)) == (ACCEPTED, [])


def test_a_market_order_meets_what_rests_at_the_touch() -> None:
    bench = resting("cancel_newest")
    bench.price(100.5, ask=101.0)
    assert bench.order("buy", 1.0) == ("self_trade_prevention",)


# ---- restricted_list, permitted_instruments


def test_a_restricted_symbol_may_only_be_left() -> None:
    bench = Bench(only(), instruments=TWO_SYMBOLS)
    bench.hold(5.0)
    bench.tell(SetLimits(only(restricted_list=["BTC-USD"])))
    assert bench.order("buy", 0.01) == ("restricted_list",)
    assert bench.order("sell", 5.01) == ("restricted_list",)
    assert bench.order("sell", 5.0) == ACCEPTED
    assert bench.order("buy", 1.0, symbol="ETH-USD") == ACCEPTED


@pytest.mark.parametrize("allowed", ["ETH-USD", "ETH-USD@x"])
def test_a_strategy_trades_only_what_it_is_permitted(allowed: str) -> None:
    limits = only(permitted_instruments={"alpha": [allowed]})
    bench = Bench(limits, strategies=("alpha", "beta"), instruments=TWO_SYMBOLS)
    assert bench.order("buy", 1.0) == ("permitted_instruments",)
    assert bench.order("buy", 1.0, symbol="ETH-USD") == ACCEPTED
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED


def test_the_house_defaults_pass_an_ordinary_order() -> None:
    limits = house(position_limits={"BTC-USD": PositionLimit(10.0, -5.0)})
    assert Bench(limits).order("buy", 1.0) == ACCEPTED


# ---- queue


def test_an_order_without_a_place_in_the_queue_is_refused() -> None:
    bench = Bench(only(), capacity=2)
    for _ in range(2):
        assert bench.order("buy", 1.0, order_type="limit", limit_price=90.0) == ACCEPTED
    assert bench.order("buy", 1.0, order_type="limit", limit_price=90.0) == ("queue_full",)
    bench.tell(CancelOrders())
    assert bench.order("buy", 1.0) == ACCEPTED
