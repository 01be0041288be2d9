"""What is held, and how it moved: returns of instruments and exposures by strategy, checked once.

An exposure is a signed amount in quote currency (quantity x mark x multiplier); exposure x return is profit and loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_number
from workbench.risk.inputs import ExposuresLike, numbers_of, strategies_of

__all__ = [
    "Book",
    "Exposures",
    "Floats",
    "Returns",
    "floats",
    "hypothetical_pnl",
    "read_book",
    "read_series",
]

type Floats = npt.NDArray[np.float64]
type Returns = pd.Series[float] | pd.DataFrame | npt.NDArray[np.floating[Any]] | Sequence[float]
type Exposures = ExposuresLike

LEAST_ROWS: Final = 8  # as in the core: fewer say nothing about a tail


@dataclass(frozen=True, eq=False)
class Book:
    """returns: float64[rows, instruments].  exposures: strategies x instruments, quote currency, in the same order."""

    index: pd.Index
    returns: Floats
    exposures: pd.DataFrame

    @property
    def held(self) -> Floats:
        """Exposure of each instrument, netted over strategies."""
        return np.asarray(self.exposures.to_numpy(dtype=np.float64).sum(axis=0))


def read_book(returns: Returns, exposures: Exposures | None, value: float = 1.0) -> Book:
    """The book that figures are computed for.

    returns: simple returns per period, oldest first; a Series or array of one holding worth `value`, or a frame with
    a column for each instrument of `exposures` (others are left out).  Raises DataError for returns that are missing,
    not finite or too few, for exposures without a column, or not finite; ConfigError for `value`.
    """
    amount = check_number("value", value)
    if isinstance(returns, pd.DataFrame):
        return _many(returns, exposures, amount)
    if exposures is not None:
        raise DataError(
            "exposures: expected a frame of returns with a column for each instrument, found one series of returns; "
            "for one holding give its amount as value"
        )
    series = read_series(returns)
    name = "returns" if series.name is None else series.name
    held = pd.DataFrame([[amount]], index=pd.Index(["all"]), columns=pd.Index([name]))
    return Book(series.index, floats(series)[:, None], held)


def read_series(returns: Returns, where: str = "returns", least: int = LEAST_ROWS) -> pd.Series[float]:
    """One series of finite figures; raises DataError."""
    if isinstance(returns, pd.DataFrame):
        raise DataError(
            f"{where}: expected one series, found a frame with {returns.shape[1]} columns; choose a column, "
            "or make the book's P&L with hypothetical_pnl"
        )
    series = pd.Series(returns) if not isinstance(returns, pd.Series) else returns
    _check_index(series.index, where)
    _check_values(numbers_of(series.to_frame(), where), series.index, None, where, least)
    return series.astype(np.float64)


def floats(series: pd.Series[float]) -> Floats:
    """The figures of a series, float64[n]."""
    return np.asarray(series, dtype=np.float64)


def hypothetical_pnl(returns: pd.DataFrame, exposures: Exposures) -> pd.Series[float]:
    """Profit and loss per period of today's exposures, had they been held all along; quote currency.

    What value at risk is backtested against where a desk's own trading is to be left out ("hypothetical" profit and
    loss in Basel Committee 1996, supervisory framework for backtesting).  Arguments and errors: `read_book`.
    """
    if not isinstance(returns, pd.DataFrame):
        raise DataError(
            f"returns: expected a frame with a column for each instrument, found {type(returns).__name__}"
        )
    book = read_book(returns, exposures)
    return pd.Series(book.returns @ book.held, index=book.index, name="pnl")


def _many(returns: pd.DataFrame, exposures: Exposures | None, value: float) -> Book:
    if exposures is None:
        raise DataError(
            "exposures: a frame of returns needs the amount held in each column, such as "
            "exposures={'BTC-USD': 100_000.0}, found none"
        )
    if value != 1.0:
        raise ConfigError(
            f"value must be left out beside exposures, which are amounts already, found {value}"
        )
    if returns.columns.has_duplicates:
        twice = returns.columns[returns.columns.duplicated()][0]
        raise DataError(f"returns: expected each column once, found {twice} twice")
    held = strategies_of(exposures)
    missing = [str(name) for name in held.columns if name not in returns.columns]
    if missing:
        known = ", ".join(str(name) for name in returns.columns[:8]) or "none"
        raise DataError(
            f"exposures: expected instruments that returns has a column for, found {', '.join(missing)}; "
            f"the columns are {known}"
        )
    _check_index(returns.index, "returns")
    table = returns.loc[:, held.columns]
    values = numbers_of(table, "returns")
    _check_values(values, table.index, table.columns, "returns", LEAST_ROWS)
    return Book(table.index, values, held)


def _check_index(index: pd.Index, where: str) -> None:
    if not (index.is_monotonic_increasing and index.is_unique):
        raise DataError(
            f"{where}: expected rows in the order of time, each once; sort them and drop what comes twice"
        )


def _check_values(values: Floats, index: pd.Index, columns: pd.Index | None, where: str, least: int) -> None:
    if len(values) < least:
        raise DataError(f"{where}: expected at least {least} rows, found {len(values)}")
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        of = "" if columns is None else f" of {columns[column]}"
        raise DataError(
            f"{where}: expected finite figures, found {values[row, column]} at {index[row]}{of} and "
            f"{bad.sum() - 1} more; drop or fill them"
        )
