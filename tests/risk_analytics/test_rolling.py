"""Rolling and fading volatility, beta and correlation against the plain formula in each window."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError
from workbench.risk.rolling import (
    RISKMETRICS_DAILY,
    average_correlation,
    ewma_beta,
    ewma_correlation,
    ewma_covariance,
    ewma_volatility,
    rolling_beta,
    rolling_correlation,
    rolling_volatility,
)


def days(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count, freq="1D", tz="UTC")


def series(values: list[float], name: str = "A") -> pd.Series[float]:
    return pd.Series(values, index=days(len(values)), name=name, dtype=float)


def random_returns(rows: int = 60, columns: int = 3, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(0.0, 0.01, (rows, columns))
    return pd.DataFrame(values, index=days(rows), columns=list("ABCDEFG"[:columns]))


def test_volatility_is_the_deviation_of_the_window_annualised() -> None:
    # Deviations (n - 1) of (1 %, 3 %) and (3 %, -1 %): sqrt(2) % and sqrt(8) %; times sqrt(4).
    found = rolling_volatility(series([0.01, 0.03, -0.01]), 2, periods_per_year=4)
    assert found.tolist()[1:] == pytest.approx([0.02 * math.sqrt(2.0), 0.02 * math.sqrt(8.0)])
    assert math.isnan(found.iloc[0])
    assert found.name == "A"


def test_beta_is_the_slope_of_the_window() -> None:
    market = series([0.01, -0.02, 0.03, 0.0])
    assert rolling_beta(2.0 * market + 0.001, market, 3).iloc[2:].tolist() == pytest.approx([2.0, 2.0])


def test_every_window_is_the_plain_formula_of_its_rows() -> None:
    table, market = random_returns(), random_returns(seed=1)["A"]
    window = 20
    volatility = rolling_volatility(table, window, periods_per_year=252)
    beta, against = rolling_beta(table, market, window), rolling_correlation(table, market, window=window)
    pairs = rolling_correlation(table, window=window)
    for end in (window, 37, len(table)):
        part, other = table.iloc[end - window : end].to_numpy(), market.iloc[end - window : end].to_numpy()
        np.testing.assert_allclose(
            volatility.iloc[end - 1], part.std(axis=0, ddof=1) * math.sqrt(252), rtol=1e-9
        )
        for k in range(table.shape[1]):
            cov = np.cov(part[:, k], other)
            assert beta.iloc[end - 1, k] == pytest.approx(cov[0, 1] / cov[1, 1], rel=1e-9)
            assert against.iloc[end - 1, k] == pytest.approx(np.corrcoef(part[:, k], other)[0, 1], rel=1e-9)
        corr = np.corrcoef(part, rowvar=False)
        expected = [corr[0, 1], corr[0, 2], corr[1, 2]]
        np.testing.assert_allclose(pairs.iloc[end - 1], expected, rtol=1e-9)
    assert [*map(tuple, pairs.columns)] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert pairs.iloc[: window - 1].isna().to_numpy().all()
    mean = average_correlation(table, window=window)
    np.testing.assert_allclose(mean.dropna(), pairs.mean(axis=1).dropna())


def test_a_window_in_time_counts_days_and_not_rows() -> None:
    index = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-02-01", "2024-02-02"], tz="UTC")
    returns = pd.Series([0.01, 0.03, 0.02, 0.06], index=index)
    found = rolling_volatility(returns, "10D", periods_per_year=1)
    assert math.isnan(found.iloc[2])  # the only one of its ten days
    assert found.iloc[3] == pytest.approx(np.std([0.02, 0.06], ddof=1))


def test_rows_that_one_side_lacks_are_left_out_of_both() -> None:
    market = series([0.01, -0.02, 0.03, 0.02, -0.01])
    own = 3.0 * market
    own.iloc[2] = np.nan
    found = rolling_beta(own, market, 5, min_periods=3)
    assert found.iloc[-1] == pytest.approx(3.0)
    assert math.isnan(rolling_beta(own, market, 5).iloc[-1])
    assert rolling_correlation(own, market, window=5, min_periods=3).iloc[-1] == pytest.approx(1.0)
    gapped = market.where(market.index != market.index[1])
    assert rolling_correlation(own, gapped, window=5, min_periods=3).iloc[-1] == pytest.approx(1.0)
    assert ewma_correlation(own, gapped).iloc[-1] == pytest.approx(1.0)


def test_what_stands_still_has_no_beta_and_no_correlation() -> None:
    still = series([0.0] * 5)
    moving = series([0.01, 0.02, -0.01, 0.0, 0.01])
    assert rolling_beta(moving, still, 3).isna().all()
    assert rolling_correlation(still, moving, window=3).isna().all()
    assert ewma_beta(moving, still).isna().all()
    assert ewma_correlation(still, moving).isna().all()
    assert rolling_beta(still, moving, 3).iloc[2:].tolist() == [0.0, 0.0, 0.0]


def test_fading_volatility_weighs_each_square_by_its_age() -> None:
    # Weights 1 and 0.5 (decay 0.5), divided by their sum: (0.04^2 x 1 + 0.02^2 x 0.5) / 1.5 per period.
    found = ewma_volatility(series([0.02, 0.04]), periods_per_year=1, decay=0.5)
    assert found.tolist() == pytest.approx([0.02, math.sqrt((0.0016 + 0.0002) / 1.5)])


def test_a_missing_return_does_not_age_those_before_it() -> None:
    found = ewma_volatility(series([0.02, math.nan, 0.04]), periods_per_year=1, decay=0.5)
    assert found.iloc[-1] == pytest.approx(math.sqrt((0.0016 + 0.0002) / 1.5))
    assert math.isnan(found.iloc[1])


def test_fading_volatility_becomes_the_recursion_of_riskmetrics() -> None:
    """sigma^2 = decay x sigma^2 before + (1 - decay) x r^2 (RiskMetrics 1996, equation 5.3), once history is long."""
    returns = wb.load("sp500").closes()["SPX@US"].pct_change().iloc[1:1500]
    variance = float(returns.iloc[0] ** 2)
    for value in returns.iloc[1:]:
        variance = RISKMETRICS_DAILY * variance + (1.0 - RISKMETRICS_DAILY) * value**2
    found = ewma_volatility(returns, periods_per_year=252)
    assert found.iloc[-1] == pytest.approx(math.sqrt(252 * variance), rel=1e-9)


def test_fading_covariance_agrees_with_the_fading_figures_of_its_columns() -> None:
    table = random_returns(200, 2)
    (aa, ab), (_, bb) = ewma_covariance(table, decay=0.9).to_numpy().tolist()
    volatility = ewma_volatility(table, periods_per_year=1, decay=0.9).iloc[-1]
    np.testing.assert_allclose([math.sqrt(aa), math.sqrt(bb)], volatility, rtol=1e-12)
    beta = ewma_beta(table["A"], table["B"], decay=0.9).iloc[-1]
    assert beta == pytest.approx(ab / bb, rel=1e-12)
    correlation = ewma_correlation(table["A"], table["B"], decay=0.9).iloc[-1]
    assert correlation == pytest.approx(ab / math.sqrt(aa * bb), rel=1e-12)


def test_the_correlation_of_two_indices_is_what_their_returns_say() -> None:
    """The S&P 500 and the NASDAQ move together; both with oil less so, and more in 2009 than in 2006."""
    closes = wb.merge(wb.load("sp500"), wb.load("nasdaq"), wb.load("wti")).closes()
    returns = closes.loc["2005":"2010"].pct_change(fill_method=None)
    stocks = rolling_correlation(returns["SPX@US"], returns["IXIC@US"], window=252).dropna()
    assert stocks.min() > 0.85
    oil = rolling_correlation(returns[["SPX@US", "WTI@CUSHING"]], window="365D")["SPX@US", "WTI@CUSHING"]
    assert oil["2006-12-29"] < 0.1 < 0.3 < oil["2009-12-31"]


moves = st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), min_size=6, max_size=30)


@settings(max_examples=30)
@given(moves, st.integers(2, 6))
def test_correlations_stay_within_one_and_do_not_care_about_scale(
    pairs: list[tuple[float, float]], window: int
) -> None:
    own, other = series([round(a, 4) for a, _ in pairs]), series([round(b, 4) for _, b in pairs], "B")
    measures: list[Callable[[pd.Series[float], pd.Series[float]], pd.Series[float]]] = [
        lambda a, b: rolling_correlation(a, b, window=window),
        ewma_correlation,
    ]
    for measure in measures:
        found = measure(own, other)
        assert (found.dropna().abs() <= 1.0).all()
        np.testing.assert_allclose(measure(3.0 * own, other), found, atol=1e-6)


@pytest.mark.parametrize(
    ("window", "least", "message"),
    [
        (1, None, "window must be a whole number of 2 or more, found 1"),
        (5, 6, "min_periods must be at most the window of 5 rows, found 6"),
        (5, 1, "min_periods must be a whole number of 2 or more, found 1"),
        (5, "x", "min_periods must be a whole number of 2 or more, found 'x'"),
        ("soon", None, "window must be a number of rows or a span of time such as '90D', found 'soon'"),
        ("-3D", None, "window must be a number of rows or a span of time"),
        (2.5, None, "window must be a number of rows or a span of time"),
    ],
)
def test_a_window_that_makes_no_sense_is_one_clear_error(
    window: int | str, least: int | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        rolling_beta(random_returns(), random_returns()["A"], window, min_periods=least)


def test_returns_that_make_no_sense_are_one_clear_error() -> None:
    table = random_returns()
    with pytest.raises(DataError, match="expected times that rise, found 2024-02-28"):
        rolling_correlation(table[::-1], window=5)
    broken = table.copy()
    broken.iloc[2, 1] = np.inf
    with pytest.raises(DataError, match="expected finite returns, found inf for B at 2024-01-03"):
        rolling_correlation(broken, window=5)
    with pytest.raises(DataError, match="benchmark: expected times that `returns` has, found none in common"):
        rolling_beta(table, table["A"].shift(freq="900D"), 5)
    with pytest.raises(DataError, match="expected two columns or more, or a benchmark, found one column"):
        rolling_correlation(table["A"], window=5)
    with pytest.raises(ConfigError, match="periods_per_year must be a finite number"):
        ewma_volatility(table, periods_per_year=math.nan)
    with pytest.raises(ConfigError, match="decay must lie between 0 and 1"):
        ewma_volatility(table, periods_per_year=252, decay=1.0)
    with pytest.raises(DataError, match="expected a row with the returns of all columns, found none"):
        ewma_covariance(table.where(table > 9.0))
