"""Figures over a moving window of returns, with the labels of the returns.

A window is a number of returns, or a span of time such as "90D" where the index has times.  The value at a time is the
figure of the window that ends there.  It is NaN until a window of a number of returns is full, or where one of them is
missing; a span of time does with the two returns or more that it has.  A window has no ratio where the figure of
`returns` has none.  Rates are per period.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError
from workbench.performance.arithmetic import FLAT, Floats
from workbench.performance.calendar import times_of
from workbench.performance.inputs import Returns, check_count, check_number, check_periods, read

__all__ = ["Window", "read_window", "rolling_sharpe", "rolling_sortino", "rolling_volatility"]

type Window = int | str | timedelta
"""A number of rows, or a span of time."""

type Roll = Callable[[pd.DataFrame], Any]
"""A frame as its moving windows."""


@overload
def rolling_volatility(returns: pd.DataFrame, window: Window, *, periods_per_year: float) -> pd.DataFrame: ...
@overload
def rolling_volatility(
    returns: pd.Series[Any], window: Window, *, periods_per_year: float
) -> pd.Series[float]: ...
@overload
def rolling_volatility(returns: npt.NDArray[Any], window: Window, *, periods_per_year: float) -> Floats: ...
def rolling_volatility(returns: Returns, window: Window, *, periods_per_year: float) -> Any:
    """Standard deviation (n - 1) of each window, annualised."""
    root = math.sqrt(check_periods(periods_per_year))
    return _rolled(returns, window, lambda table, roll: _deviation(table, roll).mul(root))


@overload
def rolling_sharpe(
    returns: pd.DataFrame, window: Window, *, periods_per_year: float, risk_free: float = 0.0
) -> pd.DataFrame: ...
@overload
def rolling_sharpe(
    returns: pd.Series[Any], window: Window, *, periods_per_year: float, risk_free: float = 0.0
) -> pd.Series[float]: ...
@overload
def rolling_sharpe(
    returns: npt.NDArray[Any], window: Window, *, periods_per_year: float, risk_free: float = 0.0
) -> Floats: ...
def rolling_sharpe(
    returns: Returns, window: Window, *, periods_per_year: float, risk_free: float = 0.0
) -> Any:
    """Sharpe ratio of each window, annualised."""
    root, rate = math.sqrt(check_periods(periods_per_year)), check_number("risk_free", risk_free)

    def sharpe(table: pd.DataFrame, roll: Roll) -> pd.DataFrame:
        excess = table - rate
        return _ratio(roll(excess).mean(), _deviation(excess, roll)).mul(root)

    return _rolled(returns, window, sharpe)


@overload
def rolling_sortino(
    returns: pd.DataFrame, window: Window, *, periods_per_year: float, required_return: float = 0.0
) -> pd.DataFrame: ...
@overload
def rolling_sortino(
    returns: pd.Series[Any], window: Window, *, periods_per_year: float, required_return: float = 0.0
) -> pd.Series[float]: ...
@overload
def rolling_sortino(
    returns: npt.NDArray[Any], window: Window, *, periods_per_year: float, required_return: float = 0.0
) -> Floats: ...
def rolling_sortino(
    returns: Returns, window: Window, *, periods_per_year: float, required_return: float = 0.0
) -> Any:
    """Sortino ratio of each window, annualised."""
    root, least = math.sqrt(check_periods(periods_per_year)), check_number("required_return", required_return)

    def sortino(table: pd.DataFrame, roll: Roll) -> pd.DataFrame:
        excess = table - least
        short = excess.clip(upper=0.0)
        # A window without a loss must have exactly none: what a running sum leaves behind is not a risk.
        losses = roll((short < 0.0).astype(np.float64).where(short.notna())).max() > 0.5
        risk = roll(short.pow(2)).mean().clip(lower=0.0).pow(0.5).where(losses, 0.0)
        return _ratio(roll(excess).mean(), risk).mul(root)

    return _rolled(returns, window, sortino)


def _rolled(returns: Returns, window: Window, figure: Callable[[pd.DataFrame, Roll], pd.DataFrame]) -> Any:
    table = read(returns)
    span = read_window(window, table.labels)
    if isinstance(span, int):
        found = figure(pd.DataFrame(table.values), lambda one: one.rolling(span))
    else:
        index = pd.to_datetime(times_of(table.labels), unit="ns") if table.labels is not None else None
        frame = pd.DataFrame(table.values, index=index)
        found = figure(frame, lambda one: one.rolling(span, min_periods=2))
    return table.like(found.to_numpy(dtype=np.float64))


def read_window(window: object, labels: pd.Index | None) -> int | pd.Timedelta:
    """A window as pandas takes it: a number of rows, 2 or more, or a span of time above 0, for which labels must be
    times.  Raises ConfigError.
    """
    if isinstance(window, int | np.integer) and not isinstance(window, bool):
        return check_count("window", window, 2)
    problem = f"window must be a number of rows or a span of time such as '90D', found {window!r}"
    if not isinstance(window, str | timedelta):
        raise ConfigError(problem)
    try:
        span = pd.Timedelta(window)
    except ValueError as reason:
        raise ConfigError(problem) from reason
    if not span > pd.Timedelta(0):
        raise ConfigError(problem)
    if not isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex):
        raise ConfigError(
            f"window {window!r} is a span of time, so the returns need times as their index; "
            "pass a number of rows instead"
        )
    return span


def _deviation(table: pd.DataFrame, roll: Roll) -> pd.DataFrame:
    """As `arithmetic.deviation`: exactly 0 where a window is flat."""
    moving = roll(table)
    spread: pd.DataFrame = moving.std()
    return spread.where((moving.max() - moving.min()) > FLAT * moving.mean().abs(), spread * 0.0)


def _ratio(reward: pd.DataFrame, risk: pd.DataFrame) -> pd.DataFrame:
    return reward / risk.where(risk > 0.0)
