"""Tables of returns: the worst drawdowns, and returns by calendar month and year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.drawdown import drawdown, episodes
from workbench.performance.inputs import check_count, read

__all__ = ["drawdown_table", "monthly_returns"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def drawdown_table(returns: pd.Series[Any], top: int | None = 10) -> pd.DataFrame:
    """The `top` deepest drawdowns of simple returns (None: all), the deepest first, numbered from 1 ("rank").

    start: label of the last time at the peak, the first label where there is none before.  valley: of the lowest point.
    recovery: of the first time back at the peak; missing while it lasts.  depth: fraction <= 0 of the peak.  periods:
    returns from `start` to `recovery`, or to the end; periods_down: to the valley; periods_up: from it, NaN while it
    lasts.

    Raises DataError for several columns.
    """
    most = None if top is None else check_count("top", top, 1)
    table = read(returns)
    if not table.single:
        raise DataError(f"expected one column of returns, found {table.values.shape[1]}")
    labels = pd.RangeIndex(len(table.values)) if table.labels is None else table.labels
    down = drawdown(table.values[:, 0])
    first, valley, after = episodes(down)
    order = np.argsort(down[valley], kind="stable")[:most]
    first, valley, after = first[order], valley[order], after[order]
    over = after < len(down)
    last = np.minimum(after, len(down) - 1)
    return pd.DataFrame(
        {
            "start": labels[np.maximum(first - 1, 0)],
            "valley": labels[valley],
            "recovery": labels[last].where(over),
            "depth": down[valley],
            "periods": last - first + 1,
            "periods_down": valley - first + 1,
            "periods_up": np.where(over, last - valley, np.nan),
        },
        index=pd.RangeIndex(1, len(order) + 1, name="rank"),
    )


def monthly_returns(returns: pd.Series[Any]) -> pd.DataFrame:
    """Simple returns compounded by calendar month: a row a year, a column a month, and the whole year last.

    The month is that of the label, in the zone of the index.  NaN where a month has no returns.

    Raises ConfigError for an index without times, DataError for several columns.
    """
    if not isinstance(returns, pd.Series):
        raise DataError(f"expected a Series of returns, found {type(returns).__name__}")
    index = returns.index
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        raise ConfigError(f"months need times as the index, found {type(index).__name__}")
    table = read(returns)
    factors = pd.DataFrame(
        {"year": index.year, "month": index.month, "factor": 1.0 + table.values[:, 0]}
    ).dropna()
    months = factors.groupby(["year", "month"])["factor"].prod().unstack("month") - 1.0
    months = months.reindex(columns=range(1, 13)).set_axis(list(MONTHS), axis=1)
    months["year"] = factors.groupby("year")["factor"].prod() - 1.0
    return months
