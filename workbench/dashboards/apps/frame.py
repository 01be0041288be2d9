"""What both labs are made of: something to run, a plane of what came of it, and a cell of that looked into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import panel as pn

from workbench.dashboards.apps.choosers import day_of, more_parameters, run_controls
from workbench.dashboards.apps.plane import Plane
from workbench.dashboards.parts import beside, card, empty, skeleton
from workbench.dashboards.state.chaos import ChaosState
from workbench.dashboards.state.research import ResearchState

__all__ = [
    "WIDE",
    "Bench",
    "awaited_card",
    "begin",
    "cell_choosers",
    "make_ready",
    "plane_card",
    "setup_card",
]

WIDE: Final[dict[str, Any]] = {"sizing_mode": "stretch_width", "margin": (0, 0, 10, 0), "description": None}


type Bench = ResearchState | ChaosState


def begin(state: Bench) -> None:
    """Show what a page begins with: at once where it is known, else as soon as the page is there and it was run."""
    if not state.recall():
        pn.state.onload(state.run)


def make_ready(state: Bench, *draw: Callable[[], Any]) -> None:
    """Work out and draw what each page begins with, so that the first does not wait for it longer than the others."""
    asyncio.run(state.run())
    if not state.error:
        for one in draw:
            one()


def setup_card(state: Bench, title: str, button: str, *own: Any) -> pn.Column:
    """What to run, and the button that does.  own: what there is to choose besides prices, days and parameters."""
    return card(
        title,
        pn.widgets.Select.from_param(state.param.prices, name="Prices", **WIDE),
        beside(day_of(state, "start", "From"), day_of(state, "end", "To")),
        *own,
        more_parameters(state),
        run_controls(state, button, state.run),
    )


def awaited_card(state: Bench, title: str, says: str, height: int, nothing: str, how: str) -> pn.Column:
    """The place of the first answer: a skeleton until something was tried, then (`nothing`, `how`) to get one."""
    shown = pn.bind(lambda tried: empty(nothing, how) if tried else skeleton(says, height), state.param.tried)
    return card(title, shown)


def plane_card(
    plane: Plane,
    state: Bench,
    shown: pn.widgets.Select,
    cells: Sequence[pn.widgets.Select],
    *notes: Any,
    title: str,
    result: str,
    cell: str,
    measure: str,
    **head: str,
) -> pn.Column:
    """The plane of a result.  shown: chooses what its colours are.  cells: as `cell_choosers`.  notes: above it.

    result, cell, measure: parameters of `state`.  head: as of `card`.
    """
    return card(
        title,
        *notes,
        beside(shown, *cells, margin=(4, 0, 6, 0)),
        plane.view(state, [result, measure], cell=cell),
        **head,
    )


def cell_choosers(
    state: Bench,
    cell: str,
    values: Callable[[Any], Mapping[str, Any]],
    choosers: Mapping[str, pn.widgets.Select],
) -> list[pn.widgets.Select]:
    """The same as a click on the plane, by keyboard.

    cell: the parameter that says which one is looked into.  values: its parameters by name; none where there is no
    cell.  choosers: by the same names.
    """

    def follow(now: Any) -> None:
        known = values(now)
        if all(known[name] in chooser.values for name, chooser in choosers.items() if name in known):
            for name, chooser in choosers.items():
                chooser.value = known.get(name, chooser.value)

    async def chosen(*_: Any) -> None:
        wanted = {name: chooser.value for name, chooser in choosers.items()}
        if wanted != values(getattr(state, cell)):
            await state.look_into(wanted)

    follow(getattr(state, cell))
    for chooser in choosers.values():
        chooser.param.watch(chosen, "value")
    state.param.watch(lambda event: follow(event.new), cell)
    return list(choosers.values())
