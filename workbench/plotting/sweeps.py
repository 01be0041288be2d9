"""Sweeps and chaos campaigns: a figure over a plane of parameters, flat or in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.plotting.bins import binned
from workbench.plotting.grid import (
    Colours,
    Plane,
    colours_for,
    fitting_numbers,
    image,
    plane_of,
)
from workbench.plotting.style import FONT, GREY, INK, load, overlay, size_of, styled, text_on
from workbench.plotting.units import Unit, figures_of, unit_of

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["heatmap", "surface", "survival_surface"]

type Mark = Literal["highest", "lowest"]
type Gather = Literal["mean", "median", "min", "max", "sum"]

_WIDTH: Final = 700
_HEIGHT: Final = 480
_GATHERS: Final = ("mean", "median", "min", "max", "sum")


def heatmap(
    pivot: pd.DataFrame,
    metric: str,
    width: int = _WIDTH,
    height: int = _HEIGHT,
    title: str | None = None,
    *,
    responsive: bool = False,
    mark: Mark | None = None,
    limits: tuple[float, float] | None = None,
) -> hv.Overlay:
    """`metric` as colours over two parameters: columns across, rows down (numbers upward).

    pivot: a figure in each cell, NaN where there is none, which is left open.  Figures that have a sign go from red for
    losses over grey at 0 to blue, others from dark to bright; spans of time are shown in days.  mark: puts a star on
    the highest or the lowest figure.  limits: where the colours end, None for what `grid.colours_for` takes.  Numbers
    stand in the cells where they have room.  The overlay holds an Image, and Labels and Points where there are numbers
    and a star.
    Raises DataError for a table without cells, ConfigError for settings that make no sense.
    """
    size = size_of(width, height, responsive).options()
    plane, unit = _plane(pivot, metric)
    colours = colours_for(plane.values, unit, limits)
    layers = [
        image(plane, metric, unit, colours, size),
        *fitting_numbers(plane, colours, unit.text, size),
    ]
    if mark is not None:
        layers += _star(plane, colours, mark, beside=len(layers) > 1)
    shown = f"{metric} by {plane.x.name} and {plane.y.name}" if title is None else title
    return _drawn(layers, plane, size, shown)


def surface(
    pivot: pd.DataFrame,
    metric: str,
    width: int = _WIDTH,
    height: int = 560,
    title: str | None = None,
    *,
    responsive: bool = False,
    limits: tuple[float, float] | None = None,
) -> Any:
    """`metric` as a plotly surface over two parameters, in the colours of `heatmap`; cells without a figure are holes.

    Raises ConfigError where plotly is missing; otherwise as `heatmap`, and DataError where a side has one value only.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as reason:
        raise ConfigError(
            "a surface needs plotly, which is not installed; pip install 'trading-workbench[lab]', or use heatmap"
        ) from reason
    size = size_of(width, height, responsive)
    plane, unit = _plane(pivot, metric)
    if min(plane.values.shape) < 2:
        raise DataError(
            f"a surface needs two values or more along each side, found {plane.values.shape[1]} of {plane.x.name} "
            f"and {plane.values.shape[0]} of {plane.y.name}"
        )
    colours = colours_for(plane.values, unit, limits)
    shares = np.linspace(0.0, 1.0, len(colours.palette)).tolist()
    share = "%" in unit.form
    figure = go.Figure(
        go.Surface(
            x=plane.x.centres,
            y=plane.y.centres,
            z=np.where(np.isfinite(plane.values), plane.values, np.nan),
            customdata=np.array([[(x, y) for x in plane.x.labels] for y in plane.y.labels], dtype=object),
            hovertemplate=f"{plane.x.name}: %{{customdata[0]}}<br>{plane.y.name}: %{{customdata[1]}}<br>"
            f"{metric}: %{{z:{',.4~%' if share else ',.4~f'}}}<extra></extra>",
            colorscale=[[at, colour] for at, colour in zip(shares, colours.palette, strict=True)],
            cmin=colours.low,
            cmax=colours.high,
            colorbar={"title": {"text": unit.label(metric)}, "tickformat": ",.3~%" if share else ""},
        )
    )
    axes = {
        f"{name}axis": {
            "title": {"text": text},
            "gridcolor": GREY,
            "showbackground": False,
            "color": INK,
            **ticks,
        }
        for name, text, ticks in (
            ("x", plane.x.name, _plotly_ticks(plane.x.ticks(8))),
            ("y", plane.y.name, _plotly_ticks(plane.y.ticks(8))),
            ("z", metric, {"tickformat": ",.3~%"} if share else {}),
        )
    }
    figure.update_layout(
        title={"text": f"{metric} by {plane.x.name} and {plane.y.name}" if title is None else title},
        scene={**axes, "domain": {"x": [0.06, 1.0]}, "camera": {"eye": {"x": 1.55, "y": 1.55, "z": 0.95}}},
        height=size.height,
        width=None if size.responsive else size.width,
        autosize=size.responsive,
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "family": FONT, "size": 12},
        margin={"l": 10, "r": 10, "t": 48, "b": 10},
    )
    return figure


