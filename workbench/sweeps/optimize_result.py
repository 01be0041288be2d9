"""What a search found: every trial, the best of them, and any of them again in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.backtest.result import BacktestResult
from workbench.errors import ParameterError
from workbench.sweeps.cells import best_cell
from workbench.sweeps.grid import Grid
from workbench.sweeps.metrics import LOWER_IS_BETTER
from workbench.sweeps.result import Part, SweepResult
from workbench.sweeps.space import columns_of

if TYPE_CHECKING:
    import optuna

__all__ = ["OptimizeResult", "Trial", "as_float", "part_of"]


class Trial(NamedTuple):
    """One suggestion.

    state: "finished"; "undefined", it was run (or lost by a cluster) and has no figure of the metric; "duplicate",
    tried before, with what was found then; "not_allowed" by constraints.  figures: by name of metric, none where it was
    not allowed.
    """

    number: int
    params: Mapping[str, Any]
    state: str
    figures: Mapping[str, Any]


def as_float(figure: Any) -> float:
    """A figure as one number, times in nanoseconds."""
    if isinstance(figure, np.timedelta64):
        return float("nan") if np.isnat(figure) else float(figure.astype(np.int64))
    return float(figure)


def part_of(trials: Sequence[Trial], names: Sequence[str], replay: Any, per_year: float) -> Part:
    """Trials that were run as columns of a sweep.  names: of the parameters."""
    columns = columns_of([trial.params for trial in trials]) or {name: np.zeros(0) for name in names}
    known = dict.fromkeys(name for trial in trials for name in trial.figures)
    figures = {name: np.array([trial.figures.get(name, 0) for trial in trials]) for name in known}
    return Part({}, Grid(columns, 0), figures, np.ones(len(trials), dtype=np.bool_), replay, per_year)


class OptimizeResult:
    """A finished search; nothing in it changes any more.

    study: Optuna's, in memory, for its own plots and importances.  metric: what was searched for.
    interrupted: somebody stopped it; what was finished is kept.
    """

    def __init__(
        self,
        study: optuna.Study,
        metric: str,
        trials: Sequence[Trial],
        part: Part,
        metrics: Sequence[str],
        *,
        strategy: str,
        interrupted: bool,
        seconds: float,
    ) -> None:
        self.study, self.metric = study, metric
        self.strategy, self.metrics = strategy, tuple(metrics)
        self.interrupted, self.seconds = interrupted, seconds
        self._trials, self._part = tuple(trials), part
        self._states = Counter(trial.state for trial in trials)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per trial, in order, by its number in the study: parameters, figures, and state (see Trial)."""
        rows = [
            {**trial.params, **{name: trial.figures.get(name, np.nan) for name in self.metrics}}
            for trial in self._trials
        ]
        numbers = pd.Index([trial.number for trial in self._trials], name="trial", dtype="int64")
        frame = pd.DataFrame(rows, index=numbers, columns=[*self._part.grid.values, *self.metrics])
        frame["state"] = [trial.state for trial in self._trials]
        return frame

    @cached_property
    def sweep(self) -> SweepResult:
        """What was run, each combination once, as a sweep has it: with heat map, surface and columns."""
        return SweepResult(
            self.strategy,
            [self._part],
            self.metrics,
            interrupted=self.interrupted,
            seconds=self.seconds,
        )

    @property
    def trials(self) -> int:
        """Combinations that were run, each once: the rows of `sweep.table`."""
        return self._states["finished"] + self._states["undefined"]

    @property
    def not_allowed(self) -> int:
        """Suggestions that constraints did not allow."""
        return self._states["not_allowed"]

    @property
    def duplicates(self) -> int:
        """Suggestions that were tried before, and not run again."""
        return self._states["duplicate"]

    def best(self, n: int = 10) -> pd.DataFrame:
        """The `n` best rows of the table by the metric, each combination once."""
        known = self.table[self.table["state"] == "finished"]
        return known.sort_values(self.metric, ascending=self.metric in LOWER_IS_BETTER, kind="stable").head(n)

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the best trial.  Raises ParameterError where no trial has a figure."""
        best = self.best(1)
        if best.empty:
            raise ParameterError(f"no trial has a figure of {self.metric}; look at .table")
        return dict(next(trial.params for trial in self._trials if trial.number == best.index[0]))

    def column(self, **params: Any) -> BacktestResult:
        """One trial in full: fills, orders, equity, statistics, as a backtest has them.

        params: its parameters, as many as tell it from the others; none for the best trial.
        Raises ParameterError where none, or more than one, fits.
        """
        return self.sweep.column(**(params or self.params))

    def __len__(self) -> int:
        return len(self._trials)

    def __repr__(self) -> str:
        counts = [f"{self.trials:,} run"]
        if self.not_allowed:
            counts.append(f"{self.not_allowed:,} not allowed")
        if self.duplicates:
            counts.append(f"{self.duplicates:,} tried before")
        note = ", interrupted" if self.interrupted else ""
        found = self.best(1)
        best = (
            ""
            if found.empty
            else f"; best {self.metric} {found[self.metric].iloc[0]:.6g} with {self._named()}"
        )
        return (
            f"OptimizeResult({self.strategy}: {len(self):,} trials in {self.seconds:.2f} s{note}, "
            f"{', '.join(counts)}{best})"
        )

    def _named(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.params.items())

    def _repr_html_(self) -> str:
        return best_cell(repr(self), self.metric, self.best(10), self.table[self.metric], "trial by trial")
