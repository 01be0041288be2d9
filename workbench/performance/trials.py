"""How far the best of many trials can be trusted: it was chosen for its luck as well.

Every Sharpe ratio in here is per period, not annualised, and so is every variance of them.

Sources: D. Bailey, M. López de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5), 2014; with
J. Borwein and J. Zhu, "Pseudo-mathematics and financial charlatanism", Notices of the AMS 61(5), 2014.
"""

from __future__ import annotations

import math
from typing import Any, Final, overload

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats, deviation
from workbench.performance.inputs import Column, Returns, check_number, read
from workbench.performance.sharpe import (
    NORMAL,
    SharpeEstimate,
    estimates_of,
    figures_of,
    probability_above,
    sharpe_of,
)

__all__ = [
    "Trials",
    "deflated_sharpe_ratio",
    "effective_number_of_trials",
    "expected_maximum_sharpe",
    "minimum_backtest_length",
    "summarise_trials",
]

EULER: Final = float(np.euler_gamma)


def expected_maximum_sharpe(trials: float, variance: float, *, mean: float = 0.0) -> float:
    """Sharpe ratio per period that the best of `trials` independent ones is expected to show without any skill.

    trials: 1 or more, a whole number or not.  variance: of the trials' Sharpe ratios per period.  mean: of the same.
    Approximation of the expected maximum of normal variables (Bailey and López de Prado 2014, equation 1).
    """
    number = check_number("trials", trials)
    if number < 1.0:
        raise ConfigError(f"trials must be 1 or more, found {trials!r}")
    if check_number("variance", variance) < 0.0:
        raise ConfigError(f"variance must be 0 or more, found {variance!r}")
    return check_number("mean", mean) + math.sqrt(variance) * _expected_maximum(number)


def _expected_maximum(trials: float) -> float:
    """Of so many standard normal variables; 0 for one, where the approximation gives none."""
    if trials <= 1.0:
        return 0.0
    best = (1.0 - EULER) * _upper(1.0 / trials) + EULER * _upper(1.0 / (trials * math.e))
    return max(best, 0.0)  # below 1.26 trials the approximation runs off to minus infinity


def _upper(tail: float) -> float:
    """The value that a standard normal variable exceeds with this probability."""
    return -NORMAL.inv_cdf(tail)


def minimum_backtest_length(trials: float, target_sharpe: float = 1.0) -> float:
    """Years below which the best of `trials` without any skill shows `target_sharpe`, annualised, as a rule.

    Bailey, Borwein, López de Prado and Zhu 2014, theorem 2.
    """
    target = check_number("target_sharpe", target_sharpe)
    if not target > 0.0:
        raise ConfigError(f"target_sharpe must be above 0, found {target_sharpe!r}")
    return (expected_maximum_sharpe(trials, 1.0) / target) ** 2


class Trials(msgspec.Struct, frozen=True):
    """What was tried.  number: of independent trials.  variance: of their Sharpe ratios per period (n - 1)."""

    number: float
    variance: float

    @property
    def expected_maximum_sharpe(self) -> float:
        """Per period, without any skill."""
        return expected_maximum_sharpe(self.number, self.variance)


def summarise_trials(returns: Returns, *, risk_free: float = 0.0, effective: bool = False) -> Trials:
    """Number of trials and variance of their Sharpe ratios, from the returns of each, one column a trial.

    effective: count trials that are correlated as fewer; see `effective_number_of_trials`.  A trial without deviation
    has no Sharpe ratio; it counts in the number and not in the variance.  Raises DataError for fewer than two with one.
    """
    table = read(returns, "trials")
    rate = check_number("risk_free", risk_free)
    sharpes = np.array([sharpe_of(column, rate) for column in table.columns()])
    number = effective_number_of_trials(returns) if effective else float(len(sharpes))
    return Trials(number, _variance(sharpes))


def _variance(sharpes: Floats) -> float:
    there = sharpes[~np.isnan(sharpes)]
    if len(there) < 2:
        raise DataError(f"trials: expected at least two with a Sharpe ratio, found {len(there)}")
    return float(there.var(ddof=1))


