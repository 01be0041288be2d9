"""A table as a plane of colours, drawn as one image: a million cells cost a browser no more than a few.

Where the values along an axis are evenly spaced numbers, the axis is that of the numbers; otherwise cells are equally
wide and labelled by what they stand for.  The pointer shows the exact row, column and figure of a cell in either case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.plotting.curves import number_form
from workbench.plotting.style import (
    DIVERGING,
    bar_options,
    colour_of,
    load,
    sequential,
    styled,
    text_on,
)
from workbench.plotting.units import Unit, short

__all__ = [
    "Axis",
    "Colours",
    "Plane",
    "axis_of",
    "colours_for",
    "fitting_numbers",
    "hover",
    "image",
    "numbers",
    "plane_of",
]

type Floats = npt.NDArray[np.float64]

_LETTER: Final = 6.6  # pixels of a letter of 11 px
_ROW: Final = 17  # pixels of a line of text with some air
_MARGIN_X: Final = 190  # pixels beside the cells: labels, colour bar
_MARGIN_Y: Final = 110
_USUAL_WIDTH: Final = 700  # of a plot that is as wide as its place
_MOST_NUMBERS: Final = 600
_MANY: Final = 100  # cells among which an outlier can be told
_STRETCHED: Final = 2.0  # times the usual range, beyond which outliers decide what colours there are

# Which cell is the pointer over?  An image knows the pointer's place only, not what the cell stands for.
_PICK: Final = """
const at = special_vars[axis];
const k = Math.min(Math.max(Math.floor((at - low) / step), 0), labels.length - 1);
return labels[k];
"""


@dataclass(frozen=True)
class Axis:
    """labels: one for each cell, from the low end up.  low: edge of the first cell.  step: width of a cell.

    even: the axis is that of the numbers themselves.
    """

    name: str
    labels: tuple[str, ...]
    low: float
    step: float
    even: bool

    @property
    def centres(self) -> Floats:
        return np.asarray(self.low + self.step * (np.arange(len(self.labels)) + 0.5), dtype=np.float64)

    @property
    def high(self) -> float:
        return self.low + self.step * len(self.labels)

    def ticks(self, most: int) -> list[tuple[float, str]] | int:
        """What HoloViews takes: places and labels, at most `most` of them, or how many round numbers."""
        if self.even and len(self.labels) > most:
            return most
        every = -(-len(self.labels) // max(most, 1))
        return [(float(self.centres[k]), self.labels[k]) for k in range(0, len(self.labels), every)]


@dataclass(frozen=True, eq=False)
class Plane:
    """values: float64[len(y.labels), len(x.labels)], the lowest row first."""

    x: Axis
    y: Axis
    values: Floats


@dataclass(frozen=True)
class Colours:
    """A palette from low to high."""

    palette: tuple[str, ...]
    low: float
    high: float

    def of(self, value: float) -> str:
        return colour_of(value, self.low, self.high, self.palette)


def plane_of(table: pd.DataFrame, values: Floats, x: str, y: str) -> Plane:
    """The cells of a table: columns across, rows down where they are words, upward where they are numbers or times.

    values: float64 in the shape of `table`.  Raises DataError for a table without cells, or with a label twice.
    """
    if not table.size:
        raise DataError("expected a table with at least one row and one column, found none")
    for index, what in ((table.columns, "column"), (table.index, "row")):
        if index.has_duplicates:
            twice = index[index.duplicated()][0]
            raise DataError(f"expected each {what} once, found {twice} twice; aggregate them first")
    across, x_axis = axis_of(table.columns, x)
    down, y_axis = axis_of(table.index, y, downward=True)
    return Plane(x_axis, y_axis, values[np.ix_(down, across)])


def axis_of(index: pd.Index, name: str, *, downward: bool = False) -> tuple[npt.NDArray[np.intp], Axis]:
    """Places of the cells from the low end up, and their axis.  downward: words begin at the high end."""
    count = len(index)
    places = np.arange(count)
    if isinstance(index, pd.IntervalIndex):
        return _axis_of_bins(index, name)
    if pd.api.types.is_bool_dtype(index) or not pd.api.types.is_numeric_dtype(index):
        if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex):
            places = np.asarray(index.argsort())
        elif downward:
            places = places[::-1]
        labels = _words(index[places])
        return places, Axis(name, labels, -0.5, 1.0, even=False)
    numbers = index.to_numpy(dtype=np.float64)
    places = np.argsort(numbers, kind="stable")
    numbers = numbers[places]
    labels = tuple(_number(value) for value in numbers.tolist())
    if count > 1 and _evenly(numbers):
        step = (float(numbers[-1]) - float(numbers[0])) / (count - 1)
        return places, Axis(name, labels, float(numbers[0]) - step / 2.0, step, even=True)
    return places, Axis(name, labels, -0.5, 1.0, even=False)


def _axis_of_bins(bins: pd.IntervalIndex, name: str) -> tuple[npt.NDArray[np.intp], Axis]:
    """Bins side by side and equally wide stand where their numbers are, others in a row."""
    places = np.asarray(bins.argsort())
    ordered = bins[places]
    left, right = (np.asarray(side, dtype=np.float64) for side in (ordered.left, ordered.right))
    labels = tuple(f"{short(a)} to {short(b)}" for a, b in zip(left.tolist(), right.tolist(), strict=True))
    edges = np.append(left, right[-1])
    if len(bins) > 1 and _evenly(edges) and np.allclose(left[1:], right[:-1]):
        return places, Axis(name, labels, float(left[0]), float(right[0] - left[0]), even=True)
    return places, Axis(name, labels, -0.5, 1.0, even=False)


def _evenly(numbers: Floats) -> bool:
    steps = np.diff(numbers)
    return bool(np.isfinite(numbers).all() and np.allclose(steps, steps.mean(), rtol=1e-6, atol=0.0))


def colours_for(values: Floats, unit: Unit, limits: tuple[float, float] | None = None) -> Colours:
    """Red for losses to blue for gains around 0 for what has a sign, dark to bright otherwise.

    limits: where the colours end; with a sign they end equally far from 0.  None takes the smallest and the largest
    finite value; but where a few outliers would leave all else one colour, the 1st and 99th percentile, beyond which
    cells have the colour of the end.  Raises ConfigError for limits that do not rise.
    """
    known = values[np.isfinite(values)]
    if limits is not None:
        low, high = (float(limit) for limit in limits)
        if not (np.isfinite([low, high]).all() and low < high):
            raise ConfigError(f"limits must be two finite numbers that rise, found {limits!r}")
    else:
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if known.size >= _MANY:
            usual = np.quantile(known, [0.01, 0.99])
            if high - low > _STRETCHED * (usual[1] - usual[0]) > 0.0:
                low, high = float(usual[0]), float(usual[1])
    if unit.sign:
        end = max(abs(low), abs(high)) or 1.0
        return Colours(DIVERGING if unit.sign == "gain" else DIVERGING[::-1], -end, end)
    if low == high:
        spare = abs(low) * 0.01 or 0.5
        low, high = low - spare, high + spare
    return Colours(sequential(), low, high)


def image(
    plane: Plane, metric: str, unit: Unit, colours: Colours, size: dict[str, Any], *, bar: bool = True
) -> Any:
    """The cells as one image.  size: pixels of the plot, which say how many labels have room."""
    hv = load()
    x, y = plane.x, plane.y
    # A range that is given is not looked for, which fails where there is no figure at all.
    figure = hv.Dimension(metric, range=(colours.low, colours.high))
    element = hv.Image(
        plane.values[::-1], bounds=(x.low, y.low, x.high, y.high), kdims=[x.name, y.name], vdims=[figure]
    )
    wide, tall = size.get("width", _USUAL_WIDTH) - _MARGIN_X, size["height"] - _MARGIN_Y
    longest = max(len(label) for label in x.labels)
    return styled(
        element,
        cmap=list(colours.palette),
        clim=(colours.low, colours.high),
        colorbar=bar,
        clabel=unit.label(metric),
        colorbar_opts={**bar_options(), "formatter": number_form(unit.form)} if bar else {},
        clipping_colors={"NaN": "transparent"},
        tools=["hover"],
        xticks=x.ticks(max(int(wide / (_LETTER * longest + 14)), 1)),
        yticks=y.ticks(max(tall // _ROW, 1)),
        **hover(plane, metric, unit),
    )


def hover(plane: Plane, metric: str, unit: Unit) -> dict[str, Any]:
    """What the pointer shows over a cell: what its column and row stand for, and the figure."""
    from bokeh.models import CustomJSHover

    formatters = {
        f"${name}": CustomJSHover(
            args={"axis": name, "labels": list(axis.labels), "low": axis.low, "step": axis.step}, code=_PICK
        )
        for name, axis in (("x", plane.x), ("y", plane.y))
    }
    return {
        "hover_tooltips": [
            (plane.x.name, "$x{custom}"),
            (plane.y.name, "$y{custom}"),
            (metric, f"@image{{{unit.form}}}"),
        ],
        "hover_formatters": formatters,
    }


def numbers(plane: Plane, colours: Colours, texts: Sequence[str]) -> Any:
    """The figures in their cells, dark or light as the colour below asks for.  texts: row by row, as `values`."""
    xs, ys = np.meshgrid(plane.x.centres, plane.y.centres)
    flat = plane.values.ravel().tolist()
    rows = [
        (x, y, text, text_on(colours.of(value)))
        for x, y, value, text in zip(xs.ravel().tolist(), ys.ravel().tolist(), flat, texts, strict=True)
        if text and not np.isnan(value)
    ]
    labels = load().Labels(rows, kdims=[plane.x.name, plane.y.name], vdims=["text", "ink"])
    return styled(labels, text_color="ink", text_font_size="11px")


def fitting_numbers(
    plane: Plane, colours: Colours, text: Callable[[float], str], size: dict[str, Any]
) -> list[Any]:
    """The figures in their cells where every one of them fits, otherwise none."""
    if plane.values.size > _MOST_NUMBERS:
        return []
    texts = [text(value) for value in plane.values.ravel().tolist()]
    wide = (size.get("width", _USUAL_WIDTH) - _MARGIN_X) / len(plane.x.labels)
    tall = (size["height"] - _MARGIN_Y) / len(plane.y.labels)
    fits = wide >= _LETTER * max(map(len, texts)) + 4 and tall >= _ROW
    return [numbers(plane, colours, texts)] if fits and any(texts) else []


def _words(index: pd.Index) -> tuple[str, ...]:
    if isinstance(index, pd.DatetimeIndex):
        whole = bool((index == index.normalize()).all())
        return tuple(index.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M"))
    if isinstance(index, pd.TimedeltaIndex):
        return tuple(str(part).removesuffix(" 00:00:00") for part in index)
    return tuple(", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in index)


def _number(value: float) -> str:
    """As a person writes it: 20, 0.25, 100,000, 1e-07."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:.6g}"
