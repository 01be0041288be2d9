"""What was tried: the returns of the chosen parameters, and of all that was looked at before they were chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.backtest.api import RunPlan
from workbench.certify.checks import Subject
from workbench.certify.honest_look_back import declared_lookback
from workbench.core.feed import Feed
from workbench.errors import ConfigError, StrategyError
from workbench.performance.calendar import periods_per_year
from workbench.strategy.compiled import CompiledStrategy, parameter_rows
from workbench.strategy.contract import RUNNER_SETTINGS
from workbench.strategy.seating import unit_name
from workbench.strategy.vector import SignalStrategy

__all__ = ["MOST_ROWS", "Evidence", "evidence_of", "period_ends", "periods"]

type Floats = npt.NDArray[np.float64]

MOST_ROWS: Final = (
    2_520  # of returns; what is shorter than a thousandth of the history is more noise than news
)
LABELS: Final = frozenset({"instrument", "chaos"})
SAMPLE_SEED: Final = 5


class Evidence(NamedTuple):
    """What the checks judge.

    returns: float64[t], per period, of the chosen parameters, on the initial capital.  trials: float64[t, n], of those
    that were run again, the chosen ones among them; [t, 1] where nothing else was tried.  number: how many were looked
    at.  known: whether that number comes from a search; else the thresholds assume it.  per_year: periods.
    lookback: periods that a signal looks back on.  declared: whether the strategy says so; else it is 0.
    """

    returns: Floats
    trials: Floats
    number: int
    known: bool
    per_year: float
    lookback: int = 0
    declared: bool = True

    @property
    def tried(self) -> str:
        """In words."""
        if not self.known:
            return f"{self.number:,} trials assumed, since no search was given"
        count = self.trials.shape[1]
        again = "" if count >= self.number else f", {count:,} of them run again"
        return f"{self.number:,} trials{again}"


def evidence_of(subject: Subject) -> Evidence:
    """Run the chosen parameters, and those that were tried, again.

    Raises ConfigError where the trials are of another strategy.
    """
    return _gathered(_Key(subject))


class _Key:
    """A subject as the key of a cache: the same object, not an equal one."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def __hash__(self) -> int:
        return id(self.subject)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.subject is self.subject


@lru_cache(maxsize=2)  # the checks of one certification ask one after the other
def _gathered(key: _Key) -> Evidence:
    subject = key.subject
    rules = subject.thresholds.significant
    plan = subject.plan()
    ends = period_ends(plan.feed)
    configs = _configs(subject)
    chosen = dict(subject.make().config)
    found = [place for place, config in enumerate(configs) if _same(config, chosen)]
    number = subject.trials.trials if subject.trials is not None else rules.assumed_trials
    if not found:
        configs.append({})
        number += subject.trials is not None
        found = [len(configs) - 1]
    kept = _sample(subject, len(configs), found[0], len(plan.feed))
    curves = _curves(subject, plan, [configs[place] for place in kept], ends)
    trials = periods(curves, plan.initial_cash)
    times = np.unique(plan.feed.timestamp_ns)
    step = len(times) / len(ends)
    lookback = declared_lookback(subject)
    return Evidence(
        returns=trials[:, kept.index(found[0])],
        trials=trials,
        number=number,
        known=subject.trials is not None,
        per_year=periods_per_year(times, plan.prices.interval.value) / step,
        lookback=math.ceil((lookback or 0) / step),
        declared=lookback is not None,
    )


def periods(curves: Floats, cash: float) -> Floats:
    """Returns per period on the initial capital, float64[t, n], of equity at the end of each, float64[t, n]."""
    return np.diff(curves, axis=0, prepend=cash) / cash


def period_ends(feed: Feed) -> npt.NDArray[np.int64]:
    """Rows after which a period ends: each distinct time, or as many as there may be, evenly over all of them."""
    times = feed.timestamp_ns
    rows = np.flatnonzero(np.append(times[1:] != times[:-1], len(times) > 0))
    if len(rows) <= MOST_ROWS:
        return rows
    return rows[np.linspace(0, len(rows), MOST_ROWS + 1).round().astype(np.int64)[1:] - 1]


# -- which parameters -----------------------------------------------------------------------------------------------


