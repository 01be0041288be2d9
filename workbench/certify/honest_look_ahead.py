"""Does a strategy know what comes later?  What it said up to a moment may not depend on what is after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_trace import (
    Trace,
    first_difference,
    first_rows,
    mirrored_after,
    moment,
    places_to_look,
    sampled_feed,
    shuffled_after,
    trace,
)
from workbench.core.feed import ASK, BID, LAST, VOLUME, Feed
from workbench.errors import StrategyError
from workbench.strategy.vector import SignalStrategy, price_frame

__all__ = ["look_ahead_future", "look_ahead_prefix"]

type Change = Callable[[Feed, int], Feed]
"""What is played in place of a feed; int: how many rows stay as they are."""

WINDOWED: Final = 3  # markets in which a function of columns is asked update by update
TOLERANCE: Final = 1e-9  # two targets this close differ by rounding, as a sum over more rows does


class _Tally(NamedTuple):
    """asked: how many markets.  differ: in how many of them something else was said.  first: when, UTC ns, or None."""

    asked: int
    differ: int
    first: int | None
    raised: str = ""


def look_ahead_prefix(subject: Subject, progress: Progress) -> Check:
    """Asked again with the later prices cut off, it has to say the same."""
    progress("look-ahead: prices cut off")
    number = subject.thresholds.honest.prefixes
    tally = _asked_again(subject, number, first_rows)
    return _check(subject, "look_ahead_prefix", tally, "prefixes", "while the later prices are missing")


def look_ahead_future(subject: Subject, progress: Progress) -> Check:
    """Asked again with other prices later, shuffled ones and mirrored ones in turn, it has to say the same."""
    progress("look-ahead: other prices later")
    generator = np.random.default_rng(subject.seed)
    turn = iter(range(1 << 30))

    def other(feed: Feed, rows: int) -> Feed:
        if next(turn) % 2:
            return shuffled_after(feed, rows, generator)
        return mirrored_after(feed, rows)

    tally = _asked_again(subject, subject.thresholds.honest.futures, other, latest=True)
    return _check(subject, "look_ahead_future", tally, "other futures", "when other prices follow")


def _check(subject: Subject, name: str, tally: _Tally, what: str, how: str) -> Check:
    if tally.raised:
        measured = tally.raised
    else:
        measured = f"{tally.differ} of {tally.asked} {what} change what it said before"
        if tally.first is not None:
            measured += f", first at {moment(tally.first)} {how}"
    return Check(
        name=name,
        family="honest",
        passed=not tally.raised and tally.differ == 0,
        measured=measured,
        required=f"0 {what} change what it said before",
        look_closer=_closer(subject, tally),
        value=float(tally.differ),
        threshold=0.0,
    )


def _closer(subject: Subject, tally: _Tally) -> str:
    if tally.first is None:
        return subject.backtest_code(".signals")
    opened = str(
        np.datetime64(tally.first - subject.prices.interval.value, "ns")
    )  # a bar ends with its update
    line = subject.backtest_code(".signals.tail(3)", end=repr(opened))
    return f"{line}  # against .signals of all prices, at {moment(tally.first)}"


def _asked_again(subject: Subject, number: int, change: Change, *, latest: bool = False) -> _Tally:
    """Both forms of a function of columns, the only form of any other."""
    columnwise = subject.form == "vector"
    tally = _replayed(subject, min(number, WINDOWED) if columnwise else number, change, latest)
    if not issubclass(subject.strategy, SignalStrategy) or tally.raised:
        return tally
    columns = _columns(subject, number, change)
    times = [each.first for each in (tally, columns) if each.first is not None]
    return _Tally(
        tally.asked + columns.asked,
        tally.differ + columns.differ,
        min(times, default=None),
        columns.raised,
    )


def _replayed(subject: Subject, number: int, change: Change, latest: bool) -> _Tally:
    plan = subject.plan()
    feed = sampled_feed(subject, plan, number, latest=latest)
    whole = trace(plan, feed)
    if whole.raised:
        return _Tally(0, 0, None, whole.raised)
    found = [
        _differs(whole, trace(plan, change(feed, rows), strategy=subject.make()), rows)
        for rows in places_to_look(feed, whole.times, number)
    ]
    times = [time for time in found if time is not None]
    return _Tally(len(found), len(times), min(times, default=None))


def _differs(whole: Trace, other: Trace, rows: int) -> int | None:
    """Time at which `other` first said something else, among the first `rows` updates."""
    end = int(whole.feed.timestamp_ns[rows - 1])
    found = first_difference(whole.until(end), other.until(end))
    if found is None and other.raised and len(other.feed) == rows:
        return end  # with a price more it went on: it looks for one that is not there
    return found


# -- functions of columns ----------------------------------------------------------------------------------------------


def _columns(subject: Subject, number: int, change: Change) -> _Tally:
    """The function as a sweep asks it: with all rows of an instrument at once."""
    kind = subject.strategy
    assert issubclass(kind, SignalStrategy), "only they have such a function"
    signals, params = kind.SIGNALS, kind.SIGNALS.parameters(subject.make().config)
    asked, found = 0, []
    for feed in _instruments(subject.plan().feed):
        try:
            whole = signals.targets(_frame(feed), params)
            spoken = feed.timestamp_ns[np.flatnonzero(np.diff(whole, prepend=0.0) != 0.0)]
            for rows in places_to_look(feed, spoken, number):
                asked += 1
                part = signals.targets(_frame(change(feed, rows)), params)[:rows]
                same = (np.abs(part - whole[:rows]) <= TOLERANCE) | (np.isnan(part) & np.isnan(whole[:rows]))
                if not same.all():
                    found.append(int(feed.timestamp_ns[np.argmin(same)]))
        except StrategyError as error:
            return _Tally(asked, 1, None, str(error))
    return _Tally(asked, len(found), min(found, default=None))


def _instruments(feed: Feed) -> Iterator[Feed]:
    """Each instrument's updates as a feed of its own, of eight of them spread over all."""
    count = len(feed.instruments)
    for k in np.unique(np.linspace(0, count - 1, min(count, 8)).round().astype(np.int64)).tolist():
        mine = feed.instrument == k
        yield Feed(
            (feed.instruments[k],),
            feed.timestamp_ns[mine],
            np.zeros(int(mine.sum()), dtype=np.int64),
            feed.quotes[mine],
            feed.sequence[mine],
        )


def _frame(feed: Feed) -> pd.DataFrame:
    return price_frame(feed.timestamp_ns, np.asfortranarray(feed.quotes[:, (LAST, VOLUME, BID, ASK)]))
