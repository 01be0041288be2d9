"""A plane of figures as a still picture: SVG that stands by itself, for notebooks that are read where nothing runs."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import pandas as pd

from workbench.cells import Picture
from workbench.plotting.grid import Colours, Plane, colours_for, plane_of
from workbench.plotting.style import FONT, INK, text_on
from workbench.plotting.units import Unit, figures_of, unit_of

__all__ = ["plane_picture"]

_WIDTH: Final = 760.0
_TOP: Final = 30.0
_BELOW: Final = 44.0
_LETTER: Final = 6.6
_TALLEST: Final = 34.0  # a row of few
_SHORTEST: Final = 3.0
_HEIGHT: Final = 420.0  # of all rows together
_ROOM: Final = 16.0  # height from which on a figure fits into its cell


def plane_picture(pivot: pd.DataFrame, metric: str, title: str = "", *, mark: bool = False) -> Picture:
    """`metric` as colours over two parameters, as `plotting.heatmap` shows it: columns across, rows down.

    The figures stand in their cells where they have room; each cell says what it is where the pointer rests.
    mark: gives the highest figure an edge.
    Raises DataError for a table without cells.
    """
    values, _ = figures_of(pivot, metric)
    across = "column" if pivot.columns.name is None else str(pivot.columns.name)
    down = "row" if pivot.index.name is None else str(pivot.index.name)
    plane, unit = plane_of(pivot, values, across, down), unit_of(metric, values)
    colours = colours_for(plane.values, unit)
    left = 20.0 + _LETTER * max(len(label) for label in plane.y.labels)
    rows, columns = plane.values.shape
    wide, tall = (_WIDTH - left - 10.0) / columns, min(max(_HEIGHT / rows, _SHORTEST), _TALLEST)
    texts = [[unit.text(value) for value in row] for row in plane.values.tolist()]
    written = tall >= _ROOM and wide >= _LETTER * max(len(text) for row in texts for text in row) + 4
    best = _best(plane) if mark else None
    parts = _cells(plane, colours, texts if written else None, unit, (left, wide, tall), best)
    floor = _TOP + rows * tall
    parts += _labels(plane, (left, wide, tall))
    named = title or f"{metric} by {across} and {down}"
    parts.append(_text(left, 16, named, 'font-weight="600" font-size="13"'))
    parts.append(_text(left + columns * wide / 2, floor + 34, across, 'text-anchor="middle"'))
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {floor + _BELOW:g}" width="100%" role="img" '
        f'style="max-width:{_WIDTH:g}px" aria-label="{escape(named)}" font-family="{FONT}" font-size="11">'
        f"{''.join(parts)}</svg>"
    )


def _cells(
    plane: Plane,
    colours: Colours,
    texts: list[list[str]] | None,
    unit: Unit,
    place: tuple[float, float, float],
    best: tuple[int, int] | None,
) -> list[str]:
    left, wide, tall = place
    rows = len(plane.y.labels)
    parts = []
    for r, c in np.argwhere(np.isfinite(plane.values)).tolist():
        x, y = left + c * wide, _TOP + (rows - 1 - r) * tall
        colour = colours.of(float(plane.values[r, c]))
        value = unit.text(float(plane.values[r, c]))
        said = f"{plane.x.name} {plane.x.labels[c]}, {plane.y.name} {plane.y.labels[r]}: {value}"
        edge = f' stroke="{text_on(colour)}" stroke-width="2"' if (r, c) == best else ""
        inset = 1.0 if edge else 0.0
        size = f'width="{wide - 2 * inset:.2f}" height="{tall - 2 * inset:.2f}" fill="{colour}"{edge}'
        parts.append(
            f'<rect x="{x + inset:.1f}" y="{y + inset:.1f}" {size}><title>{escape(said)}</title></rect>'
        )
        if texts is not None:
            middle = f'text-anchor="middle" pointer-events="none" fill="{text_on(colour)}"'
            parts.append(
                f'<text x="{x + wide / 2:.1f}" y="{y + tall / 2 + 4:.1f}" {middle}>{escape(texts[r][c])}</text>'
            )
    return parts


def _best(plane: Plane) -> tuple[int, int] | None:
    """The highest figure, which has an edge of its own."""
    known = np.where(np.isfinite(plane.values), plane.values, -np.inf)
    row, column = np.unravel_index(int(known.argmax()), known.shape)
    return (int(row), int(column)) if np.isfinite(known[row, column]) else None


def _labels(plane: Plane, place: tuple[float, float, float]) -> list[str]:
    left, wide, tall = place
    rows = len(plane.y.labels)
    every_x = max(1, int(np.ceil((_LETTER * max(map(len, plane.x.labels)) + 8) / wide)))
    every_y = max(1, int(np.ceil(13.0 / tall)))
    floor = _TOP + rows * tall + 15
    found = [
        _text(left + (c + 0.5) * wide, floor, plane.x.labels[c], 'text-anchor="middle"')
        for c in range(0, len(plane.x.labels), every_x)
    ]
    for r in range(0, rows, every_y):
        y = _TOP + (rows - 1 - r + 0.5) * tall + 4
        found.append(_text(left - 8, y, plane.y.labels[r], 'text-anchor="end"'))
    found.append(_text(2, _TOP - 6, plane.y.name, ""))
    return found


def _text(x: float, y: float, text: str, more: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" {more}>{escape(text)}</text>'
