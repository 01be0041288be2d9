"""What can be had of a journal file whose end was cut off: every sound record up to the first that is missing."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy as sa

from live.journal.records import Row, Tail, chain
from live.journal.schema import migrate, pruned, records, snapshots
from live.journal.store import StoredSnapshot
from live.journal.verify import sound_snapshot

__all__ = ["is_cut", "salvage", "sync_folder"]

_MAGIC: Final = b"SQLite format 3\0"


def is_cut(path: Path) -> bool:
    """Whether the file is shorter than its own head says.  https://www.sqlite.org/fileformat2.html#the_database_header"""
    with path.open("rb") as stream:
        head = stream.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        return False
    page, pages = int.from_bytes(head[16:18]), int.from_bytes(head[28:32])
    return path.stat().st_size < pages * (65536 if page == 1 else page)


def salvage(path: Path) -> tuple[int, Path | None]:
    """Put what is sound of the file in its place: newest record kept, and where the file as it was lies now.

    (0, None), and nothing is changed, where no record can be read.
    """
    fresh = path.with_name(f"{path.name}.salvaged")
    fresh.unlink(missing_ok=True)
    # The head's claim of more pages than there are is just what is wrong: this setting lets the rest be read.
    with closing(sqlite3.connect(path, isolation_level=None)) as damaged:
        damaged.execute("PRAGMA writable_schema=ON")
        kept = _copy(damaged, fresh)
    if kept == 0:
        fresh.unlink(missing_ok=True)
        return 0, None
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    log = Path(f"{path}-wal")
    if log.exists():
        os.replace(log, f"{aside}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    os.link(path, aside)
    os.replace(fresh, path)
    sync_folder(path.parent)
    return kept, aside


def sync_folder(folder: Path) -> None:
    """Make sure that the names in `folder` are on the disk.  Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(damaged: sqlite3.Connection, fresh: Path) -> int:
    engine = sa.create_engine(f"sqlite:///{fresh}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.commit()
            migrate(connection, str(fresh))
            start = Tail(0, 0)
            for sequence, crc in _readable(damaged, pruned):
                start = Tail(sequence, crc)
                connection.execute(pruned.insert().values(sequence=sequence, crc=crc))
            kept = start.sequence
            for row in _sound(damaged, start):
                connection.execute(records.insert(), dict(zip(records.columns.keys(), row, strict=True)))
                kept = row[0]
            for row in _readable(damaged, snapshots):
                if sound_snapshot(cast("StoredSnapshot", row)) and row[0] <= kept:
                    connection.execute(
                        snapshots.insert(), dict(zip(snapshots.columns.keys(), row, strict=True))
                    )
            connection.commit()
    finally:
        engine.dispose()
    return kept


def _readable(damaged: sqlite3.Connection, table: sa.Table) -> Iterator[tuple[Any, ...]]:
    """Rows up to the first that cannot be read."""
    names = ", ".join(table.columns.keys())
    with suppress(sqlite3.DatabaseError):  # the end of what is there
        yield from damaged.execute(f"SELECT {names} FROM {table.name} ORDER BY sequence")


def _sound(damaged: sqlite3.Connection, start: Tail) -> Iterator[Row]:
    """Records up to the first that is missing, altered, or cannot be read."""
    sequence, previous = start
    for row in _readable(damaged, records):
        sequence += 1
        found, kind, ns, count, payload, crc = row
        try:
            if found != sequence or chain(previous, sequence, kind, ns, count, payload) != crc:
                return
        except (TypeError, AttributeError, struct.error, UnicodeError):
            return
        previous = crc
        yield found, kind, ns, count, payload, crc
