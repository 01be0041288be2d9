"""Crises replayed on today's positions: by hand, on the packaged samples and on real prices beside the project."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError, UnknownInstrumentError
from workbench.risk.crises import CRISES, Crisis
from workbench.risk.scenarios import crises, historical_stress, replay_scenario, worst_windows

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def closes(**columns: list[float]) -> pd.DataFrame:
    """Daily closes from Monday, 2024-01-01 on."""
    rows = len(next(iter(columns.values())))
    index = pd.date_range("2024-01-01", periods=rows, freq="1D", tz="UTC")
    return pd.DataFrame(columns, index=index, dtype=float)


HISTORY = closes(A=[100, 100, 80, 60, 90], B=[50, 50, 55, 60, 50])
WINDOW = ("2024-01-02", "2024-01-05")


def test_each_position_moves_as_its_price_did_since_the_start() -> None:
    found = replay_scenario({"A": 1_000.0, "B": -500.0}, HISTORY, WINDOW)
    # A: -20 %, -40 %, -10 %.  B, short: +10 %, +20 %, 0.
    assert found.pnl["A"].tolist() == pytest.approx([0.0, -200.0, -400.0, -100.0])
    assert found.pnl["B"].tolist() == pytest.approx([0.0, -50.0, -100.0, 0.0])
    assert found.path.tolist() == pytest.approx([0.0, -250.0, -500.0, -100.0])
    assert (found.start, found.end) == (day("2024-01-02"), day("2024-01-05"))


def test_the_summary_has_the_end_the_worst_point_and_the_worst_step() -> None:
    row = replay_scenario({"A": 1_000.0, "B": -500.0}, HISTORY, WINDOW).summary()
    assert (row["rows"], row["pnl"], row["worst_pnl"]) == (3, pytest.approx(-100.0), pytest.approx(-500.0))
    assert row["worst_time"] == day("2024-01-04")
    assert row["worst_step"] == pytest.approx(-250.0)
    assert row["worst_step_time"] == day("2024-01-03")
    assert row["largest_fall"] == pytest.approx(-500.0)
    assert (row["worst_instrument"], row["worst_instrument_pnl"]) == ("A", pytest.approx(-400.0))


def test_the_largest_fall_is_from_the_top_of_the_path_and_not_from_its_start() -> None:
    row = replay_scenario({"A": 100.0}, closes(A=[100, 130, 110]), ("2024-01-01", "2024-01-03")).summary()
    assert (row["worst_pnl"], row["pnl"]) == (0.0, pytest.approx(10.0))
    assert row["largest_fall"] == pytest.approx(-20.0)


def test_a_time_without_a_close_repeats_the_last() -> None:
    history = HISTORY.copy()
    history.loc[day("2024-01-03"), "A"] = np.nan
    found = replay_scenario({"A": 1_000.0, "B": -500.0}, history, WINDOW)
    assert found.pnl["A"].tolist() == pytest.approx([0.0, 0.0, -400.0, -100.0])


def test_a_proxy_moves_the_position_by_its_beta_and_is_named() -> None:
    found = replay_scenario({"NEW": 1_000.0}, HISTORY, WINDOW, proxies={"NEW": ("A", 1.5)})
    assert found.path.tolist() == pytest.approx([0.0, -300.0, -600.0, -150.0])
    assert found.proxies == {"NEW": ("A", 1.5)}
    plain = replay_scenario({"NEW": 1_000.0}, HISTORY, WINDOW, proxies={"NEW": "A"})
    assert plain.path.iloc[-1] == pytest.approx(-100.0)


def test_a_position_without_prices_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UnknownInstrumentError, match=r"NEW has no prices; give proxies=, or missing='zero'"):
        replay_scenario({"A": 1.0, "NEW": 1.0}, HISTORY, WINDOW)
    late = closes(A=[math.nan] * 10 + [100.0, 90.0], B=[50.0] * 12)
    with pytest.raises(DataError, match=r"A has no close in the 5 days up to 2024-01-10"):
        replay_scenario({"A": 1.0, "B": 1.0}, late, ("2024-01-10", "2024-01-12"))
    paused = closes(A=[100.0] * 8 + [math.nan] * 9 + [90.0], B=[50.0] * 18)
    with pytest.raises(DataError, match="A has no close in the 5 days up to 2024-01-16"):
        replay_scenario({"A": 1.0, "B": 1.0}, paused, ("2024-01-16", "2024-01-18"))
    gone = closes(A=[100.0] * 4 + [math.nan] * 20, B=[50.0] * 24)
    with pytest.raises(DataError, match="A has no close in the 5 days up to 2024-01-24"):
        replay_scenario({"A": 1.0, "B": 1.0}, gone, ("2024-01-02", "2024-01-24"))


def test_prices_that_end_inside_a_window_do_not_cover_it() -> None:
    daily = closes(A=[100.0] * 20, B=[50.0] * 20)  # until January 20
    assert replay_scenario({"A": 1.0}, daily, ("2024-01-05", "2024-01-22")).end == day(
        "2024-01-20"
    )  # a weekend
    with pytest.raises(DataError, match="A has no close in the 5 days up to 2024-01-26"):
        replay_scenario({"A": 1.0}, daily, ("2024-01-05", "2024-01-26"))
    index = pd.date_range("2021-05-10", "2021-05-17 12:00", freq="1h", tz="UTC")
    hourly = pd.DataFrame({"BTC": np.linspace(100.0, 80.0, len(index))}, index=index)
    assert "crypto_may_2021" not in crises(hourly).index
    with pytest.raises(DataError, match="BTC has no close in the 1 days up to 2021-05-19"):
        replay_scenario({"BTC": 1.0}, hourly, "crypto_may_2021")


def test_a_position_that_was_asked_to_stand_still_is_named_in_the_result() -> None:
    found = replay_scenario({"A": 1_000.0, "NEW": 5.0}, HISTORY, WINDOW, missing="zero")
    assert found.missing == ("NEW",)
    assert found.pnl["NEW"].tolist() == [0.0] * 4
    with pytest.raises(DataError, match="expected prices of at least one position, found none"):
        replay_scenario({"NEW": 5.0}, HISTORY, WINDOW, missing="zero")


def test_lehman_brothers_on_the_packaged_index() -> None:
    """The S&P 500 closed at 1251.70 on 2008-09-12 and at 752.44 on 2008-11-20 (S&P Dow Jones Indices)."""
    found = replay_scenario({"SPX@US": 1e6}, wb.load("sp500"), "lehman_2008")
    assert found.path.iloc[-1] == pytest.approx(1e6 * (752.44 / 1251.70 - 1.0), abs=10.0)
    row = found.summary()
    assert row["worst_time"] == day("2008-11-20")
    assert row["worst_step_time"] == day("2008-09-29")  # the House refused the rescue: -106.85 points
    assert row["worst_step"] == pytest.approx(-1e6 * 106.85 / 1251.70, abs=50.0)


def test_known_crises_are_those_that_the_samples_cover() -> None:
    samples = wb.merge(wb.load("sp500"), wb.load("nasdaq"), wb.load("wti"))
    covered = crises(samples)
    assert set(crises().index) == set(CRISES)
    assert {"lehman_2008", "dotcom_2000", "september_11_2001", "downgrade_2011", "december_2018"} <= set(
        covered.index
    )
    assert not {"covid_2020", "crypto_may_2021", "svb_2023"} & set(covered.index)
    assert covered["instruments"].to_dict()["black_monday_1987"] == 1  # oil alone goes back that far
    assert covered["instruments"].to_dict()["lehman_2008"] == 3


@pytest.mark.parametrize(
    "name", ["dotcom_2000", "lehman_2008", "downgrade_2011", "china_2015", "december_2018"]
)
def test_each_window_runs_from_a_height_to_the_depth_of_the_index(name: str) -> None:
    path = replay_scenario({"SPX@US": 1.0}, wb.load("sp500"), name).path
    assert path.idxmin() == path.index[-1]
    assert path.iloc[-1] < -0.1


def test_the_table_has_the_worst_scenario_first_and_skips_what_is_not_covered() -> None:
    samples = wb.merge(wb.load("sp500"), wb.load("wti"))
    book = {"SPX@US": 1e6, "WTI@CUSHING": -5e5}
    table = historical_stress(book, samples, equity=2e6)
    assert table["worst_pnl"].is_monotonic_increasing
    assert table.index[0] == "credit_crisis_2008"
    assert "black_monday_1987" not in table.index  # no S&P 500 in 1987
    np.testing.assert_allclose(table["worst_share"], table["worst_pnl"] / 2e6)
    two = historical_stress(book, samples, ["lehman_2008", Crisis("oil", "2014-06-20", "2014-12-31")])
    assert sorted(two.index) == ["lehman_2008", "oil"]
    # A position that no sample knows stands still, and all windows are open to it.
    zero = historical_stress(book | {"BTC@x": 1.0}, samples, missing="zero")
    assert {"lehman_2008", "black_monday_1987"} <= set(zero.index)


def test_an_intraday_window_starts_with_the_last_close_of_its_first_day() -> None:
    index = pd.date_range("2024-01-01", periods=72, freq="1h", tz="UTC")
    history = pd.DataFrame({"A": np.arange(100.0, 172.0)}, index=index)
    found = replay_scenario({"A": 123.0}, history, ("2024-01-01", "2024-01-02"))
    assert found.start == pd.Timestamp("2024-01-01 23:00", tz="UTC")
    assert found.path.iloc[-1] == pytest.approx(24.0)  # from 123 to 147
    exact = replay_scenario({"A": 110.0}, history, ("2024-01-01 10:00", "2024-01-01 12:00"))
    assert exact.path.tolist() == pytest.approx([0.0, 1.0, 2.0])


def test_the_pandemic_on_twenty_real_stocks() -> None:
    path = SHARED / "us_equities_1d/skfolio_sp500_20_close.parquet"
    if not path.exists():
        pytest.skip("real prices are not here: shared/data/us_equities_1d")
    prices = wb.load(path, venue="US")
    book = dict.fromkeys(prices.names, 50_000.0)
    found = replay_scenario(book, prices, "covid_2020")
    frame = prices.closes()
    by_hand = 50_000.0 * (frame.loc[day("2020-03-23")] / frame.loc[day("2020-02-19")] - 1.0)
    np.testing.assert_allclose(found.pnl.iloc[-1], by_hand, rtol=1e-12)
    assert -0.40e6 < found.path.iloc[-1] < -0.25e6
    assert {"covid_2020", "lehman_2008", "inflation_2022"} <= set(historical_stress(book, prices).index)


def test_the_worst_stretches_do_not_overlap_and_come_in_order() -> None:
    history = closes(A=[100, 99, 80, 90, 100, 100, 70, 70, 100])
    table = worst_windows({"A": 100.0}, history, length=2, top=2)
    assert table["start"].tolist() == [day("2024-01-05"), day("2024-01-01")]
    assert table["end"].tolist() == [day("2024-01-07"), day("2024-01-03")]
    assert table["pnl"].tolist() == pytest.approx([-30.0, -20.0])
    assert worst_windows({"NEW": 100.0}, history, 2, 1, proxies={"NEW": ("A", 2.0)})[
        "pnl"
    ].tolist() == pytest.approx([-60.0])


def test_the_worst_ten_days_of_the_sp500_were_in_october_2008() -> None:
    worst = worst_windows({"SPX@US": 1.0}, wb.load("sp500"), length=10, top=1).loc[1]
    assert worst["start"] >= day("2008-09-20")
    assert worst["end"] <= day("2008-10-15")
    assert worst["pnl"] < -0.25


paths = st.lists(st.tuples(st.floats(1.0, 100.0), st.floats(1.0, 100.0)), min_size=3, max_size=15)


@settings(max_examples=30)
@given(paths, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_book_is_the_sum_of_its_positions_and_grows_with_them(
    rows: list[tuple[float, float]], a: float, b: float
) -> None:
    history = closes(A=[x for x, _ in rows], B=[y for _, y in rows])
    window = (str(history.index[0].date()), str(history.index[-1].date()))
    both = replay_scenario({"A": a, "B": b}, history, window)
    alone = [replay_scenario({name: size}, history, window).path for name, size in (("A", a), ("B", b))]
    np.testing.assert_allclose(both.path, alone[0] + alone[1], atol=1e-6)
    opposite = replay_scenario({"A": -a, "B": -b}, history, window)
    np.testing.assert_allclose(opposite.path, -both.path, atol=1e-6)


def test_scenarios_that_make_no_sense_are_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="no scenario 'tulips'; there are black_monday_1987"):
        replay_scenario({"A": 1.0}, HISTORY, "tulips")
    with pytest.raises(ConfigError, match="expected an end after its start"):
        replay_scenario({"A": 1.0}, HISTORY, ("2024-01-05", "2024-01-02"))
    with pytest.raises(ConfigError, match="missing must be 'error' or 'zero', found 'skip'"):
        replay_scenario({"A": 1.0}, HISTORY, WINDOW, missing="skip")  # type: ignore[arg-type]
    with pytest.raises(UnknownInstrumentError, match="proxies: no prices of 'C'; there are A, B"):
        replay_scenario({"A": 1.0}, HISTORY, WINDOW, proxies={"A": "C"})
    with pytest.raises(UnknownInstrumentError, match="proxies: no position 'C'; there are A"):
        replay_scenario({"A": 1.0}, HISTORY, WINDOW, proxies={"C": "A"})
    with pytest.raises(DataError, match="no known crisis lies within the prices of all positions"):
        historical_stress({"A": 1.0}, HISTORY)
    with pytest.raises(ConfigError, match="scenarios: expected at least one, found none"):
        historical_stress({"A": 1.0}, HISTORY, [])
    with pytest.raises(DataError, match=r"closes: expected closes above 0, found -1\.0 for A at 2024-01-03"):
        replay_scenario({"A": 1.0}, HISTORY.replace(80.0, -1.0), WINDOW)
    with pytest.raises(DataError, match="expected more than 10 rows with a close of every position, found 5"):
        worst_windows({"A": 1.0}, HISTORY)
    with pytest.raises(UnknownInstrumentError, match="no prices of C; give proxies="):
        worst_windows({"C": 1.0}, HISTORY, 1)
    with pytest.raises(ConfigError, match="length must be a whole number of 1 or more, found 0"):
        worst_windows({"A": 1.0}, HISTORY, 0)
