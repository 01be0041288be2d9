"""All figures of returns in one Series."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.performance import benchmark as relative
from workbench.performance import distribution, drawdown, outcomes
from workbench.performance import returns as plain
from workbench.performance.arithmetic import Floats
from workbench.performance.inputs import Column, Returns, check_number, check_periods, paired, read
from workbench.performance.sharpe import probabilistic_sharpe_ratio

__all__ = ["summary"]


@overload
def summary(
    returns: pd.DataFrame,
    *,
    periods_per_year: float,
    benchmark: Returns | None = None,
    risk_free: float = 0.0,
) -> pd.DataFrame: ...
@overload
def summary(
    returns: Column, *, periods_per_year: float, benchmark: Returns | None = None, risk_free: float = 0.0
) -> pd.Series[float]: ...
@overload
def summary(
    returns: npt.NDArray[Any],
    *,
    periods_per_year: float,
    benchmark: Returns | None = None,
    risk_free: float = 0.0,
) -> Any: ...
def summary(
    returns: Returns, *, periods_per_year: float, benchmark: Returns | None = None, risk_free: float = 0.0
) -> Any:
    """Figures of simple returns, each under the name of the function that gives it; of several columns, a frame.

    benchmark: returns of one; those beside it are matched by index, and its figures come last.  risk_free: per period,
    where a figure has one; it is the required return of the Sortino ratio too.  `periods` is the number of returns,
    longest_drawdown is in periods, best and worst are single returns.

    Raises DataError for returns that are not finite numbers, ConfigError for settings.
    """
    check_periods(periods_per_year)
    check_number("risk_free", risk_free)
    table = read(returns)
    if benchmark is None:
        columns = [_alone(column, periods_per_year, risk_free) for column in table.columns()]
    else:
        table, other = paired(returns, benchmark)
        columns = []
        for column in table.values.T:
            both = ~(np.isnan(column) | np.isnan(other))
            figures = _alone(column[both], periods_per_year, risk_free)
            columns.append(figures | _beside(column[both], other[both], periods_per_year, risk_free))
    if table.single:
        return pd.Series(columns[0], dtype=np.float64, name=table.name)
    names = pd.RangeIndex(len(columns)) if table.names is None else table.names
    return pd.DataFrame(columns, index=names, dtype=np.float64).T


def _alone(returns: Floats, periods: float, rate: float) -> dict[str, float]:
    return {
        "periods": float(len(returns)),
        "periods_per_year": periods,
        "total_return": plain.total_return(returns),
        "cagr": plain.cagr(returns, periods_per_year=periods),
        "volatility": plain.volatility(returns, periods_per_year=periods),
        "downside_deviation": plain.downside_deviation(
            returns, required_return=rate, periods_per_year=periods
        ),
        "sharpe_ratio": plain.sharpe_ratio(returns, periods_per_year=periods, risk_free=rate),
        "probabilistic_sharpe_ratio": probabilistic_sharpe_ratio(returns, risk_free=rate),
        "sortino_ratio": plain.sortino_ratio(returns, required_return=rate, periods_per_year=periods),
        "calmar_ratio": drawdown.calmar_ratio(returns, periods_per_year=periods, risk_free=rate),
        "omega_ratio": outcomes.omega_ratio(returns, required_return=rate),
        "martin_ratio": drawdown.martin_ratio(returns, periods_per_year=periods, risk_free=rate),
        "pain_ratio": drawdown.pain_ratio(returns, periods_per_year=periods, risk_free=rate),
        "max_drawdown": drawdown.max_drawdown(returns),
        "average_drawdown": drawdown.average_drawdown(returns),
        "longest_drawdown": drawdown.longest_drawdown(returns),
        "ulcer_index": drawdown.ulcer_index(returns),
        "pain_index": drawdown.pain_index(returns),
        "skewness": distribution.skewness(returns),
        "kurtosis": distribution.kurtosis(returns),
        "tail_ratio": distribution.tail_ratio(returns),
        "stability": distribution.stability(returns),
        "win_rate": outcomes.win_rate(returns),
        "profit_factor": outcomes.profit_factor(returns),
        "payoff_ratio": outcomes.payoff_ratio(returns),
        "expectancy": outcomes.expectancy(returns),
        "best": float(returns.max()) if len(returns) else np.nan,
        "worst": float(returns.min()) if len(returns) else np.nan,
    }


def _beside(returns: Floats, benchmark: Floats, periods: float, rate: float) -> dict[str, float]:
    return {
        "alpha": relative.alpha(returns, benchmark, periods_per_year=periods, risk_free=rate),
        "beta": relative.beta(returns, benchmark),
        "correlation": relative.correlation(returns, benchmark),
        "tracking_error": relative.tracking_error(returns, benchmark, periods_per_year=periods),
        "information_ratio": relative.information_ratio(returns, benchmark, periods_per_year=periods),
        "treynor_ratio": relative.treynor_ratio(returns, benchmark, periods_per_year=periods, risk_free=rate),
        "up_capture": relative.up_capture(returns, benchmark, periods_per_year=periods),
        "down_capture": relative.down_capture(returns, benchmark, periods_per_year=periods),
    }
