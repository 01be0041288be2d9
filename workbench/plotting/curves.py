"""Curves over time: read once, thinned to what a screen can show, and drawn as lines or areas."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError
from workbench.plotting.style import load, styled

__all__ = [
    "BUCKETS",
    "TIME_LABEL",
    "area",
    "line",
    "naive",
    "number_form",
    "price_form",
    "read_curve",
    "sound",
    "steps",
    "thin",
    "thinned",
]

type Floats = npt.NDArray[np.float64]

BUCKETS: Final = 2_000  # a browser draws twice as many points at once
_NEIGHBOURS: Final = 51  # updates among which a price is judged; a run of bad ticks half as long is found
_FAR: Final = 4.0  # times the median of its neighbours, up or down, beyond which a price is a bad tick
TIME_LABEL: Final = "time (UTC)"
_CLOCK: Final = "%Y-%m-%d %H:%M:%S"


def thin(values: Floats, buckets: int = 500) -> npt.NDArray[np.int64]:
    """Places of at most about 2 x `buckets` values that look like all: the lowest and highest of each bucket.

    values: float64[n]; NaN is neither, and of a bucket that has nothing else the first is kept, so that a gap stays.
    """
    count = len(values)
    if count <= 2 * buckets:
        return np.arange(count, dtype=np.int64)
    edges = np.linspace(0, count, buckets + 1).astype(np.int64)
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    kept = {0, count - 1}
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept.update((begin + int(low[begin:end].argmin()), begin + int(high[begin:end].argmax())))
    return np.array(sorted(kept), dtype=np.int64)


def sound(prices: Floats) -> npt.NDArray[np.bool_]:
    """Where a price is one: finite, above 0, and no bad tick, which would flatten everything else on its axis.

    prices: float64[n], by time.  Judged by the neighbours, so that a market may rise a hundredfold over the years.
    """
    usable = np.isfinite(prices) & (prices > 0.0)
    known = pd.Series(np.where(usable, prices, np.nan))
    middle = known.rolling(_NEIGHBOURS, center=True, min_periods=1).median().to_numpy()
    found: npt.NDArray[np.bool_] = usable & (prices < middle * _FAR) & (prices > middle / _FAR)
    return found


def naive(times: pd.Index) -> pd.DatetimeIndex:
    """UTC without a zone: plots show times as they are given."""
    index = pd.DatetimeIndex(times)
    return index if index.tz is None else index.tz_convert("UTC").tz_localize(None)


def read_curve(values: object, where: str) -> pd.Series[float]:
    """A curve by time, float64, without a zone; a time without zone is UTC.

    Raises DataError for what is no Series of numbers with times that do not fall, or has no value at all.
    """
    if not isinstance(values, pd.Series):
        raise DataError(f"{where}: expected a Series by time, found {type(values).__name__}")
    index = values.index
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp(how="end")
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{where}: expected times as the index, found {type(index).__name__}")
    if not index.is_monotonic_increasing:
        raise DataError(f"{where}: expected times that do not fall; sort them with .sort_index()")
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as reason:
        raise DataError(f"{where}: expected numbers, found {values.dtype} ({reason})") from reason
    if not np.isfinite(numbers).any():
        raise DataError(f"{where}: expected at least one finite number, found none in {len(numbers)} rows")
    return pd.Series(numbers, index=naive(index).rename("time"), name=where)


def thinned(curve: pd.Series[float], name: str) -> pd.DataFrame:
    """What is drawn of a curve: the column `name` by time.  What is not finite is a gap."""
    values = curve.to_numpy(dtype=np.float64)
    kept = thin(np.where(np.isfinite(values), values, np.nan), BUCKETS)
    shown = values[kept]
    return pd.DataFrame({name: np.where(np.isfinite(shown), shown, np.nan)}, index=curve.index[kept])


def line(
    curve: pd.Series[float], name: str, form: str, *, colour: str, label: str = "", **options: Any
) -> Any:
    """A line; the pointer shows time and value.  form: of the value, in bokeh's letters such as "0,0.00"."""
    element = load().Curve(thinned(curve, name).reset_index(), "time", name, label=label)
    return styled(
        element,
        color=colour,
        line_width=1.4,
        tools=["hover"],
        hover_mode="vline",
        xlabel=TIME_LABEL,
        **_tooltips(name, form, label or name),
        **options,
    )


def area(curve: pd.Series[float], name: str, form: str, *, colour: str, **options: Any) -> Any:
    """The area between a curve and 0, its edge drawn."""
    element = load().Area(thinned(curve, name).reset_index(), "time", name)
    return styled(
        element,
        fill_color=colour,
        fill_alpha=0.45,
        line_alpha=0.0,  # the outline would also run down the sides
        tools=["hover"],
        hover_mode="vline",
        xlabel=TIME_LABEL,
        **_tooltips(name, form, name),
        **options,
    )


def steps(levels: pd.Series[float], end: pd.Timestamp) -> pd.Series[float]:
    """A level that holds until the next one, with its corners; the last one holds until `end`."""
    times = levels.index.repeat(2)[1:].append(pd.DatetimeIndex([end]))
    return pd.Series(levels.to_numpy().repeat(2), index=times.rename("time"), name=levels.name)


def _tooltips(name: str, form: str, shown: str) -> dict[str, Any]:
    return {
        "hover_tooltips": [("time (UTC)", f"@time{{{_CLOCK}}}"), (shown, f"@{{{name}}}{{{form}}}")],
        "hover_formatters": {"@time": "datetime"},
    }


def price_form(prices: pd.Series[float]) -> str:
    """Bokeh's letters for prices of this size: about six figures."""
    middle = float(prices.abs().median())
    places = next((n for n, least in ((2, 100.0), (4, 1.0), (6, 0.01)) if middle >= least), 10)
    return f"0,0.{'0' * places}"


def number_form(form: str) -> Any:
    """A formatter for an axis.  form: bokeh's letters, such as "0,0.00" or "0.0%"."""
    from bokeh.models import NumeralTickFormatter

    return NumeralTickFormatter(format=form)
