"""Post-trade monitors: a warning from 80 % of a limit, an alert and a latched breaker at it; figures by hand."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from tests.risk.bench import ACCEPTED, Bench, alerts, only, trips
from workbench.core.intents import ResetBreaker
from workbench.core.limits import (
    DrawdownLimits,
    GlobalLimits,
    MonitorSettings,
    PerStrategyLimits,
    RiskLimits,
)
from workbench.core.messages import Instrument
from workbench.core.monitors import correlation, drawdown, historical_var

HOUR = 3_600.0
TWO_SYMBOLS = (Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x"))
TWO = ("alpha", "beta")


def losses(**limits: float) -> RiskLimits:
    off = {"daily_loss": -inf, "strategy_drawdown": -inf, "portfolio_var": inf}
    return only(drawdown_limits=DrawdownLimits(**(off | limits)))


def whole(**limits: float) -> RiskLimits:
    off = {"max_portfolio_value": inf, "max_daily_loss": inf, "max_drawdown": inf}
    return only(global_limits=GlobalLimits(**(off | limits)))


def sampled(portfolio_var: float = inf, **settings: float) -> RiskLimits:
    """Monitors on a grid of one hour, eight to sixteen samples."""
    monitors = MonitorSettings(interval_seconds=HOUR, window=16, **settings)
    return only(drawdown_limits=DrawdownLimits(-inf, -inf, portfolio_var), monitors=monitors)


# ---- figures


@pytest.mark.parametrize(
    ("value", "peak", "expected"),
    [
        (100.0, 100.0, 0.0),
        (85.0, 100.0, 0.15),
        (-50.0, 100.0, 1.5),
        (nan, 100.0, inf),
        (inf, 100.0, inf),
        (90.0, nan, inf),
        (90.0, 0.0, inf),
        (-20.0, -10.0, inf),
    ],
)
def test_drawdown(value: float, peak: float, expected: float) -> None:
    assert drawdown(value, peak) == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(0.05, 9.0), (0.01, 10.0), (0.10, 8.0), (0.5, 0.0)],
    ids=["second worst of 20", "worst", "third worst", "a gain"],
)
def test_historical_var_is_the_kth_worst(tail: float, expected: float) -> None:
    outcomes = np.array([-10.0, -9.0, -8.0, *([3.0] * 17)])
    assert historical_var(outcomes, 20, tail) == expected


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_var_of_what_is_not_known_is_infinite(bad: float) -> None:
    assert historical_var(np.array([1.0, bad, -1.0, 2.0]), 4, 0.01) == inf


def test_correlation() -> None:
    rising = np.array([1.0, 2.0, 3.0, 4.0])
    assert correlation(rising, 2.0 * rising + 7.0) == pytest.approx(1.0)
    assert correlation(rising, -rising) == pytest.approx(-1.0)
    assert correlation(rising, np.array([1.0, -1.0, -1.0, 1.0])) == 0.0
    assert correlation(rising, np.full(4, 5.0)) == 0.0  # nothing moves together with what stands still


# ---- daily_loss: 100 units from 100, limit 1,000


@pytest.mark.parametrize(
    ("price", "told", "tripped"),
    [
        (92.01, [], []),
        (92.0, [("daily_loss", "WARNING", "")], []),
        (90.01, [("daily_loss", "WARNING", "")], []),
        (90.0, [("daily_loss", "CRITICAL", "")], [("daily_loss", "")]),
        (89.99, [("daily_loss", "CRITICAL", "")], [("daily_loss", "")]),
    ],
)
@pytest.mark.parametrize(
    "limits",
    [losses(daily_loss=-1_000.0), whole(max_daily_loss=1_000.0)],
    ids=["drawdown_limits", "global"],
)
def test_daily_loss(
    limits: RiskLimits, price: float, told: list[tuple[str, str, str]], tripped: list[tuple[str, str]]
) -> None:
    bench = Bench(limits)
    bench.hold(100.0)
    facts = bench.price(price)
    assert (alerts(facts), trips(facts)) == (told, tripped)
    assert bench.order("buy", 1.0) == (("circuit_breaker",) if tripped else ACCEPTED)


def test_daily_loss_counts_from_midnight() -> None:
    bench = Bench(losses(daily_loss=-1_000.0))
    bench.hold(100.0)
    bench.price(91.0, at=86_399.0)  # 900 lost
    assert trips(bench.price(81.01, at=86_400.0)) == []  # 999 on the new day
    assert trips(bench.price(81.0)) == [("daily_loss", "")]


def test_a_daily_loss_stays_latched_on_the_next_day() -> None:
    bench = Bench(losses(daily_loss=-1_000.0))
    bench.hold(100.0)
    bench.price(90.0)
    bench.price(90.0, at=90_000.0)
    assert bench.order("buy", 1.0) == ("circuit_breaker",)


# ---- strategy_drawdown and max_drawdown: 15 % from a peak of 11,000 is 1,650, at 93.5


@pytest.mark.parametrize(
    ("price", "level"), [(96.81, None), (96.8, "WARNING"), (93.51, "WARNING"), (93.5, "CRITICAL")]
)
def test_strategy_drawdown_counts_from_the_strategys_own_peak(price: float, level: str | None) -> None:
    bench = Bench(losses(strategy_drawdown=-0.15), strategies=TWO, capital=10_000.0)
    bench.hold(100.0)
    bench.price(110.0)
    facts = bench.price(price)
    assert alerts(facts) == ([("strategy_drawdown", level, "alpha")] if level else [])
    assert trips(facts) == ([("strategy_drawdown", "alpha")] if level == "CRITICAL" else [])
    assert bench.order("buy", 1.0) == (("circuit_breaker",) if level == "CRITICAL" else ACCEPTED)
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED


@pytest.mark.parametrize(
    ("price", "level"), [(96.81, None), (96.8, "WARNING"), (93.51, "WARNING"), (93.5, "CRITICAL")]
)
def test_max_drawdown_counts_from_the_peak_of_all(price: float, level: str | None) -> None:
    bench = Bench(whole(max_drawdown=0.15), strategies=TWO, cash=10_000.0)
    bench.hold(100.0)
    bench.price(110.0)
    facts = bench.price(price)
    assert alerts(facts) == ([("max_drawdown", level, "")] if level else [])
    assert trips(facts) == ([("max_drawdown", "")] if level == "CRITICAL" else [])
    assert bench.order("buy", 1.0, strategy="beta") == (
        ("circuit_breaker",) if level == "CRITICAL" else ACCEPTED
    )


# ---- stop_loss: 10 % of a capital of 10,000


@pytest.mark.parametrize(
    ("price", "level"), [(92.01, None), (92.0, "WARNING"), (90.01, "WARNING"), (90.0, "CRITICAL")]
)
def test_stop_loss_stops_one_strategy(price: float, level: str | None) -> None:
    bench = Bench(only(per_strategy=PerStrategyLimits(inf, inf, 0.10)), strategies=TWO, capital=10_000.0)
    bench.hold(100.0)
    facts = bench.price(price)
    assert alerts(facts) == ([("stop_loss", level, "alpha")] if level else [])
    assert trips(facts) == ([("stop_loss", "alpha")] if level == "CRITICAL" else [])
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED


def test_an_alert_is_told_once_until_it_has_fallen() -> None:
    bench = Bench(losses(daily_loss=-1_000.0))
    bench.hold(100.0)
    told = [alerts(bench.price(price)) for price in (91.0, 91.5, 93.0, 91.0, 90.0, 89.0)]
    warning, critical = [("daily_loss", "WARNING", "")], [("daily_loss", "CRITICAL", "")]
    assert told == [warning, [], [], warning, critical, []]


# ---- portfolio_var


def with_a_bad_hour(limits: RiskLimits) -> tuple[Bench, list[tuple[str, str, str]]]:
    """100 units held for seven hours with one fall of 5 %: 8 samples, the last at a price of 100.

    The worst hour of 10,000 is a loss of 500; one day is 24 hours: 500 x root of 24 = 2,449.49.
    """
    bench = Bench(limits)
    bench.hold(100.0)
    for hour, price in enumerate((100.0, 100.0, 100.0, 100.0, 100.0, 95.0), start=1):
        assert alerts(bench.price(price, at=hour * HOUR)) == []
    return bench, alerts(bench.price(100.0, at=7 * HOUR))


@pytest.mark.parametrize(
    ("limit", "level"),
    [(3_062.0, None), (3_061.0, "WARNING"), (2_449.5, "WARNING"), (2_449.4, "CRITICAL")],
)
def test_portfolio_var_blocks_what_adds(limit: float, level: str | None) -> None:
    bench, told = with_a_bad_hour(sampled(portfolio_var=limit))
    assert told == ([("portfolio_var", level, "")] if level else [])
    assert bench.desk.value_at_risk == pytest.approx(500.0 * 24.0**0.5)
    assert bench.order("buy", 1.0) == (("portfolio_var",) if level == "CRITICAL" else ACCEPTED)
    assert bench.order("sell", 1.0) == ACCEPTED
    assert bench.desk.halted() == ()  # it blocks, it does not stop


def test_portfolio_var_lets_go_at_the_next_sample_after_the_risk_is_gone() -> None:
    bench, _ = with_a_bad_hour(sampled(portfolio_var=2_000.0))
    bench.order("sell", 90.0)
    bench.price(100.0, at=7.5 * HOUR)
    assert bench.order("buy", 1.0) == ("portfolio_var",)  # not measured again yet
    bench.price(100.0, at=8 * HOUR)
    assert bench.desk.value_at_risk == pytest.approx(50.0 * 24.0**0.5)
    assert bench.order("buy", 1.0) == ACCEPTED


def test_portfolio_var_of_an_unknown_position_blocks() -> None:
    bench, _ = with_a_bad_hour(sampled(portfolio_var=1e9))
    bench.desk.view.positions[0].quantity = nan
    assert ("portfolio_var", "CRITICAL", "") in alerts(bench.price(100.0, at=8 * HOUR))


# ---- correlation: of strategies' results, and of holdings


def played(limits: RiskLimits, *holds: tuple[str, str, float], other: str) -> list[tuple[str, str, str]]:
    """Alerts of nine hours in which BTC-USD goes up and down by 1 and ETH-USD does the same, or runs across it."""
    bench = Bench(limits, strategies=TWO, instruments=TWO_SYMBOLS)
    for strategy, symbol, units in holds:
        bench.hold(units, symbol=symbol, strategy=strategy)
    steps = {"same": "+-+-+-+-", "across": "++--++--"}[other]
    btc = eth = 100.0
    for hour, (b, e) in enumerate(zip("+-+-+-+-", steps, strict=True), start=1):
        btc += 1.0 if b == "+" else -1.0
        eth += 1.0 if e == "+" else -1.0
        bench.price(eth, symbol="ETH-USD", at=hour * HOUR - 1.0)
        bench.price(btc, at=hour * HOUR)
    return alerts(bench.facts)


@pytest.mark.parametrize(("other", "expected"), [("same", [("correlation", "CRITICAL", "")]), ("across", [])])
def test_strategies_that_win_and_lose_together(other: str, expected: list[tuple[str, str, str]]) -> None:
    limits = sampled(max_strategy_correlation=0.9)
    holds = (("alpha", "BTC-USD", 10.0), ("beta", "ETH-USD", -5.0))  # opposite results are one bet too
    assert played(limits, *holds, other=other) == expected


@pytest.mark.parametrize(
    ("units", "other", "expected"),
    [
        (5.0, "same", [("holding_correlation", "CRITICAL", "")]),
        (-5.0, "same", []),  # a hedge
        (5.0, "across", []),
        (0.0, "same", []),
    ],
)
def test_holdings_that_gain_and_lose_together(
    units: float, other: str, expected: list[tuple[str, str, str]]
) -> None:
    holds = [("alpha", "BTC-USD", 10.0)] + ([("alpha", "ETH-USD", units)] if units else [])
    assert played(sampled(max_holding_correlation=0.9), *holds, other=other) == expected


def test_one_symbol_on_two_venues_is_no_correlation_to_report() -> None:
    venues = (Instrument("BTC-USD", "x"), Instrument("BTC-USD", "y"))
    bench = Bench(sampled(max_holding_correlation=0.9), instruments=venues)
    bench.hold(1.0, venue="x")
    bench.hold(1.0, venue="y")
    for hour in range(1, 12):
        bench.price(100.0 + hour % 2, venue="y", at=hour * HOUR - 1.0)
        bench.price(100.0 + hour % 2, venue="x", at=hour * HOUR)
    assert alerts(bench.facts) == []


# ---- concentration


@pytest.mark.parametrize(
    ("limit", "level"), [(0.95, None), (0.9375, "WARNING"), (0.7501, "WARNING"), (0.75, "CRITICAL")]
)
def test_concentration_is_sampled(limit: float, level: str | None) -> None:
    """Three quarters of the gross exposure are BTC."""
    bench = Bench(sampled(max_symbol_share=limit), instruments=TWO_SYMBOLS)
    bench.hold(-5.0, symbol="ETH-USD")
    bench.hold(15.0)
    assert alerts(bench.facts) == []
    assert alerts(bench.price(100.0, at=HOUR)) == ([("concentration", level, "")] if level else [])
    assert bench.order("buy", 1.0) == ACCEPTED


def test_a_reset_tells_a_standing_alert_again() -> None:
    bench = Bench(sampled(max_symbol_share=0.5), instruments=TWO_SYMBOLS)
    bench.hold(15.0)
    bench.price(100.0, at=HOUR)
    bench.tell(ResetBreaker("R. Officer", "looked at it"))
    assert alerts(bench.price(100.0, at=2 * HOUR)) == [("concentration", "CRITICAL", "")]
