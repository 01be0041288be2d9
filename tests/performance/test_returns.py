"""Figures of returns by hand, and what they take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import ConfigError, DataError
from workbench.performance import returns
from workbench.performance.drawdown import calmar_ratio, max_drawdown
from workbench.performance.outcomes import omega_ratio, win_rate

UP_DOWN = [0.10, -0.10]
DAYS = pd.date_range("2024-01-01", periods=3, tz="UTC")


def test_up_and_down_by_hand() -> None:
    assert returns.total_return(UP_DOWN) == pytest.approx(-0.01)
    assert returns.cagr(UP_DOWN, periods_per_year=1) == pytest.approx(math.sqrt(0.99) - 1)
    assert returns.cagr(UP_DOWN, periods_per_year=4) == pytest.approx(0.99**2 - 1)  # half a year
    assert returns.volatility(UP_DOWN, periods_per_year=252) == pytest.approx(math.sqrt(0.02 * 252))
    assert returns.volatility(UP_DOWN, periods_per_year=252, ddof=0) == pytest.approx(0.10 * math.sqrt(252))
    assert returns.downside_deviation(UP_DOWN, periods_per_year=4) == pytest.approx(2 * 0.10 / math.sqrt(2))
    short = returns.downside_deviation(UP_DOWN, periods_per_year=1, required_return=0.10)
    assert short == pytest.approx(0.20 / math.sqrt(2))


def test_ratios_by_hand() -> None:
    # Mean 2 %, deviations 1 %, -1 %, 0: the sample deviation is 1 %.
    three = [0.03, 0.01, 0.02]
    assert returns.sharpe_ratio(three, periods_per_year=1) == pytest.approx(2.0)
    assert returns.sharpe_ratio(three, periods_per_year=9) == pytest.approx(6.0)
    assert returns.sharpe_ratio(three, periods_per_year=1, risk_free=0.01) == pytest.approx(1.0)
    # Above 2 %: +1 %, -1 %, 0.  Mean 0.
    assert returns.sortino_ratio(three, periods_per_year=1, required_return=0.02) == pytest.approx(
        0.0, abs=1e-12
    )
    # Mean 1/3 %; root mean square of the one shortfall of 1 % is 1 % / sqrt(3).
    mixed = [0.01, -0.01, 0.01]
    assert returns.sortino_ratio(mixed, periods_per_year=3) == pytest.approx(1.0)


def test_a_series_gives_a_float_a_frame_a_series_and_an_array_its_like() -> None:
    series = pd.Series([0.01, 0.02, -0.01], DAYS, name="a")
    frame = pd.DataFrame({"a": series, "b": -series})
    one = returns.sharpe_ratio(series, periods_per_year=252)
    both = returns.sharpe_ratio(frame, periods_per_year=252)
    assert isinstance(one, float)
    assert both.to_dict() == {"a": one, "b": pytest.approx(-one)}
    assert returns.sharpe_ratio(series.to_numpy(), periods_per_year=252) == one
    wide = returns.sharpe_ratio(frame.to_numpy(), periods_per_year=252)
    assert isinstance(wide, np.ndarray)
    assert wide.tolist() == both.tolist()
    assert returns.sharpe_ratio(series.tolist(), periods_per_year=252) == one


def test_a_missing_return_is_left_out_and_so_is_its_period() -> None:
    gappy = [0.10, math.nan, -0.10, math.nan]
    assert returns.total_return(gappy) == returns.total_return(UP_DOWN)
    assert returns.cagr(gappy, periods_per_year=1) == returns.cagr(UP_DOWN, periods_per_year=1)
    frame = pd.DataFrame({"a": gappy, "b": [0.10, -0.10, 0.0, 0.0]})
    assert returns.volatility(frame, periods_per_year=1)["a"] == pytest.approx(math.sqrt(0.02))
    assert win_rate(frame).to_dict() == {"a": 0.5, "b": 0.25}


@pytest.mark.parametrize("empty", [[], [math.nan, math.nan]])
def test_without_returns_there_are_no_figures(empty: list[float]) -> None:
    assert math.isnan(returns.total_return(empty))
    assert math.isnan(returns.cagr(empty, periods_per_year=252))
    assert math.isnan(returns.volatility(empty, periods_per_year=252))
    assert math.isnan(returns.downside_deviation(empty, periods_per_year=252))
    assert math.isnan(returns.sharpe_ratio(empty, periods_per_year=252))
    assert math.isnan(returns.sortino_ratio(empty, periods_per_year=252))
    assert math.isnan(max_drawdown(empty))
    assert math.isnan(calmar_ratio(empty, periods_per_year=252))


def test_one_return_has_growth_and_no_deviation() -> None:
    assert returns.total_return([0.05]) == pytest.approx(0.05)
    assert math.isnan(returns.volatility([0.05], periods_per_year=252))
    assert math.isnan(returns.sharpe_ratio([0.05], periods_per_year=252))


def test_returns_that_are_all_the_same_have_no_ratio() -> None:
    same = [0.001] * 50  # their deviation is 2e-19, not 0
    assert returns.volatility(same, periods_per_year=252) == 0.0
    assert math.isnan(returns.sharpe_ratio(same, periods_per_year=252))
    assert math.isnan(returns.sortino_ratio(same, periods_per_year=252))


def test_all_is_lost() -> None:
    assert returns.total_return([0.1, -1.0, 0.5]) == -1.0
    assert returns.cagr([0.1, -1.0, 0.5], periods_per_year=252) == -1.0


def test_more_than_all_is_lost_and_compounding_makes_no_sense() -> None:
    lost = [0.1, -1.5, -1.5]  # two factors of -0.5 would come to a gain
    assert math.isnan(returns.total_return(lost))
    assert math.isnan(returns.cagr(lost, periods_per_year=252))
    assert math.isnan(max_drawdown(lost))
    assert returns.sharpe_ratio(lost, periods_per_year=1) < 0.0


def test_growth_beyond_what_a_float_holds_is_infinite() -> None:
    assert returns.cagr([1e9], periods_per_year=525_600) == math.inf
    assert returns.total_return([1e200, 1e200]) == math.inf


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (pd.Series([0.1, math.inf], DAYS[:2]), r"expected finite numbers, found inf at 2024-01-02"),
        (pd.Series(["a", "b"]), r"expected numbers, found Series of "),
        ([[[0.1]]], r"expected one column or several, found 3 dimensions"),
        ([0.1, -math.inf], r"found -inf at 1; drop or mend it"),
    ],
)
def test_what_is_not_returns_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        returns.total_return(wrong)


@pytest.mark.parametrize("wrong", [0, -252, math.nan, math.inf, None, "252", True])
def test_periods_per_year_must_be_a_number_above_0(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"periods_per_year must be a finite number"):
        returns.sharpe_ratio(UP_DOWN, periods_per_year=wrong)


@pytest.mark.parametrize("ddof", ["x", 0.5, -1])
def test_degrees_of_freedom_are_a_count(ddof: Any) -> None:
    with pytest.raises(ConfigError, match=r"ddof must be a whole number of 0 or more, found"):
        returns.volatility(UP_DOWN, periods_per_year=252, ddof=ddof)


def test_rates_must_be_numbers() -> None:
    with pytest.raises(ConfigError, match=r"risk_free must be a finite number, found nan"):
        returns.sharpe_ratio(UP_DOWN, periods_per_year=252, risk_free=math.nan)
    with pytest.raises(ConfigError, match=r"required_return must be a finite number, found None"):
        omega_ratio(UP_DOWN, required_return=None)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match=r"a rate per period above -1, found -2"):
        calmar_ratio(UP_DOWN, periods_per_year=252, risk_free=-2)


def test_figures_say_what_they_are() -> None:
    assert returns.sharpe_ratio.__doc__ is not None
    assert "annualised" in returns.sharpe_ratio.__doc__


sane = hnp.arrays(np.float64, st.integers(2, 60), elements=st.floats(-0.5, 0.5).map(lambda x: round(x, 6)))


@given(sane, st.floats(0.1, 500.0))
def test_annualising_is_one_root(values: np.ndarray[Any, Any], periods: float) -> None:
    for figure in (returns.sharpe_ratio, returns.sortino_ratio, returns.volatility):
        once, annual = figure(values, periods_per_year=1), figure(values, periods_per_year=periods)
        assert annual == pytest.approx(once * math.sqrt(periods), nan_ok=True)


@given(sane, st.floats(0.01, 100.0))
def test_ratios_do_not_depend_on_leverage(values: np.ndarray[Any, Any], leverage: float) -> None:
    for figure in (returns.sharpe_ratio, returns.sortino_ratio):
        assert figure(values * leverage, periods_per_year=1) == pytest.approx(
            figure(values, periods_per_year=1), rel=1e-6, nan_ok=True
        )


@given(sane)
def test_cagr_compounds_to_the_total_return(values: np.ndarray[Any, Any]) -> None:
    yearly = returns.cagr(values, periods_per_year=12)
    assert (1 + yearly) ** (len(values) / 12) == pytest.approx(1 + returns.total_return(values), rel=1e-9)
