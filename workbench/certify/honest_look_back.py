"""Is the declared look-back enough?  Started later, with as many updates before, a strategy has to say the same."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from workbench.certify.checks import UNMEASURED, Check, Progress, Subject
from workbench.certify.honest_trace import Said, Trace, last_rows, moment, sampled_feed, trace
from workbench.core.feed import Feed
from workbench.strategy.vector import SignalStrategy
from workbench.sweeps.checks import look_back

__all__ = ["declared_lookback", "lookback_suffices"]

TOLERANCE: Final = 0.01  # of a strength: what is left of an average that never forgets entirely

type Last = dict[tuple[str, str], float]
"""What was said last, by symbol and the rest of the signal."""


class _Compared(NamedTuple):
    signals: int
    differ: int
    first: int | None


def lookback_suffices(subject: Subject, progress: Progress) -> Check:
    """At each signal after a late start, what stands has to be what stands without it."""
    progress("look-back: started later")
    rules = subject.thresholds.honest
    lookback = declared_lookback(subject)
    if lookback is None:
        return _unmeasured(subject, "it declares no LOOKBACK; nobody can say from when on its signals count")
    plan = subject.plan()
    feed = sampled_feed(subject, plan, rules.late_starts)
    instruments = len(feed.instruments)
    starts = [int(part * len(feed)) for part in np.linspace(0.1, 0.7, rules.late_starts)]
    starts = [start for start in starts if start > lookback * instruments]
    if not starts:
        return _unmeasured(subject, f"the prices are too short to start after {lookback} updates")
    whole = trace(plan, feed)
    found = [_late(subject, plan, whole, start, lookback) for start in starts]
    signals, differ = sum(each.signals for each in found), sum(each.differ for each in found)
    share = differ / signals if signals else 0.0
    first = min((each.first for each in found if each.first is not None), default=None)
    when = "" if first is None else f", first at {moment(first)}"
    return Check(
        name="lookback_suffices",
        family="honest",
        passed=not whole.raised and share <= rules.max_lookback_disagreement,
        measured=whole.raised
        or f"{differ} of {signals} signals differ after {len(starts)} late starts with the declared look-back of "
        f"{lookback:,} updates{when}",
        required=f"at most {rules.max_lookback_disagreement:.0%} differ",
        look_closer=subject.backtest_code(
            ".signals", start=repr(_opened(feed, starts[0] - lookback, subject))
        ),
        value=share,
        threshold=rules.max_lookback_disagreement,
    )


def declared_lookback(subject: Subject) -> int | None:
    """Updates of an instrument that the strategy says it needs, None where it does not say.

    Its WARM_UP, such as "3 * slow", for one that gives a signal before its averages have forgotten how they began; else
    its LOOKBACK; or the window of `from_signals`.  Raises StrategyError where that is no expression of parameters.
    """
    kind: Any = subject.strategy
    if issubclass(kind, SignalStrategy):
        window: int | None = kind.WINDOW
        return window
    declared = getattr(kind, "WARM_UP", "") or getattr(kind, "LOOKBACK", "")
    if isinstance(declared, int) and not isinstance(declared, bool) and declared > 0:
        return declared
    if not isinstance(declared, str) or not declared:
        return None
    numbers = {key: value for key, value in subject.make().config.items() if isinstance(value, int | float)}
    said: Any = type(kind.__name__, (), {"LOOKBACK": declared, "PARAMETERS": kind.PARAMETERS})
    updates: float = look_back(said, numbers)
    return math.ceil(updates)


def _unmeasured(subject: Subject, why: str) -> Check:
    return Check(
        name="lookback_suffices",
        family="honest",
        passed=True,
        measured=UNMEASURED,
        required="signals that agree after a late start",
        look_closer=subject.backtest_code(".signals"),
        note=why,
    )


def _opened(feed: Feed, row: int, subject: Subject) -> str:
    time_ns = int(feed.timestamp_ns[max(row, 0)]) - subject.prices.interval.value
    return str(np.datetime64(time_ns, "ns"))


def _late(subject: Subject, plan: Any, whole: Trace, start: int, lookback: int) -> _Compared:
    """Compare from row `start` on with a run that begins `lookback` updates of each instrument before."""
    feed = whole.feed
    begin = start
    for k in range(len(feed.instruments)):
        mine = np.flatnonzero(feed.instrument[:start] == k)
        begin = min(begin, int(mine[max(0, len(mine) - lookback)]) if len(mine) else start)
    late = trace(plan, last_rows(feed, begin), strategy=subject.make())
    return _compared(whole.said, late.said, int(feed.timestamp_ns[start]))


def _compared(whole: list[Said], late: list[Said], since: int) -> _Compared:
    """At the time of each signal of either run: is what was said last the same in both?

    A run that was started late and has said nothing yet stands where one that said 0 does.
    """
    a, b = _steps(whole), _steps(late)
    times = sorted({time for time in (*a, *b) if time >= since})
    stands: Last = {}
    other: Last = {}
    for time in sorted(time for time in (*a, *b) if time < since):
        stands.update(a.get(time, {}))
        other.update(b.get(time, {}))
    signals, differ, first = 0, 0, None
    for time in times:
        said, heard = a.get(time, {}), b.get(time, {})
        stands.update(said)
        other.update(heard)
        for key in {*said, *heard}:
            signals += 1
            if not abs(stands.get(key, 0.0) - other.get(key, 0.0)) <= TOLERANCE:
                differ += 1
                first = time if first is None else first
    return _Compared(signals, differ, first)


def _steps(said: list[Said]) -> dict[int, Last]:
    steps: dict[int, Last] = {}
    for time, symbol, strength, confidence, rest in said:
        steps.setdefault(time, {})[symbol, rest] = strength * confidence
    return steps
