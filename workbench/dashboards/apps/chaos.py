"""The chaos lab: a thin view of `ChaosState`."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import panel as pn

from workbench.backtest.statistics import show, span_text
from workbench.dashboards.apps.choosers import awaited, day_of, fold, more_parameters, number_of, run_controls
from workbench.dashboards.apps.limits_view import limits_table
from workbench.dashboards.apps.plane import Plane, with_label
from workbench.dashboards.apps.run_views import draw_once, looked_into
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
from workbench.dashboards.state.chaos import MEASURES, ChaosState
from workbench.plotting.style import styled
from workbench.plotting.sweeps import survival_surface

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view", "warm"]

_MOST_ALERTS: Final = 50


def view(session: Session) -> Viewable:
    """The lab for one page; it runs a campaign once by itself, so that there is something to see."""
    lab = _Lab(ChaosState(session.folder))
    pn.state.onload(lab.state.run)
    shown: Viewable = lab.view()
    return shown


def warm(session: Session) -> None:
    """Work out and draw what each page begins with, so that the first does not wait for it longer than the others."""
    lab = _Lab(ChaosState(session.folder))
    asyncio.run(lab.state.run())
    if lab.state.worst is not None:
        draw_once(lab.surface()[0], lab.state.worst)


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

    # -- what to run ------------------------------------------------------------------------------------------------

    def _setup(self) -> pn.Column:
        state = self.state
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (0, 0, 10, 0), "description": None}
        kinds = pn.widgets.CheckBoxGroup.from_param(
            state.param.kinds,
            options={words(kind): kind for kind in state.param.kinds.objects},
            margin=(2, 0, 6, 0),
        )
        return card(
            "Campaign",
            pn.widgets.Select.from_param(state.param.prices, name="Prices", **wide),
            beside(
                day_of(state, "start", "From"),
                day_of(state, "end", "To"),
            ),
            pn.widgets.Select.from_param(state.param.strategy, name="Strategy", **wide),
            pn.widgets.Select.from_param(state.param.limits, name="Limits in force", **wide),
            fold("Faults", kinds, open_=True),
            beside(
                number_of(state, "levels", "Levels", width=84),
                number_of(state, "starts", "Starts", width=84),
                number_of(state, "lasting", "Length, %", width=84),
                gap=8,
            ),
            more_parameters(state),
            run_controls(state, "Run the campaign", state.run),
        )

    # -- the surface ------------------------------------------------------------------------------------------------

    def _surface_card(self, campaign: Any) -> Any:
        state = self.state
        if campaign is None:
            return card(
                "Campaign",
                awaited(
                    state,
                    "Throwing faults …",
                    370,
                    "No campaign yet",
                    "Choose faults and limits, then run it.",
                ),
            )
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
        return card(
            f"{campaign.strategy} on {campaign.prices_name}",
            beside(measure, *self._place_choosers(), margin=(4, 0, 6, 0)),
            self.plane.view(state, ["campaign", "measure"], cell="place"),
            says=f"{len(result):,} cases in {result.seconds:.2f} s under {campaign.limits}. Click a cell to replay "
            "its worst case.",
            badges=marks,
        )

    def surface(self) -> Any:
        """The plot of the surface and its table; None and None before there is one."""
        state = self.state
        if state.surface is None:
            return None, None
        frame = state.campaign.result.table.assign(fault=lambda rows: rows["kind"].map(words))
        frame = frame.rename(columns={"level": "intensity, from mild to strong"})
        drawn = survival_surface(
            frame,
            "intensity, from mild to strong",
            "fault",
            state.measure,
            responsive=True,
            height=max(220, 110 + 34 * frame["fault"].nunique()),
            title="",
        )
        return styled(with_label(drawn, MEASURES[state.measure]), ylabel=""), state.surface

    def _place_choosers(self) -> list[pn.widgets.Select]:
        """The same as a click, by keyboard."""
        state = self.state
        result = state.campaign.result.table
        kinds = {words(kind): kind for kind in sorted(result["kind"].unique())}
        fault = pn.widgets.Select(name="Fault", options=kinds, width=190, margin=0)
        level = pn.widgets.Select(
            name="Level", options=sorted(result["level"].unique().tolist()), width=80, margin=0
        )

        def follow(place: Any) -> None:
            if place is not None and place.kind in kinds.values() and place.level in level.options:
                fault.value, level.value = place.kind, place.level

        async def chosen(*_: Any) -> None:
            place = state.place
            if place is None or (place.kind, place.level) != (fault.value, level.value):
                await state.look_into({"kind": fault.value, "level": level.value})

        follow(state.place)
        fault.param.watch(chosen, "value")
        level.param.watch(chosen, "value")
        state.param.watch(lambda event: follow(event.new), "place")
        return [fault, level]

    # -- the worst case ---------------------------------------------------------------------------------------------

    def _case_card(self, worst: Any) -> Any:
        state = self.state
        if worst is None:
            return card(
                "Worst case",
                awaited(
                    state,
                    "The worst case comes next",
                    320,
                    "No case chosen",
                    "Click a cell of the surface above.",
                ),
            )
        case = state.case
        survived = badge("survived", "good") if case["survived"] else badge("did not survive", "bad")
        meaning = html_part(f'<p class="soft">{escape(state.meaning(case["kind"]))}</p>')
        return card(
            words(case["kind"]),
            meaning,
            _case_tiles(case),
            looked_into(worst, state.campaign.prices, ("Controls", _controls(worst))),
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
