"""What the figures take: a Series, a frame or an array of simple returns, read once and checked.

A figure is written as a function of the returns of one column, float64[n] without NaN, and is made by `columnwise` or
`against_benchmark` into one that takes a Series or a list (and gives a float), a DataFrame (and gives a Series, one
value for each column) or an array (1-D: a float, 2-D: one value for each column).

A missing return is left out, and so is no period; beside a benchmark, a period counts where both have a return.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Concatenate, NamedTuple, Protocol, cast, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats

__all__ = [
    "Figure",
    "RelativeFigure",
    "Returns",
    "Table",
    "against_benchmark",
    "check_count",
    "check_number",
    "check_periods",
    "check_share",
    "columnwise",
    "paired",
    "read",
]

type Column = pd.Series[Any] | Sequence[float]
type Returns = Column | pd.DataFrame | npt.NDArray[Any]
"""Simple returns: one column, or one column each of several."""


class Figure[**P](Protocol):
    """A figure of returns; see the module."""

    @overload
    def __call__(self, returns: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> pd.Series[float]: ...
    @overload
    def __call__(self, returns: Column, /, *args: P.args, **kwargs: P.kwargs) -> float: ...
    @overload
    def __call__(self, returns: npt.NDArray[Any], /, *args: P.args, **kwargs: P.kwargs) -> Any: ...


class RelativeFigure[**P](Protocol):
    """A figure of returns beside those of a benchmark; pandas objects are matched by their index."""

    @overload
    def __call__(
        self, returns: pd.DataFrame, benchmark: Returns, /, *args: P.args, **kwargs: P.kwargs
    ) -> pd.Series[float]: ...
    @overload
    def __call__(
        self, returns: Column, benchmark: Returns, /, *args: P.args, **kwargs: P.kwargs
    ) -> float: ...
    @overload
    def __call__(
        self, returns: npt.NDArray[Any], benchmark: Returns, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any: ...


class Table(NamedTuple):
    """values: float64[n, k], NaN where there is none.  labels, names: None for arrays.  single: a Series or 1-D."""

    values: Floats
    labels: pd.Index | None
    names: pd.Index | None
    single: bool
    name: Any = None

    def columns(self) -> Iterator[Floats]:
        """The values of each column that are there, one column after the other: a wide table is not copied whole."""
        for column in self.values.T:
            yield column[~np.isnan(column)]

    def figures(self, figures: list[float]) -> Any:
        """One figure for each column: a float, a Series or an array, as the input was."""
        if self.single:
            return figures[0]
        if self.names is None:
            return np.array(figures, dtype=np.float64)
        return pd.Series(figures, index=self.names, dtype=np.float64)

    def like(self, values: Floats) -> Any:
        """float64[n, k] in the shape, and with the labels, of the input."""
        if self.labels is None:
            return values[:, 0] if self.single else values
        if self.single:
            return pd.Series(values[:, 0], index=self.labels, name=self.name)
        return pd.DataFrame(values, index=self.labels, columns=self.names)


def read(returns: Returns, where: str = "returns") -> Table:
    """Raises DataError for what is not numbers in one column or several, or not finite (NaN is: it is missing)."""
    pandas = returns if isinstance(returns, pd.Series | pd.DataFrame) else None
    try:
        values = np.asarray(returns if pandas is None else pandas.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError) as reason:
        raise DataError(f"{where}: expected numbers, found {_kind(returns)} ({reason})") from reason
    if values.ndim not in (1, 2):
        raise DataError(f"{where}: expected one column or several, found {values.ndim} dimensions")
    table = values if values.ndim == 2 else values[:, np.newaxis]
    if np.isinf(table).any():
        row, column = np.argwhere(np.isinf(table))[0]
        label = row if pandas is None else pandas.index[row]
        raise DataError(
            f"{where}: expected finite numbers, found {table[row, column]} at {label}; drop or mend it"
        )
    return Table(
        table,
        None if pandas is None else pandas.index,
        pandas.columns if isinstance(pandas, pd.DataFrame) else None,
        values.ndim == 1,
        pandas.name if isinstance(pandas, pd.Series) else None,
    )


def _kind(returns: object) -> str:
    return (
        f"{type(returns).__name__} of {returns.dtype}"
        if isinstance(returns, pd.Series)
        else type(returns).__name__
    )


def paired(returns: Returns, benchmark: Returns) -> tuple[Table, Floats]:
    """Returns, and the benchmark's beside them, float64[n], at the times that both have.

    Raises DataError where they share none, or where arrays differ in length.
    """
    table, other = read(returns), read(benchmark, "benchmark")
    if other.values.shape[1] != 1:
        raise DataError(f"benchmark: expected one column, found {other.values.shape[1]}")
    if table.labels is None or other.labels is None:
        if len(table.values) != len(other.values):
            raise DataError(
                f"benchmark: expected as many rows as the returns have, {len(table.values)}, "
                f"found {len(other.values)}; pass pandas objects to have them matched by time"
            )
        return table, other.values[:, 0]
    if table.labels.equals(other.labels):
        return table, other.values[:, 0]
    for what, index in (("returns", table.labels), ("benchmark", other.labels)):
        if not index.is_unique:
            twice = index[index.duplicated()][0]
            raise DataError(f"{what}: expected each time once, found {twice} twice")
    common = table.labels.intersection(other.labels, sort=False)
    if not len(common):
        raise DataError(
            f"benchmark: expected times that the returns have, found none of {_span(table.labels)} "
            f"in {_span(other.labels)}; do the time zones differ?"
        )
    rows, others = table.labels.get_indexer(common), other.labels.get_indexer(common)
    return table._replace(values=table.values[rows], labels=common), other.values[others, 0]


def _span(index: pd.Index) -> str:
    return f"{index[0]} to {index[-1]}" if len(index) else "an empty index"


def columnwise[**P](figure: Callable[Concatenate[Floats, P], float]) -> Figure[P]:
    """Make a figure of one column into one of a Series, a frame or an array."""

    @functools.wraps(figure)
    def of_all(returns: Returns, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        table = read(returns)
        return table.figures([figure(column, *args, **kwargs) for column in table.columns()])

    return cast("Figure[P]", of_all)


def against_benchmark[**P](figure: Callable[Concatenate[Floats, Floats, P], float]) -> RelativeFigure[P]:
    """Make a figure of one column and a benchmark into one of a Series, a frame or an array."""

    @functools.wraps(figure)
    def of_all(returns: Returns, benchmark: Returns, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        table, other = paired(returns, benchmark)
        figures = []
        for column in table.values.T:
            both = ~(np.isnan(column) | np.isnan(other))
            figures.append(figure(column[both], other[both], *args, **kwargs))
        return table.figures(figures)

    return cast("RelativeFigure[P]", of_all)


def check_periods(periods_per_year: object) -> float:
    """A finite number above 0; raises ConfigError."""
    number = check_number("periods_per_year", periods_per_year)
    if not number > 0.0:
        raise ConfigError(f"periods_per_year must be a finite number above 0, found {periods_per_year!r}")
    return number


def check_number(what: str, value: object, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number from `least` to `most`; raises ConfigError."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and least <= number <= most:
            return number
    bounds = "" if least == -math.inf else f" of {least:g} or more"
    if most < math.inf:
        bounds = f" from {least:g} to {most:g}"
    raise ConfigError(f"{what} must be a finite number{bounds}, found {value!r}")


def check_share(what: str, value: object) -> float:
    """A number strictly between 0 and 1; raises ConfigError."""
    number = check_number(what, value)
    if not 0.0 < number < 1.0:
        raise ConfigError(f"{what} must lie between 0 and 1, both left out, found {value!r}")
    return number


def check_count(what: str, value: object, least: int, most: float = math.inf) -> int:
    """A whole number from `least` to `most`; raises ConfigError."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    bounds = f"from {least:,} to {most:,.0f}" if most < math.inf else f"of {least:,} or more"
    raise ConfigError(f"{what} must be a whole number {bounds}, found {value!r}")
