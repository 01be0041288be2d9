"""Gaps between venues: the published figures of March 2023, planted ones on synthetic prices, tables by hand."""

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
from workbench.risk.cross_venue import aligned_closes, gap_spells, gap_table, venue_gaps, widest_gap

TWO_VENUES = Path(__file__).parents[2].parent / "shared" / "data" / "btc_usd_1m_two_venues_2023_03"


def minute(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2024-01-01 {text}", tz="UTC")


def bars(closes: list[float], missing: tuple[int, ...] = ()) -> pd.DataFrame:
    """One-minute bars from 2024-01-01 on, without those in `missing`."""
    index = pd.date_range("2024-01-01", periods=len(closes), freq="1min", tz="UTC", name="timestamp")
    frame = pd.DataFrame({"close": closes}, index=index, dtype=float)
    return frame.drop(index=index[list(missing)])


def two(a: pd.DataFrame, b: pd.DataFrame) -> wb.Prices:
    return wb.Prices({"BTC@a": a, "BTC@b": b}, interval="1min")


def test_the_published_figures_of_march_2023_come_out() -> None:
    if not TWO_VENUES.exists():
        pytest.skip("real prices are not here: shared/data/btc_usd_1m_two_venues_2023_03")
    prices = wb.merge(
        *(
            wb.load(TWO_VENUES / f"{venue}_BTCUSD_1m.parquet", symbol="BTC-USD", venue=venue)
            for venue in ("coinbase", "kraken")
        )
    )
    gaps = venue_gaps(aligned_closes(prices, limit="5min", drop_last=True))
    table = gap_table(
        gaps, fee_bps=10.0, splits=["2023-03-10", "2023-03-13"], names=["before", "during", "after"]
    )
    assert table["observations"].tolist() == [12_688, 4_320, 12_952]
    assert table["mean_bps"].round(3).tolist() == [1.757, 4.741, 5.982]
    assert (100.0 * table["share_above_fee"]).round(3).tolist() == [0.189, 11.319, 19.364]


def test_gaps_planted_in_a_synthetic_market_are_found_by_regime() -> None:
    """Venue b is dearer by 3 bps for ten hours, then by 25 bps; the same steps as on the real prices."""
    base = wb.synthetic(["BTC-USD"], ["a"], bars=1_200, seed=4).frame("BTC-USD@a")["close"]
    late = np.arange(1_200) >= 600
    dearer = base * np.exp(np.where(late, 25e-4, 3e-4))
    prices = wb.Prices({"BTC-USD@a": base.to_frame(), "BTC-USD@b": dearer.to_frame()}, interval="1min")
    gaps = venue_gaps(aligned_closes(prices, drop_last=True))
    table = gap_table(gaps, fee_bps=10.0, splits=["2024-01-01 10:00"], names=["calm", "torn"])
    assert table["observations"].tolist() == [600, 599]
    assert table["mean_bps"].tolist() == pytest.approx([3.0, 25.0])
    assert table["share_above_fee"].tolist() == [0.0, 1.0]
    assert table["mean_excess_bps"].tolist()[1] == pytest.approx(15.0)
    assert math.isnan(table["mean_excess_bps"].iloc[0])
    (spell,) = gap_spells(gaps.iloc[:, 0], fee_bps=10.0).itertuples()
    assert (spell.start, spell.observations) == (minute("10:00"), 599)


def test_a_wider_noise_of_the_venue_is_a_wider_gap() -> None:
    sizes = [
        gap_table(
            venue_gaps(aligned_closes(wb.synthetic(["BTC-USD"], bars=2_000, venue_noise_bps=noise, seed=1))),
            fee_bps=10.0,
        )["mean_bps"].iloc[0]
        for noise in (1.0, 5.0, 20.0)
    ]
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_missing_bar_keeps_its_close_up_to_the_limit_and_no_longer() -> None:
    prices = two(bars([100.0] * 10), bars([100.0 + n for n in range(10)], missing=(2, 3, 4, 5)))
    kept = aligned_closes(prices, limit="2min")
    assert kept.index.tolist() == [minute(f"00:0{n}") for n in (0, 1, 2, 3, 6, 7, 8, 9)]
    assert kept["b"].tolist() == [100.0, 101.0, 101.0, 101.0, 106.0, 107.0, 108.0, 109.0]
    assert len(aligned_closes(prices, limit="0s")) == 6
    assert len(aligned_closes(prices)) == 10
    assert len(aligned_closes(prices, drop_last=True)) == 9


def test_a_minute_that_neither_has_is_on_the_grid_as_well() -> None:
    prices = two(bars([100.0] * 6, missing=(2,)), bars([101.0] * 6, missing=(2, 3)))
    aligned = aligned_closes(prices, limit="5min")
    assert len(aligned) == 6
    assert list(aligned.columns) == ["a", "b"]


def test_series_frames_and_prices_give_the_same() -> None:
    a, b = bars([100.0, 101.0, 102.0]), bars([100.0, 100.0, 100.0], missing=(1,))
    expected = aligned_closes(two(a, b))
    series = [a["close"].rename("a"), b["close"].rename("b")]
    np.testing.assert_allclose(aligned_closes(series), expected)
    wide = pd.concat({"a": a["close"], "b": b["close"]}, axis=1)
    np.testing.assert_allclose(aligned_closes(wide), expected)


def test_the_gap_is_a_logarithm_and_has_a_sign_if_asked() -> None:
    closes = pd.DataFrame({"a": [100.0, 100.0], "b": [101.0, 99.0]}, index=bars([1.0, 1.0]).index)
    signed = venue_gaps(closes, signed=True)["a", "b"]
    assert signed.tolist() == pytest.approx([-1e4 * math.log(1.01), -1e4 * math.log(0.99)])
    assert venue_gaps(closes)["a", "b"].tolist() == pytest.approx(signed.abs().tolist())


def test_of_three_venues_each_pair_has_a_column_and_the_widest_gap_is_between_the_extremes() -> None:
    closes = pd.DataFrame({"a": [100.0], "b": [101.0], "c": [99.0]}, index=bars([1.0]).index)
    gaps = venue_gaps(closes)
    assert [*map(tuple, gaps.columns)] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert widest_gap(closes).iloc[0] == pytest.approx(1e4 * math.log(101 / 99))
    table = gap_table(gaps, fee_bps=150.0, splits=["2025-01-01"], names=["now", "later"])
    assert table.index.names == ["first", "second", "regime"]
    assert table["share_above_fee"].dropna().tolist() == [0.0, 0.0, 1.0]
    assert table["observations"].tolist() == [1, 0] * 3


def test_spells_end_where_the_gap_closes_or_nobody_was_looking() -> None:
    index = bars([1.0] * 9, missing=(6,)).index
    gaps = pd.Series([5.0, 12.0, -15.0, 9.0, 11.0, 20.0, 30.0, 12.0], index=index)
    table = gap_spells(gaps, fee_bps=10.0)
    assert table["start"].tolist() == [minute("00:01"), minute("00:04"), minute("00:07")]
    assert table["end"].tolist() == [minute("00:02"), minute("00:05"), minute("00:08")]
    assert table["observations"].tolist() == [2, 2, 2]
    assert table["peak_bps"].tolist() == [15.0, 20.0, 30.0]
    assert table["mean_bps"].tolist() == [13.5, 15.5, 21.0]
    assert table["peak_time"].tolist() == [minute("00:02"), minute("00:05"), minute("00:07")]
    empty = gap_spells(gaps, fee_bps=100.0)
    assert len(empty) == 0
    assert list(empty.columns) == list(table.columns)


prices_of_two = st.lists(st.tuples(st.floats(1.0, 1e5), st.floats(1.0, 1e5)), min_size=2, max_size=30)


@settings(max_examples=30)
@given(prices_of_two, st.floats(0.0, 500.0))
def test_gaps_do_not_care_which_venue_comes_first_and_spells_cover_what_is_above(
    rows: list[tuple[float, float]], fee: float
) -> None:
    closes = pd.DataFrame(rows, columns=["a", "b"], index=bars([1.0] * len(rows)).index)
    gaps = venue_gaps(closes)["a", "b"]
    turned = venue_gaps(closes[["b", "a"]])["b", "a"]
    np.testing.assert_allclose(gaps, turned, atol=1e-9)
    table = gap_table(gaps, fee_bps=fee)
    above = int((gaps > fee).sum())
    assert table["share_above_fee"].iloc[0] == pytest.approx(above / len(rows))
    assert gap_spells(gaps, fee_bps=fee)["observations"].sum() == above


def test_prices_and_settings_that_make_no_sense_are_one_clear_error() -> None:
    a, b = bars([100.0] * 3), bars([100.0] * 3)
    with pytest.raises(DataError, match="expected the closes of two venues or more, found 1: a"):
        aligned_closes(wb.Prices({"BTC@a": a}))
    with pytest.raises(UnknownInstrumentError, match="these prices hold BTC, ETH: say which, symbol='BTC'"):
        aligned_closes(wb.Prices({"BTC@a": a, "ETH@a": b}))
    with pytest.raises(UnknownInstrumentError, match="no symbol 'SOL' in these prices"):
        aligned_closes(two(a, b), "SOL")
    apart = b.set_axis(b.index + pd.Timedelta("1h"))
    with pytest.raises(
        DataError, match="expected a time at which all venues have a price, found none; widen limit="
    ):
        aligned_closes(two(a, apart))
    with pytest.raises(
        DataError, match="expected times on a grid of 0 days 00:01:00, found others; resample"
    ):
        aligned_closes([a["close"].rename("a"), b["close"].rename("b").shift(freq="30s")], step="1min")
    with pytest.raises(ConfigError, match="limit must be a length of time such as '5min', found 'soon'"):
        aligned_closes(two(a, b), limit="soon")
    with pytest.raises(DataError, match="expected series of different names, found close, close"):
        aligned_closes([a["close"], b["close"]])
    gaps = venue_gaps(aligned_closes(two(a, b)))
    with pytest.raises(ConfigError, match="splits: expected times that rise"):
        gap_table(gaps, fee_bps=10.0, splits=["2024-01-02", "2024-01-01"])
    with pytest.raises(ConfigError, match="names: expected 2, one more than splits, found 1"):
        gap_table(gaps, fee_bps=10.0, splits=["2024-01-02"], names=["now"])
    with pytest.raises(ConfigError, match="fee_bps must be a finite number of 0 or more, found -1"):
        gap_table(gaps, fee_bps=-1.0)
    with pytest.raises(DataError, match="gaps: expected at least one, found none"):
        gap_table(gaps.iloc[:0], fee_bps=1.0)
