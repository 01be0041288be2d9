"""Real prices with real holes in them, where they lie beside the project."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.core.feed import LAST
from workbench.data.catalog import load, merge

RealFile = Callable[[str], Path]


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_the_278_minute_gap_of_coinbase_is_found(real_file: RealFile) -> None:
    path = real_file("btc_usd_1m_two_venues_2023_03/coinbase_BTCUSD_1m.parquet")
    prices = load(path, symbol="BTC-USD", venue="coinbase")
    longest = prices.gaps().nlargest(1, "minutes").iloc[0]
    assert (longest["start"], longest["end"]) == (utc("2023-03-04 16:59"), utc("2023-03-04 21:37"))
    assert (longest["missing_bars"], longest["minutes"]) == (277, 278.0)
    # 21 days of minutes, less what is there, is what is missing.
    assert int(prices.gaps()["missing_bars"].sum()) == 21 * 1440 - len(prices)


@pytest.mark.parametrize("symbol", ["BTC", "ETH"])
def test_the_285_minute_halt_of_binance_is_found(real_file: RealFile, symbol: str) -> None:
    path = real_file(f"btc_eth_usdt_1m_2021_04/{symbol}USDT_2021-04-02_2021-05-14.parquet")
    longest = load(path).gaps().nlargest(1, "minutes").iloc[0]
    assert (longest["start"], longest["end"]) == (utc("2021-04-25 04:00"), utc("2021-04-25 08:45"))
    assert longest["minutes"] == 285.0


def test_two_venues_merge_into_one_feed(real_file: RealFile) -> None:
    folder = "btc_usd_1m_two_venues_2023_03"
    prices = merge(
        *(
            load(real_file(f"{folder}/{venue}_BTCUSD_1m.parquet"), "BTC-USD", venue)
            for venue in ("coinbase", "kraken")
        )
    )
    feed = prices.to_feed()
    assert len(feed) == len(prices) == 29_950 + 30_179
    assert (np.diff(feed.timestamp_ns) >= 0).all()
    for number, name in enumerate(prices.names):
        own = feed.instrument == number
        assert feed.quotes[own, LAST].tolist() == prices.frame(name)["close"].tolist()
        assert feed.sequence[own].tolist() == list(range(own.sum()))


def test_the_published_gap_between_the_venues_comes_out(real_file: RealFile) -> None:
    folder = "btc_usd_1m_two_venues_2023_03"
    prices = merge(
        *(
            load(real_file(f"{folder}/{venue}_BTCUSD_1m.parquet"), "BTC-USD", venue)
            for venue in ("coinbase", "kraken")
        )
    )
    closes = prices.closes().asfreq("1min").ffill(limit=5).iloc[:-1].dropna()
    ratio = closes["BTC-USD@coinbase"] / closes["BTC-USD@kraken"]
    gap = pd.Series(1e4 * np.abs(np.log(ratio)), index=closes.index)
    edges = [utc("2023-03-01"), utc("2023-03-10"), utc("2023-03-13"), utc("2023-03-22")]
    parts = [gap[(gap.index >= low) & (gap.index < high)] for low, high in pairwise(edges)]
    assert [len(part) for part in parts] == [12_688, 4_320, 12_952]
    assert [round(float(part.mean()), 3) for part in parts] == [1.757, 4.741, 5.982]
    assert [round(float((part > 10.0).mean()) * 100.0, 3) for part in parts] == [0.189, 11.319, 19.364]


def test_thirty_years_of_twenty_stocks_are_twenty_instruments(real_file: RealFile) -> None:
    prices = load(real_file("us_equities_1d/skfolio_sp500_20_close.parquet"), venue="US")
    assert len(prices.instruments) == 20
    assert len(prices) == 20 * 8_313
    assert prices.only("AAPL").frame("AAPL@US")["close"].iloc[0] == 0.264
    assert prices.interval == pd.Timedelta("1D")
