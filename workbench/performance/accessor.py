"""`.wb` on Series and DataFrames: `returns.wb.sharpe_ratio()`, `prices.wb.drawdown_table(5)`.

Importing this module registers it; so does `%load_ext workbench.performance.accessor`.

A Series or frame holds simple returns or prices, and its values tell which: prices are all above 0 and somewhere 1 or
more; returns are somewhere 0 or less, and nowhere above 10.  Anything else has to be told, as in
`prices.wb(kind="prices").returns()`.  Figures of prices are those of their returns; a frame with the columns open,
high, low and close stands for its close.

Where a figure is annualised, `periods_per_year` is told from the index (`returns.wb.periods_per_year` shows it, and
`summary` has it as a row), unless it is given: `returns.wb(periods_per_year=365).summary()`, or method by method.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance import benchmark, distribution, drawdown, outcomes, returns, sharpe, tables, trials
from workbench.performance.calendar import infer_periods_per_year
from workbench.performance.inputs import check_number, check_periods, read
from workbench.performance.overfitting import Overfitting, probability_of_backtest_overfitting
from workbench.performance.rolling import rolling_sharpe, rolling_sortino, rolling_volatility
from workbench.performance.summary import summary

__all__ = ["FrameAccessor", "SeriesAccessor", "load_ipython_extension"]

type Kind = Literal["returns", "prices"]
type Held = pd.Series[Any] | pd.DataFrame

LARGEST_RETURN: Final = 10.0
OHLC: Final = ("open", "high", "low", "close")
RESAMPLED: Final = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


class _Accessor[Obj: (pd.Series[Any], pd.DataFrame)]:
    """What both accessors share; see the module."""

    def __init__(self, held: Obj) -> None:
        self._held: Obj = held
        self._kind: Kind | None = None
        self._periods: float | None = None

    def __call__(self, *, kind: Kind | None = None, periods_per_year: float | None = None) -> Self:
        """The same with settings that hold for every method: what the values are, and how many make a year."""
        if kind not in (None, "returns", "prices"):
            raise ConfigError(f"kind must be 'returns' or 'prices', found {kind!r}")
        told = type(self)(self._held)
        told._kind = self._kind if kind is None else kind
        told._periods = self._periods if periods_per_year is None else check_periods(periods_per_year)
        return told

    @property
    def kind(self) -> Kind:
        """Whether the values are returns or prices, as they show it or as it was told.  Raises DataError."""
        return self._kind or _kind_of(self._series)

    @property
    def periods_per_year(self) -> float:
        """As given, or as the index shows it.  Raises ConfigError where it shows nothing."""
        return infer_periods_per_year(self._held.index) if self._periods is None else self._periods

    @property
    def _series(self) -> Held:
        """What figures are made of: of open, high, low and close it is the close."""
        return _close(self._held)

    def _returns(self) -> Any:
        """Simple returns with all labels; of prices the first row is missing."""
        return _as_returns(self._series, self.kind)

    def returns(self) -> Any:
        """Simple returns; of prices without the first row, which has none."""
        return self._returns().iloc[1:] if self.kind == "prices" else self._series

    def log_returns(self) -> Any:
        """Logarithms of 1 + return; of prices without the first row."""
        return np.log1p(self.returns())

    def normalise(self, base: float = 1.0) -> Any:
        """Prices over the first there is, times `base`; of returns what `base` becomes when they are compounded."""
        start = check_number("base", base)
        if self.kind == "returns":
            return (1.0 + self._series.fillna(0.0)).cumprod() * start
        return self._series / self._series.bfill().iloc[0] * start

    def drawdown(self) -> Any:
        """How far below the highest so far, at each time: a fraction <= 0."""
        return drawdown.drawdown(self._returns())

    def __repr__(self) -> str:
        try:
            told = f"{self.kind}, {self.periods_per_year:g} periods a year"
        except (ConfigError, DataError) as reason:
            told = str(reason)
        return f"<{type(self).__name__} of {len(self._held):,} rows: {told}>"


def _close(held: Held) -> Held:
    if isinstance(held, pd.DataFrame) and set(OHLC) <= set(held.columns):
        close: pd.Series[Any] = held["close"]
        return close
    return held


def _kind_of(held: Held) -> Kind:
    values = read(held, "values").values
    values = values[~np.isnan(values)]
    if not values.size:
        raise DataError("expected returns or prices, found no value")
    low, high = float(values.min()), float(values.max())
    if low > 0.0 and high >= 1.0:
        return "prices"
    if low <= 0.0 and high <= LARGEST_RETURN:
        return "returns"
    raise DataError(
        f"values from {low:g} to {high:g} may be returns or prices (or neither, such as P&L): "
        "say which, as in .wb(kind='returns')"
    )


def _as_returns(held: Held, kind: Kind) -> Held:
    """Of prices: each over the last there was, so that nothing is lost in a gap."""
    if kind == "returns":
        return held
    if (held <= 0.0).to_numpy().any():
        raise DataError("expected prices above 0, found one that is not; its return does not exist")
    return held / held.ffill().shift(1) - 1.0


def _benchmark(given: Any) -> Any:
    """A benchmark of prices as its returns."""
    if not isinstance(given, pd.Series | pd.DataFrame):
        return given
    held = _close(given)
    return _as_returns(held, _kind_of(held))


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """A figure as a method: its returns are those of the accessor, and so are the periods per year where not given."""
    _, *others = inspect.signature(function).parameters.values()
    shown = [
        p.replace(default=None, annotation="float | None") if p.name == "periods_per_year" else p
        for p in others
    ]
    signature = inspect.Signature(shown)
    beside = any(p.name == "benchmark" for p in shown)

    @functools.wraps(function)
    def method(self: _Accessor[Any], *args: Any, **kwargs: Any) -> Any:
        given, own = signature.bind(*args, **kwargs).arguments, self._returns()
        if "periods_per_year" in signature.parameters and given.get("periods_per_year") is None:
            given["periods_per_year"] = self.periods_per_year
        first = [_benchmark(given.pop("benchmark"))] if beside and function is not summary else []
        if given.get("benchmark") is not None:
            given["benchmark"] = _benchmark(given["benchmark"])
        return function(own, *first, **given)

    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    vars(method)["__signature__"] = inspect.Signature([itself, *shown])
    return method


@pd.api.extensions.register_series_accessor("wb")
class SeriesAccessor(_Accessor["pd.Series[Any]"]):
    """Performance of a Series of simple returns or prices; see `workbench.performance.accessor`."""

    def drawdown_table(self, top: int | None = 10) -> pd.DataFrame:
        """The `top` deepest drawdowns (None: all); see `workbench.performance.tables.drawdown_table`."""
        return tables.drawdown_table(self._returns(), top)

    def monthly_returns(self) -> pd.DataFrame:
        """Returns by calendar month, a row a year; see `workbench.performance.tables.monthly_returns`."""
        return tables.monthly_returns(self._returns())


@pd.api.extensions.register_dataframe_accessor("wb")
class FrameAccessor(_Accessor[pd.DataFrame]):
    """Performance of each column of simple returns or prices; see `workbench.performance.accessor`."""

    def resample_ohlc(self, rule: str) -> pd.DataFrame:
        """Longer bars from bars with open, high, low, close (and volume); bars without any row are left out.

        rule: a length such as "1h" or "1D"; bars are labelled with their beginning.  Other columns are dropped.
        Raises DataError where a column is missing, ConfigError for a rule that is none or an index without times.
        """
        missing = [name for name in OHLC if name not in self._held]
        if missing:
            raise DataError(f"expected the columns {', '.join(OHLC)}, found none called {', '.join(missing)}")
        if not isinstance(self._held.index, pd.DatetimeIndex):
            raise ConfigError(f"longer bars need times as the index, found {type(self._held.index).__name__}")
        how = {name: way for name, way in RESAMPLED.items() if name in self._held}
        try:
            bars: pd.DataFrame = self._held.resample(rule).agg(how)
        except ValueError as reason:
            raise ConfigError(
                f"rule must be a length such as '1h' or '1D', found {rule!r} ({reason})"
            ) from reason
        return bars.dropna(subset=list(OHLC), how="all")

    def drawdown_table(self, top: int | None = 10) -> pd.DataFrame:
        """The `top` deepest drawdowns of each column (None: all), columns as the first level of the index."""
        found = self._returns()
        if isinstance(found, pd.Series):
            return tables.drawdown_table(found, top)
        each = [tables.drawdown_table(found[name], top) for name in found.columns]
        return pd.concat(each, keys=found.columns, names=[found.columns.name, "rank"])

    def probability_of_backtest_overfitting(self, **settings: Any) -> Overfitting:
        """Columns as trials, rows that all have; see `overfitting.probability_of_backtest_overfitting`."""
        return probability_of_backtest_overfitting(self._returns().dropna(), **settings)


def _figures() -> Iterator[Callable[..., Any]]:
    """Every figure that takes Series and frames alike: what `columnwise` and `against_benchmark` made, and more."""
    for room in (returns, outcomes, distribution, drawdown, benchmark):
        yield from (f for name in room.__all__ if hasattr(f := getattr(room, name), "__wrapped__"))
    yield from (sharpe.probabilistic_sharpe_ratio, sharpe.minimum_track_record_length)
    yield from (trials.deflated_sharpe_ratio, rolling_sharpe, rolling_sortino, rolling_volatility, summary)


for _figure in _figures():
    for _accessor in (SeriesAccessor, FrameAccessor):
        setattr(_accessor, _figure.__name__, _method(_figure))


def load_ipython_extension(ipython: object) -> None:
    """For `%load_ext`: the import has registered the accessors."""
