"""What moves a book: loadings of instruments on factors, and what a shock to the factors does to today's positions.

The model of each instrument is r = alpha + sum of loading x factor + residual, fitted by ordinary least squares over
the rows that the instrument and all factors have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError, UnknownInstrumentError
from workbench.performance.inputs import check_count
from workbench.risk.inputs import ExposuresLike, as_exposures, as_returns, square_matrix

__all__ = [
    "FactorModel",
    "conditional_shocks",
    "factor_exposures",
    "factor_loadings",
    "factor_risk",
    "factor_stress",
]

type Floats = npt.NDArray[np.float64]
type Shock = Mapping[str, float] | pd.Series[float]
type Shocks = Shock | Mapping[str, Shock] | pd.DataFrame

_SINGULAR: Final = 1e-10  # factors that are this close to a sum of others cannot be told apart
_TOTAL: Final = "total"


@dataclass(frozen=True, eq=False)
class FactorModel:
    """Fitted loadings; frames have one row per instrument and one column per factor.

    loadings: return of the instrument per unit of factor return.  standard_errors, t_stats: of the loadings.  alpha,
    alpha_t: per period (0 and NaN without intercept).  r_squared: share of the variance explained (without intercept:
    of the mean square).  residual_volatility: per period, with the degrees of freedom.  observations: rows used.
    covariance: of the factors, per period.
    """

    loadings: pd.DataFrame
    standard_errors: pd.DataFrame
    alpha: pd.Series[float]
    alpha_t: pd.Series[float]
    r_squared: pd.Series[float]
    residual_volatility: pd.Series[float]
    observations: pd.Series[int]
    covariance: pd.DataFrame

    @property
    def t_stats(self) -> pd.DataFrame:
        return self.loadings / self.standard_errors

    @property
    def instruments(self) -> list[str]:
        return [str(name) for name in self.loadings.index]

    @property
    def factors(self) -> list[str]:
        return [str(name) for name in self.loadings.columns]

    def summary(self) -> pd.DataFrame:
        """One row per instrument: alpha, each loading with its t statistic beside it, fit."""
        t_stats = self.t_stats
        columns: dict[str, pd.Series[float] | pd.Series[int]] = {"alpha": self.alpha, "alpha_t": self.alpha_t}
        for name in self.loadings.columns:
            columns[str(name)] = self.loadings[name]
            columns[f"{name}_t"] = t_stats[name]
        return pd.DataFrame(
            columns
            | {
                "r_squared": self.r_squared,
                "residual_volatility": self.residual_volatility,
                "observations": self.observations,
            }
        )


def factor_loadings(
    returns: pd.Series[float] | pd.DataFrame,
    factors: pd.Series[float] | pd.DataFrame,
    *,
    intercept: bool = True,
    newey_west_lags: int | None = None,
) -> FactorModel:
    """Fit each column of `returns` on all columns of `factors`.

    newey_west_lags: standard errors that allow for residuals whose variance moves and that are correlated over so many
    rows (W. K. Newey, K. D. West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix", 1987, Bartlett weights, no correction for small samples); 0 for White's; None for the usual.
    Raises DataError where an instrument has too few rows in common with the factors, or where the factors cannot be
    told apart, ConfigError for lags below 0.
    """
    if newey_west_lags is not None:
        check_count("newey_west_lags", newey_west_lags, 0)
    table, moves = as_returns(returns), as_returns(factors, "factors")
    fits = {str(name): _fit(table[name], moves, str(name), intercept, newey_west_lags) for name in table}
    names = pd.Index([str(name) for name in moves.columns], name="factor")
    index = pd.Index(list(fits), name="instrument")
    rows = list(fits.values())
    first = int(intercept)
    slopes, errors = np.array([f.values for f in rows]), np.array([f.errors for f in rows])
    known = moves.dropna()
    alpha = pd.Series(slopes[:, 0] if intercept else 0.0, index, name="alpha")
    error = pd.Series(errors[:, 0] if intercept else math.nan, index)
    return FactorModel(
        loadings=pd.DataFrame(slopes[:, first:], index, names),
        standard_errors=pd.DataFrame(errors[:, first:], index, names),
        alpha=alpha,
        alpha_t=(alpha / error).rename("alpha_t"),
        r_squared=pd.Series([f.r_squared for f in rows], index, name="r_squared"),
        residual_volatility=pd.Series([f.deviation for f in rows], index, name="residual_volatility"),
        observations=pd.Series([f.rows for f in rows], index, name="observations"),
        covariance=pd.DataFrame(np.atleast_2d(np.cov(known.to_numpy(), rowvar=False)), names, names),
    )


def factor_exposures(exposures: ExposuresLike, model: FactorModel) -> pd.DataFrame:
    """P&L of each position, and of all ("total"), for a move of 1 (100 %) in each factor: quote currency.

    exposures: signed notional by instrument.  Raises UnknownInstrumentError for one that the model does not have.
    """
    held = as_exposures(exposures)
    loadings = _rows_of(model, held)
    return _with_total(loadings.mul(held.to_numpy(), axis=0))


def factor_stress(exposures: ExposuresLike, model: FactorModel, shocks: Shocks) -> pd.DataFrame:
    """P&L of each position by factor under each scenario; the row and the column "total" are the sums.

    shocks: factor -> return (-0.2 is a fall of 20 %), or scenario -> that, as mappings or as a frame with one row per
    scenario.  What a scenario does not name does not move; see `conditional_shocks` for moves that come along.
    Index: instrument, or (scenario, instrument) where several were given.  Quote currency.
    Raises UnknownInstrumentError for a position that the model lacks, ConfigError for an unknown factor.
    """
    held = as_exposures(exposures)
    loadings = _rows_of(model, held)
    several, table = _scenarios(shocks, model.factors)
    found = {
        name: _with_total(loadings.mul(held.to_numpy(), axis=0).mul(row.to_numpy(), axis=1))
        for name, row in table.iterrows()
    }
    frames = {name: frame.assign(**{_TOTAL: frame.sum(axis=1)}) for name, frame in found.items()}
    if several:
        return pd.concat(frames, names=["scenario", "instrument"])
    return next(iter(frames.values()))


def conditional_shocks(shock: Shock, model: FactorModel) -> pd.Series[float]:
    """The whole move to expect, given the moves of some factors: E[others | these], by the factors' covariance.

    (P. H. Kupiec, "Stress testing in a value at risk framework", 1998.)  Means are taken as 0.  Raises ConfigError for
    an unknown factor, DataError where the given factors cannot be told apart.
    """
    given = _checked_shock(shock, model.factors)
    if not given:
        raise ConfigError("shock: expected the move of at least one factor, found none")
    known = list(given)
    others = [name for name in model.factors if name not in given]
    values = np.array(list(given.values()), dtype=np.float64)
    matrix = model.covariance
    inner = square_matrix(matrix, pd.Index(known), "factor covariance")
    if np.linalg.cond(inner) > 1.0 / _SINGULAR:
        raise DataError(f"shock: {', '.join(known)} cannot be told apart; shock fewer of them")
    expected = matrix.loc[others, known].to_numpy() @ np.linalg.solve(inner, values)
    moves = given | dict(zip(others, expected.tolist(), strict=True))
    return pd.Series({name: moves[name] for name in model.factors}, name="shock").rename_axis("factor")


def factor_risk(exposures: ExposuresLike, model: FactorModel) -> pd.DataFrame:
    """Where the volatility of the book comes from: one row per factor, then "specific" and "total".

    exposure: P&L for a move of 1 in the factor.  contribution: to the volatility per period, quote currency, of which
    the sum is the total (Euler).  share: of the variance.  Residuals of instruments are taken as uncorrelated.
    Raises UnknownInstrumentError for a position that the model lacks.
    """
    held = as_exposures(exposures)
    loadings = _rows_of(model, held)
    sensitivity = held.to_numpy() @ loadings.to_numpy()
    parts = sensitivity * (model.covariance.to_numpy() @ sensitivity)
    specific = float(np.square(held.to_numpy() * model.residual_volatility[loadings.index].to_numpy()).sum())
    variance = float(parts.sum()) + specific
    volatility = math.sqrt(max(variance, 0.0))
    both = np.append(parts, specific)
    table = pd.DataFrame(
        {
            "exposure": np.append(sensitivity, math.nan),
            "contribution": both / volatility if volatility > 0.0 else 0.0 * both,
            "share": both / variance if volatility > 0.0 else math.nan * both,
        },
        index=pd.Index([*model.factors, "specific"], name="factor"),
    )
    table.loc[_TOTAL] = [math.nan, volatility, float(table["share"].sum(min_count=1))]
    return table


class _Fit(NamedTuple):
    """values, errors: float64[k], the intercept first where there is one."""

    values: Floats
    errors: Floats
    r_squared: float
    deviation: float
    rows: int


def _fit(own: pd.Series[float], factors: pd.DataFrame, name: str, intercept: bool, lags: int | None) -> _Fit:
    both = factors.join(own.rename("own of the instrument"), how="inner").dropna()
    columns = [np.ones(len(both))] if intercept else []
    x = np.column_stack([*columns, both.iloc[:, :-1].to_numpy()])
    y = both.iloc[:, -1].to_numpy(dtype=np.float64)
    count, width = x.shape
    if count < width + 2:
        raise DataError(
            f"{name}: expected {width + 2} rows or more in common with the factors, found {count}; "
            "take a longer history or fewer factors"
        )
    size = np.sqrt((x * x).mean(axis=0))
    if not (size > 0.0).all():
        still = factors.columns[int(np.argmin(size[int(intercept) :]))]
        raise DataError(f"factors: {still} does not move over the rows of {name}; leave it out")
    q, r = np.linalg.qr(x / size)
    if np.abs(np.diag(r)).min() < _SINGULAR * np.abs(np.diag(r)).max():
        raise DataError(
            f"factors: they cannot be told apart over the rows of {name} (one is a sum of others); leave one out"
        )
    inverse = np.linalg.inv(r)
    values = inverse @ (q.T @ y)
    residuals = y - x @ (values / size)
    square = float(residuals @ residuals)
    about = y - y.mean() if intercept else y
    total = float(about @ about)
    bread = inverse @ inverse.T
    if lags is None:
        spread = bread * square / (count - width)
    else:
        spread = bread @ _long_run(x / size * residuals[:, None], lags) @ bread
    return _Fit(
        values=np.asarray(values / size),
        errors=np.asarray(np.sqrt(np.maximum(np.diag(spread), 0.0)) / size),
        r_squared=1.0 - square / total if total > 0.0 else math.nan,
        deviation=math.sqrt(square / (count - width)),
        rows=count,
    )


def _long_run(scores: Floats, lags: int) -> Floats:
    """Sum of the autocovariances of float64[n, k] up to `lags`, with Bartlett's weights."""
    total: Floats = scores.T @ scores
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        cross = scores[lag:].T @ scores[:-lag]
        total = total + (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    return total


def _rows_of(model: FactorModel, held: pd.Series[float]) -> pd.DataFrame:
    missing = [str(name) for name in held.index if name not in model.loadings.index]
    if missing:
        raise UnknownInstrumentError(
            f"the factor model has no loadings of {', '.join(missing)}; it has {', '.join(model.instruments)}"
        )
    return model.loadings.loc[held.index]


def _with_total(table: pd.DataFrame) -> pd.DataFrame:
    total = table.sum(axis=0).to_frame(_TOTAL).T
    return pd.concat([table, total]).rename_axis(index="instrument", columns="factor")


def _scenarios(shocks: Shocks, factors: list[str]) -> tuple[bool, pd.DataFrame]:
    """Whether several were given, and one row per scenario with the move of every factor."""
    if isinstance(shocks, pd.DataFrame):
        rows = {str(name): _checked_shock(row.dropna(), factors) for name, row in shocks.iterrows()}
        several = True
    else:
        nested = {str(k): v for k, v in shocks.items() if isinstance(v, Mapping | pd.Series)}
        several = bool(nested)
        if several and len(nested) != len(shocks):
            raise ConfigError(
                "shocks: expected either factor -> return, or scenario -> such a mapping, found both"
            )
        rows = {name: _checked_shock(row, factors) for name, row in nested.items()}
        if not several:
            rows = {"shock": _checked_shock(shocks, factors)}  # type: ignore[arg-type]  # none of its values is nested
    if not rows or not all(rows.values()):
        raise ConfigError("shocks: expected the move of at least one factor in each scenario, found none")
    table = pd.DataFrame.from_dict(rows, orient="index", dtype=np.float64)
    return several, table.reindex(columns=factors).fillna(0.0)


def _checked_shock(shock: Shock, factors: list[str]) -> dict[str, float]:
    for name, move in shock.items():
        if str(name) not in factors:
            raise ConfigError(f"shocks: no factor {str(name)!r}; there are {', '.join(factors)}")
        if not math.isfinite(move):
            raise ConfigError(f"shocks: the move of {name} must be finite, found {move!r}")
    return {str(name): float(move) for name, move in shock.items()}
