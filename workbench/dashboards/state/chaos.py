"""The chaos lab: faults thrown at a strategy, what it got over, the worst case in full, other limits beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import param

from workbench.backtest.chaos_backtest import ChaosBacktestResult
from workbench.chaos.kinds import KINDS, ChaosKind
from workbench.core.limits import RiskLimits
from workbench.dashboards.state.choices import (
    load_prices,
    never_change,
    price_choices,
    strategy_choices,
    unit_for,
)
from workbench.dashboards.state.limit_sets import limits_choices
from workbench.dashboards.state.shared import Shared
from workbench.dashboards.state.work import Progress, Working
from workbench.data.prices import Prices
from workbench.errors import ChaosError
from workbench.sweeps.campaign import campaign
from workbench.sweeps.campaign_result import CampaignResult

__all__ = ["MEASURES", "Campaign", "ChaosState", "Comparison", "Place"]

MEASURES: Final = {
    "worst_damage_usd": "Worst damage",
    "damage_usd": "Damage at the end",
    "survived": "Share that survived",
    "worst_exposure": "Worst exposure",
    "breaches": "Rules run into",
    "breaker_trips": "Breaker trips",
}
_LESS_IS_WORSE: Final = ("survived",)
_FIRST_KINDS: Final = (
    "runaway",
    "volatility_amplifier",
    "correlation_breaker",
    "bad_tick",
    "price_gap",
    "stale_feed",
    "volatility_burst",
    "venue_disconnect",
)


_CAMPAIGNS: Final = Shared[CampaignResult](4)
_CASES: Final = Shared[ChaosBacktestResult](4)


@dataclass(frozen=True, slots=True)
class Place:
    """A cell of the surface: all starts and seeds of one kind at one level."""

    kind: str
    level: int


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """What was run.  limits: name of those in force.  again: the same under the limits that are given."""

    strategy: str
    prices_name: str
    prices: Prices
    limits: str
    again: Callable[..., CampaignResult]
    result: CampaignResult


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The same faults under two sets of limits, `names`.

    by_kind: worst_damage, worst_exposure (the largest of any case) and survived (share of cases) under each, by kind,
    named _a and _b.  calm: P&L without chaos under each, quote currency.
    """

    names: tuple[str, str]
    by_kind: pd.DataFrame
    calm: tuple[float, float]


def _by_kind(one: CampaignResult, other: CampaignResult) -> pd.DataFrame:
    parts = []
    for result, mark in ((one, "a"), (other, "b")):
        kinds = result.table.groupby("kind")
        parts.append(
            pd.DataFrame(
                {
                    f"worst_damage_{mark}": kinds["worst_damage_usd"].max(),
                    f"worst_exposure_{mark}": kinds["worst_exposure"].max(),
                    f"survived_{mark}": kinds["survived"].mean(),
                }
            )
        )
    return pd.concat(parts, axis=1)


def _calm(one: CampaignResult, other: CampaignResult) -> tuple[float, float]:
    return float(one.normal_pnl().iloc[0]), float(other.normal_pnl().iloc[0])


