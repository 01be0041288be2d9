"""`wb.replay`: a live session as a backtest's result, and what other limits or faults would have made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import ChaosLike, LimitsLike, check_chaos, read_chaos
from workbench.backtest.recorder import Recorder, SentSignal
from workbench.backtest.replay import ReplayRecord, venue_windows
from workbench.backtest.result import BacktestResult
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import Family
from workbench.chaos.market_faults import apply_market_faults
from workbench.configuration.limits import load_limits
from workbench.core.feed import Feed
from workbench.data.times import Moment, as_span
from workbench.errors import ChaosError, DataError

if TYPE_CHECKING:
    from live.session import Overlay, Session

__all__ = ["replay"]

type Rows = npt.NDArray[np.int64]


def replay(
    journal: str | Path,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    limits: LimitsLike = None,
    chaos: ChaosLike = (),
    rematch: bool | None = None,
) -> BacktestResult:
    """Carry a live session through the desk again, fill for fill, from the engine's journal.

    journal: its file, its URL, or the engine's data folder; the engine may be running.  start, end: the part to look
    at, UTC, as in Prices.between; all of it when left out (what came before is carried through, too).
    limits: in place of those that were in force, to see what they would have stopped.
    chaos: market and venue faults inside that part, laid over its prices.
    With either, the strategies' signals stay as they were: nobody is asked again.
    rematch: what venues that match by themselves have reported is left out, and the rulebook matches instead; None:
    with other limits or chaos, since reports of then fit no other orders. For a comparison give it to both.
    Raises JournalError, LimitsError, ChaosError, and DataError where the part has no prices.
    """
    from live.session import (
        Overlay,  # the engine's rooms stand beside this one, and are needed for nothing else
        read_session,
    )

    events = read_chaos(chaos)
    part = (
        None if start is None else as_span(start)[0].value,
        None if end is None else as_span(end)[1].value + 1,
    )
    other = None if limits is None else load_limits(limits)
    matched = (other is not None or bool(events)) if rematch is None else rematch
    session = read_session(journal, *part, limits=other, rematch=matched)
    if not len(session.feed):
        raise DataError(
            f"the journal {journal} has no prices between {start or 'its start'} and {end or 'its end'}"
        )
    origin = np.arange(len(session.feed), dtype=np.int64)
    if events:
        overlay, origin = _laid_over(session, events, Overlay)
        session = read_session(journal, *part, limits=other, overlay=overlay, rematch=matched)
    return _result(session, origin, events)


def _laid_over(
    session: Session, events: Sequence[ChaosEvent], overlay: type[Overlay]
) -> tuple[Overlay, Rows]:
    """The events as an overlay, and for each price that is left its row in the session.  Raises ChaosError."""
    for event in events:
        if event.family is Family.SIGNAL:
            raise ChaosError(
                f"{event.kind}: a session's signals stay as they were; expected market or venue faults"
            )
    check_chaos(events, session.feed, session.machine.desk.strategies)
    feed, origin = apply_market_faults(session.feed, events)
    prices: dict[int, tuple[float, ...] | None] = dict.fromkeys(session.numbers.tolist())
    for row in _unchanged(session.feed, feed, origin):
        del prices[int(session.numbers[row])]
    numbers = session.numbers[origin].tolist()
    quotes = feed.quotes.tolist()
    for number, quote in zip(numbers, quotes, strict=True):
        if number in prices:
            prices[number] = tuple(quote)
    return overlay(tuple(venue_windows(events, session.feed)), prices), origin


def _unchanged(before: Feed, after: Feed, origin: Rows) -> list[int]:
    """Rows of `before` that are as they were."""
    left, right = before.quotes[origin], after.quotes
    equal = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    return [int(row) for row in origin[equal]]


def _result(session: Session, origin: Rows, events: Sequence[ChaosEvent]) -> BacktestResult:
    recorder = Recorder()
    recorder.journal = session.facts
    recorder.signals = [SentSignal(*sent) for sent in session.signals]
    players: tuple[Any, ...] = ()
    record = ReplayRecord(session.feed, origin, session.curves, session.machine.desk, players, recorder)
    return BacktestResult(record, begin_ns=int(session.feed.timestamp_ns[0]), interval_ns=0, chaos=events)
