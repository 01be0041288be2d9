"""`wb.campaign`: chaos at sweep speed. Strategies, parameters and faults, each cell beside the same run without."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import CostsLike, LimitsLike, plan_run
from workbench.chaos.kinds import ChaosKind, Family
from workbench.core.column import Cell, Column, judge, keep_run
from workbench.core.outcome import HOLD, Path
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.prices import Prices
from workbench.data.times import Moment
from workbench.errors import ParameterError, StrategyError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.loader import load_strategy
from workbench.sweeps.api import make_batch
from workbench.sweeps.campaign_result import CampaignResult, Entry
from workbench.sweeps.crew import Batch, progress_bar, say_compiling, wait_for
from workbench.sweeps.grid import Grid, Where, make_grid
from workbench.sweeps.scenarios import Intensities, Scenario, make_scenarios
from workbench.sweeps.setting import ROOMS, Setting

__all__ = ["campaign"]

type Floats = npt.NDArray[np.float64]
type Strategies = Any

USUAL: Final = 0.95  # see backtest.recovery, where these figures are defined
LEAST_BAND: Final = 1e-6
PATH_BYTES: Final = 96 * 2**20  # for the paths of runs without chaos; more parameter sets are taken in blocks


def campaign(
    strategies: Strategies,
    prices: PriceLike,
    params: Mapping[str, Any] | None = None,
    *,
    kinds: Iterable[ChaosKind | str] | ChaosKind | str | None = None,
    intensities: Intensities = 4,
    starts: int | Iterable[Any] = 3,
    duration: timedelta | str | float | None = None,
    seeds: int | Iterable[int] = 1,
    target: str = "",
    config: Mapping[str, Any] | None = None,
    where: Where | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    initial_cash: float = 1_000_000.0,
    start: Moment | None = None,
    end: Moment | None = None,
    progress: bool | None = None,
    workers: int | None = None,
) -> CampaignResult:
    """Run every strategy and parameter set under every fault, with all rules, breakers and liquidation on.

    strategies: one CompiledStrategy (class, script, dotted name), a list, or a mapping from id to them.
    params, config: as for `sweep`; with several strategies a mapping from strategy id to them. None: the defaults.
    kinds: of chaos; None takes all.  intensities: how many levels of what is typical of each kind, the numbers
    themselves, or numbers by kind.  starts: how many, evenly over the prices, or times.  duration: of each event; None
    takes a fiftieth of the prices.  seeds: how many, or numbers.  target: as in ChaosEvent.
    limits, costs, initial_cash, start, end, progress: as for `sweep`.  Ctrl-C keeps the cells that are finished.

    Raises WorkbenchError of one line before any long work begins.
    """
    market = as_prices(prices)
    if start is not None or end is not None:
        market = market.between(start, end)
    job = _Job(
        _classes(strategies),
        market,
        params,
        config,
        where,
        limits,
        costs,
        initial_cash,
        workers or os.cpu_count() or 1,
    )
    scenarios = make_scenarios(job.entries[0].base.feed, kinds, intensities, starts, duration, seeds, target)
    began = time.perf_counter()
    total = len(scenarios) * sum(len(entry.grid) for entry in job.entries)
    with progress_bar(total, total * len(market), progress, "campaign", "cell") as tick:
        interrupted = job.run(scenarios, tick)

    def again(other: LimitsLike) -> CampaignResult:
        return campaign(
            strategies,
            market,
            params,
            kinds=kinds,
            intensities=intensities,
            starts=starts,
            duration=duration,
            seeds=seeds,
            target=target,
            config=config,
            where=where,
            limits=other,
            costs=costs,
            initial_cash=initial_cash,
            progress=progress,
            workers=workers,
        )

    return CampaignResult(
        job.entries, scenarios, again, interrupted=interrupted, seconds=time.perf_counter() - began
    )


def _classes(strategies: Strategies) -> dict[str, type[CompiledStrategy]]:
    if isinstance(strategies, Mapping):
        found = {str(name): load_strategy(source) for name, source in strategies.items()}
    else:
        several = isinstance(strategies, Sequence) and not isinstance(strategies, str)
        loaded = [load_strategy(source) for source in (strategies if several else [strategies])]
        found = {strategy.__name__: strategy for strategy in loaded}
        if len(found) < len(loaded):
            raise StrategyError("two strategies have one name; give them ids: {'one': ..., 'two': ...}")
    compiled: dict[str, type[CompiledStrategy]] = {}
    for name, strategy in found.items():
        if not issubclass(strategy, CompiledStrategy):
            raise StrategyError(
                f"{name}: a campaign runs compiled, and {strategy.__name__} is no CompiledStrategy; "
                "use ChaosBacktester for it"
            )
        compiled[name] = strategy
    if not compiled:
        raise StrategyError("expected at least one strategy, found none")
    return compiled


class _Job:
    """A checked campaign."""

    def __init__(
        self,
        classes: Mapping[str, type[CompiledStrategy]],
        prices: Prices,
        params: Mapping[str, Any] | None,
        config: Mapping[str, Any] | None,
        where: Where | None,
        limits: LimitsLike,
        costs: CostsLike,
        initial_cash: float,
        workers: int,
    ) -> None:
        self.workers = workers
        self.entries: list[Entry] = []
        for name, kind in classes.items():
            base = dict(_own(config, name, classes, "config") or {})
            grid = _grid(kind, _own(params, name, classes, "params"), where, base)
            arguments: dict[str, Any] = {
                "prices": prices,
                "limits": limits,
                "costs": costs,
                "initial_cash": initial_cash,
            }
            first = {**base, **grid.config(0)} if grid.values else base
            setting = Setting(plan_run({name: kind}, config=first, **arguments), kind)
            self.entries.append(Entry(name, kind, grid, base, arguments, setting))

    def run(self, scenarios: Sequence[Scenario], tick: Callable[[int], object]) -> bool:
        """Every cell; whether somebody interrupted."""
        for entry in self.entries:
            entry.make_room(len(scenarios))
            say_compiling(entry.base.kernels.run_one, entry.kind.__name__)
        stop = np.zeros(1, dtype=np.int64)
        for block in self._blocks():
            tasks = iter([(entry, rows, place) for entry, rows in block for place in range(len(scenarios))])
            if self._run_block(block, scenarios, tasks, stop, tick):
                return True
        return False

    def _blocks(self) -> Iterator[list[tuple[_Normal, slice]]]:
        """Parameter sets whose runs without chaos fit the memory together."""
        for entry in self.entries:
            moments = entry.base.tape.rows[len(entry.base.feed)].ends
            each = int(moments) * (24 + 8 * len(entry.base.instruments))
            size = max(1, PATH_BYTES // each)
            for first in range(0, len(entry.grid), size):
                rows = slice(first, min(first + size, len(entry.grid)))
                yield [(_Normal(entry, rows), rows)]

    def _run_block(
        self,
        block: Sequence[tuple[_Normal, slice]],
        scenarios: Sequence[Scenario],
        tasks: Iterator[tuple[_Normal, slice, int]],
        stop: npt.NDArray[np.int64],
        tick: Callable[[int], object],
    ) -> bool:
        for normal, _ in block:
            normal.run(self.workers)
        lock = threading.Lock()
        counts: list[int] = []

        def work() -> None:
            while not stop[0]:
                with lock:
                    task = next(tasks, None)
                if task is None:
                    return
                normal, rows, place = task
                normal.disturb(scenarios[place], place)
                counts.append(rows.stop - rows.start)

        with ThreadPoolExecutor(self.workers, thread_name_prefix="campaign") as pool:
            futures = [pool.submit(work) for _ in range(self.workers)]
            interrupted = wait_for(futures, stop, counts, tick)
        for future in futures:
            future.result()
        return interrupted


def _own(
    given: Mapping[str, Any] | None, name: str, classes: Mapping[str, Any], what: str
) -> Mapping[str, Any] | None:
    """What is meant for one of several strategies."""
    if given is None or len(classes) == 1:
        return given if given is None or set(given) != {name} else given[name]
    unknown = [key for key in given if key not in classes]
    if unknown:
        raise ParameterError(
            f"{what}: with several strategies expected a mapping by strategy id, found {unknown[0]!r}; "
            f"there is: {', '.join(classes)}"
        )
    own: Mapping[str, Any] | None = given.get(name)
    return own


def _grid(
    kind: type[CompiledStrategy],
    params: Mapping[str, Any] | None,
    where: Where | None,
    config: Mapping[str, Any],
) -> Grid:
    return Grid({}, 0) if not params else make_grid(kind, params, where, config)


class _Normal:
    """Runs without chaos of some parameter sets of one strategy, and what chaos does beside them."""

    def __init__(self, entry: Entry, rows: slice) -> None:
        self.entry, self.rows = entry, rows
        grid = entry.grid.take(np.arange(rows.start, rows.stop)) if entry.grid.values else entry.grid
        self.batch: Batch = make_batch(entry.base, entry.config, grid)
        setting = entry.base
        closes = np.asarray(setting.tape.rows)["closes"][: len(setting.feed)]
        self.at = np.flatnonzero(closes)
        self.times = setting.tape.times[self.at]
        count, instruments = len(self.at), len(setting.instruments)
        self.paths = _room(len(self.batch), count, instruments)
        self.bands = np.zeros(len(self.batch))
        self.usual = np.zeros(len(self.batch), dtype=np.int64)

    def run(self, workers: int) -> None:
        """The runs without chaos."""
        count = len(self.batch)
        bounds = np.linspace(0, count, min(workers, count) + 1).astype(int).tolist()
        tallies = self.entry.normal[self.rows]

        def part(first: int, last: int) -> None:
            setting, batch = self.entry.base, self.batch
            for room in ROOMS:
                column = setting.column(room, traced=True)
                for c in range(first, last):
                    _run(setting, column, batch, c)
                    tallies[c] = column.glide.tally[0]
                    keep_run(column, self.at, self.paths, c)
                if not tallies["incomplete"][first:last].any():
                    break
            for c in range(first, last):
                self._measure(c)

        part(0, 1)  # compiles
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(part, bounds[:-1], bounds[1:]))

    def _measure(self, c: int) -> None:
        """What is usual in run `c`."""
        equity, breaches = self.paths.equity[c], self.paths.breaches[c]
        cash = self.entry.base.plan.initial_cash
        self.bands[c] = LEAST_BAND * cash
        if len(equity) > HOLD:
            windows = np.lib.stride_tricks.sliding_window_view(equity, HOLD + 1)
            moves = np.maximum(windows.max(axis=1) - windows[:, 0], windows[:, 0] - windows.min(axis=1))
            self.bands[c] = max(float(np.quantile(moves, USUAL)), LEAST_BAND * cash)
            self.usual[c] = int(
                np.lib.stride_tricks.sliding_window_view(breaches, HOLD + 1).sum(axis=1).max()
            )

    def disturb(self, scenario: Scenario, place: int) -> None:
        """All parameter sets under one event."""
        event = scenario.event
        base = self.entry.base
        shares = event.family is not Family.MARKET
        setting = Setting(base.plan, base.kind, events=[event], tape=base.tape if shares else None)
        at = self.at
        if not shares:
            at = np.searchsorted(setting.tape.times, self.times, side="right") - 1
        count, instruments = len(self.at), len(setting.instruments)
        one = _room(1, count, instruments)
        cell = Cell(
            event.start_ns,
            event.end_ns,
            at,
            self.times,
            Path(*(array[0] for array in one)),
            np.zeros(count),
            np.zeros(count, dtype=np.int64),
        )
        outcomes, tallies = self.entry.outcomes[place, self.rows], self.entry.tallies[place, self.rows]
        column = setting.column(traced=True)
        self._cells(setting, column, cell, 0, len(self.batch), tallies, outcomes)
        again = np.flatnonzero(tallies["incomplete"])
        if len(again):
            column = setting.column(ROOMS[1], traced=True)
            for c in again.tolist():
                self._cells(setting, column, cell, c, c + 1, tallies, outcomes)
        self.entry.finished[place, self.rows] = True

    def _cells(
        self, setting: Setting, column: Any, cell: Cell, first: int, last: int, tallies: Any, outcomes: Any
    ) -> None:
        for c in range(first, last):
            _run(setting, column, self.batch, c)
            tallies[c] = column.glide.tally[0]
            judge(column, cell, self.paths, c, self.bands[c], self.usual[c], outcomes)


def _run(setting: Setting, column: Column, batch: Batch, c: int) -> None:
    """Run column `c` of a batch."""
    if len(batch.units):
        column.work.units[:] = batch.units[c]
    setting.kernels.run_one(column, batch.params[c], setting.begin_ns, len(batch.units), 0)


def _room(columns: int, moments: int, instruments: int) -> Path:
    return Path(
        np.zeros((columns, moments)),
        np.zeros((columns, moments, instruments)),
        np.zeros((columns, moments), dtype=np.int64),
        np.zeros((columns, moments), dtype=np.int64),
        np.zeros((columns, instruments)),
    )
