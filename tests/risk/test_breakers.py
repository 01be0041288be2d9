"""Circuit breakers: they trip at the figure, latch, stop what adds and nothing else, and need a person to reset."""

from __future__ import annotations

from math import inf, nan

import pytest

from tests.risk.bench import ACCEPTED, Bench, alerts, endings, fills, house, only, trips
from workbench.core.facts import BreakerReset, BreakerTripped
from workbench.core.intents import (
    CancelOrders,
    ResetBreaker,
    SetLimits,
    StrategyFailed,
    TripBreaker,
)
from workbench.core.limits import (
    CircuitBreakers,
    DrawdownLimits,
    GlobalLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
    StrategyErrors,
)
from workbench.errors import EngineError

MINUTE = 60.0
TWO = ("alpha", "beta")
RESET = ResetBreaker("R. Officer", "position checked")
END_OF_KILL = ResetBreaker("R. Officer", "explained", kill=True)


def breakers(**figures: float | bool) -> RiskLimits:
    """One breaker at a time; no liquidation unless asked for, so that positions stay to be looked at."""
    off: dict[str, float | bool] = {
        "portfolio_loss_pct": -inf,
        "single_strategy_loss": -inf,
        "rapid_drawdown_rate": -inf,
        "liquidate": False,
    }
    return only(circuit_breakers=CircuitBreakers(**(off | figures)))  # type: ignore[arg-type]  # mixed kinds


TEN_PERCENT = breakers(portfolio_loss_pct=-0.10)
LOSSES = only(
    circuit_breakers=CircuitBreakers(-0.10, -1_000.0, -0.10, liquidate=False),
    drawdown_limits=DrawdownLimits(-1_000.0, -0.10, inf),
    global_limits=GlobalLimits(inf, inf, 0.10),
)
EVERY_LOSS = ("portfolio_loss_pct", "rapid_drawdown_rate", "daily_loss", "max_drawdown")


def fallen(limits: RiskLimits = TEN_PERCENT, price: float = 90.0) -> Bench:
    """All of 10,000 in 100 units from 100; at 90 a tenth is lost."""
    bench = Bench(limits, strategies=TWO, cash=10_000.0)
    bench.hold(100.0)
    bench.price(price)
    return bench


# ---- at the exact figure


@pytest.mark.parametrize(("price", "tripped"), [(90.01, False), (90.0, True), (89.99, True)])
def test_portfolio_loss_pct(price: float, tripped: bool) -> None:
    bench = fallen(price=price)
    assert bench.desk.halted() == (("portfolio_loss_pct",) if tripped else ())


def test_a_trip_tells_the_figures() -> None:
    (tripped,) = [f for f in fallen().facts if isinstance(f, BreakerTripped)]
    assert (tripped.reason, tripped.strategy_id) == ("portfolio_loss_pct", "")
    assert (tripped.value, tripped.limit) == (0.10, 0.10)


def test_portfolio_loss_counts_from_the_start_and_not_from_the_peak() -> None:
    bench = fallen(price=150.0)
    assert trips(bench.price(90.01)) == []
    assert trips(bench.price(90.0)) == [("portfolio_loss_pct", "")]


@pytest.mark.parametrize(("price", "tripped"), [(95.01, False), (95.0, True), (94.99, True)])
def test_single_strategy_loss_leaves_the_others_trading(price: float, tripped: bool) -> None:
    bench = fallen(breakers(single_strategy_loss=-500.0), price)
    assert bench.desk.halted("alpha") == (("single_strategy_loss",) if tripped else ())
    assert bench.order("buy", 1.0, strategy="alpha") == (("circuit_breaker",) if tripped else ACCEPTED)
    assert bench.desk.halted("beta") == bench.desk.halted() == ()
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED
    assert bench.order("sell", 1.0, strategy="beta") == ACCEPTED


@pytest.mark.parametrize(("price", "tripped"), [(95.01, False), (95.0, True), (94.99, True)])
def test_rapid_drawdown_at_the_rate(price: float, tripped: bool) -> None:
    bench = Bench(breakers(rapid_drawdown_rate=-0.05), cash=10_000.0)
    bench.hold(100.0)
    assert trips(bench.price(price, at=MINUTE)) == ([("rapid_drawdown_rate", "")] if tripped else [])


