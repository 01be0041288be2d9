"""Parquet files of recorded prices: what their names say, which of them count, how one is written whole or not at all.

`prices-FIRST-LAST-BEGIN-END.parquet`: numbers of its first and last row, counted over the whole folder from 0, and its
earliest and latest time in UTC nanoseconds.  `.open.parquet`: flushed, and to be joined with its neighbours.  A file
whose rows are all in another one is a leftover of a crash between joining and removing, and does not count.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from live.journal.salvage import sync_folder
from workbench.core.messages import Instrument, PriceUpdate

__all__ = ["SCHEMA", "Notes", "PriceFile", "listed", "notes_of", "table_of", "tables_in", "write"]

_NAME: Final = re.compile(r"prices-(\d+)-(\d+)-(\d+)-(\d+)(\.open)?\.parquet")
_WORD: Final = pa.dictionary(pa.int32(), pa.string())
# What workbench.data reads, and beside it what a replay wants: the venue's sequence and the journal's record.
SCHEMA: Final = pa.schema(
    [
        ("timestamp", pa.timestamp("ns", tz="UTC")),
        ("symbol", _WORD),
        ("venue", _WORD),
        ("close", pa.float64()),
        ("volume", pa.float64()),
        ("bid", pa.float64()),
        ("ask", pa.float64()),
        ("bid_size", pa.float64()),
        ("ask_size", pa.float64()),
        ("change_pct", pa.float64()),
        ("sequence", pa.int64()),
        ("record", pa.int64()),
    ]
)
_ATTRIBUTES: Final = b"PANDAS_ATTRS"  # where pandas keeps a frame's attrs
_KEY: Final = "trading_workbench"


class PriceFile(NamedTuple):
    """A file by what its name says."""

    path: Path
    first: int
    last: int
    begin_ns: int
    end_ns: int
    open: bool


class Notes(NamedTuple):
    """instruments: in order of first appearance.  record: newest record of the journal whose prices are all there."""

    instruments: list[Instrument]
    record: int


def listed(folder: Path) -> list[PriceFile]:
    """The files that count, in order of their rows."""
    found = []
    for path in folder.glob("prices-*.parquet"):
        match = _NAME.fullmatch(path.name)
        if match:
            first, last, begin, end = (int(number) for number in match.groups()[:4])
            found.append(PriceFile(path, first, last, begin, end, match[5] is not None))
    counting: list[PriceFile] = []
    for file in sorted(found, key=lambda file: (file.first, -file.last, file.open)):
        if not counting or file.last > counting[-1].last:
            counting.append(file)
    return counting


def table_of(blocks: Iterable[tuple[int, Sequence[PriceUpdate]]]) -> pa.Table:
    """Rows of blocks of prices, each with its record of the journal, in order of arrival."""
    rows = [(update, record) for record, updates in blocks for update in updates]
    names = ("last", "volume", "bid", "ask", "bid_size", "ask_size", "change_pct")
    columns = [
        _numbers([update.timestamp_ns for update, _ in rows], "timestamp"),
        _words([update.symbol for update, _ in rows]),
        _words([update.venue for update, _ in rows]),
        *(
            _numbers([getattr(update, name) for update, _ in rows], "close" if name == "last" else name)
            for name in names
        ),
        _numbers([update.sequence for update, _ in rows], "sequence"),
        _numbers([record for _, record in rows], "record"),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _numbers(values: list[float], column: str) -> pa.Array:
    """A column out of its bytes: `pa.array` would load pandas, to see whether it is given something of it."""
    kind = SCHEMA.field(column).type
    made = np.array(values, np.float64 if kind == pa.float64() else np.int64)
    return pa.Array.from_buffers(kind, len(made), [None, pa.py_buffer(made)])


def _words(values: list[str]) -> pa.Array:
    """A column of few different words, also out of its bytes."""
    places = {word: k for k, word in enumerate(dict.fromkeys(values))}
    codes = np.array([places[word] for word in values], np.int32)
    texts = [word.encode() for word in places]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    words = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, words)


def write(
    folder: Path,
    tables: Iterable[pa.Table],
    first: int,
    span_ns: tuple[int, int],
    rows: int,
    notes: Notes,
    still_open: bool,
) -> PriceFile:
    """One file of `tables`, a row group for each; under its name when it is on the disk.  Raises OSError."""
    last = first + rows - 1
    ending = ".open.parquet" if still_open else ".parquet"
    path = folder / f"prices-{first:012d}-{last:012d}-{span_ns[0]}-{span_ns[1]}{ending}"
    part = folder / f".{path.name}.part"
    try:
        with part.open("wb") as stream:
            with pq.ParquetWriter(
                stream, SCHEMA.with_metadata(_metadata(notes)), compression="zstd"
            ) as writer:
                for table in tables:
                    writer.write_table(table)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(folder)
    return PriceFile(path, first, last, *span_ns, still_open)


def notes_of(path: Path) -> Notes:
    """What was noted in the file `path`."""
    kept = json.loads(pq.read_schema(path).metadata[_ATTRIBUTES])[_KEY]
    return Notes(msgspec.convert(kept["instruments"], list[Instrument]), int(kept["record"]))


def _metadata(notes: Notes) -> dict[bytes, bytes]:
    """So that `workbench.data.load` takes the file for what it is: events, at their own times."""
    kept = {
        "instruments": [msgspec.to_builtins(instrument) for instrument in notes.instruments],
        "intervals_ns": {instrument.name: 0 for instrument in notes.instruments},
        "record": notes.record,
    }
    return {_ATTRIBUTES: json.dumps({_KEY: kept}).encode()}


def tables_in(files: Iterable[PriceFile]) -> Iterator[pa.Table]:
    """The rows of `files`, one row group at a time."""
    for file in files:
        with pq.ParquetFile(file.path) as source:
            for group in range(source.num_row_groups):
                yield source.read_row_group(group).cast(SCHEMA)
