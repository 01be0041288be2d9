"""What happened along the time axis: windows shaded, stops as lines, fills as triangles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.plotting.curves import naive, price_form
from workbench.plotting.style import AMBER, RED, TEAL, load, styled

__all__ = [
    "MOST_FILLS",
    "Fills",
    "Stops",
    "Windows",
    "fill_marks",
    "hatch",
    "read_fills",
    "scatter",
    "stop_lines",
    "window_spans",
]

type Windows = pd.DataFrame | Iterable[tuple[Any, Any, str]]
"""Windows of time with the columns start, end and label (what the pointer shows), or such rows."""
type Stops = pd.DataFrame | Iterable[tuple[Any, str]]
"""Moments with the columns time and label, or such rows."""
type Fills = pd.DataFrame
"""timestamp, side (buy or sell), quantity (units, their sign does not count), price (quote currency); and strategy_id,
symbol, venue, fee where they are known."""

MOST_FILLS: Final = 2_000
_SIDES: Final = (("buy", "triangle", TEAL), ("sell", "inverted_triangle", RED))
_EXTRA: Final = ("strategy_id", "symbol", "venue", "quantity", "price", "fee")


def window_spans(windows: Windows | None, label: str = "chaos") -> list[Any]:
    """Windows as hatched spans over the whole height.  Raises DataError for what are no windows."""
    table = _read(windows, ("start", "end", "label"), "windows")
    if not len(table):
        return []
    if not (table["end"] > table["start"]).all():
        raise DataError("windows: expected each window to end after its start")
    rows = list(table[["start", "end", "label"]].itertuples(index=False, name=None))
    # The first dimension names the axis, by which plots below each other move together.
    spans = load().VSpans(rows, kdims=["time", "until"], vdims=[label], label=f"{label} window")
    return [
        styled(
            spans,
            fill_color=AMBER,
            fill_alpha=0.16,
            line_color=AMBER,
            line_alpha=0.8,
            line_dash="dotted",
            tools=["hover"],
            hover_tooltips=[(label, f"@{label}")],
            apply_ranges=False,
            hooks=[hatch("right_diagonal_line", AMBER)],
        )
    ]


def stop_lines(stops: Stops | None) -> list[Any]:
    """Moments at which something was stopped, as dashed lines.  Raises DataError for what are no moments."""
    table = _read(stops, ("time", "label"), "stops")
    if not len(table):
        return []
    rows = list(table[["time", "label"]].itertuples(index=False, name=None))
    lines = load().VLines(rows, kdims=["time"], vdims=["stopped"], label="stopped")
    return [
        styled(
            lines,
            color=RED,
            line_dash="dashed",
            line_width=1.3,
            tools=["hover"],
            hover_tooltips=[("stopped", "@stopped")],
            apply_ranges=False,
        )
    ]


def read_fills(fills: object) -> pd.DataFrame:
    """Fills in the order of their times, with a column `time` (UTC, without zone) and `signed` units.

    Raises DataError for a frame without the columns of `Fills`, or with a side that is neither buy nor sell.
    """
    needed = ("timestamp", "side", "quantity", "price")
    if not isinstance(fills, pd.DataFrame):
        raise DataError(f"fills: expected a frame, found {type(fills).__name__}")
    if missing := [name for name in needed if name not in fills]:
        raise DataError(f"fills: expected the columns {', '.join(needed)}, found no {', '.join(missing)}")
    sides = fills["side"].astype(str)
    if len(odd := sides[~sides.isin(["buy", "sell"])]):
        raise DataError(f"fills: expected the side to be buy or sell, found {odd.iloc[0]!r}")
    units = np.abs(fills["quantity"].to_numpy(dtype=np.float64))
    if not (np.isfinite(units) & (units > 0.0)).all():
        raise DataError("fills: expected quantities as units other than 0")
    table = fills.assign(
        time=_times(fills["timestamp"], "fills"),
        signed=np.where(sides == "buy", units, -units),
    )
    return table.sort_values("time", kind="stable", ignore_index=True)


def fill_marks(fills: pd.DataFrame | None, curve: pd.Series[float]) -> list[Any]:
    """Fills on a curve, bought and sold apart; of more than `MOST_FILLS` none.

    curve: by time without a zone.  A fill stands on the last value at or before its time.
    """
    if fills is None or not 0 < len(fills) <= MOST_FILLS:
        return []
    table = read_fills(fills)
    places = np.maximum(np.searchsorted(curve.index, table["time"], side="right") - 1, 0)
    table[curve.name] = curve.to_numpy()[places]
    return [
        scatter(table[table["side"] == side], str(curve.name), f"{side} fills", marker, colour)
        for side, marker, colour in _SIDES
        if (table["side"] == side).any()
    ]


def scatter(
    table: pd.DataFrame,
    height: str,
    label: str,
    marker: str,
    colour: str,
    *,
    hollow: bool = False,
    size: int = 8,
) -> Any:
    """Marks at the column `height`; the pointer shows whatever else is known of a fill."""
    shown = [name for name in (*_EXTRA, "action", "position") if name in table]
    columns = [height, *(name for name in shown if name != height)]
    points = load().Scatter(table[["time", *columns]], "time", columns, label=label)
    forms = {
        "quantity": "{0,0.[00000000]}",
        "price": f"{{{price_form(table['price'])}}}",
        "fee": "{0,0.00[00]}",
    }
    forms["position"] = forms["quantity"]
    tooltips = [(name, f"@{name}{forms.get(name, '')}") for name in shown]
    return styled(
        points,
        marker=marker,
        size=size,
        fill_color=colour,
        fill_alpha=0.0 if hollow else 0.9,
        line_color=colour,
        line_width=1.4 if hollow else 0.6,
        tools=["hover"],
        hover_tooltips=[("time (UTC)", "@time{%Y-%m-%d %H:%M:%S}"), *tooltips],
        hover_formatters={"@time": "datetime"},
    )


def hatch(pattern: str, colour: str) -> Any:
    """A hook that hatches an element: HoloViews has no option for it."""

    def hook(plot: Any, _: Any) -> None:
        glyph = plot.handles["glyph"]
        glyph.hatch_pattern = pattern
        glyph.hatch_color = colour
        glyph.hatch_alpha = 0.45
        glyph.hatch_weight = 0.7
        glyph.hatch_scale = 10

    return hook


def _read(
    given: pd.DataFrame | Iterable[tuple[Any, ...]] | None, columns: tuple[str, ...], where: str
) -> pd.DataFrame:
    """Rows with times without a zone and a label."""
    if given is None:
        return pd.DataFrame(columns=list(columns))
    if isinstance(given, pd.DataFrame):
        table = given if "label" in given else given.assign(label="")
    else:
        rows = list(given)
        if any(len(row) != len(columns) for row in rows):
            raise DataError(f"{where}: expected rows of {', '.join(columns)}")
        table = pd.DataFrame(rows, columns=list(columns))
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{where}: expected the columns {', '.join(columns)}, found no {', '.join(missing)}")
    times = {name: _times(table[name], where) for name in columns if name != "label"}
    return table.assign(**times)


def _times(column: pd.Series[Any], where: str) -> pd.DatetimeIndex:
    try:
        return naive(pd.DatetimeIndex(pd.to_datetime(column, utc=True, format="mixed")))
    except (TypeError, ValueError) as reason:
        raise DataError(
            f"{where}: expected times such as '2008-09-15', found something else ({reason})"
        ) from reason