# ---- rapid_drawdown_rate: within ten minutes


@pytest.mark.parametrize(("minutes", "tripped"), [(10, True), (30, False)])
@pytest.mark.parametrize("start", [0.0, 7.0, 14.9, 29.9])
def test_the_same_fall_trips_in_ten_minutes_and_not_in_thirty(
    minutes: int, tripped: bool, start: float
) -> None:
    """5 % in equal steps, one each ten seconds, wherever in the grid of the window it begins."""
    bench = Bench(breakers(rapid_drawdown_rate=-0.05), cash=10_000.0)
    bench.price(100.0, at=start)
    bench.hold(100.0)
    steps = minutes * 6
    told = [
        trips(bench.price(100.0 - 5.0 * step / steps, at=start + 10.0 * step)) for step in range(1, steps + 1)
    ]
    assert any(told) == tripped


def test_a_fall_is_seen_from_equity_that_had_stood_still() -> None:
    """Nothing is held for an hour; then an order fills and loses 5 % in one update."""
    bench = Bench(breakers(rapid_drawdown_rate=-0.05), cash=10_000.0)
    for minute in range(60):
        bench.price(100.0, at=minute * MINUTE)
    bench.order("buy", 100.0)
    facts = bench.price(100.0, ask=105.0, at=60 * MINUTE)
    assert fills(facts) == [(100.0, 105.0)]
    assert trips(facts) == [("rapid_drawdown_rate", "")]


def test_a_fall_that_recovers_and_comes_again_later_is_no_rapid_one() -> None:
    bench = Bench(breakers(rapid_drawdown_rate=-0.05), cash=10_000.0)
    bench.hold(100.0)
    for minute, price in enumerate((98.0, 96.0, 98.0, 100.0, 98.0, 96.0), start=1):
        assert trips(bench.price(price, at=minute * 5 * MINUTE)) == []


# ---- what cannot be measured trips


@pytest.mark.parametrize("equity", [nan, inf, -inf])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (TEN_PERCENT, "portfolio_loss_pct"),
        (breakers(rapid_drawdown_rate=-0.05), "rapid_drawdown_rate"),
        (only(drawdown_limits=DrawdownLimits(-100.0, -inf, inf)), "daily_loss"),
        (only(global_limits=GlobalLimits(inf, inf, 0.10)), "max_drawdown"),
        (only(), "equity_not_finite"),
    ],
    ids=["loss", "rapid", "daily", "drawdown", "no figure at all"],
)
def test_equity_that_is_not_finite_does_not_disarm_a_breaker(
    equity: float, limits: RiskLimits, reason: str
) -> None:
    bench = Bench(limits)
    bench.desk.view.strategies[0].pnl = equity
    bench.desk.book.equity = equity
    bench.desk.book.changed = 1
    told = {name for name, strategy in trips(bench.price(100.0)) if not strategy}
    assert told >= ({reason, "equity_not_finite"} - ({"daily_loss"} if equity == inf else set()))
    assert bench.order("buy", 1.0)[-1] == "circuit_breaker"
    assert float(bench.desk.book.peak) == 1_000_000.0


def test_nan_in_the_ledger_trips_at_the_next_price_and_reaches_no_high_water_mark() -> None:
    bench = Bench(breakers(single_strategy_loss=-500.0), strategies=TWO)
    bench.hold(1.0)
    bench.desk.view.positions[0].realised = nan
    facts = bench.price(101.0)
    assert ("equity_not_finite", "alpha") in trips(facts)
    assert ("equity_not_finite", "") in trips(facts)
    assert ("single_strategy_loss", "alpha") in trips(facts)
    row = bench.desk.view.strategies[0]
    assert float(row.peak) == 500_000.0
    assert float(bench.desk.book.peak) == 1_000_000.0


