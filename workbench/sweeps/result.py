"""What a sweep found: a table of figures, and any of its columns again in full."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.backtest.result import BacktestResult
from workbench.errors import ConfigError, ParameterError
from workbench.sweeps.cells import best_cell
from workbench.sweeps.grid import Grid
from workbench.sweeps.metrics import LOWER_IS_BETTER

if TYPE_CHECKING:
    import holoviews as hv
    import vectorbt as vbt

    from workbench.cells import Picture

__all__ = ["Part", "SweepResult"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The columns of one setting.

    labels: further axes of the sweep (instrument, chaos) and where this part stands on them.  figures: arrays by name.
    finished: bool[columns].  replay: a column in full, given its config.  per_year: periods per year, 0.0 where nothing
    was run.
    """

    labels: Mapping[str, str]
    grid: Grid
    figures: Mapping[str, Any]
    finished: Any
    replay: Callable[[Mapping[str, Any]], BacktestResult]
    per_year: float = 0.0


class SweepResult:
    """A finished sweep; nothing in it changes any more.

    table: one row per column that was run, indexed by the parameters (and instrument, chaos), one column per metric.
    trials: how many combinations were looked at, which is what a deflated Sharpe ratio has to know.
    periods_per_year: what figures are annualised by; NaN where instruments differ, each having its own.
    interrupted: somebody stopped it; the table holds what was finished.
    """

    def __init__(
        self,
        strategy: str,
        parts: Sequence[Part],
        metrics: Sequence[str],
        *,
        interrupted: bool,
        seconds: float,
    ) -> None:
        self.strategy = strategy
        self.metrics = tuple(metrics)
        self.interrupted = interrupted
        self.seconds = seconds
        self._parts = tuple(parts)
        found = {part.per_year for part in self._parts if part.per_year}
        self.periods_per_year = max(found, default=0.0) if len(found) < 2 else math.nan

    @cached_property
    def table(self) -> pd.DataFrame:
        """Figures by parameters; see the class."""
        frames = []
        for part in self._parts:
            frame = part.grid.frame()
            for name, label in part.labels.items():
                frame[name] = label
            for metric in self.metrics:
                frame[metric] = part.figures[metric]
            frames.append(frame[np.asarray(part.finished)])
        whole = pd.concat(frames, ignore_index=True)
        axes = [*self._parts[0].labels, *self._parts[0].grid.values]
        return whole.set_index(axes)[list(self.metrics)]

    @property
    def trials(self) -> int:
        """Columns that were finished."""
        return sum(int(np.count_nonzero(part.finished)) for part in self._parts)

    @property
    def dropped(self) -> int:
        """Combinations that constraints left out."""
        return sum(part.grid.dropped for part in self._parts)

    @property
    def axes(self) -> list[str]:
        """Names of the index levels: further axes first, then the parameters."""
        return [str(name) for name in self.table.index.names]

    def _metric(self, metric: str) -> str:
        if metric not in self.metrics:
            raise ConfigError(f"the sweep has no metric {metric!r}; it has: {', '.join(self.metrics)}")
        return metric

    def best(self, metric: str = "sharpe_ratio", n: int = 10, ascending: bool | None = None) -> pd.DataFrame:
        """The `n` best rows of the table by `metric`; columns without that figure (NaN) left out.

        ascending: None takes the direction that is better (fees, for one, are better when lower).
        """
        up = metric in LOWER_IS_BETTER if ascending is None else ascending
        known = self.table.dropna(subset=[self._metric(metric)])
        return known.sort_values(metric, ascending=up, kind="stable").head(n)

    def pivot(self, metric: str = "sharpe_ratio", x: str | None = None, y: str | None = None) -> pd.DataFrame:
        """`metric` over two axes, x across and y down; the best of all columns that share a place.

        x, y: names of parameters; left out, the first two that have more than one value.
        """
        column = self.table[self._metric(metric)]
        wide = [name for name in self.axes if column.index.get_level_values(name).nunique() > 1]
        names = [name for name in (x, y) if name is not None]
        for name in names:
            if name not in self.axes:
                raise ConfigError(f"the sweep has no axis {name!r}; it has: {', '.join(self.axes)}")
        others = [name for name in (wide or self.axes) if name not in names]
        across = x or (others.pop(0) if others else self.axes[0])
        down = y or (others.pop(0) if others else None)
        if down is None or down == across:
            raise ConfigError(
                f"a plane needs two axes with several values, found {', '.join(wide) or 'none'}; "
                "look at .table, or sweep another parameter"
            )
        pick = "min" if metric in LOWER_IS_BETTER else "max"
        return column.groupby([down, across]).agg(pick).unstack(across)

    def heatmap(
        self, metric: str = "sharpe_ratio", x: str | None = None, y: str | None = None, **options: Any
    ) -> hv.Overlay:
        """A plane of colours; see `pivot` for what it shows.  options: width, height, title."""
        from workbench.plotting.sweeps import heatmap

        best = "lowest" if metric in LOWER_IS_BETTER else "highest"
        return heatmap(self.pivot(metric, x, y), metric, **{"mark": best, **options})

    def picture(self, metric: str = "sharpe_ratio", x: str | None = None, y: str | None = None) -> Picture:
        """The plane of colours as a still picture (SVG), which reads the same anywhere; see `pivot`."""
        from workbench.plotting.still import plane_picture

        return plane_picture(self.pivot(metric, x, y), metric, mark=metric not in LOWER_IS_BETTER)

    def surface(
        self, metric: str = "sharpe_ratio", x: str | None = None, y: str | None = None, **options: Any
    ) -> Any:
        """A plotly surface in three dimensions; see `pivot` for what it shows."""
        from workbench.plotting.sweeps import surface

        return surface(self.pivot(metric, x, y), metric, **options)

    def column(self, **params: Any) -> BacktestResult:
        """One column in full: fills, orders, equity, statistics, as a backtest has them.

        params: its parameters (and instrument, chaos), as many as are needed to tell it from the others.
        Raises ParameterError where none, or more than one, fits.
        """
        part, config = self._find(params)
        return part.replay(config)

    def _find(self, params: Mapping[str, Any]) -> tuple[Part, dict[str, Any]]:
        for name in params:
            if name not in self.axes:
                raise ParameterError(f"the sweep has no axis {name!r}; it has: {', '.join(self.axes)}")
        found = []
        for part in self._parts:
            if any(params[name] != label for name, label in part.labels.items() if name in params):
                continue
            fits = np.ones(len(part.grid), dtype=np.bool_)
            for name, values in part.grid.values.items():
                if name in params:
                    fits &= np.asarray(values == params[name])
            found += [(part, row) for row in np.flatnonzero(fits).tolist()]
        if len(found) != 1:
            asked = ", ".join(f"{name}={value!r}" for name, value in params.items()) or "nothing"
            example = ", ".join(f"{name}=…" for name in self.axes)
            what = "no column" if not found else f"{len(found):,} columns"
            raise ParameterError(f"{what} with {asked}; name one by {example}")
        part, row = found[0]
        return part, part.grid.config(row)

    def to_vectorbt(self, **params: Any) -> vbt.Portfolio:
        """One column as a vectorbt portfolio, for its statistics, plots and accessors; see `vectorbt_bridge`."""
        from workbench.backtest.vectorbt_bridge import to_vectorbt

        return to_vectorbt(self.column(**params))

    def __len__(self) -> int:
        return self.trials

    def __repr__(self) -> str:
        note = ", interrupted" if self.interrupted else ""
        updates = f"{self.trials:,} columns in {self.seconds:.2f} s{note}"
        return f"SweepResult({self.strategy} over {', '.join(self.axes)}: {updates})"

    def _repr_html_(self) -> str:
        metric = "sharpe_ratio" if "sharpe_ratio" in self.metrics else self.metrics[0]
        return best_cell(repr(self), metric, self.best(metric, 10), self.table[metric].sort_values())
