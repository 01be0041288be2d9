"""GARCH(1,1): volatility that moves, fitted by maximum likelihood.

    r_t = mu + e_t,  e_t = sigma_t z_t
    sigma_t^2 = omega + (alpha + gamma [e_(t-1) < 0]) e_(t-1)^2 + beta sigma_(t-1)^2

T. Bollerslev, "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31, 1986; with gamma
L. Glosten, R. Jagannathan and D. Runkle, "On the relation between the expected value and the volatility of the nominal
excess return on stocks", Journal of Finance 48, 1993.  The likelihood is that of normal z; the estimates are consistent
for others too.  What came before the sample has the variance of the sample, as in the benchmark of G. Fiorentini, G.
Calzolari and L. Panattoni, "Analytic derivatives and the computation of GARCH estimates", Journal of Applied
Econometrics 11, 1996.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.performance.inputs import check_count
from workbench.risk.book import Floats, Returns, floats, read_series

if TYPE_CHECKING:
    from arch.univariate.base import ARCHModelResult

__all__ = ["LEAST_GARCH_ROWS", "Garch", "GarchFit", "estimate_garch", "filter_garch", "fit_garch"]

LEAST_GARCH_ROWS: Final = 100  # four or five parameters, two of which only turbulence tells apart
_USUAL_START: Final = (
    0.05,
    0.05,
    0.0,
    0.90,
)  # omega (of variance 1), alpha, gamma, beta of many daily series


@dataclass(frozen=True)
class Garch:
    """Parameters, in units of the returns.  initial_variance: what came before the sample."""

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    initial_variance: float

    @property
    def persistence(self) -> float:
        """Share of a shock to the variance that is left a period later; losses are taken for half of all shocks."""
        return self.alpha + 0.5 * self.gamma + self.beta

    @property
    def long_run_variance(self) -> float:
        """What the variance returns to; infinite where the persistence is 1."""
        return self.omega / (1.0 - self.persistence) if self.persistence < 1.0 else math.inf

    @property
    def half_life(self) -> float:
        """Periods until half of a shock to the variance is gone."""
        if not 0.0 < self.persistence < 1.0:
            return math.inf if self.persistence >= 1.0 else 0.0
        return math.log(0.5) / math.log(self.persistence)


@dataclass(frozen=True, eq=False)
class GarchFit:
    """A fitted model.

    volatility, residuals: by the times of the returns; the one is sigma_t per period, the other z_t.  next_variance: of
    the period after the last.  standard_errors: from the inverse of the Hessian.
    """

    parameters: Garch
    standard_errors: pd.Series[float]
    log_likelihood: float
    volatility: pd.Series[float]
    residuals: pd.Series[float]
    next_variance: float

    def variance_forecast(self, horizon: int) -> pd.Series[float]:
        """Expected variance of each of the next `horizon` periods, index 1 to horizon.

        Falls or rises to the long-run variance by the persistence (Bollerslev 1986).  Raises ConfigError.
        """
        steps = np.arange(check_count("horizon", horizon, 1))
        model = self.parameters
        if model.persistence < 1.0:
            path = model.long_run_variance + model.persistence**steps * (
                self.next_variance - model.long_run_variance
            )
        else:
            path = self.next_variance + model.omega * steps
        return pd.Series(path, index=pd.RangeIndex(1, horizon + 1, name="period"), name="variance")


def fit_garch(returns: Returns, *, asymmetric: bool = False) -> GarchFit:
    """Fit the model to returns per period, of any scale.  asymmetric: with gamma.

    Raises DataError for fewer than 100 returns, returns that are not finite or do not move, or where the likelihood has
    no maximum that can be found.
    """
    series = read_series(returns, least=LEAST_GARCH_ROWS)
    values = floats(series)
    model, fitted, scale = _fit(values, asymmetric)
    volatility, residuals, next_variance = filter_garch(values, model)
    errors = fitted.std_err.to_numpy() * np.array([scale, scale**2, 1.0, 1.0, 1.0][: len(fitted.std_err)])
    names = ["mu", "omega", "alpha", "gamma", "beta"] if asymmetric else ["mu", "omega", "alpha", "beta"]
    return GarchFit(
        parameters=model,
        standard_errors=pd.Series(errors, index=pd.Index(names), name="standard_error"),
        log_likelihood=float(fitted.loglikelihood) - len(values) * math.log(scale),
        volatility=pd.Series(volatility, index=series.index, name="volatility"),
        residuals=pd.Series(residuals, index=series.index, name="residual"),
        next_variance=next_variance,
    )


def estimate_garch(values: Floats, asymmetric: bool, of: str = "") -> Garch:
    """The parameters alone.  of: whose returns they are, for the message.  Raises as `fit_garch`."""
    return _fit(values, asymmetric, of)[0]


def filter_garch(values: Floats, model: Garch) -> tuple[Floats, Floats, float]:
    """sigma_t, z_t and the variance of the next period, with given parameters."""
    from scipy.signal import lfilter  # takes long to import, and only this needs it

    shocks = values - model.mu
    squares = np.square(shocks)
    news = model.omega + (model.alpha + model.gamma * (shocks < 0.0)) * squares
    first = model.omega + model.persistence * model.initial_variance
    later, _ = lfilter([1.0], [1.0, -model.beta], news, zi=[model.beta * first])
    variance = np.concatenate(([first], later))
    volatility = np.sqrt(variance[:-1])
    return volatility, shocks / volatility, float(variance[-1])


def _fit(values: Floats, asymmetric: bool, of: str = "") -> tuple[Garch, ARCHModelResult, float]:
    """Parameters, arch's result on returns over their deviation, and that deviation."""
    from arch import arch_model  # takes long to import

    where = f"returns of {of}" if of else "returns"
    if len(values) < LEAST_GARCH_ROWS:
        raise DataError(
            f"{where}: expected at least {LEAST_GARCH_ROWS} rows for a GARCH model, found {len(values)}"
        )
    scale = float(values.std())
    if not scale > 1e-12 * float(np.abs(values).max(initial=0.0)):
        raise DataError(f"{where}: expected returns that move, found the same one throughout")
    model = arch_model(values / scale, vol="GARCH", p=1, o=int(asymmetric), q=1, rescale=False)
    omega, alpha, gamma, beta = _USUAL_START
    usual = [values.mean() / scale, omega, alpha, *([gamma] if asymmetric else []), beta]
    for start in (None, np.array(usual)):  # arch's own search for a start first
        fitted = model.fit(
            starting_values=start, disp="off", show_warning=False, cov_type="classic", backcast=1.0
        )
        if fitted.convergence_flag == 0:
            break
    else:
        raise DataError(
            f"{where}: no GARCH model could be fitted to these {len(values)} rows; give more of them, "
            "or take another method"
        )
    found = fitted.params.to_numpy()
    # The search keeps its bounds up to a millionth; below them a variance could turn negative.
    alpha, beta = max(float(found[2]), 0.0), max(float(found[-1]), 0.0)
    parameters = Garch(
        mu=float(found[0]) * scale,
        omega=float(found[1]) * scale**2,
        alpha=alpha,
        gamma=max(float(found[3]), -alpha) if asymmetric else 0.0,
        beta=beta,
        initial_variance=scale**2,
    )
    return parameters, fitted, scale
