"""Which bars are missing: reported, never filled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.times import length_text, nanoseconds, parse_interval, stamp
from workbench.errors import DataError

__all__ = ["bar_length", "find_gaps", "infer_interval", "summarise"]

_DAY_NS: Final = 86_400_000_000_000
_MINUTE_NS: Final = 60_000_000_000


def bar_length(frame: pd.DataFrame, where: str, given: str | timedelta | None = None) -> int:
    """Length of a bar of `frame` in nanoseconds: as given, else the most common step.

    Raises DataError for a given length that is longer than the most common step.
    """
    if given is None:
        return infer_interval(frame, where)
    length = parse_interval(given)
    if len(frame) > 1 and (usual := infer_interval(frame, where)) < length:
        raise DataError(
            f"{where}: expected bars {length_text(length)} apart, found {length_text(usual)}; "
            "leave the interval out, or resample"
        )
    return length


def infer_interval(frame: pd.DataFrame, where: str) -> int:
    """Most common step of `frame` in nanoseconds, the shortest of equally common ones.

    Raises DataError where there are fewer than two rows to tell it from.
    """
    if len(frame) < 2:
        raise DataError(f"{where}: one row does not tell how long a bar is; give it, as in interval='1min'")
    steps, counts = np.unique(np.diff(nanoseconds(frame)), return_counts=True)
    return int(steps[counts.argmax()])


def find_gaps(frames: Mapping[str, pd.DataFrame], intervals_ns: Mapping[str, int]) -> pd.DataFrame:
    """One row per gap: instrument, start and end (opens of the bars before and after), missing_bars, minutes.

    minutes: end - start, so 278 minutes between two one-minute bars are 277 missing bars.
    Daily bars that never stand on a Saturday or Sunday are held against weekdays, all others against an unbroken
    clock.  Event times (interval 0) have no gaps.
    """
    parts = [_gaps_of(name, frame, intervals_ns[name]) for name, frame in frames.items()]
    return pd.concat(parts, ignore_index=True)


def _gaps_of(name: str, frame: pd.DataFrame, interval_ns: int) -> pd.DataFrame:
    index = frame.index
    assert isinstance(index, pd.DatetimeIndex)
    missing = _missing_bars(index, interval_ns)
    at = np.flatnonzero(missing > 0)
    start, end = index[at], index[at + 1]
    return pd.DataFrame(
        {
            "instrument": pd.Series([name] * len(at), dtype="str"),
            "start": start,
            "end": end,
            "missing_bars": missing[at],
            "minutes": (end.asi8 - start.asi8) / _MINUTE_NS,
        }
    )


def _missing_bars(index: pd.DatetimeIndex, interval_ns: int) -> npt.NDArray[np.int64]:
    """int64[n - 1]: bars that should stand between each row and the next."""
    if interval_ns == 0:
        return np.zeros(max(len(index) - 1, 0), dtype=np.int64)
    if interval_ns == _DAY_NS:
        days = index.asi8 // _DAY_NS
        if not ((days + 3) % 7 >= 5).any():  # 1970-01-01 was a Thursday, so Monday is 0
            dates = days.astype("datetime64[D]")
            return np.asarray(np.busday_count(dates[:-1], dates[1:]) - 1, dtype=np.int64)
    return np.diff(index.asi8) // interval_ns - 1


def summarise(
    frames: Mapping[str, pd.DataFrame], instruments: Mapping[str, Instrument], intervals_ns: Mapping[str, int]
) -> pd.DataFrame:
    """One row per instrument: bars, interval, first and last open, missing_bars, tick, lot."""
    missing = find_gaps(frames, intervals_ns).groupby("instrument")["missing_bars"].sum()
    rows = {
        name: {
            "bars": len(frame),
            "interval": length_text(intervals_ns[name]),
            "first": stamp(frame.index[0]),
            "last": stamp(frame.index[-1]),
            "missing_bars": int(missing.get(name, 0)),
            "tick": instruments[name].tick,
            "lot": instruments[name].lot,
        }
        for name, frame in frames.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("instrument")
