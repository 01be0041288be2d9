"""Equity above drawdown on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.performance.arithmetic import drawdowns
from workbench.plotting.curves import area, line, number_form, read_curve
from workbench.plotting.marks import Fills, Stops, Windows, fill_marks, stop_lines, window_spans
from workbench.plotting.style import BLUE, GREY, HEIGHT, RED, WIDTH, overlay, size_of, stack

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["equity_drawdown"]


def equity_drawdown(
    equity: pd.Series[float],
    drawdown: pd.Series[float] | None = None,
    *,
    windows: Windows | None = None,
    stops: Stops | None = None,
    fills: Fills | None = None,
    benchmark: pd.Series[float] | None = None,
    unit: str = "quote currency",
    width: int = WIDTH,
    height: int = HEIGHT,
    title: str = "",
    responsive: bool = False,
) -> hv.Layout:
    """Equity above drawdown; windows hatched, stops as dashed lines, fills as triangles.

    equity: by time, in `unit`.  drawdown: fractions <= 0 by time; None takes them from equity, whose first value
    (not a missing one) is the first high.  benchmark: what else the money might have done (prices, another equity),
    worth as much at the start.  fills: of more than `marks.MOST_FILLS` none are marked.  height: pixels of the upper
    plot, the lower one has half.
    Raises DataError for curves that are none, ConfigError for sizes.
    """
    size = size_of(width, height, responsive)
    curve = read_curve(equity, "equity")
    if drawdown is None:
        values = np.asarray(curve, dtype=np.float64)
        known = np.isfinite(values)
        below = np.full(len(values), np.nan)
        below[known] = drawdowns(values[known], float(values[known][0]))
        fall = pd.Series(below, index=curve.index, name="drawdown")
    else:
        fall = read_curve(drawdown, "drawdown")
        if (fall > 0.0).any():
            raise DataError("drawdown: expected fractions <= 0, found some above; turn the sign round")
    spans, lines = window_spans(windows), stop_lines(stops)
    beside = [] if benchmark is None else [_benchmark(benchmark, curve)]
    own = line(curve, "equity", "0,0.00", colour=BLUE, label="equity" if beside else "")
    upper = overlay(
        [*spans, *beside, own, *fill_marks(fills, curve), *lines],
        size.options(),
        title=title,
        ylabel=f"equity ({unit})",
        yformatter=number_form("0,0"),
        xlabel="",
    )
    below = area(fall, "drawdown", "0.00%", colour=RED)
    lower = overlay(
        [*spans, below, *lines],
        size.options(size.height // 2),
        title="",
        ylabel="drawdown",
        show_legend=False,
        yformatter=number_form("0.0[000]%"),
    )
    layout: hv.Layout = stack([upper, lower])
    return layout


def _benchmark(benchmark: pd.Series[float], equity: pd.Series[float]) -> object:
    """The benchmark over the time of the equity, worth the same where it begins."""
    curve = read_curve(benchmark, "benchmark")
    inside = curve[(curve.index >= equity.index[0]) & (curve.index <= equity.index[-1])].dropna()
    if not len(inside):
        raise DataError("benchmark: expected times that the equity has, found none in common")
    at = max(int(np.searchsorted(equity.index, inside.index[0], side="right")) - 1, 0)
    scaled = inside * (float(equity.iloc[at]) / float(inside.iloc[0]))
    return line(scaled, "equity", "0,0.00", colour=GREY, label="benchmark", line_dash="dashed")
