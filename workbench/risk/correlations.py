"""Correlations under stress: moved towards one, or against a book, and mended where they no longer fit together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_number, check_share
from workbench.risk.inputs import ExposuresLike, as_exposures, square_matrix

__all__ = ["correlation_stress", "nearest_correlation", "stressed_correlation"]

type Floats = npt.NDArray[np.float64]
type Towards = Literal["one", "book"]

_STEPS: Final = 10_000
_CLOSE: Final = 1e-11


def stressed_correlation(
    correlation: pd.DataFrame, strength: float, *, sides: pd.Series[float] | None = None
) -> pd.DataFrame:
    """All correlations moved by `strength` (0: not, 1: all the way) towards one.

    sides: by instrument, of which the signs count: correlations move towards one between positions of the same side and
    towards minus one between opposite ones, the worst case for that book.  A mix of two correlation matrices is one
    too: the result is positive semi-definite where `correlation` is.  Raises DataError where it is no correlation
    matrix, ConfigError for a strength outside 0 to 1.
    """
    share = check_number("strength", strength, 0.0, 1.0)
    matrix = _checked(correlation)
    signs = np.ones(len(matrix)) if sides is None else _signs(sides, correlation.index)
    return pd.DataFrame(
        (1.0 - share) * matrix + share * np.outer(signs, signs), correlation.index, correlation.columns
    )


def nearest_correlation(matrix: pd.DataFrame) -> pd.DataFrame:
    """The correlation matrix that is nearest to `matrix` by the Frobenius norm, for correlations that were set by hand.

    Alternating projections with Dykstra's correction (N. J. Higham, "Computing the nearest correlation matrix - a
    problem from finance", 2002).  Raises DataError where it is not symmetric or not finite.
    """
    y = square_matrix(matrix, where="correlation")
    correction = np.zeros_like(y)
    for _ in range(_STEPS):
        r = y - correction
        x = _positive(r)
        correction = x - r
        before = y
        y = x.copy()
        np.fill_diagonal(y, 1.0)
        if np.abs(y - before).max(initial=0.0) < _CLOSE and np.abs(y - x).max(initial=0.0) < 1e-9:
            break
    y = _positive(y)
    scale = np.sqrt(np.diag(y))
    y = y / np.outer(scale, scale)
    np.fill_diagonal(y, 1.0)
    return pd.DataFrame(np.clip(y, -1.0, 1.0), matrix.index, matrix.columns)


def correlation_stress(
    exposures: ExposuresLike,
    covariance: pd.DataFrame,
    *,
    strengths: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    volatilities: Sequence[float] = (1.0,),
    towards: Towards = "one",
    level: float = 0.99,
) -> pd.DataFrame:
    """Risk of the book as correlations and volatilities rise: one row for each pair (strength, volatility).

    covariance: of returns per period, by instrument.  strengths: as in `stressed_correlation`.  volatilities: what all
    volatilities are multiplied with.  towards: "one", or "book" for the worst case given the sides of the positions.
    volatility: of the book per period, quote currency.  var, expected_shortfall: at `level`, normal with mean 0,
    positive losses.  diversification: 1 - volatility over the sum of the positions' own.  change: of var against the
    book as it is.  Raises DataError for the covariance, ConfigError for settings.
    """
    from scipy.special import ndtri

    tail = 1.0 - check_share("level", level)
    if towards not in ("one", "book"):
        raise ConfigError(f"towards must be 'one' or 'book', found {towards!r}")
    if not len(strengths) or not len(volatilities):
        raise ConfigError("strengths and volatilities: expected at least one of each, found none")
    factors = [check_number("volatilities", v, 0.0) for v in volatilities]
    held = as_exposures(exposures)
    values = square_matrix(covariance, held.index)
    deviations = np.sqrt(np.maximum(np.diag(values), 0.0))
    safe = np.where(deviations > 0.0, deviations, 1.0)
    matrix = values / np.outer(safe, safe)
    np.fill_diagonal(matrix, 1.0)
    correlation = pd.DataFrame(matrix, held.index, held.index)
    money = np.asarray(held, dtype=np.float64) * deviations
    alone = float(np.abs(money).sum())
    z = -float(ndtri(tail))
    shortfall = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / tail
    base = _volatility(money, matrix)
    rows = {}
    for strength in strengths:
        stressed = stressed_correlation(correlation, strength, sides=held if towards == "book" else None)
        volatility = _volatility(money, stressed.to_numpy())
        for factor in factors:
            rows[(float(strength), factor)] = {
                "volatility": volatility * factor,
                "var": z * volatility * factor,
                "expected_shortfall": shortfall * volatility * factor,
                "diversification": 1.0 - volatility / alone if alone > 0.0 else math.nan,
                "change": volatility * factor / base - 1.0 if base > 0.0 else math.nan,
            }
    index = pd.MultiIndex.from_tuples(list(rows), names=["strength", "volatility_factor"])
    return pd.DataFrame(list(rows.values()), index=index)


def _volatility(money: Floats, correlation: Floats) -> float:
    return math.sqrt(max(float(money @ correlation @ money), 0.0))


def _signs(sides: pd.Series[float], names: pd.Index) -> Floats:
    missing = [str(name) for name in names if name not in sides.index]
    if missing:
        raise DataError(f"sides: expected a side of each instrument, found none for {', '.join(missing)}")
    return np.where(sides[names].to_numpy(dtype=np.float64) < 0.0, -1.0, 1.0)


def _checked(correlation: pd.DataFrame) -> Floats:
    matrix = square_matrix(correlation, where="correlation")
    if np.abs(np.diag(matrix) - 1.0).max(initial=0.0) > 1e-9:
        raise DataError(
            "correlation: expected ones on the diagonal; divide a covariance by its deviations first"
        )
    lowest = float(np.linalg.eigvalsh(matrix).min())
    if lowest < -1e-8:
        raise DataError(
            f"correlation: expected no eigenvalue below 0, found {lowest:.3g}; mend it with nearest_correlation"
        )
    return matrix


def _positive(matrix: Floats) -> Floats:
    """Nearest positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    found = (vectors * np.maximum(values, 0.0)) @ vectors.T
    nearest: Floats = 0.5 * (found + found.T)
    return nearest
