"""Cases of chaos: one fault, one strength, one time; and what became of the strategy, beside its run without the fault.

Compiled strategies are run as a campaign, all others by event replay.  Faults strike when the strategy trades the most:
one that strikes while nothing is asked for shows nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from workbench.backtest.recovery import RunPath, compare, path_of
from workbench.backtest.result import BacktestResult
from workbench.certify.checks import Progress, Subject
from workbench.certify.conduct import Conduct, conduct_of
from workbench.certify.markets import moments_of, recent
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import KINDS, ChaosKind, Family
from workbench.core.outcome import HOLD
from workbench.sweeps.campaign import campaign

__all__ = ["Case", "Drill", "case_events", "drill_of", "fault_cases", "kinds_for", "replay_case"]

WINDOW_SHARE: Final = 20  # a fault lasts this part of the drill
WINDOWED: Final = (
    10  # a function of columns is asked with a frame at each update, which costs as many plain updates
)


class Drill(NamedTuple):
    """Where chaos strikes: the last part of the prices, the run without it, and the times at which a fault begins."""

    subject: Subject
    calm: BacktestResult
    starts: tuple[pd.Timestamp, ...]
    duration: timedelta

    @property
    def trades(self) -> bool:
        """Whether the strategy trades at all."""
        return any(fill.strategy_id == self.subject.name for fill in self.calm.record.recorder.fills)


class Case(NamedTuple):
    """One fault and what became of it.

    name: by which `case_events` knows it.  changed: whether the run differs from the one without.  damage: most that
    equity fell behind that, quote currency.  exposure: largest share of a limit.  recovered: back in order (see
    backtest.recovery).  stopped: by a breaker, which left it holding nothing.  note: what else was wrong, or "".
    """

    name: str
    event: ChaosEvent
    changed: bool
    damage: float
    exposure: float
    recovered: bool
    stopped: bool
    note: str = ""


def drill_of(subject: Subject) -> Drill:
    """The last part of the prices; shorter for a strategy that has to be replayed event by event."""
    rules = subject.thresholds.chaos
    moments = rules.moments
    if subject.form != "compiled":
        cost = WINDOWED if subject.form == "vector" else 1
        moments = min(moments, max(100, rules.replayed_updates // (cost * len(subject.prices.instruments))))
    small = subject.replaced(prices=recent(subject.prices, moments))
    calm = small.backtest(on_error="contain")
    index = moments_of(small.prices)
    length = max(2 * HOLD, len(index) // WINDOW_SHARE)
    places = _busiest(calm, index, length, rules.starts)
    duration = index[min(length, len(index) - 1)] - index[0]
    return Drill(
        small, calm, tuple(pd.Timestamp(index[place]) for place in places), duration.to_pytimedelta()
    )


def kinds_for(subject: Subject) -> list[ChaosKind]:
    """Every kind that means something with these prices."""
    several = len(subject.prices.symbols) > 1
    return [kind for kind in KINDS if several or kind is not ChaosKind.CORRELATION_BREAK]


def case_events(drill: Drill) -> dict[str, ChaosEvent]:
    """Every kind at each level and start, by names such as "runaway 2.1": the second level, at the first start.

    Levels are spread over what is typical of the kind, both ends among them.  A strategy that is replayed is struck at
    the first start alone.
    """
    subject, rules = drill.subject, drill.subject.thresholds.chaos
    starts = drill.starts if subject.form == "compiled" else drill.starts[:1]
    events = {}
    for kind in kinds_for(subject):
        info = KINDS[kind]
        low, high = info.typical
        levels = np.linspace(low, high, rules.intensities).tolist() if rules.intensities > 1 else [high]
        target = subject.name if info.family is Family.SIGNAL else ""
        for level, intensity in enumerate(dict.fromkeys(levels), start=1):
            for number, start in enumerate(starts, start=1):
                when = start.to_pydatetime()
                event = ChaosEvent(kind, when, drill.duration, intensity, target, subject.seed)
                events[f"{kind} {level}.{number}"] = event
    return events


def fault_cases(drill: Drill, progress: Progress) -> list[Case]:
    """All cases, in the order of `case_events`."""
    if drill.subject.form == "compiled":
        progress("chaos: the campaign")
        return _campaign_cases(drill)
    normal = path_of(drill.calm.record)
    found = []
    for name, event in case_events(drill).items():
        progress(f"chaos: {event.kind}")
        found.append(_case(drill, normal, name, event, replay_case(drill, event)))
    return found


def replay_case(drill: Drill, event: ChaosEvent) -> BacktestResult:
    """One case by event replay."""
    return drill.subject.backtest(chaos=[event], on_error="contain")


def _busiest(calm: BacktestResult, index: pd.DatetimeIndex, length: int, count: int) -> list[int]:
    """Places in `index` at which windows of `length` bars hold the most orders, apart from each other where there is
    room, between a tenth and four fifths of the way; the earliest of equals.
    """
    recorder = calm.record.recorder
    times = [order.timestamp_ns for order in recorder.accepted]
    times += [order.timestamp_ns for order in recorder.refused]
    bars = np.searchsorted(index.as_unit("ns").asi8, np.array(times, dtype=np.int64), side="right") - 1
    orders = np.bincount(np.clip(bars, 0, None), minlength=len(index))[: len(index)]
    sums = np.concatenate([[0], np.cumsum(orders)])
    first, last = (
        len(index) // 10,
        max(len(index) // 10 + 1, min(len(index) * 4 // 5, len(index) - length - HOLD)),
    )
    inside = np.arange(first, last)
    busy = (sums[np.minimum(inside + length, len(index))] - sums[inside]).astype(np.float64)
    places: list[int] = []
    for _ in range(count):
        place = int(inside[int(np.argmax(busy))])
        places.append(place)
        busy[np.abs(inside - place) < length] -= len(times) + 1.0
    return sorted(dict.fromkeys(places))


def _campaign_cases(drill: Drill) -> list[Case]:
    """The cases of a compiled strategy; those that did not recover are looked at in full."""
    subject, numbered = drill.subject, case_events(drill)
    levels: dict[str, list[float]] = {}
    for event in numbered.values():
        known = levels.setdefault(str(event.kind), [])
        if event.intensity not in known:
            known.append(event.intensity)
    result = campaign(
        subject.strategy,
        subject.prices,
        config=dict(subject.config),
        limits=subject.limits,
        costs=dict(subject.costs),
        initial_cash=subject.initial_cash,
        kinds=list(levels),
        intensities=levels,
        starts=[start.to_pydatetime() for start in drill.starts],
        duration=drill.duration,
        seeds=[subject.seed],
        progress=False,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    cases = []
    for place, ((name, event), row) in enumerate(
        zip(numbered.items(), result.table.to_dict("records"), strict=True)
    ):
        recovered = bool(row["survived"])
        verdict = _Verdict(False, "")
        if not recovered:
            verdict = _verdict(event, conduct_of(result.column(place).record, subject.name))
        touched = row["breaches"] > 0 or row["orders_refused"] > 0
        changed = row["worst_damage_usd"] != 0.0 or row["damage_usd"] != 0.0 or touched
        cases.append(
            Case(
                name,
                event,
                bool(changed),
                float(row["worst_damage_usd"]),
                float(row["worst_exposure"]),
                recovered,
                *verdict,
            )
        )
    return cases


def _case(drill: Drill, normal: RunPath, name: str, event: ChaosEvent, result: BacktestResult) -> Case:
    """A case out of its replay."""
    outcome = compare(path_of(result.record), normal, event)
    conduct = conduct_of(result.record, drill.subject.name)
    recovered = outcome.recovery_seconds is not None and result.final_equity > 0.0
    return Case(
        name,
        event,
        result.fingerprint != drill.calm.fingerprint,
        outcome.worst_damage_usd,
        conduct.exposure,
        recovered,
        *_verdict(event, conduct),
    )


class _Verdict(NamedTuple):
    """stopped, note: as in Case."""

    stopped: bool
    note: str


def _verdict(event: ChaosEvent, conduct: Conduct) -> _Verdict:
    """A breaker that trips while signals are bent is no fault of the strategy; under other faults one may be."""
    if conduct.errors:
        return _Verdict(False, f"it raised {conduct.errors:,} errors")
    if conduct.faults and event.family is not Family.SIGNAL:
        return _Verdict(False, f"stopped by its own fault ({conduct.faults[0].reason})")
    stopped = bool(conduct.trips) and (conduct.flat or not conduct.stopped)
    return _Verdict(stopped, "" if stopped or not conduct.trips else "stopped, and still holding something")
