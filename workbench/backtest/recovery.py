"""What a chaos event cost, and how long it took to get over it: two runs that differ in that event alone.

The figures, exactly.  A *moment* is a distinct update time of either run; the state at a moment is the one after all of
its updates, and cash before the first.  *Shortfall* is equity of the run without the event less equity of the run
with it.

- damage_usd: shortfall at the last moment; negative where the event happened to earn.
- worst_damage_usd: largest shortfall from the start of the event on; 0 where equity never fell behind.
- breach_count: breaches with start <= time < end, beyond those of the run without.
- emergency_stops: breakers that tripped from the start on, less those that trip in the run without it as well (same
  strategy, same reason).
- recovery_seconds: from the end of the window until the first moment t from which for `HOLD` further moments all of
  these stay inside the normal band, which is what the run without the event shows.  Looked at are the last moment up to
  the end, which is the state at the end (0 seconds), and all after it:
    equity    the shortfall stays within `band` of what it is at t.  band: the move that equity of the run without
              exceeds in 5 % of its stretches of so many moments only, at least a millionth of the cash
    exposure  in each instrument, the units held (gross over strategies) are no more than the most that the run without
              ever held
    limits    no breaker is latched that is not latched in the run without at that moment, and there are no more
              breaches in the stretch than in the busiest stretch of the run without
  None where there is no such moment: a latched breaker that nobody resets, a position that nobody closes, or prices
  that end too soon to tell.  Strategies that the run without does not have count for the exposure only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.backtest.replay import ReplayRecord
from workbench.chaos.events import ChaosEvent
from workbench.core.facts import BreakerReset, BreakerTripped, Fact
from workbench.core.outcome import HOLD, recovered
from workbench.core.state import NONE

__all__ = [
    "HOLD",
    "ChaosOutcome",
    "Latch",
    "RunPath",
    "assess_chaos",
    "compare",
    "path_of",
    "recovery_seconds",
    "shortfall",
]

type Floats = npt.NDArray[np.float64]
type Times = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]

USUAL: Final = 0.95  # share of the stretches of the run without that lie inside the band
LEAST_BAND: Final = 1e-6  # of the cash: a run that never traded has no moves to compare with
SLACK: Final = 1.0 + 1e-9
SECOND_NS: Final = 1_000_000_000


class ChaosOutcome(msgspec.Struct, frozen=True):
    """What one event did; see the module for the exact meaning of each figure.

    damage_usd, worst_damage_usd: quote currency.  recovery_seconds: event time; None where it never recovered.
    stopped_before: reasons of breakers that were latched when the event began, so that it met nobody who traded.
    """

    event: ChaosEvent
    damage_usd: float
    worst_damage_usd: float
    breach_count: int
    emergency_stops: int
    recovery_seconds: float | None
    stopped_before: tuple[str, ...] = ()


class Latch(NamedTuple):
    """A breaker that tripped (or was reset, `on` false) at `time_ns`.  strategy_id: "" for the portfolio."""

    time_ns: int
    strategy_id: str
    reason: str
    on: bool = True


class RunPath(NamedTuple):
    """What is compared of a run.

    times_ns: int64[n], never falling.  equity: float64[n], after each update.  holdings: instrument -> (int64[m] times,
    float64[m] units from then on, gross over strategies), in order.  breaches: (time, strategy) of each.
    """

    cash: float
    times_ns: Times
    equity: Floats
    strategies: frozenset[str]
    holdings: Mapping[str, tuple[Times, Floats]]
    breaches: Sequence[tuple[int, str]]
    latches: Sequence[Latch]


def assess_chaos(
    run_with: ReplayRecord,
    rerun_without: Callable[[tuple[ChaosEvent, ...]], ReplayRecord],
    events: Sequence[ChaosEvent],
) -> list[ChaosOutcome]:
    """The outcome of each of `events`, in their order, by leaving out one at a time.

    rerun_without: plays the same prices to fresh strategies under the events that it is given; called once per event.
    """
    disturbed = path_of(run_with)
    outcomes = []
    for place, event in enumerate(events):
        others = (*events[:place], *events[place + 1 :])
        outcomes.append(compare(disturbed, path_of(rerun_without(others)), event))
    return outcomes


def path_of(record: ReplayRecord) -> RunPath:
    """What is compared of a finished run."""
    recorder, desk = record.recorder, record.desk
    return RunPath(
        cash=float(desk.book.initial_cash),
        times_ns=record.feed.timestamp_ns,
        equity=record.curves[:, 0],
        strategies=frozenset(desk.strategies),
        holdings=_holdings(
            (f.timestamp_ns, f.strategy_id, f"{f.symbol}@{f.venue}", f.quantity) for f in recorder.fills
        ),
        breaches=[(fact.timestamp_ns, fact.strategy_id) for fact in recorder.breaches],
        latches=_latches(recorder.journal),
    )


def _latches(journal: Iterable[Fact]) -> list[Latch]:
    """Trips, and what each reset let go, in order."""
    latches: list[Latch] = []
    latched: set[tuple[str, str]] = set()
    for fact in journal:
        if isinstance(fact, BreakerTripped):
            latched.add((fact.strategy_id, fact.reason))
            latches.append(Latch(fact.timestamp_ns, fact.strategy_id, fact.reason))
        elif isinstance(fact, BreakerReset):
            free = {key for key in latched if fact.strategy_id in ("", key[0])}
            latches.extend(Latch(fact.timestamp_ns, *key, on=False) for key in sorted(free))
            latched -= free
    return latches


def _holdings(fills: Iterable[tuple[int, str, str, float]]) -> dict[str, tuple[Times, Floats]]:
    """Gross units per instrument after each fill; fills: time, strategy, instrument, signed units."""
    held: defaultdict[tuple[str, str], float] = defaultdict(float)
    gross: defaultdict[str, float] = defaultdict(float)
    steps: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for time_ns, strategy, instrument, units in fills:
        before = held[strategy, instrument]
        held[strategy, instrument] = before + units
        gross[instrument] += abs(before + units) - abs(before)
        steps[instrument].append((time_ns, gross[instrument]))
    return {
        name: (np.array([t for t, _ in rows], dtype=np.int64), np.array([units for _, units in rows]))
        for name, rows in steps.items()
    }


def compare(disturbed: RunPath, normal: RunPath, event: ChaosEvent) -> ChaosOutcome:
    """The outcome of `event`, which `disturbed` has and `normal` has not."""
    start, end = event.start_ns, event.end_ns
    times, gap = shortfall(disturbed, normal)
    since = gap[times >= start]
    tripped = Counter((x.strategy_id, x.reason) for x in disturbed.latches if x.on and x.time_ns >= start)
    tripped -= Counter((x.strategy_id, x.reason) for x in normal.latches if x.on)
    return ChaosOutcome(
        event=event,
        damage_usd=float(gap[-1]) if len(gap) else 0.0,
        worst_damage_usd=max(0.0, float(since.max())) if len(since) else 0.0,
        breach_count=max(0, _between(disturbed, start, end) - _between(normal, start, end)),
        emergency_stops=tripped.total(),
        recovery_seconds=recovery_seconds(disturbed, normal, end),
        stopped_before=_stopped_at(normal, start),
    )


def _between(run: RunPath, start_ns: int, end_ns: int) -> int:
    """Breaches of a run in `start_ns` <= time < `end_ns`."""
    return sum(start_ns <= time_ns < end_ns for time_ns, _ in run.breaches)


def _stopped_at(run: RunPath, time_ns: int) -> tuple[str, ...]:
    """Reasons of the breakers that are latched just before `time_ns`, each once."""
    latched: dict[tuple[str, str], None] = {}
    for latch in run.latches:
        if latch.time_ns >= time_ns:
            break
        if latch.on:
            latched[latch.strategy_id, latch.reason] = None
        else:
            latched.pop((latch.strategy_id, latch.reason), None)
    return tuple(dict.fromkeys(reason for _, reason in latched))


def shortfall(disturbed: RunPath, normal: RunPath) -> tuple[Times, Floats]:
    """Moments of both runs, and by how much equity of `disturbed` is behind that of `normal` at each."""
    times = np.union1d(disturbed.times_ns, normal.times_ns)
    return times, _equity(normal, times) - _equity(disturbed, times)


def recovery_seconds(disturbed: RunPath, normal: RunPath, end_ns: int) -> float | None:
    """Seconds from `end_ns` until `disturbed` is back inside the band that `normal` shows; see the module."""
    times, gap = shortfall(disturbed, normal)
    stretches = len(times) - HOLD
    if stretches <= 0:
        return None
    usual = _largest_move(_equity(normal, times))
    band = max(float(np.quantile(usual, USUAL)), LEAST_BAND * normal.cash)
    settled = _small(disturbed, normal, times) & _free(disturbed, normal, times)
    own, usual_breaches = _breaches(disturbed, normal, times), _breaches(normal, normal, times)
    busiest = int(np.lib.stride_tricks.sliding_window_view(usual_breaches, HOLD + 1).sum(axis=1).max())
    first = max(0, int(np.searchsorted(times, end_ns, side="right")) - 1)
    found = recovered(gap, settled.astype(np.int64), own, band, busiest, first)
    return None if found == NONE else max(0.0, float(times[found] - end_ns) / SECOND_NS)


def _at(times: Times, moments: Times) -> npt.NDArray[np.intp]:
    """Index of the last of `times` at or before each moment, -1 where there is none."""
    return np.searchsorted(times, moments, side="right") - 1


def _equity(run: RunPath, moments: Times) -> Floats:
    return np.concatenate([[run.cash], run.equity])[_at(run.times_ns, moments) + 1]


def _largest_move(values: Floats) -> Floats:
    """float64[n - HOLD]: largest distance from each value within the `HOLD` that follow it."""
    windows = np.lib.stride_tricks.sliding_window_view(values, HOLD + 1)
    start = windows[:, 0]
    return np.maximum(windows.max(axis=1) - start, start - windows.min(axis=1))


def _small(disturbed: RunPath, normal: RunPath, moments: Times) -> Flags:
    """Whether the units held are no more than `normal` ever held, in every instrument."""
    small = np.ones(len(moments), dtype=np.bool_)
    for instrument, (times, units) in disturbed.holdings.items():
        most = float(normal.holdings[instrument][1].max()) if instrument in normal.holdings else 0.0
        held = np.concatenate([[0.0], units])[_at(times, moments) + 1]
        # Sums of binary fractions leave crumbs of the largest holding.
        small &= held <= most * SLACK + (SLACK - 1.0) * units.max()
    return small


def _free(disturbed: RunPath, normal: RunPath, moments: Times) -> Flags:
    """Whether no breaker is latched that is not latched in `normal` as well."""
    known = normal.strategies | {""}
    free = np.ones(len(moments), dtype=np.bool_)
    for key in {(x.strategy_id, x.reason) for x in disturbed.latches if x.strategy_id in known}:
        free &= ~_latched(disturbed, key, moments) | _latched(normal, key, moments)
    return free


def _latched(run: RunPath, key: tuple[str, str], moments: Times) -> Flags:
    changes = [x for x in run.latches if (x.strategy_id, x.reason) == key]
    times = np.array([x.time_ns for x in changes], dtype=np.int64)
    states = np.array([False, *(x.on for x in changes)])
    return np.asarray(states[_at(times, moments) + 1])


def _breaches(run: RunPath, normal: RunPath, moments: Times) -> npt.NDArray[np.int64]:
    """int64[n]: breaches at each moment, of strategies that `normal` has."""
    known = normal.strategies | {""}
    times = np.array([time_ns for time_ns, strategy in run.breaches if strategy in known], dtype=np.int64)
    places = np.searchsorted(moments, times)
    return np.bincount(places[places < len(moments)], minlength=len(moments)).astype(np.int64)
