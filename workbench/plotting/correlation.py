"""Correlations as colours and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.plotting.grid import Axis, Plane, colours_for, fitting_numbers, image
from workbench.plotting.style import overlay, size_of
from workbench.plotting.units import Unit

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["correlation_heatmap"]

type Order = Literal["given", "clustered"]

_ROUNDING: Final = 1e-9
_UNIT: Final = Unit("", "0.00", "gain")


def correlation_heatmap(
    correlation: pd.DataFrame,
    *,
    order: Order = "given",
    width: int = 640,
    height: int = 520,
    title: str = "Correlation",
    responsive: bool = False,
) -> hv.Overlay:
    """A matrix of correlations: -1 red, 0 grey, 1 blue, the numbers in the cells where they have room.

    correlation: symmetric, from -1 to 1, such as `returns.corr()`; NaN is left open.  order: "given", or "clustered",
    which puts together what moves together (average linkage of the distances sqrt((1 - correlation) / 2): R. Mantegna,
    "Hierarchical structure in financial markets", European Physical Journal B 11, 1999).
    Raises DataError for what is no such matrix, or for an unknown correlation where it is clustered; ConfigError for
    settings.
    """
    if order not in ("given", "clustered"):
        raise ConfigError(f"order must be given or clustered, found {order!r}")
    size = size_of(width, height, responsive).options()
    values = _read(correlation)
    places = _clustered(values) if order == "clustered" else np.arange(len(values))
    names = tuple(str(correlation.columns[k]) for k in places)
    across = Axis("column", names, -0.5, 1.0, even=False)
    down = Axis("row", names[::-1], -0.5, 1.0, even=False)
    plane = Plane(across, down, values[np.ix_(places[::-1], places)])
    colours = colours_for(plane.values, _UNIT, (-1.0, 1.0))
    layers = [
        image(plane, "correlation", _UNIT, colours, size),
        *fitting_numbers(plane, colours, _text, size),
    ]
    plot: hv.Overlay = overlay(
        layers,
        size,
        title=title,
        xlabel="",
        ylabel="",
        show_grid=False,
        show_legend=False,
        xlim=(across.low, across.high),
        ylim=(down.low, down.high),
        xrotation=0 if sum(map(len, names)) * 7 < width - 190 else 45,
    )
    return plot


def _text(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.2f}".replace("-0.00", "0.00")


def _read(correlation: object) -> npt.NDArray[np.float64]:
    if not isinstance(correlation, pd.DataFrame):
        raise DataError(
            f"correlation: expected a frame such as returns.corr(), found {type(correlation).__name__}"
        )
    if not len(correlation) or not correlation.index.equals(correlation.columns):
        raise DataError("correlation: expected the same names down as across; make it with returns.corr()")
    values = correlation.to_numpy(dtype=np.float64)
    beyond = np.abs(values) > 1.0 + _ROUNDING
    if beyond.any():
        raise DataError(f"correlation: expected figures from -1 to 1, found {values[beyond][0]:g}")
    if not np.allclose(values, values.T, rtol=0.0, atol=_ROUNDING, equal_nan=True):
        raise DataError("correlation: expected a symmetric matrix, found two triangles that differ")
    return np.asarray(np.clip(values, -1.0, 1.0))


def _clustered(values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    if np.isnan(values).any():
        raise DataError(
            "correlation: expected every correlation to be known, found NaN; drop it, or keep the order"
        )
    if len(values) < 3:
        return np.arange(len(values))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.sqrt(np.maximum(0.5 * (1.0 - values), 0.0))
    np.fill_diagonal(distance, 0.0)
    leaves = leaves_list(
        linkage(squareform(distance, checks=False), "average", optimal_ordering=len(values) <= 200)
    )
    return np.asarray(leaves, dtype=np.intp)