def survival_surface(
    frame: pd.DataFrame,
    x: str,
    y: str,
    value: str,
    width: int = _WIDTH,
    height: int = _HEIGHT,
    title: str | None = None,
    *,
    gather: Gather = "mean",
    bins: int | Sequence[float] = 20,
    responsive: bool = False,
) -> hv.Overlay:
    """A campaign as colours: what became of the cells that share a place, such as intensity against damage.

    frame: one row for each cell of the campaign; x, y, value: columns or levels of its index.  A column of numbers with
    more than 30 different values is put into `bins`: about so many, round and equally wide, or those between these
    edges (what lies outside is left out).  gather: what is shown of the rows that share a place; of a column of yes and
    no (survived) the mean is the share of yes, from 0 to 100 %.  Otherwise as `heatmap`.
    """
    if gather not in _GATHERS:
        raise ConfigError(f"gather must be one of {', '.join(_GATHERS)}, found {gather!r}")
    size = size_of(width, height, responsive).options()
    rows = _columns(frame, (x, y, value))
    yes_no = pd.api.types.is_bool_dtype(rows[value])
    if not pd.api.types.is_timedelta64_dtype(rows[value]):
        rows[value] = figures_of(rows[[value]], value)[0][:, 0]
    found = {}
    for name in (x, y):
        rows[name], found[name] = binned(rows[name], bins)
    rows = rows.dropna(subset=[x, y, value])
    if not len(rows):
        raise DataError(f"expected rows with {x}, {y} and {value}, found none")
    table = rows.groupby([y, x], observed=True, sort=True)[value].agg(gather).unstack(x)
    # Bins that no cell fell into are shown as well, empty.
    if (across := found[x]) is not None:
        table = table.reindex(columns=range(len(across))).set_axis(across.set_names(x), axis=1)
    if (down := found[y]) is not None:
        table = table.reindex(index=range(len(down))).set_axis(down.set_names(y), axis=0)
    share = yes_no and gather in ("mean", "median")
    metric = value if gather == "mean" else f"{gather} of {value}"
    plane, unit = _plane(table, value)
    if share:
        unit = Unit("% of cells", "0%")
    colours = colours_for(plane.values, unit, (0.0, 1.0) if share else None)
    text = _whole_percent if share else unit.text
    layers = [
        image(plane, metric, unit, colours, size),
        *fitting_numbers(plane, colours, text, size),
    ]
    return _drawn(layers, plane, size, f"{metric} by {x} and {y}" if title is None else title)


def _whole_percent(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.0%}"


def _plane(pivot: object, metric: str) -> tuple[Plane, Unit]:
    if not isinstance(pivot, pd.DataFrame):
        raise DataError(f"expected a frame with a figure in each cell, found {type(pivot).__name__}")
    values, turned = figures_of(pivot, metric)
    x = _name(pivot.columns, "column")
    plane = plane_of(pivot, values, x, _name(pivot.index, "row"))
    if len({plane.x.name, plane.y.name, metric}) < 3:
        raise DataError(
            f"expected rows, columns and the metric to have different names, found {plane.y.name}, {plane.x.name} "
            f"and {metric}; rename one"
        )
    unit = unit_of(metric, values)
    return plane, unit._replace(unit=turned, form="0,0.[0]") if turned else unit


def _name(index: pd.Index, otherwise: str) -> str:
    if index.nlevels > 1:
        return ", ".join(str(name) for name in index.names)
    return otherwise if index.name is None else str(index.name)


def _drawn(layers: list[Any], plane: Plane, size: dict[str, Any], title: str) -> Any:
    return overlay(
        layers,
        size,
        title=title,
        xlabel=plane.x.name,
        ylabel=plane.y.name,
        show_grid=False,
        show_legend=False,
        xlim=(plane.x.low, plane.x.high),
        ylim=(plane.y.low, plane.y.high),
    )


def _star(plane: Plane, colours: Colours, mark: Mark, *, beside: bool) -> list[Any]:
    """A star on the highest or lowest finite figure, the first one of several.  beside: above the number."""
    if mark not in ("highest", "lowest"):
        raise ConfigError(f"mark must be highest or lowest, found {mark!r}")
    known = np.where(np.isfinite(plane.values), plane.values, np.nan)
    if np.isnan(known).all():
        return []
    flat = int(np.nanargmax(known) if mark == "highest" else np.nanargmin(known))
    row, column = np.unravel_index(flat, known.shape)
    above = 0.32 * plane.y.step if beside else 0.0
    at = (float(plane.x.centres[column]), float(plane.y.centres[row]) + above)
    points = load().Points([at], kdims=[plane.x.name, plane.y.name])
    edge = text_on(colours.of(float(known[row, column])))
    return [styled(points, marker="star", size=15, fill_color=None, line_color=edge, line_width=1.8)]


def _plotly_ticks(ticks: list[tuple[float, str]] | int) -> dict[str, Any]:
    if isinstance(ticks, int):
        return {"nticks": ticks}
    return {"tickvals": [at for at, _ in ticks], "ticktext": [text for _, text in ticks]}


def _columns(frame: object, names: tuple[str, ...]) -> pd.DataFrame:
    """Columns and levels of the index, as columns."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"expected a frame with a row for each cell, found {type(frame).__name__}")
    levels = [str(name) for name in frame.index.names if name is not None]
    known = [*levels, *(str(name) for name in frame.columns)]
    if missing := [name for name in names if name not in known]:
        raise DataError(
            f"expected the columns {', '.join(names)}, found no {', '.join(missing)}; there is: {', '.join(known)}"
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"x, y and value must be three different columns, found {', '.join(names)}")
    return pd.DataFrame(
        {
            name: frame[name].array if name in frame.columns else frame.index.get_level_values(name)
            for name in names
        }
    )
