"""Market data recorded to Parquet while it comes in, by a process that does nothing else."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from live.journal.market_link import MarketProcess, Opening, Rolling
from workbench.core.messages import Instrument, PriceUpdate
from workbench.errors import JournalError

__all__ = ["MarketRecorder", "Rolling"]

_log: Final = logging.getLogger(__name__)
_MOST_WAITING: Final = 2_000_000  # rows
_ROLLING: Final = Rolling()


class MarketRecorder:
    """Takes prices from the loop, has them written by a process of its own.  One per folder.

    A disk that fails, or the end of that process, stops the recording, not the trading: `failure` says so, and what was
    missed is still in the journal, after record `recorded`.
    """

    def __init__(
        self,
        folder: str | Path,
        instruments: Sequence[Instrument] = (),
        rolling: Rolling = _ROLLING,
    ) -> None:
        """Go on in `folder`, which is made where it is missing.

        instruments: what is known of them is noted in the files.  Raises JournalError where it cannot be used.
        """
        self.folder = Path(folder)
        self.failure: str | None = None
        self._rolling = rolling
        self._blocks: deque[tuple[int, Sequence[PriceUpdate]]] = deque()
        self._waiting = self._dropped = 0
        self._changed = threading.Condition()
        self._closing = self._flushing = self._ended = False
        try:
            self._process = MarketProcess(Opening(str(self.folder), list(instruments), rolling))
        except (OSError, ValueError) as error:
            raise JournalError(
                f"{self.folder}: expected a folder of recorded prices, found {error}"
            ) from error
        self._thread = threading.Thread(target=self._run, name="market-recorder", daemon=True)
        self._thread.start()

    @property
    def recorded(self) -> int:
        """Newest record of the journal whose prices are all on the disk; 0 before any is."""
        return self._process.told.recorded

    # --- the engine's side ----------------------------------------------------------------------------------------

    def record(self, updates: Sequence[PriceUpdate], sequence: int) -> None:
        """Take the prices of the journal's record `sequence`, all of them together.  Never blocks, never raises."""
        if not updates:
            return
        if self.failure is not None or self._closing:
            self._dropped += len(updates)
            return
        with self._changed:
            self._blocks.append((sequence, updates))
            self._waiting += len(updates)
            if self._waiting > _MOST_WAITING:
                self._fail(
                    f"{self.folder}: expected at most {_MOST_WAITING} prices waiting; the disk is too slow"
                )
            elif self._waiting >= self._rolling.flush_rows:
                self._changed.notify_all()

    def flush(self) -> None:
        """Return once what was taken so far is on the disk, or the recording has failed.  Blocks."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._flushing or self._ended)

    def info(self) -> dict[str, Any]:
        """folder, recorded (newest record of the journal), rows, files, waiting, dropped, failure, pid."""
        told = self._process.told
        return {
            "folder": str(self.folder),
            "recorded": told.recorded,
            "rows": told.rows,
            "files": told.files,
            "waiting": self._waiting,
            "dropped": self._dropped,
            "failure": self.failure,
            "pid": self._process.pid,
        }

    def close(self) -> None:
        """Write what waits, and join the open files into one.  Blocks; may be called twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    # --- the thread's side ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self.failure is None:
            with self._changed:
                self._changed.wait_for(self._due, self._rolling.flush_s)
                blocks = list(self._blocks)
                self._blocks.clear()
                self._waiting = 0
                flushing, closing = self._flushing, self._closing
            try:
                self._process.write(blocks, closing)
            except (OSError, ValueError) as error:
                self._dropped += sum(len(updates) for _, updates in blocks)
                self._fail(
                    f"{self.folder}: prices can't be recorded any more ({error}); the journal has them"
                )
            if flushing:
                with self._changed:
                    self._flushing = False
                    self._changed.notify_all()
            if closing:
                break
        self._process.close()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _due(self) -> bool:
        return self._closing or self._flushing or self._waiting >= self._rolling.flush_rows

    def _fail(self, why: str) -> None:
        _log.critical("%s", why)
        self.failure = why
        self._dropped += self._waiting
        self._blocks.clear()
        self._waiting = 0
