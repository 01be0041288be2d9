"""What faults and misbehaving neighbours do to a strategy: the parts of a chaos report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from workbench.backtest.charts import drawdown_chart, equity_chart
from workbench.cells import GREEN, RED, Html, Picture, ink, table
from workbench.configuration.limits import load_limits
from workbench.reporting.content.parts import Part, charts, frame_part, headline, note
from workbench.sweeps.campaign import campaign
from workbench.sweeps.campaign_result import CampaignResult

__all__ = ["ChaosReport", "chaos_report"]


_WORST: Final = (
    "strategy",
    "kind",
    "intensity",
    "start",
    "damage_usd",
    "worst_exposure",
    "breaches",
    "breaker_trips",
    "recovery",
    "survived",
)


@dataclass(frozen=True)
class ChaosReport:
    """Parts of a chaos report.  found: the campaign.  limits: its own.  stricter: others to compare with, or None."""

    found: CampaignResult
    limits: Any = None
    stricter: Any = None

    def summary(self) -> Part:
        """The figures that are looked at first."""
        cells = self.found.table
        alive = float(cells["survived"].mean())
        worst = float(cells["damage_usd"].max())
        tiles = [
            ("survived", f"{100.0 * alive:.0f} %", "good" if alive == 1.0 else "bad"),
            ("cells", f"{len(cells):,}", ""),
            ("largest damage", f"{worst:,.0f}", "bad" if worst > 0.0 else ""),
            ("mean damage", f"{cells['damage_usd'].mean():,.0f}", ""),
        ]
        return headline(tiles)

    def survival(self) -> Part:
        """Share of the cells that survived, by kind of chaos and its intensity."""
        found = self.found.survival()
        heads = ["", *map(str, found.columns)]
        rows = [
            [str(name), *(_share(value) for value in row)]
            for name, row in zip(found.index, found.to_numpy(), strict=True)
        ]
        return Part(table(heads, rows, "t" + "n" * found.shape[1]))

    def worst(self, n: int = 10) -> Part:
        """The cells with the largest damage."""
        worst = self.found.worst(n)
        recovery = pd.to_timedelta(worst["recovery_seconds"], unit="s").dt.round("s")
        shown = worst.assign(
            recovery=recovery, survived=["yes" if one else "no" for one in worst["survived"]]
        )
        return frame_part(shown[[*_WORST]], "nothing was damaged", index=True)

    def worst_case(self) -> Picture | Part:
        """The worst cell again, in full, with its chaos window."""
        worst = self.found.worst(1)
        if worst.empty:
            return note("nothing was damaged")
        result = self.found.replay(worst.index[0])
        return charts(equity_chart(result), drawdown_chart(result))

    def comparison(self) -> Part:
        """What stricter limits would have saved, where some are given."""
        if self.stricter is None:
            return note("no other limits were given to compare with")
        found = self.found.compare(self.limits, self.stricter).chaos
        return frame_part(found, "nothing was damaged", index=True)


def chaos_report(
    strategy: str,
    prices: Any,
    config: Mapping[str, Any] | None = None,
    *,
    limits: Any = None,
    stricter: Any = None,
    kinds: Any = None,
    intensities: int = 3,
    starts: int = 2,
    seed: int = 0,
) -> ChaosReport:
    """Run a strategy under every fault (or those of `kinds`), and keep what a report shows.

    Arguments as for `wb.campaign`; stricter: other limits to compare with.  Raises as `wb.campaign`.
    """
    found = campaign(
        strategy,
        prices,
        kinds=kinds,
        intensities=intensities,
        starts=starts,
        seeds=[seed],
        config=dict(config or {}),
        limits=limits,
        progress=False,
    )
    return ChaosReport(found, limits, None if stricter is None else load_limits(stricter))


def _share(value: Any) -> Html | str:
    """A share as words and colour: all, none, or how many."""
    if pd.isna(value):
        return ""
    share = float(value)
    colour = GREEN if share == 1.0 else RED if share < 0.5 else "inherit"
    return Html(f'<span style="{ink(colour)}">{100.0 * share:.0f} %</span>')
