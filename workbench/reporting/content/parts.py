"""Parts of a report: figures, tables, charts and heat maps that stand by themselves, in a notebook and on a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.backtest.pictures import picture
from workbench.backtest.svg import Chart
from workbench.cells import GREEN, QUIET, RED, Html, Picture, figures, ink, table

__all__ = ["Part", "charts", "frame_part", "headline", "legend", "months_part", "note", "percent", "signed"]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DEEPEST: Final = 0.75  # share of colour of the largest month
_COLOURS: Final = {
    "s0": "#3b8ed0",
    "s1": "#e07b39",
    "s2": "#1fa37c",
    "s3": "#cc79a7",
    "s4": "#b8860b",
    "s5": "#56b4e9",
    "s6": "#8a7be0",
}  # as `page_style.PICTURE` has them


class Part(Html):
    """A part of a report as HTML, which a notebook shows."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"Part({len(self):,} characters of HTML)"


def percent(value: float, places: int = 2) -> str:
    """A fraction in percent; "-" where there is none."""
    return f"{100.0 * value:,.{places}f} %" if math.isfinite(value) else "-"


def signed(value: float, places: int = 2) -> str:
    """Money with its sign; "-" where there is none."""
    return f"{value:+,.{places}f}" if math.isfinite(value) else "-"


def note(text: str) -> Part:
    """A quiet line."""
    return Part(f'<div style="{QUIET};margin:4px 0">{escape(text)}</div>')


def headline(tiles: Iterable[tuple[str, str, str]], rows: Iterable[tuple[str, str]] = ()) -> Part:
    """Large figures (name, figure, and "good", "bad" or ""), and below them more, smaller."""
    colours = {"good": ink(GREEN), "bad": ink(RED)}
    large = "".join(
        f'<div style="min-width:120px"><div style="{QUIET};font-size:12px">{escape(name)}</div>'
        f'<div style="font-size:20px;font-weight:600;{colours.get(tone, "")}">{escape(figure)}</div></div>'
        for name, figure, tone in tiles
    )
    return Part(
        '<div style="font-variant-numeric:tabular-nums;font-size:13px">'
        f'<div style="display:flex;flex-wrap:wrap;gap:10px 26px">{large}</div>{figures(rows, 4)}</div>'
    )


def charts(*given: Chart, names: Mapping[str, str] | None = None) -> Picture | Part:
    """Charts below each other.  names: style to what a line is, for a legend."""
    drawn = picture(given)
    return Part(f"{legend(names)}{drawn}") if names else drawn


def legend(names: Mapping[str, str]) -> Html:
    """What each line of a chart is; by word and colour."""
    entries = "".join(
        f'<span style="margin-right:16px"><span style="display:inline-block;width:14px;height:3px;'
        f'background:{_COLOURS.get(style, "currentColor")};vertical-align:middle;margin-right:6px"></span>'
        f"{escape(name)}</span>"
        for style, name in names.items()
    )
    return Html(f'<div style="font-size:12.5px;{QUIET}">{entries}</div>')


def frame_part(frame: pd.DataFrame, nothing: str, *, most: int = 20, index: bool = False) -> Part:
    """A frame as a table of at most so many rows, numbers to the right; `nothing` is said of an empty one."""
    if frame.empty:
        return note(nothing)
    shown = frame.head(most)
    if index:
        shown = shown.reset_index()
    heads = [str(name).replace("_", " ") for name in shown.columns]
    numbers = "".join("n" if pd.api.types.is_numeric_dtype(shown[name]) else "t" for name in shown.columns)
    rows = [[_text(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    more = note(f"and {len(frame) - most:,} more") if len(frame) > most else ""
    return Part(f'<div style="overflow-x:auto" tabindex="0">{table(heads, rows, numbers)}</div>{more}')


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return "" if value is pd.NaT else f"{value:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")
    if isinstance(value, pd.Timedelta):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, float | np.floating):
        size = abs(float(value))
        if not math.isfinite(size):
            return "-"
        places = 0 if size >= 1e6 else 2 if size >= 1.0 or size == 0.0 else 4
        return f"{value:,.{places}f}"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None or value is pd.NaT else str(value)


def months_part(months: pd.DataFrame) -> Part:
    """Returns by month as a heat map: figures in percent, the colour's depth their size.

    months: rows years, columns the twelve months and the whole year, fractions, as `performance.monthly_returns`.
    """
    values = months.iloc[:, :12].to_numpy(dtype=np.float64)
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    head = "".join(f'<th style="{_CELL};{QUIET}">{name}</th>' for name in (*_MONTHS, "year"))
    rows = "".join(
        f'<tr><th style="{_CELL};{QUIET};text-align:left">{year}</th>{_month_cells(row, largest)}</tr>'
        for year, row in zip(months.index, months.to_numpy(dtype=np.float64), strict=True)
    )
    return Part(
        '<div style="overflow-x:auto" tabindex="0"><table style="border-collapse:collapse;font-size:12px;'
        f'font-variant-numeric:tabular-nums"><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


_CELL: Final = "padding:3px 7px;text-align:right;white-space:nowrap"


def _month_cells(row: npt.NDArray[np.float64], largest: float) -> str:
    cells = []
    for place, value in enumerate(row.tolist()):
        if not math.isfinite(value):
            cells.append(f'<td style="{_CELL}"></td>')
            continue
        red, green, blue = (46, 158, 91) if value >= 0.0 else (224, 82, 82)
        depth = _DEEPEST * min(abs(value) / largest, 1.0) if largest and place < 12 else 0.0
        bold = ";font-weight:600" if place == 12 else ""
        cells.append(
            f'<td style="{_CELL}{bold};background:rgba({red},{green},{blue},{depth:.2f})">{100 * value:+.1f}</td>'
        )
    return "".join(cells)
