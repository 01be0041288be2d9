"""Parts of prices by name and by time, with an error that names what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from workbench.data.times import Moment, as_span, stamp
from workbench.errors import DataError, UnknownInstrumentError

__all__ = ["cut", "known"]


def known(wanted: str | Iterable[str] | None, have: list[str], what: str) -> list[str]:
    """`wanted` as a list, None as all of `have`.  Raises UnknownInstrumentError for a name that `have` lacks."""
    if wanted is None:
        return have
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in have:
            raise UnknownInstrumentError(f"no {what} {name!r} in these prices; there are {', '.join(have)}")
    return names


def cut(
    frames: Mapping[str, pd.DataFrame],
    start: Moment | None,
    end: Moment | None,
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> dict[str, pd.DataFrame]:
    """Rows of each clean frame that open from `start` to `end`; the frames span `first` to `last`.

    Raises DataError where a bound lies outside that span, where `start` is after `end`, or where a frame ends up empty.
    """
    available = f"prices run from {stamp(first)} to {stamp(last)}"
    low, high = first, last
    for bound, moment in (("start", start), ("end", end)):
        if moment is None:
            continue
        span = as_span(moment)
        if span[1] < first or span[0] > last:
            raise DataError(f"{bound} {moment} is out of range: {available}")
        low, high = (span[0], high) if bound == "start" else (low, span[1])
    if low > high:
        raise DataError(f"start {start} is after end {end}; {available}")
    parts = {name: frame[(frame.index >= low) & (frame.index <= high)] for name, frame in frames.items()}
    for name, part in parts.items():
        if part.empty:
            own = frames[name].index
            raise DataError(
                f"{name} has no bar from {stamp(low)} to {stamp(high)}; "
                f"its bars open from {stamp(own[0])} to {stamp(own[-1])}"
            )
    return parts
