"""Probabilistic Sharpe ratio and minimum track record length: published figures, and what must be true of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.performance.bacon import PORTFOLIO
from workbench.errors import ConfigError, DataError
from workbench.performance.sharpe import (
    SharpeEstimate,
    estimate_sharpe,
    minimum_track_record_length,
    per_period,
    probabilistic_sharpe_ratio,
)

MONTHLY_2, MONTHLY_1 = per_period(2.0, 12), per_period(1.0, 12)


def test_a_track_record_of_two_years_is_not_significant_once_its_shape_counts() -> None:
    """D. Bailey, M. López de Prado, "The Sharpe ratio efficient frontier", 2012, the example of 24 monthly returns:
    Sharpe ratio 0.458 a month; PSR(0) is 0.982 taken as normal, and 0.913 with skewness -2.448 and kurtosis 10.164.
    """
    shaped = SharpeEstimate(0.458, 24, skewness=-2.448, kurtosis=10.164)
    assert probabilistic_sharpe_ratio(shaped) == pytest.approx(0.913, abs=0.0005)
    assert probabilistic_sharpe_ratio(SharpeEstimate(0.458, 24)) == pytest.approx(0.982, abs=0.0005)


def test_track_record_that_a_hedge_fund_needs() -> None:
    """The same paper, appendix A.3: skewness -0.72, kurtosis 5.78, monthly, annual Sharpe ratio 2 against 1 at 95 %:
    59.895 months, 4.99 years; and there the PSR is 0.95.
    """
    fund = SharpeEstimate(MONTHLY_2, 60, skewness=-0.72, kurtosis=5.78)
    months = minimum_track_record_length(fund, benchmark_sharpe=MONTHLY_1)
    assert months == pytest.approx(59.895, abs=0.0005)
    assert months / 12 == pytest.approx(4.99, abs=0.005)
    assert probabilistic_sharpe_ratio(fund, benchmark_sharpe=MONTHLY_1) == pytest.approx(0.95, abs=0.001)


@pytest.mark.parametrize(("periods", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_track_record_of_normal_returns(periods: int, years: float) -> None:
    """The same paper, figures 8 to 10: daily, weekly and monthly returns; annual Sharpe ratio 2 against 1 at 95 %."""
    estimate = SharpeEstimate(per_period(2.0, periods), 1)
    length = minimum_track_record_length(estimate, benchmark_sharpe=per_period(1.0, periods))
    assert length / periods == pytest.approx(years, abs=0.005)


def test_measured_from_returns() -> None:
    found = estimate_sharpe(PORTFOLIO)
    # Bacon's example: mean 0.9 %, squares about it 0.035974, over n - 1 = 23.
    assert found.sharpe == pytest.approx(0.009 / math.sqrt(0.035974 / 23))
    assert found.observations == 24
    assert found.skewness == pytest.approx(-0.0826, abs=5e-5)
    assert found.kurtosis == pytest.approx(2.4325, abs=5e-5)
    by_hand = (
        found.sharpe
        * math.sqrt(23)
        / math.sqrt(1 - found.skewness * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe**2)
    )
    assert found.sharpe / found.standard_error == pytest.approx(by_hand)
    assert probabilistic_sharpe_ratio(PORTFOLIO) == pytest.approx(0.5 * math.erfc(-by_hand / math.sqrt(2)))
    assert found.annualised(12) == pytest.approx(found.sharpe * math.sqrt(12))


def test_ratios_of_many_trials_per_period() -> None:
    yearly = pd.Series([3.0, 6.0, math.nan], ["a", "b", "idle"], name="sharpe_ratio")
    found = per_period(yearly, 9)
    assert found.to_dict() == {"a": 1.0, "b": 2.0, "idle": pytest.approx(math.nan, nan_ok=True)}
    assert per_period(yearly.to_numpy(), 9)[:2].tolist() == [1.0, 2.0]
    assert SharpeEstimate(per_period(2.0, 252), 100).annualised(252) == pytest.approx(2.0)
    with pytest.raises(ConfigError, match=r"sharpe must be a finite number, found nan"):
        per_period(math.nan, 252)


def test_the_risk_free_rate_comes_off_first() -> None:
    assert estimate_sharpe(PORTFOLIO, risk_free=0.009).sharpe == pytest.approx(0.0, abs=1e-12)
    assert probabilistic_sharpe_ratio(PORTFOLIO, risk_free=0.009) == pytest.approx(0.5)


def test_several_columns_at_once() -> None:
    frame = pd.DataFrame({"a": PORTFOLIO, "b": -PORTFOLIO, "flat": 0.0})
    psr = probabilistic_sharpe_ratio(frame)
    assert psr["a"] == probabilistic_sharpe_ratio(frame["a"])
    assert psr["b"] < 0.5
    assert math.isnan(psr["flat"])
    length = minimum_track_record_length(frame)
    assert length["a"] == pytest.approx(55.19, abs=0.01)
    assert length["b"] == math.inf  # not above 0, however long
    assert math.isnan(length["flat"])
    assert probabilistic_sharpe_ratio(frame.to_numpy())[:2].tolist() == psr.tolist()[:2]


def test_too_little_to_measure() -> None:
    assert math.isnan(probabilistic_sharpe_ratio([0.01]))
    assert math.isnan(probabilistic_sharpe_ratio([]))
    assert math.isnan(minimum_track_record_length([0.01, 0.01]))


def test_moments_that_do_not_belong_together_have_no_error() -> None:
    assert math.isnan(probabilistic_sharpe_ratio(SharpeEstimate(0.5, 100, skewness=5.0, kurtosis=3.0)))


def test_mistakes_are_told() -> None:
    with pytest.raises(DataError, match=r"expected one column of returns, found 2"):
        estimate_sharpe(np.ones((5, 2)))
    with pytest.raises(ConfigError, match=r"confidence must lie between 0 and 1, both left out, found 95"):
        minimum_track_record_length(PORTFOLIO, confidence=95)
    with pytest.raises(ConfigError, match=r"benchmark_sharpe must be a finite number, found None"):
        probabilistic_sharpe_ratio(SharpeEstimate(0.1, 10), benchmark_sharpe=None)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match=r"a SharpeEstimate is of excess returns already"):
        probabilistic_sharpe_ratio(SharpeEstimate(0.1, 10), risk_free=0.01)


estimates = st.builds(
    SharpeEstimate,
    st.floats(0.01, 0.5),
    st.integers(5, 5_000),
    st.floats(-1.5, 1.5),
    st.floats(4.0, 12.0),
)


@given(estimates, st.floats(0.55, 0.99))
def test_at_its_minimum_length_a_record_is_just_as_significant_as_was_asked(
    estimate: SharpeEstimate, confidence: float
) -> None:
    length = minimum_track_record_length(estimate, confidence=confidence)
    rounded = SharpeEstimate(estimate.sharpe, math.ceil(length), estimate.skewness, estimate.kurtosis)
    assert probabilistic_sharpe_ratio(rounded) >= confidence - 1e-12
    if math.ceil(length) > 2:
        shorter = SharpeEstimate(estimate.sharpe, math.ceil(length) - 1, estimate.skewness, estimate.kurtosis)
        assert probabilistic_sharpe_ratio(shorter) < confidence + 1e-12


@given(estimates, st.floats(-0.5, 0.5))
def test_more_is_asked_less_is_certain(estimate: SharpeEstimate, benchmark: float) -> None:
    easy = probabilistic_sharpe_ratio(estimate, benchmark_sharpe=benchmark)
    hard = probabilistic_sharpe_ratio(estimate, benchmark_sharpe=benchmark + 0.01)
    assert 0.0 <= hard <= easy <= 1.0


def shaped_noise(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    match kind:
        case "normal":
            return rng.normal(0.0, 0.01, shape)
        case "fat":
            return 0.01 * rng.standard_t(5, shape)
    return 0.01 * (rng.gamma(4.0, 0.5, shape) - 2.0)  # skewness 1


@pytest.mark.parametrize("kind", ["normal", "fat", "skewed"])
def test_without_skill_one_in_twenty_is_significant_at_95_percent(kind: str) -> None:
    noise = shaped_noise(np.random.default_rng(11), kind, (500, 4_000))
    share = float((probabilistic_sharpe_ratio(noise) >= 0.95).mean())
    assert share == pytest.approx(0.05, abs=0.012)  # three and a half standard errors of 4,000 draws
