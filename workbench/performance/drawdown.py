"""Figures of drawdowns, from simple returns.

A drawdown is how far wealth is below its highest so far, a fraction <= 0; the first high is the wealth before the first
return.  `compound=False` adds returns up instead, on capital that is kept constant, as C. Bacon does in the examples of
"Practical Portfolio Performance Measurement and Attribution", 2nd edition, Wiley 2008, pages 87 to 91.

Each takes a Series or list (gives a float), a DataFrame (a Series) or an array; a missing return leaves wealth as it
was.  Rates are per period.  Compounded figures are NaN where a return loses more than all there is, ratios where there
is no drawdown.
"""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.performance.arithmetic import Floats, drawdowns, ratio, spells, wealth
from workbench.performance.inputs import Returns, check_count, check_number, columnwise, read
from workbench.performance.returns import annual_rate, yearly_growth

__all__ = [
    "average_drawdown",
    "burke_ratio",
    "calmar_ratio",
    "drawdown",
    "episodes",
    "longest_drawdown",
    "martin_ratio",
    "max_drawdown",
    "pain_index",
    "pain_ratio",
    "sterling_ratio",
    "ulcer_index",
]

ROUNDING = 1e-12  # share of the peak: compounded returns come back to it no nearer than this


@overload
def drawdown(returns: pd.DataFrame, *, compound: bool = True) -> pd.DataFrame: ...
@overload
def drawdown(returns: pd.Series[Any], *, compound: bool = True) -> pd.Series[float]: ...
@overload
def drawdown(returns: npt.NDArray[Any], *, compound: bool = True) -> Floats: ...
def drawdown(returns: Returns, *, compound: bool = True) -> Any:
    """The drawdown after each return, with the labels of the returns."""
    table = read(returns)
    filled = np.nan_to_num(table.values, nan=0.0)
    curves = [_below(column, compound) for column in filled.T]
    return table.like(np.column_stack(curves) if curves else filled)


def _below(returns: Floats, compound: bool) -> Floats:
    """Drawdowns of one column."""
    if compound:
        with np.errstate(invalid="ignore"):  # beyond what a float holds there is no telling
            return drawdowns(wealth(returns), 1.0)
    total = np.cumsum(returns)
    return total - np.maximum(np.maximum.accumulate(total), 0.0) if len(total) else total


def episodes(down: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First, deepest, and first place after each run of drawdowns; int64[k] each.  The last may run to the end."""
    first, after = spells(down < -ROUNDING)
    deepest = [a + int(down[a:b].argmin()) for a, b in zip(first, after, strict=True)]
    return first, np.array(deepest, dtype=np.int64), after


def _depths(down: Floats) -> Floats:
    """The deepest point of each drawdown, the deepest first."""
    return np.sort(down[episodes(down)[1]])


@columnwise
def max_drawdown(returns: Floats, *, compound: bool = True) -> float:
    """The deepest drawdown, a fraction <= 0; 0 where there is none."""
    return float(_below(returns, compound).min()) if len(returns) else math.nan


@columnwise
def average_drawdown(returns: Floats, *, compound: bool = True) -> float:
    """Mean of the deepest points of all drawdowns, a fraction <= 0; 0 where there is none."""
    depths = _depths(_below(returns, compound))
    return float(depths.mean()) if len(depths) else (0.0 if len(returns) else math.nan)


@columnwise
def longest_drawdown(returns: Floats, *, compound: bool = True) -> float:
    """Periods from a peak until wealth is back at it, or until the end, at most."""
    first, _, after = episodes(_below(returns, compound))
    ended = np.minimum(after, len(returns) - 1)
    return float((ended - first + 1).max(initial=0)) if len(returns) else math.nan


@columnwise
def pain_index(returns: Floats, *, compound: bool = True) -> float:
    """Mean size of the drawdown over all periods, a fraction >= 0 (T. Becker, 2006; Bacon, page 89)."""
    return -float(_below(returns, compound).mean()) if len(returns) else math.nan


@columnwise
def ulcer_index(returns: Floats, *, compound: bool = True) -> float:
    """Root mean square of the drawdown over all periods, a fraction >= 0 (P. Martin, 1987)."""
    return _ulcer(returns, compound)


def _ulcer(returns: Floats, compound: bool) -> float:
    return math.sqrt(float(np.square(_below(returns, compound)).mean())) if len(returns) else math.nan


@columnwise
def calmar_ratio(returns: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Growth rate above the risk-free one over the size of the maximum drawdown (T. Young, 1991)."""
    reward = _reward(returns, periods_per_year, risk_free)
    return ratio(reward, -float(_below(returns, True).min())) if len(returns) else math.nan


@columnwise
def pain_ratio(
    returns: Floats, *, periods_per_year: float, risk_free: float = 0.0, compound: bool = True
) -> float:
    """Growth rate above the risk-free one over the pain index (Bacon, page 91)."""
    reward = _reward(returns, periods_per_year, risk_free)
    return ratio(reward, -float(_below(returns, compound).mean())) if len(returns) else math.nan


@columnwise
def martin_ratio(
    returns: Floats, *, periods_per_year: float, risk_free: float = 0.0, compound: bool = True
) -> float:
    """Growth rate above the risk-free one over the ulcer index (P. Martin, 1987; Bacon, page 91)."""
    reward = _reward(returns, periods_per_year, risk_free)
    return ratio(reward, _ulcer(returns, compound))


@columnwise
def burke_ratio(
    returns: Floats,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    compound: bool = True,
    modified: bool = False,
) -> float:
    """Growth rate above the risk-free one over the root of the sum of squared losses.

    A loss here is what an unbroken run of negative returns comes to.  modified: over their mean square, the sum divided
    by the number of returns (G. Burke, "A sharper Sharpe ratio", 1994; Bacon, pages 90 and 91).
    """
    reward = _reward(returns, periods_per_year, risk_free)
    runs = [returns[a:b] for a, b in zip(*spells(returns < 0.0), strict=True)]
    losses = np.array([float(np.prod(1.0 + run)) - 1.0 if compound else float(run.sum()) for run in runs])
    total = float(np.square(losses).sum())
    return ratio(reward, math.sqrt(total / len(returns) if modified and len(returns) else total))


@columnwise
def sterling_ratio(
    returns: Floats,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    compound: bool = True,
    largest: int | None = None,
    excess: float = 0.0,
) -> float:
    """Growth rate above the risk-free one over the mean size of the `largest` drawdowns (None: of all).

    excess: added to that mean; 0.10 is what the ratio was first defined with (Bacon, page 89).
    """
    reward = _reward(returns, periods_per_year, risk_free)
    worst = _depths(_below(returns, compound))
    if largest is not None:
        worst = worst[: check_count("largest", largest, 1)]
    extra = check_number("excess", excess)
    return ratio(reward, extra - float(worst.mean())) if len(worst) else math.nan


def _reward(returns: Floats, periods_per_year: float, risk_free: float) -> float:
    rate = annual_rate(risk_free, periods_per_year)
    return yearly_growth(returns, periods_per_year) - rate
