"""Figures of simple returns: growth, risk, and reward for risk.

Each takes a Series or list (gives a float), a DataFrame (a Series) or an array; a missing return is left out.  Rates
(`risk_free`, `required_return`) are per period, never per year; subtract a rate that changes from the returns first.
Deviations divide by n - 1, downside deviations by n.  Where a figure does not exist (no returns, no deviation) it is
NaN.  Raises DataError for returns that are not finite numbers, ConfigError for settings.

Where the peers that people compare with differ, in definition or in an edge (tests/performance/test_peers.py holds
every line of this):

| figure | here | empyrical-reloaded 0.7 | vectorbt 1.2 |
|---|---|---|---|
| ratios without deviation or losses | NaN | inf, of either sign | inf |
| omega_ratio without losses | inf | NaN | inf |
| omega_ratio's required_return | per period | per year | per year |
| periods behind cagr | returns that are there | all rows, missing ones too | all rows, missing ones too |
| returns below -1 | compounded figures are NaN | compounded on | compounded on |
| first high of a drawdown | before the first return | before the first return | after the first return |
| information_ratio | annualised | per period, as `excess_sharpe` | per period |
| periods_per_year | must be given | 252 where not given | from the index, a year of 365 days |
| tail_ratio without a lower tail | NaN | inf, or NaN | inf |

Apart from these, what two of the three have is one and the same: total_return, cagr, volatility, downside_deviation,
sharpe_ratio, sortino_ratio, calmar_ratio, max_drawdown, omega_ratio, tail_ratio, stability, beta, alpha, captures,
ulcer_index, martin_ratio, and deflated_sharpe_ratio.
"""

from __future__ import annotations

import math

from workbench.errors import ConfigError
from workbench.performance.arithmetic import Floats, deviation, downside, growth, ratio, wealth
from workbench.performance.inputs import check_count, check_number, check_periods, columnwise

__all__ = [
    "annual_rate",
    "cagr",
    "downside_deviation",
    "sharpe_ratio",
    "sortino_ratio",
    "total_return",
    "volatility",
    "yearly_growth",
]


@columnwise
def total_return(returns: Floats) -> float:
    """Compounded return over the whole time, a fraction; NaN after a return below -1."""
    return float(wealth(returns)[-1]) - 1.0 if len(returns) else math.nan


@columnwise
def cagr(returns: Floats, *, periods_per_year: float) -> float:
    """Compound annual growth rate, a fraction: the years are the number of returns over `periods_per_year`."""
    check_periods(periods_per_year)
    return yearly_growth(returns, periods_per_year)


def yearly_growth(returns: Floats, periods_per_year: float) -> float:
    """Compound annual growth rate of one column; -1 where all is lost, inf beyond what a float holds."""
    if not len(returns):
        return math.nan
    final = float(wealth(returns)[-1])
    return math.nan if math.isnan(final) else growth(final, len(returns) / periods_per_year)


def annual_rate(rate: float, periods_per_year: float) -> float:
    """A rate per period, compounded over a year.  Raises ConfigError."""
    per_period, periods = check_number("risk_free", rate), check_periods(periods_per_year)
    if not per_period > -1.0:
        raise ConfigError(f"risk_free must be a rate per period above -1, found {rate!r}")
    return growth(1.0 + per_period, 1.0 / periods)


@columnwise
def volatility(returns: Floats, *, periods_per_year: float, ddof: int = 1) -> float:
    """Standard deviation, annualised: times the square root of `periods_per_year`.  It divides by n - ddof."""
    return deviation(returns, check_count("ddof", ddof, 0)) * math.sqrt(check_periods(periods_per_year))


@columnwise
def downside_deviation(returns: Floats, *, periods_per_year: float, required_return: float = 0.0) -> float:
    """Root mean square of what returns fall short of `required_return`, over all n returns, annualised.

    F. Sortino, R. van der Meer, "Downside risk", 1991.
    """
    root = math.sqrt(check_periods(periods_per_year))
    return downside(returns, check_number("required_return", required_return)) * root


@columnwise
def sharpe_ratio(returns: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Mean excess return over its standard deviation (n - 1), annualised: times the root of `periods_per_year`.

    W. Sharpe, "The Sharpe ratio", 1994.  Pass periods_per_year=1 for the ratio per period.
    """
    excess = returns - check_number("risk_free", risk_free)
    root = math.sqrt(check_periods(periods_per_year))
    return ratio(float(excess.mean()), deviation(excess)) * root if len(excess) > 1 else math.nan


@columnwise
def sortino_ratio(returns: Floats, *, periods_per_year: float, required_return: float = 0.0) -> float:
    """Mean return above `required_return` over the downside deviation below it, annualised."""
    excess = returns - check_number("required_return", required_return)
    root = math.sqrt(check_periods(periods_per_year))
    return ratio(float(excess.mean()), downside(excess)) * root if len(excess) > 1 else math.nan
