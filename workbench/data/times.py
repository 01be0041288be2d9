"""Times of any common kind to UTC nanoseconds: ISO text, datetimes, and counts since 1970 in s, ms, us or ns."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError

__all__ = [
    "Moment",
    "as_span",
    "epoch_unit",
    "length_text",
    "nanoseconds",
    "parse_interval",
    "stamp",
    "to_utc_index",
]

type Moment = str | date | datetime | pd.Timestamp

# The smallest count that is read in each unit: 1973-03-03 in that unit. Below it lie row numbers and yyyymmdd.
type _Unit = Literal["s", "ms", "us", "ns"]

_SMALLEST: Final[tuple[tuple[_Unit, float], ...]] = (("ns", 1e17), ("us", 1e14), ("ms", 1e11), ("s", 1e8))
_OFFSET: Final = r"\d{2}:\d{2}[\d:.,]*\s*(Z|z|UTC|[+-]\d{2}:?\d{2})$"
_ZERO_OFFSETS: Final = {"Z": "+00:00", "z": "+00:00", "UTC": "+00:00", "+0000": "+00:00"}
_DAY_OR_LONGER: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DAYS_OR_WEEKS: Final = re.compile(r"(?<=\d)[dw]$")
_LENGTHS: Final = (
    ("D", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
)
_ONE_NANOSECOND: Final = pd.Timedelta(1, unit="ns")


def to_utc_index(values: pd.Series | pd.Index, where: str) -> pd.DatetimeIndex:
    """UTC index (datetime64[ns], named "timestamp") of `values`, order kept; a time without zone is read as UTC.

    Raises DataError with the first row that is no time, that has another zone than the first row, or (for counts
    since 1970) another unit than the first row.  `where` opens each message.
    """
    series = pd.Series(values.to_numpy() if isinstance(values, pd.RangeIndex) else values).reset_index(
        drop=True
    )
    if isinstance(series.dtype, pd.DatetimeTZDtype) or np.issubdtype(_kind(series), np.datetime64):
        index = pd.DatetimeIndex(series)
    elif pd.api.types.is_bool_dtype(series.dtype):
        raise DataError(
            f"{where}: expected times, found true and false in the time column; name a time column"
        )
    elif pd.api.types.is_numeric_dtype(series.dtype):
        index = _from_counts(series, where)
    else:
        index = _from_objects(series, where)
    _refuse(pd.isna(index), series, where, "no time", "fill it in or leave the row out")
    index = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    try:
        return index.as_unit("ns").rename("timestamp")
    except pd.errors.OutOfBoundsDatetime as error:
        raise DataError(
            f"{where}: expected times between 1678 and 2262, found {error}; mend the dates"
        ) from error


def epoch_unit(count: float) -> _Unit | None:
    """Unit (s, ms, us, ns) in which `count` since 1970 is a date after March 1973; None where it is none."""
    return next((unit for unit, smallest in _SMALLEST if count >= smallest), None)


def parse_interval(interval: str | timedelta, what: str = "interval") -> int:
    """Nanoseconds of a fixed length such as "1min", "1h", "1D", or "1m" and "1d" as exchanges write it.

    Raises DataError, which opens with `what`, for anything else.
    """
    problem = f"{what}: expected a fixed length above 0 such as '1min', '1h' or '1D', found {interval!r}"
    if not isinstance(interval, str | timedelta):
        raise DataError(problem)
    text = (
        _DAYS_OR_WEEKS.sub(lambda match: match[0].upper(), interval)
        if isinstance(interval, str)
        else interval
    )
    try:
        length = pd.Timedelta(text)
    except ValueError as error:
        raise DataError(problem) from error
    if not length > pd.Timedelta(0):  # NaT is not
        raise DataError(problem)
    return int(length.value)


def nanoseconds(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Times of a clean frame, int64[n]: nanoseconds since 1970, UTC."""
    index = frame.index
    assert isinstance(index, pd.DatetimeIndex)
    return np.asarray(index.asi8, dtype=np.int64)


