"""Bars become updates at their close, in the order of time and then of the instruments."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME
from workbench.data.prices import Prices
from workbench.errors import DataError

MINUTE_NS = 60_000_000_000
START_NS = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC

MakeBars = Callable[..., pd.DataFrame]


def test_a_bar_becomes_one_update_at_its_close(make_bars: MakeBars) -> None:
    feed = Prices({"BTC-USD@x": make_bars([100.0, 110.0, 99.0], volume=7.0)}).to_feed(spread_bps=20.0)
    assert feed.timestamp_ns.tolist() == [
        START_NS + MINUTE_NS,
        START_NS + 2 * MINUTE_NS,
        START_NS + 3 * MINUTE_NS,
    ]
    assert feed.quotes[:, LAST].tolist() == [100.0, 110.0, 99.0]
    np.testing.assert_allclose(feed.quotes[:, BID], [99.9, 109.89, 98.901], rtol=1e-14)
    np.testing.assert_allclose(feed.quotes[:, ASK], [100.1, 110.11, 99.099], rtol=1e-14)
    np.testing.assert_allclose(feed.quotes[:, CHANGE_PCT], [0.0, 0.1, -0.1], atol=1e-15)
    assert feed.quotes[:, VOLUME].tolist() == [7.0, 7.0, 7.0]
    assert np.isnan(feed.quotes[:, [BID_SIZE, ASK_SIZE]]).all()
    assert feed.sequence.tolist() == [0, 1, 2]
    assert feed.quotes.flags.c_contiguous


def test_equal_times_stand_in_the_order_of_the_instruments_and_change_is_each_ones_own(
    make_bars: MakeBars,
) -> None:
    feed = Prices({"B@x": make_bars([10.0, 20.0]), "A@x": make_bars([100.0, 50.0])}).to_feed()
    assert [instrument.name for instrument in feed.instruments] == ["B@x", "A@x"]
    assert feed.instrument.tolist() == [0, 1, 0, 1]
    assert feed.quotes[:, LAST].tolist() == [10.0, 100.0, 20.0, 50.0]
    assert feed.quotes[:, CHANGE_PCT].tolist() == [0.0, 0.0, 1.0, -0.5]


def test_equal_times_stay_in_order_however_many_there_are(make_bars: MakeBars) -> None:
    closes = [10.0 + row for row in range(1_000)]
    feed = Prices({name: make_bars(closes) for name in ("B@x", "A@x", "C@x")}).to_feed()
    assert feed.instrument.tolist() == [0, 1, 2] * 1_000


def test_a_missing_bar_leaves_no_gap_in_the_sequence(make_bars: MakeBars) -> None:
    times = ["2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 00:05"]
    feed = Prices({"A@x": make_bars([10.0, 11.0, 12.0], times)}).to_feed()
    assert feed.sequence.tolist() == [0, 1, 2]
    assert feed.timestamp_ns[-1] == START_NS + 6 * MINUTE_NS


def test_bars_of_two_lengths_are_ordered_by_close_not_by_open(make_bars: MakeBars) -> None:
    slow = Prices({"SLOW@x": make_bars([1000.0], ["2024-01-01 00:00"])}, interval="3min")
    fast = Prices({"FAST@x": make_bars([10.0, 11.0, 12.0, 13.0])})
    feed = slow.merged_with(fast).to_feed()
    # SLOW opens first but closes at minute 3, at the same time as the third FAST bar, before which it stands.
    assert feed.quotes[:, LAST].tolist() == [10.0, 11.0, 1000.0, 12.0, 13.0]


def test_quotes_in_the_data_are_used_as_they_are(make_bars: MakeBars) -> None:
    bars = make_bars([100.0, 101.0]).assign(
        bid=[99.0, 100.5], ask=[102.0, 103.0], bid_size=[5.0, math.nan], ask_size=2.0
    )
    quotes = Prices({"A@x": bars}).to_feed(spread_bps=500.0).quotes
    assert quotes[:, BID].tolist() == [99.0, 100.5]
    assert quotes[:, ASK].tolist() == [102.0, 103.0]
    assert quotes[0, BID_SIZE] == 5.0
    assert math.isnan(quotes[1, BID_SIZE])
    assert quotes[:, ASK_SIZE].tolist() == [2.0, 2.0]


def test_quotes_alone_are_events_at_their_own_time_with_the_middle_as_last() -> None:
    index = pd.DatetimeIndex(["2024-01-01 00:00:00.5", "2024-01-01 00:00:02"])
    feed = Prices({"A@x": pd.DataFrame({"bid": [99.0, 100.0], "ask": [101.0, 104.0]}, index=index)}).to_feed()
    assert feed.timestamp_ns.tolist() == [START_NS + 500_000_000, START_NS + 2_000_000_000]
    assert feed.quotes[:, LAST].tolist() == [100.0, 102.0]
    assert np.isnan(feed.quotes[:, VOLUME]).all()


def test_max_rows_keeps_the_first_updates(make_bars: MakeBars) -> None:
    feed = Prices({"A@x": make_bars([1.5, 2.5]), "B@x": make_bars([3.5, 4.5])}).to_feed(max_rows=3)
    assert feed.quotes[:, LAST].tolist() == [1.5, 3.5, 2.5]
    assert len(feed) == len(feed.sequence) == len(feed.instrument) == 3


@pytest.mark.parametrize("spread", [-1.0, math.nan, math.inf, 20_000.0])
def test_a_spread_that_makes_no_sense_is_refused(make_bars: MakeBars, spread: float) -> None:
    with pytest.raises(DataError, match="spread_bps: expected 0 or more"):
        Prices({"A@x": make_bars([10.0, 11.0])}).to_feed(spread_bps=spread)


def test_no_rows_at_all_is_refused(make_bars: MakeBars) -> None:
    with pytest.raises(DataError, match="max_rows: expected 1 or more, or None for all, found 0"):
        Prices({"A@x": make_bars([10.0, 11.0])}).to_feed(max_rows=0)


@settings(deadline=None)  # frames are slow to make
@given(
    st.lists(
        st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True).map(sorted), min_size=1, max_size=4
    )
)
def test_a_feed_is_what_merging_by_hand_gives(minutes: list[list[int]]) -> None:
    frames = {}
    expected = []
    for owner, stamps in enumerate(minutes):
        closes = [100.0 + owner + 10.0 * stamp for stamp in stamps]
        index = pd.DatetimeIndex(
            [pd.Timestamp("2024-01-01") + pd.Timedelta(minutes=stamp) for stamp in stamps]
        )
        frames[f"S{owner}@x"] = pd.DataFrame({"close": closes}, index=index)
        for sequence, (stamp, close) in enumerate(zip(stamps, closes, strict=True)):
            change = close / closes[sequence - 1] - 1.0 if sequence else 0.0
            expected.append((START_NS + (stamp + 1) * MINUTE_NS, owner, sequence, close, change))
    feed = Prices(frames, interval="1min").to_feed()
    rows = zip(
        feed.timestamp_ns.tolist(),
        feed.instrument.tolist(),
        feed.sequence.tolist(),
        feed.quotes[:, LAST].tolist(),
        feed.quotes[:, CHANGE_PCT].tolist(),
        strict=True,
    )
    assert list(rows) == sorted(expected)
