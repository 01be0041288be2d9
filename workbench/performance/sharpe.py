"""How far a Sharpe ratio can be trusted, given its length and its shape.

Every Sharpe ratio in here is per period, not annualised: mean excess return over its standard deviation (n - 1).
`SharpeEstimate.annualised` and `per_period` translate.  Skewness and kurtosis are moments, 3 being normal.  Returns are
taken to be independent of each other, as the source does: the more they are alike from one period to the next, the
less the figures promise.

Source: D. Bailey, M. López de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15(2), 2012.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final, overload

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats, deviation, ratio
from workbench.performance.distribution import moment_kurtosis, moment_skewness
from workbench.performance.inputs import (
    Column,
    Returns,
    Table,
    check_number,
    check_periods,
    check_share,
    read,
)

__all__ = [
    "SharpeEstimate",
    "estimate_sharpe",
    "estimates_of",
    "figures_of",
    "minimum_track_record_length",
    "per_period",
    "probabilistic_sharpe_ratio",
    "probability_above",
    "sharpe_of",
]

NORMAL: Final = NormalDist()


class SharpeEstimate(msgspec.Struct, frozen=True):
    """A Sharpe ratio as it was measured.

    sharpe: per period.  observations: number of returns.  skewness, kurtosis: of the returns; 0 and 3 are normal.
    """

    sharpe: float
    observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @property
    def variance_factor(self) -> float:
        """Variance of the estimate times (observations - 1); NaN where the moments do not belong together."""
        factor = 1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe**2
        return factor if factor > 0.0 else math.nan

    @property
    def standard_error(self) -> float:
        """Standard deviation of the estimate, per period."""
        return (
            math.sqrt(self.variance_factor / (self.observations - 1)) if self.observations > 1 else math.nan
        )

    def annualised(self, periods_per_year: float) -> float:
        """The ratio times the square root of `periods_per_year`."""
        return self.sharpe * math.sqrt(check_periods(periods_per_year))


@overload
def per_period(sharpe: float, periods_per_year: float) -> float: ...
@overload
def per_period(sharpe: pd.Series[Any], periods_per_year: float) -> pd.Series[float]: ...
@overload
def per_period(sharpe: npt.NDArray[Any], periods_per_year: float) -> Floats: ...
def per_period(sharpe: Any, periods_per_year: float) -> Any:
    """Annualised Sharpe ratios (one, or those of many trials) per period."""
    root = math.sqrt(check_periods(periods_per_year))
    if isinstance(sharpe, pd.Series | np.ndarray):
        many = read(sharpe, "sharpe")
        return many.like(many.values / root)
    return check_number("sharpe", sharpe) / root


def estimate_sharpe(returns: Column | npt.NDArray[Any], *, risk_free: float = 0.0) -> SharpeEstimate:
    """Measure the Sharpe ratio of one column of simple returns.  risk_free: per period.

    Raises DataError for several columns, or returns that are not finite numbers.
    """
    table = read(returns)
    if not table.single:
        raise DataError(f"expected one column of returns, found {table.values.shape[1]}")
    return _estimate(next(table.columns()), check_number("risk_free", risk_free))


def _estimate(returns: Floats, risk_free: float) -> SharpeEstimate:
    return SharpeEstimate(
        sharpe_of(returns, risk_free), len(returns), moment_skewness(returns), moment_kurtosis(returns)
    )


def sharpe_of(returns: Floats, risk_free: float) -> float:
    """Sharpe ratio per period of one column; NaN without deviation."""
    excess = returns - risk_free
    return ratio(float(excess.mean()), deviation(excess)) if len(excess) > 1 else math.nan


@overload
def probabilistic_sharpe_ratio(
    returns: pd.DataFrame, *, benchmark_sharpe: float = 0.0, risk_free: float = 0.0
) -> pd.Series[float]: ...
@overload
def probabilistic_sharpe_ratio(
    returns: Column | SharpeEstimate, *, benchmark_sharpe: float = 0.0, risk_free: float = 0.0
) -> float: ...
@overload
def probabilistic_sharpe_ratio(
    returns: npt.NDArray[Any], *, benchmark_sharpe: float = 0.0, risk_free: float = 0.0
) -> Any: ...
def probabilistic_sharpe_ratio(
    returns: Returns | SharpeEstimate, *, benchmark_sharpe: float = 0.0, risk_free: float = 0.0
) -> Any:
    """Probability that the true Sharpe ratio is above `benchmark_sharpe`, which is per period.

    returns: simple returns, or what was measured of them.  0.95 and more is what one would call significant.
    """
    least = check_number("benchmark_sharpe", benchmark_sharpe)
    table, estimates = estimates_of(returns, risk_free)
    return figures_of(table, [probability_above(each, least) for each in estimates])


def probability_above(estimate: SharpeEstimate, benchmark: float) -> float:
    """Probability that the true Sharpe ratio is above `benchmark`; NaN where the estimate has no error."""
    error = estimate.standard_error
    return NORMAL.cdf((estimate.sharpe - benchmark) / error) if error > 0.0 else math.nan


@overload
def minimum_track_record_length(
    returns: pd.DataFrame, *, benchmark_sharpe: float = 0.0, confidence: float = 0.95, risk_free: float = 0.0
) -> pd.Series[float]: ...
@overload
def minimum_track_record_length(
    returns: Column | SharpeEstimate,
    *,
    benchmark_sharpe: float = 0.0,
    confidence: float = 0.95,
    risk_free: float = 0.0,
) -> float: ...
@overload
def minimum_track_record_length(
    returns: npt.NDArray[Any],
    *,
    benchmark_sharpe: float = 0.0,
    confidence: float = 0.95,
    risk_free: float = 0.0,
) -> Any: ...
def minimum_track_record_length(
    returns: Returns | SharpeEstimate,
    *,
    benchmark_sharpe: float = 0.0,
    confidence: float = 0.95,
    risk_free: float = 0.0,
) -> Any:
    """Number of returns from which on the Sharpe ratio would be significant, its shape staying as it is.

    That is where `probabilistic_sharpe_ratio` comes to `confidence`.  inf where the ratio is not above
    `benchmark_sharpe` (per period).  The number of observations that were measured plays no part.
    """
    least, level = check_number("benchmark_sharpe", benchmark_sharpe), check_share("confidence", confidence)
    table, estimates = estimates_of(returns, risk_free)
    return figures_of(table, [_length(each, least, level) for each in estimates])


def _length(estimate: SharpeEstimate, benchmark: float, confidence: float) -> float:
    above = estimate.sharpe - benchmark
    if not above > 0.0:
        return math.nan if math.isnan(above) else math.inf
    return 1.0 + estimate.variance_factor * (NORMAL.inv_cdf(confidence) / above) ** 2


def estimates_of(
    returns: Returns | SharpeEstimate, risk_free: float
) -> tuple[Table | None, list[SharpeEstimate]]:
    """One estimate for each column, and the table (None for an estimate that was given as such)."""
    rate = check_number("risk_free", risk_free)
    if isinstance(returns, SharpeEstimate):
        if rate:
            raise ConfigError("risk_free goes with returns; a SharpeEstimate is of excess returns already")
        return None, [returns]
    table = read(returns)
    return table, [_estimate(column, rate) for column in table.columns()]


def figures_of(table: Table | None, figures: list[float]) -> Any:
    """The figures as a float, a Series or an array, as the input of `estimates_of` was."""
    return figures[0] if table is None else table.figures(figures)
