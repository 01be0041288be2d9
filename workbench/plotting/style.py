"""One look for every plot: sizes, fonts, colours and colour maps, readable on a light page and on a dark one.

Plots have no background of their own.  Text takes the colour of the page around it where that page tells it
(JupyterLab, Panel, VS Code; or `--workbench-ink` of a page of ours), and is a grey in the middle elsewhere.  Lines and
marks have at least 3 times the contrast of white and of JupyterLab's black (#111111), which is what WCAG 2.1 asks of
graphics (success criterion 1.4.11).  Colours mean the same everywhere: blue what is looked at, red what is lost or
stopped, amber chaos, teal what is bought; whatever they say is also said by shape, dash, hatching or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "AMBER",
    "BLUE",
    "DIVERGING",
    "FONT",
    "GREY",
    "HEIGHT",
    "INK",
    "LINES",
    "RED",
    "TEAL",
    "WIDTH",
    "Size",
    "bar_options",
    "colour_of",
    "contrast",
    "load",
    "overlay",
    "sequential",
    "size_of",
    "stack",
    "styled",
    "text_on",
]

WIDTH: Final = 900
HEIGHT: Final = 320
LEAST: Final = 80  # pixels; a lower plot is all axis

FONT: Final = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
INK: Final = "#757a82"
"""Text where the page does not tell its colour: 4.3 times the contrast of white and of #111111."""

BLUE: Final = "#1f77b8"
RED: Final = "#cf4538"
TEAL: Final = "#0f8a76"
AMBER: Final = "#c08319"
GREY: Final = "#808690"
LINES: Final = (BLUE, "#c8641b", TEAL, "#b0619b", "#8f7a1c", "#5b7fd6")
"""For several lines in one plot, which also differ by dash."""

_ANCHORS: Final = ("#9c1f14", "#cf4538", "#eda48f", "#ebe8e4", "#93bfe0", "#1f77b8", "#0c4374")
_LIGHT_TEXT, _DARK_TEXT = "#ffffff", "#14181d"

_SHEET: Final = """
:host {
  --ink: var(--workbench-ink, var(--jp-ui-font-color1, var(--vscode-foreground, var(--panel-on-background-color))));
  --bk-text-color: var(--ink);
  --bk-title-text-color: var(--ink);
  --bk-axis-label-text-color: var(--ink);
  --bk-major-label-text-color: var(--ink);
  --bk-label-text-color: var(--ink);
}
"""


class Size(NamedTuple):
    """Pixels; a responsive plot is as wide as its place, whatever `width` says."""

    width: int
    height: int
    responsive: bool

    def options(self, height: int | None = None) -> dict[str, Any]:
        """What HoloViews calls it.  height: of one plot among several, None for the whole."""
        tall = self.height if height is None else max(height, LEAST)
        if self.responsive:
            return {"responsive": True, "height": tall, "min_width": 280}
        return {"responsive": False, "height": tall, "width": self.width}


