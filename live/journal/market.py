"""Market data recorded to Parquet while it comes in: a folder of rolling files."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from live.journal.market_files import Notes, PriceFile, listed, notes_of, table_of, tables_in, write
from workbench.core.messages import Instrument, PriceUpdate
from workbench.errors import JournalError

__all__ = ["MarketRecorder", "Rolling"]

_log: Final = logging.getLogger(__name__)
_DAY_NS: Final = 86_400_000_000_000
_MOST_WAITING: Final = 2_000_000  # rows


@dataclass(frozen=True, slots=True)
class Rolling:
    """flush_s, flush_rows: how much a crash may lose here (the journal has it).  roll_s, roll_rows: size of a file.

    keep_days: files are removed when their newest price is so much older than the newest of all; None: never.
    """

    flush_s: float = 10.0
    flush_rows: int = 50_000
    roll_s: float = 3600.0
    roll_rows: int = 2_000_000
    keep_days: float | None = None


class MarketRecorder:
    """Takes prices from the loop, writes them in its own thread.  One per folder.

    A disk that fails stops the recording, not the trading: `failure` says so, and what was missed is still in the
    journal, after record `recorded`.
    """

    def __init__(
        self,
        folder: str | Path,
        instruments: Sequence[Instrument] = (),
        rolling: Rolling = Rolling(),
    ) -> None:
        """Go on in `folder`, which is made where it is missing.

        instruments: what is known of them is noted in the files.  Raises JournalError where it cannot be used.
        """
        self.folder = Path(folder)
        self.failure: str | None = None
        self._known: Mapping[str, Instrument] = {instrument.name: instrument for instrument in instruments}
        self._rolling = rolling
        self._blocks: deque[tuple[int, Sequence[PriceUpdate]]] = deque()
        self._waiting = self._dropped = 0
        self._changed = threading.Condition()
        self._closing = self._flushing = self._ended = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for part in self.folder.glob(".prices-*.part"):
                part.unlink()
            self._files = listed(self.folder)
            self._remove_leftovers()
            self.recorded = notes_of(self._files[-1].path).record if self._files else 0
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise JournalError(
                f"{self.folder}: expected a folder of recorded prices, found {error}"
            ) from error
        self._opened_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="market-recorder", daemon=True)
        self._thread.start()

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
        """folder, recorded (newest record of the journal), rows, files, waiting, dropped, failure."""
        return {
            "folder": str(self.folder),
            "recorded": self.recorded,
            "rows": self._files[-1].last + 1 if self._files else 0,
            "files": len(self._files),
            "waiting": self._waiting,
            "dropped": self._dropped,
            "failure": self.failure,
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
                self._write(blocks, closing)
            except (OSError, ValueError, TypeError, KeyError) as error:  # pyarrow's are of these kinds
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

    def _write(self, blocks: Sequence[tuple[int, Sequence[PriceUpdate]]], closing: bool) -> None:
        if blocks:
            rows = [update for _, updates in blocks for update in updates]
            times = [update.timestamp_ns for update in rows]
            notes = Notes(self._instruments(rows), blocks[-1][0])
            first = self._files[-1].last + 1 if self._files else 0
            span = (min(times), max(times))
            self._files.append(
                write(self.folder, [table_of(blocks)], first, span, len(rows), notes, still_open=True)
            )
            self.recorded = notes.record
        pieces = [file for file in self._files if file.open]
        rows_open = pieces[-1].last - pieces[0].first + 1 if pieces else 0
        old = time.monotonic() - self._opened_at >= self._rolling.roll_s
        if pieces and (closing or old or rows_open >= self._rolling.roll_rows):
            self._roll(pieces)
        if not pieces or not self._files[-1].open:
            self._opened_at = time.monotonic()

    def _instruments(self, rows: Sequence[PriceUpdate]) -> list[Instrument]:
        """Those in `rows`, in order of first appearance."""
        seen = dict.fromkeys((update.symbol, update.venue) for update in rows)
        return [self._known.get(f"{symbol}@{venue}", Instrument(symbol, venue)) for symbol, venue in seen]

    def _roll(self, pieces: Sequence[PriceFile]) -> None:
        """Join open files into one, then remove them: a crash in between leaves both, and the joined one counts."""
        noted = [notes_of(piece.path) for piece in pieces]
        instruments = {instrument.name: instrument for notes in noted for instrument in notes.instruments}
        span = (min(piece.begin_ns for piece in pieces), max(piece.end_ns for piece in pieces))
        rows = pieces[-1].last - pieces[0].first + 1
        notes = Notes(list(instruments.values()), noted[-1].record)
        joined = write(self.folder, tables_in(pieces), pieces[0].first, span, rows, notes, still_open=False)
        self._files = [*(file for file in self._files if not file.open), joined]
        self._remove_leftovers()
        self._remove_old()

    def _remove_leftovers(self) -> None:
        counting = {file.path for file in self._files}
        for path in self.folder.glob("prices-*.parquet"):
            if path not in counting:
                path.unlink()

    def _remove_old(self) -> None:
        if self._rolling.keep_days is None:
            return
        oldest = max(file.end_ns for file in self._files) - int(self._rolling.keep_days * _DAY_NS)
        for file in [file for file in self._files if file.end_ns < oldest]:
            file.path.unlink()
            self._files.remove(file)
