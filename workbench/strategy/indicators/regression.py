"""Rolling least squares: the hedge ratio of one price to another, and how far the last pair lies from the line.

No jitted function here calls one of another file: the kernel cache would not notice an edit there.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.jit import allocating, jit
from workbench.errors import ParameterError

__all__ = ["Fit", "ols", "push_ols"]

type Floats = npt.NDArray[np.float64]
type Pairs = tuple[npt.NDArray[np.uint64], Floats, Floats, Floats]

FLAT: Final = 1e-9  # a deviation below this share of the mean is rounding, not movement
# Squares that have fallen below this share of what they were are taken anew: the rest may be rounding.
LOST: Final = 1e-3
ZERO: Final = np.uint64(0)
ONE: Final = np.uint64(1)
MEAN_X, MEAN_Y, XX, YY, XY, MOST_XX, MOST_YY = range(7)  # the last two: since all were last taken anew


class Fit(NamedTuple):
    """Least squares y = intercept + slope * x over a window.

    residual: of the last pair.  deviation: standard deviation of all residuals (ddof=0), 0 where the line is exact.
    """

    slope: float
    intercept: float
    residual: float
    deviation: float


@allocating
def ols(window: int) -> Pairs:
    """State of `push_ols`.  window: at least 1, and 3 to be of use."""
    if window < 1:
        raise ParameterError("a regression needs a length of at least 1")
    return np.zeros(1, np.uint64), np.full(7, math.nan), np.zeros(window), np.zeros(window)


@jit
def _take(figures: Floats, xs: Floats, ys: Floats) -> None:
    """Means, and sums of squared and mixed deviations from them, in two passes."""
    count = float(len(xs))
    mean_x = mean_y = xx = yy = xy = 0.0
    for i in range(len(xs)):
        mean_x += xs[i]
        mean_y += ys[i]
    mean_x /= count
    mean_y /= count
    for i in range(len(xs)):
        x, y = xs[i] - mean_x, ys[i] - mean_y
        xx += x * x
        yy += y * y
        xy += x * y
    figures[MEAN_X], figures[MEAN_Y] = mean_x, mean_y
    figures[XX], figures[YY], figures[XY] = xx, yy, xy
    figures[MOST_XX], figures[MOST_YY] = xx, yy


@jit
def push_ols(state: Pairs, x: float, y: float) -> Fit:
    """The line through the last `window` pairs (pandas: slope is `y.rolling(window).cov(x) / x.rolling(window).var()`).

    All NaN until the window is full, and while x does not move.
    """
    at, figures, xs, ys = state
    i = at[0]
    count = float(len(xs))
    old_x, old_y = xs[i], ys[i]
    mean_x, mean_y = figures[MEAN_X], figures[MEAN_Y]
    xs[i] = x
    ys[i] = y
    # Welford's update with the old pair leaving as the new one enters, in both variables.
    dx, dy = x - old_x, y - old_y
    figures[MEAN_X] = mean_x + dx / count
    figures[MEAN_Y] = mean_y + dy / count
    figures[XX] += dx * ((x - figures[MEAN_X]) + (old_x - mean_x))
    figures[YY] += dy * ((y - figures[MEAN_Y]) + (old_y - mean_y))
    figures[XY] += dy * (x - figures[MEAN_X]) + dx * (old_y - mean_y)
    i += ONE
    turned = i == np.uint64(len(xs))
    if turned:
        i = ZERO
    if turned or figures[XX] < LOST * figures[MOST_XX] or figures[YY] < LOST * figures[MOST_YY]:
        _take(figures, xs, ys)
    else:
        if figures[XX] > figures[MOST_XX]:
            figures[MOST_XX] = figures[XX]
        if figures[YY] > figures[MOST_YY]:
            figures[MOST_YY] = figures[YY]
    at[0] = i
    mean_x, mean_y, xx = figures[MEAN_X], figures[MEAN_Y], figures[XX]
    if not xx > count * (FLAT * mean_x) ** 2:
        return Fit(math.nan, math.nan, math.nan, math.nan)
    slope = figures[XY] / xx
    residual = (y - mean_y) - slope * (x - mean_x)
    variance = (figures[YY] - slope * figures[XY]) / count
    deviation = math.sqrt(variance) if variance > (FLAT * mean_y) ** 2 else 0.0
    return Fit(slope, mean_y - slope * mean_x, residual, deviation)
