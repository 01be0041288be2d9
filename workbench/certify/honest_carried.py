"""Does a strategy carry prices of the future?  Everything that can be reached from it is held against them.

Looked at before the first price, when every price is the future, and again in the middle of a run.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_reach import FEWEST, collections_of
from workbench.certify.honest_trace import cut_rows, first_rows, moment, trace
from workbench.core.feed import LAST, Feed
from workbench.strategy.contract import TradingStrategy

__all__ = ["carries_future_prices", "resemblance"]

type Floats = npt.NDArray[np.float64]

FEWEST_MOVES: Final = 30
ALIKE: Final = 0.9  # correlation that 30 moves do not show by chance: below 1 in 10^10
RARE: Final = 2  # times that two neighbours are found among the prices
USUAL: Final = 0.7  # share of a collection that may be one number
FAR: Final = 5.0  # median deviations
PAIRS: Final = 0.25  # share of neighbours in a collection that are neighbours among the prices


class _Found(NamedTuple):
    where: str
    how: str


def carries_future_prices(subject: Subject, progress: Progress) -> Check:
    """Nothing that it holds may look like prices that it has not been shown."""
    progress("future prices among what it holds")
    plan = subject.plan()
    fresh = plan.players[0].strategy
    found = _search(fresh, plan.feed)
    when = "before the first price"
    if found is None:
        half = cut_rows(plan.feed, max(1, len(plan.feed) // 2))
        played = subject.make()
        trace(plan, first_rows(plan.feed, half), strategy=played)
        found = _search(played, plan.feed, half)
        when = f"at {moment(int(plan.feed.timestamp_ns[half - 1]))}"
    measured = (
        f"{found.where} {found.how}, {when}" if found else "nothing that it holds resembles prices to come"
    )
    return Check(
        name="carries_future_prices",
        family="honest",
        passed=found is None,
        measured=measured,
        required="no numbers that resemble prices, or moves of prices, that are still to come",
        look_closer=f"vars(wb.load_strategy({subject.strategy_code})({dict(subject.config)!r}))",
    )


def _search(strategy: TradingStrategy, feed: Feed, seen: int = 0) -> _Found | None:
    """The first collection that resembles what follows after `seen` rows."""
    markets = [_Market.of(feed, k, seen) for k in range(len(feed.instruments))]
    for where, numbers in collections_of(strategy):
        for market in markets:
            how = market.resembled(numbers)
            if how:
                return _Found(where, f"{how} of {market.name}")
    return None


def resemblance(numbers: Floats, prices: Floats) -> str:
    """What of later prices a collection of numbers looks like, in words; "" for nothing.

    prices: float64[n], all of them yet to come.
    """
    return _Market("prices", np.zeros(0), prices).resembled(numbers)


class _Market:
    """Prices of an instrument: those that were shown, and those to come."""

    def __init__(self, name: str, past: Floats, future: Floats) -> None:
        self.name, self.future = name, future
        self._past = {*_pairs(past).tolist()}
        pairs, counts = np.unique(_pairs(future), return_counts=True)
        self._pairs = pairs[counts <= RARE]  # on a coarse grid neighbours come back by themselves
        moves = np.diff(np.log(np.concatenate([past[-1:], future])))
        self._moves = _tamed(np.nan_to_num(moves, nan=0.0, posinf=0.0, neginf=0.0))

    @classmethod
    def of(cls, feed: Feed, k: int, seen: int) -> _Market:
        mine = np.flatnonzero(feed.instrument == k)
        prices = feed.quotes[mine, LAST]
        return cls(feed.instruments[k].name, prices[mine < seen], prices[mine >= seen])

    def resembled(self, numbers: Floats) -> str:
        if len(numbers) >= FEWEST and len(self.future) >= FEWEST:
            pairs = np.unique(np.concatenate([_pairs(numbers), _pairs(numbers[::-1])]))
            hits = [pair for pair in pairs[np.isin(pairs, self._pairs)].tolist() if pair not in self._past]
            if len(hits) >= max(FEWEST // 2, PAIRS * min(len(numbers), len(self.future)) / 2):
                return f"holds {len(hits):,} neighbouring prices to come"
        for form, series in (("", numbers), ("differences like the ", np.diff(numbers))):
            for kind, moves in (("moves", self._moves), ("directions", np.sign(self._moves))):
                if _says_something(series) and _alike(_tamed(series), moves) >= ALIKE:
                    return f"has {form}{kind} to come"
        return ""


def _pairs(values: Floats) -> npt.NDArray[np.complex128]:
    """Each two neighbours that differ, as one number."""
    pairs: npt.NDArray[np.complex128] = values[:-1] + 1j * values[1:]
    told: npt.NDArray[np.complex128] = pairs[np.isfinite(pairs) & (values[:-1] != values[1:])]
    return told


def _says_something(series: Floats) -> bool:
    """Whether it is more than a spike or a step: not nearly all of it is one and the same number."""
    if len(series) < FEWEST_MOVES or not np.isfinite(series).all():
        return False
    _, counts = np.unique(series, return_counts=True)
    return int(counts.max()) <= USUAL * len(series)


def _tamed(series: Floats) -> Floats:
    """`series` with what is far out brought in, so that one crash does not stand for all other moves."""
    middle = float(np.median(series)) if len(series) else 0.0
    width = FAR * float(np.median(np.abs(series - middle))) if len(series) else 0.0
    return np.clip(series, middle - width, middle + width) if width > 0.0 else series


def _alike(a: Floats, b: Floats) -> float:
    """The strongest correlation of the shorter with a piece of the longer, either way round."""
    from scipy.signal import fftconvolve

    short, long = (a, b) if len(a) <= len(b) else (b, a)
    count = len(short)
    if count < FEWEST_MOVES:
        return 0.0
    short = short - short.mean()
    spread = float(np.square(short).sum())
    scale = float(np.abs(long).max())
    if not spread > 0.0 or not scale > 0.0:
        return 0.0
    long = (long - long.mean()) / scale
    products = fftconvolve(long, short[::-1], mode="valid")
    sums = np.concatenate([[0.0], np.cumsum(long)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(long))])
    totals, total_squares = sums[count:] - sums[:-count], squares[count:] - squares[:-count]
    variance = total_squares - np.square(totals) / count
    usable = variance > 1e-9 * float(squares[-1]) * count / len(long)
    if not usable.any():
        return 0.0
    return float(np.abs(products[usable] / np.sqrt(variance[usable] * spread)).max())
