"""What a campaign found: a table of cells, who survived, the worst again in full, and other limits beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.backtest.api import LimitsLike, plan_run
from workbench.backtest.chaos_backtest import ChaosBacktester, ChaosBacktestResult
from workbench.backtest.result import BacktestResult
from workbench.cells import cell, frame_table
from workbench.configuration import load_limits
from workbench.core.limits import RiskLimits
from workbench.core.outcome import OUTCOME
from workbench.core.tally import TALLY
from workbench.errors import ConfigError
from workbench.strategy.compiled import CompiledStrategy, parameter_rows
from workbench.sweeps.cells import survival_cell
from workbench.sweeps.columns import in_full
from workbench.sweeps.grid import Grid
from workbench.sweeps.scenarios import Scenario
from workbench.sweeps.setting import Setting

if TYPE_CHECKING:
    import holoviews as hv

    from workbench.cells import Picture

__all__ = ["CampaignResult", "Comparison", "Entry"]


@dataclass(slots=True, eq=False)
class Entry:
    """One strategy of a campaign.

    base: the setting without chaos.  outcomes, tallies: [scenarios, columns].  normal: TALLY[columns], without chaos.
    finished: bool[scenarios, columns].  played: bool[columns], of `normal`.
    """

    name: str
    kind: type[CompiledStrategy]
    grid: Grid
    config: Mapping[str, Any]
    arguments: Mapping[str, Any]
    base: Setting
    outcomes: Any = field(default_factory=lambda: np.zeros((0, 0), dtype=OUTCOME))
    tallies: Any = field(default_factory=lambda: np.zeros((0, 0), dtype=TALLY))
    normal: Any = field(default_factory=lambda: np.zeros(0, dtype=TALLY))
    finished: Any = field(default_factory=lambda: np.zeros((0, 0), dtype=np.bool_))
    played: Any = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def make_room(self, scenarios: int) -> None:
        """For as many scenarios."""
        shape = (scenarios, len(self.grid))
        self.outcomes, self.tallies = np.zeros(shape, dtype=OUTCOME), np.zeros(shape, dtype=TALLY)
        self.normal, self.finished = np.zeros(len(self.grid), dtype=TALLY), np.zeros(shape, dtype=np.bool_)
        self.played = np.zeros(len(self.grid), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of limits under the same chaos.

    chaos: by kind and level, mean damage under each, what the second saved, and the share of cells that survived.
    normal: by strategy, mean P&L without chaos under each, and what the second costs.
    """

    chaos: pd.DataFrame
    normal: pd.DataFrame

    def __repr__(self) -> str:
        return f"under chaos:\n{self.chaos}\n\nin a normal market:\n{self.normal}"

    def _repr_html_(self) -> str:
        return cell(
            "Two sets of limits under the same chaos",
            "",
            frame_table(self.chaos, "under chaos"),
            frame_table(self.normal, "in a normal market"),
        )


