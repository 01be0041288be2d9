"""The research lab: a thin view of `ResearchState`."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn

from workbench.dashboards.apps.choosers import awaited, axis_chooser, day_of, more_parameters, run_controls
from workbench.dashboards.apps.compare import figures_table, growth_plot
from workbench.dashboards.apps.plane import Plane, with_label
from workbench.dashboards.apps.run_views import draw_once, looked_into, plot, stat_tiles
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
    pn.state.onload(lab.state.run)
    shown: Viewable = lab.view()
    return shown


def warm(session: Session) -> None:
    """Work out and draw what each page begins with, so that the first does not wait for it longer than the others."""
    lab = _Lab(ResearchState(session.folder))
    asyncio.run(lab.state.run())
    if lab.state.detail is not None:
        draw_once(lab.heat()[0], lab.state.detail)


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

    # -- what to run ------------------------------------------------------------------------------------------------

    def _setup(self) -> pn.Column:
        state = self.state
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (0, 0, 10, 0), "description": None}
        says = pn.bind(
            lambda name: html_part(f'<p class="soft">{state.choices[name].says}</p>'), state.param.strategy
        )
        return card(
            "Sweep",
            pn.widgets.Select.from_param(state.param.prices, name="Prices", **wide),
            beside(
                day_of(state, "start", "From"),
                day_of(state, "end", "To"),
            ),
            pn.widgets.Select.from_param(
                state.param.strategy, name="Strategy", **{**wide, "margin": (0, 0, 2, 0)}
            ),
            says,
            axis_chooser(state, "across", "Across"),
            axis_chooser(state, "down", "Up"),
            more_parameters(state),
            run_controls(state, "Run the sweep", state.run),
        )

    # -- the plane --------------------------------------------------------------------------------------------------

    def _plane_card(self, result: Any) -> Any:
        state = self.state
        if result is None:
            return card(
                "Sweep",
                awaited(
                    state,
                    "Sweeping …",
                    430,
                    "No sweep yet",
                    "Choose prices, a strategy and a grid, then run it.",
                ),
            )
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
        return card(
            state.settings.label,
            *silent,
            beside(metric, *self._cell_choosers(), margin=(4, 0, 6, 0)),
            self.plane.view(state, ["result", "metric"]),
            says=f"{seconds}{dropped}. Click a cell to look into it.",
            badges=kept,
        )

    def heat(self) -> Any:
        """The plot of the plane and its table; None and None before there is one."""
        state = self.state
        table_ = state.plane
        if table_ is None:
            return None, None
        drawn = state.result.heatmap(
            state.metric,
            state.settings.across.name,
            state.settings.down.name,
            responsive=True,
            height=430,
            title="",
        )
        return with_label(drawn, words(state.metric)), table_

    def _cell_choosers(self) -> list[pn.widgets.Select]:
        """The same as a click, by keyboard."""
        state = self.state
        parts = []
        for axis in (state.settings.across, state.settings.down):
            options = sorted(state.result.table.index.get_level_values(axis.name).unique())
            chooser = pn.widgets.Select(name=axis.name, options=options, width=100, margin=0)
            parts.append((axis.name, chooser))

        def follow(cell: dict[str, Any]) -> None:
            for name, chooser in parts:
                if name in cell:
                    chooser.value = cell[name]

        async def chosen(*_: Any) -> None:
            cell = {name: chooser.value for name, chooser in parts}
            if cell != state.cell:
                await state.look_into(cell)

        follow(state.cell)
        for _, chooser in parts:
            chooser.param.watch(chosen, "value")
        state.param.watch(lambda event: follow(event.new), "cell")
        return [chooser for _, chooser in parts]

    # -- a cell -----------------------------------------------------------------------------------------------------

    def _cell_card(self, detail: Any) -> Any:
        state = self.state
        if detail is None:
            return card(
                "Cell",
                awaited(
                    state, "The best cell comes next", 320, "No cell chosen", "Click one in the plane above."
                ),
            )
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
            plot(growth_plot(state.growth())),
            figures_table(state.comparison()),
            beside(*unpin, margin=(10, 0, 0, 0)),
            says="Growth of 1, and the figures of each.",
        )

    def _unpin(self, letter: str) -> pn.widgets.Button:
        button = pn.widgets.Button(name=f"Unpin {letter}", margin=0)
        button.on_click(lambda _: self.state.unpin(letter))
        return button
