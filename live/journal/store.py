"""A journal's database: what SQLite and PostgreSQL have in common.

One connection writes, from one thread; others read, a few rows at a time, so that no reader holds anything up.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from live.journal.records import Row, Tail
from live.journal.schema import NEWEST, migrate, pruned, records, snapshots, version_of
from workbench.errors import JournalDamaged, JournalError, JournalFailed

__all__ = ["CHUNK", "COLUMNS", "Store", "StoredSnapshot", "one_line"]

COLUMNS: Final = tuple(column.name for column in records.columns)
CHUNK: Final = 256  # rows read at a time: payloads may be large

_log: Final = logging.getLogger(__name__)

# sequence, ns, meta, size, crc, blob
type StoredSnapshot = tuple[int, int, str, int, int, bytes]


class Store(ABC):
    """Rows in, rows out, and what went wrong; knows nothing of queues, loops or checksums."""

    def __init__(self, engine: sa.Engine, shown: str, read_only: bool) -> None:
        self.engine = engine
        self.shown = shown  # for people: without a password
        self.read_only = read_only
        self.warnings: list[str] = []
        self.fsyncs = 0
        self.size_bytes = 0
        self._writer: sa.Connection | None = None

    # --- opening --------------------------------------------------------------------------------------------------

    @abstractmethod
    def acquire(self) -> None:
        """Take the lock and connect to write.  Raises JournalLocked, JournalError."""

    def mend(self) -> bool:
        """After damage was found: where only the end is missing, keep what is sound, loudly.  Whether that was done."""
        return False

    @abstractmethod
    def settle(self, tail: Tail) -> None:
        """Called once the records are verified, before the first is written; tail: the newest one."""

    @abstractmethod
    def release(self, clean: bool) -> None:
        """Disconnect and give the lock back.  clean: nothing has failed, so the disk may still be asked to sync."""

    def prepare(self) -> None:
        """Bring the tables to the present version, or look whether they are of it."""
        if not self.read_only:
            try:
                with self.transaction() as connection:
                    migrate(connection, self.shown)
            except SQLAlchemyError as error:
                raise self.unreadable(error) from error
            return
        with self.reading() as connection:
            found = version_of(connection)
        if found != NEWEST:
            raise JournalError(
                f"{self.shown}: expected a journal of version {NEWEST}, found "
                f"{f'version {found}' if found else 'none'}; an engine makes it one when it opens it"
            )

    # --- writing: one thread --------------------------------------------------------------------------------------

    @abstractmethod
    def append(self, rows: Sequence[Row]) -> None:
        """Make `rows` durable, all or none.  Raises JournalFailed."""

    @abstractmethod
    def check(self) -> None:
        """Whether appending would still work, as far as can be told.  Raises JournalFailed."""

    @abstractmethod
    def resume(self) -> None:
        """After a failure that was not final: connect and lock again where needed.  Raises JournalFailed."""

    @abstractmethod
    def tidy(self, idle: bool) -> None:
        """House-keeping between two commits; idle: nothing waits.  Raises JournalFailed."""

    @abstractmethod
    def judge(self, error: Exception) -> JournalFailed:
        """What an error of the database means for the engine."""

    @abstractmethod
    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """The writing connection in a transaction, which is committed on the way out and durable then."""
        yield from ()

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Errors of the database become JournalFailed."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise self.judge(error) from error

    def write_snapshot(
        self, row: StoredSnapshot, kept: Callable[[Sequence[tuple[int, int]]], set[int]]
    ) -> None:
        """Write `row`, and drop all but what `kept` says of all (sequence, ns), newest first.  Raises JournalFailed."""
        with self.judged(), self.transaction() as connection:
            connection.execute(snapshots.delete().where(snapshots.c.sequence == row[0]))
            connection.execute(snapshots.insert(), dict(zip(snapshots.columns.keys(), row, strict=True)))
            stays = kept(self._listed(connection))
            connection.execute(snapshots.delete().where(snapshots.c.sequence.not_in(sorted(stays))))

    def prune(self, upto: int, most: int) -> bool:
        """Drop records up to `upto`, at most `most` of them; whether there are more.  Raises JournalFailed."""
        with self.judged(), self.transaction() as connection:
            first = connection.execute(sa.select(sa.func.min(records.c.sequence))).scalar()
            if first is None or first > upto:
                return False
            cut = min(upto, int(first) + most - 1)
            where = records.c.sequence == cut
            crc = connection.execute(sa.select(records.c.crc).where(where)).scalar_one()
            connection.execute(pruned.delete())
            connection.execute(pruned.insert().values(sequence=cut, crc=crc))
            connection.execute(records.delete().where(records.c.sequence <= cut))
        return cut < upto

    # --- reading: any thread --------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read; errors of the database become JournalError."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self.unreadable(error) from error

    def warn(self, told: str) -> None:
        """Tell of what was wrong and could be passed over."""
        _log.critical("%s", told)
        self.warnings.append(told)

    def unreadable(self, error: SQLAlchemyError) -> JournalError:
        """What an error on reading means; where the database itself finds damage, JournalDamaged."""
        return JournalError(f"{self.shown}: cannot be read ({one_line(error)})")

    def base(self) -> Tail:
        """Newest record that was pruned."""
        with self.reading() as connection:
            row = connection.execute(sa.select(pruned.c.sequence, pruned.c.crc)).first()
        return Tail(0, 0) if row is None else self._tail_in(row)

    def tail(self) -> Tail:
        """Newest record, or what was pruned where there is none left."""
        newest = sa.select(records.c.sequence, records.c.crc).order_by(records.c.sequence.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(newest).first()
        return self.base() if row is None else self._tail_in(row)

    def before(self, sequence: int) -> Tail:
        """Where the chain begins for who reads what comes after `sequence`.  Raises JournalDamaged: it is not kept."""
        base = self.base()
        if sequence == base.sequence:
            return base
        where = records.c.sequence == sequence
        with self.reading() as connection:
            found = connection.execute(sa.select(records.c.sequence, records.c.crc).where(where)).first()
        if found is None:
            raise JournalDamaged(
                f"{self.shown}: expected record {sequence}, found none; the first one kept follows {base.sequence}"
            )
        return self._tail_in(found)

    def _tail_in(self, row: Sequence[object]) -> Tail:
        """SQLite gives what stands there, of any type."""
        sequence, crc = row
        if not isinstance(sequence, int) or not isinstance(crc, int):
            raise JournalDamaged(
                f"{self.shown}: expected numbers beside record {sequence}, found {crc!r:.40}"
            )
        return Tail(sequence, crc)

    def rows(self, after: int, until: int, most: int = CHUNK) -> list[Row]:
        """At most `most` rows with after < sequence <= until, in order."""
        chunk = (
            sa.select(*records.columns)
            .where(records.c.sequence > after, records.c.sequence <= until)
            .order_by(records.c.sequence)
            .limit(most)
        )
        with self.reading() as connection:
            return cast("list[Row]", connection.execute(chunk).all())

    def snapshot_sequences(self, upto: int) -> list[int]:
        """Sequences of the snapshots up to `upto`, newest first."""
        column = snapshots.c.sequence
        with self.reading() as connection:
            found = connection.execute(sa.select(column).where(column <= upto).order_by(column.desc()))
            return [int(sequence) for sequence in found.scalars()]

    def snapshots_listed(self) -> list[tuple[int, int]]:
        """Sequence and ns of each snapshot, newest first."""
        with self.reading() as connection:
            return self._listed(connection)

    @staticmethod
    def _listed(connection: sa.Connection) -> list[tuple[int, int]]:
        columns = sa.select(snapshots.c.sequence, snapshots.c.ns).order_by(snapshots.c.sequence.desc())
        return [(int(sequence), int(ns)) for sequence, ns in connection.execute(columns)]

    def snapshot(self, sequence: int) -> StoredSnapshot | None:
        """The snapshot of `sequence`."""
        where = snapshots.c.sequence == sequence
        with self.reading() as connection:
            row = connection.execute(sa.select(*snapshots.columns).where(where)).first()
        return cast("StoredSnapshot | None", row)


def one_line(error: BaseException) -> str:
    """The driver's own words, without SQLAlchemy's statement and link."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200] or type(cause).__name__
