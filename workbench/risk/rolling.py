"""Risk as it moves: volatility, beta and correlation over a rolling window, or with weights that fade.

A window is a number of rows, or a length of time such as "90D".  Volatility is the deviation (n - 1) of returns times
the square root of `periods_per_year`.  Two series are compared over the rows that both have.  The fading weights are
those of J.P. Morgan/Reuters, "RiskMetrics - Technical Document", 4th ed., 1996, section 5.2: mean zero, weight
(1 - decay) x decay^age, here divided by their sum, so that a short history is not taken for a quiet one.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_count, check_number, check_share
from workbench.performance.rolling import Window, read_window, rolling_volatility
from workbench.risk.estimators import ewma_weights
from workbench.risk.inputs import as_returns

__all__ = [
    "RISKMETRICS_DAILY",
    "RISKMETRICS_MONTHLY",
    "average_correlation",
    "ewma_beta",
    "ewma_correlation",
    "ewma_covariance",
    "ewma_volatility",
    "rolling_beta",
    "rolling_correlation",
    "rolling_volatility",
]

RISKMETRICS_DAILY: Final = 0.94
"""Decay for daily returns (RiskMetrics 1996, section 5.3.2.2)."""

RISKMETRICS_MONTHLY: Final = 0.97
"""Decay for monthly returns (the same)."""


def rolling_beta[T: (pd.Series[float], pd.DataFrame)](
    returns: T, benchmark: pd.Series[float], window: Window, *, min_periods: int | None = None
) -> T:
    """Slope of each column on `benchmark` over the window that ends at each time; NaN where the benchmark stands still.

    returns: simple or logarithmic, by time.  benchmark: the same, of which the times of `returns` are taken.
    min_periods: rows that both must have; None takes all of a window in rows, and 2 of one in time.
    Raises DataError for returns, ConfigError for settings that make no sense.
    """
    table, market = as_returns(returns), _benchmark(benchmark, returns)
    rows, least = _window(window, min_periods, table.index)
    betas = {}
    for name in table.columns:
        own, other = _both(table[name], market)
        variance = other.rolling(rows, min_periods=least).var()
        betas[name] = own.rolling(rows, min_periods=least).cov(other) / variance.where(variance > 0.0)
    return _like(returns, pd.DataFrame(betas))


def rolling_correlation[T: (pd.Series[float], pd.DataFrame)](
    returns: T,
    benchmark: pd.Series[float] | None = None,
    *,
    window: Window,
    min_periods: int | None = None,
) -> T:
    """Correlation of each column with `benchmark`; without one, of each pair of columns.

    Pairs: one column for each, named (first, second), in the order of the columns.  NaN where a side stands still.
    Arguments and errors as for `rolling_beta`.
    """
    table = as_returns(returns)
    rows, least = _window(window, min_periods, table.index)
    if benchmark is not None:
        market = _benchmark(benchmark, returns)
        return _like(
            returns, pd.DataFrame({name: _rolled(table[name], market, rows, least) for name in table})
        )
    if table.shape[1] < 2:
        raise DataError("correlation: expected two columns or more, or a benchmark, found one column")
    pairs = list(combinations(table.columns, 2))
    found = pd.DataFrame({pair: _rolled(table[pair[0]], table[pair[1]], rows, least) for pair in pairs})
    found.columns = pd.MultiIndex.from_tuples(pairs, names=["first", "second"])
    return _like(returns, found)


def average_correlation(
    returns: pd.DataFrame, *, window: Window, min_periods: int | None = None
) -> pd.Series[float]:
    """Mean of the correlations of all pairs of columns over the window that ends at each time, pairs that are known.

    One line that shows when a book stops being spread.  Arguments and errors as for `rolling_correlation`.
    """
    pairs = rolling_correlation(returns, window=window, min_periods=min_periods)
    return pairs.mean(axis=1).rename("average_correlation")


def ewma_volatility[T: (pd.Series[float], pd.DataFrame)](
    returns: T, *, periods_per_year: float, decay: float = RISKMETRICS_DAILY
) -> T:
    """Annualised volatility with fading weights after each time, a fraction.  Raises as `rolling_beta`."""
    table = as_returns(returns)
    per_year = check_number("periods_per_year", periods_per_year, 0.0)
    return _like(returns, _fading(table * table, decay).pow(0.5) * math.sqrt(per_year))


def ewma_beta[T: (pd.Series[float], pd.DataFrame)](
    returns: T, benchmark: pd.Series[float], *, decay: float = RISKMETRICS_DAILY
) -> T:
    """Slope of each column on `benchmark` with fading weights and mean zero.  Raises as `rolling_beta`."""
    table, market = as_returns(returns), _benchmark(benchmark, returns)
    betas = {}
    for name in table.columns:
        own, other = _both(table[name], market)
        square = _fading(other * other, decay)
        betas[name] = _fading(own * other, decay) / square.where(square > 0.0)
    return _like(returns, pd.DataFrame(betas))


def ewma_correlation[T: (pd.Series[float], pd.DataFrame)](
    returns: T, benchmark: pd.Series[float], *, decay: float = RISKMETRICS_DAILY
) -> T:
    """Correlation of each column with `benchmark` with fading weights and mean zero.  Raises as `rolling_beta`."""
    table, market = as_returns(returns), _benchmark(benchmark, returns)
    found = {}
    for name in table.columns:
        own, other = _both(table[name], market)
        scale = (_fading(own * own, decay) * _fading(other * other, decay)).pow(0.5)
        found[name] = (_fading(own * other, decay) / scale.where(scale > 0.0)).clip(-1.0, 1.0)
    return _like(returns, pd.DataFrame(found))


def ewma_covariance(returns: pd.DataFrame, *, decay: float = RISKMETRICS_DAILY) -> pd.DataFrame:
    """Covariance per period after the last row, with fading weights and mean zero; positive semi-definite.

    Rows that lack a column are left out.  Raises DataError where none is left.
    """
    check_share("decay", decay)
    table = as_returns(returns).dropna()
    if not len(table):
        raise DataError("covariance: expected a row with the returns of all columns, found none")
    values = table.to_numpy() * np.sqrt(ewma_weights(len(table), decay))[:, None]
    return pd.DataFrame(values.T @ values, index=table.columns, columns=table.columns)


def _fading[T: (pd.Series[float], pd.DataFrame)](values: T, decay: float) -> T:
    """Weighted mean so far, ages counted in known rows; NaN where there is no value."""
    share = check_share("decay", decay)
    mean: T = values.ewm(alpha=1.0 - share, adjust=True, ignore_na=True).mean()
    return mean.where(values.notna())


def _rolled(
    left: pd.Series[float], right: pd.Series[float], rows: int | pd.Timedelta, least: int
) -> pd.Series[float]:
    own, other = _both(left, right)
    a, b = own.rolling(rows, min_periods=least), other.rolling(rows, min_periods=least)
    scale = (a.var() * b.var()).pow(0.5)
    return (a.cov(other) / scale.where(scale > 0.0)).clip(-1.0, 1.0)


def _both(left: pd.Series[float], right: pd.Series[float]) -> tuple[pd.Series[float], pd.Series[float]]:
    known = left.notna() & right.notna()
    return left.where(known), right.where(known)


def _benchmark(benchmark: pd.Series[float], returns: pd.Series[float] | pd.DataFrame) -> pd.Series[float]:
    if not isinstance(benchmark, pd.Series):
        raise DataError(f"benchmark: expected a Series of returns, found {type(benchmark).__name__}")
    column = as_returns(benchmark, "benchmark").iloc[:, 0]
    shared = column.reindex(returns.index)
    if not shared.notna().any():
        raise DataError("benchmark: expected times that `returns` has, found none in common")
    return shared


def _window(window: Window, min_periods: int | None, index: pd.Index) -> tuple[int | pd.Timedelta, int]:
    """The window as pandas takes it, and the rows that must be known."""
    span = read_window(window, index)
    usual = span if isinstance(span, int) else 2
    least = usual if min_periods is None else check_count("min_periods", min_periods, 2)
    if isinstance(span, int) and least > span:
        raise ConfigError(f"min_periods must be at most the window of {span} rows, found {least}")
    return span, least


def _like[T: (pd.Series[float], pd.DataFrame)](given: T, table: pd.DataFrame) -> T:
    """A Series where one was given."""
    if isinstance(given, pd.DataFrame):
        return table
    series: pd.Series[float] = table.iloc[:, 0]
    series.name = given.name
    return series
