"""Stress that is set by hand: tables of shocks to prices, and histories with their volatility scaled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_number
from workbench.risk.inputs import ExposuresLike, as_exposures, as_returns

__all__ = ["scaled_volatility", "shock_stress", "shock_table"]

type Shock = Mapping[str, float]

_ALL: Final = "*"
_TOTAL: Final = "total"


def shock_stress(
    exposures: ExposuresLike,
    shocks: Mapping[str, Shock],
    *,
    missing: Literal["error", "zero"] = "error",
    equity: float | None = None,
) -> pd.DataFrame:
    """P&L of today's positions under each scenario: one row per scenario, one column per instrument, then "total".

    exposures: signed notional by instrument.  shocks: scenario -> returns (-0.3 is a fall of 30 %) by instrument
    ("BTC-USD@kraken"), symbol ("BTC-USD"), venue ("@kraken") or "*" for all others; the closest name counts, in this
    order.  missing: a position that no name of a scenario meets is an error, or with "zero" does not move.
    equity: adds the column total_share, total over equity.  Quote currency.
    Raises ConfigError for a name that meets no position (a slip of the pen would hide a loss) or a return below -1,
    DataError for a position without a shock.
    """
    held = as_exposures(exposures)
    if missing not in ("error", "zero"):
        raise ConfigError(f"missing must be 'error' or 'zero', found {missing!r}")
    table = shock_table(held, shocks)
    if missing == "error" and table.isna().to_numpy().any():
        row, column = np.argwhere(table.isna().to_numpy())[0]
        raise DataError(
            f"scenario {table.index[row]}: no shock for {table.columns[column]}; name it, give '*', or pass "
            "missing='zero'"
        )
    pnl = table.fillna(0.0).mul(held.to_numpy(), axis=1)
    pnl[_TOTAL] = pnl.sum(axis=1)
    if equity is not None:
        pnl["total_share"] = pnl[_TOTAL] / check_number("equity", equity, 1e-300)
    return pnl.rename_axis(index="scenario", columns="instrument")


def shock_table(exposures: ExposuresLike, shocks: Mapping[str, Shock]) -> pd.DataFrame:
    """The return that each scenario means for each instrument; NaN where it means none.  See `shock_stress`."""
    held = as_exposures(exposures)
    given: object = shocks
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(f"shocks: expected at least one scenario, found {given!r:.80}")
    names = [str(name) for name in held.index]
    rows = {}
    for scenario, shock in shocks.items():
        if not isinstance(shock, Mapping | pd.Series):
            raise ConfigError(
                f"scenario {scenario}: expected returns by instrument, such as {{'*': -0.3}}, found {shock!r:.80}"
            )
        keys = [_keys(name) for name in names]
        known = {key for group in keys for key in group}
        for key, move in shock.items():
            if key not in known:
                raise ConfigError(
                    f"scenario {scenario}: {key!r} meets no position; there are {', '.join(names)}, their symbols, "
                    "'@venue' and '*'"
                )
            check_number(f"scenario {scenario}: the return of {key}", move, -1.0)
        rows[scenario] = [
            next((float(shock[key]) for key in group if key in shock), math.nan) for group in keys
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=pd.Index(names, name="instrument"))


def scaled_volatility[T: (pd.Series[float], pd.DataFrame)](
    returns: T,
    factor: float | Mapping[str, float] | None = None,
    *,
    to: float | Mapping[str, float] | None = None,
    periods_per_year: float | None = None,
) -> T:
    """The same history with each column's distance from its mean multiplied: calmer or wilder, its shape kept.

    factor: of all columns, or by column (others stay as they are); or to: the annualised volatility wanted, with
    periods_per_year.  What comes of it can go into any measure that takes returns (volatility scaling of a historical
    simulation: J. Hull, A. White, "Incorporating volatility updating into the historical simulation method", 1998).
    Raises ConfigError for settings, DataError for a column that does not move where `to` asks it to.
    """
    if (factor is None) == (to is None):
        raise ConfigError("expected either factor or to=, found both or neither")
    table = as_returns(returns)
    wanted = factor if factor is not None else to
    assert wanted is not None  # one of the two was given
    given = dict(wanted) if isinstance(wanted, Mapping) else {str(c): wanted for c in table.columns}
    unknown = [name for name in given if name not in [str(c) for c in table.columns]]
    if unknown:
        raise ConfigError(f"no column {unknown[0]!r}; there are {', '.join(map(str, table.columns))}")
    factors = {name: check_number(f"volatility of {name}", value, 0.0) for name, value in given.items()}
    if to is not None:
        if periods_per_year is None:
            raise ConfigError("to= is an annualised volatility: pass periods_per_year as well")
        root = math.sqrt(check_number("periods_per_year", periods_per_year, 1e-300))
        factors = {name: _ratio(table[name], value / root, name) for name, value in factors.items()}
    scale = np.array([factors.get(str(c), 1.0) for c in table.columns])
    mean = table.mean()
    found = (table - mean) * scale + mean
    if isinstance(returns, pd.DataFrame):
        return found
    series: pd.Series[float] = found.iloc[:, 0]
    series.name = returns.name
    return series


def _ratio(column: pd.Series[float], wanted: float, name: str) -> float:
    own = float(column.std(ddof=1))
    if not own > 0.0:
        raise DataError(f"{name}: expected returns that move, to be scaled to a volatility, found none")
    return wanted / own


def _keys(name: str) -> tuple[str, ...]:
    """What a scenario may call an instrument, the closest first."""
    symbol, _, venue = name.partition("@")
    return (name, symbol, f"@{venue}", _ALL) if venue else (name, _ALL)
