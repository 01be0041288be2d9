"""The five families of checks, and how one measure is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from workbench.certify.checks import FAMILIES, Check, Family, Measure, Progress, Subject
from workbench.errors import WorkbenchError

__all__ = ["LONGEST_FIRST", "Task", "measures", "take", "tasks_of"]

LONGEST_FIRST: Final[Sequence[Family]] = ("chaos", "honest", "normal", "stress", "significant")
"""The order in which the families are begun: with the long ones last, one process would wait for the other."""


class Task(NamedTuple):
    """One measure.  place: among those of its family."""

    family: Family
    place: int


@cache
def measures() -> Mapping[Family, tuple[Measure, ...]]:
    """The measures of each family, in the order of the scorecard."""
    from workbench.certify import chaos, honest, normal, significant, stress

    modules = {
        "normal": normal,
        "honest": honest,
        "significant": significant,
        "stress": stress,
        "chaos": chaos,
    }
    return {family: modules[family].MEASURES for family in FAMILIES}


def tasks_of(families: Sequence[Family]) -> list[Task]:
    """All measures of some families, in the order of the scorecard."""
    return [Task(family, place) for family in families for place in range(len(measures()[family]))]


def take(subject: Subject, task: Task, progress: Progress) -> tuple[Check, ...]:
    """What a measure finds.  A strategy that cannot be run has failed it, and the line says why."""
    measure = measures()[task.family][task.place]
    try:
        found = measure(subject, progress)
    except WorkbenchError as error:
        return (_not_taken(subject, task, measure, error),)
    return found if isinstance(found, tuple) else (found,)


def _not_taken(subject: Subject, task: Task, measure: Measure, error: WorkbenchError) -> Check:
    return Check(
        getattr(measure, "__name__", f"{task.family} {task.place + 1}"),
        task.family,
        passed=False,
        measured=f"it could not be measured: {' '.join(str(error).split())}",
        required="a run that comes to its end",
        look_closer=subject.backtest_code(),
    )
