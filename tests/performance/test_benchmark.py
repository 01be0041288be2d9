"""Figures beside a benchmark by hand, and how the two are matched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import DataError
from workbench.performance import benchmark

MARKET = [0.02, -0.01, 0.03, 0.00]  # mean 1 %, squares about it 1 + 4 + 4 + 1 = 10
FUND = [0.03, -0.03, 0.05, -0.01]  # twice the market, less 1 %, and 0, 0, 0, 0 beside that
DAYS = pd.date_range("2024-01-01", periods=4, tz="UTC")


def test_a_fund_that_is_the_market_twice_less_one_percent() -> None:
    assert benchmark.beta(FUND, MARKET) == pytest.approx(2.0)
    assert benchmark.correlation(FUND, MARKET) == pytest.approx(1.0)
    assert benchmark.alpha(FUND, MARKET, periods_per_year=1) == pytest.approx(-0.01)
    assert benchmark.alpha(FUND, MARKET, periods_per_year=2) == pytest.approx(0.99**2 - 1)
    # Excess of 1 % a period on both sides: (1 - 1) - 2 x (1 - 1) on average.
    assert benchmark.alpha(FUND, MARKET, periods_per_year=1, risk_free=0.01) == pytest.approx(0.0, abs=1e-12)
    assert benchmark.specific_risk(FUND, MARKET, periods_per_year=12) == pytest.approx(0.0, abs=1e-9)


def test_active_return_by_hand() -> None:
    # Fund less market: 1, -2, 2, -1 %: mean 0, squares 10, over n - 1 = 3.
    deviation = math.sqrt(10 / 3) / 100
    assert benchmark.tracking_error(FUND, MARKET, periods_per_year=4) == pytest.approx(2 * deviation)
    assert benchmark.information_ratio(FUND, MARKET, periods_per_year=4) == pytest.approx(0.0, abs=1e-12)
    better = [r + 0.01 for r in FUND]
    assert benchmark.information_ratio(better, MARKET, periods_per_year=4) == pytest.approx(
        2 * 0.01 / deviation
    )


def test_capture_by_hand() -> None:
    # The market rises in the first and third period, falls in the second.
    up = (1.03 * 1.05) ** (12 / 2) - 1, (1.02 * 1.03) ** (12 / 2) - 1
    down = 0.97**12 - 1, 0.99**12 - 1
    assert benchmark.up_capture(FUND, MARKET, periods_per_year=12) == pytest.approx(up[0] / up[1])
    assert benchmark.down_capture(FUND, MARKET, periods_per_year=12) == pytest.approx(down[0] / down[1])
    both = benchmark.capture_ratio(FUND, MARKET, periods_per_year=12)
    assert both == pytest.approx(up[0] / up[1] / (down[0] / down[1]))


def test_growth_over_beta() -> None:
    growth = 1.03 * 0.97 * 1.05 * 0.99 - 1  # four periods are a year
    other = 1.02 * 0.99 * 1.03 - 1
    assert benchmark.treynor_ratio(FUND, MARKET, periods_per_year=4) == pytest.approx(growth / 2)
    assert benchmark.jensen_alpha(FUND, MARKET, periods_per_year=4) == pytest.approx(growth - 2 * other)


def test_a_benchmark_that_never_moves_says_nothing() -> None:
    for name in ("beta", "correlation"):
        assert math.isnan(getattr(benchmark, name)(FUND, [0.01] * 4))
    for name in (
        "alpha",
        "jensen_alpha",
        "treynor_ratio",
        "specific_risk",
        "systematic_risk",
        "appraisal_ratio",
    ):
        assert math.isnan(getattr(benchmark, name)(FUND, [0.01] * 4, periods_per_year=12))
    assert math.isnan(benchmark.down_capture(FUND, [0.01] * 4, periods_per_year=12))  # it never falls


def test_the_benchmark_itself() -> None:
    assert benchmark.beta(MARKET, MARKET) == pytest.approx(1.0)
    assert benchmark.up_capture(MARKET, MARKET, periods_per_year=12) == pytest.approx(1.0)
    assert benchmark.tracking_error(MARKET, MARKET, periods_per_year=12) == 0.0
    assert math.isnan(benchmark.information_ratio(MARKET, MARKET, periods_per_year=12))
    m_squared = benchmark.m_squared(MARKET, MARKET, periods_per_year=12)
    assert m_squared == pytest.approx((1.02 * 0.99 * 1.03) ** 3 - 1)


def test_pandas_objects_are_matched_by_time() -> None:
    fund, market = pd.Series(FUND, DAYS), pd.Series(MARKET, DAYS)
    shuffled = market.iloc[[2, 0, 3, 1]]
    assert benchmark.beta(fund, shuffled) == pytest.approx(2.0)
    later = pd.concat([market, pd.Series([0.5], [DAYS[-1] + pd.Timedelta("1D")])])
    assert benchmark.beta(fund, later) == pytest.approx(2.0)
    assert benchmark.beta(pd.DataFrame({"a": fund, "b": -fund}), later).to_dict() == {
        "a": pytest.approx(2.0),
        "b": pytest.approx(-2.0),
    }


def test_a_period_counts_where_both_have_a_return() -> None:
    fund = pd.Series([*FUND, math.nan, 0.9])
    market = pd.Series([*MARKET, 0.7, math.nan])
    assert benchmark.beta(fund, market) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("fund", "market", "message"),
    [
        (FUND, MARKET[:3], r"expected as many rows as the returns have, 4, found 3"),
        (
            pd.Series(FUND, DAYS),
            pd.Series(MARKET, DAYS.tz_localize(None)),
            r"expected times that the returns have, found none of .* do the time zones differ\?",
        ),
        (
            pd.Series(FUND, DAYS),
            pd.DataFrame({"a": MARKET, "b": MARKET}),
            r"benchmark: expected one column, found 2",
        ),
        (pd.Series(FUND, DAYS), pd.Series(MARKET, DAYS[[0, 0, 1, 2]]), r"benchmark: expected each time once"),
        (FUND, ["a", "b", "c", "d"], r"benchmark: expected numbers, found list"),
    ],
)
def test_what_does_not_match_is_refused(fund: Any, market: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        benchmark.beta(fund, market)


pairs = st.integers(3, 40).flatmap(
    lambda n: st.tuples(
        *[hnp.arrays(np.float64, n, elements=st.floats(-0.2, 0.2).map(lambda x: round(x, 5)))] * 2
    )
)


@given(pairs)
def test_beta_is_the_slope_and_correlation_is_bounded(pair: tuple[Any, Any]) -> None:
    own, other = pair
    if other.std() > 1e-4:
        assert benchmark.beta(own, other) == pytest.approx(np.polyfit(other, own, 1)[0], abs=1e-7)
    if min(own.std(), other.std()) > 1e-4:
        assert benchmark.correlation(own, other) == pytest.approx(np.corrcoef(own, other)[0, 1], abs=1e-9)
