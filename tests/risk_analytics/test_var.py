"""Value at risk and expected shortfall: worked by hand, from textbooks, and against other ways to compute them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate, stats

from tests.risk_analytics.conftest import Floats, WithCovariance
from workbench.core.monitors import historical_var
from workbench.risk import TailRisk, expected_shortfall, hypothetical_pnl, tail_risk, value_at_risk
from workbench.risk.model import METHODS, Method
from workbench.risk.tail_gradient import scenario_gradient

MANY: tuple[Method, ...] = (
    "historical", "parametric", "cornish_fisher", "ewma", "filtered_historical", "monte_carlo"
)  # fmt: skip
Z_99, Z_95 = 2.3263478740408408, 1.6448536269514722  # normal quantiles
outcomes = hnp.arrays(
    np.float64, st.integers(8, 80), elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
)


def made_up(rows: int = 600, columns: int = 3, seed: int = 5) -> pd.DataFrame:
    """Correlated returns with fat tails."""
    random = np.random.default_rng(seed)
    common = random.standard_t(4, (rows, 1))
    values = 0.01 * (common + random.standard_t(5, (rows, columns)))
    return pd.DataFrame(values, columns=pd.Index([f"i{n}" for n in range(columns)]))


def test_every_method_is_tried_here() -> None:
    assert MANY == METHODS


# Historical


def test_historical_figures_of_twenty_outcomes() -> None:
    returns = [-0.10, -0.07, -0.05, *[0.01] * 17]
    # 2 of 20 outcomes lie in the tail and k = 2 + 1 = 3, though 1 - 0.9 is a hair below 0.1 in binary.
    assert value_at_risk(returns, 0.9) == 0.05
    # Mean of the worst 2: (0.10 + 0.07) / 2.
    assert expected_shortfall(returns, 0.9) == pytest.approx(0.085, abs=1e-15)
    # 1 of 20 at 95 %: k = floor(1.0...) + 1 = 2; the worst 1 alone is the tail.
    assert value_at_risk(returns, 0.95) == 0.07
    assert expected_shortfall(returns, 0.95) == pytest.approx(0.10, abs=1e-15)
    # 0.5 of 20 at 97.5 %: the worst.
    found = tail_risk(returns, 0.975)
    assert found == TailRisk("historical", 0.975, 1, 0.10, found.cvar, 20)
    assert found.cvar == pytest.approx(0.10)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975, 0.99, 0.8, 0.7, 0.6])
def test_the_rank_is_that_of_the_decimal_fraction(confidence: float) -> None:
    """Of 1,000 outcomes -1,000 ... -1: the one after the (1 - confidence) x 1,000 worst, by all three roads."""
    pnl = -np.arange(1_000.0, 0.0, -1.0)
    expected = 1_000.0 - round((1.0 - confidence) * 1_000.0)
    assert value_at_risk(pnl, confidence) == expected
    assert historical_var(pnl.copy(), 1_000, 1.0 - confidence) == expected
    slope, _ = scenario_gradient(pnl[:, None], np.ones(1), 1.0 - confidence, smooth=False)
    assert slope.tolist() == [expected]


def test_expected_shortfall_takes_the_fraction_of_an_outcome_that_is_left() -> None:
    returns = [-0.10, -0.06, -0.02, *[0.01] * 7]
    # 2.5 of 10 outcomes: (0.10 + 0.06 + 0.5 x 0.02) / 2.5 = 0.17 / 2.5 (Acerbi and Tasche 2002).
    assert expected_shortfall(returns, 0.75) == pytest.approx(0.068, abs=1e-15)


@given(outcomes, st.floats(0.51, 0.999))
def test_historical_is_the_monitor_of_the_core_to_the_last_bit(pnl: Floats, confidence: float) -> None:
    of_core = historical_var(pnl.copy(), len(pnl), 1.0 - confidence)
    assert value_at_risk(pnl, confidence) == of_core


@given(outcomes, st.floats(0.51, 0.999))
def test_expected_shortfall_is_the_minimum_of_rockafellar_and_uryasev(pnl: Floats, confidence: float) -> None:
    """R. T. Rockafellar, S. Uryasev, "Conditional value-at-risk for general loss distributions", 2002, theorem 10:
    the least of c + E[(loss - c)+] / tail over c, which is reached at an outcome."""
    found = tail_risk(pnl, confidence)
    tail = 1.0 - confidence
    least = min(c + np.maximum(-pnl - c, 0.0).mean() / tail for c in -pnl)
    assert found.cvar == pytest.approx(max(least, 0.0), abs=1e-8)
    assert found.cvar >= found.var - 1e-9


@given(
    hnp.arrays(np.float64, (40, 2), elements=st.floats(-100.0, 100.0).map(lambda x: round(x, 2))),
    st.floats(0.6, 0.99),
)
def test_expected_shortfall_rewards_spreading(pnl: Floats, confidence: float) -> None:
    apart = sum(expected_shortfall(pnl[:, i], confidence) for i in (0, 1))
    assert expected_shortfall(pnl.sum(axis=1), confidence) <= apart + 1e-9


def test_historical_over_a_horizon_takes_every_stretch() -> None:
    returns = [0.01, -0.02, -0.03, 0.02, 0.01, -0.05, 0.00, 0.01, 0.02]
    # Two-day sums: -0.01 -0.05 -0.01 0.03 -0.04 -0.05 0.01 0.03, of which 8 x 0.2 = 1.6 are in the tail.
    found = tail_risk(returns, 0.8, horizon=2)
    assert found.var == pytest.approx(0.05)
    assert found.observations == 8
    assert found.cvar == pytest.approx((0.05 + 0.6 * 0.05) / 1.6)
    # Compounded: 0.98 x 0.97 - 1 = -0.0494 and 1.01 x 0.95 - 1 = -0.0405; the second worst is 0.95 x 1.00 - 1.
    assert value_at_risk(returns, 0.8, horizon=2, compound=True) == pytest.approx(0.0494)


# Parametric, and textbooks


def test_hull_microsoft_and_at_and_t(with_covariance: WithCovariance) -> None:
    """J. Hull, "Options, Futures, and Other Derivatives", chapter on value at risk, model-building approach: USD 10
    million of Microsoft at 2 % a day, 5 million of AT&T at 1 %, correlation 0.3.  Ten days at 99 %: 1,473,621, 368,405,
    together 1,622,657, benefit of diversification 219,369.  Hull rounds the quantile to 2.33."""
    returns = with_covariance({"MSFT": 0.02, "T": 0.01}, [[1.0, 0.3], [0.3, 1.0]])
    amounts = {"MSFT": 10e6, "T": 5e6}
    rounding = 2.33 / Z_99
    alone = [
        value_at_risk(returns[name], 0.99, "parametric", 10, value=amount) * rounding
        for name, amount in amounts.items()
    ]
    both = value_at_risk(returns, 0.99, "parametric", 10, exposures=amounts) * rounding
    assert alone == [pytest.approx(1_473_621, abs=1), pytest.approx(368_405, abs=1)]
    assert both == pytest.approx(1_622_657, abs=5)  # Hull takes 220,227 for 220,227.2
    assert sum(alone) - both == pytest.approx(219_369, abs=5)


def test_parametric_takes_the_drift_over_the_horizon(with_covariance: WithCovariance) -> None:
    returns = with_covariance({"a": 0.02}, [[1.0]], mean=0.001)["a"]
    assert value_at_risk(returns, 0.95, "parametric", 4) == pytest.approx(Z_95 * 0.02 * 2.0 - 0.004)
    # Without a mean the deviation is about 0: variance x 15/16 + 0.001^2.
    about_zero = math.sqrt(0.02**2 * 15.0 / 16.0 + 1e-6)
    assert value_at_risk(returns, 0.95, "parametric", 4, mean="zero") == pytest.approx(Z_95 * about_zero * 2)
    # Mean loss beyond a normal quantile: density / tail.
    density = math.exp(-0.5 * Z_95**2) / math.sqrt(2.0 * math.pi)
    assert expected_shortfall(returns, 0.95, "parametric") == pytest.approx(density / 0.05 * 0.02 - 0.001)


@pytest.mark.parametrize("degrees", [2.5, 4.0, 30.0, 1e6])
def test_student_t_figures_are_the_integrals_of_its_density(
    with_covariance: WithCovariance, degrees: float
) -> None:
    returns = with_covariance({"a": 0.02}, [[1.0]])["a"]
    found = tail_risk(returns, 0.975, "parametric", degrees_of_freedom=degrees)
    scale = 0.02 * math.sqrt((degrees - 2.0) / degrees)
    law = stats.t(degrees, scale=scale)
    assert found.var == pytest.approx(-law.ppf(0.025))
    beyond, _ = integrate.quad(lambda x: -x * law.pdf(x), -np.inf, -found.var)
    assert found.cvar == pytest.approx(beyond / 0.025, rel=1e-5)


def test_a_normal_loss_by_hand_and_by_its_quantiles() -> None:
    """Expected shortfall at 97.5 % is density(1.95996) / 0.025 = 0.0584451 / 0.025 = 2.338 deviations, close to value
    at risk at 99 %, which is 2.326."""
    returns = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert expected_shortfall(returns, 0.975, "parametric") == pytest.approx(2.338, abs=5e-4)
    assert expected_shortfall(returns, 0.975) == pytest.approx(2.338, abs=5e-4)
    assert value_at_risk(returns, 0.99, "parametric") == pytest.approx(2.326, abs=5e-4)
    assert value_at_risk(returns, 0.99) == pytest.approx(2.326, abs=5e-4)


# Exponential weights


def test_ewma_worked_by_hand() -> None:
    returns = [0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.0, 0.01]
    # Weights 0.5^age over their sum, 2 - 2^-7: the newest counts 1, that of three rows ago 0.25.
    variance = (0.01**2 + 0.25 * 0.02**2) / (2.0 - 2.0**-7)
    assert value_at_risk(returns, 0.99, "ewma", decay=0.5) == pytest.approx(Z_99 * math.sqrt(variance))
    assert value_at_risk(returns, 0.99, "ewma", 9, decay=0.5) == pytest.approx(3 * Z_99 * math.sqrt(variance))


def test_ewma_follows_the_recursion_of_riskmetrics(sp500: pd.Series[float]) -> None:
    """RiskMetrics 1996, section 5.2: variance <- 0.94 x variance + 0.06 x return^2.  After 5,000 days nothing is left
    of where it began.  Hull, chapter on estimating volatilities, has one step of it with decay 0.90: from 1 % a day,
    after a return of 2 %, to 1.14 %."""
    variance = sp500.iloc[0] ** 2
    for value in sp500.iloc[1:]:
        variance = 0.94 * variance + 0.06 * value**2
    assert value_at_risk(sp500, 0.95, "ewma") == pytest.approx(Z_95 * math.sqrt(variance), rel=1e-12)
    assert math.sqrt(0.90 * 0.01**2 + 0.10 * 0.02**2) == pytest.approx(0.0114, abs=5e-5)
    steps = [0.01] * 400 + [0.02]  # a long calm at 1 %, then a day of 2 %
    assert value_at_risk(steps, 0.95, "ewma", decay=0.90) == pytest.approx(Z_95 * 0.0114, abs=1e-4)


# All methods


@pytest.mark.parametrize("horizon", [1, 10])
@pytest.mark.parametrize("method", MANY)
def test_figures_grow_with_the_holding_and_turn_round_with_it(method: Method, horizon: int) -> None:
    returns = made_up()["i0"]
    one = tail_risk(returns, 0.95, method, horizon)
    many = tail_risk(returns, 0.95, method, horizon, value=1e6)
    assert [many.var, many.cvar] == pytest.approx([1e6 * one.var, 1e6 * one.cvar])
    short = tail_risk(returns, 0.95, method, horizon, value=-1.0)
    turned = tail_risk(-returns, 0.95, method, horizon)
    if method == "monte_carlo" or (method == "filtered_historical" and horizon > 1):
        # Draws are not mirrored: the figure is that of another sample of the same law.
        assert short.var == pytest.approx(turned.var, rel=0.04)
    else:
        assert [short.var, short.cvar] == pytest.approx([turned.var, turned.cvar])


@pytest.mark.parametrize("method", MANY)
def test_more_confidence_is_more_loss_and_the_tail_is_beyond_its_edge(method: Method) -> None:
    returns = made_up()["i0"]
    figures = [tail_risk(returns, level, method) for level in (0.9, 0.95, 0.975, 0.99)]
    assert all(a.var < b.var and a.cvar < b.cvar for a, b in pairwise(figures))
    assert all(one.cvar > one.var > 0.0 for one in figures)
    assert all(one.expected_shortfall == one.cvar for one in figures)


@pytest.mark.parametrize("method", ["historical", "parametric", "cornish_fisher", "ewma"])
def test_a_book_is_its_profit_and_loss(method: Method) -> None:
    returns = made_up()
    amounts = {"i0": 1e6, "i2": -4e5}
    of_book = tail_risk(returns, 0.95, method, exposures=amounts)
    pnl = hypothetical_pnl(returns, amounts)
    assert pnl.to_numpy() == pytest.approx(1e6 * returns["i0"].to_numpy() - 4e5 * returns["i2"].to_numpy())
    of_pnl = tail_risk(pnl, 0.95, method)
    assert [of_book.var, of_book.cvar] == pytest.approx([of_pnl.var, of_pnl.cvar])


@pytest.mark.parametrize("method", MANY)
def test_exposures_are_netted_over_strategies(method: Method) -> None:
    returns = made_up()
    apart = pd.DataFrame({"i0": [1e6, 0.0], "i1": [-5e5, 8e5]}, index=["trend", "pairs"])
    positions = pd.DataFrame(
        {
            "strategy_id": ["trend", "trend", "pairs"],
            "symbol": ["i0", "i1", "i1"],
            "venue": "",
            "notional": [1e6, -5e5, 8e5],
        }
    )
    figures = [
        value_at_risk(returns, 0.95, method, exposures=held)
        for held in (apart, positions, pd.Series({"i0": 1e6, "i1": 3e5}), {"i0": 1e6, "i1": 3e5})
    ]
    assert figures == [pytest.approx(figures[0], rel=1e-12)] * 4


def test_positions_at_venues_are_named_as_prices_are() -> None:
    returns = made_up(columns=2).set_axis(["BTC-USD@one", "BTC-USD@two"], axis=1)
    positions = pd.DataFrame({"symbol": "BTC-USD", "venue": ["one", "two"], "notional": [100.0, -100.0]})
    spread = 100.0 * (returns["BTC-USD@one"] - returns["BTC-USD@two"])
    assert value_at_risk(returns, 0.95, exposures=positions) == pytest.approx(value_at_risk(spread, 0.95))


@pytest.mark.parametrize("method", MANY)
def test_nothing_held_is_no_loss(method: Method) -> None:
    found = tail_risk(made_up(), 0.99, method, exposures={"i0": 0.0})
    assert (found.var, found.cvar) == (0.0, 0.0)


def test_a_tail_of_gains_is_no_loss() -> None:
    gains = np.linspace(0.01, 0.02, 50)
    assert tail_risk(gains, 0.95) == TailRisk("historical", 0.95, 1, 0.0, 0.0, 50)
    assert value_at_risk(gains, 0.95, "parametric", 100) == 0.0
