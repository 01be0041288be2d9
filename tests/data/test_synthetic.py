"""A made-up market has the properties that were asked for."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.data.market_model import Regimes, moods, returns, volumes
from workbench.data.prices import Prices
from workbench.data.synthetic import synthetic
from workbench.errors import DataError

MINUTES_PER_YEAR = 365 * 24 * 60


def log_returns(prices: Prices, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.diff(np.log(prices.frame(name)["close"].to_numpy()))


def plain(**changes: float) -> Prices:
    """Diffusion alone: no moods, no jumps."""
    settings = {"bars": 20_000, "jumps_per_year": 0.0} | changes
    return synthetic(regimes=None, **settings)  # type: ignore[arg-type]  # figures by name


def test_the_same_seed_gives_the_same_prices_and_another_seed_others() -> None:
    one = synthetic(bars=200, spread_bps=2.0)
    assert synthetic(bars=200, spread_bps=2.0).fingerprint == one.fingerprint
    assert synthetic(bars=200, spread_bps=2.0, seed=1).fingerprint != one.fingerprint


def test_the_defaults_are_two_coins_at_two_venues() -> None:
    prices = synthetic(bars=100)
    assert prices.names == [
        "BTC-USD@exchange-1",
        "ETH-USD@exchange-1",
        "BTC-USD@exchange-2",
        "ETH-USD@exchange-2",
    ]
    assert prices.frame("BTC-USD@exchange-1")["open"].iloc[0] == 30_000.0
    assert prices.frame("ETH-USD@exchange-1")["open"].iloc[0] == 2_000.0
    assert prices.start == pd.Timestamp("2024-01-01", tz="UTC")
    assert prices.gaps().empty
    assert {instrument.tick for instrument in prices.instruments} == {0.01}


def test_each_open_is_the_close_before() -> None:
    frame = synthetic(bars=500).frame("BTC-USD@exchange-2")
    assert frame["open"].tolist()[1:] == frame["close"].tolist()[:-1]


@pytest.mark.parametrize("tick", [0.01, 0.5, 1.0, 0.25])
def test_prices_stand_on_the_grid(tick: float) -> None:
    prices = synthetic(bars=500, tick=tick, spread_bps=3.0)
    for name in prices.names:
        figures = prices.frame(name)[["open", "high", "low", "close", "bid", "ask"]].to_numpy()
        steps = np.rint(figures / tick)
        assert np.abs(figures - steps * tick).max() < 1e-9
    if tick == 0.01:  # the float is the one that the decimal is written as
        assert all(figure == float(f"{figure:.2f}") for figure in prices.frame(prices.names[0])["close"])


def test_volatility_per_year_is_the_one_asked_for() -> None:
    returns = log_returns(plain(volatility=0.8), "BTC-USD@exchange-1")
    # The deviation of n normals is known to 1 part in sqrt(2 n) = 200: five of those is 2.5 %.
    assert returns.std() * math.sqrt(MINUTES_PER_YEAR) == pytest.approx(0.8, rel=0.025)


def test_volatility_by_symbol() -> None:
    prices = synthetic(
        bars=20_000, regimes=None, jumps_per_year=0.0, volatility={"ETH-USD": 1.2, "BTC-USD": 0.3}
    )
    ratio = log_returns(prices, "ETH-USD@exchange-1").std() / log_returns(prices, "BTC-USD@exchange-1").std()
    assert ratio == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.9])
def test_correlation_is_the_one_asked_for(correlation: float) -> None:
    prices = plain(correlation=correlation)
    found = np.corrcoef(log_returns(prices, "BTC-USD@exchange-1"), log_returns(prices, "ETH-USD@exchange-1"))[
        0, 1
    ]
    assert found == pytest.approx(correlation, abs=5.0 / math.sqrt(20_000))


def test_trend_is_a_drift_that_lasts_as_long_as_asked() -> None:
    """Of a market that hardly swings the log return of a bar is the drift: 365 % a year over the minutes of a year."""
    prices = synthetic(
        bars=100_000,
        regimes=None,
        jumps_per_year=0.0,
        volatility=1e-4,
        trend=3.65,
        trend_bars=50.0,
        start_prices={"BTC-USD": 1e9},
    )
    drift = log_returns(prices, "BTC-USD@exchange-1")
    # 100,000 bars hold some 1,400 independent drifts, so the deviation is known to 2 %, and there are three of those.
    assert drift.std() * MINUTES_PER_YEAR == pytest.approx(3.65, rel=0.06)
    for bars, left in ((50, 0.5), (100, 0.25)):
        assert np.corrcoef(drift[:-bars], drift[bars:])[0, 1] == pytest.approx(left, abs=0.1)


def test_a_trend_changes_nothing_else() -> None:
    with_trend, without = (synthetic(bars=500, trend=trend, spread_bps=2.0) for trend in (1e-12, 0.0))
    for name in without.names:
        assert np.allclose(with_trend.frame(name), without.frame(name), rtol=1e-5, atol=0.011)


def test_the_second_venue_follows_the_first_by_the_lag() -> None:
    prices = plain(lead_lag_bars=3)
    leader = log_returns(prices, "BTC-USD@exchange-1")
    follower = log_returns(prices, "BTC-USD@exchange-2")
    found = {lag: np.corrcoef(leader[: len(leader) - lag], follower[lag:])[0, 1] for lag in range(6)}
    assert max(found, key=lambda lag: found[lag]) == 3
    assert found[3] > 0.9
    assert abs(found[0]) < 0.05


def test_without_lag_and_noise_the_venues_agree_and_with_noise_they_part() -> None:
    same = plain(lead_lag_bars=0, venue_noise_bps=0.0).closes()
    assert (same["BTC-USD@exchange-1"] == same["BTC-USD@exchange-2"]).all()
    apart = plain(lead_lag_bars=0, venue_noise_bps=5.0).closes()
    gap = 1e4 * np.log(apart["BTC-USD@exchange-1"] / apart["BTC-USD@exchange-2"])
    assert gap.std() == pytest.approx(5.0, rel=0.1)
    assert np.corrcoef(gap[:-1], gap[1:])[0, 1] == pytest.approx(
        0.9, abs=0.02
    )  # the gap closes by a tenth a bar


def test_arbitrage_exists_by_default() -> None:
    closes = synthetic(bars=5_000).closes()
    gap = 1e4 * np.abs(np.log(closes["BTC-USD@exchange-1"] / closes["BTC-USD@exchange-2"]))
    assert 0.05 < (gap > 10.0).mean() < 0.5


def test_moods_last_as_long_and_weigh_as_much_as_asked_for() -> None:
    regimes = Regimes(calm=0.5, stormy=2.0, calm_bars=30.0, stormy_bars=10.0)
    mood = moods(np.random.default_rng(0), 400_000, regimes)
    calm, stormy = np.unique(mood)
    assert stormy / calm == pytest.approx(4.0)
    assert (mood == stormy).mean() == pytest.approx(0.25, abs=0.01)
    assert (mood**2).mean() == pytest.approx(1.0, abs=0.03)
    changes = np.flatnonzero(np.diff(mood)) + 1
    stays = np.diff(changes)
    lasting_calm = stays[mood[changes[:-1]] == calm]
    assert lasting_calm.mean() == pytest.approx(30.0, rel=0.05)
    # A Markov chain forgets: the spread of its stays is that of a geometric law, sqrt(1 - p) / p.
    assert lasting_calm.std() == pytest.approx(math.sqrt(30.0 * 29.0), rel=0.05)


def test_jumps_come_as_often_as_asked_for_and_to_all_symbols_at_once() -> None:
    prices = synthetic(bars=100_000, regimes=None, jumps_per_year=1_000.0, volatility=0.05, correlation=0.9)
    btc, eth = (log_returns(prices, f"{symbol}-USD@exchange-1") for symbol in ("BTC", "ETH"))
    diffusion = 0.05 / math.sqrt(MINUTES_PER_YEAR)
    jumped = np.abs(btc) > 8.0 * diffusion
    expected = (
        1_000.0 * 100_000 / MINUTES_PER_YEAR
    )  # 190, of which nearly all are beyond 8 deviations of the diffusion
    assert jumped.sum() == pytest.approx(expected, abs=4.0 * math.sqrt(expected))
    assert (np.abs(eth[jumped]) > 8.0 * diffusion).mean() > 0.9


@pytest.mark.parametrize(("sigma", "jumps"), [(0.5, 0.0), (0.05, 50.0)])
def test_the_price_is_a_martingale(sigma: float, jumps: float) -> None:
    # Without the drift taken out the mean would be exp(sigma^2 / 2) = 1.13, or 1.01 for 50 jumps of 2 % a bar.
    diffusion, jumping = (np.random.default_rng(seed) for seed in (1, 2))
    growth = np.exp(returns(diffusion, jumping, np.full((200_000, 1), sigma), 0.0, jumps))
    assert growth.mean() == pytest.approx(1.0, abs=4.0 * growth.std() / math.sqrt(200_000))


def test_volume_grows_with_the_move_of_its_bar() -> None:
    frame = plain().frame("BTC-USD@exchange-1")
    size = pd.Series(np.abs(np.log(frame["close"] / frame["open"])), index=frame.index)
    deviation = 0.6 / math.sqrt(MINUTES_PER_YEAR)
    loud = frame["volume"][size > 2.0 * deviation].mean()
    quiet = frame["volume"][size < 0.2 * deviation].mean()
    # 0.4 + 0.75 move, with a mean move of 2.37 beyond 2 deviations and of 0.1 below 0.2: 2.18 against 0.475.
    assert loud / quiet == pytest.approx(2.18 / 0.475, rel=0.1)


def test_volume_grows_with_the_mood() -> None:
    path, sigma = np.log(np.linspace(100.0, 101.0, 11)), np.full(10, 1e-3)
    calm, stormy = (volumes(np.random.default_rng(3), path, sigma, np.full(10, mood)) for mood in (1.0, 4.0))
    np.testing.assert_allclose(stormy, 4.0 * calm, atol=1e-5)


def test_high_and_low_have_the_range_of_a_random_walk() -> None:
    # Parkinson: the mean square of ln(high / low) of Brownian motion is 4 ln 2 times its variance.
    frame = plain(volatility=0.8).frame("BTC-USD@exchange-1")
    square = np.square(np.log(frame["high"] / frame["low"])).mean()
    variance = 0.8**2 / MINUTES_PER_YEAR
    assert square / variance == pytest.approx(4.0 * math.log(2.0), rel=0.05)


def test_quotes_stand_round_the_close_and_widen_in_a_storm() -> None:
    regimes = Regimes(stormy=4.0, calm_bars=300, stormy_bars=300)
    frame = synthetic(bars=3_000, spread_bps=5.0, regimes=regimes).frame("BTC-USD@exchange-1")
    assert ((frame["bid"] < frame["close"]) & (frame["close"] < frame["ask"])).all()
    spread = 1e4 * (frame["ask"] - frame["bid"]) / frame["close"]
    assert spread.max() / spread.min() == pytest.approx(4.0 / 0.7, rel=0.02)
    assert (frame[["bid_size", "ask_size"]] > 0.0).all().all()


def test_a_fall_to_nothing_stops_at_one_tick() -> None:
    frame = synthetic(("A",), ("x",), bars=2_000, volatility=60.0, start_prices={"A": 0.05}).frame("A")
    assert frame["low"].min() == 0.01


def test_hourly_bars_and_a_single_bar() -> None:
    assert synthetic(bars=3, interval="1h").interval == pd.Timedelta("1h")
    assert len(synthetic(("A",), ("x",), bars=1)) == 1


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("bars", 0, "bars 1 or more, found 0"),
        ("seed", -1, "seed 0 or more, found -1"),
        ("correlation", 1.0, "correlation more than -1 and less than 1, found 1.0"),
        ("correlation", math.nan, "correlation more than -1 and less than 1, found nan"),
        ("jumps_per_year", -1.0, "jumps_per_year 0 or more, found -1.0"),
        ("trend", -0.1, "trend 0 or more, found -0.1"),
        ("trend_bars", 0.5, "trend_bars 1 or more, found 0.5"),
        ("lead_lag_bars", -1, "lead_lag_bars 0 or more, found -1"),
        ("venue_noise_bps", math.inf, "venue_noise_bps 0 or more, found inf"),
        ("spread_bps", -0.1, "spread_bps 0 or more, below 5000, found -0.1"),
        ("tick", 0.0, "tick above 0, found 0.0"),
    ],
)
def test_an_argument_that_makes_no_sense(argument: str, value: float, expected: str) -> None:
    with pytest.raises(DataError, match=f"synthetic: expected {expected}"):
        synthetic(**{argument: value})  # type: ignore[arg-type]  # one argument at a time, by name


def test_names_and_figures_by_symbol_that_make_no_sense() -> None:
    with pytest.raises(DataError, match="symbols: expected at least one name, each once"):
        synthetic(("A", "A"))
    with pytest.raises(DataError, match="venues: expected at least one name, each once"):
        synthetic(venues=())
    with pytest.raises(DataError, match=r"start_prices: no symbol 'DOGE'; there are BTC-USD, ETH-USD"):
        synthetic(start_prices={"DOGE": 1.0})
    with pytest.raises(DataError, match=r"volatility: expected above 0 for BTC-USD, found 0.0"):
        synthetic(volatility=0.0)
    with pytest.raises(DataError, match=r"regimes: expected calm_bars 1 or more, found 0.5"):
        Regimes(calm_bars=0.5)
