"""Figures of an equity curve.

A return is equity at one distinct update time over equity at the one before, minus 1.  Ratios are the arithmetic mean
of these returns over their deviation, times the square root of the number of periods per year; the risk-free rate is
0.  Where a figure does not exist (no deviation, equity at or below zero on the way) it is NaN.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.performance.arithmetic import Floats, deviation, downside, drawdowns, growth, ratio, spells
from workbench.performance.calendar import DAY_NS, YEAR_DAYS

__all__ = ["Curve", "curve_figures"]

type Times = npt.NDArray[np.int64]


class Curve(msgspec.Struct, frozen=True):
    """Figures of an equity curve; see the module for what a return is.

    total_return, cagr, max_drawdown: fractions, the last <= 0.  volatility: annualised.  longest_drawdown_ns: from a
    peak until it is reached again, or until the end.
    """

    total_return: float
    cagr: float
    volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    longest_drawdown_ns: int


def curve_figures(times_ns: Times, equity: Floats, start: float, begin_ns: int, per_year: float) -> Curve:
    """Figures of an equity curve that began at `begin_ns` with `start`.

    times_ns: int64[n], distinct, rising.  equity: float64[n], quote currency.
    """
    final = float(equity[-1]) if len(equity) else start
    years = (int(times_ns[-1]) - begin_ns) / (YEAR_DAYS * DAY_NS) if len(times_ns) else 0.0
    yearly = growth(final / start, years)
    down = drawdowns(equity, start)
    worst = float(down.min()) if len(down) else 0.0
    mean, spread, short = _moments(equity)
    root = math.sqrt(per_year)
    return Curve(
        total_return=final / start - 1.0,
        cagr=yearly,
        volatility=spread * root,
        sharpe_ratio=ratio(mean, spread) * root,
        sortino_ratio=ratio(mean, short) * root,
        calmar_ratio=ratio(yearly, -worst),
        max_drawdown=worst,
        longest_drawdown_ns=_longest(times_ns, down, begin_ns),
    )


def _moments(equity: Floats) -> tuple[float, float, float]:
    """Mean, deviation (n - 1) and downside deviation of the returns; NaN where they do not exist."""
    if len(equity) < 3 or not (equity[:-1] > 0.0).all():
        return math.nan, math.nan, math.nan
    returns = equity[1:] / equity[:-1] - 1.0
    return float(returns.mean()), deviation(returns), downside(returns)


def _longest(times_ns: Times, down: Floats, begin_ns: int) -> int:
    """Longest time below a peak: from the last moment at the peak until the first back at one, or the end."""
    first, after = spells(down < 0.0)
    if not len(first):
        return 0
    times = np.concatenate([[begin_ns], times_ns])
    until = times[np.minimum(after, len(times_ns) - 1) + 1]
    return int((until - times[first]).max())
