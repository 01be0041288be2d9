"""The journal in one SQLite file: write-ahead log, each commit synced, one writer.

Readers of other processes are welcome while an engine writes; writers are not: besides the lock beside the file, the
engine holds SQLite's own write lock from one commit to the next.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain as flat
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from live.journal.file_lock import FileLock
from live.journal.records import Row, Tail
from live.journal.salvage import is_cut, salvage, sync_folder
from live.journal.schema import records
from live.journal.store import COLUMNS, Store, one_line
from live.journal.wal import Wal, survey
from workbench.errors import JournalDamaged, JournalError, JournalFailed

__all__ = ["SqliteStore"]

_MOST_AT_ONCE: Final = 1024  # rows of one statement; a power of two
_PAGES_BEFORE_CHECKPOINT: Final = 2000
_PAGES_WHEN_IDLE: Final = 200
_PAGE: Final = 4096
_FULL: Final = {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}  # the second: no room for the log's index
_GONE: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
_DAMAGED: Final = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_ERROR",
    "SQLITE_FORMAT",
    "SQLITE_MISMATCH",
    "SQLITE_SCHEMA",
)


class SqliteStore(Store):
    """`path`: the journal's file; made, with its folder, by an engine and not by a reader."""

    def __init__(self, path: Path, read_only: bool) -> None:
        self.path = path.resolve()
        engine = sa.create_engine(
            "sqlite://", creator=self._connect, poolclass=sa.QueuePool, isolation_level="AUTOCOMMIT"
        )
        super().__init__(engine, str(path), read_only)
        self._log_path = Path(f"{self.path}-wal")
        self._lock = FileLock(Path(f"{self.path}.lock"))
        self._mark = 0  # what the engine before has called durable
        self._pages = 0  # in the log since the last checkpoint, about
        self._inode = -1
        self._cut = False  # whether the file was found shorter than it should be

    def _connect(self) -> sqlite3.Connection:
        place = f"file:{quote(str(self.path))}?mode={'ro' if self.read_only else 'rwc'}"
        if self.read_only and not os.access(self.path.parent, os.W_OK) and not self._log_path.exists():
            place += "&immutable=1"  # where no log can be made, there is none to wait for
        connection = sqlite3.connect(
            place, uri=True, timeout=2.0, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        # Closing must not sync, lest an error be asked for a second time.
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        return connection

    # --- opening --------------------------------------------------------------------------------------------------

    def acquire(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"{self.path.parent}: expected a folder for the journal, found {error.strerror}"
            ) from error
        self._mark = self._lock.acquire()
        seen = survey(self._log_path)
        new = not self.path.exists() or self.path.stat().st_size == 0
        self._cut = not new and is_cut(self.path)
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"]
        if new:
            pragmas.insert(0, "auto_vacuum=INCREMENTAL")  # an old file would be written to
        try:
            self._writer = self.engine.connect()
            for pragma in pragmas:
                self._writer.exec_driver_sql(f"PRAGMA {pragma}")
            # From here on SQLite has taken in what it believes of the log.
            _, valid, _ = self._writer.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
            self._begin()
        except SQLAlchemyError as error:
            raise self.unreadable(error) from error
        self._inode = os.stat(self.path).st_ino
        if seen is not None:
            self._judge_log(seen, max(int(valid), 0))

    def _judge_log(self, seen: Wal, valid: int) -> None:
        """Tell a torn end, which is what a crash leaves, from damage inside, behind which whole commits stand."""
        frames, commits = seen.lost(valid)
        # Each commit is synced before the next one is written, so of several only the first can be torn; and of one
        # that was called durable none.
        if commits > 1 or (commits == 1 and self._newest() < self._mark):
            raise JournalDamaged(
                f"{self.shown}-wal: page {valid + 1} of the log is damaged, and {commits} commits end behind it; "
                f"the last sound record is {self._newest()}; restore the journal from a copy"
            )
        if not seen.sound and self._newest() < self._mark:
            raise JournalDamaged(
                f"{self.shown}-wal: the log's head is damaged, with all records after {self._newest()} in it "
                f"(durable were {self._mark}); restore the journal from a copy"
            )
        if frames or seen.cut or not seen.sound:
            self.warn(
                f"{self.shown}: the log ends in the middle of a commit; the last whole record is {self._newest()}"
            )

    def _newest(self) -> int:
        try:
            return self.tail().sequence
        except JournalError:
            return 0  # not even the tables are there

    def mend(self) -> bool:
        if not self._cut:
            return False
        self._disconnect()
        kept, aside = salvage(self.path)
        if aside is None:
            return False
        self.warn(
            f"{self.shown}: the file was cut short; records up to {kept} are kept, the rest is in {aside}"
        )
        return True

    def settle(self, tail: Tail) -> None:
        if tail.sequence < self._mark:
            told = f"{self.shown}: records up to {self._mark} were durable, found them up to {tail.sequence} only"
            if tail.sequence == 0:
                raise JournalDamaged(
                    f"{told}; restore the journal, or remove {self._lock.path} to begin a new one"
                )
            self.warn(f"{told}: the end of the journal is lost")
        self._lock.mark(tail.sequence)
        with self.judged():
            # What a crash left in the log may never have reached the disk: written anew, it has.
            self._checkpoint("TRUNCATE")
            sync_folder(self.path.parent)  # SQLite does so as well, but says nothing when it fails
        self._measure()

    def release(self, clean: bool) -> None:
        try:
            with self.judged():
                if self._writer is not None and clean:
                    self._checkpoint("TRUNCATE")
                self._disconnect()
        finally:
            self._lock.release()

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.engine.dispose()

    # --- writing --------------------------------------------------------------------------------------------------

    def append(self, rows: Sequence[Row]) -> None:
        self._still_there()
        with self.judged(), self.transaction() as connection:
            at = 0
            while at < len(rows):
                size = min(_MOST_AT_ONCE, 1 << ((len(rows) - at).bit_length() - 1))
                part = rows[at : at + size]
                connection.exec_driver_sql(_insert(size), tuple(flat.from_iterable(part)))
                at += size
        self._pages += 3 + sum(len(row[4]) + 48 for row in rows) // _PAGE
        self._lock.mark(rows[-1][0])

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        writer = self._writer
        assert writer is not None
        yield writer
        writer.exec_driver_sql("COMMIT")
        self.fsyncs += 1
        self._begin()

    def _begin(self) -> None:
        assert self._writer is not None
        self._writer.exec_driver_sql("BEGIN IMMEDIATE")

    def check(self) -> None:
        self._still_there()
        self._measure()

    def _still_there(self) -> None:
        """Writing to a file that was removed works, and all of it is lost."""
        try:
            there = os.stat(self.path).st_ino == self._inode and self._log_path.exists() and self._lock.held()
        except OSError:
            there = False
        if not there:
            raise JournalFailed(
                f"{self.shown}: the journal, its -wal or its .lock was removed or replaced while in use; "
                "what was written since is not safe",
                "gone",
                final=True,
            )

    def _measure(self) -> None:
        log = self._log_path.stat().st_size if self._log_path.exists() else 0
        self.size_bytes = self.path.stat().st_size + log

    def resume(self) -> None:
        self._still_there()
        with self.judged():
            if self._raw().in_transaction:
                self._raw().execute("ROLLBACK")
            self._begin()

    def _raw(self) -> sqlite3.Connection:
        assert self._writer is not None
        raw = self._writer.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        return raw

    def tidy(self, idle: bool) -> None:
        if self._pages >= (_PAGES_WHEN_IDLE if idle else _PAGES_BEFORE_CHECKPOINT):
            with self.judged():
                self._checkpoint("PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        """Carry the log into the file.  SQLite would do it by itself, but then say nothing when the disk fails."""
        writer = self._writer
        assert writer is not None
        writer.exec_driver_sql("COMMIT")
        writer.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})").all()
        self.fsyncs += 2
        self._begin()
        self._pages = 0

    def prune(self, upto: int, most: int) -> bool:
        more = super().prune(upto, most)
        with self.judged(), self.transaction():
            self._raw().execute("PRAGMA incremental_vacuum").fetchall()  # a page each time that it is asked
        return more

    # --- what errors mean -----------------------------------------------------------------------------------------

    def judge(self, error: Exception) -> JournalFailed:
        name = _code(error)
        said = f"{self.shown}: {one_line(error)}"
        if name in _FULL:
            return JournalFailed(f"{said}; make room, then have the journal resumed", "full", final=False)
        if name.startswith(_GONE):
            return JournalFailed(
                f"{said} ({name}); mend it, then have the journal resumed", "gone", final=False
            )
        if "CONSTRAINT" in name:
            return JournalFailed(f"{said}: somebody else has written records into it", "foreign", final=True)
        return JournalFailed(
            f"{said} ({name or type(error).__name__}); what the disk holds is not known, so it is not tried again: "
            "look at the disk, then start anew",
            "io",
            final=True,
        )

    def unreadable(self, error: SQLAlchemyError) -> JournalError:
        name = _code(error)
        said = f"{self.shown}: {one_line(error)}"
        if name.startswith(_DAMAGED) or not name:
            return JournalDamaged(f"{said}: the file is damaged, or no journal")
        if name.startswith("SQLITE_BUSY"):
            return JournalError(f"{said}: another program is writing into it; stop that one")
        return JournalError(
            f"{said} ({name}); check that the file and its folder can be written and have room"
        )


@lru_cache
def _insert(size: int) -> str:
    row = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO {records.name} ({', '.join(COLUMNS)}) VALUES {', '.join([row] * size)}"


def _code(error: Exception) -> str:
    """SQLite's extended result code by name; "" for another kind of error."""
    return str(getattr(getattr(error, "orig", None), "sqlite_errorname", ""))
