"""A journal's url to a store that is locked, of the present version, and verified."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from live.journal.records import Tail
from live.journal.sqlite import SqliteStore
from live.journal.store import Store
from live.journal.verify import verify
from workbench.errors import JournalDamaged, JournalError, JournalFailed

__all__ = ["VERIFIED_AT_OPENING", "open_store", "store_of"]

_log: Final = logging.getLogger(__name__)
VERIFIED_AT_OPENING: Final = 250_000  # the newest records, and all that a recovery would read


def store_of(url: str, read_only: bool, mark: Path | None = None) -> Store:
    """The store that `url` names, not yet opened.  mark: see PostgresStore.  Raises JournalError for no url."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise JournalError(
            f"journal: expected sqlite:///path or postgresql+psycopg://user@host/database, found {url!r}"
        ) from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise JournalError(f"{url}: expected a file, found a database in memory; write sqlite:///path")
        path = Path(parsed.database)
        _demand_file(path, read_only)
        return SqliteStore(path, read_only)
    if kind == "postgresql" and parsed.get_driver_name() in {"psycopg", "psycopg2"}:
        from live.journal.postgres import PostgresStore  # here: it costs ten megabytes

        return PostgresStore(parsed, read_only, mark)
    raise JournalError(
        f"{parsed.render_as_string()}: expected sqlite:/// or postgresql+psycopg://, found {parsed.drivername}"
    )


def _demand_file(path: Path, there: bool) -> None:
    try:
        if path.is_dir():
            raise JournalError(f"{path}: expected a file for the journal, found a folder")
        if there and not path.exists():
            raise JournalError(f"{path}: expected a journal, found no such file")
    except OSError as error:
        raise JournalError(f"{path}: expected a file for the journal, found {error.strerror}") from error


def open_store(store: Store) -> Tail:
    """Lock, migrate and verify; the newest record.  On any error the lock is given back."""
    try:
        try:
            return _opened(store)
        except JournalDamaged:
            if store.read_only or not store.mend():
                raise
            return _opened(store)
    except BaseException:
        _give_up(store)
        raise


def _opened(store: Store) -> Tail:
    if not store.read_only:
        store.acquire()
    store.prepare()
    base, newest = store.base(), store.tail()
    first = max(base.sequence, newest.sequence - VERIFIED_AT_OPENING)
    snapshots = store.snapshot_sequences(newest.sequence)
    if snapshots:
        first = max(base.sequence, min(first, snapshots[0]))
    tail = verify(store, store.before(first), newest.sequence)
    if not store.read_only:
        store.settle(tail)
    return tail


def _give_up(store: Store) -> None:
    try:
        store.release(clean=False)
    except JournalFailed as error:
        _log.warning("%s", error)
