"""The window of the rapid-drawdown breaker: the highest equity of each of its steps.

A step is a nineteenth of the window: the twenty that are kept span all of it wherever in a step the fall ends, and at
most a step more.
"""

from __future__ import annotations

import math

from workbench.core.jit import jit
from workbench.core.monitors import drawdown
from workbench.core.state import BUCKETS, NEVER, Desk

__all__ = [
    "bucket_step",
    "forget_peaks",
    "rapid_drawdown",
    "rapid_peak",
    "remember",
    "remember_equity",
]


@jit
def bucket_step(desk: Desk) -> int:
    """The step of the rapid-drawdown window at the present time."""
    return desk.books[0].now_ns // (desk.limits[0].bucket_ns * BUCKETS // (BUCKETS - 1))


@jit
def remember(desk: Desk, step: int, equity: float) -> None:
    """Take a finite equity into the highest of its step."""
    place = step % BUCKETS
    if desk.bucket_steps[place] != step:
        desk.bucket_steps[place] = step
        desk.bucket_peaks[place] = equity
    elif equity > desk.bucket_peaks[place]:
        desk.bucket_peaks[place] = equity


@jit
def remember_equity(desk: Desk) -> int:
    """Take the equity of now into the highest of the present step; the step."""
    step = bucket_step(desk)
    if math.isfinite(desk.books[0].equity):
        remember(desk, step, desk.books[0].equity)
    return step


@jit
def forget_peaks(desk: Desk) -> None:
    """Begin a window with the equity of now."""
    for i in range(BUCKETS):
        desk.bucket_steps[i] = -NEVER
    remember_equity(desk)


@jit
def rapid_peak(desk: Desk, step: int, equity: float) -> float:
    """Highest equity within the window that ends with `step`, at least `equity`."""
    peak = equity
    for i in range(BUCKETS):
        if desk.bucket_steps[i] > step - BUCKETS and desk.bucket_peaks[i] > peak:
            peak = desk.bucket_peaks[i]
    return peak


@jit
def rapid_drawdown(desk: Desk, step: int) -> float:
    """Fall of equity from its highest within the window, as a positive share."""
    equity = desk.books[0].equity
    return drawdown(equity, rapid_peak(desk, step, equity))
