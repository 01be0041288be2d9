"""Market faults: a feed with bad ticks, gaps, silence, bursts, broken correlations and crossed books in it.

Pure functions on arrays. Faults are applied in one fixed order, whatever the order of the list: first those
that bend the path of prices, then those that spoil single updates, last those that lose updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.chaos.events import ChaosEvent, check_inside, match_target
from workbench.chaos.kinds import KINDS, ChaosKind, Family
from workbench.core.feed import ASK, BID, CHANGE_PCT, LAST, VOLUME, Feed
from workbench.core.messages import to_datetime
from workbench.errors import ChaosError

__all__ = ["BAD_TICK_FACTORS", "apply_market_faults", "randomised"]

type Floats = npt.NDArray[np.float64]
type Rows = npt.NDArray[np.int64]

BAD_TICK_FACTORS: Final = np.array([np.nan, 0.0, -1.0, 1000.0, 0.001])
"""What a bad tick multiplies the price with; the variant is drawn per update."""
PRICES: Final = (BID, ASK, LAST)
LEAST_SPREAD: Final = (
    1e-4  # a book without a spread is crossed by a basis point of its price per unit of intensity
)
MOST_LOG_RATIO: Final = 20.0  # a bent path stays within exp(+-20) of the real one, so that no price overflows


@dataclass(frozen=True, slots=True, eq=False)
class _Market:
    """A feed under treatment: `quotes` and `keep` are written to, the rest is read.

    rows: per instrument, its row numbers in order.
    """

    feed: Feed
    quotes: Floats
    keep: npt.NDArray[np.bool_]
    rows: tuple[Rows, ...]

    def window(self, event: ChaosEvent, instrument: int) -> tuple[Rows, int, int]:
        """All rows of the instrument, and the bounds of those inside the event's window."""
        rows = self.rows[instrument]
        first, end = np.searchsorted(self.feed.timestamp_ns[rows], [event.start_ns, event.end_ns])
        return rows, int(first), int(end)

    def inside(self, event: ChaosEvent, instrument: int) -> Rows:
        rows, first, end = self.window(event, instrument)
        return rows[first:end]

    def stretch(self, event: ChaosEvent, instrument: int) -> Rows:
        """Rows with a usable price inside the window, with one anchor row on each side where there is one."""
        rows, first, end = self.window(event, instrument)
        last = self.quotes[rows, LAST]
        usable = np.isfinite(last) & (last > 0.0)
        before = rows[:first][usable[:first]][-1:]
        after = rows[end:][usable[end:]][:1]
        return np.concatenate([before, rows[first:end][usable[first:end]], after])

    def bend(self, rows: Rows, log_ratio: Floats) -> None:
        """Multiply the prices of `rows` by exp(log_ratio)."""
        factor = np.exp(np.clip(log_ratio, -MOST_LOG_RATIO, MOST_LOG_RATIO))
        for column in PRICES:
            self.quotes[rows, column] *= factor


def _generator(event: ChaosEvent, key: int) -> np.random.Generator:
    """The event's own stream for one instrument or symbol, the same however many others are struck."""
    entropy = [event.seed, event.kind.code, event.start_ns % 2**64]
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(key,)))


