"""`wb.campaign`: chaos at sweep speed. Strategies, parameters and faults, each cell beside the same run without."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from workbench.backtest.api import CostsLike, LimitsLike, RunPlan, check_chaos, plan_run, read_costs
from workbench.backtest.compiling import say_compiling
from workbench.chaos.kinds import ChaosKind, Family
from workbench.configuration import load_limits
from workbench.core.limits import RiskLimits
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.times import Moment
from workbench.errors import ParameterError, StrategyError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.sweeps.campaign_cells import Calm, Stop, together
from workbench.sweeps.campaign_result import CampaignResult, Entry
from workbench.sweeps.checks import check_look_back, check_options
from workbench.sweeps.crew import Progress, progress_bar, undisturbed
from workbench.sweeps.grid import Grid, Where, check_where, make_grid
from workbench.sweeps.scenarios import Intensities, Scenario, make_scenarios
from workbench.sweeps.setting import Setting

__all__ = ["campaign"]

type Strategies = Any

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
    progress: Progress = None,
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
    check_options(None, workers, config)
    check_where(where)
    market = as_prices(prices)
    if start is not None or end is not None:
        market = market.between(start, end)
    classes = _classes(strategies)
    columns: dict[str, _Columns] = {}
    for name, kind in classes.items():
        base = dict(_own(config, name, classes, "config") or {})
        columns[name] = _Columns(kind, _grid(kind, _own(params, name, classes, "params"), where, base), base)
    arguments: dict[str, Any] = {
        "prices": market,
        "costs": read_costs(costs, market.venues),
        "initial_cash": initial_cash,
    }
    for own in columns.values():
        say_compiling(progress, own.kind)
    first = _plans(columns, {**arguments, "limits": load_limits(limits)})
    feed = next(iter(first.values())).feed
    scenarios = make_scenarios(feed, kinds, intensities, starts, duration, seeds, target)
    _check(columns, first, scenarios)

    def run(plans: Mapping[str, RunPlan]) -> CampaignResult:
        began = time.perf_counter()
        job = _Job(columns, arguments, plans, workers or os.cpu_count() or 1)
        total = len(scenarios) * sum(len(entry.grid) for entry in job.entries)
        with progress_bar(total, total * len(market), progress, "campaign", "cell") as tick:
            interrupted = job.run(scenarios, tick)
        if interrupted:
            finished = sum(int(np.count_nonzero(entry.finished)) for entry in job.entries)
            sys.stderr.write(f"interrupted: {finished:,} of {total:,} cells are finished and kept\n")
        return CampaignResult(
            job.entries, scenarios, again, interrupted=interrupted, seconds=time.perf_counter() - began
        )

    def again(limits: RiskLimits) -> CampaignResult:
        return run(_plans(columns, {**arguments, "limits": limits}))

    return run(first)


class _Columns(NamedTuple):
    """What is run of one strategy.  config: parameters that stay the same."""

    kind: type[CompiledStrategy]
    grid: Grid
    config: Mapping[str, Any]


def _plans(columns: Mapping[str, _Columns], arguments: Mapping[str, Any]) -> dict[str, RunPlan]:
    """The checked run of each strategy's first parameter set."""

    def plan(name: str, own: _Columns) -> RunPlan:
        first = own.grid.config(0) if own.grid.values else {}
        return plan_run({name: own.kind}, config={**own.config, **first}, **arguments)

    return undisturbed(lambda: {name: plan(name, own) for name, own in columns.items()})


def _check(
    columns: Mapping[str, _Columns], plans: Mapping[str, RunPlan], scenarios: Sequence[Scenario]
) -> None:
    """Raise a WorkbenchError where an event would strike nothing, or a strategy cannot say anything."""
    events = [scenario.event for scenario in scenarios]
    for name, (kind, grid, config) in columns.items():
        check_chaos(events, plans[name].feed, [name])
        # Faults of signals may speak for a strategy that cannot yet.
        if any(event.family is not Family.SIGNAL for event in events):
            check_look_back(kind, grid, config, plans[name])


