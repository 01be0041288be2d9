"""Figures of returns beside those of a benchmark.

Each takes returns (a Series or list gives a float, a DataFrame a Series, an array likewise) and the benchmark's, one
column.  pandas objects are matched by their index; a period counts where both have a return.  Rates are per period.
NaN where a figure does not exist, such as a beta beside a benchmark that never moves.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.performance.arithmetic import Floats, deviation, ratio
from workbench.performance.inputs import against_benchmark, check_number, check_periods
from workbench.performance.returns import annual_rate, yearly_growth

__all__ = [
    "alpha",
    "appraisal_ratio",
    "beta",
    "capture_ratio",
    "correlation",
    "down_capture",
    "information_ratio",
    "jensen_alpha",
    "m_squared",
    "specific_risk",
    "systematic_risk",
    "tracking_error",
    "treynor_ratio",
    "up_capture",
]


@against_benchmark
def beta(returns: Floats, benchmark: Floats) -> float:
    """Covariance with the benchmark over its variance."""
    return _beta(returns, benchmark)


def _beta(returns: Floats, benchmark: Floats) -> float:
    if not deviation(benchmark) > 0.0:
        return math.nan
    moves = benchmark - benchmark.mean()
    return float((moves * (returns - returns.mean())).sum()) / float(np.square(moves).sum())


@against_benchmark
def correlation(returns: Floats, benchmark: Floats) -> float:
    """Pearson's correlation with the benchmark."""
    both = deviation(returns, 0) * deviation(benchmark, 0)
    if not both > 0.0:
        return math.nan
    return float(((returns - returns.mean()) * (benchmark - benchmark.mean())).mean()) / both


@against_benchmark
def alpha(returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Mean of what beta does not explain of the excess return per period, compounded over a year."""
    rate, periods = check_number("risk_free", risk_free), check_periods(periods_per_year)
    slope = _beta(returns, benchmark)
    if math.isnan(slope):
        return math.nan
    left = float(((returns - rate) - slope * (benchmark - rate)).mean())
    return annual_rate(left, periods) if left > -1.0 else -1.0


@against_benchmark
def jensen_alpha(
    returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0
) -> float:
    """Growth rate above the risk-free one, less beta times the benchmark's (M. Jensen, 1968; Bacon 2008, page 72)."""
    return _jensen(returns, benchmark, periods_per_year, risk_free)


def _jensen(returns: Floats, benchmark: Floats, periods_per_year: float, risk_free: float) -> float:
    rate = annual_rate(risk_free, periods_per_year)
    own, other = yearly_growth(returns, periods_per_year), yearly_growth(benchmark, periods_per_year)
    return (own - rate) - _beta(returns, benchmark) * (other - rate)


@against_benchmark
def tracking_error(returns: Floats, benchmark: Floats, *, periods_per_year: float, ddof: int = 1) -> float:
    """Standard deviation of returns less the benchmark's, annualised.  It divides by n - ddof."""
    return deviation(returns - benchmark, ddof) * math.sqrt(check_periods(periods_per_year))


@against_benchmark
def information_ratio(returns: Floats, benchmark: Floats, *, periods_per_year: float) -> float:
    """Mean of returns less the benchmark's over its standard deviation (n - 1), annualised.

    Pass periods_per_year=1 for the ratio per period, which is what empyrical and vectorbt give.
    """
    active, root = returns - benchmark, math.sqrt(check_periods(periods_per_year))
    return ratio(float(active.mean()), deviation(active)) * root if len(active) > 1 else math.nan


@against_benchmark
def treynor_ratio(
    returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0
) -> float:
    """Growth rate above the risk-free one over beta (J. Treynor, 1965); NaN without beta."""
    slope = _beta(returns, benchmark)
    reward = yearly_growth(returns, periods_per_year) - annual_rate(risk_free, periods_per_year)
    return reward / slope if slope else math.nan


@against_benchmark
def systematic_risk(returns: Floats, benchmark: Floats, *, periods_per_year: float, ddof: int = 1) -> float:
    """Beta times the benchmark's volatility (Bacon 2008, page 75)."""
    root = math.sqrt(check_periods(periods_per_year))
    return _beta(returns, benchmark) * deviation(benchmark, ddof) * root


@against_benchmark
def specific_risk(returns: Floats, benchmark: Floats, *, periods_per_year: float, ddof: int = 1) -> float:
    """Volatility of what beta does not explain (Bacon 2008, page 75).  It divides by n - ddof."""
    return _specific(returns, benchmark, periods_per_year, ddof)


def _specific(returns: Floats, benchmark: Floats, periods_per_year: float, ddof: int) -> float:
    slope = _beta(returns, benchmark)
    if math.isnan(slope) or len(returns) <= ddof:
        return math.nan
    rest = (returns - returns.mean()) - slope * (benchmark - benchmark.mean())
    return math.sqrt(float(np.square(rest).sum()) / (len(rest) - ddof) * check_periods(periods_per_year))


@against_benchmark
def appraisal_ratio(
    returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0, ddof: int = 1
) -> float:
    """Jensen's alpha over specific risk (J. Treynor, F. Black, 1973; Bacon 2008, page 77)."""
    risk = _specific(returns, benchmark, periods_per_year, ddof)
    return ratio(_jensen(returns, benchmark, periods_per_year, risk_free), risk)


@against_benchmark
def m_squared(
    returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0
) -> float:
    """Growth rate that the returns would have at the benchmark's volatility (F. and L. Modigliani, 1997)."""
    rate = annual_rate(risk_free, periods_per_year)
    reward = yearly_growth(returns, periods_per_year) - rate
    return rate + ratio(reward, deviation(returns)) * deviation(benchmark)


@against_benchmark
def up_capture(returns: Floats, benchmark: Floats, *, periods_per_year: float) -> float:
    """Growth rate over that of the benchmark, both over the periods in which the benchmark rose."""
    return _capture(returns, benchmark, benchmark > 0.0, periods_per_year)


@against_benchmark
def down_capture(returns: Floats, benchmark: Floats, *, periods_per_year: float) -> float:
    """Growth rate over that of the benchmark, both over the periods in which the benchmark fell."""
    return _capture(returns, benchmark, benchmark < 0.0, periods_per_year)


@against_benchmark
def capture_ratio(returns: Floats, benchmark: Floats, *, periods_per_year: float) -> float:
    """Up capture over down capture; NaN where nothing was captured of a fall."""
    up = _capture(returns, benchmark, benchmark > 0.0, periods_per_year)
    down = _capture(returns, benchmark, benchmark < 0.0, periods_per_year)
    return up / down if down else math.nan


def _capture(returns: Floats, benchmark: Floats, chosen: object, periods_per_year: float) -> float:
    periods = check_periods(periods_per_year)
    mask = np.asarray(chosen, dtype=np.bool_)
    own, other = yearly_growth(returns[mask], periods), yearly_growth(benchmark[mask], periods)
    return own / other if other and math.isfinite(other) else math.nan
