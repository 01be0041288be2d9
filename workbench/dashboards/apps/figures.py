"""Plots in pages.  HoloViews takes a while to draw one: what several pages show alike it draws once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import panel as pn

from workbench.dashboards.state.shared import Shared
from workbench.plotting.style import load

__all__ = ["Figure", "drawn", "figure_of", "plot"]

_MOST: Final = 8
_DIVIDER: Final = ".bk-divider { background-color: var(--wb-line) !important; }"


class Figure:
    """A plot as bokeh has it, from which each page gets models of its own.

    What was drawn is kept as bokeh would send it to a browser: a model belongs to one page, and knows it.
    """

    def __init__(self, plot: Any) -> None:
        from bokeh.core.serialization import Serializer

        whole = Serializer().serialize(drawn(plot))
        self._content, self._buffers = whole.content, whole.buffers or []

    def model(self) -> Any:
        """Bokeh's figure (or grid of figures), for one page."""
        from bokeh.core.serialization import Deserializer

        return Deserializer().decode(_with_new_ids(self._content, {}), self._buffers)


def _with_new_ids(part: Any, names: dict[str, str]) -> Any:
    """The same, but for the ids of its models: what a page shows twice must have two.  names: new ones by the old."""
    from bokeh.util.serialization import make_id

    if isinstance(part, list | tuple):
        return [_with_new_ids(one, names) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _with_new_ids(value, names) for name, value in part.items()}
    if isinstance(old := part.get("id"), str) and (part.get("type") == "object" or len(part) == 1):
        if old not in names:
            names[old] = str(make_id())
        found["id"] = names[old]
    return found


_FIGURES: Final = Shared[Figure](_MOST)


def figure_of(shown: Hashable, make: Callable[[], Any]) -> Figure:
    """The figure of what `make` plots.  shown: equal where the same is plotted."""
    return _FIGURES.of(shown, lambda: Figure(make()))


def drawn(plot: Any) -> Any:
    """What HoloViews makes of a plot: bokeh's figure, or a grid of them."""
    from bokeh.document import Document
    from bokeh.io.doc import patch_curdoc
    from bokeh.models import Toolbar

    aside = Document()  # else HoloViews gives its theme to the page that is open
    with patch_curdoc(aside):
        model = load().renderer("bokeh").get_plot(plot).state
    for toolbar in model.select({"type": Toolbar}):
        toolbar.logo = None
        toolbar.stylesheets = [_DIVIDER]
    model.stylesheets = []  # ours is for pages that tell no ink, and a pane takes nothing but text
    return model


def plot(figure: Any) -> pn.pane.Bokeh:
    """One of bokeh's figures as wide as its place, in the page's ink (styles/plots.css)."""
    return pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)
