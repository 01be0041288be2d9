"""Figures over a moving window of returns, with the labels of the returns.

The value at a time is the figure of the `window` returns up to it, NaN before there are so many or where one of them is
missing.  Rates are per period.  A window has no ratio where the figure of `returns` has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.performance.arithmetic import FLAT, Floats
from workbench.performance.inputs import Returns, check_count, check_number, check_periods, read

__all__ = ["rolling_sharpe", "rolling_sortino", "rolling_volatility"]


@overload
def rolling_volatility(returns: pd.DataFrame, window: int, *, periods_per_year: float) -> pd.DataFrame: ...
@overload
def rolling_volatility(
    returns: pd.Series[Any], window: int, *, periods_per_year: float
) -> pd.Series[float]: ...
@overload
def rolling_volatility(returns: npt.NDArray[Any], window: int, *, periods_per_year: float) -> Floats: ...
def rolling_volatility(returns: Returns, window: int, *, periods_per_year: float) -> Any:
    """Standard deviation (n - 1) of each window, annualised."""
    root = math.sqrt(check_periods(periods_per_year))
    return _rolled(returns, window, 2, lambda table, size: _deviation(table, size).mul(root))


@overload
def rolling_sharpe(
    returns: pd.DataFrame, window: int, *, periods_per_year: float, risk_free: float = 0.0
) -> pd.DataFrame: ...
@overload
def rolling_sharpe(
    returns: pd.Series[Any], window: int, *, periods_per_year: float, risk_free: float = 0.0
) -> pd.Series[float]: ...
@overload
def rolling_sharpe(
    returns: npt.NDArray[Any], window: int, *, periods_per_year: float, risk_free: float = 0.0
) -> Floats: ...
def rolling_sharpe(returns: Returns, window: int, *, periods_per_year: float, risk_free: float = 0.0) -> Any:
    """Sharpe ratio of each window, annualised."""
    root, rate = math.sqrt(check_periods(periods_per_year)), check_number("risk_free", risk_free)

    def sharpe(table: pd.DataFrame, size: int) -> pd.DataFrame:
        excess = table - rate
        return _ratio(excess.rolling(size).mean(), _deviation(excess, size)).mul(root)

    return _rolled(returns, window, 2, sharpe)


@overload
def rolling_sortino(
    returns: pd.DataFrame, window: int, *, periods_per_year: float, required_return: float = 0.0
) -> pd.DataFrame: ...
@overload
def rolling_sortino(
    returns: pd.Series[Any], window: int, *, periods_per_year: float, required_return: float = 0.0
) -> pd.Series[float]: ...
@overload
def rolling_sortino(
    returns: npt.NDArray[Any], window: int, *, periods_per_year: float, required_return: float = 0.0
) -> Floats: ...
def rolling_sortino(
    returns: Returns, window: int, *, periods_per_year: float, required_return: float = 0.0
) -> Any:
    """Sortino ratio of each window, annualised."""
    root, least = math.sqrt(check_periods(periods_per_year)), check_number("required_return", required_return)

    def sortino(table: pd.DataFrame, size: int) -> pd.DataFrame:
        excess = table - least
        short = excess.clip(upper=0.0)
        # A window without a loss must have exactly none: what a running sum leaves behind is not a risk.
        losses = (short < 0.0).astype(np.float64).rolling(size).sum() > 0.5
        risk = short.pow(2).rolling(size).mean().clip(lower=0.0).pow(0.5).where(losses, 0.0)
        return _ratio(excess.rolling(size).mean(), risk).mul(root)

    return _rolled(returns, window, 2, sortino)


def _rolled(
    returns: Returns, window: int, least: int, figure: Callable[[pd.DataFrame, int], pd.DataFrame]
) -> Any:
    size, table = check_count("window", window, least), read(returns)
    return table.like(figure(pd.DataFrame(table.values), size).to_numpy(dtype=np.float64))


def _deviation(table: pd.DataFrame, size: int) -> pd.DataFrame:
    """As `arithmetic.deviation`: exactly 0 where a window is flat."""
    window = table.rolling(size)
    spread = window.std()
    return spread.where((window.max() - window.min()) > FLAT * window.mean().abs(), spread * 0.0)


def _ratio(reward: pd.DataFrame, risk: pd.DataFrame) -> pd.DataFrame:
    return reward / risk.where(risk > 0.0)