class CampaignResult:
    """A finished campaign.

    table: one row per cell (index `cell`): strategy, its parameters, kind, level, intensity, start, seed; then
    damage_usd and worst_damage_usd (shortfall against the same run without the event, at the end and at its worst),
    worst_exposure (largest share of a position or notional limit that was ever held or worked), breaches (more than
    without, inside the window), breaker_trips, recovery_seconds (NaN where it never recovered), survived (it recovered,
    and equity is above zero), orders_refused, final_equity, normal_equity.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        scenarios: Sequence[Scenario],
        again: Callable[[RiskLimits], CampaignResult],
        *,
        interrupted: bool,
        seconds: float,
    ) -> None:
        self.interrupted = interrupted
        self.seconds = seconds
        self._entries, self._scenarios, self._again = tuple(entries), tuple(scenarios), again

    @cached_property
    def table(self) -> pd.DataFrame:
        """See the class."""
        events = [scenario.event for scenario in self._scenarios]
        frames = []
        for entry in self._entries:
            columns, count = len(entry.grid), len(self._scenarios)
            frame = pd.DataFrame({"strategy": entry.name}, index=pd.RangeIndex(count * columns))
            for name, values in entry.grid.values.items():
                frame[name] = np.tile(values, count)
            for name, given in (
                ("kind", [str(event.kind) for event in events]),
                ("level", [scenario.level for scenario in self._scenarios]),
                ("intensity", [event.intensity for event in events]),
                ("start", pd.DatetimeIndex([event.start for event in events])),
                ("seed", [event.seed for event in events]),
            ):
                frame[name] = pd.Index(given).repeat(columns)
            frame = frame.assign(**_figures(entry))
            frames.append(frame[entry.finished.ravel()])
        whole = pd.concat(frames, ignore_index=True)
        parameters = [name for entry in self._entries for name in entry.grid.values]
        first = ["strategy", *dict.fromkeys(parameters)]
        order = [*first, *(name for name in whole.columns if name not in first)]
        return pd.DataFrame(whole[order]).rename_axis("cell")

    def __len__(self) -> int:
        return len(self.table)

    def survival(self, by: str = "kind", across: str = "level") -> pd.DataFrame:
        """Share of the cells that survived: `by` down, `across` across, and all together in the last row and column."""
        for name in (by, across):
            self._check(name)
        if by == across:
            raise ConfigError(f"expected two columns, one down and one across, found {by!r} for both")
        if self.table.empty:
            return pd.DataFrame(index=pd.Index([], name=by), columns=pd.Index([], name=across))
        return self.table.pivot_table(
            "survived", index=by, columns=across, aggfunc="mean", margins=True, margins_name="all"
        )

    def _check(self, name: str) -> None:
        if name not in self.table.columns:
            raise ConfigError(f"the campaign has no column {name!r}; it has: {', '.join(self.table.columns)}")

    def surface(self, value: str = "damage_usd", kind: str | None = None, **options: Any) -> hv.Overlay:
        """Heat map of intensity against damage (or another figure), mean over all cells: kinds down, levels across;
        of one `kind`: its starts down, its intensities across.  options: width, height, title.
        """
        from workbench.plotting.sweeps import survival_surface

        self._check(value)
        if kind is None:
            return survival_surface(self.table, "level", "kind", value, **options)
        mine = self.table[self.table["kind"] == str(kind)]
        if mine.empty:
            kinds = ", ".join(self.table["kind"].unique())
            raise ConfigError(f"the campaign has no kind {kind!r}; it has: {kinds}")
        return survival_surface(mine, "intensity", "start", value, **options)

    def picture(self, value: str = "survived") -> Picture:
        """Kinds of chaos down, levels across, in colours: the share that survived, or the mean of another column."""
        from workbench.plotting.still import plane_picture

        self._check(value)
        table = self.table.pivot_table(value, index="kind", columns="level", aggfunc="mean")
        return plane_picture(table, value, f"{value} by kind and level of chaos")

    def worst(self, n: int = 10, by: str = "damage_usd") -> pd.DataFrame:
        """The `n` cells with the largest `by`; `replay(cell)` runs one of them again."""
        self._check(by)
        return self.table.sort_values(by, ascending=False, kind="stable", na_position="first").head(n)

    def replay(self, cell: int) -> ChaosBacktestResult:
        """One cell by event replay, with its outcome; the fingerprint is that of `column(cell)`."""
        entry, config, scenario = self._cell(cell)
        tester = ChaosBacktester(
            entry.arguments["prices"],
            limits=entry.arguments["limits"],
            costs=entry.arguments["costs"],
            initial_cash=entry.arguments["initial_cash"],
            progress=False,
        )
        return tester.run_backtest_with_chaos({entry.name: entry.kind}, [scenario.event], config=config)

    def column(self, cell: int) -> BacktestResult:
        """One cell in full, by the compiled loop."""
        entry, config, scenario = self._cell(cell)
        plan = plan_run({entry.name: entry.kind}, config=config, chaos=[scenario.event], **entry.arguments)
        setting = Setting(plan, entry.kind)
        return in_full(setting, parameter_rows(entry.kind, [setting.player.strategy.config])[0])

    def _cell(self, cell: int) -> tuple[Entry, dict[str, Any], Scenario]:
        if cell not in self.table.index:
            raise ConfigError(f"no cell {cell!r}; cells are numbered 0 to {len(self.table) - 1:,}")
        place = cell
        for entry in self._entries:
            done = np.flatnonzero(entry.finished.ravel())
            if place < len(done):
                scenario, row = divmod(int(done[place]), len(entry.grid))
                own = entry.grid.config(row) if entry.grid.values else {}
                return entry, {**entry.config, **own}, self._scenarios[scenario]
            place -= len(done)
        raise ConfigError(f"no cell {cell!r}")

    def compare(self, limits_a: LimitsLike, limits_b: LimitsLike) -> Comparison:
        """The same campaign under two sets of limits: what the second would have saved, and what it costs.

        Ctrl-C ends it: there is nothing to be said of two campaigns that did not run the same cells.
        """
        one, two = (self._whole(limits) for limits in [load_limits(limits_a), load_limits(limits_b)])
        keys = ["kind", "level"]
        means = [
            result.table.groupby(keys)[["damage_usd", "worst_exposure", "survived"]].mean()
            for result in (one, two)
        ]
        chaos = pd.DataFrame(
            {
                "damage_a": means[0]["damage_usd"],
                "damage_b": means[1]["damage_usd"],
                "saved": means[0]["damage_usd"] - means[1]["damage_usd"],
                "worst_exposure_a": means[0]["worst_exposure"],
                "worst_exposure_b": means[1]["worst_exposure"],
                "survived_a": means[0]["survived"],
                "survived_b": means[1]["survived"],
            }
        )
        profits = [result.normal_pnl() for result in (one, two)]
        normal = pd.DataFrame({"pnl_a": profits[0], "pnl_b": profits[1], "cost": profits[0] - profits[1]})
        return Comparison(chaos, normal)

    def _whole(self, limits: RiskLimits) -> CampaignResult:
        found = self._again(limits)
        if found.interrupted:
            raise KeyboardInterrupt("the campaign was interrupted, and what it found cannot be compared")
        return found

    def normal_pnl(self) -> pd.Series[float]:
        """Mean P&L of each strategy's parameter sets without chaos, quote currency; NaN where none was run."""
        return pd.Series(
            {
                e.name: float(e.normal["final_equity"][e.played].mean()) - e.base.plan.initial_cash
                if e.played.any()
                else math.nan
                for e in self._entries
            },
            name="pnl",
        ).rename_axis("strategy")

    def __repr__(self) -> str:
        note = ", interrupted" if self.interrupted else ""
        alive = float(self.table["survived"].mean()) if len(self.table) else 0.0
        names = ", ".join(entry.name for entry in self._entries)
        return f"CampaignResult({names}: {len(self):,} cells in {self.seconds:.2f} s, {alive:.0%} survived{note})"

    def _repr_html_(self) -> str:
        return survival_cell(repr(self), self.survival())


def _figures(entry: Entry) -> dict[str, Any]:
    """Columns of the table, scenario by scenario."""
    outcomes, tallies = entry.outcomes.ravel(), entry.tallies.ravel()
    normal = np.tile(entry.normal["final_equity"], len(entry.outcomes))
    recovered = np.isfinite(outcomes["recovery"])
    return {
        "damage_usd": outcomes["damage"],
        "worst_damage_usd": outcomes["worst_damage"],
        "worst_exposure": tallies["worst_exposure"],
        "breaches": outcomes["breaches"],
        "breaker_trips": outcomes["stops"],
        "recovery_seconds": outcomes["recovery"],
        "survived": recovered & (tallies["final_equity"] > 0.0),
        "orders_refused": tallies["refused_orders"],
        "final_equity": tallies["final_equity"],
        "normal_equity": normal,
    }
