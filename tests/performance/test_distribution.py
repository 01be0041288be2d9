"""The shape of a distribution, beside scipy's, and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from workbench.performance import distribution

spread = hnp.arrays(
    np.float64, st.integers(5, 50), elements=st.floats(-0.3, 0.3).map(lambda x: round(x, 5))
).filter(lambda values: bool(values.std() > 1e-4))


@given(spread)
def test_moments_are_those_of_scipy_and_pandas(values: np.ndarray[Any, Any]) -> None:
    assert distribution.skewness(values) == pytest.approx(stats.skew(values), abs=1e-9)
    assert distribution.skewness(values, sample=True) == pytest.approx(
        stats.skew(values, bias=False), abs=1e-9
    )
    assert distribution.kurtosis(values) == pytest.approx(stats.kurtosis(values, fisher=False), rel=1e-9)
    sample = distribution.kurtosis(values, sample=True, excess=True)
    assert sample == pytest.approx(pd.Series(values).kurt(), rel=1e-6, abs=1e-6)


def test_moments_by_hand() -> None:
    # Three at -1 and one at 3: mean 0, variance 3, third moment 6, fourth 21.
    four = [-1.0, -1.0, -1.0, 3.0]
    assert distribution.skewness(four) == pytest.approx(6 / 3**1.5)
    assert distribution.kurtosis(four) == pytest.approx(21 / 9)
    assert distribution.kurtosis(four, excess=True) == pytest.approx(21 / 9 - 3)


@pytest.mark.parametrize("few", [[], [0.1], [0.1, 0.1, 0.1]])
def test_without_deviation_there_is_no_shape(few: list[float]) -> None:
    assert math.isnan(distribution.skewness(few))
    assert math.isnan(distribution.kurtosis(few))


def test_corrections_need_enough_returns() -> None:
    assert math.isnan(distribution.skewness([0.1, 0.2], sample=True))
    assert math.isnan(distribution.kurtosis([0.1, 0.2, 0.4], sample=True))


def test_tail_ratio_by_hand() -> None:
    # 21 values from -10 to 10: the 5th percentile is -9, the 95th is 9; shifted by 1 they are -8 and 10.
    assert distribution.tail_ratio([float(k) for k in range(-10, 11)]) == pytest.approx(1.0)
    assert distribution.tail_ratio([float(k) for k in range(-9, 12)]) == pytest.approx(10 / 8)
    assert math.isnan(distribution.tail_ratio([0.0] * 20 + [1.0]))
    assert math.isnan(distribution.tail_ratio([]))


def test_steady_growth_and_steady_decline_are_straight() -> None:
    assert distribution.stability([0.01] * 20) == pytest.approx(1.0)
    assert distribution.stability([-0.01] * 20) == pytest.approx(1.0)


def test_up_and_back_is_no_trend_at_all() -> None:
    # Log wealth 1, 0, 1, 0 ... about a line: by hand, R² of (1, 0, 1, 0) on (0, 1, 2, 3) is 0.2.
    up = math.e - 1.0
    assert distribution.stability([up, 1 / math.e - 1, up, 1 / math.e - 1]) == pytest.approx(0.2)


def test_a_curve_that_is_flat_or_lost_has_no_stability() -> None:
    assert math.isnan(distribution.stability([0.0] * 10))
    assert math.isnan(distribution.stability([0.1, -1.0, 0.1]))
    assert math.isnan(distribution.stability([0.1]))
