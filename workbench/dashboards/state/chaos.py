"""The chaos lab: faults thrown at a strategy, what it got over, the worst case in full, other limits beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import param

from workbench.chaos.kinds import KINDS, ChaosKind
from workbench.dashboards.state.campaigns import (
    MEASURES,
    Campaign,
    Chosen,
    Place,
    compared,
    kept_case,
    replayed,
    surface_of,
    worst_case,
    worst_place,
)
from workbench.dashboards.state.choices import (
    load_prices,
    never_change,
    price_choices,
    strategy_choices,
    unit_for,
)
from workbench.dashboards.state.limit_sets import limits_choices
from workbench.dashboards.state.work import Progress, Working
from workbench.errors import ChaosError, WorkbenchError
from workbench.sweeps.campaign import campaign

__all__ = ["ChaosState"]

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

    def recall(self) -> bool:
        """Show at once what `run` would, where other pages have had it worked out; False, and nothing, elsewhere."""
        try:
            chosen = self._chosen()
        except WorkbenchError:
            return False  # which `run` tells
        result, beside = (chosen.kept(self.sets[name]()) for name in (self.limits, self.other_limits))
        if result is None or beside is None:
            return False
        place = worst_place(result, self.measure)
        found = None if place is None else worst_case(result, place)
        worst = None if found is None else kept_case(result, found["cell"])
        if found is not None and worst is None:
            return False
        self.param.update(
            campaign=Campaign(self.strategy, self.prices, self.limits, chosen, result),
            place=place,
            worst=worst,
            case=found or {},
            comparison=compared((self.limits, self.other_limits), result, beside),
            tried=True,
        )
        return True

    def _campaign(self, progress: Progress) -> Campaign:
        chosen = self._chosen()
        result = chosen.run(self.sets[self.limits](), progress)
        return Campaign(self.strategy, self.prices, self.limits, chosen, result)

    def _chosen(self) -> Chosen:
        """What a campaign would be run with now.  Raises WorkbenchError of one line for what cannot be."""
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
        given: dict[str, Any] = {
            "kinds": list(self.kinds),
            "intensities": self.levels,
            "starts": self.starts,
            "duration": ((prices.end - prices.start) * (self.lasting / 100.0)).to_pytimedelta(),
            "config": dict(self.others),
        }
        kind = self.choices[self.strategy].kind
        key = (kind, self.prices, self.start, self.end, repr(given)) if never_change(self.prices) else None
        return Chosen(prices, partial(campaign, {self.strategy: kind}, prices=prices, **given), key)

    # -- the surface ------------------------------------------------------------------------------------------------

    @property
    def surface(self) -> pd.DataFrame | None:
        """Mean of the measure: kinds down, levels across; None where nothing was run."""
        return None if self.campaign is None else surface_of(self.campaign.result, self.measure)

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
        return None if self.campaign is None else worst_place(self.campaign.result, self.measure)

    # -- the worst case ---------------------------------------------------------------------------------------------

    async def look_into(self, where: Place | Mapping[str, Any]) -> None:
        """Replay the worst case of a place."""
        place = where if isinstance(where, Place) else Place(str(where["kind"]), int(where["level"]))
        now: Campaign | None = self.campaign
        if now is None:
            return
        case = worst_case(now.result, place)
        if case is None:
            return
        found = await self.work("replay", lambda _: replayed(now.result, case["cell"]))
        if found is not None:
            self.param.update(place=place, worst=found, case=case)

    # -- limits -----------------------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """The same campaign under the other limits."""
        now: Campaign | None = self.campaign
        if now is None or now.result.interrupted:
            return
        name = self.other_limits
        limits = self.sets[name]()
        found = await self.work("comparison", lambda progress: now.chosen.run(limits, progress))
        if found is not None and not found.interrupted:
            self.comparison = compared((now.limits, name), now.result, found)

    def meaning(self, kind: str) -> str:
        """What a kind of chaos does, and what its intensity is."""
        info = KINDS[ChaosKind(kind)]
        return f"{info.effect}; intensity: {info.unit}"
