"""What prices must be before anything trusts them; nothing is repaired, the first offending row is named.

Rows are counted from 1, below the header of a file.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError

__all__ = ["BARS", "COLUMNS", "PRICES", "SIZES", "check_frame", "to_numbers"]

BARS: Final = ("open", "high", "low", "close")
PRICES: Final = (*BARS, "bid", "ask")
SIZES: Final = ("volume", "bid_size", "ask_size")
COLUMNS: Final = ("open", "high", "low", "close", "volume", "bid", "ask", "bid_size", "ask_size")

# Adjusted prices are products, so an open may miss its high by some units in the last place.
_ROUNDING: Final = 1e-9

type Flags = npt.NDArray[np.bool_]


class _Fault(NamedTuple):
    row: int
    reason: str
    mend: str


def to_numbers(
    column: pd.Series,
    name: str,
    where: str,
    rows: npt.NDArray[np.int64] | None = None,
    total: int | None = None,
) -> npt.NDArray[np.float64]:
    """`column` as float64[n]; empty cells become NaN.  Raises DataError with the first cell that is no number.

    rows: row of each cell in the file, from 0 (left out: counted through).  total: rows in the file.
    """
    numbers = (
        pd.to_numeric(column, errors="coerce") if not pd.api.types.is_numeric_dtype(column.dtype) else column
    )
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if numbers is not column:
        lost = np.isnan(values) & column.notna().to_numpy()
        if lost.any():
            at = int(lost.argmax())
            row = at if rows is None else int(rows[at])
            raise DataError(
                f"{where}: row {row + 1} of {total or len(column)}: {name} is not a number, found "
                f"{column.iloc[at]!r}; write plain numbers with a decimal point"
            )
    return values


def check_frame(
    frame: pd.DataFrame, where: str, rows: npt.NDArray[np.int64] | None = None, total: int | None = None
) -> None:
    """Refuse `frame` (UTC DatetimeIndex; float64 columns out of COLUMNS, with all BARS and volume) unless it is sound.

    Sound: times rise strictly; prices are finite and > 0; low <= open, close <= high; bid <= ask; volume and sizes
    are >= 0 or NaN (unknown).  Raises DataError with the first offending row, the reason and how to mend it.
    rows: row of each bar in the file, from 0 (left out: counted through).  total: rows in the file.
    """
    if frame.empty:
        raise DataError(f"{where}: expected at least one row of prices, found none")
    faults = [*_time_faults(frame), *_price_faults(frame), *_size_faults(frame)]
    if not faults:
        return
    worst = min(faults, key=lambda fault: fault.row)
    row = worst.row if rows is None else int(rows[worst.row])
    moment = frame.index[worst.row]
    raise DataError(
        f"{where}: row {row + 1} of {total or len(frame)} ({moment:%Y-%m-%dT%H:%M:%S}Z): {worst.reason}; {worst.mend}"
    )


def _first(bad: Flags) -> int | None:
    return int(bad.argmax()) if bad.any() else None


def _time_faults(frame: pd.DataFrame) -> list[_Fault]:
    assert isinstance(frame.index, pd.DatetimeIndex)
    steps = np.diff(frame.index.asi8)
    faults = []
    if (row := _first(steps == 0)) is not None:
        faults.append(_Fault(row + 1, "the same time as the row before", "keep one of the two rows"))
    if (row := _first(steps < 0)) is not None:
        faults.append(_Fault(row + 1, "earlier than the row before", "sort the rows by time"))
    return faults


def _price_faults(frame: pd.DataFrame) -> list[_Fault]:
    faults = []
    # The close first: where it stands for all four, it is the one that the table has.
    for name in (column for column in ("close", *PRICES) if column in frame):
        price = frame[name].to_numpy()
        if (row := _first(~np.isfinite(price))) is not None:
            faults.append(
                _Fault(row, f"{name} is {price[row]}", "leave the row out; a gap is allowed and reported")
            )
        if (row := _first(price <= 0.0)) is not None:
            faults.append(
                _Fault(row, f"{name} is {price[row]:g}, expected above 0", "leave the row out or mend it")
            )
    high, low = frame["high"].to_numpy(), frame["low"].to_numpy()
    if (row := _first(high < low)) is not None:
        faults.append(
            _Fault(row, f"high {high[row]:g} is below low {low[row]:g}", "mend it or swap the columns")
        )
    for name in ("open", "close"):
        price = frame[name].to_numpy()
        outside = (price > high * (1.0 + _ROUNDING)) | (price < low * (1.0 - _ROUNDING))
        if (row := _first(outside)) is not None:
            reason = f"{name} {price[row]:g} is outside low {low[row]:g} .. high {high[row]:g}"
            faults.append(_Fault(row, reason, "mend the bar or leave it out"))
    if "bid" in frame and "ask" in frame:
        bid, ask = frame["bid"].to_numpy(), frame["ask"].to_numpy()
        if (row := _first(bid > ask)) is not None:
            faults.append(
                _Fault(row, f"bid {bid[row]:g} is above ask {ask[row]:g}", "mend it or swap the columns")
            )
    return faults


def _size_faults(frame: pd.DataFrame) -> list[_Fault]:
    faults = []
    for name in (column for column in SIZES if column in frame):
        size = frame[name].to_numpy()
        if (row := _first((size < 0.0) | np.isinf(size))) is not None:
            reason = f"{name} is {size[row]:g}, expected 0 or more, or empty where unknown"
            faults.append(_Fault(row, reason, "mend it or leave it empty"))
    return faults
