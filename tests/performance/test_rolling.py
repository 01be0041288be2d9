"""Moving windows: each value is the figure of its window."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import ConfigError, DataError
from workbench.performance import returns
from workbench.performance.rolling import rolling_sharpe, rolling_sortino, rolling_volatility

PAIRS: list[tuple[Any, Any]] = [
    (rolling_sharpe, returns.sharpe_ratio),
    (rolling_sortino, returns.sortino_ratio),
    (rolling_volatility, returns.volatility),
]

# Whole stretches of one value, so that windows without deviation and without losses are among them.
stretches = st.lists(
    st.one_of(
        hnp.arrays(np.float64, st.integers(1, 10), elements=st.floats(-0.2, 0.2).map(lambda x: round(x, 3))),
        st.tuples(st.sampled_from([0.0, 0.001, -0.002]), st.integers(4, 9)).map(
            lambda x: np.full(x[1], x[0])
        ),
    ),
    min_size=1,
    max_size=6,
).map(np.concatenate)


@settings(max_examples=40)
@given(stretches, st.integers(2, 6))
def test_each_value_is_the_figure_of_its_window(values: np.ndarray[Any, Any], window: int) -> None:
    for rolling, figure in PAIRS:
        found = rolling(values, window, periods_per_year=252)
        for k in range(len(values)):
            if k < window - 1:
                assert math.isnan(found[k])
            else:
                once = figure(values[k + 1 - window : k + 1], periods_per_year=252)
                assert found[k] == pytest.approx(once, rel=1e-7, abs=1e-7, nan_ok=True), (rolling.__name__, k)


def test_labels_stay_and_rates_count() -> None:
    index = pd.date_range("2024-01-01", periods=4)
    series = pd.Series([0.02, 0.00, 0.03, 0.01], index, name="fund")
    found = rolling_sharpe(series, 2, periods_per_year=1, risk_free=0.01)
    assert (found.name, found.index.equals(index)) == ("fund", True)
    assert found.iloc[1] == pytest.approx(0.0, abs=1e-12)
    assert found.iloc[3] == pytest.approx(0.01 / (0.02 / math.sqrt(2)))
    sortino = rolling_sortino(series, 2, periods_per_year=1, required_return=0.01)
    assert sortino.iloc[2] == pytest.approx(0.005 / math.sqrt(0.0001 / 2))
    frame = rolling_volatility(pd.DataFrame({"a": series, "b": -series}), 2, periods_per_year=4)
    assert frame["a"].tolist()[1:] == pytest.approx(frame["b"].tolist()[1:])
    assert frame.loc[index[1], "a"] == pytest.approx(2 * 0.02 / math.sqrt(2))


def test_a_window_with_a_missing_return_has_no_figure() -> None:
    found = rolling_sharpe(np.array([0.01, 0.02, math.nan, 0.01, 0.03]), 2, periods_per_year=1)
    assert np.isnan(found).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize("window", [1, 0, -3])
def test_a_window_has_two_returns_or_more(window: Any) -> None:
    with pytest.raises(ConfigError, match=r"window must be a whole number of 2 or more"):
        rolling_sharpe([0.01, 0.02], window, periods_per_year=252)  # type: ignore[call-overload]


def test_returns_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match=r"expected finite numbers, found inf"):
        rolling_sharpe(np.array([0.01, math.inf]), 2, periods_per_year=252)


def test_a_window_of_time_takes_what_lies_in_it() -> None:
    days = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-09", "2024-01-10"])
    series = pd.Series([0.02, -0.01, 0.03, 0.01, -0.02], days)
    for rolling, figure in PAIRS:
        found = rolling(series, "3D", periods_per_year=252)
        assert np.isnan(found.iloc[[0, 3]]).all()  # a single return each: the 9th is alone in its three days
        for at, rows in ((1, [0, 1]), (2, [0, 1, 2]), (4, [3, 4])):
            assert found.iloc[at] == pytest.approx(
                figure(series.iloc[rows], periods_per_year=252), nan_ok=True
            )


def test_a_window_may_be_a_timedelta() -> None:
    series = pd.Series([0.02, -0.01, 0.03, 0.01], pd.date_range("2024-01-01", periods=4))
    found = rolling_volatility(series, timedelta(days=3), periods_per_year=252)
    pd.testing.assert_series_equal(found, rolling_volatility(series, "3D", periods_per_year=252))


def test_a_window_of_time_needs_times() -> None:
    with pytest.raises(
        ConfigError, match=r"window '90D' is a span of time, so the returns need times as their index"
    ):
        rolling_sharpe(np.zeros(5), "90D", periods_per_year=252)
    series = pd.Series([0.01, 0.02], pd.date_range("2024", periods=2))
    with pytest.raises(ConfigError, match=r"window must be a number of rows or a span of time such as '90D'"):
        rolling_sharpe(series, "a while", periods_per_year=252)
    with pytest.raises(
        ConfigError, match=r"window must be a number of rows or a span of time such as '90D', found '0D'"
    ):
        rolling_sharpe(series, "0D", periods_per_year=252)
