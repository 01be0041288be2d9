"""GARCH(1,1) against the published benchmark, against the package that fits it, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ConfigError, DataError
from workbench.risk import Garch, fit_garch
from workbench.risk.garch import filter_garch


def simulated(model: Garch, rows: int, seed: int) -> pd.Series[float]:
    random = np.random.default_rng(seed)
    variance, values = model.initial_variance, []
    for z in random.standard_normal(rows):
        shock = math.sqrt(variance) * z
        values.append(model.mu + shock)
        variance = model.omega + (model.alpha + model.gamma * (shock < 0)) * shock**2 + model.beta * variance
    return pd.Series(values)


def test_the_benchmark_of_fiorentini_calzolari_and_panattoni(dem_gbp: pd.Series[float]) -> None:
    """G. Fiorentini, G. Calzolari and L. Panattoni 1996, made the benchmark by B. McCullough and C. Renfro 1999:
    mu -0.00619041, omega 0.0107613, alpha 0.153134, beta 0.805974; standard errors from the Hessian 0.00846212,
    0.00285271, 0.0265228, 0.0335527; log-likelihood -1106.608.

    In the benchmark the variance before the sample follows mu while the search goes on; here it is that of the sample.
    That moves mu by 0.002 of its standard error, and the others by less than one part in 10,000."""
    fit = fit_garch(dem_gbp)
    found = fit.parameters
    assert found.omega == pytest.approx(0.0107613, rel=1e-4)
    assert found.alpha == pytest.approx(0.153134, rel=1e-4)
    assert found.beta == pytest.approx(0.805974, rel=1e-5)
    assert found.mu == pytest.approx(-0.00619041, abs=0.003 * 0.00846212)
    published = [0.00846212, 0.00285271, 0.0265228, 0.0335527]
    assert fit.standard_errors.tolist() == pytest.approx(published, rel=1e-3)
    assert fit.standard_errors.index.tolist() == ["mu", "omega", "alpha", "beta"]
    assert fit.log_likelihood == pytest.approx(-1106.608, abs=0.002)


def test_the_fit_does_not_depend_on_the_unit(dem_gbp: pd.Series[float]) -> None:
    per_cent, share = fit_garch(dem_gbp), fit_garch(dem_gbp / 100.0)
    assert share.parameters.mu == pytest.approx(per_cent.parameters.mu / 100.0, rel=1e-4)
    assert share.parameters.omega == pytest.approx(per_cent.parameters.omega / 1e4, rel=1e-4)
    assert share.parameters.beta == pytest.approx(per_cent.parameters.beta, rel=1e-5)
    assert share.next_variance == pytest.approx(per_cent.next_variance / 1e4, rel=1e-4)
    # A density of a hundredth of the unit is a hundred times as high.
    assert share.log_likelihood == pytest.approx(per_cent.log_likelihood + 1974 * math.log(100.0), abs=0.01)


@pytest.mark.parametrize("asymmetric", [False, True])
def test_volatility_and_forecast_are_those_of_the_package(
    sp500: pd.Series[float], *, asymmetric: bool
) -> None:
    from arch import arch_model

    returns = 100.0 * sp500.iloc[-1_000:]
    fit = fit_garch(returns, asymmetric=asymmetric)
    found = fit.parameters
    values = [found.mu, found.omega, found.alpha, *([found.gamma] if asymmetric else []), found.beta]
    model = arch_model(returns, o=int(asymmetric), rescale=False)
    backcast = found.initial_variance
    theirs = model.fit(disp="off", backcast=backcast, starting_values=np.array(values))
    assert fit.log_likelihood == pytest.approx(theirs.loglikelihood, abs=0.01)
    same = model.fix(np.array(values))
    later = slice(300, None)  # the package starts its fixed models from another variance, which wears off
    assert fit.volatility.iloc[later].to_numpy() == pytest.approx(
        np.asarray(same.conditional_volatility)[later], rel=1e-4
    )
    expected = same.forecast(horizon=5).variance.iloc[-1].tolist()
    assert fit.variance_forecast(5).tolist() == pytest.approx(expected, rel=1e-4)
    assert fit.residuals.to_numpy() == pytest.approx(((returns - found.mu) / fit.volatility).to_numpy())


def test_known_parameters_are_found_again() -> None:
    truth = Garch(mu=0.05, omega=0.02, alpha=0.05, gamma=0.10, beta=0.88, initial_variance=1.0)
    fit = fit_garch(simulated(truth, 8_000, seed=3), asymmetric=True)
    for name in ("mu", "omega", "alpha", "gamma", "beta"):
        error = getattr(fit.parameters, name) - getattr(truth, name)
        assert abs(error) < 3.0 * fit.standard_errors[name], name


def test_the_filter_worked_by_hand() -> None:
    model = Garch(mu=0.1, omega=0.2, alpha=0.1, gamma=0.3, beta=0.5, initial_variance=1.0)
    volatility, residuals, following = filter_garch(np.array([1.1, -1.9, 0.1]), model)
    # First: 0.2 + (0.1 + 0.3 / 2 + 0.5) x 1 = 0.95.  Then shocks 1, -2, 0:
    # 0.2 + 0.1 x 1 + 0.5 x 0.95 = 0.775;  0.2 + 0.4 x 4 + 0.5 x 0.775 = 2.1875;  0.2 + 0.5 x 2.1875 = 1.29375.
    assert (volatility**2).tolist() == pytest.approx([0.95, 0.775, 2.1875])
    assert residuals.tolist() == pytest.approx([1 / math.sqrt(0.95), -2 / math.sqrt(0.775), 0.0])
    assert following == pytest.approx(1.29375)


def test_hull_long_run_variance() -> None:
    """J. Hull, "Options, Futures, and Other Derivatives", chapter on estimating volatilities: omega 0.000002, alpha
    0.13, beta 0.86: long-run variance 0.0002, which is 1.4 % a day; from 1.6 % a day a return of 1 % leads to
    0.00023516, which is 1.53 %."""
    model = Garch(mu=0.0, omega=0.000002, alpha=0.13, gamma=0.0, beta=0.86, initial_variance=0.0)
    assert model.long_run_variance == pytest.approx(0.0002)
    assert math.sqrt(model.long_run_variance) == pytest.approx(0.014, abs=2e-4)
    # The first variance is omega + (alpha + beta) x initial: chosen to be 1.6 % a day.
    initial = (0.016**2 - model.omega) / 0.99
    start = Garch(0.0, model.omega, model.alpha, 0.0, model.beta, initial)
    _, _, following = filter_garch(np.array([0.01]), start)
    assert following == pytest.approx(0.00023516)
    assert math.sqrt(following) == pytest.approx(0.0153, abs=5e-5)


def test_persistence_and_half_life() -> None:
    model = Garch(mu=0.0, omega=0.1, alpha=0.1, gamma=0.1, beta=0.75, initial_variance=1.0)
    assert model.persistence == pytest.approx(0.9)
    assert 0.9**model.half_life == pytest.approx(0.5)
    integrated = Garch(mu=0.0, omega=0.1, alpha=0.1, gamma=0.0, beta=0.9, initial_variance=1.0)
    assert (integrated.long_run_variance, integrated.half_life) == (math.inf, math.inf)


def test_forecasts_go_to_the_long_run_variance(dem_gbp: pd.Series[float]) -> None:
    fit = fit_garch(dem_gbp)
    path = fit.variance_forecast(2_000)
    assert path.loc[1] == fit.next_variance
    assert path.iloc[-1] == pytest.approx(fit.parameters.long_run_variance)
    with pytest.raises(ConfigError, match="horizon must be a whole number of 1 or more, found 0"):
        fit.variance_forecast(0)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.linspace(-1.0, 1.0, 99), "at least 100 rows, found 99"),
        (np.full(200, 0.01), "expected returns that move, found the same one throughout"),
        (np.append(np.linspace(-1.0, 1.0, 120), np.nan), "expected finite figures, found nan at 120"),
    ],
)
def test_returns_that_cannot_be_fitted(returns: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_garch(returns)
