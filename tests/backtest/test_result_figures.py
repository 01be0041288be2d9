"""The calendar that annualises, drawdowns, and round trips against the ledger's own rule."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.backtest.axes import thin, time_ticks, value_ticks
from workbench.backtest.performance import curve_figures, drawdowns, periods_per_year
from workbench.backtest.roundtrips import exposed, history_frame, trades_frame
from workbench.backtest.statistics import span_text
from workbench.core.messages import Instrument, OrderFill

MINUTE = 60_000_000_000
DAY = 1440 * MINUTE


def closes(index: pd.DatetimeIndex, length: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Closing times (ns) of bars that open at `index`."""
    return (index + pd.Timedelta(length)).as_unit("ns").asi8


def test_daily_bars_on_weekdays_are_252_a_year() -> None:
    index = pd.bdate_range("2024-01-01", periods=30, tz="UTC")
    assert periods_per_year(closes(index, "1D"), DAY) == 252.0


def test_the_bar_of_a_friday_closes_on_a_saturday_and_is_still_a_weekday() -> None:
    friday = pd.DatetimeIndex(["2024-01-04", "2024-01-05"], tz="UTC")
    assert periods_per_year(closes(friday, "1D"), DAY) == 252.0


def test_daily_bars_on_all_days_are_365_a_year() -> None:
    index = pd.date_range("2024-01-01", periods=30, freq="1D", tz="UTC")
    assert periods_per_year(closes(index, "1D"), DAY) == 365.0


def test_minutes_around_the_clock_are_525600_a_year_even_on_a_single_weekday() -> None:
    month = pd.date_range("2024-01-01", periods=30 * 1440, freq="1min", tz="UTC")
    hour = pd.date_range("2024-01-03 10:00", periods=60, freq="1min", tz="UTC")
    assert periods_per_year(closes(month, "1min"), MINUTE) == 525_600.0
    assert periods_per_year(closes(hour, "1min"), MINUTE) == 525_600.0


def test_minutes_with_gaps_in_a_market_that_never_closes_count_as_whole_days() -> None:
    index = pd.date_range("2024-01-01", periods=14 * 1440, freq="1min", tz="UTC")
    kept = index[np.arange(len(index)) % 3 > 0]
    assert periods_per_year(closes(kept, "1min"), MINUTE) == 525_600.0


def test_hours_of_a_stock_market_are_252_times_its_bars_a_day() -> None:
    days = pd.bdate_range("2024-01-01", periods=10, tz="UTC")
    index = pd.DatetimeIndex([day + pd.Timedelta(hours=h) for day in days for h in range(14, 21)])
    assert periods_per_year(closes(index, "1h"), 60 * MINUTE) == 252.0 * 7
    assert (
        periods_per_year(closes(index[:14], "1h"), 60 * MINUTE) == 252.0 * 7
    )  # two days, a night between them


def test_weekly_bars() -> None:
    index = pd.date_range("2024-01-01", periods=10, freq="7D", tz="UTC")
    assert periods_per_year(closes(index, "7D"), 7 * DAY) == pytest.approx(365.25 / 7)


def test_quotes_without_bars_count_as_the_median_day_has() -> None:
    index = pd.date_range("2024-01-01", periods=14 * 10, freq="144min", tz="UTC")
    assert periods_per_year(index.as_unit("ns").asi8, 0) == 365.0 * 10


def test_longest_drawdown_runs_from_the_peak_until_it_is_reached_again() -> None:
    times = np.arange(1, 9, dtype=np.int64) * DAY
    equity = np.array([100.0, 110.0, 105.0, 110.0, 108.0, 107.0, 109.0, 111.0])
    figures = curve_figures(times, equity, 100.0, 0, 365.0)
    assert figures.longest_drawdown_ns == 4 * DAY  # from the fourth day to the eighth
    assert figures.max_drawdown == pytest.approx(105 / 110 - 1)


def test_a_loss_from_the_first_update_counts_from_the_initial_cash() -> None:
    assert drawdowns(np.array([90.0, 95.0]), 100.0).tolist() == pytest.approx([-0.10, -0.05])


def test_returns_that_are_all_the_same_have_no_sharpe_ratio() -> None:
    equity = np.array([100.0 * 1.001**day for day in range(50)])
    figures = curve_figures(np.arange(1, 51, dtype=np.int64) * DAY, equity, 100.0, 0, 365.0)
    assert math.isnan(figures.sharpe_ratio)


