"""Figures over the last `window` values: sums, averages, deviations, extremes, and the value that was there before.

A window is a ring that is written round and round. Its place is a whole number without a sign, in an array of its own:
kept among the floats it would be converted twice for each value, and with a sign its index would be checked for one.
No jitted function here calls one of another file: the kernel cache would not notice an edit there.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.jit import allocating, jit
from workbench.errors import ParameterError

__all__ = [
    "Moments",
    "highest",
    "is_price",
    "lag",
    "lowest",
    "memory",
    "moments",
    "push_highest",
    "push_lag",
    "push_lowest",
    "push_moments",
    "push_sma",
    "push_std",
    "push_total",
    "push_zscore",
    "sma",
    "std",
    "total",
    "zscore",
]

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.uint64]
type Ring = tuple[Places, Floats]
type Window = tuple[Places, Floats, Floats]

FLAT: Final = 1e-9  # a deviation below this share of the mean is rounding, not movement
# Squares that have fallen below this share of what they were are taken anew: the rest may be rounding.
LOST: Final = 1e-3
LARGEST: Final = 1e100  # squares and sums of what is smaller are finite
ZERO: Final = np.uint64(0)
ONE: Final = np.uint64(1)


@jit
def is_price(value: float) -> bool:
    """Whether `value` can be a price: a number above 0, and below 1e100, so that its square is a number too.

    (`value < inf` would be true of the same prices, and takes twenty instructions in place of two.)
    """
    return 0.0 < value < LARGEST


@allocating
def memory(size: int, value: float = 0.0) -> Floats:
    """float64[size] for what a strategy wants to remember."""
    return np.full(size, value)


# -- what was there before ---------------------------------------------------------------------------------------------


@allocating
def lag(updates: int) -> Ring:
    """State of `push_lag`.  updates: at least 1."""
    if updates < 1:
        raise ParameterError("a lag needs a length of at least 1")
    return np.zeros(1, np.uint64), np.full(updates, math.nan)


@jit
def push_lag(state: Ring, value: float) -> float:
    """The value `updates` pushes before this one (pandas: `shift(updates)`)."""
    at, ring = state
    i = at[0]
    before = ring[i]
    ring[i] = value
    i += ONE
    if i == np.uint64(len(ring)):
        i = ZERO
    at[0] = i
    return before  # type: ignore[no-any-return]


# -- sums and averages -------------------------------------------------------------------------------------------------


@allocating
def total(window: int) -> Window:
    """State of `push_total`.  window: at least 1."""
    if window < 1:
        raise ParameterError("a sum or an average needs a length of at least 1")
    sums = np.zeros(2)
    sums[0] = math.nan  # and what is added to it is NaN too, until the ring has been filled once
    return np.zeros(1, np.uint64), sums, np.zeros(window)


@jit
def push_total(state: Window, value: float) -> float:
    """Sum of the last `window` values (pandas: `rolling(window).sum()`)."""
    at, sums, ring = state
    i = at[0]
    whole = sums[0] + (value - ring[i])
    fresh = sums[1] + value  # of the values since the ring began anew: when it is full, this is the exact sum
    ring[i] = value
    i += ONE
    if i == np.uint64(len(ring)):
        i = ZERO
        whole = fresh
        fresh = 0.0
    at[0] = i
    sums[0] = whole
    sums[1] = fresh
    return whole  # type: ignore[no-any-return]


sma = total


@jit
def push_sma(state: Window, value: float) -> float:
    """Simple moving average: the mean of the last `window` values (pandas: `rolling(window).mean()`)."""
    return push_total(state, value) / len(state[2])


# -- deviations --------------------------------------------------------------------------------------------------------


class Moments(NamedTuple):
    """Mean and standard deviation of a window, the latter of the population (ddof=0)."""

    mean: float
    deviation: float


@allocating
def moments(window: int) -> Window:
    """State of `push_moments`, `push_std` and `push_zscore`.  window: at least 1, and 2 to be of use."""
    if window < 1:
        raise ParameterError("a deviation needs a length of at least 1")
    return (
        np.zeros(1, np.uint64),
        np.full(3, math.nan),
        np.zeros(window),
    )  # mean, squares, most squares since taken


std = moments
zscore = moments


@jit
def _mean_and_squares(ring: Floats) -> tuple[float, float]:
    """Mean of the ring and sum of squared deviations from it, in two passes; four sums, so as not to wait for one."""
    count = len(ring)
    fours = count - count % 4
    a = b = c = d = 0.0
    for i in range(0, fours, 4):
        a += ring[i]
        b += ring[i + 1]
        c += ring[i + 2]
        d += ring[i + 3]
    for i in range(fours, count):
        a += ring[i]
    mean = ((a + b) + (c + d)) / count
    a = b = c = d = 0.0
    for i in range(0, fours, 4):
        a += (ring[i] - mean) ** 2
        b += (ring[i + 1] - mean) ** 2
        c += (ring[i + 2] - mean) ** 2
        d += (ring[i + 3] - mean) ** 2
    for i in range(fours, count):
        a += (ring[i] - mean) ** 2
    return mean, (a + b) + (c + d)


@jit
def push_moments(state: Window, value: float) -> Moments:
    """Mean and deviation of the last `window` values (pandas: `rolling(window).mean()`, `.std(ddof=0)`)."""
    at, figures, ring = state
    i = at[0]
    count = float(len(ring))
    before, mean = ring[i], figures[0]
    ring[i] = value
    # Welford's update, with `before` leaving as `value` enters: no difference of large sums of squares.
    change = value - before
    after = mean + change / count
    squares = figures[1] + change * ((value - after) + (before - mean))
    i += ONE
    turned = i == np.uint64(len(ring))
    if turned:
        i = ZERO
    if turned or squares < LOST * figures[2]:
        after, squares = _mean_and_squares(ring)
        figures[2] = squares
    elif squares > figures[2]:
        figures[2] = squares
    at[0] = i
    figures[0] = after
    figures[1] = squares
    return Moments(after, math.sqrt(squares / count))


@jit
def push_std(state: Window, value: float, ddof: int = 0) -> float:
    """Standard deviation of the last `window` values (pandas: `rolling(window).std(ddof=ddof)`).

    ddof: 0 for that of the population, as in numpy and Bollinger bands; 1 for that of a sample, pandas' default.
    """
    deviation = push_moments(state, value).deviation
    count = len(state[2])
    if count <= ddof:
        return math.nan
    return deviation * math.sqrt(count / (count - ddof))


@jit
def push_zscore(state: Window, value: float) -> float:
    """How many standard deviations (of the population) `value` lies above the mean of the last `window` values.

    0 while nothing moves, where pandas divides nothing by nothing: the value is at its mean.
    """
    found = push_moments(state, value)
    if found.deviation > FLAT * abs(found.mean):
        return (value - found.mean) / found.deviation
    return 0.0 if found.mean == found.mean else math.nan


# -- extremes ----------------------------------------------------------------------------------------------------------


@allocating
def highest(window: int) -> Window:
    """State of `push_highest` and `push_lowest`.  window: at least 1."""
    if window < 1:
        raise ParameterError("an extreme needs a length of at least 1")
    ring = np.full(window + 1, math.nan)
    ring[window] = -math.inf
    return np.zeros(1, np.uint64), np.full(1, -math.inf), ring


lowest = highest


@jit
def push_highest(state: Window, value: float) -> float:
    """The highest of the last `window` values (pandas: `rolling(window).max()`).

    Two runs make up a window: the values since the ring began anew, of which the highest is at hand, and what the ring
    still has of the round before, where each value has been replaced by the highest from there to the round's end.
    Nothing depends on how the values fall, as it would with a queue of candidates. (M. van Herk, Pattern Recognition
    Letters 13, 1992; J. Gil and M. Werman, IEEE PAMI 15, 1993.)
    """
    at, best, ring = state
    i = at[0]
    recent = best[0]
    if value > recent:
        recent = value
    ring[i] = value
    i += ONE
    found = ring[i]  # NaN in the first round, and -inf at its end
    if recent > found:
        found = recent
    if i + ONE == np.uint64(len(ring)):
        i = ZERO
        recent = -math.inf
        for j in range(len(ring) - 3, -1, -1):
            if ring[j + 1] > ring[j]:
                ring[j] = ring[j + 1]
    at[0] = i
    best[0] = recent
    return found  # type: ignore[no-any-return]


@jit
def push_lowest(state: Window, value: float) -> float:
    """The lowest of the last `window` values (pandas: `rolling(window).min()`)."""
    return -push_highest(state, -value)
