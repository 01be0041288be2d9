"""Curves: what is read, what is thinned, what is a price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plotting.samples import days, series
from workbench.errors import DataError
from workbench.plotting.curves import price_form, read_curve, sound, steps, thin, thinned


def test_few_values_are_all_kept() -> None:
    assert thin(np.arange(10.0), 5).tolist() == list(range(10))


def test_of_many_values_the_lowest_and_highest_of_each_bucket_are_kept() -> None:
    values = np.array([5.0, 1.0, 9.0, 4.0, 4.0, 8.0, 2.0, 3.0])
    assert thin(values, 2).tolist() == [
        0,
        1,
        2,
        5,
        6,
        7,
    ]  # of 5 1 9 4: 1 and 9; of 4 8 2 3: 8 and 2; and both ends


def test_a_gap_stays_where_it_is() -> None:
    values = np.array([1.0, np.nan, 3.0, 2.0, np.nan, np.nan, np.nan, np.nan, 7.0, 6.0, 5.0, 6.0])
    kept = thin(values, 3)
    assert np.isnan(values[kept]).sum() == 1
    assert np.nanmax(values[kept]) == 7.0


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=2_000))
def test_a_thinned_curve_keeps_its_extremes_whatever_is_missing(values: list[float]) -> None:
    curve = np.array(values)
    kept = curve[thin(curve, 50)]
    assert len(kept) <= 102
    if np.isfinite(curve).any():
        assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(curve), np.nanmax(curve))


def test_times_are_shown_in_utc() -> None:
    berlin = pd.Series([1.0], index=pd.DatetimeIndex(["2024-07-01 02:00"], tz="Europe/Berlin"))
    assert read_curve(berlin, "equity").index[0] == pd.Timestamp("2024-07-01 00:00")
    plain = pd.Series([1.0], index=pd.DatetimeIndex(["2024-07-01 02:00"]))
    assert read_curve(plain, "equity").index[0] == pd.Timestamp("2024-07-01 02:00")
    months = pd.Series([1.0, 2.0], index=pd.period_range("2024-01", periods=2, freq="M"))
    assert read_curve(months, "equity").index[1].date().isoformat() == "2024-02-29"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1.0, 2.0], "expected a Series by time, found list"),
        (pd.Series([1.0, 2.0]), "expected times as the index, found RangeIndex"),
        (series(1.0, 2.0)[::-1], "expected times that do not fall"),
        (pd.Series(["a"], index=days(1)), "expected numbers, found"),
        (series(), "expected at least one finite number, found none in 0 rows"),
        (series(float("nan"), float("inf")), "expected at least one finite number, found none in 2 rows"),
    ],
)
def test_what_is_no_curve_is_refused(given: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"^equity: {words}"):
        read_curve(given, "equity")


def test_what_is_not_finite_is_a_gap() -> None:
    shown = thinned(read_curve(series(1.0, float("inf"), 3.0), "equity"), "equity")
    np.testing.assert_array_equal(shown["equity"], [1.0, np.nan, 3.0])


def test_a_level_holds_until_the_next_one() -> None:
    levels = pd.Series([0.0, 10.0], index=pd.DatetimeIndex(["2024-01-01", "2024-01-03"]))
    corners = steps(levels, pd.Timestamp("2024-01-05"))
    assert corners.tolist() == [0.0, 0.0, 10.0, 10.0]
    assert [moment.day for moment in corners.index] == [1, 3, 3, 5]


def test_a_bad_tick_is_no_price_and_a_market_that_rises_a_hundredfold_is_one() -> None:
    rising = 10.0 * np.exp(np.linspace(0.0, np.log(100.0), 1_000))
    struck = rising.copy()
    struck[[5, 300, 301, 700]] = (rising[5] * 10.0, 0.01, -1.0, np.nan)
    assert np.flatnonzero(~sound(struck)).tolist() == [5, 300, 301, 700]
    assert sound(rising).all()


def test_a_split_is_no_bad_tick() -> None:
    prices = np.append(np.full(100, 1_000.0), np.full(100, 100.0))
    kept = sound(prices)
    assert kept.all()


@pytest.mark.parametrize(
    ("level", "form"),
    [
        (40_000.0, "0,0.00"),
        (100.0, "0,0.00"),
        (1.5, "0,0.0000"),
        (0.05, "0,0.000000"),
        (1e-6, "0,0.0000000000"),
    ],
)
def test_prices_have_about_six_figures(level: float, form: str) -> None:
    assert price_form(series(level, level)) == form
