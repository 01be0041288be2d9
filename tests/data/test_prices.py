"""What Prices tell of themselves, and the parts that can be cut out of them."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.errors import DataError, UnknownInstrumentError

MakeBars = Callable[..., pd.DataFrame]


@pytest.fixture
def three(make_bars: MakeBars) -> Prices:
    return Prices(
        {
            "BTC@a": make_bars([10.0, 11.0, 12.0]),
            "BTC@b": make_bars([10.5, 11.5]),
            "ETH@a": make_bars([5.0, 6.0]),
        }
    )


def test_names_symbols_and_venues_keep_their_order(three: Prices) -> None:
    assert three.names == ["BTC@a", "BTC@b", "ETH@a"]
    assert three.symbols == ["BTC", "ETH"]
    assert three.venues == ["a", "b"]
    assert three.instruments[1] == Instrument("BTC", "b")
    assert len(three) == 7


def test_a_frame_has_utc_nanoseconds_and_the_five_columns(three: Prices) -> None:
    frame = three.frame("BTC@a")
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert frame.index.name == "timestamp"
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert frame["high"].tolist() == [11.0, 12.0, 13.0]


def test_changing_a_frame_changes_nothing_inside(three: Prices, make_bars: MakeBars) -> None:
    frame = three.frame("BTC@a")
    frame.iloc[0, 3] = 99.0
    assert three.frame("BTC@a")["close"].iloc[0] == 10.0
    given = make_bars([10.0, 11.0])
    prices = Prices({"A@x": given})
    given.iloc[0, 3] = 10.5
    assert prices.frame("A")["close"].iloc[0] == 10.0


def test_a_symbol_at_one_venue_needs_no_venue_and_at_two_it_does(three: Prices) -> None:
    assert three.frame("ETH")["close"].tolist() == [5.0, 6.0]
    with pytest.raises(UnknownInstrumentError, match="BTC is at several venues: ask for BTC@a or BTC@b"):
        three.frame("BTC")
    with pytest.raises(UnknownInstrumentError, match="no prices of DOGE; there are BTC@a, BTC@b, ETH@a"):
        three.frame("DOGE")


def test_only_keeps_what_is_asked_for(three: Prices) -> None:
    assert three.only(symbols="BTC").names == ["BTC@a", "BTC@b"]
    assert three.only(venues=["a"]).names == ["BTC@a", "ETH@a"]
    assert three.only(symbols=["ETH", "BTC"], venues="a").names == ["BTC@a", "ETH@a"]


def test_only_names_what_there_is(three: Prices) -> None:
    with pytest.raises(UnknownInstrumentError, match="no symbol 'XRP' in these prices; there are BTC, ETH"):
        three.only(symbols="XRP")
    with pytest.raises(UnknownInstrumentError, match="no venue 'c' in these prices; there are a, b"):
        three.only(venues="c")
    with pytest.raises(UnknownInstrumentError, match="no prices of ETH at b; there are BTC@a, BTC@b, ETH@a"):
        three.only(symbols="ETH", venues="b")


def test_interval_is_the_most_common_step(make_bars: MakeBars) -> None:
    times = ["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:10", "2024-01-01 01:00"]
    assert Prices({"A@x": make_bars([10.0, 11.0, 12.0, 13.0], times)}).interval == pd.Timedelta("5min")


def test_one_bar_needs_its_length_told(make_bars: MakeBars) -> None:
    with pytest.raises(
        DataError, match=r"A@x: one row does not tell how long a bar is; give it, as in interval='1min'"
    ):
        Prices({"A@x": make_bars([10.0])})
    assert Prices({"A@x": make_bars([10.0])}, interval="1h").interval == pd.Timedelta("1h")


def test_a_length_longer_than_the_bars_is_refused(make_bars: MakeBars) -> None:
    with pytest.raises(DataError, match="A@x: expected bars 5min apart, found 1min"):
        Prices({"A@x": make_bars([10.0, 11.0, 12.0])}, interval="5min")


@pytest.mark.parametrize("interval", ["0min", "-1min", "soon", "1M", "NaT"])
def test_a_length_that_is_none_is_refused(make_bars: MakeBars, interval: str) -> None:
    with pytest.raises(DataError, match=f"interval: expected a fixed length above 0 .* found '{interval}'"):
        Prices({"A@x": make_bars([10.0, 11.0])}, interval=interval)


def daily(make_bars: MakeBars) -> Prices:
    times = [f"2024-01-{day:02d}" for day in range(1, 32)] + ["2024-02-01", "2024-02-02"]
    return Prices({"A@x": make_bars([100.0 + row for row in range(33)], times)})


def test_between_takes_whole_days_and_months_at_both_ends(make_bars: MakeBars) -> None:
    prices = daily(make_bars)
    assert prices.between("2024-01-30", "2024-02-01").frame("A")["close"].tolist() == [129.0, 130.0, 131.0]
    assert len(prices.between(end="2024-01")) == 31
    assert len(prices.between(date(2024, 2, 1))) == 2
    minutes = Prices({"A@x": make_bars([1.5, 2.5, 3.5, 4.5])})
    assert len(minutes.between("2024-01-01", "2024-01-01")) == 4
    assert minutes.between("2024-01-01 00:01", "2024-01-01 00:02").frame("A")["close"].tolist() == [2.5, 3.5]
    moment = datetime(2024, 1, 1, 0, 3, tzinfo=UTC)
    assert minutes.between(moment).frame("A")["close"].tolist() == [4.5]


def test_a_day_that_begins_before_the_first_bar_is_in_range_if_it_holds_one(make_bars: MakeBars) -> None:
    times = ["2024-01-01 09:30", "2024-01-01 09:31", "2024-01-02 09:30"]
    prices = Prices({"A@x": make_bars([1.5, 2.5, 3.5], times)})
    assert len(prices.between("2024-01-01", "2024-01-01")) == 2
    assert len(prices.between("2024", "2024")) == 3
    with pytest.raises(
        DataError, match=r"start 2024-01-01 09:00 is out of range: prices run from 2024-01-01 09:30:00"
    ):
        prices.between("2024-01-01 09:00")


def test_dates_out_of_range_name_the_range_there_is(make_bars: MakeBars) -> None:
    prices = daily(make_bars)
    with pytest.raises(
        DataError, match=r"start 2023-12-31 is out of range: prices run from 2024-01-01 to 2024-02-03"
    ):
        prices.between("2023-12-31")
    with pytest.raises(
        DataError, match="end 2024-03 is out of range: prices run from 2024-01-01 to 2024-02-03"
    ):
        prices.between(end="2024-03")
    with pytest.raises(DataError, match="start 2024-01-20 is after end 2024-01-10; prices run from"):
        prices.between("2024-01-20", "2024-01-10")
    with pytest.raises(DataError, match=r"expected a date such as '2020-03-16' .*, found 'someday'"):
        prices.between("someday")


def test_between_says_which_instrument_has_nothing_there(make_bars: MakeBars) -> None:
    prices = Prices(
        {
            "OLD@x": make_bars([10.0, 11.0, 12.0, 13.0], [f"2024-01-0{day}" for day in range(1, 5)]),
            "NEW@x": make_bars([10.0, 11.0], ["2024-01-03", "2024-01-04"]),
        }
    )
    with pytest.raises(
        DataError, match=r"NEW@x has no bar from 2024-01-01 to 2024-01-02 .*; its bars open from 2024-01-03"
    ):
        prices.between("2024-01-01", "2024-01-02")


def test_resampling_takes_first_highest_lowest_last_and_the_sum() -> None:
    index = pd.date_range("2024-01-01", periods=5, freq="1min")
    bars = pd.DataFrame(
        {
            "open": [10.0, 12.0, 11.0, 9.0, 8.0],
            "high": [13.0, 15.0, 12.0, 10.0, 9.0],
            "low": [9.0, 11.0, 8.0, 7.0, 6.0],
            "close": [12.0, 11.0, 9.0, 8.0, 7.0],
            "volume": [1.0, 2.0, 4.0, 8.0, math.nan],
        },
        index=index,
    )
    longer = Prices({"A@x": bars}).resample("2min")
    assert longer.interval == pd.Timedelta("2min")
    assert longer.frame("A").iloc[:2].to_numpy().tolist() == [
        [10.0, 15.0, 9.0, 11.0, 3.0],
        [11.0, 12.0, 7.0, 8.0, 12.0],
    ]
    assert math.isnan(longer.frame("A")["volume"].iloc[2])


def test_resampling_leaves_a_gap_a_gap_and_weeks_begin_on_monday(make_bars: MakeBars) -> None:
    times = ["2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 00:09"]
    longer = Prices({"A@x": make_bars([10.0, 11.0, 12.0], times)}).resample("2min")
    assert [f"{moment:%H:%M}" for moment in longer.frame("A").index] == ["00:00", "00:08"]
    assert longer.gaps()["missing_bars"].tolist() == [3]
    weeks = daily(make_bars).resample("1W").frame("A")  # 2024-01-01 was a Monday
    assert [f"{moment:%a %m-%d}" for moment in weeks.index][:2] == ["Mon 01-01", "Mon 01-08"]


def test_resampling_to_shorter_or_uneven_bars_is_refused(make_bars: MakeBars) -> None:
    prices = Prices(
        {"A@x": make_bars([10.0, 11.0, 12.0], ["2024-01-01 00:00", "2024-01-01 00:02", "2024-01-01 00:04"])}
    )
    for rule in ("1min", "3min"):
        with pytest.raises(
            DataError, match=f"A@x: expected to resample to a multiple of its bars of 2min, found {rule}"
        ):
            prices.resample(rule)
    with pytest.raises(DataError, match="resample: expected a fixed length above 0"):
        prices.resample("1ME")


def test_gaps_tell_where_and_how_long(make_bars: MakeBars) -> None:
    times = [
        "2024-01-01 00:00",
        "2024-01-01 00:01",
        "2024-01-01 00:02",
        "2024-01-01 00:07",
        "2024-01-01 00:08",
    ]
    gaps = Prices({"A@x": make_bars([10.0] * 5, times), "B@x": make_bars([10.0] * 5)}).gaps()
    assert list(gaps.columns) == ["instrument", "start", "end", "missing_bars", "minutes"]
    assert gaps["instrument"].tolist() == ["A@x"]
    assert gaps["start"].tolist() == [pd.Timestamp("2024-01-01 00:02", tz="UTC")]
    assert gaps["end"].tolist() == [pd.Timestamp("2024-01-01 00:07", tz="UTC")]
    assert (gaps["missing_bars"].item(), gaps["minutes"].item()) == (4, 5.0)


def test_a_weekend_is_a_gap_only_where_weekends_are_traded(make_bars: MakeBars) -> None:
    # Thursday, Friday, Monday, Wednesday: a market of weekdays misses Tuesday alone.
    weekdays = Prices(
        {"A@x": make_bars([10.0] * 4, ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-10"])}, "1D"
    )
    assert weekdays.gaps()["start"].tolist() == [pd.Timestamp("2024-01-08", tz="UTC")]
    # Friday, Saturday, Tuesday: one that trades on a Saturday misses Sunday and Monday.
    every_day = Prices({"A@x": make_bars([10.0] * 3, ["2024-01-05", "2024-01-06", "2024-01-09"])}, "1D")
    assert every_day.gaps()["missing_bars"].tolist() == [2]


def test_closes_stand_side_by_side_with_nan_where_there_is_no_bar(three: Prices) -> None:
    closes = three.closes()
    assert list(closes.columns) == ["BTC@a", "BTC@b", "ETH@a"]
    assert closes.iloc[1].tolist() == [11.0, 11.5, 6.0]
    assert closes.iloc[2].isna().tolist() == [False, True, True]


def test_fingerprint_hears_every_change_and_nothing_else(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0, 12.0])
    print_of = Prices({"A@x": bars}).fingerprint
    assert len(print_of) == 64
    assert Prices({"A@x": bars.reset_index()}).fingerprint == print_of
    assert Prices({"A@y": bars}).fingerprint != print_of
    assert Prices({"A@x": bars.shift(1, freq="1min")}).fingerprint != print_of
    nudged = bars.copy()
    nudged.iloc[1, 3] = np.nextafter(11.0, 12.0)
    assert Prices({"A@x": nudged}).fingerprint != print_of
    assert Prices({"A@x": bars}).with_instrument("A", tick=0.5).fingerprint != print_of
    two = {"A@x": bars, "B@x": bars}
    assert Prices(two).fingerprint != Prices(dict(reversed(two.items()))).fingerprint


def test_unknown_volumes_have_one_fingerprint_whatever_their_bits(make_bars: MakeBars) -> None:
    other_nan = np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0]
    one = Prices({"A@x": make_bars([10.0, 11.0], volume=math.nan)})
    other = Prices({"A@x": make_bars([10.0, 11.0], volume=float(other_nan))})
    assert one.fingerprint == other.fingerprint


def test_with_instrument_changes_the_grid_and_leaves_the_rest(three: Prices) -> None:
    other = three.with_instrument("BTC@b", tick=0.5, lot=0.1).with_instrument(
        "BTC@b", min_notional=10.0, multiplier=2.0
    )
    assert other.instruments[1] == Instrument(
        "BTC", "b", tick=0.5, lot=0.1, min_notional=10.0, multiplier=2.0
    )
    assert three.instruments[1] == Instrument("BTC", "b")
    assert other.to_feed().instruments[1].tick == 0.5
    pd.testing.assert_frame_equal(other.frame("BTC@b"), three.frame("BTC@b"))


@pytest.mark.parametrize(("key", "value"), [("tick", -0.01), ("lot", math.nan), ("multiplier", 0.0)])
def test_a_grid_that_makes_no_sense_is_refused(three: Prices, key: str, value: float) -> None:
    with pytest.raises(DataError, match=f"BTC@a: expected {key} (0 or more|above 0), found"):
        three.with_instrument("BTC@a", **{key: value})


def test_an_instrument_twice_is_refused(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0])
    with pytest.raises(DataError, match="A@exchange-1: expected each instrument once, found it twice"):
        Prices({"A": bars, "A@exchange-1": bars})
    with pytest.raises(DataError, match="expected the prices of at least one instrument, found none"):
        Prices({})
    with pytest.raises(DataError, match="expected an instrument as symbol@venue, found '@x'"):
        Prices({"@x": bars})


def test_it_shows_itself_in_one_line_and_as_a_table(three: Prices) -> None:
    assert repr(three) == "Prices(BTC@a, BTC@b, ETH@a: 7 bars of 1min, 2024-01-01 to 2024-01-01 00:03:00)"
    assert three.summary()["bars"].tolist() == [3, 2, 2]
    assert three._repr_html_().count("<tr") == 4  # a header row and three instruments


def test_prices_survive_a_trip_to_another_process(three: Prices) -> None:
    assert pickle.loads(pickle.dumps(three)).fingerprint == three.fingerprint