def _configs(subject: Subject) -> list[dict[str, Any]]:
    """The parameters of each trial, each once."""
    trials: Any = subject.trials
    if trials is None:
        return []
    if trials.strategy != subject.name:
        raise ConfigError(
            f"trials: expected a search of {subject.name}, found one of {trials.strategy}; "
            "give the sweep that found these parameters"
        )
    table = getattr(trials, "sweep", trials).table
    frame: pd.DataFrame = table.index.to_frame(index=False)
    parameters = subject.strategy.PARAMETERS or {}
    names = [str(name) for name in frame if name not in LABELS or name in parameters]
    rows = frame[names].drop_duplicates()
    columns = [[_like(parameters.get(name), value) for value in rows[name].tolist()] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _like(default: Any, value: Any) -> Any:
    """A value out of a table as the parameter has it."""
    if isinstance(default, int) and not isinstance(default, bool) and isinstance(value, float):
        return int(value)
    return value


def _same(config: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    return all(name in chosen and chosen[name] == value for name, value in config.items())


def _sample(subject: Subject, count: int, chosen: int, rows: int) -> list[int]:
    """Places of the trials that are run again: all, or a sample that has the chosen one."""
    rules = subject.thresholds.significant
    most = rules.max_trials_replayed
    if subject.form != "compiled":
        most = max(2, min(most, rules.replayed_updates // rows))
    if count <= most:
        return list(range(count))
    others = np.delete(np.arange(count), chosen)
    drawn = np.random.default_rng(SAMPLE_SEED).choice(others, most - 1, replace=False)
    return sorted([chosen, *drawn.tolist()])


# -- their curves ---------------------------------------------------------------------------------------------------


def _curves(
    subject: Subject, plan: RunPlan, configs: Sequence[Mapping[str, Any]], ends: npt.NDArray[np.int64]
) -> Floats:
    """Equity at the end of each period, float64[t, n]."""
    sizes = {unit_name({**subject.config, **config}) for config in configs}
    settings = {name for config in configs for name in config if name in RUNNER_SETTINGS} - sizes
    if not settings:
        if issubclass(subject.strategy, CompiledStrategy):
            return _compiled(subject, plan, configs, ends)
        if issubclass(subject.strategy, SignalStrategy):
            return _of_columns(plan, configs, ends)
    curves = np.empty((len(ends), len(configs)))
    for place, config in enumerate(configs):
        result = subject.backtest(config={**subject.config, **config}, on_error="contain")
        curves[:, place] = result.record.curves[ends, 0]
    return curves


def _compiled(
    subject: Subject, plan: RunPlan, configs: Sequence[Mapping[str, Any]], ends: npt.NDArray[np.int64]
) -> Floats:
    """By the loop of a sweep, which gives the same fills as a replay."""
    from workbench.sweeps.setting import Setting

    kind = subject.strategy
    assert issubclass(kind, CompiledStrategy), "only they have a compiled loop"
    setting = Setting(plan, kind)
    whole = [{**setting.player.strategy.config, **config} for config in configs]
    params = parameter_rows(kind, whole)
    return _looped(setting, params, [_unit(config) for config in whole], [None] * len(whole), ends)


def _of_columns(plan: RunPlan, configs: Sequence[Mapping[str, Any]], ends: npt.NDArray[np.int64]) -> Floats:
    from workbench.sweeps.vector import SignalSetting, told_rows

    setting = SignalSetting(plan)
    whole = [{**setting.player.strategy.config, **config} for config in configs]
    return _looped(setting, told_rows(len(whole)), [_unit(config) for config in whole], whole, ends)


def _unit(config: Mapping[str, Any]) -> Any:
    return config.get(unit_name(config), 1.0)


def _looped(
    setting: Any, params: Any, units: Sequence[Any], told: Sequence[Any], ends: npt.NDArray[np.int64]
) -> Floats:
    """Run each column with its curve.  told: for a function of columns its config, None for a compiled strategy."""
    from workbench.sweeps.setting import ROOMS

    symbols = list(dict.fromkeys(i.symbol for i in setting.instruments))
    curves = np.empty((len(ends), len(units)))
    todo = range(len(units))
    for room in ROOMS:
        quotes = setting.quotes() if told[0] is not None else None
        column = setting.column(room, quotes, traced=True)
        again = []
        for place in todo:
            if told[place] is not None:
                setting.tell(quotes, told[place])
            unit = units[place]
            column.work.units[:] = [unit.get(s, 1.0) if isinstance(unit, Mapping) else unit for s in symbols]
            setting.kernels.run_one(column, params[place], setting.begin_ns, len(symbols), 0)
            curves[:, place] = column.glide.curve[ends, 0]
            if int(column.glide.tally[0].incomplete):
                again.append(place)
        todo = again  # type: ignore[assignment]  # a range at first
        if not todo:
            return curves
    raise StrategyError(
        f"a trial has more than {ROOMS[-1].events:,} events at one price; take it out of the search"
    )
