"""A result as a HoloViews object for a notebook or a dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.backtest.axes import thin
from workbench.backtest.charts import chaos_title
from workbench.errors import ConfigError

if TYPE_CHECKING:
    import holoviews as hv

    from workbench.backtest.result import BacktestResult

__all__ = ["plot_result"]

_BLUE, _RED, _GREEN, _AMBER = "#1769aa", "#c62f37", "#17803d", "#e6a23c"
_BUCKETS = 2_000  # a browser draws twice as many points at once
MOST_FILLS = 2_000


def plot_result(result: BacktestResult, width: int = 900, height: int = 320) -> hv.Layout:
    """Equity above drawdown on one time axis; chaos windows shaded, breaker trips as lines, fills as triangles.

    width, height: pixels, height that of the upper plot.  Of more than `MOST_FILLS` fills none are marked.
    Raises ConfigError where a size is no whole number above 0.
    """
    sizes: dict[str, object] = {"width": width, "height": height}
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise ConfigError(f"{name} must be a whole number of pixels above 0, found {value!r}")
    import holoviews as hv
    import hvplot.pandas
    from bokeh.models import NumeralTickFormatter

    assert hvplot.pandas  # imported for what it adds to frames
    size = {"width": width, "responsive": False, "xlabel": "", "grid": True}
    equity = _thinned(result, "equity").hvplot.line(
        color=_BLUE, height=height, ylabel="equity", yformatter=NumeralTickFormatter(format="0,0"), **size
    )
    fall = _thinned(result, "drawdown").hvplot.area(
        color=_RED,
        alpha=0.4,
        line_alpha=0.0,
        height=max(height // 2, 80),
        ylabel="drawdown",
        yformatter=NumeralTickFormatter(format="0.0%"),
        **size,
    )
    title = f"{', '.join(result.strategies)} on {', '.join(result.instruments[:4])}"
    upper = hv.Overlay([*_windows(result), equity, *_fills(result), *_stops(result)])
    lower = hv.Overlay([*_windows(result), fall, *_stops(result)])
    upper = upper.opts(title=title, legend_position="top")
    plots: hv.Layout = (upper + lower.opts(title="")).cols(1)
    return plots


def _thinned(result: BacktestResult, name: str) -> pd.DataFrame:
    curve = result.equity if name == "equity" else result.drawdown
    # Plots show times as they are given; without a zone they are UTC everywhere.
    plain = pd.DatetimeIndex(curve.index).tz_localize(None)
    kept = thin(np.asarray(curve, dtype=np.float64), _BUCKETS)
    return pd.DataFrame({name: np.asarray(curve)[kept]}, index=plain[kept].rename("time"))


def _windows(result: BacktestResult) -> list[Any]:
    """Chaos windows as shaded spans; the pointer shows what each one is."""
    import holoviews as hv

    if not result.chaos:
        return []
    rows = [(_plain(event.start_ns), _plain(event.end_ns), chaos_title(event)) for event in result.chaos]
    spans = hv.VSpans(rows, kdims=["start", "end"], vdims=["chaos"])
    return [spans.opts(color=_AMBER, alpha=0.25, tools=["hover"], apply_ranges=False)]


def _stops(result: BacktestResult) -> list[Any]:
    import holoviews as hv

    trips = result.record.recorder.trips
    if not trips:
        return []
    rows = [
        (_plain(trip.timestamp_ns), f"{trip.strategy_id or 'portfolio'}: {trip.reason}") for trip in trips
    ]
    lines = hv.VLines(rows, kdims=["time"], vdims=["stopped"])
    return [lines.opts(color=_RED, line_dash="dashed", tools=["hover"], apply_ranges=False)]


def _fills(result: BacktestResult) -> list[Any]:
    """Fills on the equity curve, bought and sold apart."""
    fills = result.fills
    if not 0 < len(fills) <= MOST_FILLS:
        return []
    times = pd.DatetimeIndex(fills["timestamp"])
    # The time of a fill is that of an update, or of none where a report came late: then the update before counts.
    places = np.maximum(np.searchsorted(result.times_ns, times.asi8, side="right") - 1, 0)
    shown = fills.assign(time=times.tz_localize(None), equity=np.asarray(result.equity)[places])
    return [
        shown[shown["side"] == side].hvplot.scatter(
            x="time",
            y="equity",
            marker=marker,
            color=colour,
            size=50,
            label=f"{side} fills",
            hover_cols=["strategy_id", "symbol", "venue", "quantity", "price", "fee"],
        )
        for side, marker, colour in (("buy", "triangle", _GREEN), ("sell", "inverted_triangle", _RED))
        if (shown["side"] == side).any()
    ]


def _plain(nanoseconds: int) -> pd.Timestamp:
    return pd.Timestamp(nanoseconds, unit="ns")
