"""The Cornish-Fisher expansion against published coefficients, its own integral, and the edge of its domain."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from workbench.errors import ConfigError
from workbench.risk import (
    CornishFisherWarning,
    cornish_fisher_domain,
    cornish_fisher_quantile,
    tail_risk,
    value_at_risk,
)
from workbench.risk.cornish_fisher import MOST_SKEWNESS, is_valid, standard_tail


def bent(z: float | np.ndarray, skewness: float, kurtosis: float) -> np.ndarray:
    """The expansion, written out once more."""
    return np.asarray(
        z
        + (np.square(z) - 1) * skewness / 6
        + (np.power(z, 3) - 3 * z) * kurtosis / 24
        - (2 * np.power(z, 3) - 5 * z) * skewness**2 / 36
    )


def test_coefficients_of_the_european_regulation() -> None:
    """Commission Delegated Regulation (EU) 2017/653, annex II, part 1, point 12: value at risk of a packaged product at
    97.5 % is sigma sqrt(N) (-1.96 + 0.474 S / sqrt(N) - 0.0687 K / N + 0.146 S^2 / N) and a term for the drift, S and K
    being of one day and N the days of the holding period."""
    level, skewness, kurtosis = 0.025, 0.3, 1.0
    regulation = -1.96 + 0.474 * skewness - 0.0687 * kurtosis + 0.146 * skewness**2
    assert cornish_fisher_quantile(level, skewness, kurtosis) == pytest.approx(regulation, abs=2e-4)

    returns = pd.Series(stats.skewnorm(4).rvs(400, random_state=np.random.default_rng(0)))
    sigma, days = returns.std(), 256
    of_day, tails = stats.skew(returns), stats.kurtosis(returns)
    scaled = -1.96 + 0.474 * of_day / math.sqrt(days) - 0.0687 * tails / days + 0.146 * of_day**2 / days
    found = value_at_risk(returns - returns.mean(), 0.975, "cornish_fisher", days)
    assert found == pytest.approx(-sigma * math.sqrt(days) * scaled, rel=1e-4)


@pytest.mark.parametrize(
    ("probability", "skewness", "kurtosis", "published"),
    [
        (0.9, 0.1, 0.0, 1.292868),
        (0.9, 0.1, 1.0, 1.220374),
        (0.99, 0.1, 0.0, 2.396116),
        (0.99, 0.1, 1.0, 2.629904),
        (0.01, 0.1, 0.0, -2.249053),
        (0.01, 0.1, 1.0, -2.482841),
    ],
)
def test_figures_of_another_program(
    probability: float, skewness: float, kurtosis: float, published: float
) -> None:
    """From the documentation of mir.stat.distribution.cornish_fisher (cornishFisherInvCDF), a library for D."""
    assert cornish_fisher_quantile(probability, skewness, kurtosis) == pytest.approx(published, abs=1e-6)


def test_without_skewness_and_fat_tails_it_is_the_normal_quantile() -> None:
    assert cornish_fisher_quantile(0.01, 0.0, 0.0) == pytest.approx(-2.3263478740408408)


@pytest.mark.parametrize(("skewness", "kurtosis"), [(0.0, 3.0), (-0.8, 4.0), (0.5, 2.0)])
def test_expected_shortfall_is_the_integral_over_the_tail(skewness: float, kurtosis: float) -> None:
    edge, mean = standard_tail(0.01, np.asarray(skewness), np.asarray(kurtosis))
    z = stats.norm.ppf(0.01)
    total, _ = integrate.quad(lambda x: float(bent(x, skewness, kurtosis)) * stats.norm.pdf(x), -12.0, z)
    assert edge == pytest.approx(float(bent(z, skewness, kurtosis)))
    assert mean == pytest.approx(total / 0.01, rel=1e-9)


def test_the_domain_without_skewness_is_from_0_to_8() -> None:
    assert cornish_fisher_domain(0.0) == (0.0, 8.0)


def test_the_domain_ends_where_maillard_says() -> None:
    """D. Maillard, "A user's guide to the Cornish Fisher expansion", 2012: |S| <= 6 (sqrt(2) - 1)."""
    low, high = cornish_fisher_domain(MOST_SKEWNESS)
    assert low == pytest.approx(high, abs=1e-6)
    with pytest.raises(ConfigError, match=r"within 2\.485 of 0 .* found -2\.5"):
        cornish_fisher_domain(-2.5)


@given(st.floats(-2.4, 2.4), st.floats(0.001, 0.999))
def test_inside_the_domain_the_quantiles_rise_everywhere(skewness: float, place: float) -> None:
    low, high = cornish_fisher_domain(skewness)
    kurtosis = low + place * (high - low)
    wide = np.linspace(-40.0, 40.0, 4_001)
    assert (np.diff(bent(wide, skewness, kurtosis)) > 0.0).all()
    assert is_valid(np.asarray(skewness), np.asarray(kurtosis), 38.0)


@given(st.floats(-3.0, 3.0), st.floats(-2.0, 12.0), st.floats(0.1, 4.0))
def test_where_the_expansion_rises_is_told_as_a_grid_would(
    skewness: float, kurtosis: float, quantile: float
) -> None:
    steps = np.diff(bent(np.linspace(-quantile - 2.0, quantile + 2.0, 20_001), skewness, kurtosis))
    least = float(steps.min()) / ((2.0 * quantile + 4.0) / 20_000)
    if abs(least) > 1e-3:  # a slope of 0 and one just below it are not to be told apart on a grid
        assert bool(is_valid(np.asarray(skewness), np.asarray(kurtosis), quantile)) == (least > 0.0)


def test_tails_as_thin_as_the_normals_do_no_harm() -> None:
    """Excess kurtosis -0.2 falls from 6.4 deviations on: 1 - K/8 + K/8 z^2 = 0 at z^2 = 41."""
    assert cornish_fisher_quantile(0.01, 0.0, -0.2) > cornish_fisher_quantile(0.01, 0.0, 0.0)
    with pytest.raises(ConfigError, match="too far from 0"):
        cornish_fisher_quantile(1e-6, 0.0, -0.2)  # 4.75 deviations, and two more are beyond


def test_a_quantile_outside_the_domain_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"0 and excess_kurtosis 9 are too far .* between 0\.000 and 8\.000"
    ):
        cornish_fisher_quantile(0.01, 0.0, 9.0)
    with pytest.raises(ConfigError, match="no excess_kurtosis would do"):
        cornish_fisher_quantile(0.01, -3.0, 9.0)
    with pytest.raises(ConfigError, match="probability must lie between 0 and 1"):
        cornish_fisher_quantile(1.0, 0.0, 1.0)


def test_returns_outside_the_domain_warn_and_a_horizon_brings_them_back() -> None:
    # 199 small returns and one crash.
    returns = np.array([0.01, -0.01] * 100)
    returns[50] = -0.09
    with pytest.warns(
        CornishFisherWarning, match=r"not valid for skewness -2\.08 and excess kurtosis 13\.94 "
    ) as caught:
        tail_risk(returns, 0.99, "cornish_fisher")
    assert [warning.filename for warning in caught] == [__file__]
    # Over h days skewness falls with the root of h and kurtosis with h: over 20 days it is close to normal.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far = tail_risk(returns, 0.99, "cornish_fisher", horizon=20)
    assert far.cvar > far.var > value_at_risk(returns, 0.99, "parametric", horizon=20)


def test_moments_about_zero_where_no_drift_is_taken() -> None:
    returns = np.array([-0.05, -0.01, 0.0, 0.0, 0.01, 0.01, 0.01, 0.02, 0.02, 0.05])
    m2, m3, m4 = (float(np.mean(returns**power)) for power in (2, 3, 4))
    z = -1.6448536269514722
    expected = -math.sqrt(m2) * float(bent(z, m3 / m2**1.5, m4 / m2**2 - 3.0))
    assert value_at_risk(returns, 0.95, "cornish_fisher", mean="zero") == pytest.approx(expected)
