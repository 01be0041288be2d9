"""Shocks set by hand, correlations under stress and scaled volatility."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ConfigError, DataError
from workbench.risk.correlations import correlation_stress, nearest_correlation, stressed_correlation
from workbench.risk.stress import scaled_volatility, shock_stress, shock_table

BOOK = {"BTC@kraken": 1_000.0, "BTC@coinbase": -500.0, "ETH@kraken": 200.0}


def matrix(values: list[list[float]]) -> pd.DataFrame:
    names = list("ABCDEFG"[: len(values)])
    return pd.DataFrame(values, index=names, columns=names, dtype=float)


def random_correlation(count: int, seed: int) -> pd.DataFrame:
    draws = np.random.default_rng(seed).normal(size=(count + 5, count))
    values = np.atleast_2d(np.corrcoef(draws, rowvar=False))
    return matrix([[float(x) for x in row] for row in values])


# -- shocks ---------------------------------------------------------------------------------------------------------


def test_the_closest_name_of_a_scenario_counts() -> None:
    shocks = {
        "crypto winter": {"BTC": -0.5, "ETH": -0.6},
        "kraken fails": {"@kraken": -1.0, "*": -0.1},
        "mixed": {"BTC@kraken": -0.2, "BTC": -0.3, "*": 0.0},
    }
    table = shock_table(BOOK, shocks)
    assert list(table.index) == list(shocks)
    assert table.to_numpy().tolist() == [[-0.5, -0.5, -0.6], [-1.0, -0.1, -1.0], [-0.2, -0.3, 0.0]]


def test_a_shock_is_exposure_times_return_and_adds_up() -> None:
    table = shock_stress(BOOK, {"winter": {"BTC": -0.5, "ETH": -0.6}}, equity=10_000.0)
    assert table.iloc[0].tolist() == pytest.approx([-500.0, 250.0, -120.0, -370.0, -0.037])
    assert list(table.columns) == [*BOOK, "total", "total_share"]


def test_a_position_that_no_shock_meets_is_an_error_unless_it_may_stand_still() -> None:
    with pytest.raises(
        DataError, match="scenario winter: no shock for ETH@kraken; name it, give '\\*', or pass"
    ):
        shock_stress(BOOK, {"winter": {"BTC": -0.5}})
    table = shock_stress(BOOK, {"winter": {"BTC": -0.5}}, missing="zero")
    assert table["ETH@kraken"].tolist() == [0.0]


def test_a_slip_of_the_pen_does_not_hide_a_loss() -> None:
    with pytest.raises(ConfigError, match="scenario winter: 'BCT' meets no position; there are BTC@kraken"):
        shock_stress(BOOK, {"winter": {"BCT": -0.5, "*": 0.0}})
    with pytest.raises(
        ConfigError, match="the return of BTC must be a finite number of -1 or more, found -1"
    ):
        shock_stress(BOOK, {"winter": {"BTC": -1.5, "*": 0.0}})
    with pytest.raises(ConfigError, match=r"shocks: expected at least one scenario, found \{\}"):
        shock_stress(BOOK, {})


# -- correlations ---------------------------------------------------------------------------------------------------


def test_all_correlations_move_towards_one() -> None:
    moved = stressed_correlation(matrix([[1.0, 0.2], [0.2, 1.0]]), 0.5)
    np.testing.assert_allclose(moved, [[1.0, 0.6], [0.6, 1.0]])
    np.testing.assert_allclose(stressed_correlation(matrix([[1.0, -0.4], [-0.4, 1.0]]), 1.0), 1.0)


def test_against_a_book_longs_and_shorts_move_apart() -> None:
    sides = pd.Series({"A": 10.0, "B": -3.0})
    moved = stressed_correlation(matrix([[1.0, 0.2], [0.2, 1.0]]), 0.5, sides=sides)
    np.testing.assert_allclose(moved, [[1.0, -0.4], [-0.4, 1.0]])


@given(st.integers(2, 7), st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_stressed_correlations_stay_a_correlation_matrix(count: int, seed: int, strength: float) -> None:
    correlation = random_correlation(count, seed)
    sides = pd.Series(np.random.default_rng(seed + 1).normal(size=count), correlation.index)
    for moved in (
        stressed_correlation(correlation, strength),
        stressed_correlation(correlation, strength, sides=sides),
    ):
        values = moved.to_numpy()
        np.testing.assert_allclose(np.diag(values), 1.0)
        assert np.abs(values).max() <= 1.0 + 1e-12
        assert np.linalg.eigvalsh(values).min() > -1e-10


def test_the_nearest_correlation_matrix_of_higham() -> None:
    """N. J. Higham, "Computing the nearest correlation matrix", IMA J. Numer. Anal. 22, 2002, section 4: the distance
    is 0.5278 and the off-diagonals are 0.7607 and 0.1573."""
    given_by_hand = matrix([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    found = nearest_correlation(given_by_hand)
    np.testing.assert_allclose(
        found, [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]], atol=5e-5
    )
    assert round(float(np.linalg.norm(found - given_by_hand)), 4) == 0.5278


@given(st.integers(2, 6), st.integers(0, 1_000))
def test_the_nearest_of_a_correlation_matrix_is_itself_and_of_any_other_is_one(count: int, seed: int) -> None:
    sound = random_correlation(count, seed)
    np.testing.assert_allclose(nearest_correlation(sound), sound, atol=1e-7)
    rng = np.random.default_rng(seed)
    broken = rng.uniform(-1.0, 1.0, (count, count))
    broken = 0.5 * (broken + broken.T)
    np.fill_diagonal(broken, 1.0)
    mended = nearest_correlation(matrix(broken.tolist())).to_numpy()
    np.testing.assert_allclose(np.diag(mended), 1.0)
    assert np.linalg.eigvalsh(mended).min() > -1e-9
    assert np.linalg.norm(mended - broken) <= np.linalg.norm(np.eye(count) - broken) + 1e-9


def test_risk_under_stress_is_worked_by_hand_for_two_positions() -> None:
    # Deviations of 2 % and 1 % and no correlation: 20 and 10 of money on 1,000 each.
    covariance = matrix([[4e-4, 0.0], [0.0, 1e-4]])
    table = correlation_stress(
        {"A": 1_000.0, "B": 1_000.0},
        covariance,
        strengths=(0.0, 0.5, 1.0),
        volatilities=(1.0, 2.0),
        level=0.99,
    )
    alone = table.xs(1.0, level="volatility_factor")
    expected = [math.sqrt(500.0), math.sqrt(500.0 + 2 * 0.5 * 200.0), 30.0]
    assert alone["volatility"].tolist() == pytest.approx(expected)
    assert alone["var"].tolist() == pytest.approx([2.3263478740 * v for v in expected])
    # Mean beyond the 99 % quantile of a normal: 2.6652 deviations (A. McNeil, R. Frey, P. Embrechts, 2005, ex. 2.14).
    assert alone["expected_shortfall"].tolist() == pytest.approx([2.6652 * v for v in expected], rel=1e-4)
    assert alone["diversification"].tolist() == pytest.approx([1.0 - v / 30.0 for v in expected])
    assert table["var"].to_numpy()[1::2] == pytest.approx(2.0 * alone["var"].to_numpy())
    assert table["change"].iloc[0] == 0.0
    assert table["change"].iloc[-1] == pytest.approx(60.0 / math.sqrt(500.0) - 1.0)


def test_a_hedged_book_is_hurt_by_correlations_that_move_against_it() -> None:
    covariance = matrix([[1e-4, 0.8e-4], [0.8e-4, 1e-4]])
    book = {"A": 1_000.0, "B": -1_000.0}
    towards_one = correlation_stress(book, covariance, strengths=(0.0, 1.0))["volatility"].tolist()
    against = correlation_stress(book, covariance, strengths=(0.0, 1.0), towards="book")[
        "volatility"
    ].tolist()
    assert towards_one == pytest.approx([math.sqrt(40.0), 0.0], abs=1e-6)
    assert against == pytest.approx([math.sqrt(40.0), 20.0])


def test_matrices_that_are_no_correlations_are_one_clear_error() -> None:
    with pytest.raises(DataError, match="expected ones on the diagonal"):
        stressed_correlation(matrix([[2.0, 0.0], [0.0, 1.0]]), 0.5)
    with pytest.raises(
        DataError, match=r"expected no eigenvalue below 0, found -0\.414; mend it with nearest_corr"
    ):
        stressed_correlation(matrix([[1, 1, 0], [1, 1, 1], [0, 1, 1]]), 0.5)
    with pytest.raises(DataError, match="expected a symmetric matrix of finite figures"):
        nearest_correlation(matrix([[1.0, 0.5], [0.2, 1.0]]))
    with pytest.raises(ConfigError, match="strength must be a finite number from 0 to 1, found 2"):
        stressed_correlation(matrix([[1.0]]), 2.0)
    with pytest.raises(DataError, match="expected a row and a column for B, found none"):
        correlation_stress({"A": 1.0, "B": 1.0}, matrix([[1e-4]]))
    with pytest.raises(ConfigError, match="towards must be 'one' or 'book', found 'zero'"):
        correlation_stress({"A": 1.0}, matrix([[1e-4]]), towards="zero")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="sides: expected a side of each instrument, found none for B"):
        stressed_correlation(matrix([[1.0, 0.0], [0.0, 1.0]]), 0.5, sides=pd.Series({"A": 1.0}))


# -- volatility -----------------------------------------------------------------------------------------------------


def returns() -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=4, freq="1D", tz="UTC")
    return pd.DataFrame({"A": [0.01, 0.03, -0.01, 0.01], "B": [0.0, 0.02, 0.0, -0.02]}, index=index)


def test_scaling_keeps_the_mean_and_the_shape() -> None:
    table = scaled_volatility(returns(), 2.0)
    np.testing.assert_allclose(table["A"], [0.01, 0.05, -0.03, 0.01])
    np.testing.assert_allclose(table["B"], [0.0, 0.04, 0.0, -0.04])
    one = scaled_volatility(returns(), {"B": 0.5})
    np.testing.assert_allclose(one["A"], returns()["A"])
    np.testing.assert_allclose(one["B"], [0.0, 0.01, 0.0, -0.01])


def test_a_volatility_can_be_asked_for() -> None:
    table = scaled_volatility(returns(), to=0.8, periods_per_year=252)
    np.testing.assert_allclose(table.std() * math.sqrt(252), 0.8)
    series = scaled_volatility(returns()["A"], to=0.8, periods_per_year=252)
    np.testing.assert_allclose(series, table["A"])
    assert series.name == "A"


def test_scaling_that_makes_no_sense_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="expected either factor or to=, found both or neither"):
        scaled_volatility(returns())
    with pytest.raises(ConfigError, match="pass periods_per_year as well"):
        scaled_volatility(returns(), to=0.5)
    with pytest.raises(ConfigError, match="no column 'C'; there are A, B"):
        scaled_volatility(returns(), {"C": 2.0})
    with pytest.raises(ConfigError, match="volatility of A must be a finite number of 0 or more, found -1"):
        scaled_volatility(returns(), {"A": -1.0})
    with pytest.raises(DataError, match="A: expected returns that move"):
        scaled_volatility(0.0 * returns(), to=0.5, periods_per_year=252)
