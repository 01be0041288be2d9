"""One look for every dashboard: the palette, light and dark, and how Panel's own parts are drawn in it.

The palette is a set of style variables of the page (styles/colours.css); whatever is drawn asks for its variable, so
that the theme switch of the page needs no word with the server.  In a notebook the notebook's own colours take their
place (styles/host.css).  Plots take the ink of what is around them by themselves, see `workbench.plotting.style`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

import panel as pn
import param
from bokeh.themes import Theme
from panel.theme.base import DarkTheme, DefaultTheme, Design, Inherit

__all__ = ["STYLES", "Look", "page_style", "sheet", "start_panel"]

STYLES: Final = Path(__file__).parent / "styles"


@cache
def sheet(name: str) -> str:
    """The text of styles/`name`.css."""
    return (STYLES / f"{name}.css").read_text(encoding="utf-8")


def page_style() -> str:
    """What the page around an app needs."""
    return sheet("colours") + sheet("page")


_PLOTS: Final = Theme(json={"attrs": {"Toolbar": {"logo": None}}})


class _Light(DefaultTheme):
    base_css = param.Filename(default=STYLES / "host.css")
    bokeh_theme = param.Parameter(default=_PLOTS)


class _Dark(DarkTheme):
    base_css = param.Filename(default=STYLES / "host.css")
    bokeh_theme = param.Parameter(default=_PLOTS)  # the same: plots take the ink of the page


class Look(Design):
    """Panel's design of ours: `design=Look` on whatever is the outermost part."""

    modifiers: ClassVar[dict[Any, dict[str, Any]]] = {
        pn.viewable.Viewable: {"stylesheets": [Inherit, sheet("parts")]},
        pn.widgets.Widget: {"stylesheets": [Inherit, sheet("widgets")]},
        pn.pane.Bokeh: {"stylesheets": [Inherit, sheet("plots")]},
        pn.Tabs: {"stylesheets": [Inherit, sheet("tabs")]},
        pn.Card: {"stylesheets": [Inherit, sheet("folds")]},
        pn.widgets.Tabulator: {"stylesheets": [Inherit, sheet("tables")], "theme": "simple"},
    }
    _themes: ClassVar[dict[str, Any]] = {"default": _Light, "dark": _Dark}


def start_panel(*, notebook: bool = False) -> None:
    """Have Panel load what the dashboards use, all of it from the installed package.

    notebook: in a cell; its output then holds the scripts once, so that nothing is asked of another host.
    """
    options: dict[str, Any] = {"inline": True} if notebook else {}
    pn.extension("tabulator", design=Look, throttled=True, **options)
