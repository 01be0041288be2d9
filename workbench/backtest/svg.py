"""Charts over time as inline SVG text, drawn without any library; colours come from the page's CSS variables.

Every chart is `WIDTH` units wide and scales with the page.  Times are int64 nanoseconds (UTC).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.backtest.axes import time_ticks, value_ticks
from workbench.plotting.curves import thin

__all__ = ["Band", "Chart", "Line", "Mark", "Rule", "draw"]

type Floats = npt.NDArray[np.float64]
type Times = npt.NDArray[np.int64]

WIDTH: Final = 1080.0
LEFT: Final = 84.0
RIGHT: Final = 14.0
BELOW: Final = 24.0
LABEL_HEIGHT: Final = 15.0
LABEL_ROWS: Final = 4
CHARACTER: Final = 6.4  # width of an average character of a label
LEAST_BAND: Final = 2.0  # a window too short to be seen is drawn this wide


class Line(NamedTuple):
    """A curve.  values: float64[n], one per time of the chart.  style: CSS class."""

    values: Floats
    style: str
    name: str = ""
    filled: bool = False  # down to the base line


class Band(NamedTuple):
    """A window of time, shaded and labelled; `title` shows when the pointer rests on it."""

    start_ns: int
    end_ns: int
    label: str
    title: str
    style: str = "chaos"


class Rule(NamedTuple):
    """A moment, drawn as an upright line."""

    time_ns: int
    title: str
    style: str = "trip"


class Mark(NamedTuple):
    """A small triangle at a point of the chart, pointing up or down."""

    time_ns: int
    value: float
    up: bool
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows.

    times_ns: int64[n], rising.  base: value of the base line.  number: text of a value, given the step of the axis.
    span: first and last time of the axis, left out those of `times_ns`.
    """

    name: str
    times_ns: Times
    lines: Sequence[Line]
    number: Callable[[float, float], str]
    base: float
    height: float = 300.0
    bands: Sequence[Band] = ()
    rules: Sequence[Rule] = ()
    marks: Sequence[Mark] = ()
    span: tuple[int, int] | None = None

    @property
    def axis(self) -> tuple[int, int]:
        return self.span or (int(self.times_ns[0]), int(self.times_ns[-1]))


class _Scale(NamedTuple):
    """From times and values to places on the drawing."""

    first_ns: int
    last_ns: int
    low: float
    high: float
    top: float
    bottom: float

    def x(self, time_ns: float) -> float:
        share = (time_ns - self.first_ns) / max(self.last_ns - self.first_ns, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)


def draw(chart: Chart) -> str:
    """The chart as one <svg> element; "" without a single time."""
    if not len(chart.times_ns):
        return ""
    labels, rows = _place_labels(chart)
    top = 10.0 + LABEL_HEIGHT * rows
    low, high, steps = value_ticks([line.values for line in chart.lines], chart.base)
    scale = _Scale(*chart.axis, low, high, top, chart.height - BELOW)
    parts = [
        _opening(chart),
        *_grid(chart, scale, steps),
        *(_band(band, scale) for band in chart.bands),
        *labels(scale),
        *(_curve(chart, line, scale) for line in chart.lines),
        *(_rule(rule, scale) for rule in chart.rules),
        *(_mark(mark, scale) for mark in chart.marks),
        f'<line class="cross" x1="0" x2="0" y1="{top:g}" y2="{scale.bottom:g}"/>',
        "</svg>",
    ]
    return "\n".join(parts)


