"""Stress: crises of the past, made-up shocks, harder markets, and twice the messages.

In each scenario the strategy has to stay inside the limits, trip no breaker by its own fault, lose no more than a share
of its capital, and be in order afterwards: at work with no more than it usually holds, or stopped and holding nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import UNMEASURED, Check, Measure, Progress, Subject
from workbench.certify.conduct import Conduct, Units, conduct_of, show_reasons
from workbench.certify.crisis_windows import crises_of, crisis_loss, crisis_run
from workbench.certify.scenarios import Scenario, scenarios
from workbench.certify.stage import Stage, stage_of
from workbench.configuration.certification_conduct import StressThresholds

__all__ = ["MEASURES", "historical_crises", "made_up_stress", "problems_of"]

SLACK: Final = 1.0 + 1e-9


def made_up_stress(subject: Subject, progress: Progress) -> tuple[Check, ...]:
    """Every scenario of `scenarios`, from the moment at which the strategy has the most to lose."""
    progress("stress: the calm run")
    stage = stage_of(subject, subject.thresholds.stress.moments)
    if not stage.trades:
        return (_nothing_held(subject, stage),)
    found = []
    for scenario in scenarios(subject):
        progress(f"stress: {scenario.what}")
        found.append(_scenario(stage, scenario))
    return tuple(found)


def historical_crises(subject: Subject, progress: Progress) -> Check:
    """All crises of the past that the prices hold."""
    rules = subject.thresholds.stress
    crises = crises_of(subject)
    required = f"in each: {_required(rules)}"
    if not crises:
        return Check(
            "historical_crises",
            "stress",
            passed=True,
            measured="no crisis was measured",
            required=required,
            look_closer="print(list(wb.risk.CRISES))",
            note="the prices hold none of the crises of the past",
        )
    losses: dict[str, float] = {}
    bad: dict[str, str] = {}
    for crisis in crises:
        progress(f"stress: {crisis.name}")
        result = crisis_run(subject, crisis)
        conduct = conduct_of(result.record, subject.name)
        losses[crisis.name] = crisis_loss(result, crisis)
        problems = problems_of(conduct, rules, conduct.held, losses[crisis.name])
        if problems:
            bad[crisis.name] = "; ".join(problems)
    worst = max(losses, key=lambda name: losses[name])
    shown = next(iter(bad), worst)
    said = f"{len(bad)} of {len(crises)} not got over: {shown}: {bad[shown]}" if bad else "all got over"
    return Check(
        "historical_crises",
        "stress",
        passed=not bad,
        measured=f"{len(crises)} crises, worst loss {losses[worst]:.1%} in {worst}; {said}",
        required=required,
        look_closer=subject.tester_code(f".replay({shown!r})"),
        value=losses[worst],
        threshold=rules.max_loss,
    )


def problems_of(
    conduct: Conduct, rules: StressThresholds, usual: Units, loss: float | None = None
) -> list[str]:
    """What is wrong with a run under stress, in words; empty where nothing is.

    usual: the most units that the strategy holds without stress.  loss: in place of the one of the whole run.
    """
    lost = conduct.loss if loss is None else loss
    found = []
    if not conduct.exposure <= rules.max_limit_use:  # NaN is no good either, here and below
        found.append(f"{conduct.exposure:.2f} times a limit held")
    if not conduct.refused_share <= rules.max_refused_share:
        found.append(f"{conduct.refused_share:.1%} of its signals refused ({show_reasons(conduct.refused)})")
    if conduct.faults:
        reasons = Counter(trip.reason for trip in conduct.faults)
        found.append(f"stopped by its own fault ({show_reasons(reasons)})")
    if conduct.errors:
        found.append(f"it raised {conduct.errors:,} errors")
    if not lost <= rules.max_loss:
        found.append(f"{lost:.1%} of its capital lost")
    if conduct.stopped and not conduct.flat:
        found.append("stopped, and still holding something at the end")
    grown = [name for name, units in conduct.left.items() if units > _most(usual, name, rules) * SLACK]
    if grown and not conduct.trips:
        found.append(f"at the end more of {grown[0]} than it ever holds in calm")
    return found


def _most(usual: Units, name: str, rules: StressThresholds) -> float:
    return rules.max_exposure_growth * max(usual.get(name, 0.0), 0.0)


def _required(rules: StressThresholds) -> str:
    return (
        f"inside limits, {rules.max_refused_share:.0%} refused or less, no breaker by its own fault, "
        f"{rules.max_loss:.0%} lost or less, in order afterwards"
    )


def _scenario(stage: Stage, scenario: Scenario) -> Check:
    subject, rules = stage.subject, stage.subject.thresholds.stress
    closer = subject.tester_code(f".replay({scenario.name!r})")
    if scenario.missing:
        return Check(
            scenario.name, "stress", True, UNMEASURED, _required(rules), closer, note=scenario.missing
        )
    changes = {"on_error": "contain", **scenario.changes(stage)}
    result: BacktestResult = subject.backtest(**changes)
    # An order of twice the size is twice what is usual, and so is what comes of it.
    usual = {name: units * _size(stage, changes) for name, units in stage.usual.items()}
    conduct = conduct_of(result.record, subject.name, usual, rules.max_exposure_growth)
    problems = problems_of(conduct, rules, usual)
    stopped = ", ".join(dict.fromkeys(trip.reason for trip in conduct.trips))
    said = f"stopped by {stopped}, holding nothing" if stopped else "at work afterwards"
    return Check(
        scenario.name,
        "stress",
        passed=not problems,
        measured=f"{scenario.what}: {conduct.loss:.2%} lost, {'; '.join(problems) or said}",
        required=_required(rules),
        look_closer=closer,
        value=conduct.loss,
        threshold=rules.max_loss,
    )


def _size(stage: Stage, changes: dict[str, object]) -> float:
    return stage.subject.thresholds.stress.message_factor if "config" in changes else 1.0


def _nothing_held(subject: Subject, stage: Stage) -> Check:
    return Check(
        "made_up_stress",
        "stress",
        passed=False,
        measured=f"nothing held in the last {len(stage.calm.times_ns):,} update times, so nothing could be stressed",
        required=_required(subject.thresholds.stress),
        look_closer=subject.tester_code(".replay('calm')"),
    )


MEASURES: Final[tuple[Measure, ...]] = (historical_crises, made_up_stress)
