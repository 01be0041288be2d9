"""How many periods make a year, told from times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ConfigError, DataError
from workbench.performance.calendar import infer_periods_per_year, periods_per_year

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


WEEKDAYS = pd.bdate_range("2024-01-01", periods=60, tz="UTC")


@pytest.mark.parametrize(
    ("index", "per_year"),
    [
        (WEEKDAYS, 252.0),
        (WEEKDAYS[:2], 252.0),
        (WEEKDAYS.tz_convert("America/New_York"), 252.0),
        (WEEKDAYS.tz_localize(None), 252.0),
        (WEEKDAYS + pd.Timedelta("1D"), 252.0),  # closes: the bar of a Friday is called Saturday
        (pd.date_range("2024-01-01", periods=60, freq="1D"), 365.0),
        (pd.date_range("2024-01-01", periods=60, freq="7D"), 365.25 / 7),
        (pd.date_range("2024-01-31", periods=5, freq="ME"), 12.0),
        (pd.date_range("2024-01-01", periods=24, freq="MS"), 12.0),
        (pd.date_range("2024-01-31", periods=24, freq="BME"), 12.0),
        (pd.date_range("2024-03-31", periods=8, freq="QE"), 4.0),
        (pd.date_range("2020-12-31", periods=5, freq="YE"), 1.0),
        (pd.period_range("2024-01", periods=8, freq="M"), 12.0),
        (pd.date_range("2024-01-01", periods=24 * 30, freq="1h"), 365.0 * 24),
        (pd.date_range("2024-01-01", periods=1440 * 3, freq="1min"), 365.0 * 1440),
    ],
)
def test_the_index_tells_the_periods_per_year(index: pd.Index, per_year: float) -> None:
    assert infer_periods_per_year(index) == pytest.approx(per_year, rel=1e-12)


def test_rows_without_a_common_step_count_as_the_median_day_has() -> None:
    rng = np.random.default_rng(5)
    days = pd.date_range("2024-01-01", periods=14, freq="1D")
    odd = [day + pd.Timedelta(minutes=int(m)) for day in days for m in np.sort(rng.permutation(1440)[:20])]
    assert infer_periods_per_year(pd.DatetimeIndex(odd)) == 365.0 * 20


def test_an_index_without_times_must_be_told() -> None:
    with pytest.raises(
        ConfigError, match=r"an index without times \(RangeIndex\); pass it, as in periods_per_year=252"
    ):
        infer_periods_per_year(pd.RangeIndex(10))


def test_one_row_tells_nothing() -> None:
    with pytest.raises(ConfigError, match=r"cannot be told from 1 row"):
        infer_periods_per_year(WEEKDAYS[:1])


def test_times_that_fall_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"expected times that rise, found 2024-01-02 .* after 2024-01-03 .*; sort them"
    ):
        infer_periods_per_year(WEEKDAYS[[0, 2, 1]])
