"""PreTradeRisk: the desk's own answer to an order that is not sent, and no trace of the question."""

from __future__ import annotations

from math import inf, isnan, nan

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.bench import ACCEPTED, Bench, house, only
from workbench.core.codes import Check, label
from workbench.core.intents import SetLimits, TripBreaker
from workbench.core.limits import DuplicateOrder, MessageRate, PositionLimit, RiskLimits
from workbench.core.messages import Instrument, PriceUpdate
from workbench.core.risk import CheckResult, FailedCheck, Order, PreTradeRisk, RiskCheckResult
from workbench.errors import EngineError, LimitsError

MISSION = {
    "position_limits": {
        "BTC-USD": {"max_long": 10.0, "max_short": -5.0},
        "ETH-USD": {"max_long": 200.0, "max_short": -100.0},
    },
    "notional_limits": {"per_strategy": 1_000_000, "total_portfolio": 5_000_000},
    "drawdown_limits": {"daily_loss": -100_000, "strategy_drawdown": -0.15, "portfolio_var": 500_000},
    "circuit_breakers": {
        "portfolio_loss_pct": -0.10,
        "single_strategy_loss": -50_000,
        "rapid_drawdown_rate": -0.05,
    },
}
TEN = house(position_limits={"BTC-USD": PositionLimit(10.0, -5.0)})


def buy(quantity: float, **terms: object) -> Order:
    return msgspec.structs.replace(Order("BTC-USD", "x", "buy", quantity), **terms)


def test_the_missions_mapping_and_an_order_over_it() -> None:
    risk = PreTradeRisk({"risk_limits": MISSION}, instruments=[Instrument("BTC-USD", "x")])
    risk.desk.process(PriceUpdate("BTC-USD", "x", 10**18, 100.0, 100.0, 100.0, 1.0, 1.0, 1.0, 0.0, 0))
    assert risk.validate_order(buy(5.0)) == RiskCheckResult(True, (), 0.5)
    assert risk.validate_order(buy(12.0)) == RiskCheckResult(
        False,
        (
            FailedCheck(
                "position_limit",
                12.0,
                10.0,
                "position_limit: 12 units on this side with all that works, at most 10",
            ),
        ),
        1.0,
    )


def test_nothing_passes_before_there_is_a_price() -> None:
    risk = PreTradeRisk(MISSION, instruments=[Instrument("BTC-USD", "x")])
    assert not risk.check_price_collar(buy(1.0)).passed
    assert not risk.validate_order(buy(1.0)).passed


def test_a_question_leaves_no_trace() -> None:
    bench = Bench(TEN, strategies=("alpha", "beta"))
    bench.hold(3.0)
    before = bench.desk.state.tobytes()
    risk = PreTradeRisk(desk=bench.desk)
    for quantity in (1.0, 12.0, nan):
        for other in (risk, PreTradeRisk(RiskLimits.unlimited(), bench.desk)):
            other.validate_order(buy(quantity, strategy_id="alpha"))
            other.check_message_rate(buy(quantity, strategy_id="beta", reduce_only=True))
            other.calculate_risk_score(buy(quantity, strategy_id="alpha"))
    assert bench.desk.state.tobytes() == before


def test_asking_a_thousand_times_empties_no_bucket() -> None:
    limits = house(message_rate=MessageRate(1.0, 2.0, inf, 1.0, 0.0))
    bench = Bench(limits)
    risk = PreTradeRisk(desk=bench.desk)
    assert all(risk.validate_order(buy(1.0)).passed for _ in range(1_000))
    assert [bench.order("buy", quantity) for quantity in (1.0, 2.0, 3.0)] == [
        ACCEPTED,
        ACCEPTED,
        ("message_rate",),
    ]
    assert not risk.check_message_rate(buy(1.0)).passed


def test_asking_is_not_sending_for_the_duplicate_check() -> None:
    bench = Bench(house(duplicate_order=DuplicateOrder(60.0, 1)))
    risk = PreTradeRisk(desk=bench.desk)
    for _ in range(3):
        assert risk.validate_order(buy(1.0, client_order_id=4)).passed
    assert bench.order("buy", 1.0, client_order_id=4) == ACCEPTED
    assert [f.check for f in risk.validate_order(buy(1.0, client_order_id=4)).failed_checks] == [
        "duplicate_order"
    ]


@given(
    quantity=st.floats(0.001, 50.0),
    side=st.sampled_from(["buy", "sell"]),
    kind=st.sampled_from(["market", "limit", "stop"]),
    price=st.floats(80.0, 120.0),
    held=st.sampled_from([0.0, 4.0, -4.0]),
    reduce_only=st.booleans(),
)
def test_the_answer_is_the_desks(
    quantity: float, side: str, kind: str, price: float, held: float, reduce_only: bool
) -> None:
    bench = Bench(TEN)
    if held:
        bench.hold(held)
    prices = {"limit": {"limit_price": price}, "stop": {"stop_price": price}}.get(kind, {})
    order = Order("BTC-USD", "x", side, quantity, kind, reduce_only=reduce_only)
    answer = PreTradeRisk(desk=bench.desk).validate_order(msgspec.structs.replace(order, **prices))
    sent = bench.order(side, quantity, order_type=kind, reduce_only=reduce_only, **prices)
    assert (ACCEPTED if answer.passed else tuple(f.check for f in answer.failed_checks)) == sent
    assert 0.0 <= answer.risk_score <= 1.0


