"""The research lab: a thin view of `ResearchState`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import panel as pn

from workbench.dashboards.apps.choosers import axis_chooser
from workbench.dashboards.apps.compare import figures_table, growth_plot
from workbench.dashboards.apps.figures import Figure, drawn, figure_of, plot
from workbench.dashboards.apps.frame import (
    WIDE,
    awaited_card,
    begin,
    cell_choosers,
    make_ready,
    plane_card,
    setup_card,
)
from workbench.dashboards.apps.plane import Plane, plane_of
from workbench.dashboards.apps.run_views import equity_of, looked_into, stat_tiles
from workbench.dashboards.parts import (
    badge,
    beside,
    card,
    columns,
    empty,
    html_part,
    note,
    stacked,
    words,
)
from workbench.dashboards.state.research import ResearchState

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view", "warm"]


def view(session: Session) -> Viewable:
    """The lab for one page; it sweeps once by itself, so that there is something to see."""
    lab = _Lab(ResearchState(session.folder))
    begin(lab.state)
    shown: Viewable = lab.view()
    return shown


def warm(session: Session) -> None:
    """Have what each page begins with ready."""
    lab = _Lab(ResearchState(session.folder))
    make_ready(lab.state, lab.heat, lambda: equity_of(lab.state.detail))


class _Lab:
    def __init__(self, state: ResearchState) -> None:
        self.state = state
        self.plane = Plane(self.heat, state.nearest, state.look_into)

    def view(self) -> Any:
        state = self.state
        main = stacked(
            pn.bind(self._plane_card, state.param.result),
            pn.bind(self._cell_card, state.param.detail),
            pn.bind(self._compare_card, state.param.pins),
        )
        return columns(self._setup(), main)

    def _setup(self) -> pn.Column:
        state = self.state
        says = pn.bind(
            lambda name: html_part(f'<p class="soft">{state.choices[name].says}</p>'), state.param.strategy
        )
        return setup_card(
            state,
            "Sweep",
            "Run the sweep",
            pn.widgets.Select.from_param(
                state.param.strategy, name="Strategy", **{**WIDE, "margin": (0, 0, 2, 0)}
            ),
            says,
            axis_chooser(state, "across", "Across"),
            axis_chooser(state, "down", "Up"),
        )

    # -- the plane --------------------------------------------------------------------------------------------------

    def _plane_card(self, result: Any) -> Any:
        state = self.state
        if result is None:
            how = "Choose prices, a strategy and a grid, then run it."
            return awaited_card(state, "Sweep", "Sweeping …", 430, "No sweep yet", how)
        metric = pn.widgets.Select.from_param(
            state.param.metric,
            name="Colour",
            options={words(name): name for name in state.param.metric.objects},
            width=180,
            margin=0,
            description=None,
        )
        seconds = f"{result.trials:,} cells in {result.seconds:.2f} s"
        dropped = f", {result.dropped:,} not allowed by the strategy" if result.dropped else ""
        kept = badge("stopped early", "warn") if result.interrupted else ""
        silent = (
            [note("No cell traded", "Do the strategy's names and windows fit these prices?")]
            if state.silent
            else []
        )
        return plane_card(
            self.plane,
            state,
            metric,
            self._cell_choosers(),
            *silent,
            title=state.settings.label,
            result="result",
            cell="cell",
            measure="metric",
            says=f"{seconds}{dropped}. Click a cell to look into it.",
            badges=kept,
        )

    def heat(self) -> tuple[Figure | None, pd.DataFrame | None]:
        """The figure of the plane and its table; None and None before there is one."""
        state = self.state
        table = state.plane
        if table is None:
            return None, None
        axes = (state.settings.across.name, state.settings.down.name)
        options: dict[str, Any] = {"responsive": True, "height": 430, "title": ""}

        def drawn() -> Any:
            return plane_of(state.result.heatmap(state.metric, *axes, **options), words(state.metric))

        return figure_of((state.result, state.metric, *axes), drawn), table

    def _cell_choosers(self) -> list[pn.widgets.Select]:
        state = self.state
        index = state.result.table.index
        names = (state.settings.across.name, state.settings.down.name)
        choosers = {
            name: pn.widgets.Select(
                name=name, options=sorted(index.get_level_values(name).unique()), width=100, margin=0
            )
            for name in names
        }
        return cell_choosers(state, "cell", lambda cell: cell, choosers)

    # -- a cell -----------------------------------------------------------------------------------------------------

    def _cell_card(self, detail: Any) -> Any:
        state = self.state
        if detail is None:
            how = "Click one in the plane above."
            return awaited_card(state, "Cell", "The best cell comes next", 320, "No cell chosen", how)
        pin = pn.widgets.Button(name="Pin to compare", margin=0)
        pin.on_click(lambda _: state.pin())
        values = "".join(badge(f"{name} {value:g}", "accent") + " " for name, value in state.cell.items())
        return card(
            "Cell",
            stat_tiles(detail),
            looked_into(detail, state.settings.prices),
            pn.Row(pin, margin=(8, 0, 0, 0)),
            badges=values,
        )

    # -- comparing --------------------------------------------------------------------------------------------------

    def _compare_card(self, pins: list[Any]) -> Any:
        if not pins:
            return card(
                "Compare",
                empty("Nothing pinned", "Pin cells, of this sweep or of the next, to see them side by side."),
            )
        state = self.state
        unpin = [self._unpin(pin.letter) for pin in pins]
        names = "".join(f"<li><b>{pin.letter}</b> {escape(pin.label)}</li>" for pin in pins)
        return card(
            "Compare",
            html_part(f'<ul class="plain">{names}</ul>'),
            plot(drawn(growth_plot(state.growth()))),
            figures_table(state.comparison()),
            beside(*unpin, margin=(10, 0, 0, 0)),
            says="Growth of 1, and the figures of each.",
        )

    def _unpin(self, letter: str) -> pn.widgets.Button:
        button = pn.widgets.Button(name=f"Unpin {letter}", margin=0)
        button.on_click(lambda _: self.state.unpin(letter))
        return button
