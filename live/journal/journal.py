"""The journal as the engine sees it: append, and be told when it is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from live.allocator import give_back
from live.journal.notices import Notices
from live.journal.opening import open_store, store_of
from live.journal.records import Record, Snapshot, Tail
from live.journal.retention import Retention
from live.journal.store import Store
from live.journal.verify import newest_snapshot, oldest_snapshot, pack_snapshot, rows_after
from live.journal.writer import Writer
from workbench.errors import JournalFailed

__all__ = ["Journal"]

_log: Final = logging.getLogger(__name__)


class Journal:
    """Append-only, durable, one writer.  Made by `open`; its methods are called from the loop's thread."""

    def __init__(
        self, store: Store, tail: Tail, commit_interval_ms: float, retain: Retention, max_backlog: int
    ) -> None:
        self._store = store
        self._closed = False
        self._notices = Notices(lambda: self.head, lambda: self.failure)
        self._writer = Writer(store, tail, commit_interval_ms / 1e3, retain, max_backlog, self._notices.ring)
        # Compressing takes longer than a commit may, and lets others run meanwhile.
        self._packer = ThreadPoolExecutor(1, "journal-snapshot")
        self._packed: Future[None] | None = None
        if not store.read_only:
            self._writer.start()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        read_only: bool = False,
        commit_interval_ms: float = 2.0,
        retain: Retention = Retention(),  # noqa: B008 - frozen
        max_backlog: int = 100_000,
        mark: Path | None = None,
    ) -> Journal:
        """Take the lock, migrate the schema, verify the tail.  Blocks: call it before the loop has work.

        url: "sqlite:///path" or "postgresql+psycopg://user@host/database".  read_only: no lock, and the engine may be
        writing meanwhile.  max_backlog: records that may wait to be durable.  mark: for a server's journal, a file on
        the engine's machine that tells what was durable, so that a lost end is noticed (SQLite has PATH.lock for that).
        Raises JournalLocked naming the holder, JournalDamaged naming the sequence, JournalError for the rest.
        """
        store = store_of(url, read_only, mark)
        return cls(store, open_store(store), commit_interval_ms, retain, max_backlog)

    # --- what is so -----------------------------------------------------------------------------------------------

    @property
    def head(self) -> int:
        """Sequence of the newest durable record; 0 for none."""
        return self._store.tail().sequence if self._store.read_only else self._writer.durable

    @property
    def durable(self) -> int:
        """The same as `head`."""
        return self.head

    @property
    def pruned(self) -> int:
        """Sequence of the newest record that was dropped; 0 for none.  Asks the database: blocks for a moment."""
        return self._store.base().sequence

    @property
    def appended(self) -> int:
        """Sequence of the newest record that was appended, durable or not."""
        return self.head if self._store.read_only else self._writer.appended

    @property
    def backlog(self) -> int:
        """Records that are appended and not durable; who asks before acting never does what can't be recorded."""
        return self._writer.backlog

    @property
    def failure(self) -> JournalFailed | None:
        """Why nothing is recorded any more; None while all is well."""
        return self._writer.failure

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found wrong on the way and could be passed over: a torn end, a damaged snapshot."""
        return tuple(self._store.warnings)

    def info(self) -> dict[str, Any]:
        """url (without password), head, appended, backlog, lag_ms (of the oldest record that is not durable),
        size_bytes, commits, commit_ms (of the last), fsyncs, failure, warnings.  Asks no database.
        """
        writer, failure = self._writer, self._writer.failure
        return {
            "url": self._store.shown,
            "head": writer.durable,
            "appended": writer.appended,
            "backlog": writer.backlog,
            "lag_ms": writer.lag_s * 1e3,
            "size_bytes": self._store.size_bytes,
            "commits": writer.commits,
            "commit_ms": writer.commit_s * 1e3,
            "fsyncs": self._store.fsyncs,
            "failure": None if failure is None else str(failure),
            "warnings": list(self._store.warnings),
        }

    # --- writing --------------------------------------------------------------------------------------------------

    def append(self, kind: str, ns: int, payload: bytes, count: int = 1) -> int:
        """Queue a record and return its sequence.  Never blocks.

        Raises JournalFailed where the journal has failed, or where max_backlog records wait (that one was not taken).
        """
        self._demand_writable()
        return self._writer.append(kind, ns, payload, count)

    def on_durable(self, callback: Callable[[int], object]) -> None:
        """Have `callback(newest durable sequence)` called in the running loop; several commits may make one call."""
        self._notices.on_durable(callback)

    def on_failure(self, callback: Callable[[JournalFailed], object]) -> None:
        """Have `callback(error)` called in the running loop, once for each failure."""
        self._notices.on_failure(callback)

    async def wait(self, sequence: int) -> None:
        """Return once `sequence` is durable.  Raises JournalFailed once it can't be."""
        if sequence > self._writer.appended:
            raise ValueError(f"expected a record up to {self._writer.appended}, found {sequence}")
        await self._notices.wait(sequence)

    async def resume(self) -> None:
        """What a person asks for after a failure that was not final: look again, and write what waits.

        Raises JournalFailed where it still cannot be written, or where another engine has written since (final).
        """
        await asyncio.wrap_future(self._writer.resume())

    def save_snapshot(self, sequence: int, ns: int, blob: bytes, meta: dict[str, Any]) -> bool:
        """Queue a snapshot: it is compressed, and written once the records up to `sequence` are durable.

        False, and nothing is done, while the one before is still being written.
        """
        self._demand_writable()
        if not 0 <= sequence <= self._writer.appended:
            raise ValueError(f"expected a record from 0 to {self._writer.appended}, found {sequence}")
        if self._writer.snapshot_waits or not (self._packed is None or self._packed.done()):
            _log.warning(
                "%s: no snapshot after record %d: the one before is not done", self._store.shown, sequence
            )
            return False
        self._packed = self._packer.submit(self._pack, Snapshot(sequence, ns, blob, meta))
        self._packed.add_done_callback(self._tell_unpacked)
        self._packer.submit(give_back)  # once the state is let go of
        return True

    def _pack(self, snapshot: Snapshot) -> None:
        self._writer.add_snapshot(pack_snapshot(snapshot))

    def _tell_unpacked(self, packed: Future[None]) -> None:
        error = packed.exception()
        if error is not None:
            _log.critical("%s: a snapshot could not be made: %r", self._store.shown, error)

    def close(self) -> None:
        """Make durable what waits (unless it has failed), give the lock back.  Blocks; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._packer.shutdown()
        if self._store.read_only:
            self._store.release(clean=False)
        else:
            self._writer.close()

    # --- reading --------------------------------------------------------------------------------------------------

    def read(
        self, after: int = 0, until: int | None = None, kinds: Iterable[str] | None = None
    ) -> Iterator[Record]:
        """Durable records with after < sequence <= until, in order, each verified.  Any thread; blocks.

        Raises JournalDamaged naming the sequence, also where `after` lies before the first record kept.
        """
        wanted = None if kinds is None else frozenset(kinds)
        newest = self.head if until is None else min(until, self.head)
        if after >= newest:
            return
        for sequence, kind, ns, count, payload, _ in rows_after(
            self._store, self._store.before(after), newest
        ):
            if wanted is None or kind in wanted:
                yield Record(sequence, kind, ns, count, payload)

    def latest_snapshot(self, upto: int | None = None) -> Snapshot | None:
        """Newest sound snapshot, of a sequence <= upto; damaged ones are logged and passed over.  Blocks."""
        return newest_snapshot(self._store, self.head if upto is None else min(upto, self.head))

    def first_snapshot(self) -> Snapshot | None:
        """Oldest sound snapshot from which the records that are kept can be carried through.  Blocks."""
        return oldest_snapshot(self._store, self.pruned, self.head)

    def _demand_writable(self) -> None:
        if self._store.read_only:
            raise JournalFailed(f"{self._store.shown}: opened to be read only", "closed", final=True)
