"""Markets for a certification: the house's own, the last part of given prices, and prices with something done to them.

Whatever is done is done to whole bars, so that every runner plays it, and a person can load the same prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.data.synthetic import synthetic

__all__ = [
    "correlated",
    "crash",
    "flash_crash",
    "gap",
    "house_market",
    "hurried",
    "moments_of",
    "recent",
    "thinned",
    "widened",
]

type Floats = npt.NDArray[np.float64]

HOUSE_HOURS: Final = 26_280  # three years
HOUSE_TREND: Final = 3.0
HOUSE_TREND_HOURS: Final = 250.0
_PRICES: Final = ("open", "high", "low", "close", "bid", "ask")
_SIZES: Final = ("volume", "bid_size", "ask_size")


@cache
def house_market(seed: int = 0) -> Prices:
    """Three years of hours of two coins at two venues, for whoever brings no prices.

    It has what strategies live on: drifts that last some ten days (momentum), a second venue that follows the first
    (arbitrage), two coins that move together (pairs). It is no promise about any real market.
    """
    return synthetic(
        bars=HOUSE_HOURS,
        interval="1h",
        start="2021-01-01",
        seed=seed,
        trend=HOUSE_TREND,
        trend_bars=HOUSE_TREND_HOURS,
    )


def moments_of(prices: Prices) -> pd.DatetimeIndex:
    """The opens of all bars, each once, in order."""
    index = pd.DatetimeIndex([])
    for name in prices.names:
        opens = pd.DatetimeIndex(prices.frame(name).index)
        index = opens if not len(index) else index.union(opens)
    return index


def recent(prices: Prices, moments: int) -> Prices:
    """The last `moments` bar times; the prices themselves where there are no more.

    An instrument without a bar in them is left out.
    """
    index = moments_of(prices)
    if len(index) <= moments:
        return prices
    first = index[-moments]
    return _mapped(prices, lambda _, frame: frame[frame.index >= first])


def crash(prices: Prices, at: pd.Timestamp, depth: float, bars: int) -> Prices:
    """All prices fall by the fraction `depth` over the `bars` bars from `at` on, evenly, and stay there."""

    def path(index: pd.DatetimeIndex) -> Floats:
        steps = np.clip(np.arange(len(index)) - index.searchsorted(at) + 1, 0, bars)
        return np.asarray((1.0 - depth) ** (steps / bars))

    return _scaled(prices, path)


def flash_crash(prices: Prices, at: pd.Timestamp, depth: float, bars: int) -> Prices:
    """All prices fall by the fraction `depth` over `bars` bars from `at` on, and are back after as many more."""

    def path(index: pd.DatetimeIndex) -> Floats:
        steps = np.clip(np.arange(len(index)) - index.searchsorted(at) + 1, 0, 2 * bars)
        return np.asarray((1.0 - depth) ** (np.minimum(steps, 2 * bars - steps) / bars))

    return _scaled(prices, path)


def gap(prices: Prices, at: pd.Timestamp, move: float) -> Prices:
    """All prices are `move` (a fraction, signed) away from what they were, from the bar at `at` on."""
    return _scaled(prices, lambda index: np.where(np.asarray(index >= at), 1.0 + move, 1.0))


def thinned(prices: Prices, divisor: float) -> Prices:
    """Volumes and sizes over `divisor`; unknown ones stay unknown."""

    def change(_: Instrument, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{name: frame[name] / divisor for name in _SIZES if name in frame})

    return _mapped(prices, change)


def widened(prices: Prices, factor: float) -> Prices:
    """The spread of quotes times `factor`, round the same middle; never wider than the middle itself."""

    def change(_: Instrument, frame: pd.DataFrame) -> pd.DataFrame:
        if "bid" not in frame:
            return frame
        middle = 0.5 * (frame["bid"] + frame["ask"])
        half = np.minimum(0.5 * factor * (frame["ask"] - frame["bid"]), 0.5 * middle)
        return frame.assign(bid=middle - half, ask=middle + half)

    return _mapped(prices, change)


def correlated(prices: Prices) -> Prices:
    """Every symbol has the returns of the first, at a volatility of its own; venues of a symbol keep their distance.

    Prices start where they started.  A bar of another symbol at a time that the first does not have moves by nothing.
    """
    leaders = {i.symbol: i.name for i in reversed(prices.instruments)}
    first = prices.frame(leaders[prices.symbols[0]])["close"]
    own_path = np.log(first / first.iloc[0])

    def change(instrument: Instrument, frame: pd.DataFrame) -> pd.DataFrame:
        if instrument.symbol == prices.symbols[0]:
            return frame
        leader = prices.frame(leaders[instrument.symbol])["close"]
        beta = _deviation(leader) / _deviation(first)
        wanted = float(leader.iloc[0]) * np.exp(beta * own_path)
        known = leader.index.searchsorted(frame.index, side="right") - 1
        reached = first.index.searchsorted(frame.index, side="right") - 1
        now = np.where(known < 0, leader.iloc[0], leader.to_numpy()[np.maximum(known, 0)])
        then = np.where(reached < 0, leader.iloc[0], wanted.to_numpy()[np.maximum(reached, 0)])
        return _times(frame, then / now)

    return _mapped(prices, change)


def hurried(prices: Prices, factor: float) -> Prices:
    """The same bars in a shorter time: all times since the first are divided by `factor`."""
    start = prices.start.value

    def change(_: Instrument, frame: pd.DataFrame) -> pd.DataFrame:
        since = (pd.DatetimeIndex(frame.index).as_unit("ns").asi8 - start) // factor
        times = (start + since.astype(np.int64)).astype("datetime64[ns]")
        return frame.set_axis(pd.DatetimeIndex(times, tz="UTC", name="timestamp"))

    lengths = {name: int(prices.interval_of(name).value // factor) for name in prices.names}
    return _mapped(prices, change, lengths)


def _scaled(prices: Prices, path: Callable[[pd.DatetimeIndex], Floats]) -> Prices:
    return _mapped(prices, lambda _, frame: _times(frame, path(pd.DatetimeIndex(frame.index))))


def _times(frame: pd.DataFrame, factors: Floats) -> pd.DataFrame:
    """Prices of each bar times its factor."""
    return frame.assign(**{name: frame[name] * factors for name in _PRICES if name in frame})


def _mapped(
    prices: Prices,
    change: Callable[[Instrument, pd.DataFrame], pd.DataFrame],
    intervals_ns: Mapping[str, int] | None = None,
) -> Prices:
    """Prices of changed frames; one that has no bar left is left out."""
    frames = {i: change(i, prices.frame(i.name)) for i in prices.instruments}
    lengths = intervals_ns or {name: int(prices.interval_of(name).value) for name in prices.names}
    return Prices.of_checked({i: frame for i, frame in frames.items() if len(frame)}, lengths)


def _deviation(closes: pd.Series[float]) -> float:
    """Standard deviation of log returns; 1 where they do not move, so that nothing is divided by 0."""
    found = float(np.std(np.diff(np.log(closes.to_numpy()))))
    return found if found > 0.0 else 1.0