def _classes(strategies: Strategies) -> dict[str, type[CompiledStrategy]]:
    if isinstance(strategies, Mapping):
        found = {str(name): _loaded(source) for name, source in strategies.items()}
    else:
        several = isinstance(strategies, Sequence) and not isinstance(strategies, str)
        loaded = [_loaded(source) for source in (strategies if several else [strategies])]
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


def _loaded(source: Any) -> type[TradingStrategy]:
    if not isinstance(source, type | str | os.PathLike):
        raise StrategyError(f"expected a strategy class or a script's path, found {source!r:.80}")
    return load_strategy(source)


class _Job:
    """A checked campaign.  plans: by strategy id, as `columns`."""

    def __init__(
        self,
        columns: Mapping[str, _Columns],
        arguments: Mapping[str, Any],
        plans: Mapping[str, RunPlan],
        workers: int,
    ) -> None:
        self.workers = workers

        def entry(name: str, own: _Columns, plan: RunPlan) -> Entry:
            given = {**arguments, "limits": plan.limits}
            return Entry(name, own.kind, own.grid, own.config, given, Setting(plan, own.kind))

        self.entries: list[Entry] = undisturbed(
            lambda: [entry(name, own, plans[name]) for name, own in columns.items()]
        )

    def run(self, scenarios: Sequence[Scenario], tick: Callable[[int], object]) -> bool:
        """Every cell; whether somebody interrupted, and then those that are finished are marked."""
        for entry in self.entries:
            entry.make_room(len(scenarios))
        stop = np.zeros(1, dtype=np.int64)
        try:
            return any(self._run_block(normal, scenarios, stop, tick) for normal in self._blocks())
        except KeyboardInterrupt:  # while something was compiled or made ready
            return True
        finally:
            stop[0] = 1

    def _blocks(self) -> Iterator[Calm]:
        """Parameter sets whose runs without chaos fit the memory together."""
        for entry in self.entries:
            moments = entry.base.tape.rows[len(entry.base.feed)].ends
            each = int(moments) * (24 + 8 * len(entry.base.instruments))
            size = max(1, PATH_BYTES // each)
            for first in range(0, len(entry.grid), size):
                yield Calm(entry, slice(first, min(first + size, len(entry.grid))))

    def _run_block(
        self, normal: Calm, scenarios: Sequence[Scenario], stop: Stop, tick: Callable[[int], object]
    ) -> bool:
        if normal.run(self.workers, stop):
            return True
        places, lock = iter(range(len(scenarios))), threading.Lock()
        counts: list[int] = []

        def work() -> None:
            while not stop[0]:
                with lock:
                    place = next(places, None)
                if place is None:
                    return
                counts.append(normal.disturb(scenarios[place], place, stop))

        return together([work] * self.workers, stop, counts, tick)


def _own(
    given: Mapping[str, Any] | None, name: str, classes: Mapping[str, Any], what: str
) -> Mapping[str, Any] | None:
    """What is meant for one of several strategies."""
    if given is not None and not isinstance(given, Mapping):
        raise ParameterError(f"{what} must map parameters to values, found {given!r:.80}")
    if given is None or len(classes) == 1:
        return given if given is None or set(given) != {name} else given[name]
    unknown = [key for key in given if key not in classes]
    if unknown:
        raise ParameterError(
            f"{what}: with several strategies expected a mapping by strategy id, found {unknown[0]!r}; "
            f"there is: {', '.join(classes)}"
        )
    own: Any = given.get(name)
    if own is not None and not isinstance(own, Mapping):
        raise ParameterError(f"{what} of {name} must map parameters to values, found {own!r:.80}")
    return own


def _grid(
    kind: type[CompiledStrategy],
    params: Mapping[str, Any] | None,
    where: Where | None,
    config: Mapping[str, Any],
) -> Grid:
    return Grid({}, 0) if not params else make_grid(kind, params, where, config)
