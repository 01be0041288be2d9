"""How deep under water a curve is, and for how much of the time.

`performance.drawdown_table` has drawdowns one by one.  Depths are fractions <= 0 of the highest value so far.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError
from workbench.performance.arithmetic import drawdowns
from workbench.performance.drawdown import ROUNDING
from workbench.performance.inputs import check_number, check_share

__all__ = ["conditional_drawdown", "time_under_water", "underwater"]

type Floats = npt.NDArray[np.float64]


def underwater(
    equity: pd.Series[float] | None = None,
    *,
    returns: pd.Series[float] | None = None,
    initial: float | None = None,
) -> pd.Series[float]:
    """How far below its highest value so far the curve is at each time, a fraction <= 0.

    equity: values in quote currency by time; or returns: simple returns by time, compounded from 1.  NaN at their
    beginning, as `pct_change` leaves one, are the times before.  initial: value before the first row, which is the
    first peak; None takes the first value of equity.

    Raises DataError for a curve that is not finite or does not begin above 0, ConfigError for settings.
    """
    times, depths = _path(equity, returns, initial)
    return pd.Series(depths, times, name="drawdown")


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
    optimization", 2005).  Raises as `underwater`.
    """
    tail = 1.0 - (0.0 if level == 0.0 else check_share("level", level))
    worst = np.sort(_path(equity, returns, initial)[1])
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
    """Share of the times at which the curve is below its peak.  Raises as `underwater`."""
    return float((_path(equity, returns, initial)[1] < -ROUNDING).mean())


def _path(
    equity: pd.Series[float] | None,
    returns: pd.Series[float] | None,
    initial: float | None,
) -> tuple[pd.Index, Floats]:
    """Times, n, and depths of the curve, float64[n]."""
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
    return given.index, drawdowns(np.asarray(values), first)


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
