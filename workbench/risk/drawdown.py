"""Drawdowns one by one: when they began, how deep they went, how long they took to get over.

A drawdown runs from the last moment at a peak to the first moment back at it.  Depths are fractions <= 0 of the peak.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import drawdowns
from workbench.performance.drawdown import ROUNDING, episodes
from workbench.risk.inputs import check_number, check_share

__all__ = ["conditional_drawdown", "drawdown_table", "time_under_water", "underwater"]

type Floats = npt.NDArray[np.float64]
type Longest = Literal["depth", "length"]

_SORTS: Final = ("depth", "length")


class _Path(NamedTuple):
    """times: n + 1, the first being the beginning.  equity, depths: float64[n + 1]."""

    times: pd.DatetimeIndex
    equity: Floats
    depths: Floats


def underwater(
    equity: pd.Series[float] | None = None,
    *,
    returns: pd.Series[float] | None = None,
    initial: float | None = None,
) -> pd.Series[float]:
    """How far below its highest value so far the curve is at each time, a fraction <= 0.

    equity, returns, initial: as for `drawdown_table`.
    """
    path = _path(equity, returns, initial, None)
    return pd.Series(path.depths[1:], path.times[1:], name="drawdown")


def drawdown_table(
    equity: pd.Series[float] | None = None,
    top: int | None = 10,
    *,
    returns: pd.Series[float] | None = None,
    initial: float | None = None,
    begin: pd.Timestamp | None = None,
    by: Longest = "depth",
) -> pd.DataFrame:
    """The `top` drawdowns (None: all), the deepest or the longest first; one row each, numbered from 1.

    equity: values in quote currency by time; or returns: simple returns by time, compounded from 1.  NaN at their
    beginning, as `pct_change` leaves one, are the times before.  initial: value before the first row, which is the
    first peak; None takes the first value of equity.  begin: the time of `initial`; None takes the first time.

    start: last time at the peak.  valley: first time at the lowest value.  recovery: first time back at the peak or
    above, NaT while it lasts.  depth: fraction <= 0 of the peak.  to_valley, to_recovery (from the valley), length
    (from start to recovery, or to the last time where there is none): calendar time.  peak, lowest: values of the
    curve.

    Raises DataError for a curve that is not finite or does not begin above 0, ConfigError for settings.
    """
    if top is not None and (isinstance(top, bool) or top < 1):
        raise ConfigError(f"top must be 1 or more, or None for all, found {top!r}")
    if by not in _SORTS:
        raise ConfigError(f"by must be 'depth' or 'length', found {by!r}")
    path = _path(equity, returns, initial, begin)
    first, valley, after = episodes(path.depths)
    last = len(path.equity) - 1
    times = path.times
    recovered = after <= last
    recovery = times[np.minimum(after, last)].where(recovered)
    start, bottom = times[first - 1], times[valley]
    table = pd.DataFrame(
        {
            "start": start,
            "valley": bottom,
            "recovery": recovery,
            "depth": path.depths[valley],
            "to_valley": bottom - start,
            "to_recovery": recovery - bottom,
            "length": times[np.minimum(after, last)] - start,
            "peak": path.equity[first - 1],
            "lowest": path.equity[valley],
        }
    )
    table = table.sort_values(by, ascending=by == "depth", kind="stable").head(
        len(table) if top is None else top
    )
    return table.set_index(pd.RangeIndex(1, len(table) + 1, name="rank"))


def conditional_drawdown(
    equity: pd.Series[float] | None = None,
    *,
    returns: pd.Series[float] | None = None,
    initial: float | None = None,
    level: float = 0.95,
) -> float:
    """Mean of the worst 1 - level share of the drawdowns at all times, a fraction <= 0 (conditional drawdown at risk).

    A time that stands astride the boundary counts with the part that is inside, so that level -> 1 is the maximum
    drawdown and level = 0 the mean drawdown (A. Chekhlov, S. Uryasev, M. Zabarankin, "Drawdown measure in portfolio
    optimization", 2005).  Raises as `drawdown_table`.
    """
    tail = 1.0 - (0.0 if level == 0.0 else check_share("level", level))
    worst = np.sort(_path(equity, returns, initial, None).depths[1:])
    count = tail * len(worst)
    whole = math.floor(count + 1e-12)
    if whole == 0:
        return float(worst[0])
    rest = max(count - whole, 0.0)
    total = float(worst[:whole].sum()) + (rest * float(worst[whole]) if rest > 0.0 else 0.0)
    return total / (whole + rest)


def time_under_water(
    equity: pd.Series[float] | None = None,
    *,
    returns: pd.Series[float] | None = None,
    initial: float | None = None,
) -> float:
    """Share of the times at which the curve is below its peak.  Raises as `drawdown_table`."""
    return float((_path(equity, returns, initial, None).depths[1:] < -ROUNDING).mean())


def _path(
    equity: pd.Series[float] | None,
    returns: pd.Series[float] | None,
    initial: float | None,
    begin: pd.Timestamp | None,
) -> _Path:
    """The curve with its beginning before it."""
    if (equity is None) == (returns is None):
        raise DataError("expected either equity or returns=, found both or neither")
    given = _checked(equity if equity is not None else returns, "equity" if returns is None else "returns")
    values = given.to_numpy(dtype=np.float64)
    if returns is not None:
        if (values < -1.0).any():
            at = int((values < -1.0).argmax())
            raise DataError(
                f"returns: expected -1 (all is lost) or more, found {values[at]} at {given.index[at]}; "
                "pass equity where more than all can be lost"
            )
        first = 1.0 if initial is None else check_number("initial", initial, 0.0)
        values = first * np.cumprod(1.0 + values)
    else:
        first = float(values[0]) if initial is None else check_number("initial", initial, 0.0)
    if not first > 0.0:
        raise DataError(f"a drawdown needs a value above 0 to begin from, found {first:g}; pass initial=")
    curve = np.concatenate([[first], values])
    times = pd.DatetimeIndex(given.index)
    before = times[0] if returns is None else _time_before(returns, times[0])
    return _Path(times.insert(0, _beginning(before, begin)), curve, drawdowns(curve, first))


def _time_before(returns: pd.Series[float], first: pd.Timestamp) -> pd.Timestamp:
    """The time from which the first return runs, where a NaN shows it; else `first` itself."""
    known = int(returns.notna().to_numpy().argmax())
    index = pd.DatetimeIndex(returns.index)
    return index[known - 1] if known else first


def _beginning(first: pd.Timestamp, begin: pd.Timestamp | None) -> pd.Timestamp:
    if begin is None:
        return first
    moment = pd.Timestamp(begin)
    if (moment.tzinfo is None) != (first.tzinfo is None):
        raise DataError(f"begin: expected a time with the zone of the series, {first.tzinfo}, found {moment}")
    if moment > first:
        raise DataError(f"begin: expected {first} or before, the first time of the series, found {moment}")
    return moment


def _checked(series: pd.Series[float] | None, where: str) -> pd.Series[float]:
    if not isinstance(series, pd.Series):
        raise DataError(f"{where}: expected a Series, found {type(series).__name__}")
    if not isinstance(series.index, pd.DatetimeIndex):
        raise DataError(f"{where}: expected times as the index, found {type(series.index).__name__}")
    if where == "returns" and len(series):
        series = series.iloc[int(series.notna().to_numpy().argmax()) :]
    if not len(series):
        raise DataError(f"{where}: expected at least one row, found none")
    rising = series.index[1:] > series.index[:-1]
    if not rising.all():
        at = int((~rising).argmax())
        raise DataError(
            f"{where}: expected times that rise, found {series.index[at + 1]} after {series.index[at]}; sort them"
        )
    bad = ~np.isfinite(series.to_numpy(dtype=np.float64))
    if bad.any():
        at = int(bad.argmax())
        raise DataError(
            f"{where}: expected finite figures, found {series.iloc[at]} at {series.index[at]}; fill or drop it"
        )
    return series
