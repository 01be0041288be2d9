"""The journal in PostgreSQL: one connection holds the lock and writes, so that to lose the one is to lose the other."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.exc import SQLAlchemyError

from live.journal.mark import Mark
from live.journal.records import Row, Tail
from live.journal.schema import ends, records
from live.journal.store import COLUMNS, Store, one_line
from workbench.errors import JournalDamaged, JournalError, JournalFailed, JournalLocked

__all__ = ["PostgresStore"]

_LOCK: Final = 0x6A6F75  # "jou": the first half of the lock's key; the second is the schema's
_DYING_S: Final = 2.0  # so long the server may take to notice that an engine before has died
_COPY: Final = f"COPY {records.name} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_TYPES: Final = ("int8", "text", "int8", "int4", "bytea", "int8")
# A server that has fallen silent is given up after so long: the lock may be another's by then.
_CONNECTION: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_FULL: Final = (errors.DiskFull, errors.OutOfMemory, errors.ConfigurationLimitExceeded)
_BROKEN: Final = (errors.IoError, errors.DataCorrupted, errors.IndexCorrupted)


class PostgresStore(Store):
    """`url`: of a database in which the tables are, or may be made, in the first schema of the search path."""

    def __init__(self, url: sa.URL, read_only: bool, mark: Path | None = None) -> None:
        """mark: a file on the engine's machine for what it calls durable; None for none."""
        url = url.set(drivername="postgresql+psycopg")
        name = f"trading journal of process {os.getpid()} on {socket.gethostname()}"[:63]
        options: dict[str, Any] = {**_CONNECTION, "application_name": name}
        if read_only:
            given = str(url.query.get("options", ""))
            url = url.update_query_dict({"options": f"{given} -c default_transaction_read_only=on".strip()})
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, connect_args=options)
        super().__init__(engine, url.render_as_string(hide_password=True), read_only)
        self._mark_path = None if read_only else mark
        self._mark: Mark | None = None

    # --- opening --------------------------------------------------------------------------------------------------

    def acquire(self) -> None:
        try:
            self._writer = self.engine.connect()
            self._take_lock(self._writer)
            self._demand_safety(self._writer)
        except SQLAlchemyError as error:
            raise self.unreadable(error) from error

    def _take_lock(self, connection: sa.Connection) -> None:
        key = {"one": _LOCK}
        taken = "SELECT pg_try_advisory_lock(:one, hashtext(current_schema()))"
        end = time.monotonic() + _DYING_S
        while not connection.execute(sa.text(taken), key).scalar_one():
            if time.monotonic() > end:
                raise JournalLocked(self._refusal(connection))
            time.sleep(0.05)

    def _refusal(self, connection: sa.Connection) -> str:
        holder = (
            "SELECT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) AND l.classid = :one AND l.objid = "
            "(hashtext(current_schema())::bigint & 4294967295)::oid AND l.objsubid = 2"
        )
        row = connection.execute(sa.text(holder), {"one": _LOCK}).first()
        who = f"the {row[0]} (server process {row[1]})" if row is not None else "another engine"
        return f"{self.shown}: in use by {who}; stop that one, or name another journal"

    def _demand_safety(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET synchronous_commit = on")
        settings = {name: self._setting(connection, name) for name in ("fsync", "full_page_writes")}
        off = [name for name, value in settings.items() if value != "on"]
        if off:
            raise JournalError(
                f"{self.shown}: expected a server that survives a power cut, found {' and '.join(off)} off; "
                "switch it on in postgresql.conf"
            )

    @staticmethod
    def _setting(connection: sa.Connection, name: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

    def settle(self, tail: Tail) -> None:
        """Look whether the server still has all that engines before were told is durable.

        A server that was restored from a copy, or whose place another took that had not heard of everything, has not.
        """
        promised = self._ended_in_order()
        if self._mark_path is not None:
            self._mark = Mark(self._mark_path, self.shown)
            promised = max(promised, self._mark.read())
        if tail.sequence < promised:
            told = (
                f"{self.shown}: records up to {promised} were durable, found them up to {tail.sequence} only"
            )
            if tail.sequence == 0:
                also = "" if self._mark_path is None else f", or remove {self._mark_path} to begin a new one"
                raise JournalDamaged(f"{told}; restore the journal{also}")
            self.warn(f"{told}: the end of the journal is lost")
        if self._mark is not None:
            self._mark.write(tail.sequence)
        with self.judged():
            self._measure()

    def _ended_in_order(self) -> int:
        """Newest record when an engine last ended in order; JournalDamaged where it is another one now."""
        base = self.base().sequence
        kept = sa.select(records.c.crc).where(records.c.sequence == ends.c.sequence).scalar_subquery()
        with self.reading() as connection:
            row = connection.execute(sa.select(ends.c.sequence, ends.c.crc, kept)).first()
        if row is None:
            return 0
        sequence, crc, found = row
        if found is not None and found != crc and sequence > base:
            raise JournalDamaged(
                f"{self.shown}: record {sequence}, with which an engine has ended, is another one now; "
                "restore the journal from a copy"
            )
        return int(sequence)

    def release(self, clean: bool) -> None:
        try:
            if clean and self._writer is not None:
                self._end_in_order()
        finally:
            self._disconnect()
            self.engine.dispose()
            if self._mark is not None:
                self._mark.close()

    def _end_in_order(self) -> None:
        tail = self.tail()
        with self.judged(), self.transaction() as connection:
            connection.execute(ends.delete())
            connection.execute(ends.insert().values(sequence=tail.sequence, crc=tail.crc))

    def _disconnect(self) -> None:
        """Close the writing connection itself: in the pool it would keep the lock."""
        if self._writer is not None:
            self._writer.invalidate()
            self._writer.close()
            self._writer = None

    # --- writing --------------------------------------------------------------------------------------------------

    def append(self, rows: Sequence[Row]) -> None:
        """One COPY, which is one transaction."""
        with self.judged():
            try:
                with self._raw().cursor() as cursor, cursor.copy(_COPY) as copy:
                    copy.set_types(_TYPES)
                    for row in rows:
                        copy.write_row(row)
            except psycopg.Error as error:
                raise self.judge(error) from error
        self.fsyncs += 1
        if self._mark is not None:
            self._mark.write(rows[-1][0])

    def _raw(self) -> psycopg.Connection[Any]:
        assert self._writer is not None
        raw = self._writer.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        return raw

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        writer = self._writer
        assert writer is not None
        writer.exec_driver_sql("BEGIN")
        yield writer
        writer.exec_driver_sql("COMMIT")
        self.fsyncs += 1

    def check(self) -> None:
        """Ask whether the server is there, and still takes writes: after a fail-over it may not."""
        with self.judged():
            assert self._writer is not None
            if self._setting(self._writer, "transaction_read_only") == "on":
                raise self._read_only()
            self._measure()

    def _measure(self) -> None:
        assert self._writer is not None
        size = sa.text(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.oid = to_regclass(:name)"
        )
        self.size_bytes = int(self._writer.execute(size, {"name": records.name}).scalar() or 0)

    def _read_only(self) -> JournalFailed:
        return JournalFailed(
            f"{self.shown}: the server has become read-only; once it takes writes, have the journal resumed",
            "gone",
            final=False,
        )

    def resume(self) -> None:
        self._disconnect()
        try:
            self.acquire()
        except JournalError as error:
            self._disconnect()
            raise JournalFailed(str(error), "gone", final=False) from error
        self.check()

    def tidy(self, idle: bool) -> None:
        """Nothing: the server has its own autovacuum and checkpoints."""

    # --- what errors mean -----------------------------------------------------------------------------------------

    def judge(self, error: Exception) -> JournalFailed:
        cause = getattr(error, "orig", None) or error
        said = f"{self.shown}: {one_line(error)}"
        match cause:
            case errors.ReadOnlySqlTransaction():
                return self._read_only()
            case _ if isinstance(cause, _FULL):
                return JournalFailed(f"{said}; make room, then have the journal resumed", "full", final=False)
            case _ if isinstance(cause, _BROKEN):
                return JournalFailed(f"{said}; look at the server's disk, then start anew", "io", final=True)
            case errors.UniqueViolation():
                return JournalFailed(
                    f"{said}: somebody else has written records into it", "foreign", final=True
                )
            case psycopg.OperationalError() | psycopg.InterfaceError():
                return JournalFailed(
                    f"{said}; once the server is back, have the journal resumed", "gone", final=False
                )
        return JournalFailed(f"{said} ({type(cause).__name__})", "io", final=True)

    def unreadable(self, error: SQLAlchemyError) -> JournalError:
        cause = getattr(error, "orig", None)
        said = f"{self.shown}: {one_line(error)}"
        if isinstance(cause, _BROKEN):
            return JournalDamaged(said)
        return JournalError(f"{said}; check that the server runs and the url is right")
