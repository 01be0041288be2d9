"""A sweep that has been checked: its tasks, and how they are run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.backtest.api import ChaosLike, RunPlan, plan_run, read_chaos, read_costs
from workbench.backtest.result import BacktestResult
from workbench.configuration import load_limits
from workbench.data.prices import Prices
from workbench.errors import ChaosError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.vector import SignalStrategy
from workbench.sweeps.checks import NEEDED, why_nothing_traded
from workbench.sweeps.columns import column_of, context_of, make_batch, replayed
from workbench.sweeps.crew import Batch, Progress, progress_bar, run_batches, undisturbed
from workbench.sweeps.grid import Grid
from workbench.sweeps.metrics import figures
from workbench.sweeps.result import Part, SweepResult
from workbench.sweeps.setting import Setting

if TYPE_CHECKING:
    from workbench.sweeps.vector import SignalSetting

__all__ = ["ChaosAxis", "Job", "Task", "make_tasks"]

PLAIN_UPDATE: Final = 200  # updates of compiled code that take as long as one of an event replay

type ChaosAxis = ChaosLike | Mapping[str, ChaosLike]


class Task:
    """A checked part of a sweep: prices of one setting and the chaos in it."""

    def __init__(self, labels: Mapping[str, str], arguments: Mapping[str, Any]) -> None:
        self.labels = dict(labels)
        self.arguments = dict(arguments)  # of `plan_run` and `backtest`, but for config

    def plan(self, config: Mapping[str, Any]) -> RunPlan:
        """The run with one config, checked."""
        return plan_run(**self.arguments, config=config)


def make_tasks(
    strategy: type[TradingStrategy],
    prices: Prices,
    chaos: ChaosAxis,
    each_instrument: bool,
    arguments: Mapping[str, Any],
) -> list[Task]:
    """One task for each instrument, where they are asked for one by one, and each label of chaos."""
    given: object = chaos
    scenarios: Mapping[str, Any] = {"": chaos}
    labelled = isinstance(given, Mapping) and not {"kind", "start"} <= set(given)
    if labelled and isinstance(given, Mapping):
        if not given:
            raise ChaosError("chaos is an empty mapping; map a label to its events, or leave it out")
        scenarios = {str(label): events for label, events in given.items()}
        if len(scenarios) < len(given):
            raise ChaosError(
                f"chaos: expected labels that read differently, found {', '.join(map(repr, given))}"
            )
    # Read once, whatever they are: an iterator is at its end after that, and a file may change meanwhile.
    scenarios = {label: tuple(read_chaos(events)) for label, events in scenarios.items()}
    limits, costs = load_limits(arguments["limits"]), read_costs(arguments["costs"], prices.venues)
    markets = {"": prices}
    if each_instrument:
        symbols = {i.name: (i.symbol, i.venue) for i in prices.instruments}
        markets = {name: prices.only(*where) for name, where in symbols.items()}
    tasks = []
    for instrument, market in markets.items():
        for label, events in scenarios.items():
            labels: dict[str, str] = {}
            if each_instrument:
                labels["instrument"] = instrument
            if labelled:
                labels["chaos"] = label
            own = {"limits": limits, "costs": {venue: costs[venue] for venue in market.venues}}
            tasks.append(
                Task(labels, {**arguments, **own, "strategy": strategy, "prices": market, "chaos": events})
            )
    return tasks


class Job:
    """A checked sweep, ready to be run."""

    def __init__(
        self,
        kind: type[TradingStrategy],
        grid: Grid,
        base: Mapping[str, Any],
        tasks: Sequence[Task],
        metrics: Sequence[str],
        periods_per_year: float | None,
        client: Any,
        workers: int | None,
    ) -> None:
        self.kind, self.grid, self.base, self.tasks = kind, grid, dict(base), tasks
        self.metrics, self.per_year = metrics, periods_per_year
        self.client, self.workers = client, workers
        self.pool: Any = None  # worker processes that outlive this job, where there are some
        self.notes: list[str] = []  # lines for a person, written when the bar is gone

    def run(self, progress: Progress) -> SweepResult:
        """Every column, wherever it is to be run."""
        began = time.perf_counter()
        total = len(self.grid) * len(self.tasks)
        with progress_bar(
            total, self.updates * len(self.grid), progress, self.kind.__name__, "column"
        ) as tick:
            try:
                parts, interrupted = self.play(tick)
            except KeyboardInterrupt:  # before the first column could be finished
                parts, interrupted = [self._unplayed(task) for task in self.tasks], True
        silence = "" if interrupted else self._silence(parts)
        sys.stderr.write("".join(f"{note}\n" for note in (*self.notes, silence) if note))
        if interrupted:
            finished = sum(int(np.count_nonzero(part.finished)) for part in parts)
            sys.stderr.write(f"interrupted: {finished:,} of {total:,} columns are finished and kept\n")
        return SweepResult(
            self.kind.__name__,
            parts,
            self.metrics,
            interrupted=interrupted,
            seconds=time.perf_counter() - began,
        )

    @property
    def updates(self) -> int:
        """Price updates of one parameter set, as many as take as long in compiled code."""
        plain = not issubclass(self.kind, CompiledStrategy | SignalStrategy)
        return sum(len(task.arguments["prices"]) for task in self.tasks) * (PLAIN_UPDATE if plain else 1)

    def _silence(self, parts: Sequence[Part]) -> str:
        """Why nothing traded; nobody who is in a hurry need wait for it."""
        try:
            return undisturbed(partial(why_nothing_traded, parts))
        except KeyboardInterrupt:
            return ""

    def _unplayed(self, task: Task) -> Part:
        """A part of which nothing is finished."""
        count = len(self.grid)
        figures_of_none = {name: np.full(count, np.nan) for name in (*self.metrics, *NEEDED)}
        again = partial(replayed, task, self.base)
        finished = np.zeros(count, dtype=np.bool_)
        return Part(task.labels, self.grid, figures_of_none, finished, again, self.per_year or 0.0)

    def play(self, tick: Callable[[int], object]) -> tuple[list[Part], bool]:
        """The parts, and whether somebody interrupted.  tick: called with how many more columns are finished."""
        if issubclass(self.kind, SignalStrategy):
            from workbench.sweeps.vector import run_signals

            return run_signals(self, tick)
        if not issubclass(self.kind, CompiledStrategy):
            from workbench.sweeps.processes import run_plain

            return run_plain(self, tick)
        batches = [make_batch(setting, self.base, self.grid) for setting in self._settings]
        if self.client is not None:
            from workbench.sweeps.cluster import run_compiled

            interrupted = run_compiled(self, batches, tick)
        else:
            interrupted = run_batches(batches, tick, self.workers)
        parts = [
            self.part(task, batch, partial(column_of, task, batch.setting.kind, self.base))
            for task, batch in zip(self.tasks, batches, strict=True)
        ]
        return parts, interrupted

    @cached_property
    def _settings(self) -> list[Setting]:
        """Of a compiled strategy; they serve further grids of the same parameters as well."""
        kind, config = self.kind, {**self.base, **self.grid.config(0)}
        assert issubclass(kind, CompiledStrategy), "only for them this is asked"
        return undisturbed(lambda: [Setting(task.plan(config), kind) for task in self.tasks])

    @cached_property
    def signal_settings(self) -> list[SignalSetting]:
        """Of a signal function, which has passed the prefix test."""
        from workbench.sweeps.vector import checked_settings

        return checked_settings(self)

    def part(self, task: Task, batch: Batch, again: Callable[[Mapping[str, Any]], BacktestResult]) -> Part:
        """What the columns of `batch` found.  again: a column in full, given its config."""
        context = context_of(batch.setting, self.per_year)
        found = figures(batch.tallies, context, tuple(dict.fromkeys((*self.metrics, *NEEDED))))
        return Part(task.labels, self.grid, found, batch.finished, again, context.per_year)
