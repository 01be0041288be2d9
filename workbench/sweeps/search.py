"""A search under way: suggestions in batches, what is new among them run like a sweep, and every one of them told."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from workbench.errors import ConfigError, ParameterError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.vector import SignalStrategy
from workbench.sweeps.checks import NEEDED, why_nothing_traded
from workbench.sweeps.crew import progress_bar
from workbench.sweeps.grid import Grid, Where, permitted
from workbench.sweeps.job import Job
from workbench.sweeps.metrics import LOWER_IS_BETTER
from workbench.sweeps.optimize_result import OptimizeResult, Trial, as_float, part_of
from workbench.sweeps.payload import pack
from workbench.sweeps.plain import make_plan
from workbench.sweeps.processes import Pool
from workbench.sweeps.result import Part
from workbench.sweeps.space import Space, columns_of, size_of

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler

__all__ = ["Outcome", "Search", "optuna_library"]

type Key = tuple[Any, ...]


class Outcome(NamedTuple):
    """What came of a combination.  state: see `Trial`.  figures: by name of metric."""

    state: str
    figures: Mapping[str, Any]


NOT_ALLOWED: Final = Outcome("not_allowed", {})


def optuna_library() -> Any:
    """The package; not everybody has it.  Raises ConfigError."""
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "optimize needs the package optuna; install it with pip install 'trading-workbench[lab]'"
        ) from error
    return optuna


def _key(params: Mapping[str, Any]) -> Key:
    """Equal for equal parameters; not all of them can be hashed."""
    return tuple(value if isinstance(value, int | float) else repr(value) for value in params.values())


class Search:
    """A search of `space` for the best `metric`.  job: a checked one, of a single task."""

    def __init__(
        self, job: Job, space: Space, metric: str, where: Where | None, sampler: BaseSampler
    ) -> None:
        self._job, self._space, self._metric, self._where = job, dict(space), metric, where
        self._states = optuna_library().trial.TrialState
        with _quiet():
            self._study: optuna.Study = optuna_library().create_study(
                direction="minimize" if metric in LOWER_IS_BETTER else "maximize",
                sampler=sampler,
                study_name=f"{job.kind.__name__} by {metric}",
            )
        self._asked: list[optuna.Trial] = []  # and not told yet
        self._known: dict[Key, Outcome] = {}
        self._trials: list[Trial] = []
        self._notes: dict[str, str] = {}
        self._refusal = ""
        self._replay: Any = None
        self._per_year = job.per_year or 0.0

    def run(self, trials: int, batch: int, progress: bool | None) -> OptimizeResult:
        """Until all trials are done, somebody interrupts, or there is nothing left to try."""
        job, began, interrupted = self._job, time.perf_counter(), False
        updates, size = trials * job.updates, size_of(self._space)
        with ExitStack() as stack:
            stack.enter_context(_quiet())
            if job.client is None and not issubclass(job.kind, CompiledStrategy | SignalStrategy):
                job.pool = stack.enter_context(Pool(pack(make_plan(job)), job.workers))
            tick = stack.enter_context(progress_bar(trials, updates, progress, job.kind.__name__, "trial"))
            try:
                while not interrupted and len(self._trials) < trials and len(self._known) < size:
                    before = len(self._trials)
                    interrupted = self._batch(min(batch, trials - before))
                    tick(len(self._trials) - before)
            except KeyboardInterrupt:
                interrupted = True
            for trial in self._study.get_trials(deepcopy=False, states=(self._states.RUNNING,)):
                self._study.tell(
                    trial.number, state=self._states.FAIL
                )  # nobody knows what would have come of it
        return self._result(trials, interrupted, time.perf_counter() - began)

    def _batch(self, count: int) -> bool:
        """Ask for some suggestions, run what is new among them, and tell; whether somebody interrupted."""
        self._asked = [self._study.ask(self._space) for _ in range(count)]
        asked = [dict(trial.params) for trial in self._asked]
        kept = permitted(self._job.kind, columns_of(asked), count, self._where, self._job.base)
        fresh: dict[Key, dict[str, Any]] = {}
        for params, allowed in zip(asked, kept.tolist(), strict=True):
            if not allowed:
                self._known[_key(params)] = NOT_ALLOWED
            elif _key(params) not in self._known:
                fresh[_key(params)] = params
        interrupted = self._play(fresh)
        for trial, params in zip(self._asked, asked, strict=True):
            outcome = self._known.get(_key(params))
            if outcome is not None:
                self._tell(trial, params, outcome, new=fresh.pop(_key(params), None) is not None)
        return interrupted

    def _play(self, fresh: Mapping[Key, Mapping[str, Any]]) -> bool:
        """Run combinations, and keep what was found; whether somebody interrupted."""
        if not fresh:
            return False
        job = self._job
        job.grid = Grid(columns_of(list(fresh.values())), 0)
        try:
            (part,), interrupted = job.play(lambda _: None)
        except ParameterError as error:  # a plain strategy says so when it is made, and here of all of them
            self._refusal = str(error)
            self._known.update(dict.fromkeys(fresh, NOT_ALLOWED))
            return False
        self._replay, self._per_year = part.replay, part.per_year or self._per_year
        rows = {_key(part.grid.config(row)): row for row in range(len(part.grid))}
        for key in fresh:
            if key not in rows:
                self._known[key] = NOT_ALLOWED
            elif part.finished[rows[key]] or not interrupted:  # what a cluster lost is not asked for for ever
                self._known[key] = self._outcome(part, rows[key])
        for note in job.notes:
            self._notes.setdefault(note.partition(":")[0], note)
        job.notes.clear()
        return interrupted

    def _outcome(self, part: Part, row: int) -> Outcome:
        names = dict.fromkeys((*self._job.metrics, *NEEDED))
        figures = {name: part.figures[name][row] for name in names}
        if not part.finished[row]:
            figures = {name: _missing(figure) for name, figure in figures.items()}
        return Outcome("undefined" if math.isnan(as_float(figures[self._metric])) else "finished", figures)

    def _tell(self, trial: optuna.Trial, params: dict[str, Any], outcome: Outcome, *, new: bool) -> None:
        """The study hears it too, where a combination that cannot be rated counts as a bad one."""
        for name, figure in outcome.figures.items():
            trial.set_user_attr(name, as_float(figure))
        if outcome.state == "finished":
            self._study.tell(trial, as_float(outcome.figures[self._metric]))
        else:
            self._study.tell(trial, state=self._states.PRUNED)
        state = "duplicate" if outcome.figures and not new else outcome.state
        self._trials.append(Trial(trial.number, params, state, outcome.figures))

    def _result(self, trials: int, interrupted: bool, seconds: float) -> OptimizeResult:
        run = [trial for trial in self._trials if trial.state in ("finished", "undefined")]
        if not run and not interrupted:
            rules = ", ".join(getattr(self._job.kind, "CONSTRAINTS", ())) or self._refusal or "where="
            raise ParameterError(
                f"{self._job.kind.__name__}: none of {len(self._trials):,} suggestions is allowed ({rules}); "
                "narrow the space to what is"
            )
        part = part_of(run, tuple(self._space), self._replay, self._per_year)
        silence = "" if interrupted else why_nothing_traded([part])
        sys.stderr.write("".join(f"{note}\n" for note in (*self._notes.values(), silence) if note))
        if interrupted:
            sys.stderr.write(
                f"interrupted: {len(self._trials):,} of {trials:,} trials are finished and kept\n"
            )
        return OptimizeResult(
            self._study,
            self._metric,
            self._trials,
            part,
            self._job.metrics,
            strategy=self._job.kind.__name__,
            interrupted=interrupted,
            seconds=seconds,
        )


def _missing(figure: Any) -> Any:
    """What stands for a figure that there is none of."""
    return np.timedelta64("NaT", "ns") if isinstance(figure, np.timedelta64) else math.nan


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of each study on stderr; its level is one for the whole process."""
    logging = optuna_library().logging
    before = logging.get_verbosity()
    logging.set_verbosity(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.set_verbosity(before)
