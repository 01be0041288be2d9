"""From a table as people keep it to one clean frame of bars for each instrument.

Three shapes are understood:
- bars: a time and open, high, low, close, volume (or close alone, or bid and ask alone) of one instrument;
- long: the same with a column `symbol` or `venue` or both, several instruments one below the other;
- wide: a time and one column of closes per symbol.
Column names are read without regard to case. Columns of other names beside bars are left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.times import to_utc_index
from workbench.data.validation import BARS, COLUMNS, check_frame, to_numbers
from workbench.errors import DataError

__all__ = ["DEFAULT_SYMBOL", "DEFAULT_VENUE", "Part", "parse_name", "split_table"]

DEFAULT_SYMBOL: Final = "ASSET"
DEFAULT_VENUE: Final = "exchange-1"

_TIMES: Final = ("timestamp", "open_time", "open time", "datetime", "date", "time")
# Words that name a field and never a symbol: a table with one of these is a table of bars gone wrong.
_FIELD_WORDS: Final = frozenset(
    {
        "price",
        "last",
        "qty",
        "quantity",
        "size",
        "amount",
        "side",
        "trades",
        "count",
        "vwap",
        "adj close",
        "id",
    }
)
_QUOTES: Final = ("bid", "ask", "bid_size", "ask_size")
_EXPECTED: Final = (
    "expected a time and open, high, low, close, volume "
    "(or close, or bid and ask, or one column of closes per symbol)"
)


class Part(NamedTuple):
    """Checked bars of one instrument; event_times: from quotes alone, so a time is an event's and no bar's open."""

    frame: pd.DataFrame
    event_times: bool


def parse_name(name: str, venue: str | None = None) -> Instrument:
    """Instrument of "symbol@venue"; without "@" the venue is `venue` or DEFAULT_VENUE.  DataError on an empty part."""
    symbol, at, found = name.partition("@")
    place = found if at else (venue or DEFAULT_VENUE)
    if not symbol.strip() or not place.strip() or "@" in found:
        raise DataError(f"expected an instrument as symbol@venue, found {name!r}")
    return Instrument(symbol=symbol.strip(), venue=place.strip())


def split_table(
    table: pd.DataFrame, where: str, symbol: str | None = None, venue: str | None = None
) -> dict[Instrument, Part]:
    """Clean bars of each instrument in `table`, in order of first appearance; `table` itself is left as it is.

    symbol, venue: names for what the table does not name itself.  where: opens each message.
    Raises DataError for a shape that is not understood and for each row that is refused by check_frame.
    """
    names = _lower_names(table, where)
    times, time_name = _times(table, names, where)
    fields = {name: original for name, original in names.items() if name in COLUMNS}
    if "symbol" in names or "venue" in names:
        return _split_long(table, names, times, where, symbol, venue)
    if fields:
        instrument = parse_name(symbol or DEFAULT_SYMBOL, venue)
        return {instrument: _bars(table, fields, times, where, None)}
    return _split_wide(table, names, times, time_name, where, venue)


def _lower_names(table: pd.DataFrame, where: str) -> dict[str, object]:
    """Lower-case name -> the table's own label."""
    if isinstance(table.columns, pd.MultiIndex):
        raise DataError(f"{where}: {_EXPECTED}, found columns of several levels; keep one level of names")
    names: dict[str, object] = {}
    for label in table.columns:
        name = str(label).strip().lower()
        if name in names:
            raise DataError(
                f"{where}: expected each column once, found {names[name]!r} and {label!r}; drop one"
            )
        names[name] = label
    return names


def _times(table: pd.DataFrame, names: dict[str, object], where: str) -> tuple[pd.DatetimeIndex, str | None]:
    found: list[str] = [name for name in _TIMES if name in names]
    if len(found) > 1:
        raise DataError(f"{where}: expected one time column, found {', '.join(found)}; drop or join them")
    if not found and isinstance(table.index, pd.DatetimeIndex):
        return to_utc_index(table.index, where), None
    if not found and not isinstance(table.index, pd.RangeIndex) and str(table.index.name).lower() in _TIMES:
        return to_utc_index(table.index, where), None
    if not found and "unnamed: 0" in names:  # what pandas calls an index that was written without a name
        found = ["unnamed: 0"]
    if not found:
        raise DataError(f"{where}: {_EXPECTED}, found {_list(table)}; name the time column timestamp")
    return to_utc_index(table[names[found[0]]], where), found[0]


