"""Tables of returns: the worst drawdowns, and returns by calendar month and year."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats, drawdowns, wealth
from workbench.performance.drawdown import episodes
from workbench.performance.inputs import check_count, check_number, read

__all__ = ["drawdown_table", "monthly_returns"]

type Longest = Literal["depth", "length"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def drawdown_table(
    returns: pd.Series[Any] | None = None,
    top: int | None = 10,
    *,
    equity: pd.Series[Any] | None = None,
    initial: float | None = None,
    begin: pd.Timestamp | None = None,
    by: Longest = "depth",
) -> pd.DataFrame:
    """The `top` drawdowns (None: all), the deepest or the longest first, numbered from 1 ("rank").

    returns: simple returns, compounded from 1; a missing one leaves wealth as it was.  equity: in their place, values
    in quote currency.  initial: value before the first row, which is the first peak; None takes the first value of
    equity.  begin: the label of `initial`; None takes the first label.

    start: label of the last time at the peak.  valley: of the lowest point.  recovery: of the first time back at the
    peak; missing while it lasts.  depth: fraction <= 0 of the peak.  periods: rows from `start` to `recovery`, or to
    the end; periods_down: to the valley; periods_up: from it, NaN while it lasts.  peak, lowest: values of the curve.
    Where labels are times also length, to_valley, to_recovery: the same in calendar time.

    Raises DataError for several columns, or a curve that makes no sense, ConfigError for settings.
    """
    most = None if top is None else check_count("top", top, 1)
    if by not in ("depth", "length"):
        raise ConfigError(f"by must be 'depth' or 'length', found {by!r}")
    labels, curve = _curve(returns, equity, initial)
    if len(labels):
        labels = labels.insert(0, _beginning(labels[0], begin))
    down = drawdowns(curve, float(curve[0]))
    first, valley, after = episodes(down)
    over, last = after < len(curve), np.minimum(after, len(curve) - 1)
    start, bottom = labels[first - 1], labels[valley]
    recovery = labels[last].where(over)
    columns = {
        "start": start,
        "valley": bottom,
        "recovery": recovery,
        "depth": down[valley],
        "periods": last - first + 1,
        "periods_down": valley - first + 1,
        "periods_up": np.where(over, last - valley, np.nan),
        "peak": curve[first - 1],
        "lowest": curve[valley],
    }
    if isinstance(labels, pd.DatetimeIndex):
        columns["length"] = labels[last] - start
        columns["to_valley"], columns["to_recovery"] = bottom - start, recovery - bottom
    longest = "length" if "length" in columns else "periods"
    table = pd.DataFrame(columns).sort_values(
        "depth" if by == "depth" else longest, ascending=by == "depth", kind="stable"
    )
    table = table.iloc[:most]
    return table.set_index(pd.RangeIndex(1, len(table) + 1, name="rank"))


def _curve(
    returns: pd.Series[Any] | None, equity: pd.Series[Any] | None, initial: float | None
) -> tuple[pd.Index, Floats]:
    """Labels, n, and the curve with its beginning before it, float64[n + 1]."""
    if (equity is None) == (returns is None):
        raise DataError("expected either returns or equity=, found both or neither")
    where = "returns" if equity is None else "equity"
    table = read(returns if returns is not None else equity, where)  # type: ignore[arg-type]  # one of them is given
    if not table.single:
        raise DataError(f"expected one column of {where}, found {table.values.shape[1]}")
    values = table.values[:, 0]
    labels = pd.RangeIndex(len(values)) if table.labels is None else table.labels
    if isinstance(labels, pd.DatetimeIndex) and not labels.is_monotonic_increasing:
        at = int((labels[1:] < labels[:-1]).argmax())
        raise DataError(
            f"{where}: expected times that rise, found {labels[at + 1]} after {labels[at]}; sort them"
        )
    first = 1.0 if initial is None else check_number("initial", initial)
    if equity is not None:
        bad = np.isnan(values)
        if bad.any() or not len(values):
            found = f"nan at {labels[int(bad.argmax())]}" if len(values) else "none at all"
            raise DataError(f"equity: expected finite figures, found {found}; fill or drop it")
        first = float(values[0]) if initial is None else first
    elif (values < -1.0).any():
        at = int((values < -1.0).argmax())
        raise DataError(
            f"returns: expected -1 (all is lost) or more, found {values[at]} at {labels[at]}; "
            "pass equity where more than all can be lost"
        )
    else:
        values = first * wealth(np.nan_to_num(values, nan=0.0))
    if not first > 0.0:
        raise DataError(f"a drawdown needs a value above 0 to begin from, found {first:g}; pass initial=")
    return labels, np.concatenate([[first], values])


def _beginning(first: Any, begin: pd.Timestamp | None) -> Any:
    if begin is None:
        return first
    moment = pd.Timestamp(begin)
    if not isinstance(first, pd.Timestamp) or (moment.tzinfo is None) != (first.tzinfo is None):
        raise DataError(f"begin: expected a time like the labels, such as {first}, found {moment}")
    if moment > first:
        raise DataError(f"begin: expected {first} or before, the first time of the series, found {moment}")
    return moment


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
