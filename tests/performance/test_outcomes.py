"""Gains against losses by hand."""

from __future__ import annotations

import math

import pytest

from workbench.errors import ConfigError
from workbench.performance import outcomes

PNL = [30.0, -10.0, 10.0, -5.0, 0.0]  # of trades, in dollars


def test_trades_by_hand() -> None:
    assert outcomes.win_rate(PNL) == pytest.approx(2 / 5)
    assert outcomes.profit_factor(PNL) == pytest.approx(40 / 15)
    assert outcomes.payoff_ratio(PNL) == pytest.approx(20 / 7.5)
    assert outcomes.expectancy(PNL) == pytest.approx(5.0)
    # Losses 15 times 2, over gains 40 times 2.
    assert outcomes.d_ratio(PNL) == pytest.approx(30 / 80)


def test_about_a_target_by_hand() -> None:
    # Above 1 %: +2 %, -1 %, 0, -3 %: sums 2 and 4, mean -0.5 %, root mean squares 1 % and sqrt(10)/2 %.
    four = [0.03, 0.00, 0.01, -0.02]
    assert outcomes.omega_ratio(four, required_return=0.01) == pytest.approx(2 / 4)
    assert outcomes.omega_sharpe_ratio(four, required_return=0.01) == pytest.approx(-0.5)
    assert outcomes.upside_potential(four, required_return=0.01) == pytest.approx(0.005)
    assert outcomes.downside_potential(four, required_return=0.01) == pytest.approx(0.01)
    assert outcomes.upside_risk(four, required_return=0.01) == pytest.approx(0.01)
    assert outcomes.upside_potential_ratio(four, required_return=0.01) == pytest.approx(1 / math.sqrt(10))
    assert outcomes.volatility_skewness(four, required_return=0.01) == pytest.approx(4 / 10)
    assert outcomes.kappa_ratio(four, required_return=0.01) == pytest.approx(-1 / math.sqrt(10))
    assert outcomes.kappa_ratio(four, required_return=0.01, order=1) == pytest.approx(-0.5)
    # Order 3: the cube root of (1 + 27) / 4 = 7 is what -0.5 % is divided by.
    assert outcomes.kappa_ratio(four, required_return=0.01, order=3) == pytest.approx(-0.5 / 7 ** (1 / 3))


def test_only_gains() -> None:
    gains = [0.01, 0.02]
    assert outcomes.profit_factor(gains) == math.inf
    assert outcomes.payoff_ratio(gains) == math.inf
    assert outcomes.omega_ratio(gains) == math.inf
    assert outcomes.d_ratio(gains) == 0.0
    assert math.isnan(outcomes.kappa_ratio(gains))
    assert math.isnan(outcomes.volatility_skewness(gains))


def test_only_losses() -> None:
    losses = [-0.01, -0.02]
    assert outcomes.profit_factor(losses) == 0.0
    assert outcomes.payoff_ratio(losses) == 0.0
    assert outcomes.d_ratio(losses) == math.inf
    assert outcomes.win_rate(losses) == 0.0


@pytest.mark.parametrize("name", outcomes.__all__)
def test_nothing_has_no_figure(name: str) -> None:
    assert math.isnan(getattr(outcomes, name)([]))


def test_outcomes_of_exactly_nothing_are_neither() -> None:
    assert outcomes.win_rate([0.0, 0.0]) == 0.0
    assert math.isnan(outcomes.profit_factor([0.0]))
    assert math.isnan(outcomes.payoff_ratio([0.0]))
    assert math.isnan(outcomes.d_ratio([0.0]))


def test_an_order_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"order must be above 0, found 0"):
        outcomes.kappa_ratio(PNL, order=0)