def _price_gap(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    for instrument in struck:
        rows = market.inside(event, instrument)
        for column in PRICES:
            market.quotes[rows, column] *= 1.0 + event.intensity


def _line(path: Floats) -> Floats:
    """The straight line from the first to the last point of `path`."""
    return np.linspace(path[0], path[-1], len(path))


def _volatility_burst(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    """Stretch the log path away from the straight line between its two anchors, which stay where they are."""
    for instrument in struck:
        rows = market.stretch(event, instrument)
        if len(rows) > 2:
            path = np.log(market.quotes[rows, LAST])
            market.bend(rows[1:-1], event.intensity * (path - _line(path))[1:-1])


def _correlation_break(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    """Give each struck symbol another path between its anchors; its venues keep their distance."""
    symbols = [market.feed.instruments[instrument].symbol for instrument in struck]
    for key, symbol in enumerate(dict.fromkeys(item.symbol for item in market.feed.instruments)):
        venues = [instrument for instrument, name in zip(struck, symbols, strict=True) if name == symbol]
        stretches = [market.stretch(event, instrument) for instrument in venues]
        if not venues:
            continue
        rows = max(stretches, key=len)
        if len(rows) < 4:  # fewer than three returns leave no freedom beside mean and volatility
            continue
        ratio = _other_path(np.log(market.quotes[rows, LAST]), event.intensity, _generator(event, key))
        times = market.feed.timestamp_ns[rows]
        market.bend(rows, ratio)
        for instrument in venues:
            if market.feed.instrument[rows[0]] == instrument:
                continue
            mine = market.inside(event, instrument)
            known = np.searchsorted(times, market.feed.timestamp_ns[mine], side="right") - 1
            market.bend(mine, np.where(known < 0, 0.0, ratio[known]))


def _other_path(path: Floats, share: float, generator: np.random.Generator) -> Floats:
    """Log ratio of a new path to `path`: same ends, same mean and standard deviation of returns.

    share: of the new returns that is independent; their correlation with the old ones is sqrt(1 - share^2).
    """
    returns = np.diff(path)
    old = returns - returns.mean()
    noise = generator.standard_normal(len(returns))
    noise -= noise.mean()
    size = float(old @ old)
    if size > 0.0:
        noise -= (noise @ old) / size * old
        noise *= np.sqrt(size / float(noise @ noise))
    else:
        noise[:] = 0.0
    change = (np.sqrt(1.0 - share * share) - 1.0) * old + share * noise
    ratio = np.concatenate([[0.0], np.cumsum(change)])
    ratio[-1] = 0.0  # the sum is zero but for rounding
    return ratio


def _crossed_book(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    for instrument in struck:
        rows = market.inside(event, instrument)
        bid, ask = market.quotes[rows, BID], market.quotes[rows, ASK]
        middle = 0.5 * (bid + ask)
        overlap = event.intensity * np.maximum(ask - bid, LEAST_SPREAD * middle)
        half = np.minimum(0.5 * overlap, 0.5 * middle)
        market.quotes[rows, BID] = middle + half
        market.quotes[rows, ASK] = middle - half


def _bad_tick(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    for instrument in struck:
        rows = market.inside(event, instrument)
        generator = _generator(event, instrument)
        hit = generator.random(len(rows)) < event.intensity
        variant = generator.integers(0, len(BAD_TICK_FACTORS), len(rows))
        for column in PRICES:
            market.quotes[rows[hit], column] *= BAD_TICK_FACTORS[variant[hit]]


def _stale_feed(market: _Market, event: ChaosEvent, struck: Sequence[int]) -> None:
    """Lose a share of the updates; the rest repeat the last quote before the window, and nothing trades."""
    for instrument in struck:
        rows, first, end = market.window(event, instrument)
        window = rows[first:end]
        lost = _generator(event, instrument).random(len(window)) < event.intensity
        market.keep[window[lost]] = False
        if end > first:
            market.quotes[window] = market.quotes[rows[max(first - 1, 0)]]
            market.quotes[window, VOLUME] = 0.0


type _Fault = Callable[[_Market, ChaosEvent, Sequence[int]], None]
_FAULTS: Final[Mapping[ChaosKind, _Fault]] = {  # in the order of application
    ChaosKind.CORRELATION_BREAK: _correlation_break,
    ChaosKind.VOLATILITY_BURST: _volatility_burst,
    ChaosKind.PRICE_GAP: _price_gap,
    ChaosKind.CROSSED_BOOK: _crossed_book,
    ChaosKind.BAD_TICK: _bad_tick,
    ChaosKind.STALE_FEED: _stale_feed,
}


def apply_market_faults(feed: Feed, events: Iterable[ChaosEvent]) -> tuple[Feed, npt.NDArray[np.int64]]:
    """A feed with the market faults among `events`, and for each of its rows (int64) the row in `feed`.

    `feed` is not changed; without a market fault it is returned itself. Times and sequence numbers keep their
    values, so a lost update shows as a gap in the sequence. `change_pct` follows the faulted `last` (NaN
    after a price that is none). Signal and venue faults among `events` are passed over.

    Raises ChaosError when an event starts outside the feed, strikes nothing, or would leave no update at all.
    """
    order = {kind: place for place, kind in enumerate(_FAULTS)}
    market_events = sorted(
        (event for event in events if event.family is Family.MARKET),
        key=lambda e: (order[e.kind], e.start_ns, e.end_ns, e.target, e.seed, e.intensity),
    )
    if not market_events:
        return feed, np.arange(len(feed), dtype=np.int64)
    if len(feed) == 0:
        raise ChaosError("market faults need prices, found an empty feed")
    check_inside(market_events, int(feed.timestamp_ns[0]), int(feed.timestamp_ns[-1]))
    rows = tuple(np.flatnonzero(feed.instrument == index) for index in range(len(feed.instruments)))
    market = _Market(feed, feed.quotes.copy(), np.ones(len(feed), dtype=np.bool_), rows)
    for event in market_events:
        _FAULTS[event.kind](market, event, _struck(market, event))
    kept = np.flatnonzero(market.keep)
    if len(kept) == 0:
        raise ChaosError("the stale_feed events would leave no price update at all; shorten them")
    quotes = market.quotes[kept]
    _follow_changes(feed, rows, quotes, kept)
    return Feed(
        feed.instruments, feed.timestamp_ns[kept], feed.instrument[kept], quotes, feed.sequence[kept]
    ), kept


def _struck(market: _Market, event: ChaosEvent) -> list[int]:
    """The instruments of the event's target that have an update in its window."""
    matched = match_target(event.target, market.feed.instruments)
    struck = [instrument for instrument in matched if len(market.inside(event, instrument))]
    if not struck:
        raise ChaosError(
            f"{event.kind} at {event.start:%Y-%m-%d %H:%M:%S} for {event.duration} strikes no price update of "
            f"{event.target or 'any instrument'}; make the duration longer or move the start"
        )
    return struck


def _follow_changes(feed: Feed, market_rows: Sequence[Rows], quotes: Floats, kept: Rows) -> None:
    """Rewrite change_pct in place wherever the price, or the one before it, is not what it was.

    market_rows: per instrument, its rows in `feed`.  quotes: the faulted rows, which were `kept` in `feed`.
    """
    for index, all_rows in enumerate(market_rows):
        rows = np.flatnonzero(feed.instrument[kept] == index)
        source = kept[rows]
        last = quotes[rows, LAST]
        original = feed.quotes[source, LAST]
        same = (last == original) | (np.isnan(last) & np.isnan(original))
        place = np.searchsorted(all_rows, source)
        # An untouched price after an untouched, not lost, predecessor keeps the change that it came with.
        untouched = same & (np.diff(place, prepend=-1) == 1)
        untouched[1:] &= same[:-1]
        change = np.zeros(len(rows))
        before = last[:-1]
        good = np.isfinite(before) & (before > 0.0)
        change[1:] = np.where(good, last[1:] / np.where(good, before, 1.0) - 1.0, np.nan)
        quotes[rows, CHANGE_PCT] = np.where(untouched, feed.quotes[source, CHANGE_PCT], change)


def randomised(
    kinds: Iterable[ChaosKind | str | Family] | None, feed: Feed, n: int, seed: int
) -> list[ChaosEvent]:
    """`n` random events for campaigns; each starts at an update of its target and lasts some ten updates or longer.

    kinds: kinds or whole families to draw from; None for all.  No event is longer than a tenth of the feed, or
    than ten updates where that is longer. Intensities come from the typical range of the
    kind. Market and venue faults strike one instrument, symbol, venue, or all; signal faults all strategies.
    Raises ChaosError on an unknown kind or an empty feed.
    """
    pool = _pool(kinds)
    if len(feed) == 0:
        raise ChaosError("random chaos events need prices, found an empty feed")
    generator = np.random.default_rng(seed)
    span = max(float(feed.timestamp_ns[-1] - feed.timestamp_ns[0]), 6e10)
    shortest = 10.0 * span * len(feed.instruments) / len(feed)
    longest = max(0.1 * span, shortest)
    events = []
    for _ in range(n):
        kind = pool[int(generator.integers(len(pool)))]
        row = int(generator.integers(len(feed)))
        length = float(np.exp(generator.uniform(np.log(shortest), np.log(longest))))
        low, high = KINDS[kind].typical
        instrument = feed.instruments[int(feed.instrument[row])]
        names = (instrument.name, instrument.symbol, instrument.venue, "")
        target = names[int(generator.integers(len(names)))]
        if kind.family is Family.VENUE:
            target = instrument.venue if target else ""
        event = ChaosEvent(
            kind,
            to_datetime(int(feed.timestamp_ns[row])),
            max(length / 1e9, 1e-5),
            float(generator.uniform(low, high)),
            "" if kind.family is Family.SIGNAL else target,
            int(generator.integers(2**31)),
        )
        events.append(event)
    return sorted(events, key=lambda event: event.start_ns)


def _pool(kinds: Iterable[ChaosKind | str | Family] | None) -> list[ChaosKind]:
    """All kinds meant by `kinds`, in the order of the table."""
    if kinds is None:
        return list(KINDS)
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    known = {*map(str, ChaosKind), *map(str, Family)}
    for word in wanted:
        if word not in known:
            raise ChaosError(f"unknown chaos kind {word!r}; known: {', '.join(sorted(known))}")
    pool = [kind for kind in KINDS if kind in wanted or kind.family in wanted]
    if not pool:
        raise ChaosError("random chaos events need at least one kind to draw from")
    return pool
