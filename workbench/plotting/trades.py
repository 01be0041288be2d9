"""Trades on the price that they were made at, and the position below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from workbench.plotting.candles import candles, joined
from workbench.plotting.curves import TIME_LABEL, area, line, number_form, price_form, read_curve, steps
from workbench.plotting.marks import (
    MOST_FILLS,
    Fills,
    Stops,
    Windows,
    hatch,
    read_fills,
    scatter,
    stop_lines,
    window_spans,
)
from workbench.plotting.style import (
    BLUE,
    HEIGHT,
    INK,
    RED,
    TEAL,
    WIDTH,
    load,
    overlay,
    size_of,
    stack,
    styled,
)

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["trades_on_price", "with_positions"]

MOST_SPANS: Final = 400  # spells of a position that are shaded; more would be one grey
_FLAT: Final = 1e-12  # of what was traded: a position this small is what sums of binary fractions leave
_SIDES: Final = (
    ("buy", "entry", "triangle", TEAL),
    ("buy", "exit", "triangle", TEAL),
    ("sell", "entry", "inverted_triangle", RED),
    ("sell", "exit", "inverted_triangle", RED),
)


def trades_on_price(
    price: pd.Series[float],
    fills: Fills,
    *,
    bars: pd.DataFrame | None = None,
    windows: Windows | None = None,
    stops: Stops | None = None,
    unit: str = "quote currency",
    width: int = WIDTH,
    height: int = HEIGHT,
    title: str = "",
    responsive: bool = False,
) -> hv.Layout:
    """The price with its fills, and below it the position after each of them.

    price: of one instrument by time, in `unit`.  fills: of that instrument, in the order in which they were made; see
    `marks.Fills`.  Those outside the time of the price count for the position, and are not drawn.  Bought is a triangle
    up, sold one down; an entry (from flat, adding, or across to the other side) is filled, an exit hollow, told for
    each strategy by its own position.  Shaded, by the position of all together: long plain, short hatched.  Of more
    than `MOST_FILLS` fills none are marked, and the title says so; take a part of them.  The position is 0 before the
    first fill.  bars: open, high, low and close by time, drawn as candles in place of a line; of many bars each candle
    is several, as the title says.  height: pixels of the upper plot, the lower one has half.
    Raises DataError for a price or fills that are none, ConfigError for sizes.
    """
    size = size_of(width, height, responsive)
    curve = read_curve(price, "price")
    table = with_positions(read_fills(fills))
    start, end = curve.index[0], curve.index[-1]
    net = _net(table, start, end)
    table = table[(table["time"] >= start) & (table["time"] <= end)]
    few = len(table) <= MOST_FILLS
    form = price_form(curve)
    lines, spans = stop_lines(stops), window_spans(windows)
    marks = _marks(table) if few else []
    notes = [] if few else [f"{len(table):,} fills, too many to mark"]
    if bars is None:
        shown = [line(curve, "price", form, colour=BLUE)]
    else:
        shown, each = candles(bars), joined(bars)[1]
        notes += [f"each candle is {each:,} bars"] if each > 1 else []
    upper = overlay(
        [*spans, *_shades(net, end), *shown, *marks, *lines],
        size.options(),
        title=f"{title} ({', '.join(notes)})" if notes and title else title or ", ".join(notes),
        xlim=(start, end),
        ylabel=f"price ({unit})",
        yformatter=number_form(form.replace(".00", ".[00", 1) + "]"),
        xlabel="",
    )
    held = steps(net, end)
    lower = overlay(
        [*spans, area(held, "position", "0,0.[00000000]", colour=INK), *lines],
        size.options(size.height // 2),
        title="",
        ylabel="position (units)",
        yformatter=number_form("0,0.[00000000]"),
        xlabel=TIME_LABEL,
        show_legend=False,
    )
    layout: hv.Layout = stack([upper, lower])
    return layout


def with_positions(fills: pd.DataFrame) -> pd.DataFrame:
    """Fills with the position after each, of its strategy (all are one without `strategy_id`), and what each did.

    position: signed units.  action: opens, adds, reduces, closes or flips.  entry: whether risk was taken on.
    """
    owner = fills["strategy_id"] if "strategy_id" in fills else pd.Series("", index=fills.index)
    after = fills.groupby(owner, sort=False)["signed"].cumsum().to_numpy(dtype=np.float64)
    traded = fills["signed"].abs().groupby(owner, sort=False).cumsum().to_numpy(dtype=np.float64)
    after = np.where(np.abs(after) <= _FLAT * traded, 0.0, after)
    before = after - fills["signed"].to_numpy(dtype=np.float64)
    before = np.where(np.abs(before) <= _FLAT * traded, 0.0, before)
    action = np.select(
        [before == 0.0, after == 0.0, before * after < 0.0, np.abs(after) > np.abs(before)],
        ["opens", "closes", "flips", "adds"],
        "reduces",
    )
    return fills.assign(position=after, action=action, entry=~np.isin(action, ["closes", "reduces"]))


def _net(fills: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series[float]:
    """The position of all strategies at `start`, and after each moment with fills from then to `end`."""
    total = fills["signed"].cumsum().to_numpy(dtype=np.float64)
    total = np.where(
        np.abs(total) <= _FLAT * fills["signed"].abs().cumsum().to_numpy(dtype=np.float64), 0.0, total
    )
    levels = pd.Series(total, index=pd.DatetimeIndex(fills["time"]), name="position")
    levels = levels.groupby(level=0).last()
    before = levels[levels.index <= start]
    held = pd.Series(
        [before.iloc[-1] if len(before) else 0.0], index=pd.DatetimeIndex([start]), name="position"
    )
    net: pd.Series[float] = pd.concat([held, levels[(levels.index > start) & (levels.index <= end)]])
    return net


def _shades(net: pd.Series[float], end: pd.Timestamp) -> list[Any]:
    """Spells of being long and of being short."""
    signs = np.sign(net.to_numpy(dtype=np.float64))
    turns = np.flatnonzero(np.append(True, signs[1:] != signs[:-1]))
    if len(turns) > MOST_SPANS:
        return []
    starts = net.index[turns]
    ends = starts[1:].append(pd.DatetimeIndex([end]))
    shades = []
    looks: tuple[tuple[float, str, str, list[Any]], ...] = (
        (1.0, "long", TEAL, []),
        (-1.0, "short", RED, [hatch("left_diagonal_line", RED)]),
    )
    for sign, name, colour, hooks in looks:
        rows = [
            (a, b) for a, b, s in zip(starts, ends, signs[turns].tolist(), strict=True) if s == sign and b > a
        ]
        if rows:
            spans = load().VSpans(rows, kdims=["time", "until"], label=name)
            look = {"fill_color": colour, "fill_alpha": 0.10, "line_alpha": 0.0, "hooks": hooks}
            shades.append(styled(spans, apply_ranges=False, **look))
    return shades


def _marks(fills: pd.DataFrame) -> list[Any]:
    found = []
    for side, kind, marker, colour in _SIDES:
        rows = fills[(fills["side"] == side) & (fills["entry"] == (kind == "entry"))]
        if len(rows):
            label = f"{side}, {kind}"
            found.append(scatter(rows, "price", label, marker, colour, hollow=kind == "exit", size=10))
    return found
