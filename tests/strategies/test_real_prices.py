"""The scripts with their own defaults on real prices: minutes of a coin, days of shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="no ../shared/data with real prices beside the project"
)
HALF_SPREAD = 1e-4


def series(frame: pd.DataFrame, symbol: str, venue: str) -> Iterator[PriceUpdate]:
    """The closes of a frame with columns timestamp and close as updates."""
    times = frame["timestamp"].astype("datetime64[ns, UTC]").astype("int64")
    for row, (time_ns, last) in enumerate(zip(times.tolist(), frame["close"].tolist(), strict=True)):
        half = last * HALF_SPREAD
        yield PriceUpdate(symbol, venue, time_ns, last - half, last + half, last, 1.0, 1.0, 1.0, 0.0, row)


def merged(*streams: Iterator[PriceUpdate]) -> list[PriceUpdate]:
    return sorted((update for stream in streams for update in stream), key=lambda u: u.timestamp_ns)


@pytest.fixture(scope="module")
def coins() -> list[PriceUpdate]:
    """Five days of BTC and ETH minutes in April 2021, the fall of the 18th inside."""
    folder = DATA / "btc_eth_usdt_1m_2021_04"
    streams = []
    for code, symbol in (("BTCUSDT", "BTC-USD"), ("ETHUSDT", "ETH-USD")):
        frame = pd.read_parquet(next(folder.glob(f"{code}_*.parquet")))
        days = frame["timestamp"].between("2021-04-15T00:00Z", "2021-04-19T23:59Z")
        streams.append(series(frame[days], symbol, "exchange-1"))
    return merged(*streams)


@pytest.fixture(scope="module")
def venues() -> list[PriceUpdate]:
    """The weekend of 2023-03-10 on two venues."""
    folder = DATA / "btc_usd_1m_two_venues_2023_03"
    streams = []
    for code, venue in (("coinbase", "exchange-1"), ("kraken", "exchange-2")):
        frame = pd.read_parquet(folder / f"{code}_BTCUSD_1m.parquet")
        days = frame["timestamp"].between("2023-03-10T00:00Z", "2023-03-12T23:59Z")
        streams.append(series(frame[days], "BTC-USD", venue))
    return merged(*streams)


@pytest.fixture(scope="module")
def shares() -> list[PriceUpdate]:
    """Daily closes of two shares, 1990 to 2022."""
    wide = pd.read_parquet(DATA / "us_equities_1d" / "skfolio_sp500_20_close.parquet")
    wide = wide.set_index("timestamp") if "timestamp" in wide else wide
    index = pd.DatetimeIndex(wide.index)
    stamps = index if index.tz else index.tz_localize("UTC")
    return merged(
        *(
            series(pd.DataFrame({"timestamp": stamps, "close": wide[code].to_numpy()}), symbol, "exchange-1")
            for code, symbol in (("KO", "BTC-USD"), ("PEP", "ETH-USD"))
        )
    )


SINGLE = [
    "bollinger",
    "donchian",
    "market_making",
    "mean_reversion",
    "momentum",
    "pairs",
    "rsi",
    "sma_cross",
    "trend_volatility_target",
]


@pytest.mark.parametrize("script", SINGLE)
def test_on_minutes_of_coins_it_trades_and_stays_within_the_daily_order_limit(
    make: Make, drive: Drive, coins: list[PriceUpdate], script: str
) -> None:
    signals = drive(make(script), coins)
    orders = [number for number, signal in signals if signal.metadata.get("action") != "cancel"]
    per_day = len(orders) / 5 / (1 if script == "pairs" else 2)
    assert 0.5 <= per_day < 1_000


@pytest.mark.parametrize("script", SINGLE)
def test_on_days_of_shares_it_trades_more_than_once_in_a_year(
    make: Make, drive: Drive, shares: list[PriceUpdate], script: str
) -> None:
    config = {"sample_seconds": 86_400} if script == "pairs" else {}
    signals = drive(make(script, **config), shares)
    orders = [number for number, signal in signals if signal.metadata.get("action") != "cancel"]
    assert 1.0 < len(orders) / 33 / 2 < 252


def test_arbitrage_finds_the_gaps_of_the_crisis_weekend(
    make: Make, drive: Drive, venues: list[PriceUpdate]
) -> None:
    signals = drive(make("arbitrage"), venues)
    opened = [number for number, signal in signals if signal.signal_strength > 0.0]
    closed = [number for number, signal in signals if signal.signal_strength == 0.0]
    assert len(opened) > 100
    assert len(closed) > 100
    net: dict[int, float] = {}
    for number, signal in signals:
        net[number] = net.get(number, 0.0) + signal.signal_strength
    assert set(net.values()) == {0.0}  # every bought leg has its sold one in the same breath