def stamp(moment: pd.Timestamp) -> str:
    """A time as people read it; midnight as its date alone."""
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M:%S}"


def length_text(length_ns: int) -> str:
    """A bar length as it is written in `interval=`: "1min", "4h", "1D"; "events" for 0."""
    for unit, size in _LENGTHS:
        if length_ns and length_ns % size == 0:
            return f"{length_ns // size}{unit}"
    return "events"


def as_span(moment: Moment) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last UTC nanosecond that `moment` covers: a day for a date, a month for "2020-03", else one point."""
    try:
        if isinstance(moment, str) and _DAY_OR_LONGER.fullmatch(moment.strip()):
            period = pd.Period(moment.strip())
            return _utc(period.start_time), _utc(period.end_time)
        point = _utc(pd.Timestamp(moment))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"expected a date such as '2020-03-16' or '2020-03-16 09:30', found {moment!r}"
        ) from error
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return point, point + pd.Timedelta(days=1) - _ONE_NANOSECOND
    return point, point


def _utc(moment: pd.Timestamp) -> pd.Timestamp:
    if pd.isna(moment):
        raise ValueError("not a time")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _kind(series: pd.Series) -> np.dtype[Any]:
    return series.dtype if isinstance(series.dtype, np.dtype) else np.dtype(object)


def _from_counts(series: pd.Series, where: str) -> pd.DatetimeIndex:
    counts = series.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(~np.isfinite(counts), series, where, "no time", "fill it in or leave the row out")
    unit = epoch_unit(float(counts[0])) if len(counts) else "s"
    if unit is None:
        raise DataError(
            f"{where}: row 1: expected a time (text, or a count since 1970 in s, ms, us or ns), "
            f"found {series.iloc[0]}; "
            "write ISO 8601 such as 2024-01-31T09:30:00Z"
        )
    smallest = dict(_SMALLEST)[unit]
    largest = smallest * 1e3 if unit != "ns" else np.inf
    other = (counts < smallest) | (counts >= largest)
    _refuse(
        other, series, where, f"another unit than row 1, which counts {unit}", "write all times in one unit"
    )
    if pd.api.types.is_integer_dtype(series.dtype):
        return pd.to_datetime(series.to_numpy(dtype=np.int64), unit=unit, utc=True)
    return pd.to_datetime(counts, unit=unit, utc=True)


def _from_objects(series: pd.Series, where: str) -> pd.DatetimeIndex:
    text = series.astype(str)
    offsets = text.str.extract(_OFFSET, expand=False).fillna("none").replace(_ZERO_OFFSETS)
    offsets = offsets.str.replace(r"^([+-]\d{2})(\d{2})$", r"\1:\2", regex=True).replace(_ZERO_OFFSETS)
    offsets = offsets.where(series.notna(), offsets.iloc[0] if len(offsets) else "none")
    if len(offsets):
        reason = f"mixed time zones: offset {{}} after {offsets.iloc[0]} in row 1"
        _refuse(
            (offsets != offsets.iloc[0]).to_numpy(), series, where, reason, "write all times in UTC", offsets
        )
    index = pd.DatetimeIndex(
        pd.to_datetime(text.where(series.notna()), format="ISO8601", utc=True, errors="coerce")
    )
    _refuse(pd.isna(index), series, where, "no time in ISO 8601", "write it as 2024-01-31T09:30:00Z")
    return index


def _refuse(
    bad: npt.NDArray[np.bool_],
    series: pd.Series,
    where: str,
    reason: str,
    mend: str,
    detail: pd.Series | None = None,
) -> None:
    if not bad.any():
        return
    row = int(bad.argmax())
    reason = reason.format(detail.iloc[row]) if detail is not None else reason
    found = series.iloc[row]
    shown = repr(found) if isinstance(found, str) else str(found)
    raise DataError(f"{where}: row {row + 1} of {len(series)}: {reason}, found {shown}; {mend}")