def test_a_reset_takes_no_nan_as_a_mark_and_the_next_look_trips_again() -> None:
    bench = Bench(TEN_PERCENT)
    bench.hold(1.0)
    bench.desk.view.positions[0].realised = nan
    bench.price(100.0)
    bench.tell(RESET)
    row, book = bench.desk.view.strategies[0], bench.desk.book
    marks = (row.peak, row.base_pnl, book.peak, book.base_equity, book.day_equity)
    assert [float(mark) for mark in marks] == [1_000_000.0, 0.0, 1_000_000.0, 1_000_000.0, 1_000_000.0]
    assert bench.desk.halted() == ()
    assert ("portfolio_loss_pct", "") in trips(bench.price(100.0))


def test_equity_below_zero_trips_and_stays_armed_after_a_reset() -> None:
    bench = fallen(price=-0.0 + 200.0)
    bench = Bench(TEN_PERCENT, cash=1_000.0)
    bench.hold(100.0)
    facts = bench.price(85.0)
    assert bench.equity == -500.0
    assert trips(facts) == [("portfolio_loss_pct", "")]
    bench.tell(RESET)
    assert trips(bench.price(85.5)) == [("portfolio_loss_pct", "")]  # there is nothing to lose a share of


def test_a_clock_that_goes_back_disarms_nothing() -> None:
    bench = Bench(TEN_PERCENT, cash=10_000.0)
    bench.price(100.0, at=3_600.0)
    bench.hold(100.0)
    facts = bench.price(90.0, at=60.0)
    assert "clock_backwards" in [getattr(f, "kind", "") for f in facts]
    assert trips(facts) == [("portfolio_loss_pct", "")]
    assert int(bench.desk.book.day) == int(bench.desk.book.now_ns) // 86_400_000_000_000


def test_a_clock_that_goes_back_and_forth_does_not_renew_the_day() -> None:
    bench = Bench(only(drawdown_limits=DrawdownLimits(-1_000.0, -inf, inf)))
    bench.hold(100.0)
    bench.price(95.0, at=90_000.0)  # the new day began at 100
    bench.price(95.0, at=10.0)
    bench.price(95.0, at=90_001.0)
    assert trips(bench.price(90.0)) == [("daily_loss", "")]


# ---- latched


def test_a_breaker_latches_through_recovery_the_next_day_and_other_limits() -> None:
    bench = fallen()
    bench.price(120.0, at=MINUTE)
    bench.price(120.0, at=100_000.0)
    bench.tell(SetLimits(only(enable_circuit_breakers=False)))
    bench.price(120.0)
    assert bench.desk.halted() == ("portfolio_loss_pct",)
    assert bench.order("buy", 1.0) == ("circuit_breaker",)
    assert bench.order("buy", 1.0, strategy="beta") == ("circuit_breaker",)


def test_a_latched_breaker_trips_no_second_time() -> None:
    bench = fallen()
    assert trips(bench.price(80.0)) == []
    assert int(bench.desk.book.trips) == 1


def test_a_breaker_cancels_what_works_and_lets_reducing_orders_pass() -> None:
    bench = Bench(TEN_PERCENT, strategies=TWO, cash=10_000.0)
    bench.hold(100.0)
    bench.order("buy", 1.0, order_type="limit", limit_price=50.0)
    bench.order("sell", 5.0, strategy="beta", order_type="limit", limit_price=150.0)
    facts = bench.price(90.0)
    assert sorted(endings(facts)) == [("cancelled", "breaker", 1.0), ("cancelled", "breaker", 5.0)]
    assert bench.order("buy", 0.01) == ("circuit_breaker",)
    assert bench.order("sell", 100.01) == ("circuit_breaker",)
    assert bench.order("sell", 0.01, strategy="beta") == ("circuit_breaker",)
    assert bench.order("sell", 60.0) == ACCEPTED
    assert bench.order("sell", 40.01) == ("circuit_breaker",)  # 40 are left to be closed
    assert bench.order("sell", 99.0, reduce_only=True) == ACCEPTED  # and no more than 40 are
    bench.price(90.0)
    assert bench.position() == 0.0


def test_a_breaker_of_one_strategy_cancels_only_its_orders() -> None:
    bench = Bench(breakers(single_strategy_loss=-500.0), strategies=TWO, cash=10_000.0)
    bench.hold(100.0)
    bench.order("buy", 1.0, order_type="limit", limit_price=50.0)
    bench.order("buy", 2.0, strategy="beta", order_type="limit", limit_price=50.0)
    assert endings(bench.price(95.0)) == [("cancelled", "breaker", 1.0)]


