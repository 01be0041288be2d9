"""`wb.sweep`: one strategy, prices, and every combination of its parameters."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import (
    ChaosLike,
    CostsLike,
    LimitsLike,
    RunPlan,
    backtest,
    plan_run,
    read_chaos,
    read_costs,
)
from workbench.backtest.compiling import say_compiling
from workbench.backtest.result import BacktestResult
from workbench.configuration import load_limits
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.prices import Prices
from workbench.data.times import Moment
from workbench.errors import ChaosError, StrategyError
from workbench.strategy.compiled import CompiledStrategy, begin, groups_of, parameter_rows
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.strategy.seating import unit_name
from workbench.strategy.vector import SignalStrategy, signal_strategy
from workbench.sweeps.checks import NEEDED, check_before, check_options, why_nothing_traded
from workbench.sweeps.cluster import connected
from workbench.sweeps.crew import Batch, Progress, progress_bar, run_batches, undisturbed
from workbench.sweeps.grid import Grid, Where, make_grid
from workbench.sweeps.metrics import Context, check_metrics, figures
from workbench.sweeps.result import Part, SweepResult
from workbench.sweeps.setting import FULL, Setting

if TYPE_CHECKING:
    from workbench.sweeps.vector import SignalSetting

__all__ = [
    "Job",
    "Task",
    "check_is_class",
    "column_of",
    "context_of",
    "in_full",
    "make_batch",
    "make_tasks",
    "prepare",
    "replayed",
    "sweep",
]

PLAIN_UPDATE: Final = 200  # updates of compiled code that take as long as one of an event replay

type SignalFunction = Callable[..., Any]
type SweepStrategy = type[TradingStrategy] | str | Path | SignalFunction
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


def sweep(
    strategy: SweepStrategy,
    prices: PriceLike,
    params: Mapping[str, Iterable[Any]],
    *,
    config: Mapping[str, Any] | None = None,
    where: Where | None = None,
    costs: CostsLike = None,
    limits: LimitsLike = None,
    chaos: ChaosAxis = (),
    metrics: Sequence[str] | str | None = None,
    each_instrument: bool = False,
    initial_cash: float = 1_000_000.0,
    seed: int = 0,
    start: Moment | None = None,
    end: Moment | None = None,
    periods_per_year: float | None = None,
    progress: Progress = None,
    client: Any = None,
    workers: int | None = None,
) -> SweepResult:
    """Backtest every combination of `params`, each in a portfolio of its own.

    strategy: a CompiledStrategy (class, script or dotted name), which runs compiled over threads; any other
    TradingStrategy, which runs by event replay over processes; or a function `signals(prices, **params)` that answers
    one target per row of a frame (see `from_signals`).
    params: values for each parameter, such as {"fast": range(5, 50), "slow": [100, 200]}; `unit` is one too.
    Combinations that the strategy's CONSTRAINTS, or `where` (frame of combinations -> booleans), do not allow are left
    out.  config: the parameters that stay the same.
    costs, limits, chaos, initial_cash, seed, start, end: as for `backtest`; a mapping from labels to events makes
    chaos an axis of its own, and each_instrument=True makes instruments one, each in a portfolio of its own.
    metrics: names as in `BacktestResult.stats`; None for the usual ones.
    periods_per_year: None takes what the prices show.  progress: a bar; None shows one on long runs that are watched;
    a function is told how many columns are done and of how many, and stops the run by raising KeyboardInterrupt.
    client: a dask.distributed Client, or a scheduler's address; the same work over a cluster, with the same answer.
    workers: threads or processes; None takes as many as there are cores.

    Ctrl-C stops within a second; the result then holds what was finished, and says so.
    Whatever is wrong with the input raises a WorkbenchError of one line before any long work begins.
    """
    if not isinstance(strategy, type) and callable(strategy):
        from workbench.sweeps.vector import strategy_of

        strategy, params = strategy_of(strategy, params, config)
    job = prepare(
        strategy,
        prices,
        lambda kind: make_grid(kind, params, where, config),
        config=config,
        costs=costs,
        limits=limits,
        chaos=chaos,
        metrics=metrics,
        each_instrument=each_instrument,
        initial_cash=initial_cash,
        seed=seed,
        start=start,
        end=end,
        periods_per_year=periods_per_year,
        workers=workers,
        progress=progress,
    )
    with connected(client) as job.client:
        return job.run(progress)


def prepare(
    strategy: SweepStrategy,
    prices: PriceLike,
    grid_for: Callable[[type[TradingStrategy]], Grid],
    *,
    config: Mapping[str, Any] | None,
    costs: CostsLike,
    limits: LimitsLike,
    chaos: ChaosAxis,
    metrics: Sequence[str] | str | None,
    each_instrument: bool,
    initial_cash: float,
    seed: int,
    start: Moment | None,
    end: Moment | None,
    periods_per_year: float | None,
    workers: int | None,
    progress: Progress,
) -> Job:
    """A checked job; everything is as `sweep` has it.  grid_for: the columns, given the strategy."""
    check_is_class(strategy)
    names = check_metrics(metrics)
    check_options(periods_per_year, workers, config)
    market = as_prices(prices)
    if start is not None or end is not None:
        market = market.between(start, end)
    arguments = {"costs": costs, "limits": limits, "seed": seed, "initial_cash": initial_cash}
    kind: type[TradingStrategy]
    if not isinstance(strategy, type) and callable(strategy):
        kind = signal_strategy(strategy, None, {}, config)
    else:
        kind = load_strategy(strategy)
    grid = grid_for(kind)
    tasks = make_tasks(kind, market, chaos, each_instrument, arguments)
    base = dict(config or {})
    _say_compiling(kind, progress)
    undisturbed(partial(check_before, kind, grid, base, tasks))
    return Job(kind, grid, base, tasks, names, periods_per_year, None, workers)


def _say_compiling(kind: type[TradingStrategy], progress: Progress) -> None:
    if issubclass(kind, SignalStrategy):
        from workbench.sweeps.vector import ToldStrategy

        say_compiling(progress, ToldStrategy, "the loop of signal functions")
    else:
        say_compiling(progress, kind)


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


def context_of(setting: Setting, per_year: float | None) -> Context:
    """What metrics need to know beside the tallies."""
    from workbench.performance.calendar import periods_per_year

    times = np.unique(setting.feed.timestamp_ns)
    found = per_year or periods_per_year(times, setting.plan.prices.interval.value)
    return Context(setting.plan.initial_cash, found, setting.begin_ns, int(times[-1]))


def make_batch(setting: Setting, base: Mapping[str, Any], grid: Grid) -> Batch:
    """Columns for all rows of a grid.

    Raises ParameterError where a column cannot start, StrategyError where columns trade on different instruments.
    """
    start = setting.player.strategy.config
    _check_groups(setting, {**start, **base}, grid)
    rows = parameter_rows(setting.kind, [{**start, **base}])
    params: Any = np.repeat(rows, len(grid)).view(rows.dtype).view(np.recarray)
    for name, values in grid.values.items():
        if name in (rows.dtype.names or ()):
            params[name] = values
    units: npt.NDArray[np.float64] = np.zeros((0, 1))
    name = unit_name({**start, **base, **grid.values})
    if name in grid.values:
        symbols = len({i.symbol for i in setting.instruments})
        units = np.repeat(np.asarray(grid.values[name], dtype=np.float64)[:, None], symbols, axis=1)
    _check_starts(setting, params, grid)
    return Batch(setting, params, units)


def _check_starts(setting: Setting, params: Any, grid: Grid) -> None:
    """Let one column of each value of each parameter begin: a window without length is told before the work."""
    firsts = [np.unique(values, return_index=True)[1] for values in grid.values.values()]
    sizes = [len(group) for group in setting.divided]
    counts = [None] if setting.kind.SCOPE == "instrument" else sorted(set(sizes))
    for row in np.unique(np.concatenate([[0], *firsts]).astype(np.int64)).tolist():
        for count in counts:
            begin(setting.kind, params[row], count)


def _check_groups(setting: Setting, config: Mapping[str, Any], grid: Grid) -> None:
    """Raise StrategyError unless all columns have the groups of the setting."""
    kind = setting.kind
    if kind.groups.__func__ is CompiledStrategy.groups.__func__:  # type: ignore[attr-defined]  # the usual ones
        return
    asked = _Asked({**config, **grid.config(0)})
    groups_of(kind, asked, setting.shown)
    varied = [name for name in grid.values if name in asked.names]
    for row in range(len(grid) if varied else 1):  # what it does not look at cannot change what it answers
        own = grid.config(row)
        if groups_of(kind, {**config, **own}, setting.shown) != setting.divided:
            found = ", ".join(f"{name}={own[name]}" for name in varied)
            raise StrategyError(
                f"{kind.__name__}.groups must answer the same for all columns of a sweep, found other instruments with "
                f"{found}; put one value into config="
            )


class _Asked(Mapping[str, Any]):
    """A config that knows which of its names somebody has looked at."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self.names = values, set[str]()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def column_of(
    task: Task, kind: type[CompiledStrategy], base: Mapping[str, Any], config: Mapping[str, Any]
) -> BacktestResult:
    """One column of a compiled sweep in full, run by the same kernel as in the sweep."""
    setting = Setting(task.plan({**base, **config}), kind)
    return in_full(setting, parameter_rows(kind, [setting.player.strategy.config])[0])


def in_full(setting: Setting, params: Any, quotes: npt.NDArray[np.float64] | None = None) -> BacktestResult:
    """The column of a setting's own plan.  params: its row.  quotes: in place of the prices, see `Setting.column`."""
    room = FULL
    while True:
        column = setting.column(room, quotes)
        record = setting.play(column, params, setting.player)
        if not int(column.glide.tally[0].incomplete):
            return setting.plan.result(record)
        room = type(room)(room.orders, 4 * room.events, recorded=True)


def replayed(task: Task, base: Mapping[str, Any], config: Mapping[str, Any]) -> BacktestResult:
    """One column by event replay."""
    return backtest(**task.arguments, config={**base, **config}, on_error="contain", progress=False)


def check_is_class(strategy: object) -> None:
    """Raise StrategyError for what is no strategy at all."""
    if not isinstance(strategy, type | str | Path) and not callable(strategy):
        raise StrategyError(
            f"expected a strategy class, a script's path or a function signals(prices, **params), found {strategy!r}"
        )