def _list(table: pd.DataFrame) -> str:
    labels = [str(label) for label in table.columns]
    return (
        ", ".join(labels[:12]) + (f" and {len(labels) - 12} more" if len(labels) > 12 else "") or "no columns"
    )


def _bars(
    table: pd.DataFrame,
    fields: dict[str, object],
    times: pd.DatetimeIndex,
    where: str,
    rows: npt.NDArray[np.int64] | None,
) -> Part:
    """One instrument's clean frame; rows: positions in `table` that are its own (None: all)."""
    has_bars = [name for name in BARS if name in fields]
    has_quotes = [name for name in ("bid", "ask") if name in fields]
    whole = has_bars in (list(BARS), ["close"]) or (not has_bars and len(has_quotes) == 2)
    if not whole or len(has_quotes) == 1:
        raise DataError(f"{where}: {_EXPECTED}, found {_list(table)}")
    part = table if rows is None else table.iloc[rows]
    columns = {
        name: to_numbers(part[fields[name]], name, where, rows, len(table))
        for name in COLUMNS
        if name in fields
    }
    empty = {name for name, values in columns.items() if np.isnan(values).all()}
    # Unknown throughout is the same as not there: a venue without quotes, in a table of several venues.
    unknown = set(_QUOTES) if has_bars and {"bid", "ask"} <= empty else empty & {"bid_size", "ask_size"}
    columns = {name: values for name, values in columns.items() if name not in unknown}
    last = columns["close"] if has_bars else 0.5 * (columns["bid"] + columns["ask"])
    for name in BARS:
        columns.setdefault(name, last)
    columns.setdefault("volume", np.full(len(part), np.nan))
    index = times if rows is None else times[rows]
    frame = pd.DataFrame({name: columns[name] for name in COLUMNS if name in columns}, index=index)
    check_frame(frame, where, rows, len(table))
    return Part(frame, event_times=not has_bars)


def _split_long(
    table: pd.DataFrame,
    names: dict[str, object],
    times: pd.DatetimeIndex,
    where: str,
    symbol: str | None,
    venue: str | None,
) -> dict[Instrument, Part]:
    fields = {name: original for name, original in names.items() if name in COLUMNS}
    keys = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for key, default in (("symbol", symbol or DEFAULT_SYMBOL), ("venue", venue or DEFAULT_VENUE)):
        if key not in names:
            keys[key] = default
            continue
        column = table[names[key]].reset_index(drop=True)
        empty = column.isna().to_numpy()
        if empty.any():
            raise DataError(f"{where}: row {int(empty.argmax()) + 1} of {len(table)}: no {key}; fill it in")
        keys[key] = column.astype(str).str.strip()
    parts: dict[Instrument, Part] = {}
    full = keys["symbol"] + "@" + keys["venue"]
    codes, order = pd.factorize(full)
    for code, name in enumerate(order):
        instrument = parse_name(str(name))
        parts[instrument] = _bars(table, fields, times, f"{where}: {name}", np.flatnonzero(codes == code))
    return parts


def _split_wide(
    table: pd.DataFrame,
    names: dict[str, object],
    times: pd.DatetimeIndex,
    time_name: str | None,
    where: str,
    venue: str | None,
) -> dict[Instrument, Part]:
    labels = [label for name, label in names.items() if name != time_name]
    if not labels or _FIELD_WORDS & names.keys():
        raise DataError(f"{where}: {_EXPECTED}, found {_list(table)}")
    parts: dict[Instrument, Part] = {}
    for label in labels:
        instrument = parse_name(str(label), venue)
        parts[instrument] = _bars(table, {"close": label}, times, f"{where}: {label}", None)
    return parts
