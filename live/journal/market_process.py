"""The process that writes recorded prices to Parquet for an engine: a folder of rolling files."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from live.journal.market_files import Notes, PriceFile, listed, notes_of, table_of, tables_in, write
from live.journal.market_link import Opening, Prices, Told, packed, received
from workbench.core.messages import Instrument, PriceUpdate

__all__ = ["MarketFolder", "main"]

_DAY_NS: Final = 86_400_000_000_000
_UNSOUND: Final = (OSError, ValueError, TypeError, KeyError)  # pyarrow's errors are of these kinds
_LONGEST: Final = 1000  # characters of a reason


def main() -> None:
    """Answer until the pipe ends.  SIGINT and SIGTERM are for the engine, which then has the rest written."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with open(0, "rb", closefd=False) as asked, open(1, "wb", buffering=0, closefd=False) as answers:
        try:
            opening = received(asked, Opening)
            if opening is None:
                return
            folder = MarketFolder(opening)
            answers.write(packed(folder.told()))
            while (prices := received(asked, Prices)) is not None:
                folder.write(prices.blocks, prices.closing)
                answers.write(packed(folder.told()))
        except BrokenPipeError:
            return  # the engine was killed; the next one records the rest from the journal
        except _UNSOUND as error:
            answers.write(packed(Told(error=str(error)[:_LONGEST])))


class MarketFolder:
    """Files of recorded prices that grow.  One per folder: a lock on it goes when its holder does."""

    def __init__(self, opening: Opening) -> None:
        """Go on in a folder, which is made where it is missing.  Raises OSError, KeyError, ValueError, TypeError."""
        self.folder = Path(opening.folder)
        self._known = {instrument.name: instrument for instrument in opening.instruments}
        self._rolling = opening.rolling
        self.folder.mkdir(parents=True, exist_ok=True)
        _lock(self.folder, opening.patience_s)
        for part in self.folder.glob(".prices-*.part"):
            part.unlink()
        self._files = listed(self.folder)
        self._remove_leftovers()
        self._recorded = notes_of(self._files[-1].path).record if self._files else 0
        self._opened_at = time.monotonic()

    def told(self) -> Told:
        """What is there."""
        return Told(self._recorded, self._files[-1].last + 1 if self._files else 0, len(self._files))

    def write(self, blocks: Sequence[tuple[int, Sequence[PriceUpdate]]], closing: bool) -> None:
        """A file of blocks of prices, each with its record of the journal; open ones are joined when it is time to.

        Raises OSError, ValueError, TypeError, KeyError.
        """
        if blocks:
            rows = [update for _, updates in blocks for update in updates]
            times = [update.timestamp_ns for update in rows]
            notes = Notes(self._instruments(rows), blocks[-1][0])
            first = self._files[-1].last + 1 if self._files else 0
            span = (min(times), max(times))
            self._files.append(
                write(self.folder, [table_of(blocks)], first, span, len(rows), notes, still_open=True)
            )
            self._recorded = notes.record
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


def _lock(folder: Path, patience_s: float) -> None:
    """Keep others from writing in `folder` until this process ends.  Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                os.close(handle)
                raise OSError("one in which another engine records") from error
            time.sleep(0.02)
        else:
            return
