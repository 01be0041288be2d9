"""`wb.replay`: a live session as a backtest's result, and what other limits would have made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from workbench.backtest.api import LimitsLike
from workbench.backtest.recorder import Recorder, SentSignal
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.result import BacktestResult
from workbench.configuration.limits import load_limits
from workbench.data.times import Moment, as_span
from workbench.errors import DataError

__all__ = ["replay"]


def replay(
    journal: str | Path,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    limits: LimitsLike = None,
) -> BacktestResult:
    """Carry a live session through the desk again, fill for fill, from the engine's journal.

    journal: its file, its URL, or the engine's data folder; the engine may be running.  start, end: the part to look
    at, UTC; all of it when left out (what came before is carried through, too).
    limits: in place of those that were in force, to see what they would have stopped; the strategies' signals stay as
    they were.  Raises JournalError, LimitsError, and DataError where the part has no prices.
    """
    from live.session import (
        read_session,  # the engine's rooms stand beside this one, and are needed for nothing else
    )

    session = read_session(
        journal,
        None if start is None else as_span(start)[0].value,
        None if end is None else as_span(end)[1].value,
        limits=None if limits is None else load_limits(limits),
    )
    if not len(session.feed):
        raise DataError(
            f"the journal {journal} has no prices between {start or 'its start'} and {end or 'its end'}"
        )
    recorder = Recorder()
    recorder.journal = session.facts
    recorder.signals = [SentSignal(*sent) for sent in session.signals]
    origin = np.arange(len(session.feed), dtype=np.int64)
    players: tuple[Any, ...] = ()
    record = ReplayRecord(session.feed, origin, session.curves, session.machine.desk, players, recorder)
    return BacktestResult(record, begin_ns=int(session.feed.timestamp_ns[0]), interval_ns=0)
