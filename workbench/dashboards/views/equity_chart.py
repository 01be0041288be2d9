"""Equity and drawdown by time, which grow at their right end; only what is new goes to the browser."""

from __future__ import annotations

from typing import Any, Final

import panel as pn

from workbench.plotting.style import BLUE, FONT, GREY, INK, RED

__all__ = ["equity_chart"]

_ROLLOVER: Final = 3_000
_SHEET: Final = """
:host {
  --ink: var(--wb-soft, var(--workbench-ink));
  --bk-axis-label-text-color: var(--ink); --bk-major-label-text-color: var(--ink);
}
"""


def equity_chart(state: Any) -> pn.pane.Bokeh:
    """Follows `state.curve`, a frame of equity and drawdown by time."""
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure

    source = ColumnDataSource({"time": [], "equity": [], "drawdown": []})
    money = _figure(figure, 190, "equity")
    money.line("time", "equity", source=source, line_color=BLUE, line_width=2)
    fall = _figure(figure, 104, "drawdown", x_range=money.x_range)
    fall.varea("time", 0, "drawdown", source=source, fill_color=RED, fill_alpha=0.35)
    fall.line("time", "drawdown", source=source, line_color=RED, line_width=1.2)
    money.xaxis.visible = False
    last = 0

    def draw(*_: Any) -> None:
        nonlocal last
        curve = state.curve
        if curve is None or curve.empty:
            return
        times = curve.index.as_unit("ns").asi8
        if len(times) and times[-1] < last:  # another engine, or one that begins anew
            source.data = {name: [] for name in source.column_names}
            last = 0
        fresh = curve[times > last]
        if fresh.empty:
            return
        rows = {
            "time": fresh.index.tz_localize(None).as_unit("ms").to_numpy(),
            "equity": fresh["equity"].to_numpy(),
            "drawdown": -100.0 * fresh["drawdown"].to_numpy(),
        }
        if last:
            source.stream(rows, rollover=_ROLLOVER)
        else:
            source.data = rows
        last = int(times[-1])

    state.param.watch(draw, ["curve"])
    draw()
    from bokeh.layouts import column

    return pn.pane.Bokeh(
        column(money, fall, sizing_mode="stretch_width"), sizing_mode="stretch_width", margin=0
    )


def _figure(figure: Any, height: int, label: str, **options: Any) -> Any:
    from bokeh.models import InlineStyleSheet, NumeralTickFormatter

    made = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        name=label,
        toolbar_location=None,
        tools="",
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=10,
        **options,
    )
    made.stylesheets = [InlineStyleSheet(css=_SHEET)]
    made.grid.grid_line_color, made.grid.grid_line_alpha = GREY, 0.22
    if label == "equity":
        made.yaxis.formatter = NumeralTickFormatter(format="0,0")
    for axis in made.axis:
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = GREY
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "11px"
    made.yaxis.ticker.desired_num_ticks = 4 if height > 120 else 3
    return made
