"""The journal as the engine sees it: append, and be told when it is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from live.journal.records import Record, Retention, Snapshot
from workbench.errors import JournalFailed

__all__ = ["Journal"]


class Journal:
    """Append-only, durable, one writer.  Made by `open`; its methods are called from the loop's thread."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        read_only: bool = False,
        commit_interval_ms: float = 2.0,
        retain: Retention = Retention(),  # noqa: B008 - frozen
        max_backlog: int = 100_000,
    ) -> Journal:
        """Take the lock, migrate the schema, verify the tail.  Blocks: call it before the loop has work.

        url: "sqlite:///path" or "postgresql+psycopg://user@host/database".  read_only: no lock, and the engine may be
        writing meanwhile.  max_backlog: records that may wait to be durable.
        Raises JournalLocked naming the holder, JournalDamaged naming the sequence, JournalError for the rest.
        """
        raise NotImplementedError

    @property
    def head(self) -> int:
        """Sequence of the newest durable record; 0 for none."""
        raise NotImplementedError

    @property
    def durable(self) -> int:
        """The same as `head`."""
        raise NotImplementedError

    @property
    def appended(self) -> int:
        """Sequence of the newest record that was appended, durable or not."""
        raise NotImplementedError

    @property
    def backlog(self) -> int:
        """Records that are appended and not yet durable.  An engine that asks first never carries what it can't record."""
        raise NotImplementedError

    @property
    def failure(self) -> JournalFailed | None:
        """Why nothing is recorded any more; None while all is well."""
        raise NotImplementedError

    def append(self, kind: str, ns: int, payload: bytes, count: int = 1) -> int:
        """Queue a record and return its sequence.  Never blocks.

        Raises JournalFailed where the journal has failed, or where max_backlog records wait (that one was not taken).
        """
        raise NotImplementedError

    def on_durable(self, callback: Callable[[int], object]) -> None:
        """Have `callback(newest durable sequence)` called in the running loop; several commits may make one call."""
        raise NotImplementedError

    def on_failure(self, callback: Callable[[JournalFailed], object]) -> None:
        """Have `callback(error)` called in the running loop, once for each failure."""
        raise NotImplementedError

    async def wait(self, sequence: int) -> None:
        """Return once `sequence` is durable.  Raises JournalFailed once it can't be."""
        raise NotImplementedError

    async def resume(self) -> None:
        """What a person asks for after a failure that was not final: look again, and write what waits.

        Raises JournalFailed where it still cannot be written, or where another engine has written since (final).
        """
        raise NotImplementedError

    def read(
        self, after: int = 0, until: int | None = None, kinds: Iterable[str] | None = None
    ) -> Iterator[Record]:
        """Durable records with after < sequence <= until, in order, each verified.  Any thread; blocks.

        Raises JournalDamaged naming the sequence, also where `after` lies before the first record kept.
        """
        raise NotImplementedError

    def save_snapshot(self, sequence: int, ns: int, blob: bytes, meta: dict[str, Any]) -> None:
        """Queue a snapshot: it is compressed and written once the records up to `sequence` are durable."""
        raise NotImplementedError

    def latest_snapshot(self, upto: int | None = None) -> Snapshot | None:
        """Newest sound snapshot, of a sequence <= upto; damaged ones are logged and passed over.  Blocks."""
        raise NotImplementedError

    def info(self) -> dict[str, Any]:
        """url (password hidden), head, appended, backlog, size_bytes, commit_ms (last), commits, fsyncs, failure."""
        raise NotImplementedError

    def close(self) -> None:
        """Make durable what waits (unless it has failed), give the lock back.  Blocks; may be called twice."""
        raise NotImplementedError
