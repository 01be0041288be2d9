"""Exponential averages, and what J. Welles Wilder built on them (New Concepts in Technical Trading Systems, 1978).

No jitted function here calls one of another file: the kernel cache would not notice an edit there.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.jit import allocating, jit
from workbench.errors import ParameterError

__all__ = ["atr", "ema", "push_atr", "push_ema", "push_rsi", "rsi"]

type Smooth = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


@allocating
def ema(span: int) -> Smooth:
    """State of `push_ema`.  span: at least 1; the newest value has a weight of 2 / (span + 1)."""
    if span < 1:
        raise ParameterError("an exponential average needs a length of at least 1")
    figures = np.empty(2)
    figures[0] = math.nan
    figures[1] = 2.0 / (span + 1.0)
    return np.full(1, span), figures


@jit
def push_ema(state: Smooth, value: float) -> float:
    """Exponential moving average, begun with the first value.

    pandas: `ewm(span=span, adjust=False, min_periods=span).mean()`.
    """
    left, figures = state
    before = figures[0]
    after = before + figures[1] * (value - before)
    if left[0] > 0:
        if before != before:
            after = value
        left[0] -= 1
        figures[0] = after
        return after if left[0] == 0 else math.nan
    figures[0] = after
    return after  # type: ignore[no-any-return]


@allocating
def rsi(window: int) -> Smooth:
    """State of `push_rsi`.  window: at least 1."""
    if window < 1:
        raise ParameterError("a relative strength needs a length of at least 1")
    figures = np.zeros(4)  # average gain, average loss, last price, weight of a change
    figures[2] = math.nan
    counts = np.zeros(2, np.int64)
    counts[1] = window
    return counts, figures


@jit
def push_rsi(state: Smooth, price: float) -> float:
    """Relative strength index, 0..100: what was gained of all that was moved, in Wilder's averages; NaN if nothing was.

    The averages begin as plain means of the first `window` changes, as Wilder's and TA-Lib's do. vectorbt's
    `RSI.run(close, 2 * window - 1, ewm=True, adjust=False)` has the same weights and begins with the first change
    alone: the two are equal once the beginning has faded.
    """
    counts, figures = state
    change = price - figures[2]
    figures[2] = price
    if change != change:  # the first price
        return math.nan
    count, window = counts[0], counts[1]
    if count < window:
        count += 1
        counts[0] = count
        figures[3] = 1.0 / count
    weight = figures[3]
    gain = change if change > 0.0 else 0.0
    loss = 0.0 if change > 0.0 else -change
    up = figures[0] * (1.0 - weight) + gain * weight
    down = figures[1] * (1.0 - weight) + loss * weight
    figures[0] = up
    figures[1] = down
    if count < window or not up + down > 0.0:
        return math.nan
    return 100.0 * up / (up + down)  # type: ignore[no-any-return]


@allocating
def atr(window: int) -> Smooth:
    """State of `push_atr`.  window: at least 1."""
    if window < 1:
        raise ParameterError("an average range needs a length of at least 1")
    figures = np.zeros(3)  # average range, last close, weight of a range
    figures[1] = math.nan
    counts = np.zeros(2, np.int64)
    counts[1] = window
    return counts, figures


@jit
def push_atr(state: Smooth, high: float, low: float, close: float) -> float:
    """Average true range in Wilder's average, in the unit of the prices.

    The true range of the first bar is its height. The average begins as the plain mean of the first `window` ranges, as
    Wilder's does (TA-Lib leaves the first bar out; vectorbt's `ATR.run(high, low, close, 2 * window - 1, ewm=True,
    adjust=False)` begins with the first range alone). Where a price is all there is, push it three times: the range is
    then the absolute change.
    """
    counts, figures = state
    before = figures[1]
    figures[1] = close
    reach = high - low
    if high - before > reach:
        reach = high - before
    if before - low > reach:
        reach = before - low
    count, window = counts[0], counts[1]
    if count < window:
        count += 1
        counts[0] = count
        figures[2] = 1.0 / count
    average = figures[0] * (1.0 - figures[2]) + reach * figures[2]
    figures[0] = average
    return average if count == window else math.nan
