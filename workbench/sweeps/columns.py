"""Columns of one setting: made ready to be run together, and one of them in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import backtest
from workbench.backtest.result import BacktestResult
from workbench.errors import StrategyError
from workbench.strategy.compiled import CompiledStrategy, begin, groups_of, parameter_rows
from workbench.strategy.seating import unit_name
from workbench.sweeps.crew import Batch
from workbench.sweeps.grid import Grid
from workbench.sweeps.metrics import Context
from workbench.sweeps.setting import FULL, Setting

if TYPE_CHECKING:
    from workbench.sweeps.job import Task

__all__ = ["column_of", "context_of", "in_full", "make_batch", "replayed"]


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