def effective_number_of_trials(returns: Returns) -> float:
    """Number of independent trials that correlated ones are worth: rho + (1 - rho) n, rho being their mean correlation.

    returns: one column a trial; rows where one is missing are left out, and so are trials without deviation.  A mean
    correlation below 0 counts as 0.  Between 1 and n (Bailey and López de Prado 2014, appendix 3).

    Raises DataError for fewer than two columns, or fewer than three rows that all have.
    """
    values = read(returns, "trials").values
    missing = np.isnan(values).any(axis=1)
    if missing.any():
        values = values[~missing]
    if values.shape[1] < 2:
        raise DataError(f"trials: expected two columns or more, found {values.shape[1]}")
    if len(values) < 3:
        raise DataError(f"trials: expected three rows or more that all trials have, found {len(values)}")
    total, count = np.zeros(len(values)), 0
    for column in values.T:
        spread = deviation(column, 0)
        if spread > 0.0:
            total += (column - column.mean()) / spread
            count += 1
    if count < 2:
        return 1.0
    every = float(np.square(total).mean())  # the sum of all correlations, without a matrix of n x n
    correlation = min(max((every - count) / (count * (count - 1)), 0.0), 1.0)
    return correlation + (1.0 - correlation) * count


@overload
def deflated_sharpe_ratio(
    returns: pd.DataFrame,
    *,
    trials: Trials | Returns | float | None = None,
    variance: float | None = None,
    risk_free: float = 0.0,
    effective: bool = False,
) -> pd.Series[float]: ...
@overload
def deflated_sharpe_ratio(
    returns: Column | SharpeEstimate,
    *,
    trials: Trials | Returns | float | None = None,
    variance: float | None = None,
    risk_free: float = 0.0,
    effective: bool = False,
) -> float: ...
@overload
def deflated_sharpe_ratio(
    returns: npt.NDArray[Any],
    *,
    trials: Trials | Returns | float | None = None,
    variance: float | None = None,
    risk_free: float = 0.0,
    effective: bool = False,
) -> Any: ...
def deflated_sharpe_ratio(
    returns: Returns | SharpeEstimate,
    *,
    trials: Trials | Returns | float | None = None,
    variance: float | None = None,
    risk_free: float = 0.0,
    effective: bool = False,
) -> Any:
    """Probability that the true Sharpe ratio is above what the best of all trials shows without any skill.

    returns: simple returns of the strategy that was chosen (of several: one column each), or what was measured of them.
    trials: all that was tried, the chosen one included.  Either their number (with `variance`, that of their Sharpe
    ratios per period), their Sharpe ratios per period (one column; one that is missing is no trial), their returns
    (several columns), or a `Trials`.  None takes the columns of `returns` as the trials.  effective: with returns,
    count correlated trials as fewer; the default is the stricter one.  risk_free: per period.

    0.95 and more is what one would call significant.  Raises ConfigError or DataError where trials make no sense.
    """
    given: Trials | Returns | float | None = trials
    if given is None:
        if isinstance(returns, SharpeEstimate) or read(returns).single:
            raise ConfigError(
                "trials is needed: the number of strategies that were tried (with variance=), or the returns of each"
            )
        given = returns
    luck = _as_trials(given, variance, risk_free, effective).expected_maximum_sharpe
    table, estimates = estimates_of(returns, risk_free)
    return figures_of(table, [probability_above(each, luck) for each in estimates])


def _as_trials(
    trials: Trials | Returns | float, variance: float | None, risk_free: float, effective: bool
) -> Trials:
    numbered = isinstance(trials, int | float | np.number)
    if variance is not None and not numbered:
        raise ConfigError(
            "variance goes with a number of trials; it is taken from the trials where they are given"
        )
    if isinstance(trials, Trials):
        return trials
    if isinstance(trials, int | float | np.number):
        if variance is None:
            raise ConfigError("a number of trials needs variance=, that of their Sharpe ratios per period")
        return Trials(check_number("trials", trials), check_number("variance", variance))
    table = read(trials, "trials")
    if table.single:
        if effective:
            raise ConfigError(
                "effective needs the returns of all trials; Sharpe ratios do not show correlation"
            )
        sharpes = table.values[:, 0]
        return Trials(float(np.count_nonzero(~np.isnan(sharpes))), _variance(sharpes))
    return summarise_trials(trials, risk_free=risk_free, effective=effective)
