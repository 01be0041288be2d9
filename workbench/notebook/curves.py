"""One setting of a strategy's parameters as a curve: out of the compiled kernel, else by event replay."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import RunPlan, backtest, plan_run
from workbench.backtest.charts import MOST_MARKS, money, price_charts
from workbench.backtest.svg import Chart, Line, Mark
from workbench.core.feed import LAST
from workbench.core.tally import TALLY
from workbench.plotting.curves import sound
from workbench.strategy.compiled import CompiledStrategy, groups_of, parameter_rows
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.sweeps.columns import context_of
from workbench.sweeps.metrics import figures
from workbench.sweeps.setting import FULL, ROOMS, Setting

__all__ = ["SHOWN", "CompiledRuns", "Curve", "ReplayedRuns", "Runs", "runs_of"]

type Floats = npt.NDArray[np.float64]

SHOWN: Final = (
    "total_return",
    "sharpe_ratio",
    "max_drawdown",
    "trades",
    "fees",
    "orders_refused",
    "breaker_trips",
)
_FIRST_UNITS: Final = 2  # columns of a traced curve: equity, P&L, then units of each instrument


class Curve(NamedTuple):
    """times_ns: int64[n], distinct.  equity: float64[n].  price: of the first instrument with its trades, if it is one.

    figures: those of SHOWN.  seconds: that the run took.
    """

    times_ns: npt.NDArray[np.int64]
    equity: Floats
    cash: float
    price: Chart | None
    figures: dict[str, Any]
    seconds: float


class Runs(Protocol):
    """Runs of one strategy on the same prices.  fast: from the compiled kernel."""

    fast: bool

    def run(self, config: Mapping[str, Any]) -> Curve:
        """With these parameters.  Raises WorkbenchError where they cannot be."""


def runs_of(strategy: type[TradingStrategy] | str | Path, prices: Any, arguments: Mapping[str, Any]) -> Runs:
    """The fastest way to run `strategy`.  arguments: config, limits, costs and so on, as `wb.backtest` has them."""
    kind = load_strategy(strategy)
    if issubclass(kind, CompiledStrategy):
        return CompiledRuns(kind, prices, arguments)
    return ReplayedRuns(kind, prices, arguments)


class ReplayedRuns:
    """By event replay: for strategies of any Python."""

    fast = False

    def __init__(self, kind: type[TradingStrategy], prices: Any, arguments: Mapping[str, Any]) -> None:
        self._kind, self._prices, self._arguments = kind, prices, dict(arguments)
        self._base = dict(self._arguments.pop("config", None) or {})

    def run(self, config: Mapping[str, Any]) -> Curve:
        """See `Runs`."""
        begun = time.perf_counter()
        result = backtest(
            self._kind, self._prices, **self._arguments, config={**self._base, **config}, progress=False
        )
        seconds = time.perf_counter() - begun
        cash, equity = result.curve_of(None)
        stats = result.stats()
        charts = price_charts(result)
        price = charts[0] if len(result.instruments) == 1 and charts else None
        return Curve(result.times_ns, equity, cash, price, {name: stats[name] for name in SHOWN}, seconds)


class CompiledRuns:
    """By the kernel that a sweep runs, on a market that was prepared once."""

    fast = True

    def __init__(self, kind: type[CompiledStrategy], prices: Any, arguments: Mapping[str, Any]) -> None:
        self._kind, self._prices, self._arguments = kind, prices, dict(arguments)
        self._base = dict(self._arguments.pop("config", None) or {})
        self._prepare({})

    def _prepare(self, config: Mapping[str, Any]) -> None:
        self._setting = Setting(self._plan(config), self._kind)
        self._column = self._setting.column(traced=True)
        times = self._setting.feed.timestamp_ns
        self._moments = np.flatnonzero(np.append(times[1:] != times[:-1], len(times) > 0))
        self._context = context_of(self._setting, None)
        last = self._setting.feed.quotes[:, LAST]
        self._sound = sound(last) if len(self._setting.instruments) == 1 else np.zeros(0, dtype=np.bool_)

    def _plan(self, config: Mapping[str, Any]) -> RunPlan:
        return plan_run(self._kind, self._prices, **self._arguments, config={**self._base, **config})

    def run(self, config: Mapping[str, Any]) -> Curve:
        """See `Runs`."""
        begun = time.perf_counter()
        settings = dict(self._setting.player.strategy.config) | dict(config)
        self._kind(settings)  # its own checks: constraints, kinds, names
        if groups_of(self._kind, settings, self._setting.shown) != self._setting.divided:
            self._prepare(config)
        params = parameter_rows(self._kind, [settings])[0]
        setting, column = self._setting, self._column
        setting.kernels.run_one(column, params, setting.begin_ns, 0, 1)
        if int(column.glide.tally[0].incomplete):  # rare: it needs more room than most
            column = setting.column(ROOMS[1], traced=True)
            setting.kernels.run_one(column, params, setting.begin_ns, 0, 1)
        if int(column.glide.tally[0].incomplete):
            column = setting.column(FULL)
            setting.kernels.run_one(column, params, setting.begin_ns, 0, 1)
        tallies: Any = np.zeros(1, dtype=TALLY)
        tallies[0] = column.glide.tally[0]
        found = {name: values[0].item() for name, values in figures(tallies, self._context, SHOWN).items()}
        curve = column.glide.curve
        equity = curve[self._moments, 0].copy()
        price = self._price(curve[:, _FIRST_UNITS])
        seconds = time.perf_counter() - begun
        times = setting.feed.timestamp_ns[self._moments]
        return Curve(times, equity, setting.plan.initial_cash, price, found, seconds)

    def _price(self, units: Floats) -> Chart | None:
        """The price with a mark at each change of the position; units: float64[rows], held after each row."""
        setting, kept = self._setting, self._sound
        if not kept.any():
            return None
        times, last = setting.feed.timestamp_ns, setting.feed.quotes[:, LAST]
        change = np.diff(units, prepend=0.0)
        rows = np.flatnonzero((change != 0.0) & kept)
        marks = [
            Mark(int(times[r]), float(last[r]), bool(change[r] > 0.0), f"{change[r]:+,.6g}")
            for r in rows.tolist()
        ]
        return Chart(
            setting.instruments[0].name,
            times[kept],
            [Line(last[kept], "price")],
            money,
            base=float(last[kept][0]),
            height=230.0,
            marks=marks if len(marks) <= MOST_MARKS else [],
        )
