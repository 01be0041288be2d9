"""Markets that something is done to, held against figures that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.certify.subjects import trending
from workbench.certify.markets import (
    correlated,
    crash,
    flash_crash,
    gap,
    house_market,
    hurried,
    moments_of,
    recent,
    thinned,
    widened,
)
from workbench.data.prices import Prices


def bars(closes: list[float], **columns: list[float]) -> Prices:
    index = pd.date_range("2024-01-01", periods=len(closes), freq="1h", tz="UTC", name="timestamp")
    return Prices({"A@x": pd.DataFrame({"close": closes, **columns}, index=index)})


FLAT = bars([100.0] * 8, volume=[50.0] * 8)
AT = FLAT.frame("A@x").index[2]


def closes(prices: Prices) -> list[float]:
    return [round(float(price), 6) for price in prices.frame("A@x")["close"]]


def test_a_crash_is_spread_evenly_over_its_bars_and_stays() -> None:
    assert closes(crash(FLAT, AT, 0.19, 2)) == [100.0, 100.0, 90.0, *[81.0] * 5]


def test_a_flash_crash_comes_back() -> None:
    assert closes(flash_crash(FLAT, AT, 0.19, 2)) == [100.0, 100.0, 90.0, 81.0, 90.0, 100.0, 100.0, 100.0]


@pytest.mark.parametrize(("move", "after"), [(-0.2, 80.0), (0.2, 120.0)])
def test_a_gap_moves_all_that_follows(move: float, after: float) -> None:
    assert closes(gap(FLAT, AT, move)) == [100.0, 100.0, *[after] * 6]


def test_volumes_and_sizes_become_thinner_and_unknown_ones_stay_unknown() -> None:
    assert list(thinned(FLAT, 10.0).frame("A@x")["volume"]) == [5.0] * 8
    assert thinned(bars([1.0] * 4), 10.0).frame("A@x")["volume"].isna().all()


def test_quotes_become_wider_round_the_same_middle() -> None:
    quoted = bars([100.0] * 3, bid=[99.9] * 3, ask=[100.1] * 3)
    frame = widened(quoted, 10.0).frame("A@x")
    assert frame[["bid", "ask"]].iloc[0].round(6).tolist() == [99.0, 101.0]
    assert widened(quoted, 1e6).frame("A@x")["bid"].iloc[0] == 50.0  # never wider than the price
    assert widened(FLAT, 10.0).fingerprint == FLAT.fingerprint


def test_time_runs_twice_as_fast() -> None:
    frame = hurried(FLAT, 2.0)
    assert frame.interval == pd.Timedelta("30min")
    assert frame.start == FLAT.start
    assert (frame.end - frame.start) * 2 == FLAT.end - FLAT.start
    assert len(frame.to_feed()) == len(FLAT.to_feed())


def test_all_symbols_move_as_one_at_their_own_volatility() -> None:
    apart = trending(400, symbols=("BTC-USD", "ETH-USD"))
    returns, before = (
        np.diff(np.log(each.closes().to_numpy()), axis=0) for each in (correlated(apart), apart)
    )
    assert np.corrcoef(before.T)[0, 1] < 0.95
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(1.0)
    assert returns.std(axis=0) == pytest.approx(before.std(axis=0), rel=1e-6)
    assert correlated(apart).closes().iloc[0].tolist() == apart.closes().iloc[0].tolist()


def test_the_last_moments() -> None:
    assert len(recent(FLAT, 3)) == 3
    assert recent(FLAT, 3).end == FLAT.end
    assert recent(FLAT, 100) is FLAT
    assert len(moments_of(trending(50, symbols=("BTC-USD", "ETH-USD")))) == 50


def test_the_house_market_is_the_same_each_time() -> None:
    market = house_market()
    assert market is house_market()
    assert (market.symbols, market.venues) == (["BTC-USD", "ETH-USD"], ["exchange-1", "exchange-2"])
    assert market.end - market.start == pd.Timedelta(days=3 * 365)
