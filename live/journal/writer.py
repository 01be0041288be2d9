"""The journal's thread: takes what waits, and makes it durable in groups.

A commit starts at once where the last one is longer ago than the interval, so that a lone record does not wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from live.journal.records import LARGEST_PAYLOAD, Row, Tail, chain
from live.journal.retention import Retention, kept_snapshots, prunable
from live.journal.store import Store, StoredSnapshot
from workbench.errors import JournalError, JournalFailed

__all__ = ["Writer"]

_log: Final = logging.getLogger(__name__)
_MOST_ROWS: Final = 8192  # of one commit
_MOST_BYTES: Final = 4 * 1024 * 1024
_HEARTBEAT_S: Final = 1.0
_REST_S: Final = 0.05  # of quiet before house-keeping
_PRUNED_AT_ONCE: Final = 1000
_CLOSING_S: Final = 30.0


class Writer:
    """Owns the store from `start` to `close`.  news: called in the thread whenever `durable` or `failure` changes."""

    def __init__(
        self,
        store: Store,
        tail: Tail,
        interval_s: float,
        retain: Retention,
        max_backlog: int,
        news: Callable[[], None],
    ) -> None:
        self.durable = self.appended = tail.sequence
        self.failure: JournalFailed | None = None
        self.commits = 0
        self.commit_s = 0.0
        self._store = store
        self._interval = interval_s
        self._retain = retain
        self._max_backlog = max_backlog
        self._news = news
        self._last_crc = self._durable_crc = tail.crc
        self._queue: deque[Row] = deque()
        self._flight: list[Row] = []  # of the commit under way
        self._snapshots: deque[StoredSnapshot] = deque()
        self._prune_upto = 0
        self._changed = threading.Condition()
        self._resting = self._closing = False
        self._resumption: Future[None] | None = None
        self._next_commit = self._next_check = 0.0
        self._queued_at = self._flight_at = 0.0
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    # --- the engine's side ----------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    @property
    def backlog(self) -> int:
        return self.appended - self.durable

    @property
    def lag_s(self) -> float:
        """How long the oldest record that is not durable has waited."""
        since = self._flight_at or self._queued_at
        return time.monotonic() - since if since and self.backlog else 0.0

    @property
    def snapshot_waits(self) -> bool:
        return bool(self._snapshots)

    def append(self, kind: str, ns: int, payload: bytes, count: int) -> int:
        if self.failure is not None:
            raise self.failure
        if (
            not 1 <= len(kind) <= 32
            or type(payload) is not bytes
            or len(payload) > LARGEST_PAYLOAD
            or count < 0
        ):
            raise ValueError(
                f"expected a kind of 1 to 32 characters, bytes up to {LARGEST_PAYLOAD} and a count >= 0, "
                f"found {kind!r:.50}, {len(payload)} of {type(payload).__name__}, {count}"
            )
        with self._changed:
            if self._closing:
                raise JournalFailed(f"{self._store.shown}: the journal is closed", "closed", final=True)
            if self.backlog >= self._max_backlog:
                raise JournalFailed(
                    f"{self._store.shown}: expected at most {self._max_backlog} records waiting to be durable; "
                    "the disk or server is too slow, so this one was not taken",
                    "backlog",
                    final=False,
                )
            sequence = self.appended + 1
            crc = chain(self._last_crc, sequence, kind, ns, count, payload)
            if not self._queue:
                self._queued_at = time.monotonic()
            self._queue.append((sequence, kind, ns, count, payload, crc))
            self.appended, self._last_crc = sequence, crc
            if self._resting:
                self._changed.notify()
        return sequence

    def add_snapshot(self, snapshot: StoredSnapshot) -> None:
        with self._changed:
            self._snapshots.append(snapshot)
            self._changed.notify()

    def resume(self) -> Future[None]:
        """Done once the thread has seen that it can go on, or has not (JournalFailed)."""
        with self._changed:
            answer = self._resumption or Future[None]()
            if self.failure is None:
                answer.set_result(None)
            elif self.failure.final or self._closing:
                answer.set_exception(self.failure)
            else:
                self._resumption = answer
                self._changed.notify()
        return answer

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSING_S)
        if self._thread.is_alive():
            _log.critical(
                "%s: does not answer; left with %d records not durable", self._store.shown, self.backlog
            )
        elif self.backlog:
            _log.critical("%s: closed with %d records not durable", self._store.shown, self.backlog)

    # --- the thread's side ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._finished():
            try:
                self._step()
            except JournalFailed as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - a thread that dies unseen would leave the engine waiting for ever
                self._fail(
                    JournalFailed(f"{self._store.shown}: the journal's thread: {error!r}", "bug", final=True)
                )
        try:
            self._store.release(clean=self.failure is None)
        except JournalFailed as error:
            self._fail(error)

    def _finished(self) -> bool:
        with self._changed:
            return self._closing and (
                self.failure is not None or not (self._queue or self._flight or self._snapshots)
            )

    def _step(self) -> None:
        if self.failure is not None:
            self._halt()
            return
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + _HEARTBEAT_S
            self._store.check()
        if self._snapshots and self._snapshots[0][0] <= self.durable:
            self._write_snapshot()
        elif self._queue or self._flight:
            self._commit()
            self._store.tidy(idle=False)
        else:
            self._rest()
        if self._prune_upto and not self._store.prune(self._prune_upto, _PRUNED_AT_ONCE):
            self._prune_upto = 0

    def _commit(self) -> None:
        early = self._next_commit - time.monotonic()
        if early > 0:
            with self._changed:
                self._changed.wait_for(lambda: self._closing, early)
        started = time.monotonic()
        if not self._flight:
            self._board()
        self._next_commit = started + self._interval
        self._store.append(self._flight)
        self._landed(len(self._flight))
        self.commits += 1
        self.commit_s = time.monotonic() - started
        self._news()

    def _board(self) -> None:
        """Move the next group from the queue into the commit under way."""
        size = 0
        with self._changed:
            self._flight_at = self._queued_at
            while self._queue and len(self._flight) < _MOST_ROWS and size < _MOST_BYTES:
                row = self._queue.popleft()
                size += len(row[4])
                self._flight.append(row)
            self._queued_at = time.monotonic()

    def _landed(self, count: int) -> None:
        with self._changed:
            if count:
                self.durable, self._durable_crc = self._flight[count - 1][0], self._flight[count - 1][5]
            del self._flight[:count]
            if not self._flight:
                self._flight_at = 0.0

    def _write_snapshot(self) -> None:
        snapshot = self._snapshots[0]
        self._store.write_snapshot(snapshot, lambda found: kept_snapshots(found, self._retain))
        self._prune_upto = prunable(self._store, self._retain, snapshot[1]) or self._prune_upto
        self._snapshots.popleft()

    def _rest(self) -> None:
        with self._changed:
            if self._queue or self._snapshots or self._closing:
                return
            self._resting = True
            waked = self._changed.wait(_REST_S)
            self._resting = False
        if waked:
            return
        self._store.tidy(idle=True)

    # --- failure --------------------------------------------------------------------------------------------------

    def _fail(self, failure: JournalFailed) -> None:
        _log.critical("journal halted: %s", failure)
        self.failure = failure
        self._news()

    def _halt(self) -> None:
        """Wait for a person, or for the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._resumption is not None)
            answer, self._resumption = self._resumption, None
        if answer is None:
            return
        try:
            self._store.resume()
            self._reconcile()
        except JournalError as error:
            failure = (
                error if isinstance(error, JournalFailed) else JournalFailed(str(error), "gone", final=False)
            )
            self._fail(failure)
            answer.set_exception(failure)
            return
        _log.warning("%s: resumed after record %d", self._store.shown, self.durable)
        self.failure = None
        self._news()
        answer.set_result(None)

    def _reconcile(self) -> None:
        """See how much of the commit that failed has come to stay, and that nobody else has written since."""
        found = self._store.tail()
        ours = [Tail(self.durable, self._durable_crc), *(Tail(row[0], row[5]) for row in self._flight)]
        landed = found.sequence - self.durable
        if not 0 <= landed < len(ours) or ours[landed] != found:
            raise JournalFailed(
                f"{self._store.shown}: expected record {self.durable} at the end, or ours after it, found "
                f"{found.sequence}: another engine has written since; start anew",
                "foreign",
                final=True,
            )
        self._landed(landed)
