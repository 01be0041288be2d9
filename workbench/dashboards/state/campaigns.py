"""Campaigns of the chaos lab: what one is run with, what came of it, its worst case, two of them beside each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.backtest.chaos_backtest import ChaosBacktestResult
from workbench.core.limits import RiskLimits
from workbench.dashboards.state.shared import Shared
from workbench.dashboards.state.work import Progress
from workbench.data.prices import Prices
from workbench.sweeps.campaign_result import CampaignResult

__all__ = [
    "MEASURES",
    "Campaign",
    "Chosen",
    "Comparison",
    "Place",
    "compared",
    "kept_case",
    "replayed",
    "surface_of",
    "worst_case",
    "worst_place",
]

MEASURES: Final = {
    "worst_damage_usd": "Worst damage",
    "damage_usd": "Damage at the end",
    "survived": "Share that survived",
    "worst_exposure": "Worst exposure",
    "breaches": "Rules run into",
    "breaker_trips": "Breaker trips",
}
_LESS_IS_WORSE: Final = ("survived",)
_CAMPAIGNS: Final = Shared[CampaignResult](4)
_CASES: Final = Shared[ChaosBacktestResult](4)


@dataclass(frozen=True, slots=True)
class Place:
    """A cell of the surface: all starts and seeds of one kind at one level."""

    kind: str
    level: int


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A campaign but for its limits.

    of_limits: runs it.  key: equal where the same is run; None where its prices may change.
    """

    prices: Prices
    of_limits: Callable[..., CampaignResult]
    key: tuple[Any, ...] | None

    def run(self, limits: RiskLimits, progress: Progress) -> CampaignResult:
        """What comes of it under these limits."""
        return _CAMPAIGNS.of(
            self._under(limits),
            lambda: self.of_limits(limits=limits, progress=progress),
            lambda found: not found.interrupted,
        )

    def kept(self, limits: RiskLimits) -> CampaignResult | None:
        """The same where it was run before; None elsewhere."""
        return _CAMPAIGNS.kept(self._under(limits))

    def _under(self, limits: RiskLimits) -> tuple[Any, ...] | None:
        return None if self.key is None else (*self.key, repr(limits))


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """What was run.  limits: name of those in force."""

    strategy: str
    prices_name: str
    limits: str
    chosen: Chosen
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


def compared(names: tuple[str, str], one: CampaignResult, other: CampaignResult) -> Comparison:
    """Both beside each other.  names: of their limits."""
    calm = (float(one.normal_pnl().iloc[0]), float(other.normal_pnl().iloc[0]))
    return Comparison(names, _by_kind(one, other), calm)


def surface_of(result: CampaignResult, measure: str) -> pd.DataFrame | None:
    """Mean of the measure: kinds down, levels across; None where nothing was run."""
    if not len(result):
        return None
    return result.table.pivot_table(measure, index="kind", columns="level", aggfunc="mean")


def worst_place(result: CampaignResult, measure: str) -> Place | None:
    """Where the measure is worst; None where nothing was run."""
    table = surface_of(result, measure)
    if table is None:
        return None
    figures = table.to_numpy(dtype=np.float64)
    if not np.isfinite(figures).any():
        return None
    at = np.nanargmin(figures) if measure in _LESS_IS_WORSE else np.nanargmax(figures)
    row, column = np.unravel_index(int(at), figures.shape)
    return Place(str(table.index[int(row)]), int(table.columns[int(column)]))


def worst_case(result: CampaignResult, place: Place) -> dict[str, Any] | None:
    """Row of the worst case of a place, its number as `cell`; None where none was run there."""
    table = result.table
    mine = table[(table["kind"] == place.kind) & (table["level"] == place.level)]
    if not len(mine):
        return None
    cell = int(mine.sort_values(["survived", "worst_damage_usd"], ascending=[True, False]).index[0])
    return {"cell": cell, **{str(name): value for name, value in mine.loc[cell].to_dict().items()}}


def replayed(result: CampaignResult, cell: int) -> ChaosBacktestResult:
    """A case in full, by its number."""
    return _CASES.of((result, cell), partial(_in_full, result, cell))


def kept_case(result: CampaignResult, cell: int) -> ChaosBacktestResult | None:
    """The same where it was replayed before; None elsewhere."""
    return _CASES.kept((result, cell))


def _in_full(result: CampaignResult, cell: int) -> ChaosBacktestResult:
    """A case, with what every view of it asks for already worked out."""
    found = result.replay(cell)
    for made in (found.equity, found.drawdown, found.fills, found.trades, found.stats(), found.chaos_table):
        assert made is not None
    return found
