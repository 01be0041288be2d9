"""Chaos: every fault of signals, markets and venues, and every misbehaving neighbour.

A case is survived where the strategy is back in order afterwards, or was stopped by a breaker and holds nothing; where
it stayed inside the limits; and where it cost no more than a share of the capital.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workbench.backtest.result import BacktestResult
from workbench.certify.bystander import BYSTANDER
from workbench.certify.chaos_cases import (
    Case,
    Drill,
    case_events,
    drill_of,
    fault_cases,
    kinds_for,
    replay_case,
)
from workbench.certify.chaos_neighbours import (
    Harm,
    bent_beside,
    bystander_run,
    misbehaving,
    neighbour_run,
    signal_faults,
    with_misbehaving,
)
from workbench.certify.checks import Check, Measure, Progress, Subject
from workbench.chaos.kinds import Family
from workbench.errors import ConfigError

__all__ = ["MEASURES", "chaos_names", "faults", "neighbours", "replay_chaos"]

_WORDS: Final = {
    Family.SIGNAL: ("signal_faults", "its signals bent"),
    Family.MARKET: ("market_faults", "prices that are wrong"),
    Family.VENUE: ("venue_faults", "venues that fail"),
}


def faults(subject: Subject, progress: Progress) -> tuple[Check, ...]:
    """A campaign over every kind of fault."""
    progress("chaos: the calm run")
    drill = drill_of(subject)
    if not drill.trades:
        return tuple(_nothing_traded(drill, name) for name, _ in _WORDS.values())
    cases = fault_cases(drill, progress)
    return tuple(_of_family(drill, family, cases) for family in _WORDS)


def neighbours(subject: Subject, progress: Progress) -> tuple[Check, Check]:
    """Beside each misbehaving strategy; and a bystander beside this one, its signals bent."""
    drill = drill_of(subject)
    if not drill.trades:
        return _nothing_traded(drill, "misbehaving_neighbours"), _nothing_traded(drill, "harm_to_neighbours")
    suffered, done = with_misbehaving(drill, progress), bent_beside(drill, progress)
    return (
        _of_neighbours(drill, "misbehaving_neighbours", "beside", suffered),
        _of_neighbours(drill, "harm_to_neighbours", f"{BYSTANDER} of", done),
    )


def chaos_names(subject: Subject) -> list[str]:
    """What `replay_chaos` knows: the kinds of fault that mean something here, each misbehaving script beside the
    strategy, and a bystander beside it, its signals bent.
    """
    kinds = kinds_for(subject)
    bent = [f"{BYSTANDER} of {kind}" for kind in kinds if kind.family is Family.SIGNAL]
    return [*map(str, kinds), *(f"beside {info.name}" for info in misbehaving()), *bent]


def replay_chaos(subject: Subject, name: str) -> BacktestResult:
    """One case again: "runaway 2.1" (second level, first start), "runaway" (last level), "beside fat_finger", or
    "bystander of runaway".

    Raises ConfigError for a name that is none.
    """
    drill = drill_of(subject)
    events = case_events(drill)
    events |= {str(event.kind): event for case, event in events.items() if case.endswith(".1")}
    scripts = {f"beside {info.name}": info.path for info in misbehaving()}
    bent = {f"{BYSTANDER} of {event.kind}": event for event in signal_faults(drill)}
    if name in events:
        return replay_case(drill, events[name])
    if name in scripts:
        return neighbour_run(drill, scripts[name])
    if name in bent:
        return bystander_run(drill, [bent[name]])
    known = [case for case in events if case.startswith(name.partition(" ")[0])] or chaos_names(subject)
    raise ConfigError(f"no chaos {name!r}; there is: {', '.join(known)}")


def _of_family(drill: Drill, family: Family, cases: Sequence[Case]) -> Check:
    rules, cash = drill.subject.thresholds.chaos, drill.subject.initial_cash
    mine = [case for case in cases if case.event.family is family]
    name, words = _WORDS[family]
    problems = {case.name: _problem(drill, case) for case in mine}
    bad = [case for case in mine if problems[case.name]]
    worst = max(mine, key=lambda case: case.damage)
    shown = bad[0] if bad else worst
    stopped = sum(not case.recovered and case.stopped for case in mine)
    said = (
        f"{len(bad)} not survived, first {shown.event.kind} of intensity {shown.event.intensity:g}: "
        f"{problems[shown.name]}"
        if bad
        else f"all survived, {stopped} of them stopped by a breaker"
    )
    return Check(
        name,
        "chaos",
        passed=not bad,
        measured=f"{words}: {len(mine)} cases, {sum(case.changed for case in mine)} with an effect, worst damage "
        f"{worst.damage / cash:.2%} of the capital by {worst.event.kind}; {said}",
        required=f"in each: {rules.max_damage:.0%} of the capital or less, {rules.max_limit_use:.2f} of a limit or "
        "less, back in order or stopped and holding nothing",
        look_closer=drill.subject.tester_code(f".replay({shown.name!r})"),
        value=worst.damage / cash,
        threshold=rules.max_damage,
    )


def _problem(drill: Drill, case: Case) -> str:
    rules, cash = drill.subject.thresholds.chaos, drill.subject.initial_cash
    if case.note:
        return case.note
    if not case.damage <= rules.max_damage * cash:  # NaN is no good either
        return f"{case.damage / cash:.1%} of its capital lost"
    if not case.exposure <= rules.max_limit_use:
        return f"{case.exposure:.2f} times a limit held"
    return "" if case.recovered or case.stopped else "not back in order before the prices end"


def _of_neighbours(drill: Drill, name: str, words: str, harms: Sequence[Harm]) -> Check:
    rules = drill.subject.thresholds.chaos
    bad = {
        harm.neighbour: harm.note
        or (f"stopped by {harm.stopped[0]}" if harm.stopped else f"{harm.harm:.2%} of the capital lost to it")
        for harm in harms
        if not harm.harm <= rules.max_neighbour_harm or harm.stopped or harm.note
    }
    worst = max(harms, key=lambda harm: harm.harm)
    shown = next(iter(bad), worst.neighbour)
    said = f"{len(bad)} harmful, first {shown}: {bad[shown]}" if bad else "none harmful"
    return Check(
        name,
        "chaos",
        passed=not bad,
        measured=f"{words} each of {len(harms)}: worst {worst.harm:.2%} of the capital by {worst.neighbour}; {said}",
        required=f"{rules.max_neighbour_harm:.0%} or less, and nobody stopped for what another does",
        look_closer=drill.subject.tester_code(f".replay({f'{words} {shown}'!r})"),
        value=worst.harm,
        threshold=rules.max_neighbour_harm,
    )


def _nothing_traded(drill: Drill, name: str) -> Check:
    moments = len(drill.calm.times_ns)
    return Check(
        name,
        "chaos",
        passed=False,
        measured=f"nothing traded in the last {moments:,} update times, so chaos had nothing to strike",
        required="a trade",
        look_closer=drill.subject.tester_code(".replay('calm')"),
    )


MEASURES: Final[tuple[Measure, ...]] = (faults, neighbours)
