"""Columns of many values put into bins that a person can read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError

__all__ = ["MOST_DISTINCT", "binned"]

MOST_DISTINCT: Final = 30  # values of a column that are shown one by one; more are put into bins


def binned(
    column: pd.Series[Any], bins: int | Sequence[float]
) -> tuple[pd.Series[Any], pd.IntervalIndex | None]:
    """The column as it is where it has few values, otherwise the bin of each; and all bins there are."""
    edges = _edges(column, bins)
    if edges is None:
        return column, None
    index = pd.IntervalIndex.from_breaks(edges, closed="left")
    places = np.searchsorted(edges, column.to_numpy(dtype=np.float64), side="right") - 1
    # The last edge belongs to the last bin, or the highest value would be left out.
    places = np.where(column.to_numpy(dtype=np.float64) == edges[-1], len(index) - 1, places)
    inside = (places >= 0) & (places < len(index)) & column.notna().to_numpy()
    return pd.Series(np.where(inside, places, -1), index=column.index).where(inside), index


def _edges(column: pd.Series[Any], bins: int | Sequence[float]) -> npt.NDArray[np.float64] | None:
    """Edges of the bins; None for a column that is shown value by value."""
    edges: object = bins
    given: npt.NDArray[np.float64] | None = None
    count = 0
    if not isinstance(edges, Iterable):
        if not isinstance(edges, int | np.integer) or isinstance(edges, bool) or edges < 1:
            raise ConfigError(f"bins must be a whole number of 1 or more, or edges, found {edges!r}")
        count = int(edges)
    else:
        try:
            given = np.asarray(edges, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"bins must be edges that rise, two or more, found {edges!r}") from error
        if (
            given.ndim != 1
            or len(given) < 2
            or not (np.isfinite(given).all() and (np.diff(given) > 0.0).all())
        ):
            raise ConfigError(f"bins must be edges that rise, two or more, found {bins!r}")
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return None
    if column.nunique() <= MOST_DISTINCT:
        return None
    return _round_edges(column, count) if given is None else given


def _round_edges(column: pd.Series[Any], bins: int) -> npt.NDArray[np.float64]:
    values = column.to_numpy(dtype=np.float64)
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    step = _round_step((high - low) / bins)
    first, last = math.floor(low / step), math.ceil(high / step)
    return np.arange(first, max(last, first + 1) + 1, dtype=np.float64) * step


def _round_step(rough: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(n * power for n in (1.0, 2.0, 2.5, 5.0, 10.0) if n * power >= rough * 0.999)