def size_of(width: object, height: object, responsive: object = False) -> Size:
    """The size of a plot.  Raises ConfigError where a size is no whole number above 0."""
    pixels = []
    for name, value in (("width", width), ("height", height)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value <= 0:
            raise ConfigError(f"{name} must be a whole number of pixels above 0, found {value!r}")
        pixels.append(int(value))
    if not isinstance(responsive, bool):
        raise ConfigError(f"responsive must be True or False, found {responsive!r}")
    return Size(pixels[0], pixels[1], responsive)


def load() -> ModuleType:
    """HoloViews with bokeh, ready for a notebook.  Takes seconds the first time, which is why nothing else loads it."""
    import holoviews as hv
    import hvplot.pandas

    # hvplot puts what a notebook needs into each cell that plots, so that a cell run again still shows its plot.
    assert hvplot.pandas
    module: ModuleType = hv
    return module


def styled(element: Any, **options: Any) -> Any:
    """The element with these options for bokeh, whichever library HoloViews draws with at the moment."""
    return element.opts(backend="bokeh", **options)


def overlay(elements: Sequence[Any], size: dict[str, Any], **options: Any) -> Any:
    """Elements one above the other in one plot with our look."""
    return styled(
        load().Overlay(list(elements)),
        **{
            "toolbar": "above",
            "show_grid": True,
            "gridstyle": {"grid_line_color": GREY, "grid_line_alpha": 0.22},
            "legend_position": "top",
            "legend_opts": _LEGEND,
            "fontsize": {"title": "13px", "labels": "12px", "ticks": "11px", "legend": "11px"},
            "hooks": [_finish],
            **size,
            **options,
        },
    )


def stack(plots: Sequence[Any]) -> Any:
    """Plots below each other, one toolbar for all."""
    return styled(load().Layout(list(plots)).cols(1), toolbar="above", shared_axes=True)


_LEGEND: Final = {
    "background_fill_alpha": 0.0,
    "border_line_color": None,
    "label_text_color": INK,
    "label_text_font": FONT,
    "orientation": "horizontal",
    "padding": 0,
    "margin": 0,
    "glyph_height": 14,
    "spacing": 14,
}
# Pixels across: of an entry's mark with the room about it, and of a letter.
_LEGEND_MARK, _LEGEND_LETTER = 44, 6.2


def _finish(plot: Any, _: Any) -> None:
    """What HoloViews has no option for: no background, and the ink of the page."""
    from bokeh.models import InlineStyleSheet, NoOverlap

    figure = plot.state
    figure.output_backend = (
        "canvas"  # WebGL pays above the points that we draw, and costs seconds where no GPU is
    )
    figure.background_fill_color = None
    figure.border_fill_color = None
    figure.outline_line_color = None
    figure.toolbar.logo = None
    if not any(getattr(sheet, "css", None) == _SHEET for sheet in figure.stylesheets):
        figure.stylesheets = [*figure.stylesheets, InlineStyleSheet(css=_SHEET)]
    figure.title.text_color = INK
    figure.title.text_font = FONT
    for axis in figure.axis:
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = GREY
        axis.minor_tick_line_color = None
        axis.major_label_policy = NoOverlap(min_distance=4)
    for legend in figure.legend:
        _wrap(figure, legend)


def _wrap(figure: Any, legend: Any) -> None:
    """As many entries beside each other as there is room for; only the browser knows how wide the plot is."""
    from bokeh.models import CustomJS

    if len(legend.items) > 1 and legend.orientation == "horizontal":
        longest = max(len(str(getattr(item.label, "value", "") or "")) for item in legend.items)
        given = {"figure": figure, "legend": legend, "width": _LEGEND_MARK + _LEGEND_LETTER * longest}
        code = (
            "const most = Math.max(1, Math.floor(figure.inner_width / width));"
            "legend.ncols = Math.min(legend.items.length, most)"
        )
        figure.js_on_change("inner_width", CustomJS(args=given, code=code))


def bar_options() -> dict[str, Any]:
    """How a colour bar looks."""
    return {
        "title_standoff": 8,
        "background_fill_color": None,
        "title_text_color": INK,
        "title_text_font": FONT,
        "title_text_font_style": "normal",
        "title_text_font_size": "12px",
        "major_label_text_color": INK,
        "major_label_text_font": FONT,
        "major_label_text_font_size": "11px",
        "bar_line_color": None,
        "major_tick_line_color": None,
    }


def _rgb(colour: str) -> npt.NDArray[np.float64]:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], dtype=np.float64)


def _mixed(anchors: Sequence[str], steps: int) -> tuple[str, ...]:
    """Colours between the anchors, evenly spaced."""
    corners = np.array([_rgb(anchor) for anchor in anchors])
    at = np.linspace(0, len(anchors) - 1, steps)
    channels = [np.interp(at, np.arange(len(anchors)), corners[:, c]) for c in range(3)]
    return tuple("#{:02x}{:02x}{:02x}".format(*rgb) for rgb in np.rint(np.stack(channels, 1)).astype(int))


DIVERGING: Final = _mixed(_ANCHORS, 255)
"""Red below 0, blue above, a light grey at 0: told apart by those who cannot tell red from green."""


def sequential() -> tuple[str, ...]:
    """From dark to bright (viridis: even steps for the eye, also without colour)."""
    from bokeh.palettes import Viridis256

    return tuple(Viridis256)


def colour_of(value: float, low: float, high: float, palette: Sequence[str]) -> str:
    """The colour that `value` has where `palette` runs from `low` to `high`; beyond them that of the end."""
    share = (value - low) / (high - low) if high > low else 0.5
    return palette[int(min(max(share, 0.0), 1.0) * (len(palette) - 1) + 0.5)]


def text_on(colour: str) -> str:
    """Dark or light, whichever is read more easily on `colour`."""
    return max((_DARK_TEXT, _LIGHT_TEXT), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""
    levels = []
    for colour in (one, other):
        share = _rgb(colour) / 255.0
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        levels.append(float(linear @ np.array([0.2126, 0.7152, 0.0722])))
    return (max(levels) + 0.05) / (min(levels) + 0.05)
