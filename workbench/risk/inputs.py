"""What the risk functions take: returns, closes and exposures, checked once and with one line for a person.

An exposure is a signed notional in quote currency: quantity x mark x multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeGuard, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.data.prices import Prices
from workbench.errors import ConfigError, DataError

__all__ = [
    "ClosesLike",
    "Cut",
    "ExposuresLike",
    "as_closes",
    "as_exposures",
    "as_returns",
    "exposures_by",
    "numbers_of",
    "positions_of",
    "square_matrix",
    "strategies_of",
]

type ExposuresLike = Mapping[str, float] | pd.Series[float] | pd.DataFrame
"""Signed notional by instrument; a frame with one row per strategy and one column per instrument; or positions with
the columns symbol, venue, notional (and strategy_id)."""

type ClosesLike = Prices | pd.DataFrame
"""Prices, or closes with one column for each instrument."""

type Cut = Literal["instrument", "symbol", "venue", "strategy"]

CUTS: Final[tuple[str, ...]] = get_args(Cut.__value__)
_POSITIONS: Final = ("symbol", "venue", "notional")
_WHO: Final = {"symbol": "symbol", "venue": "venue", "strategy": "strategy_id"}


def as_exposures(exposures: ExposuresLike) -> pd.Series[float]:
    """Signed notional of each instrument, netted over strategies; index "instrument", in order of appearance.

    Raises DataError where a figure is not finite, or where there is none.
    """
    return exposures_by(exposures, "instrument")


def exposures_by(exposures: ExposuresLike, by: Cut, *, gross: bool = False) -> pd.Series[float]:
    """Exposure by instrument, symbol, venue or strategy; gross: sum of sizes in place of the signed sum.

    A name without "@" is its own symbol and stands at the venue "".  Raises ConfigError for another cut, DataError for
    figures that are not finite, names that come twice, or a frame without the columns that the cut needs.
    """
    if by not in CUTS:
        raise ConfigError(f"by: expected one of {', '.join(CUTS)}, found {by!r}")
    table = positions_of(exposures)
    if by == "instrument":
        keys = _instruments(table)
    elif _WHO[by] in table:
        keys = table[_WHO[by]]
    else:
        raise DataError("by strategy: expected positions with a column strategy_id, as a backtest has them")
    notional = table["notional"].abs() if gross else table["notional"]
    return notional.groupby(keys.to_numpy(), sort=False).sum().rename_axis(by)


def positions_of(exposures: ExposuresLike) -> pd.DataFrame:
    """One row per position: symbol, venue ("" where a name has none), notional, and strategy_id where known.

    Raises DataError as `exposures_by`.
    """
    if _are_positions(exposures):
        return _checked_positions(exposures)
    table = _checked_table(exposures)
    parts = [str(name).partition("@") for name in table.columns]
    found = pd.DataFrame(
        {
            "strategy_id": np.repeat([str(name) for name in table.index], len(parts)),
            "symbol": pd.array([part[0] for part in parts] * len(table), dtype="str"),
            "venue": pd.array([part[2] for part in parts] * len(table), dtype="str"),
            "notional": table.to_numpy().ravel(),
        }
    )
    return found if isinstance(exposures, pd.DataFrame) else found.drop(columns="strategy_id")


def strategies_of(exposures: ExposuresLike) -> pd.DataFrame:
    """Strategies x instruments, finite; one strategy, "all", where none is known.  Raises DataError."""
    if not _are_positions(exposures):
        return _checked_table(exposures)
    table = _checked_positions(exposures)
    table = pd.DataFrame(
        {
            "strategy": table.get("strategy_id", "all"),
            "instrument": _instruments(table),
            "notional": table["notional"],
        }
    )
    sums = table.groupby(["strategy", "instrument"], sort=False, dropna=False)["notional"].sum()
    return sums.unstack(fill_value=0, sort=False).rename_axis(index=None, columns=None)


def _are_positions(exposures: ExposuresLike) -> TypeGuard[pd.DataFrame]:
    return isinstance(exposures, pd.DataFrame) and bool(set(_POSITIONS).intersection(exposures))


def _instruments(positions: pd.DataFrame) -> pd.Series[str]:
    """symbol@venue, or the symbol alone."""
    symbol, venue = positions["symbol"].astype(str), positions["venue"].astype(str)
    return symbol.where(venue == "", symbol + "@" + venue)


def _checked_positions(positions: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in _POSITIONS if name not in positions]
    if missing:
        raise DataError(
            f"positions: expected the columns symbol, venue, notional, found none called {', '.join(missing)}"
        )
    table = positions[[c for c in ("strategy_id", *_POSITIONS) if c in positions]]
    if not len(table):
        raise DataError("exposures: expected at least one position, found none")
    values = numbers_of(table[["notional"]], "exposures")[:, 0]
    bad = ~np.isfinite(values)
    if bad.any():
        at = int(bad.argmax())
        raise DataError(
            f"exposures: expected finite amounts, found {values[at]} for {_instruments(table).iloc[at]}"
        )
    return table.assign(notional=values)


def _checked_table(exposures: ExposuresLike) -> pd.DataFrame:
    """Strategies x instruments of what is no list of positions."""
    given: object = exposures
    if not isinstance(given, Mapping | pd.Series | pd.DataFrame):
        raise DataError(
            f"exposures: expected amounts by instrument, such as {{'BTC-USD': 100_000.0}}, found {given!r:.80}"
        )
    table = given if isinstance(given, pd.DataFrame) else pd.Series(given, dtype=object).to_frame("all").T
    if not table.size:
        raise DataError("exposures: expected at least one position, found none")
    for axis, what in ((table.columns, "instrument"), (table.index, "strategy")):
        if axis.has_duplicates:
            twice = axis[axis.duplicated()][0]
            raise DataError(f"exposures: expected each {what} once, found {twice} twice; add them up")
    values = numbers_of(table, "exposures")
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        of = f" of {table.index[row]}" if isinstance(given, pd.DataFrame) else ""
        raise DataError(
            f"exposures: expected finite amounts, found {values[row, column]} for {table.columns[column]}{of}; "
            "write 0 for nothing held"
        )
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def numbers_of(table: pd.DataFrame, where: str) -> npt.NDArray[np.float64]:
    """The figures of a frame, float64[rows, columns]; raises DataError where there are others."""
    try:
        return table.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected numbers, found something else ({error})") from error


def as_closes(closes: ClosesLike, where: str = "closes") -> pd.DataFrame:
    """Closes by instrument, times rising, distinct and UTC; NaN where an instrument has none.

    Raises DataError for anything else, or for a close that is not above 0.
    """
    table: object = closes.closes() if isinstance(closes, Prices) else closes
    if not isinstance(table, pd.DataFrame) or not isinstance(table.index, pd.DatetimeIndex):
        raise DataError(f"{where}: expected Prices or a frame of closes with times as its index")
    _check_index(table.index, where)
    values = numbers_of(table, where)
    if not len(values):
        raise DataError(f"{where}: expected at least one row, found none")
    wrong = ~np.isnan(values) & ~((values > 0.0) & np.isfinite(values))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{where}: expected closes above 0, found {values[row, column]} for {table.columns[column]} at "
            f"{table.index[row]}; mend or drop the row"
        )
    zoned = table.index.tz_localize("UTC") if table.index.tz is None else table.index.tz_convert("UTC")
    return table.astype(np.float64).set_axis(zoned)


def as_returns(
    returns: pd.Series[float] | pd.DataFrame, where: str = "returns", *, least: int = 1
) -> pd.DataFrame:
    """Returns with one column for each instrument; NaN where there is none.  least: rows that are needed.

    Raises DataError for an index that falls or repeats, an infinite return, or too few rows.
    """
    if isinstance(returns, pd.Series):
        table = returns.to_frame("returns" if returns.name is None else returns.name)
    elif isinstance(returns, pd.DataFrame):
        table = returns
    else:
        raise DataError(f"{where}: expected a Series or a DataFrame, found {type(returns).__name__}")
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise DataError(f"{where}: expected each column once, found {twice} twice")
    _check_index(table.index, where)
    if len(table) < least:
        raise DataError(f"{where}: expected at least {least} rows, found {len(table)}")
    values = numbers_of(table, where)
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise DataError(
            f"{where}: expected finite returns, found {values[row, column]} for {table.columns[column]} at "
            f"{table.index[row]}"
        )
    return table.astype(np.float64)


def _check_index(index: pd.Index, where: str) -> None:
    if index.is_monotonic_increasing and index.is_unique:
        return
    step = np.flatnonzero(~(index[1:] > index[:-1]))
    raise DataError(
        f"{where}: expected times that rise, found {index[step[0] + 1]} after {index[step[0]]}; "
        "sort them and drop what comes twice"
    )


def square_matrix(
    matrix: pd.DataFrame, names: pd.Index | None = None, where: str = "covariance"
) -> npt.NDArray[np.float64]:
    """Values of a symmetric matrix in the order of `names` (None: its own), float64[n, n].

    Raises DataError where a name is missing, or where it is not symmetric or not finite.
    """
    wanted = matrix.index if names is None else names
    missing = [str(name) for name in wanted if name not in matrix.index or name not in matrix.columns]
    if missing:
        raise DataError(f"{where}: expected a row and a column for {', '.join(missing)}, found none")
    values = matrix.loc[wanted, wanted].to_numpy(dtype=np.float64)
    scale = float(np.abs(values).max()) if values.size else 0.0
    if not np.isfinite(values).all() or np.abs(values - values.T).max(initial=0.0) > 1e-9 * scale:
        raise DataError(f"{where}: expected a symmetric matrix of finite figures")
    middle: npt.NDArray[np.float64] = 0.5 * (values + values.T)
    return middle
