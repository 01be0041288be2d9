"""Recorded market data read back: as a table, as prices of the workbench, or as a feed to replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from live.journal.market_files import SCHEMA, PriceFile, listed, notes_of, tables_in
from workbench.core.feed import QUOTE_COLUMNS, Feed
from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.data.store import from_stored
from workbench.data.times import Moment, as_span
from workbench.errors import DataError

__all__ = ["market_feed", "market_prices", "read_market", "recorded_span"]

_ATTEMPTS: Final = 3  # to read files that a recorder joins meanwhile
# In the order of the columns of Feed.quotes.
_QUOTES: Final = ("bid", "ask", "close", "volume", "bid_size", "ask_size", "change_pct")


def read_market(
    folder: str | Path, start: Moment | int | None = None, end: Moment | int | None = None
) -> pa.Table:
    """Recorded prices from `start` to `end` (both included; dates, or UTC nanoseconds), in order of arrival.

    Columns timestamp, symbol, venue, close (the last price), volume, bid, ask, bid_size, ask_size, change_pct, sequence
    (the venue's) and record (the journal's).  A recorder may be writing meanwhile.  Raises DataError.
    """
    return _read(Path(folder), start, end)[0]


def market_prices(
    folder: str | Path, start: Moment | int | None = None, end: Moment | int | None = None
) -> Prices:
    """The same as Prices, checked: events at their own times.  Raises DataError naming a price that is not sound."""
    table, instruments = _read(Path(folder), start, end)
    if not len(table):
        raise DataError(f"{folder}: expected prices from {start} to {end}, found none")
    frame = table.to_pandas()
    seen = _names(table).unique().to_pylist()
    kept = [instruments[name] for name in seen]
    frame.attrs["trading_workbench"] = {
        "instruments": [msgspec.to_builtins(instrument) for instrument in kept],
        "intervals_ns": dict.fromkeys(seen, 0),
    }
    return from_stored(frame, str(folder))


def market_feed(
    folder: str | Path, start: Moment | int | None = None, end: Moment | int | None = None
) -> Feed:
    """The same as a Feed, price for price as the engine had them.  Raises DataError where there are none."""
    table, instruments = _read(Path(folder), start, end)
    if not len(table):
        raise DataError(f"{folder}: expected prices from {start} to {end}, found none")
    codes = _names(table).combine_chunks().dictionary_encode()
    times = _int64(table["timestamp"].cast(pa.int64()))
    quotes = np.empty((len(table), QUOTE_COLUMNS))
    for place, name in enumerate(_QUOTES):
        quotes[:, place] = table[name].to_numpy()
    owner, sequence = _int64(codes.indices), _int64(table["sequence"])
    if (np.diff(times) < 0).any():  # a venue's clock may be behind another's
        order = np.argsort(times, kind="stable")
        times, owner, quotes, sequence = times[order], owner[order], quotes[order], sequence[order]
    return Feed(
        instruments=tuple(instruments[name] for name in codes.dictionary.to_pylist()),
        timestamp_ns=times,
        instrument=owner,
        quotes=quotes,
        sequence=sequence,
    )


def recorded_span(folder: str | Path) -> tuple[int, int] | None:
    """The first and the newest record of the journal whose prices are in the recording; None where it has no price.

    A recorder may be writing meanwhile.  Raises DataError.
    """
    path = Path(folder)

    def look() -> tuple[int, int] | None:
        files = listed(path)
        if not files:
            return None
        with pq.ParquetFile(files[0].path) as source:
            heads = (source.read_row_group(k, columns=["record"]) for k in range(source.num_row_groups))
            first = next((int(head["record"][0].as_py()) for head in heads if len(head)), None)
        return None if first is None else (first, notes_of(files[-1].path).record)

    _check_there(path)
    return _steadily(path, look)


def _read(
    folder: Path, start: Moment | int | None, end: Moment | int | None
) -> tuple[pa.Table, dict[str, Instrument]]:
    _check_there(folder)
    begin = _nanoseconds(start, 0) if start is not None else 0
    finish = _nanoseconds(end, 1) if end is not None else 2**63 - 1

    def look() -> tuple[pa.Table, dict[str, Instrument]]:
        files = [file for file in listed(folder) if file.begin_ns <= finish and file.end_ns >= begin]
        return _table(files, begin, finish)

    return _steadily(folder, look)


def _check_there(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of recorded prices, found none")


def _steadily[T](folder: Path, look: Callable[[], T]) -> T:
    """What `look` finds, though a recorder joins files meanwhile.  Raises DataError."""
    attempts = _ATTEMPTS
    while True:
        attempts -= 1
        try:
            return look()
        except FileNotFoundError as error:
            if not attempts:
                raise DataError(
                    f"{folder}: {error.filename} vanished while it was read; read again"
                ) from error
        except (OSError, KeyError, TypeError, ValueError) as error:  # pyarrow's are of these kinds
            raise DataError(
                f"{folder}: expected recorded prices, found a file that is none ({error})"
            ) from error


def _nanoseconds(moment: Moment | int, side: int) -> int:
    return moment if isinstance(moment, int) else int(as_span(moment)[side].value)


def _table(files: list[PriceFile], begin: int, finish: int) -> tuple[pa.Table, dict[str, Instrument]]:
    instruments = {made.name: made for file in files for made in notes_of(file.path).instruments}
    parts = []
    for part in tables_in(files):
        times = part["timestamp"].cast(pa.int64())
        wanted = pc.and_(pc.greater_equal(times, begin), pc.less_equal(times, finish))
        parts.append(part.filter(wanted))
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table(), instruments


def _names(table: pa.Table) -> Any:
    """symbol@venue of each row."""
    return pc.binary_join_element_wise(
        table["symbol"].cast(pa.string()), table["venue"].cast(pa.string()), "@"
    )


def _int64(column: Any) -> npt.NDArray[np.int64]:
    return np.asarray(column.to_numpy(), dtype=np.int64)