def test_a_breaker_holds_where_pre_trade_checks_are_off() -> None:
    limits = breakers(portfolio_loss_pct=-0.10)
    bench = fallen(house(enable_pre_trade=False, circuit_breakers=limits.circuit_breakers))
    assert bench.order("buy", 1.0) == ("circuit_breaker",)
    assert bench.order("sell", 1.0) == ACCEPTED


def test_several_breakers_latch_side_by_side() -> None:
    bench = fallen(LOSSES)
    assert bench.desk.halted() == EVERY_LOSS
    assert bench.desk.halted("alpha") == ("single_strategy_loss", "strategy_drawdown")


# ---- reset


@pytest.mark.parametrize(
    ("person", "reason"), [("", "seen"), ("R. Officer", ""), ("  ", "seen"), ("x", "\t")]
)
def test_a_reset_needs_a_person_and_a_reason(person: str, reason: str) -> None:
    bench = fallen()
    with pytest.raises(EngineError, match="named person with a reason"):
        bench.tell(ResetBreaker(person, reason))
    assert bench.desk.halted() == ("portfolio_loss_pct",)


def test_a_reset_starts_the_count_again() -> None:
    bench = fallen()
    (told,) = [f for f in bench.tell(RESET) if isinstance(f, BreakerReset)]
    assert told.reasons == ("portfolio_loss_pct",)
    assert bench.order("buy", 1.0, order_type="limit", limit_price=50.0) == ACCEPTED
    assert trips(bench.price(81.01)) == []  # 9,000 at 90; a tenth of that at 81
    assert trips(bench.price(81.0)) == [("portfolio_loss_pct", "")]


@pytest.mark.parametrize("kill", [False, True], ids=["a manual stop", "a kill"])
@pytest.mark.parametrize("strategy", ["", "alpha"])
def test_the_end_of_what_a_person_stopped_forgives_no_loss(kill: bool, strategy: str) -> None:
    bench = fallen(LOSSES, price=96.0)
    bench.tell(TripBreaker("R. Officer", "odd fills", strategy, kill=kill))
    bench.tell(ResetBreaker("R. Officer", "explained", strategy, kill=kill))
    assert bench.desk.halted() == bench.desk.halted("alpha") == ()
    assert trips(bench.price(95.01)) == []  # alpha has half of the cash
    bench.price(90.0)
    assert bench.desk.halted() == EVERY_LOSS
    assert bench.desk.halted("alpha") == ("single_strategy_loss", "strategy_drawdown")


@pytest.mark.parametrize(
    ("latched", "daily_loss", "max_drawdown", "goes_on", "anew"),
    [
        ("daily_loss", -500.0, 0.10, "max_drawdown", 90.0),
        ("max_drawdown", -1_000.0, 0.05, "daily_loss", 90.25),
    ],
)
def test_a_reset_moves_only_what_its_breaker_looks_at(
    latched: str, daily_loss: float, max_drawdown: float, goes_on: str, anew: float
) -> None:
    """10,000 at 100 and 9,500 at 95, where the first trips and is reset; the other has known of 500 since 100."""
    limits = only(
        circuit_breakers=breakers().circuit_breakers,
        drawdown_limits=DrawdownLimits(daily_loss, -inf, inf),
        global_limits=GlobalLimits(inf, inf, max_drawdown),
    )
    bench = fallen(limits, price=95.0)
    assert bench.desk.halted() == (latched,)
    bench.tell(RESET)
    assert trips(bench.price(anew + 0.01)) == []
    assert sorted(trips(bench.price(90.0))) == sorted([(latched, ""), (goes_on, "")])


def test_kills_and_breakers_are_reset_apart() -> None:
    bench = fallen()
    bench.tell(TripBreaker("R. Officer", "stop", kill=True))
    bench.tell(TripBreaker("R. Officer", "stop", "beta", kill=True))
    (told,) = [f for f in bench.tell(RESET) if isinstance(f, BreakerReset)]
    assert told.reasons == ("portfolio_loss_pct",)
    assert bench.desk.halted() == bench.desk.halted("beta") == ("kill_switch",)
    bench.tell(TripBreaker("R. Officer", "and this"))
    (told,) = [f for f in bench.tell(END_OF_KILL) if isinstance(f, BreakerReset)]
    assert told.reasons == ("kill_switch",)
    assert (bench.desk.halted(), bench.desk.halted("beta")) == (("manual",), ("kill_switch",))