class ChaosState(Working):
    """What one page of the chaos lab knows; times are UTC, money quote currency."""

    prices: Any = param.Selector(objects={}, doc="Which prices.")
    start = param.CalendarDate(None, allow_None=True, doc="First day that is used; None for all.")
    end = param.CalendarDate(None, allow_None=True, doc="Last day that is used; None for all.")
    strategy: Any = param.Selector(objects={}, doc="Which script; it has to be compiled.")
    others = param.Dict({}, doc="Its parameters, `unit` among them.")
    kinds = param.ListSelector(
        list(_FIRST_KINDS), objects=[str(kind) for kind in ChaosKind], doc="Which faults."
    )
    levels = param.Integer(
        4, bounds=(1, 10), doc="Intensities of each, evenly over what is typical of its kind."
    )
    starts = param.Integer(3, doc="Moments at which each strikes.")
    lasting = param.Number(2.0, doc="Length of an event, per cent of the prices.")
    limits: Any = param.Selector(objects=[], doc="Limits in force.")
    other_limits: Any = param.Selector(objects=[], doc="Limits to compare with.")
    measure: Any = param.Selector(
        default="worst_damage_usd", objects=list(MEASURES), doc="What the colours are."
    )
    campaign: Any = param.Parameter(None, doc="Campaign that is shown, None before the first.")
    place: Any = param.Parameter(None, doc="Place that is looked into.")
    worst: Any = param.Parameter(None, doc="ChaosBacktestResult of the worst case there.")
    case = param.Dict({}, doc="Row of that case in the campaign's table.")
    comparison: Any = param.Parameter(None, doc="Comparison of the two sets of limits.")

    def __init__(self, folder: Path | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.folder = folder or Path.cwd()
        self.choices = {name: one for name, one in sorted(strategy_choices().items()) if one.compiled}
        self.sets = limits_choices()
        self.param.prices.objects = price_choices(self.folder)
        self.param.strategy.objects = list(self.choices)
        self.param.limits.objects = self.param.other_limits.objects = list(self.sets)
        self.limits, self.other_limits = "House default", "A quarter of the house default"
        self.prices = "sp500"
        self.strategy = "sma_cross" if "sma_cross" in self.choices else next(iter(self.choices))
        self.param.update(start=pd.Timestamp("2007-01-01").date(), end=pd.Timestamp("2010-01-01").date())

    @param.depends("strategy", "prices", watch=True)
    def _take_parameters(self) -> None:
        if self.strategy is not None:
            unit = unit_for(load_prices(self.prices, self.folder))
            self.others = {"unit": unit, **self.choices[self.strategy].parameters}

    @param.depends("prices", watch=True)
    def _take_prices(self) -> None:
        self.param.update(start=None, end=None)

    # -- the campaign -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run every fault, look into the worst place, and compare the limits."""
        found = await self.work("campaign", self._campaign)
        if found is None:
            return
        self.param.update(campaign=found, place=None, worst=None, case={}, comparison=None)
        worst = self.worst_place()
        if worst is not None:
            await self.look_into(worst)
        await self.compare()

    def _campaign(self, progress: Progress) -> Campaign:
        if not self.kinds:
            raise ChaosError("choose at least one fault")
        for what, value, most in (("levels", self.levels, 10), ("starts", self.starts, 20)):
            if not 1 <= value <= most:
                raise ChaosError(f"{what}: expected 1 to {most}, found {value}")
        if not 0.0 < self.lasting <= 50.0:
            raise ChaosError(
                f"length: expected above 0 and at most 50 per cent of the prices, found {self.lasting:g}"
            )
        prices = load_prices(self.prices, self.folder)
        if self.start or self.end:
            prices = prices.between(self.start, self.end)
        asked: dict[str, Any] = {
            "prices": prices,
            "kinds": list(self.kinds),
            "intensities": self.levels,
            "starts": self.starts,
            "duration": ((prices.end - prices.start) * (self.lasting / 100.0)).to_pytimedelta(),
            "config": dict(self.others),
        }
        kind = self.choices[self.strategy].kind
        run = partial(campaign, {self.strategy: kind}, **asked)
        given = {name: value for name, value in asked.items() if name != "prices"}
        key = (kind, self.prices, self.start, self.end, repr(given)) if never_change(self.prices) else None
        again = partial(_once, key, run)
        result = again(limits=self.sets[self.limits](), progress=progress)
        return Campaign(self.strategy, self.prices, prices, self.limits, again, result)

    # -- the surface ------------------------------------------------------------------------------------------------

    @property
    def surface(self) -> pd.DataFrame | None:
        """Mean of the measure: kinds down, levels across; None where nothing was run."""
        if self.campaign is None or not len(self.campaign.result):
            return None
        table: pd.DataFrame = self.campaign.result.table
        return table.pivot_table(self.measure, index="kind", columns="level", aggfunc="mean")

    def nearest(self, x: float, y: float) -> dict[str, Any] | None:
        """The place under a point of the surface, None outside of it."""
        from workbench.plotting.grid import axis_of

        table = self.surface
        if table is None:
            return None
        found = []
        for index, at in ((table.columns, x), (table.index, y)):
            places, axis = axis_of(index, "axis", downward=index is table.index)
            number = int((at - axis.low) // axis.step)
            if not 0 <= number < len(places):
                return None
            found.append(index[int(places[number])])
        return {"level": int(found[0]), "kind": str(found[1])}

    def worst_place(self) -> Place | None:
        """Where the measure is worst."""
        table = self.surface
        if table is None:
            return None
        figures = table.to_numpy(dtype=np.float64)
        if not np.isfinite(figures).any():
            return None
        at = np.nanargmin(figures) if self.measure in _LESS_IS_WORSE else np.nanargmax(figures)
        row, column = np.unravel_index(int(at), figures.shape)
        return Place(str(table.index[int(row)]), int(table.columns[int(column)]))

    # -- the worst case ---------------------------------------------------------------------------------------------

    async def look_into(self, where: Place | Mapping[str, Any]) -> None:
        """Replay the worst case of a place."""
        place = where if isinstance(where, Place) else Place(str(where["kind"]), int(where["level"]))
        now: Campaign | None = self.campaign
        if now is None:
            return
        mine = now.result.table.query("kind == @place.kind and level == @place.level")
        if not len(mine):
            return
        cell = int(mine.sort_values(["survived", "worst_damage_usd"], ascending=[True, False]).index[0])
        found = await self.work("replay", lambda _: _case(now.result, cell))
        if found is not None:
            self.param.update(place=place, worst=found, case={"cell": cell, **mine.loc[cell].to_dict()})

    # -- limits -----------------------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """The same campaign under the other limits."""
        now: Campaign | None = self.campaign
        if now is None or now.result.interrupted:
            return
        name = self.other_limits
        limits = self.sets[name]()
        found = await self.work("comparison", lambda progress: now.again(limits=limits, progress=progress))
        if found is not None and not found.interrupted:
            self.comparison = Comparison(
                (now.limits, name), _by_kind(now.result, found), _calm(now.result, found)
            )

    def meaning(self, kind: str) -> str:
        """What a kind of chaos does, and what its intensity is."""
        info = KINDS[ChaosKind(kind)]
        return f"{info.effect}; intensity: {info.unit}"


def _once(
    key: tuple[Any, ...] | None, run: Callable[..., CampaignResult], *, limits: RiskLimits, progress: Progress
) -> CampaignResult:
    """What `run` answers under these limits.  key: of everything else that it is run with."""
    asked = None if key is None else (*key, repr(limits))
    return _CAMPAIGNS.of(
        asked, lambda: run(limits=limits, progress=progress), lambda found: not found.interrupted
    )


def _case(result: CampaignResult, cell: int) -> ChaosBacktestResult:
    return _CASES.of((result, cell), partial(_replayed, result, cell))


def _replayed(result: CampaignResult, cell: int) -> ChaosBacktestResult:
    """A case, with what every view of it asks for already worked out."""
    found = result.replay(cell)
    for made in (found.equity, found.drawdown, found.fills, found.trades, found.stats(), found.chaos_table):
        assert made is not None
    return found
