"""Columns of a plain strategy: what is sent out for them, and what becomes of the answers, wherever they are run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.core.tally import TALLY
from workbench.errors import ParameterError
from workbench.sweeps.checks import NEEDED
from workbench.sweeps.columns import replayed
from workbench.sweeps.metrics import Context, figures
from workbench.sweeps.payload import pack
from workbench.sweeps.result import Part
from workbench.sweeps.worker import Answer, Plan, Request

if TYPE_CHECKING:
    from workbench.sweeps.job import Job, Task

__all__ = ["ERRORS", "Columns", "make_plan"]

ERRORS: Final = "strategy_errors"
PER_YEAR: Final = "periods_per_year"
_PLAIN: Final = (bool, int, float, str)


def make_plan(job: Job) -> Plan:
    """What a worker has to know of a job; NEEDED figures and ERRORS are asked for beside the metrics."""
    names = dict.fromkeys((*job.metrics, ERRORS, PER_YEAR, *NEEDED))
    tasks = [dict(task.arguments) for task in job.tasks]
    return Plan(tasks, job.base, tuple(names), job.per_year or 0.0)


def _packed(config: Mapping[str, Any]) -> bytes:
    if all(isinstance(value, _PLAIN) for value in config.values()):
        return pickle.dumps(dict(config))  # a hundred times faster than to look for modules in it
    return pack(config, "a parameter")


class Columns:
    """The columns of a job: `plan` and `requests` go out, `heard` takes the answers, `parts` is what they make.

    tick: called with 1 for every answer.
    """

    def __init__(self, job: Job, tick: Callable[[int], object]) -> None:
        self.plan = make_plan(job)
        configs = [_packed(job.grid.config(row)) for row in range(len(job.grid))]
        self.requests = [Request(task, config) for task in range(len(job.tasks)) for config in configs]
        self._job, self._tick = job, tick
        self._answers: list[Answer | None] = [None] * len(self.requests)

    def heard(self, number: int, answer: Answer) -> None:
        """Take the answer to request `number`."""
        self._answers[number] = answer
        self._tick(1)

    def parts(self, interrupted: bool) -> list[Part]:
        """Parts as a compiled sweep has them, and a note to the job of what went wrong.

        Combinations that the strategy refused are left out; a column that failed has NaN for every figure.
        Raises ParameterError where it refused all of them.
        """
        job, width = self._job, len(self._job.grid)
        refused = self._of_kind("refused")
        if len(refused) == len(self._answers) and not interrupted:
            raise ParameterError(
                f"{job.kind.__name__} takes none of the {width:,} combinations: {self._note(refused[0])}"
            )
        self._tell(self._of_kind("failed"), "failed: {count:,} of {total:,} columns, {first}: {note}")
        raised = [k for k in self._of_kind("done") if self._note(k)]
        self._tell(raised, "errors: the strategy raised in {count:,} of {total:,} columns, {first}: {note}")
        if raised and ERRORS not in job.metrics:
            job.metrics = (*job.metrics, ERRORS)
        return [
            self._part(task, self._answers[t * width : (t + 1) * width]) for t, task in enumerate(job.tasks)
        ]

    def _of_kind(self, kind: str) -> list[int]:
        return [k for k, answer in enumerate(self._answers) if answer is not None and answer.kind == kind]

    def _note(self, number: int) -> str:
        answer = self._answers[number]
        return "" if answer is None else answer.note

    def _tell(self, numbers: list[int], text: str) -> None:
        if not numbers:
            return
        task, row = divmod(numbers[0], len(self._job.grid))
        place = {**self._job.tasks[task].labels, **self._job.grid.config(row)}
        named = ", ".join(f"{name}={value}" for name, value in place.items())
        first = ("" if len(numbers) == 1 else "the first with ") + named
        self._job.notes.append(
            text.format(
                count=len(numbers), total=len(self._answers), first=first, note=self._note(numbers[0])
            )
        )

    def _part(self, task: Task, answers: list[Answer | None]) -> Part:
        job = self._job
        kept = [row for row, answer in enumerate(answers) if answer is None or answer.kind != "refused"]
        grid = job.grid.take(np.array(kept, dtype=np.int64), len(answers) - len(kept))
        shown = [answers[row] for row in kept]
        names = dict.fromkeys((*job.metrics, *NEEDED))
        return Part(
            task.labels,
            grid,
            {name: _array(name, shown) for name in names},
            np.array([answer is not None for answer in shown], dtype=np.bool_),
            partial(replayed, task, job.base),
            next((float(a.figures[PER_YEAR]) for a in shown if a is not None and a.figures), 0.0),
        )


def _array(name: str, answers: list[Answer | None]) -> Any:
    """One figure of every answer, of the type that it has in a compiled sweep as far as no column failed."""
    found = [None if answer is None or not answer.figures else answer.figures[name] for answer in answers]
    failed = any(answer is not None and not answer.figures for answer in answers)
    kind = _like(name).dtype
    if kind.kind == "m":
        spans = [np.iinfo(np.int64).min if value is None else value for value in found]
        return np.array(spans, dtype=np.int64).view(kind)  # the least number stands for no time
    if kind.kind in "iu" and not failed:
        return np.array([0 if value is None else value for value in found], dtype=kind)
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def _like(name: str) -> Any:
    return figures(np.zeros(1, dtype=TALLY), Context(1.0, 1.0, 0, 1), [name])[name]
