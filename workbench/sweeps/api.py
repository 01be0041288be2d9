"""`wb.sweep`: one strategy, prices, and every combination of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from workbench.backtest.api import CostsLike, LimitsLike
from workbench.backtest.compiling import say_compiling
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.times import Moment
from workbench.errors import StrategyError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.strategy.vector import SignalStrategy, signal_strategy
from workbench.sweeps.checks import check_before, check_options
from workbench.sweeps.cluster import connected
from workbench.sweeps.crew import Progress, undisturbed
from workbench.sweeps.grid import Grid, Where, make_grid
from workbench.sweeps.job import ChaosAxis, Job, make_tasks
from workbench.sweeps.metrics import check_metrics
from workbench.sweeps.result import SweepResult

__all__ = ["SweepStrategy", "check_is_class", "prepare", "sweep"]

type SignalFunction = Callable[..., Any]
type SweepStrategy = type[TradingStrategy] | str | Path | SignalFunction


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


def check_is_class(strategy: object) -> None:
    """Raise StrategyError for what is no strategy at all."""
    if not isinstance(strategy, type | str | Path) and not callable(strategy):
        raise StrategyError(
            f"expected a strategy class, a script's path or a function signals(prices, **params), found {strategy!r}"
        )