def test_growth_beyond_what_a_float_holds_is_infinite() -> None:
    figures = curve_figures(np.array([MINUTE]), np.array([1e9]), 1.0, 0, 525_600.0)
    assert figures.cagr == math.inf


prices = st.floats(1.0, 1_000.0)
quantities = st.floats(0.1, 100.0).flatmap(lambda units: st.sampled_from([units, -units]))


@given(
    st.lists(st.tuples(quantities, prices, st.floats(0.0, 5.0)), max_size=30),
    prices,
    st.sampled_from([1.0, 50.0]),
)
def test_the_pnl_of_all_trades_is_what_the_cash_flows_come_to(
    fills: list[tuple[float, float, float]], mark: float, multiplier: float
) -> None:
    instrument = Instrument("X", "SIM", multiplier=multiplier)
    facts = [
        OrderFill(n, 0, n, "s", "X", "SIM", units, price, fee, 0.0, "taker", n * MINUTE)
        for n, (units, price, fee) in enumerate(fills, start=1)
    ]
    trades = trades_frame(facts, [instrument], {("X", "SIM"): mark})
    held = sum(units for units, _, _ in fills)
    cash = sum(-units * price * multiplier - fee for units, price, fee in fills)
    worth = cash + held * mark * multiplier
    scale = sum(abs(units) * max(price, mark) * multiplier for units, price, _ in fills) + 1.0
    assert trades["pnl"].sum() == pytest.approx(worth, abs=1e-9 * scale)
    assert trades["fees"].sum() == pytest.approx(sum(fee for _, _, fee in fills))
    assert (trades["status"] == "open").sum() == (1 if abs(held) > 1e-9 else 0)
    assert history_frame(facts, [instrument])["quantity"].tolist()[-1:] == pytest.approx(
        [held][: len(facts)], abs=1e-9
    )


def test_exposure_counts_the_update_that_filled_and_not_the_one_that_flattened() -> None:
    def fill(minute: int, units: float) -> OrderFill:
        return OrderFill(minute, 0, minute, "s", "X", "SIM", units, 100.0, 0.0, 0.0, "taker", minute * MINUTE)

    history = history_frame([fill(2, 1.0), fill(5, -1.0), fill(8, -1.0)], [Instrument("X", "SIM")])
    times = np.arange(1, 11, dtype=np.int64) * MINUTE
    assert exposed(history, times, None) == pytest.approx(6 / 10)  # minutes 2, 3, 4 and 8, 9, 10
    assert exposed(history, times, "other") == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5_000))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values: list[float]) -> None:
    curve = np.array(values)
    kept = curve[thin(curve, 50)]
    assert len(kept) <= 102
    assert (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert (kept.min(), kept.max()) == (curve.min(), curve.max())


def test_value_axis_has_round_steps_around_the_curve_and_its_base() -> None:
    low, high, steps = value_ticks([np.array([961.0, 1_077.0])], 1_000.0)
    assert (low, high) == (950.0, 1_100.0)
    assert steps == [950.0, 975.0, 1_000.0, 1_025.0, 1_050.0, 1_075.0, 1_100.0]


def test_value_axis_of_a_flat_curve_has_room() -> None:
    low, high, _ = value_ticks([np.array([100.0, 100.0])], 100.0)
    assert low < 100.0 < high


@pytest.mark.parametrize(
    ("start", "length", "first", "last"),
    [
        ("2024-01-01 09:00", "1h", "09:00", "10:00"),
        ("2024-01-01 00:00", "5D", "01 Jan", "06 Jan"),
        ("2023-01-01", "200D", "Jan 2023", "Jul 2023"),
        ("1999-01-04", "7300D", "2000", "2018"),
    ],
)
def test_time_axis_has_about_ten_round_moments(start: str, length: str, first: str, last: str) -> None:
    begin = pd.Timestamp(start)
    ticks = time_ticks(begin.value, (begin + pd.Timedelta(length)).value)
    assert 5 <= len(ticks) <= 14
    assert (ticks[0][1], ticks[-1][1]) == (first, last)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ("250ms", "0.25 s"),
        ("90s", "1 min"),
        ("1h", "1 h"),
        ("25h", "1 d 1 h"),
        ("200D", "200 d"),
        ("0s", "0 s"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(span: str, text: str) -> None:
    assert span_text(pd.Timedelta(span)) == text