def test_what_a_latched_breaker_wants_flat_is_held_until_the_kill_ends() -> None:
    bench = fallen(breakers(portfolio_loss_pct=-0.10, liquidate=True))
    bench.tell(TripBreaker("R. Officer", "stop", kill=True))
    bench.price(90.0)
    assert bench.position() == 100.0
    bench.tell(END_OF_KILL)
    bench.price(90.0)
    bench.price(90.0)
    assert bench.position() == 0.0


def test_a_reset_of_one_strategy_leaves_the_others_and_the_portfolio_latched() -> None:
    bench = fallen()
    bench.tell(TripBreaker("R. Officer", "drill", "alpha"))
    bench.tell(TripBreaker("R. Officer", "drill", "beta"))
    bench.tell(ResetBreaker("R. Officer", "drill over", "alpha"))
    assert bench.desk.halted("alpha") == ()
    assert bench.desk.halted("beta") == ("manual",)
    assert bench.desk.halted() == ("portfolio_loss_pct",)
    assert bench.order("buy", 1.0, strategy="alpha") == ("circuit_breaker",)
    bench.tell(RESET)
    assert bench.desk.halted("beta") == bench.desk.halted() == ()


def test_a_reset_starts_the_ten_minutes_again() -> None:
    bench = Bench(breakers(rapid_drawdown_rate=-0.05), cash=10_000.0)
    bench.hold(100.0)
    bench.price(95.0, at=MINUTE)
    bench.tell(RESET)
    assert trips(bench.price(94.0, at=2 * MINUTE)) == []
    assert trips(bench.price(90.25, at=3 * MINUTE)) == [("rapid_drawdown_rate", "")]


# ---- a person, or errors


def test_a_person_stops_a_strategy_or_everything() -> None:
    bench = Bench(breakers(), strategies=TWO)
    assert trips(bench.tell(TripBreaker("R. Officer", "odd fills", "beta"))) == [("manual", "beta")]
    assert bench.order("buy", 1.0, strategy="beta") == ("circuit_breaker",)
    assert bench.order("buy", 1.0) == ACCEPTED
    assert trips(bench.tell(TripBreaker("R. Officer", "odd fills"))) == [("manual", "")]
    assert bench.order("buy", 1.0) == ("circuit_breaker",)


def test_a_strategy_that_keeps_failing_is_stopped() -> None:
    bench = Bench(only(strategy_errors=StrategyErrors(3, 60.0)), strategies=TWO)
    told = []
    for second in (0.0, 61.0, 90.0, 121.0):
        bench.price(100.0, at=second)
        told.append(trips(bench.tell(StrategyFailed("alpha", "ZeroDivisionError"))))
    assert told == [[], [], [], [("strategy_error", "alpha")]]
    assert bench.order("buy", 1.0) == ("circuit_breaker",)
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED


def test_breakers_that_are_off_do_not_trip() -> None:
    limits = house(enable_circuit_breakers=False, repeated_execution=RepeatedExecution(1))
    bench = Bench(limits, cash=10_000.0)
    bench.hold(100.0)
    bench.price(81.0)
    assert trips(bench.facts) == []
    assert [level for _, level, _ in alerts(bench.facts)].count("CRITICAL") >= 1  # they still tell


def test_an_operators_cancel_and_a_manual_stop_need_no_room_in_any_bucket() -> None:
    bench = Bench(house(position_limits={"BTC-USD": PositionLimit(1.0)}), strategies=TWO)
    for place in range(200):
        bench.send("buy", 0.001, order_type="limit", limit_price=99.0 - place / 100.0)
    assert bench.order("buy", 0.002) == ("message_rate",)
    assert len(endings(bench.tell(CancelOrders()))) == int(bench.desk.book.accepted)
    assert trips(bench.tell(TripBreaker("R. Officer", "flood"))) == [("manual", "")]
