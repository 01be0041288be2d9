"""Figures that C. Bacon publishes for his example portfolio, to the digits that are printed.

Page numbers are of the second edition, 2008.  Printed figures are as collected in the manual of the R package
PerformanceAnalytics and its vignette "Performance attribution from Bacon" (M. Lestel), which cites the pages.  Bacon
divides by n, and adds returns up for drawdowns: ddof=0 and compound=False.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.performance.bacon import BENCHMARK, DRAWDOWN_2023, PORTFOLIO, PORTFOLIO_2023
from workbench.performance import benchmark, distribution, drawdown, outcomes, returns

TARGET = 0.005  # the minimum acceptable return a month of the examples
RETURNS = PORTFOLIO.tolist()


def printed(value: float, text: str) -> bool:
    """Whether `value` is what is printed, give or take half of the last digit."""
    digits = len(text.partition(".")[2])
    return abs(value - float(text)) <= 0.5 * 10.0**-digits + 1e-12


def test_return_and_risk() -> None:
    assert printed(returns.total_return(RETURNS), "0.2181")  # page 88: the curve ends at 121.81
    assert printed(returns.cagr(RETURNS, periods_per_year=12), "0.1037")
    assert printed(returns.volatility(RETURNS, periods_per_year=12, ddof=0), "0.1341")


def test_beside_the_benchmark() -> None:
    assert printed(benchmark.beta(RETURNS, BENCHMARK), "1.00")  # page 71
    assert printed(benchmark.jensen_alpha(RETURNS, BENCHMARK, periods_per_year=12), "-0.014")  # page 72
    assert printed(
        benchmark.specific_risk(RETURNS, BENCHMARK, periods_per_year=12, ddof=0), "0.0329"
    )  # page 75
    assert printed(
        benchmark.systematic_risk(RETURNS, BENCHMARK, periods_per_year=12, ddof=0), "0.13"
    )  # page 75
    assert printed(
        benchmark.appraisal_ratio(RETURNS, BENCHMARK, periods_per_year=12, ddof=0), "-0.430"
    )  # page 77
    assert printed(benchmark.m_squared(RETURNS, BENCHMARK, periods_per_year=12), "0.10062")  # page 67


def test_shape() -> None:
    assert printed(distribution.skewness(RETURNS, sample=True), "-0.09")  # page 84
    assert printed(distribution.kurtosis(RETURNS), "2.43")  # page 84
    assert printed(distribution.kurtosis(RETURNS, excess=True), "-0.57")  # page 85
    assert printed(distribution.kurtosis(RETURNS, sample=True), "3.03")  # page 85
    assert printed(distribution.kurtosis(RETURNS, sample=True, excess=True), "-0.41")  # page 85


def test_drawdowns() -> None:
    assert printed(drawdown.pain_index(RETURNS, compound=False), "0.04")  # page 89
    assert printed(drawdown.burke_ratio(RETURNS, periods_per_year=12, compound=False), "0.74")  # page 90
    modified = drawdown.burke_ratio(RETURNS, periods_per_year=12, compound=False, modified=True)
    assert printed(modified, "3.65")  # page 91
    assert printed(drawdown.pain_ratio(RETURNS, periods_per_year=12, compound=False), "2.66")  # page 91
    # Page 91 prints 1.70, dividing 10.37 % by an ulcer index that was rounded to 6.1 %.
    assert printed(drawdown.ulcer_index(RETURNS, compound=False), "0.061")
    assert drawdown.martin_ratio(RETURNS, periods_per_year=12, compound=False) == pytest.approx(
        1.70, abs=0.01
    )


def test_gains_and_losses_about_a_target() -> None:
    assert printed(outcomes.downside_potential(RETURNS, required_return=TARGET), "0.0137")  # page 92
    assert printed(outcomes.upside_risk(RETURNS, required_return=TARGET), "0.02937")  # page 92
    assert printed(outcomes.upside_potential(RETURNS, required_return=TARGET), "0.01771")  # page 92
    assert printed(100 * outcomes.upside_risk(RETURNS, required_return=TARGET) ** 2, "0.08628")  # page 92
    assert printed(outcomes.profit_factor(RETURNS), "1.78")  # page 95, Bernardo and Ledoit
    assert printed(outcomes.d_ratio(RETURNS), "0.401")  # page 95
    assert printed(outcomes.omega_sharpe_ratio(RETURNS, required_return=TARGET), "0.29")  # page 95
    assert printed(outcomes.kappa_ratio(RETURNS, required_return=TARGET, order=2), "0.157")  # page 96
    sortino = returns.sortino_ratio(RETURNS, periods_per_year=1, required_return=TARGET)
    assert printed(sortino, "0.157")  # the Sortino ratio is Kappa of order 2
    skewness = outcomes.volatility_skewness(RETURNS, required_return=TARGET)
    assert printed(skewness, "1.32")  # page 97
    assert printed(skewness**0.5, "1.15")  # page 98, variability skewness


def test_how_far_below_the_peak_third_edition() -> None:
    found = drawdown.drawdown(PORTFOLIO_2023)
    assert np.round(found, 4) == pytest.approx(DRAWDOWN_2023, abs=1e-9)
