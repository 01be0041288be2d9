"""Returns by calendar month: a row a year, a column a month, and the whole year beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.performance import tables
from workbench.plotting.grid import Axis, Colours, Plane, colours_for, image, numbers
from workbench.plotting.style import WIDTH, overlay, size_of, styled
from workbench.plotting.units import Unit

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["monthly_returns"]

_ROW: Final = 26  # pixels of a year
_LEAST_ROW: Final = 12  # pixels that the name of a year needs
_AROUND: Final = 84  # pixels above and below the years
_GAP: Final = 0.35  # columns between December and the whole year
_UNIT: Final = Unit("%", "0,0.00%", "gain")
_USUAL: Final = 0.95  # share of months whose colour is not that of the end


def monthly_returns(
    returns: pd.Series[float],
    *,
    width: int = WIDTH,
    height: int | None = None,
    title: str = "Monthly returns, %",
    responsive: bool = False,
) -> hv.Overlay:
    """Simple returns compounded by month and year, as colours and as numbers in percent.

    returns: simple, per period, by time (UTC; a month is that of the label).  height: None gives every year a row of
    readable size.  Red is a loss and blue a gain; where the 95 % largest month lies the colours end.  A month without
    returns is left open.  The overlay holds an Image of the months and one of the years, each followed by its Labels.
    Raises DataError where there is nothing to show, otherwise as `performance.monthly_returns`.
    """
    table = tables.monthly_returns(returns)
    if not len(table):
        raise DataError("returns: expected at least one, found none")
    size = size_of(width, _ROW * len(table) + _AROUND if height is None else height, responsive).options()
    years = table[::-1]  # the first year stands at the top
    months = years.drop(columns="year")
    values = months.to_numpy(dtype=np.float64)
    known = np.abs(values[np.isfinite(values)])
    end = float(np.quantile(known, _USUAL)) or float(known.max()) or 0.01
    colours = colours_for(values, _UNIT, (-end, end))
    labels = tuple(str(year) for year in years.index)
    down = Axis("year", labels, -0.5, 1.0, even=False)
    across = Axis("month", tuple(months.columns), -0.5, 1.0, even=False)
    whole = Axis("month", ("year",), across.high + _GAP, 1.0, even=False)
    cells, texts = _cells(Plane(across, down, values), colours, size)
    sums, sum_texts = _cells(Plane(whole, down, years[["year"]].to_numpy(dtype=np.float64)), colours, size)
    # Not only for the reader: plots share the pointer's tool where it shows the same, and then its months.
    sums = styled(sums, hover_tooltips=[("year", "$y{custom}"), ("whole year", f"@image{{{_UNIT.form}}}")])
    ticks = [*zip(across.centres.tolist(), across.labels, strict=True), (float(whole.centres[0]), "year")]
    plot: hv.Overlay = overlay(
        [cells, texts, sums, sum_texts],
        size,
        title=title,
        xlabel="",
        ylabel="",
        xticks=ticks,
        yticks=down.ticks(max((size["height"] - _AROUND) // _LEAST_ROW, 1)),
        xlim=(across.low, whole.high),
        ylim=(down.low, down.high),
        show_grid=False,
        show_legend=False,
    )
    return plot


def _cells(plane: Plane, colours: Colours, size: dict[str, Any]) -> tuple[Any, Any]:
    texts = ["" if np.isnan(cell) else _percent(cell) for cell in plane.values.ravel().tolist()]
    return image(plane, "return", _UNIT, colours, size, bar=False), numbers(plane, colours, texts)


def _percent(share: float) -> str:
    """+3.2, -12.5, 0.0; without a place behind the point from 100 on."""
    text = f"{share * 100.0:+.1f}" if abs(share) < 0.9995 else f"{share * 100.0:+,.0f}"
    return "0.0" if text in ("+0.0", "-0.0") else text
