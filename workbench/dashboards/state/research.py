"""The research lab: prices, a strategy and a grid; a sweep, a cell of it, and what was pinned to compare."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

import numpy as np
import pandas as pd
import param

from workbench.backtest.result import BacktestResult
from workbench.dashboards.state.choices import (
    Choice,
    load_prices,
    never_change,
    price_choices,
    strategy_choices,
    unit_for,
    usual_values,
)
from workbench.dashboards.state.grids import Axis, Pin, Settings
from workbench.dashboards.state.shared import Shared
from workbench.dashboards.state.work import Progress, Working
from workbench.errors import ParameterError, WorkbenchError
from workbench.sweeps.api import sweep
from workbench.sweeps.grid import UNIT
from workbench.sweeps.metrics import DEFAULT_METRICS, LOWER_IS_BETTER
from workbench.sweeps.result import SweepResult

__all__ = ["ResearchState"]

_FIRST: Final[dict[str, Any]] = {"prices": "sp500", "strategy": "sma_cross"}
_SWEEPS: Final = Shared[SweepResult](4)
_CELLS: Final = Shared[BacktestResult](4)
_FIRST_AXES: Final = {"fast": (5, 60, 12), "slow": (40, 240, 11)}  # of the first screen


class ResearchState(Working):
    """What one page of the research lab knows; times are UTC, money quote currency."""

    prices: Any = param.Selector(objects={}, doc="Which prices.")
    start = param.CalendarDate(None, allow_None=True, doc="First day that is used; None for all.")
    end = param.CalendarDate(None, allow_None=True, doc="Last day that is used; None for all.")
    strategy: Any = param.Selector(objects={}, doc="Which script.")
    across: Any = param.Selector(objects=[], doc="The parameter along the plane.")
    across_range = param.NumericTuple((1.0, 10.0, 10), length=3, doc="Lowest, highest, how many.")
    down: Any = param.Selector(objects=[], doc="The parameter up the plane.")
    down_range = param.NumericTuple((1.0, 10.0, 10), length=3, doc="Lowest, highest, how many.")
    others = param.Dict({}, doc="Parameters that stay the same, `unit` among them.")
    metric: Any = param.Selector(
        objects=list(DEFAULT_METRICS), default="sharpe_ratio", doc="What the colours are."
    )
    settings: Any = param.Parameter(None, doc="Settings of the sweep that is shown.")
    result: Any = param.Parameter(None, doc="SweepResult, or None before the first.")
    cell = param.Dict({}, doc="Parameters of the cell that is looked into.")
    detail: Any = param.Parameter(None, doc="BacktestResult of that cell.")
    pins = param.List([], doc="Pin of each cell that was kept.")

    def __init__(self, folder: Path | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.folder = folder or Path.cwd()
        self.choices = {name: one for name, one in strategy_choices().items() if not one.broken}
        self.param.prices.objects = price_choices(self.folder)
        self.param.strategy.objects = sorted(self.choices)
        known = self.param.strategy.objects
        self.prices = _FIRST["prices"]
        self.strategy = _FIRST["strategy"] if _FIRST["strategy"] in known else known[0]

    # -- what follows from what was chosen --------------------------------------------------------------------------

    @param.depends("strategy", watch=True)
    def _take_strategy(self) -> None:
        """Axes and parameters of another strategy."""
        names = [*self.choices[self.strategy].numbers, UNIT]
        self.param.across.objects = names
        self.param.down.objects = names
        first, second = (*names, UNIT)[:2]
        with param.parameterized.batch_call_watchers(self):
            self.across, self.down = first, second
            self.across_range, self.down_range = self._range_of(first), self._range_of(second)
            self._keep_others()

    @param.depends("across", watch=True)
    def _take_across(self) -> None:
        self.across_range = self._range_of(self.across)
        self._keep_others()

    @param.depends("down", watch=True)
    def _take_down(self) -> None:
        self.down_range = self._range_of(self.down)
        self._keep_others()

    @param.depends("prices", watch=True)
    def _take_prices(self) -> None:
        self.param.update(start=None, end=None)
        self._keep_others()

    def _range_of(self, name: str) -> tuple[float, float, int]:
        if self.strategy == _FIRST["strategy"] and name in _FIRST_AXES:
            return _FIRST_AXES[name]
        if name == UNIT:
            return usual_values(unit_for(load_prices(self.prices, self.folder)))
        return usual_values(self.choices[self.strategy].numbers[name])

    def _keep_others(self) -> None:
        """The rest of the parameters, as the strategy has them, and a unit that suits the prices."""
        if self.strategy is None:
            return
        swept = {self.across, self.down}
        kept = {k: v for k, v in self.choices[self.strategy].parameters.items() if k not in swept}
        unit = {} if UNIT in swept else {UNIT: unit_for(load_prices(self.prices, self.folder))}
        self.others = {**unit, **kept}

    # -- the sweep --------------------------------------------------------------------------------------------------

    def chosen(self) -> Settings:
        """What a sweep would be run with now.  Raises WorkbenchError of one line for what cannot be."""
        choice = self.choices[self.strategy]
        if self.across == self.down:
            raise ParameterError(
                f"a plane needs two parameters, found {self.across!r} for both; choose another one"
            )
        prices = load_prices(self.prices, self.folder)
        if self.start or self.end:
            prices = prices.between(self.start, self.end)
        across, down = (self._axis(choice, *given) for given in self._ranges)
        return Settings(self.prices, prices, choice, across, down, dict(self.others))

    @property
    def _ranges(self) -> tuple[tuple[str, Any], ...]:
        return (self.across, self.across_range), (self.down, self.down_range)

    def _axis(self, choice: Choice, name: str, given: tuple[float, float, int]) -> Axis:
        low, high, count = given
        return Axis(name, low, high, int(count), isinstance(choice.numbers.get(name), int))

    async def run(self) -> None:
        """Sweep, then look into the best cell."""
        found = await self.work("sweep", self._sweep)
        if found is None:
            return
        settings, result = found
        self.param.update(settings=settings, result=result, detail=None, cell={})
        best = self._best_of(result)
        if best:
            await self.look_into(best)

    def recall(self) -> bool:
        """Show at once what `run` would, where other pages have had it worked out; False, and nothing, elsewhere."""
        try:
            chosen = self.chosen()
        except WorkbenchError:
            return False  # which `run` tells
        result = _SWEEPS.kept(self._key(chosen))
        if result is None:
            return False
        best = self._best_of(result)
        detail = _CELLS.kept(_cell_key(result, best))
        if best and detail is None:
            return False
        self.param.update(settings=chosen, result=result, cell=best, detail=detail, tried=True)
        return True

    def _sweep(self, progress: Progress) -> tuple[Settings, SweepResult]:
        chosen = self.chosen()
        run = partial(_swept, chosen, progress)
        return chosen, _SWEEPS.of(self._key(chosen), run, lambda found: not found.interrupted)

    def _key(self, chosen: Settings) -> Hashable | None:
        return (chosen.key, self.start, self.end) if never_change(chosen.prices_name) else None

    def _best_of(self, result: SweepResult) -> dict[str, Any]:
        """The best cell by the metric; empty where there is none."""
        best = result.best(self.metric, 1)
        values = best.index[0] if len(best) else ()
        return {name: _plain(value) for name, value in zip(result.axes, values, strict=False)}

    # -- a cell -----------------------------------------------------------------------------------------------------

    async def look_into(self, cell: Mapping[str, Any]) -> None:
        """Run one cell of the sweep in full."""
        result: SweepResult | None = self.result
        if result is None:
            return
        config = {name: _plain(value) for name, value in cell.items()}
        detail = await self.work("cell", lambda _: _cell(result, config))
        if detail is not None:
            self.param.update(cell=config, detail=detail)

    def nearest(self, x: float, y: float) -> dict[str, Any] | None:
        """The cell of a place in the plane; None outside of it, and where constraints left the cell out.

        x, y: as the plane has them: the parameters themselves where they are evenly spaced, else 0, 1, 2 …
        """
        table = self.plane
        if table is None or self.settings is None:
            return None
        found = {}
        for name, index, at in (
            (self.settings.across.name, table.columns, x),
            (self.settings.down.name, table.index, y),
        ):
            place = _place(index, at)
            if place is None:
                return None
            found[name] = _plain(index[place])
        value = table.loc[found[self.settings.down.name], found[self.settings.across.name]]
        return found if pd.notna(value) else None

    @property
    def plane(self) -> pd.DataFrame | None:
        """The metric, one parameter across and one down; None before the first sweep, and where nothing is finished."""
        if self.result is None or not len(self.result):
            return None
        return pd.DataFrame(
            self.result.pivot(self.metric, self.settings.across.name, self.settings.down.name)
        )

    def best(self, count: int = 10) -> pd.DataFrame:
        """The best cells by the metric, the parameters as columns."""
        if self.result is None:
            return pd.DataFrame()
        return pd.DataFrame(self.result.best(self.metric, count).reset_index())

    @property
    def silent(self) -> bool:
        """Whether there is a sweep in which no cell traded: the strategy's names or windows may not fit the prices."""
        return (
            self.result is not None and len(self.result) > 0 and not (self.result.table["trades"] > 0).any()
        )

    @property
    def lower_is_better(self) -> bool:
        return self.metric in LOWER_IS_BETTER

    # -- comparing --------------------------------------------------------------------------------------------------

    def pin(self) -> None:
        """Keep the cell that is looked into."""
        if self.detail is None or self.settings is None:
            return
        values = ", ".join(f"{name}={value:g}" for name, value in self.cell.items())
        label = f"{self.settings.label}: {values}"
        taken = {pin.letter for pin in self.pins}
        free = [letter for letter in ascii_uppercase if letter not in taken]
        if free and all(pin.label != label for pin in self.pins):
            self.pins = [*self.pins, Pin(free[0], label, self.detail)]

    def unpin(self, letter: str) -> None:
        """Let go of one."""
        self.pins = [pin for pin in self.pins if pin.letter != letter]

    def comparison(self) -> pd.DataFrame:
        """Figures of every pin: a row for each figure, a column for each pin by its letter."""
        names = [name for name in DEFAULT_METRICS if name != "turnover"]
        return pd.DataFrame({pin.letter: pin.result.stats()[names] for pin in self.pins})

    def growth(self) -> pd.DataFrame:
        """Equity of every pin as a multiple of its first capital, by time, a column for each letter."""
        return pd.DataFrame(
            {pin.letter: pin.result.equity / pin.result.initial_cash for pin in self.pins}
        ).sort_index()


def _swept(chosen: Settings, progress: Progress) -> SweepResult:
    params = {axis.name: axis.values for axis in (chosen.across, chosen.down)}
    kind = chosen.strategy.kind or chosen.strategy.path
    return sweep(kind, chosen.prices, params, config=chosen.config, progress=progress)


def _cell(result: SweepResult, config: dict[str, Any]) -> BacktestResult:
    return _CELLS.of(_cell_key(result, config), partial(_in_full, result, config))


def _cell_key(result: SweepResult, config: Mapping[str, Any]) -> Hashable:
    return result, tuple(config.items())


def _in_full(result: SweepResult, config: dict[str, Any]) -> BacktestResult:
    """A cell, with what every view of it asks for already worked out."""
    detail = result.column(**config)
    for made in (detail.equity, detail.drawdown, detail.fills, detail.trades, detail.stats()):
        assert made is not None
    return detail


def _place(index: pd.Index, at: float) -> int | None:
    """Which label stands at a place of an axis, as `workbench.plotting.grid` lays it out."""
    from workbench.plotting.grid import axis_of

    places, axis = axis_of(index, "axis")
    number = int(np.floor((at - axis.low) / axis.step))
    return int(places[number]) if 0 <= number < len(places) else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