def test_there_is_a_method_for_every_check_and_it_agrees_with_the_whole() -> None:
    bench = Bench(TEN)
    bench.tell(TripBreaker("R. Officer", "drill"))
    risk = PreTradeRisk(desk=bench.desk)
    order = buy(12.0)
    results = [getattr(risk, f"check_{label(check)}")(order) for check in Check]
    assert all(isinstance(result, CheckResult) for result in results)
    assert [result.check for result in results] == [label(check) for check in Check]
    failed = [result.check for result in results if not result.passed]
    assert failed == ["position_limit", "circuit_breaker"]
    assert failed == [f.check for f in risk.validate_order(order).failed_checks]


def test_a_passed_check_tells_its_figures_too() -> None:
    result = PreTradeRisk(desk=Bench(TEN).desk).check_position_limit(buy(4.0))
    assert result == CheckResult("position_limit", True, 4.0, 10.0, 0.4, "")


def test_the_message_names_the_latched_breaker() -> None:
    bench = Bench(TEN)
    bench.tell(TripBreaker("R. Officer", "drill"))
    (failed,) = PreTradeRisk(desk=bench.desk).validate_order(buy(1.0)).failed_checks
    assert failed.message == (
        "circuit_breaker: a breaker is latched (manual); only reducing orders pass until a person resets it"
    )


def test_other_limits_may_be_asked_about_and_the_desk_keeps_its_own() -> None:
    bench = Bench(TEN)
    tight = PreTradeRisk(house(position_limits={"BTC-USD": PositionLimit(1.0)}), bench.desk)
    assert not tight.validate_order(buy(2.0)).passed
    assert bench.order("buy", 2.0) == ACCEPTED
    assert tight.limits.position_limits["BTC-USD"].max_long == 1.0
    own = PreTradeRisk(desk=bench.desk)
    bench.tell(SetLimits(only()))
    assert own.limits == only()


@pytest.mark.parametrize(
    "order",
    [
        buy(nan),
        buy(inf),
        buy(0.0),
        buy(-1.0),
        buy(1.0, order_type="limit"),
        buy(1.0, order_type="limit", limit_price=inf),
        buy(1.0, order_type="limit", limit_price=-1.0),
        buy(1.0, order_type="stop_limit", limit_price=100.0),
        buy(1.0, limit_price=100.0),
        buy(1.0, client_order_id=-1),
    ],
)
def test_figures_that_cannot_be_fail_and_raise_nothing(order: Order) -> None:
    risk = PreTradeRisk(RiskLimits.unlimited(), instruments=[Instrument("BTC-USD", "x")])
    result = risk.validate_order(order)
    (failed,) = result.failed_checks
    assert (result.passed, failed.check, result.risk_score) == (False, "invalid_signal", 1.0)
    assert isnan(failed.limit)
    assert risk.calculate_risk_score(order) == 1.0
    assert not risk.check_position_limit(order).passed


def test_reduce_only_is_cut_to_the_position_and_fails_without_one() -> None:
    bench = Bench(TEN)
    risk = PreTradeRisk(desk=bench.desk)
    order = Order("BTC-USD", "", "sell", 100.0, reduce_only=True)
    (failed,) = risk.validate_order(order).failed_checks
    assert failed.check == "nothing_to_reduce"
    bench.hold(4.0)
    assert risk.validate_order(order).passed


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (Order("DOGE-USD", "x", "buy", 1.0), r"no instrument DOGE-USD@x at this desk; there is: BTC-USD@x"),
        (Order("BTC-USD", "y", "buy", 1.0), "no instrument BTC-USD@y"),
        (Order("BTC-USD", "", "buy", 1.0), "no instrument BTC-USD@ at"),
        (buy(1.0, strategy_id="gamma"), "no strategy 'gamma'"),
        (buy(1.0, side="long"), "expected side buy or sell"),
        (buy(1.0, order_type="iceberg"), "order_type market, limit, stop, stop_limit"),
    ],
)
def test_a_name_that_there_is_not_is_an_error(order: Order, message: str) -> None:
    venues = [Instrument("BTC-USD", "x"), Instrument("BTC-USD", "z")]
    with pytest.raises(EngineError, match=message):
        PreTradeRisk(MISSION, instruments=venues).validate_order(order)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"notional_limits": {"per_strategy": -1}}, "notional_limits.per_strategy"),
        ({"notional_limit": {}}, "notional_limit"),
        ({"notional_limits": {"per_strategy": "much"}}, "per_strategy"),
        ("risk_limits.yaml", "load_limits"),
    ],
)
def test_a_config_that_makes_no_sense_is_an_error(config: dict[str, object], message: str) -> None:
    with pytest.raises(LimitsError, match=message):
        PreTradeRisk(config, instruments=[Instrument("BTC-USD", "x")])


def test_scores_grow_with_the_order() -> None:
    risk = PreTradeRisk(desk=Bench(TEN).desk)
    scores = [risk.calculate_risk_score(buy(q)) for q in (1.0, 2.0, 9.0, 10.0, 11.0)]
    assert scores == [0.1, 0.2, 0.9, 1.0, 1.0]
    assert np.all(np.diff(scores) >= 0.0)
