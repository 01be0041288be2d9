"""A plane of cells that can be clicked, with a frame round the one that is looked into."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import param

from workbench.dashboards.apps.figures import Figure, plot
from workbench.dashboards.parts import empty
from workbench.plotting.grid import axis_of
from workbench.plotting.style import styled

__all__ = ["Plane", "plane_of"]

type Cell = tuple[Any, ...]
"""Its column and its row; empty where no cell is looked into."""

_LEAST_PLANE = 120  # pixels across: on a phone, beside the names of the rows
_LEAST_CELL = 34  # pixels across, for a number of four letters


class Plane:
    """draw: the figure of an image and its table, None and None where there is nothing.

    nearest: the cell of a place, or None.  look_into: what a click on one does.
    """

    def __init__(
        self,
        draw: Callable[[], tuple[Figure | None, pd.DataFrame | None]],
        nearest: Callable[[float, float], dict[str, Any] | None],
        look_into: Callable[[dict[str, Any]], Coroutine[Any, Any, None]],
    ) -> None:
        self._draw, self._nearest, self._look_into = draw, nearest, look_into
        self._frame: Any = None  # bokeh's source of the frame
        self._pane: Any = None
        self._figure: Figure | None = None
        self._watched: Any = None
        self._cell: Cell = ()
        self._axes: tuple[Any, Any] | None = None
        self._labels: tuple[list[Any], list[Any]] = ([], [])

    def view(self, state: param.Parameterized, watched: Sequence[str], cell: str = "cell") -> Any:
        """The plane, drawn again when one of `watched` changes, and the frame moved when the parameter `cell` does."""
        if self._watched is None:
            self._watched = state.param.watch(lambda event: self.mark(_values(event.new)), cell)
        return pn.bind(
            lambda *_: self._drawn(_values(getattr(state, cell))), *(state.param[name] for name in watched)
        )

    def _drawn(self, cell: Cell) -> Any:
        figure, table = self._draw()
        if figure is None or table is None:
            return empty("Nothing finished", "The run was stopped before its first cell.")
        places = [axis_of(table.columns, "x"), axis_of(table.index, "y", downward=True)]
        self._axes = (places[0][1], places[1][1])
        self._labels = ([table.columns[k] for k in places[0][0]], [table.index[k] for k in places[1][0]])
        self._cell, self._figure = cell, figure
        self._pane = plot(self._framed(figure))
        return self._pane

    def _framed(self, figure: Figure) -> Any:
        """The figure with the frame, and with what hears of a click."""
        from bokeh.events import Tap
        from bokeh.models import ColumnDataSource

        model = figure.model()
        self._frame = ColumnDataSource(self._place(self._cell))
        for colour, width in (("#14181d", 4), ("#ffffff", 2)):
            model.rect(
                "x", "y", "w", "h", source=self._frame, fill_color=None, line_color=colour, line_width=width
            )
        model.on_event(Tap, self._tapped)
        _hide_crowded_numbers(model, len(self._labels[0]))
        return model

    def _tapped(self, event: Any) -> None:
        cell = None if event.x is None else self._nearest(float(event.x), float(event.y))
        if cell is not None:
            pn.state.execute(partial(self._look_into, cell))

    def mark(self, cell: Cell) -> None:
        """Move the frame."""
        self._cell = cell
        frame, place = self._frame, self._place(cell)
        if self._figure is None or frame is None or frame.document is None:
            return
        if (
            frame.document.session_context is not None
        ):  # whoever awaited something no longer holds the document's lock
            frame.document.add_next_tick_callback(lambda: frame.update(data=place))
        else:  # a notebook takes what it is shown as a whole
            self._pane.object = self._framed(self._figure)

    def _place(self, cell: Cell) -> dict[str, Any]:
        if self._axes is None or len(cell) != 2:
            return {"x": [], "y": [], "w": [], "h": []}
        where = []
        for axis, labels, value in zip(self._axes, self._labels, cell, strict=True):
            if value not in labels:
                return {"x": [], "y": [], "w": [], "h": []}
            where.append((float(axis.centres[labels.index(value)]), axis.step))
        (x, w), (y, h) = where
        return {"x": [x], "y": [y], "w": [w], "h": [h]}


def _values(cell: Any) -> Cell:
    """Column and row of a cell: of a mapping's values, or of a place that knows both."""
    if cell is None:
        return ()
    return tuple(cell.values()) if isinstance(cell, Mapping) else (cell.level, cell.kind)


def _hide_crowded_numbers(figure: Any, columns: int) -> None:
    """Numbers in cells are for those that are wide enough; only the browser knows how wide they are."""
    from bokeh.models import CustomJS, Text
    from bokeh.models.renderers import GlyphRenderer

    texts = [
        one for one in figure.renderers if isinstance(one, GlyphRenderer) and isinstance(one.glyph, Text)
    ]
    code = "for (const one of texts) one.visible = figure.inner_width / columns >= least"
    given = {"figure": figure, "texts": texts, "columns": columns, "least": _LEAST_CELL}
    if texts:
        figure.js_on_change("inner_width", CustomJS(args=given, code=code))


def plane_of(drawn: Any, label: str) -> Any:
    """The plot of a plane (an overlay with an image first), with words at its colour bar, and fit for a phone."""
    for element in drawn:
        if type(element).__name__ == "Image":
            styled(element, clabel=label)
    return styled(drawn, min_width=_LEAST_PLANE)
