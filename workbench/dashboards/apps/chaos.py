"""The chaos lab: a thin view of `ChaosState`."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import panel as pn

from workbench.backtest.statistics import show, span_text
from workbench.dashboards.apps.choosers import fold, number_of
from workbench.dashboards.apps.figures import Figure, figure_of
from workbench.dashboards.apps.frame import (
    WIDE,
    awaited_card,
    begin,
    cell_choosers,
    make_ready,
    plane_card,
    setup_card,
)
from workbench.dashboards.apps.limits_view import limits_table
from workbench.dashboards.apps.plane import Plane, plane_of
from workbench.dashboards.apps.run_views import equity_of, looked_into
from workbench.dashboards.parts import (
    Tile,
    badge,
    beside,
    card,
    columns,
    empty,
    html_part,
    stacked,
    table,
    tiles,
    words,
)
from workbench.dashboards.state.campaigns import MEASURES, Place
from workbench.dashboards.state.chaos import ChaosState
from workbench.plotting.style import styled
from workbench.plotting.sweeps import survival_surface

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view", "warm"]

_MOST_ALERTS: Final = 50
_LEVELS: Final = "intensity, from mild to strong"


def view(session: Session) -> Viewable:
    """The lab for one page; it runs a campaign once by itself, so that there is something to see."""
    lab = _Lab(ChaosState(session.folder))
    begin(lab.state)
    shown: Viewable = lab.view()
    return shown


def warm(session: Session) -> None:
    """Have what each page begins with ready."""
    lab = _Lab(ChaosState(session.folder))
    make_ready(lab.state, lab.surface, lambda: equity_of(lab.state.worst))


class _Lab:
    def __init__(self, state: ChaosState) -> None:
        self.state = state
        self.plane = Plane(self.surface, state.nearest, state.look_into)

    def view(self) -> Any:
        state = self.state
        main = stacked(
            pn.bind(self._surface_card, state.param.campaign),
            pn.bind(self._case_card, state.param.worst),
            pn.bind(self._limits_card, state.param.campaign, state.param.comparison),
        )
        return columns(self._setup(), main)

    def _setup(self) -> pn.Column:
        state = self.state
        kinds = pn.widgets.CheckBoxGroup.from_param(
            state.param.kinds,
            options={words(kind): kind for kind in state.param.kinds.objects},
            margin=(2, 0, 6, 0),
        )
        return setup_card(
            state,
            "Campaign",
            "Run the campaign",
            pn.widgets.Select.from_param(state.param.strategy, name="Strategy", **WIDE),
            pn.widgets.Select.from_param(state.param.limits, name="Limits in force", **WIDE),
            fold("Faults", kinds, open_=True),
            beside(
                number_of(state, "levels", "Levels", width=84),
                number_of(state, "starts", "Starts", width=84),
                number_of(state, "lasting", "Length, %", width=84),
                gap=8,
            ),
        )

    # -- the surface ------------------------------------------------------------------------------------------------

    def _surface_card(self, campaign: Any) -> Any:
        state = self.state
        if campaign is None:
            how = "Choose faults and limits, then run it."
            return awaited_card(state, "Campaign", "Throwing faults …", 370, "No campaign yet", how)
        result = campaign.result
        measure = pn.widgets.Select.from_param(
            state.param.measure,
            name="Colour",
            options={label: name for name, label in MEASURES.items()},
            width=250,
            margin=0,
            description=None,
        )
        alive = float(result.table["survived"].mean()) if len(result) else 0.0
        marks = badge(f"{alive:.0%} survived", "good" if alive > 0.99 else "warn" if alive > 0.5 else "bad")
        marks += badge("stopped early", "warn") if result.interrupted else ""
        return plane_card(
            self.plane,
            state,
            measure,
            self._place_choosers(),
            title=f"{campaign.strategy} on {campaign.prices_name}",
            result="campaign",
            cell="place",
            measure="measure",
            says=f"{len(result):,} cases in {result.seconds:.2f} s under {campaign.limits}. Click a cell to replay "
            "its worst case.",
            badges=marks,
        )

    def surface(self) -> tuple[Figure | None, pd.DataFrame | None]:
        """The figure of the surface and its table; None and None before there is one."""
        state = self.state
        table = state.surface
        if table is None:
            return None, None
        result, measure = state.campaign.result, state.measure
        return figure_of((result, measure), partial(_plotted, result.table, measure)), table

    def _place_choosers(self) -> list[pn.widgets.Select]:
        run = self.state.campaign.result.table
        kinds = {words(kind): kind for kind in sorted(run["kind"].unique())}
        levels = sorted(run["level"].unique().tolist())
        choosers = {
            "kind": pn.widgets.Select(name="Fault", options=kinds, width=190, margin=0),
            "level": pn.widgets.Select(name="Level", options=levels, width=80, margin=0),
        }
        return cell_choosers(self.state, "place", _named, choosers)

    # -- the worst case ---------------------------------------------------------------------------------------------

    def _case_card(self, worst: Any) -> Any:
        state = self.state
        if worst is None:
            how = "Click a cell of the surface above."
            return awaited_card(state, "Worst case", "The worst case comes next", 320, "No case chosen", how)
        case = state.case
        survived = badge("survived", "good") if case["survived"] else badge("did not survive", "bad")
        meaning = html_part(f'<p class="soft">{escape(state.meaning(case["kind"]))}</p>')
        return card(
            words(case["kind"]),
            meaning,
            _case_tiles(case),
            looked_into(worst, state.campaign.chosen.prices, ("Controls", lambda: _controls(worst))),
            badges=badge(f"intensity {case['intensity']:g}", "accent") + survived,
            says=f"from {pd.Timestamp(case['start']):%Y-%m-%d %H:%M}",
        )

    # -- limits -----------------------------------------------------------------------------------------------------

    def _limits_card(self, campaign: Any, comparison: Any) -> Any:
        state = self.state
        if campaign is None:
            return card(
                "Limits", empty("No campaign yet", "Two sets of limits are compared on the same faults.")
            )
        other = pn.widgets.Select.from_param(
            state.param.other_limits, name="Compared with", width=260, margin=0, description=None
        )
        button = pn.widgets.Button(name="Compare", margin=0)

        async def pressed(_: Any) -> None:
            await state.compare()

        button.on_click(pressed)
        shown = (
            empty("Not compared yet", "Choose limits to compare with.")
            if comparison is None
            else limits_table(comparison)
        )
        return card(
            "Limits before and after",
            beside(other, button, margin=(4, 0, 8, 0)),
            shown,
            says="The same faults under two sets of limits.",
        )


def _named(place: Place | None) -> dict[str, Any]:
    return {} if place is None else {"kind": place.kind, "level": place.level}


def _plotted(run: pd.DataFrame, measure: str) -> Any:
    frame = run.assign(fault=lambda rows: rows["kind"].map(words))
    drawn = survival_surface(
        frame.rename(columns={"level": _LEVELS}),
        _LEVELS,
        "fault",
        measure,
        responsive=True,
        height=max(220, 110 + 34 * frame["fault"].nunique()),
        title="",
    )
    return styled(plane_of(drawn, MEASURES[measure]), ylabel="")


def _case_tiles(case: dict[str, Any]) -> pn.pane.HTML:
    recovery = case["recovery_seconds"]
    recovered = "never" if pd.isna(recovery) else span_text(pd.Timedelta(recovery, unit="s"))
    return tiles(
        [
            Tile(
                "Worst damage",
                f"{case['worst_damage_usd']:,.0f}",
                tone="bad" if case["worst_damage_usd"] > 0 else "",
            ),
            Tile("End damage", f"{case['damage_usd']:,.0f}"),
            Tile("Worst exposure", f"{case['worst_exposure']:.0%}", "of a limit"),
            Tile("Orders refused", f"{case['orders_refused']:,}"),
            Tile("Rules run into", f"{case['breaches']:,}"),
            Tile("Breaker trips", f"{case['breaker_trips']:,}"),
            Tile("Recovered after", recovered),
        ]
    )


def _controls(worst: Any) -> Any:
    """What the controls did: refusals by reason, then alerts and trips."""
    refused = worst.refusals
    alerts = worst.alerts
    parts: list[Any] = []
    if len(refused):
        rows = refused.groupby(["what", "reason"], sort=False)["count"].sum().reset_index()
        named = rows.assign(what=rows["what"].map(words), reason=rows["reason"].map(words))
        shown = named.rename(columns={"what": "What", "reason": "Refused by", "count": "Times"})
        parts.append(table(shown, {"Times": "0,0"}, pagination="local", page_size=8))
    else:
        parts.append(empty("Nothing was refused", "No order ran into a rule."))
    if len(alerts):
        names = {"timestamp": "Time", "severity": "Severity", "kind": "Alert", "message": "Message"}
        listed = alerts[[name for name in names if name in alerts]].tail(_MOST_ALERTS).rename(columns=names)
        parts.append(table(listed, pagination="local", page_size=8))
    else:
        parts.append(
            html_part(
                f'<p class="soft">No alert; {show("breaches", len(worst.breaches))} rules run into.</p>'
            )
        )
    return stacked(*parts)
