"""Scenarios: what each instrument may return over the horizon, one scenario in a row.

- historical: the returns as they came, over each stretch of `horizon` rows; stretches overlap, so that none is lost.
- filtered_historical: each return over the volatility of its day is a shock; shocks of days drawn at random, all
  instruments of a day together, run through each instrument's GARCH model from today's volatility on (G. Barone-Adesi,
  K. Giannopoulos and L. Vosper, "VaR without correlations for portfolios of derivative securities", Journal of Futures
  Markets 19, 1999).  For one period nothing need be drawn: each day's shocks are one scenario.
- monte_carlo: normal (or Student's t) returns with the sample's means, deviations and correlations, independent from
  period to period.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.risk.book import LEAST_ROWS, Floats
from workbench.risk.garch import Garch, estimate_garch, filter_garch
from workbench.risk.inputs import square_matrix
from workbench.risk.model import Model

__all__ = ["filtered", "historical", "monte_carlo", "scenarios"]


def scenarios(returns: Floats, names: pd.Index, model: Model) -> Floats:
    """Returns over the horizon, float64[scenarios, instruments].

    returns: float64[rows, instruments], finite.  Raises DataError for too few rows, a GARCH model that cannot be
    fitted, or a correlation that is none.
    """
    if model.method == "historical":
        return historical(returns, model)
    if model.method == "filtered_historical":
        fits = [estimate_garch(returns[:, i], model.asymmetric, str(names[i])) for i in range(len(names))]
        return filtered(returns, fits, model)
    return monte_carlo(returns, names, model)


def historical(returns: Floats, model: Model) -> Floats:
    """Returns over all stretches of `horizon` rows."""
    stretches = len(returns) - model.horizon + 1
    if stretches < LEAST_ROWS:
        raise DataError(
            f"returns: expected at least {LEAST_ROWS + model.horizon - 1} rows for a horizon of {model.horizon}, "
            f"found {len(returns)}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(returns, model.horizon, axis=0)
    if model.compound:
        return np.asarray((1.0 + windows).prod(axis=-1) - 1.0)
    return np.asarray(windows.sum(axis=-1))


def filtered(returns: Floats, fits: list[Garch], model: Model) -> Floats:
    """Shocks of the past at the volatility of today."""
    states = [filter_garch(returns[:, i], fit) for i, fit in enumerate(fits)]
    shocks = np.column_stack([state[1] for state in states])
    variance = np.array([state[2] for state in states])
    mu, omega, alpha, gamma, beta = (
        np.array([getattr(fit, name) for fit in fits]) for name in ("mu", "omega", "alpha", "gamma", "beta")
    )
    if model.horizon == 1:
        return np.asarray(mu + np.sqrt(variance) * shocks)
    random = np.random.default_rng(model.seed)
    total = _Total(model)
    variances = np.broadcast_to(variance, (model.paths, len(fits)))
    for _ in range(model.horizon):
        days = random.integers(len(shocks), size=model.paths)
        moved = np.sqrt(variances) * shocks[days]
        total.add(mu + moved)
        variances = omega + (alpha + gamma * (moved < 0.0)) * np.square(moved) + beta * variances
    return total.over_horizon()


def monte_carlo(returns: Floats, names: pd.Index, model: Model) -> Floats:
    """Draws from the fitted distribution."""
    drift, root = _moments(returns, names, model)
    random = np.random.default_rng(model.seed)
    total = _Total(model)
    for _ in range(model.horizon):
        draws = random.standard_normal((model.paths, len(drift))) @ root
        if model.degrees_of_freedom is not None:
            # One divisor for all instruments of a day: the multivariate t, in which crashes come together.
            nu = model.degrees_of_freedom
            draws *= np.sqrt((nu - 2.0) / random.chisquare(nu, model.paths))[:, None]
        total.add(drift + draws)
    return total.over_horizon()


class _Total:
    """Returns of one period after another, added or compounded."""

    def __init__(self, model: Model) -> None:
        self.compound = model.compound
        self.so_far: Floats | None = None

    def add(self, returns: Floats) -> None:
        step = 1.0 + returns if self.compound else returns
        if self.so_far is None:
            self.so_far = step
        elif self.compound:
            self.so_far = self.so_far * step
        else:
            self.so_far = self.so_far + step

    def over_horizon(self) -> Floats:
        assert self.so_far is not None  # a horizon is 1 or more
        return self.so_far - 1.0 if self.compound else self.so_far


def _moments(returns: Floats, names: pd.Index, model: Model) -> tuple[Floats, Floats]:
    """Means, and the symmetric root of the covariance: the one root that is the same whichever way it is computed."""
    drift = np.zeros(returns.shape[1]) if model.mean == "zero" else returns.mean(axis=0)
    centred = returns - drift
    covariance = centred.T @ centred / (len(returns) - (model.mean == "sample"))
    if model.correlation is not None:
        deviations = np.sqrt(np.diag(covariance))
        covariance = deviations[:, None] * _correlation(model.correlation, names) * deviations
    values, vectors = np.linalg.eigh(covariance)
    return drift, (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _correlation(matrix: pd.DataFrame, names: pd.Index) -> Floats:
    values = square_matrix(matrix, names, "correlation")
    if np.abs(np.diag(values) - 1.0).max() > 1e-9:
        raise DataError("correlation: expected ones on the diagonal, found others")
    least = float(np.linalg.eigvalsh(values).min())
    if not math.isfinite(least) or least < -1e-9 * len(values):
        raise DataError(
            f"correlation: expected a matrix that returns can have, found one with the eigenvalue {least:.3g}; "
            "no eigenvalue may be negative"
        )
    return values
