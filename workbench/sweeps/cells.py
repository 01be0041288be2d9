"""How sweeps, searches and campaigns show themselves in a notebook cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.backtest.statistics import show
from workbench.cells import GREEN, RED, bar, cell, figure, frame_table, sparkline
from workbench.sweeps.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best_cell", "survival_cell"]


def best_cell(
    title: str,
    metric: str,
    best: pd.DataFrame,
    values: pd.Series[Any],
    order: str = "all columns, from low to high",
) -> str:
    """The best rows of a table by `metric`, and all its values as a small curve."""
    numbers = np.asarray(values.dt.days if hasattr(values, "dt") else values, dtype=np.float64)
    curve = sparkline(numbers, 0.0, width=220, height=32)
    return cell(title, f"{metric}, {order}:", curve, frame_table(best, f"the best by {metric}", _written))


def _written(name: str, value: Any) -> str:
    return show(name, value) if name in METRICS and not isinstance(value, int) else figure(value)


def survival_cell(title: str, survival: pd.DataFrame) -> str:
    """Shares of cells that survived, each with a bar that is as long."""
    return cell(title, "share that survived:", frame_table(survival, text=_share))


def _share(_: str, value: Any) -> str:
    if not isinstance(value, float):
        return figure(value)
    if np.isnan(value):
        return "-"
    return bar(value, GREEN if value >= 0.995 else RED, 60)
