"""Drawn paths: seeded, with the moments that they should have, in line with closed forms and other programs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.risk_analytics.conftest import WithCovariance
from workbench.errors import ConfigError, DataError
from workbench.risk import fit_garch, tail_risk, value_at_risk
from workbench.risk.book import read_book
from workbench.risk.model import Settings, make_model
from workbench.risk.simulation import scenarios

CORRELATION = [[1.0, 0.6], [0.6, 1.0]]


@pytest.fixture
def returns(with_covariance: WithCovariance) -> pd.DataFrame:
    return with_covariance({"a": 0.02, "b": 0.01}, CORRELATION, mean=0.001)


def drawn(frame: pd.DataFrame, method: str, horizon: int, settings: Settings) -> np.ndarray:
    book = read_book(frame, dict.fromkeys(frame.columns, 1.0))
    return scenarios(book.returns, book.exposures.columns, make_model(method, 0.99, horizon, settings))


@pytest.mark.parametrize("method", ["monte_carlo", "filtered_historical"])
def test_the_seed_settles_the_figure(dem_gbp: pd.Series[float], method: str) -> None:
    def figure(seed: int | np.random.SeedSequence) -> float:
        return value_at_risk(dem_gbp, 0.99, method, 5, seed=seed, paths=2_000)  # type: ignore[arg-type]

    assert figure(7) == figure(7) == figure(np.random.SeedSequence(7))
    assert figure(7) != figure(8)


@pytest.mark.parametrize("horizon", [1, 10])
@pytest.mark.parametrize("degrees", [None, 5.0])
def test_paths_have_the_moments_of_the_sample(
    returns: pd.DataFrame, horizon: int, degrees: float | None
) -> None:
    paths = drawn(returns, "monte_carlo", horizon, {"degrees_of_freedom": degrees})
    assert paths.shape == (100_000, 2)
    deviation = 0.02 * math.sqrt(horizon)
    assert paths.mean(axis=0) == pytest.approx(0.001 * horizon, abs=4 * deviation / math.sqrt(100_000))
    assert paths.std(axis=0) == pytest.approx([deviation, deviation / 2], rel=0.015)
    assert np.corrcoef(paths.T)[0, 1] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("horizon", [1, 10])
def test_normal_paths_agree_with_the_closed_form(returns: pd.DataFrame, horizon: int) -> None:
    held = {"a": 1e6, "b": -5e5}
    exact = tail_risk(returns, 0.99, "parametric", horizon, exposures=held)
    found = tail_risk(returns, 0.99, "monte_carlo", horizon, exposures=held, paths=400_000)
    assert [found.var, found.cvar] == pytest.approx([exact.var, exact.cvar], rel=0.01)
    assert found.observations == 400_000


def test_student_paths_agree_with_the_closed_form(returns: pd.DataFrame) -> None:
    held = {"a": 1e6, "b": 5e5}  # a sum of parts of one multivariate t is a t
    exact = tail_risk(returns, 0.99, "parametric", exposures=held, degrees_of_freedom=4.0)
    found = tail_risk(returns, 0.99, "monte_carlo", exposures=held, degrees_of_freedom=4.0, paths=400_000)
    assert [found.var, found.cvar] == pytest.approx([exact.var, exact.cvar], rel=0.03)


def test_a_correlation_of_ones_own_replaces_that_of_the_sample(returns: pd.DataFrame) -> None:
    held = {"a": 1e6, "b": 2e6}  # each side deviates by 20,000 a day

    def figure(correlation: float) -> float:
        matrix = pd.DataFrame([[1.0, correlation], [correlation, 1.0]], list("ba"), list("ba"))
        return value_at_risk(
            returns, 0.99, "monte_carlo", exposures=held, correlation=matrix, mean="zero", paths=400_000
        )

    # About 0 the deviation is sqrt(0.02^2 x 15/16 + 0.001^2), and that of b by half.
    a, b = (math.sqrt(s**2 * 15 / 16 + 1e-6) for s in (0.02, 0.01))
    one = 2.3263478740408408 * 1e6
    assert figure(1.0) == pytest.approx(one * (a + 2 * b), rel=0.01)
    assert figure(0.0) == pytest.approx(one * math.hypot(a, 2 * b), rel=0.01)
    assert figure(-1.0) == pytest.approx(one * abs(2 * b - a), rel=0.02)


def test_more_instruments_than_rows_can_be_drawn() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((10, 30)))
    held = pd.Series(1.0, index=frame.columns)
    exact = value_at_risk(frame, 0.95, "parametric", exposures=held)
    assert value_at_risk(frame, 0.95, "monte_carlo", exposures=held) == pytest.approx(exact, rel=0.03)


def test_compounding_is_a_holding_left_alone(returns: pd.DataFrame) -> None:
    added = drawn(returns, "monte_carlo", 2, {"seed": 3, "paths": 1_000})
    multiplied = drawn(returns, "monte_carlo", 2, {"seed": 3, "paths": 1_000, "compound": True})
    first = drawn(returns, "monte_carlo", 1, {"seed": 3, "paths": 1_000})
    second = added - first  # the same seed draws the same first day
    assert multiplied == pytest.approx((1 + first) * (1 + second) - 1)


# Filtered historical simulation


def test_one_period_is_every_past_shock_at_the_volatility_of_tomorrow(dem_gbp: pd.Series[float]) -> None:
    fit = fit_garch(dem_gbp)
    outcomes = np.sort(fit.parameters.mu + math.sqrt(fit.next_variance) * fit.residuals.to_numpy())
    found = tail_risk(dem_gbp, 0.99, "filtered_historical")
    assert found.observations == 1974
    assert found.var == pytest.approx(-outcomes[19])  # k = floor(19.74) + 1 = 20
    assert found.cvar == pytest.approx(-(outcomes[:19].sum() + 0.74 * outcomes[19]) / 19.74)


def test_calm_and_storm_move_the_figure_where_plain_history_stays(sp500: pd.Series[float]) -> None:
    calm, storm = sp500.loc[:"2006-12-29"].iloc[-1_000:], sp500.loc[:"2008-10-31"].iloc[-1_000:]
    ratio = {
        method: value_at_risk(storm, 0.99, method) / value_at_risk(calm, 0.99, method)
        for method in ("historical", "filtered_historical")
    }
    assert ratio["filtered_historical"] > 6.0 > 3.0 > ratio["historical"]


def test_paths_have_the_variance_that_garch_forecasts(dem_gbp: pd.Series[float]) -> None:
    fit = fit_garch(dem_gbp)
    paths = drawn(dem_gbp.to_frame(), "filtered_historical", 10, {"paths": 200_000})[:, 0]
    # Shocks of the sample have a mean square near 1, not 1: the forecast is of shocks that have.
    square = float(np.mean(fit.residuals**2))
    assert square == pytest.approx(1.0, abs=0.02)
    assert paths.var() == pytest.approx(float(fit.variance_forecast(10).sum()), rel=0.06)


def test_paths_agree_with_the_bootstrap_of_the_package(sp500: pd.Series[float]) -> None:
    from arch import arch_model

    returns = 100.0 * sp500.iloc[-1_500:]
    found = fit_garch(returns, asymmetric=True).parameters
    model = arch_model(returns, o=1, rescale=False)
    fixed = model.fix([found.mu, found.omega, found.alpha, found.gamma, found.beta])
    random = np.random.default_rng(11)
    paths = fixed.forecast(
        horizon=5, method="bootstrap", simulations=50_000, random_state=np.random.RandomState(11)
    ).simulations.values
    assert paths is not None
    sums = np.sort(paths[-1].sum(axis=1))
    ours = tail_risk(returns, 0.99, "filtered_historical", 5, asymmetric=True, seed=int(random.integers(99)))
    assert ours.var == pytest.approx(-sums[500], rel=0.04)
    assert ours.cvar == pytest.approx(-sums[:500].mean(), rel=0.04)


def test_instruments_keep_the_shocks_of_one_day_together(dem_gbp: pd.Series[float]) -> None:
    twins = pd.DataFrame({"a": dem_gbp, "b": 2.0 * dem_gbp})
    hedged = tail_risk(twins, 0.99, "filtered_historical", 5, exposures={"a": 2.0, "b": -1.0})
    alone = tail_risk(twins, 0.99, "filtered_historical", 5, exposures={"a": 2.0})
    assert hedged.var < 1e-3 * alone.var  # the fits of the twins agree to a few digits only


# Bad input


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0, 1.2], [1.2, 1.0]], "found one with the eigenvalue -0.2; no eigenvalue may be negative"),
        ([[2.0, 0.1], [0.1, 1.0]], "ones on the diagonal"),
        ([[1.0, 0.2], [0.1, 1.0]], "symmetric"),
    ],
)
def test_a_matrix_that_is_no_correlation(
    returns: pd.DataFrame, matrix: list[list[float]], message: str
) -> None:
    frame = pd.DataFrame(matrix, list("ab"), list("ab"))
    with pytest.raises(DataError, match=message):
        tail_risk(returns, 0.99, "monte_carlo", exposures={"a": 1.0, "b": 1.0}, correlation=frame)


def test_a_correlation_of_other_names(returns: pd.DataFrame) -> None:
    frame = pd.DataFrame(np.eye(2), list("ac"), list("ac"))
    with pytest.raises(DataError, match="correlation: expected a row and a column for b, found none"):
        tail_risk(returns, 0.99, "monte_carlo", exposures={"a": 1.0, "b": 1.0}, correlation=frame)


def test_too_many_paths_are_refused_before_they_are_drawn(returns: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="paths must be a whole number from 1,000 to 10,000,000, found 10"):
        tail_risk(returns["a"], 0.99, "monte_carlo", paths=10**9)
