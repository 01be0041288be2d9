"""Round steps for the axes of charts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["time_ticks", "value_ticks"]

type Floats = npt.NDArray[np.float64]

_MINUTE: Final = 60_000_000_000
_STEPS: Final = (
    *((n * _MINUTE, "%H:%M") for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *((n * 1440 * _MINUTE, "%d %b") for n in (1, 2, 7, 14)),
)
_CALENDAR: Final = (
    ("MS", 31, "%b %Y"),
    ("QS", 92, "%b %Y"),
    *((f"{n}YS", 366 * n, "%Y") for n in (1, 2, 5, 10, 20)),
)


def value_ticks(curves: Iterable[Floats], base: float) -> tuple[float, float, list[float]]:
    """Bounds of an axis that holds `curves` and `base`, and its round steps."""
    finite = [values[np.isfinite(values)] for values in curves]
    low = min([base, *(float(v.min()) for v in finite if len(v))])
    high = max([base, *(float(v.max()) for v in finite if len(v))])
    if high == low:
        spare = abs(high) * 0.01 or 0.01
        low, high = low - spare, high + spare
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [n * step for n in range(first, last + 1)]


def time_ticks(first_ns: int, last_ns: int) -> list[tuple[int, str]]:
    """Round moments inside the axis, about ten of them, with their text."""
    rough = (last_ns - first_ns) / 10
    for step, form in _STEPS:
        if step >= rough:
            times = range(-(-first_ns // step) * step, last_ns + 1, step)
            return [(ns, _clock(ns, form)) for ns in times]
    day = 1440 * _MINUTE
    frequency, _, form = next((c for c in _CALENDAR if c[1] * day >= rough), _CALENDAR[-1])
    first, last = pd.Timestamp(first_ns, unit="ns").ceil("D"), pd.Timestamp(last_ns, unit="ns")
    return [(moment.value, f"{moment:{form}}") for moment in pd.date_range(first, last, freq=frequency)]


def _clock(time_ns: int, form: str) -> str:
    moment = pd.Timestamp(time_ns, unit="ns")
    return f"{moment:%d %b}" if moment == moment.normalize() else f"{moment:{form}}"
