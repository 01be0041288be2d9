"""`wb.optimize`: a search for good parameters, in batches that are run like a sweep. Every trial is kept."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

from workbench.backtest.api import ChaosLike, CostsLike, LimitsLike
from workbench.data.catalog import PriceLike
from workbench.data.times import Moment
from workbench.errors import ConfigError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.vector import SignalStrategy, signal_strategy
from workbench.sweeps.api import SweepStrategy, prepare
from workbench.sweeps.cluster import connected
from workbench.sweeps.grid import Grid, Where
from workbench.sweeps.metrics import check_metrics
from workbench.sweeps.optimize_result import OptimizeResult
from workbench.sweeps.search import Search, optuna_library
from workbench.sweeps.space import Space, SpaceLike, examples, probe, read_space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["optimize"]

BATCH: Final = 16
"""Trials between two looks at what they found; the same on every machine, so that a seed is an answer."""


def optimize(
    strategy: SweepStrategy,
    prices: PriceLike,
    space: SpaceLike,
    *,
    metric: str = "sharpe_ratio",
    trials: int = 200,
    batch: int = BATCH,
    sampler: BaseSampler | None = None,
    config: Mapping[str, Any] | None = None,
    where: Where | None = None,
    costs: CostsLike = None,
    limits: LimitsLike = None,
    chaos: ChaosLike = (),
    metrics: Sequence[str] | str | None = None,
    initial_cash: float = 1_000_000.0,
    seed: int = 0,
    start: Moment | None = None,
    end: Moment | None = None,
    periods_per_year: float | None = None,
    progress: bool | None = None,
    client: Any = None,
    workers: int | None = None,
) -> OptimizeResult:
    """Search for parameters with the best `metric`; whether that is the highest or the lowest follows from the metric.

    space: see `read_space`; {"fast": range(5, 50), "slow": (50, 400), "entry": (0.5, 3.0), "mode": ["a", "b"]}.
    trials: suggestions, counting those that constraints do not allow and those that were tried before; neither is run.
    batch: suggestions that are asked for, and run, together; fewer learn more from each other, more run faster.
    sampler: of Optuna; None is its tree-structured Parzen estimator.  seed: of the sampler, and of the strategy.
    The others are as `sweep` has them.

    The best of many trials is better than it will be.  What `workbench.performance.deflated_sharpe_ratio` has to know
    of the others is the Sharpe ratio, per period, of each that was run:
    trials=per_period(found.sweep.table["sharpe_ratio"], found.sweep.periods_per_year).
    Ctrl-C stops within a second and keeps what is finished.
    Whatever is wrong with the input raises a WorkbenchError of one line before any long work begins.
    """
    _check(metric, trials, batch, seed, sampler, chaos)
    if not isinstance(strategy, type) and callable(strategy):
        given = config if isinstance(config, Mapping) else {}
        strategy = signal_strategy(strategy, None, {}, {**examples(space), **given})
    names = tuple(dict.fromkeys((metric, *check_metrics(metrics))))
    found: dict[str, Space] = {}

    def grid_for(kind: type[TradingStrategy]) -> Grid:
        found["space"] = read_space(kind, space)
        return probe(kind, found["space"], where, config, seed)

    job = prepare(
        strategy,
        prices,
        grid_for,
        config=config,
        costs=costs,
        limits=limits,
        chaos=chaos,
        metrics=names,
        each_instrument=False,
        initial_cash=initial_cash,
        seed=seed,
        start=start,
        end=end,
        periods_per_year=periods_per_year,
        workers=workers,
        progress=progress,
    )
    if issubclass(job.kind, SignalStrategy):
        _ = job.signal_settings  # which asks the function some questions
    with connected(client) as job.client:
        return Search(job, found["space"], metric, where, _sampler(sampler, seed)).run(
            trials, batch, progress
        )


def _check(metric: Any, trials: object, batch: object, seed: object, sampler: Any, chaos: Any) -> None:
    library = optuna_library()
    if not isinstance(metric, str):
        raise ConfigError(f"metric must be the name of one metric, found {metric!r}")
    check_metrics(metric)
    for name, value, least in (("trials", trials, 1), ("batch", batch, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise ConfigError(f"{name} must be a whole number from {least}, found {value!r}")
    if sampler is not None and not isinstance(sampler, library.samplers.BaseSampler):
        raise ConfigError(f"sampler must be one of optuna.samplers, found {sampler!r:.80}")
    if isinstance(chaos, Mapping):
        raise ConfigError("a search looks at one setting: give chaos as a list of events, or use sweep")


def _sampler(given: BaseSampler | None, seed: int) -> BaseSampler:
    if given is not None:
        return given
    library = optuna_library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
        # It takes those that are under way for bad ones, or a batch would be many times the same.
        sampler: BaseSampler = library.samplers.TPESampler(seed=int(seed), constant_liar=True)
    return sampler