def _opening(chart: Chart) -> str:
    """The opening tag; the data attributes tell the page's script where the plot area lies."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {chart.height:g}" role="img" '
        f'aria-label="{escape(chart.name)}" data-left="{LEFT:g}" data-right="{WIDTH - RIGHT:g}">'
    )


def _grid(chart: Chart, scale: _Scale, steps: Sequence[float]) -> Iterable[str]:
    step = steps[1] - steps[0]
    left, right = f"{LEFT:g}", f"{WIDTH - RIGHT:g}"
    for value in steps:
        y, text = scale.y(value), escape(chart.number(value, step))
        yield f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    for time_ns, text in time_ticks(scale.first_ns, scale.last_ns):
        x, floor = f"{scale.x(time_ns):.1f}", scale.bottom
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{scale.top:g}" y2="{floor:g}"/>'
        yield f'<text class="tick" x="{x}" y="{floor + 16:g}" text-anchor="middle">{escape(text)}</text>'
    base = scale.y(chart.base)
    yield f'<line class="base" x1="{left}" x2="{right}" y1="{base:.1f}" y2="{base:.1f}"/>'


def _curve(chart: Chart, line: Line, scale: _Scale) -> str:
    kept = thin(line.values)
    points = [
        f"{scale.x(t):.1f},{scale.y(v):.1f}"
        for t, v in zip(chart.times_ns[kept].tolist(), line.values[kept].tolist(), strict=True)
        if math.isfinite(v)
    ]
    title = f"<title>{escape(line.name)}</title>" if line.name else ""
    drawn = f'<polyline class="line {line.style}" points="{" ".join(points)}">{title}</polyline>'
    if not line.filled or not points:
        return drawn
    floor = scale.y(chart.base)
    begin, end = points[0].split(",")[0], points[-1].split(",")[0]
    shape = f"{begin},{floor:.1f} {' '.join(points)} {end},{floor:.1f}"
    return f'<polygon class="area {line.style}" points="{shape}"/>{drawn}'


def _span(band: Band, scale: _Scale) -> tuple[float, float]:
    """Left edge and width of a band on the drawing."""
    begin = scale.x(max(band.start_ns, scale.first_ns))
    end = scale.x(min(max(band.end_ns, scale.first_ns), scale.last_ns))
    return begin, max(end - begin, LEAST_BAND)


def _band(band: Band, scale: _Scale) -> str:
    x, width = _span(band, scale)
    return (
        f'<rect class="{band.style}" x="{x:.1f}" y="{scale.top:g}" width="{width:.1f}" '
        f'height="{scale.bottom - scale.top:.1f}"><title>{escape(band.title)}</title></rect>'
    )


def _place_labels(chart: Chart) -> tuple[Callable[[_Scale], list[str]], int]:
    """Labels of the bands in rows above the curve, so that none covers another; the number of rows.

    Labels that find no place are left out; the band's title still says what it is.
    """
    rough = _Scale(*chart.axis, 0.0, 1.0, 0.0, 1.0)
    ends: list[float] = []
    placed: list[tuple[Band, int, float]] = []
    for band in sorted(chart.bands, key=lambda band: band.start_ns):
        if not band.label:
            continue
        width = CHARACTER * len(band.label)
        x = min(_span(band, rough)[0], WIDTH - RIGHT - width)
        row = next((r for r, end in enumerate(ends) if end < x), len(ends))
        if row >= LABEL_ROWS:
            continue
        ends[row : row + 1] = [x + width + 6]
        placed.append((band, row, x))

    def texts(scale: _Scale) -> list[str]:
        return [
            f'<text class="{band.style}-label" x="{x:.1f}" y="{scale.top - 4 - LABEL_HEIGHT * row:.1f}">'
            f"{escape(band.label)}<title>{escape(band.title)}</title></text>"
            for band, row, x in placed
        ]

    return texts, len(ends)


def _rule(rule: Rule, scale: _Scale) -> str:
    x = scale.x(rule.time_ns)
    title = f"<title>{escape(rule.title)}</title>"
    return (
        f'<g class="{rule.style}"><line x1="{x:.1f}" x2="{x:.1f}" y1="{scale.top:g}" y2="{scale.bottom:g}"/>'
        f'<path d="M{x - 5:.1f} {scale.top:g}h10l-5 8z"/>{title}</g>'
    )


def _mark(mark: Mark, scale: _Scale) -> str:
    x, y = scale.x(mark.time_ns), scale.y(mark.value)
    shape = f"M{x:.1f} {y + 3:.1f}l-4 8h8z" if mark.up else f"M{x:.1f} {y - 3:.1f}l-4 -8h8z"
    style = "buy" if mark.up else "sell"
    return f'<path class="{style}" d="{shape}"><title>{escape(mark.title)}</title></path>'
