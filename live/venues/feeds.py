"""Sources of prices: a made-up market seen from one venue, and recorded prices at any speed.

A source is asked, it does not push: `next_ns` says when something is due, `take` gives all that is. So the same
source serves a task with a clock and a run in lock step, and gives the same prices to both.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec
import numpy as np

from live.venues.grid import Grid
from live.venues.market import FairPrices, Noise
from live.venues.venue_settings import VenueSettings
from workbench.core.feed import Feed
from workbench.core.messages import PriceUpdate

__all__ = ["PriceSource", "RecordedPrices", "SyntheticPrices", "VenueView", "rows_of"]

_CHUNK: Final = 4_096  # rows turned into messages at once
_NOTIONAL_PER_SECOND: Final = 100_000.0  # quote currency traded in one instrument of a paper venue
_MOST_LATE: Final = 1_000  # moves; a venue that was away for longer leaves the rest out


class PriceSource(Protocol):
    """Prices as time goes on."""

    def next_ns(self) -> int | None:
        """Time at which the next prices are due; None once there are no more."""
        ...

    def take(self, now_ns: int) -> list[PriceUpdate]:
        """All that is due by now and was not taken yet, in event order."""
        ...


class VenueView:
    """The fair price as one venue sees it: late, and with noise of its own."""

    def __init__(self, fair: FairPrices, settings: VenueSettings, seed: int) -> None:
        self.fair: Final = fair
        self._lag = round(settings.lag_ms * 1e6 / fair.interval_ns)
        self._places = [fair.symbols.index(instrument.symbol) for instrument in settings.instruments]
        self._noise = Noise(seed, settings.name, fair.symbols, settings.noise_bps, fair.interval_ns)

    def prices(self, move: int) -> list[float]:
        """Quote currency per unit, by instrument of the venue."""
        fair, factors = self.fair.prices(move - self._lag), self._noise.factors(move)
        return [fair[place] * factors[place] for place in self._places]

    def mood(self, move: int) -> float:
        return self.fair.mood(move - self._lag)


class SyntheticPrices:
    """One update per instrument and move: last on the tick nearest to the fair price, bid and ask round it.

    The spread is that of the venue's costs, wider in a storm; volume is log-normal, larger in a storm.
    """

    def __init__(self, view: VenueView, settings: VenueSettings, seed: int) -> None:
        self._view = view
        self._settings = settings
        self._grids = [Grid(instrument.tick) for instrument in settings.instruments]
        self._random = np.random.default_rng([seed, zlib.crc32(settings.name.encode()), 1])
        self._move = -1
        self._last = [0.0] * len(self._grids)
        self._sequence = 0
        self._notional = _NOTIONAL_PER_SECOND * view.fair.interval_ns / 1e9

    def next_ns(self) -> int:
        return self._view.fair.start_ns + (self._move + 1) * self._view.fair.interval_ns

    def take(self, now_ns: int) -> list[PriceUpdate]:
        newest = self._view.fair.move_at(now_ns)
        self._move = max(self._move, newest - _MOST_LATE)
        updates: list[PriceUpdate] = []
        while self._move < newest:
            self._move += 1
            updates += self._updates()
        return updates

    def _updates(self) -> list[PriceUpdate]:
        view, settings = self._view, self._settings
        mood = view.mood(self._move)
        half = 0.5e-4 * settings.costs.spread_bps * mood
        at = view.fair.start_ns + self._move * view.fair.interval_ns
        draws = self._random.standard_normal((len(self._grids), 3)).tolist()
        updates = []
        for place, price in enumerate(view.prices(self._move)):
            instrument, grid = settings.instruments[place], self._grids[place]
            last = grid.value(max(grid.near(price), 2))
            bid = grid.value(max(min(grid.floor(last * (1.0 - half)), grid.near(last) - 1), 1))
            ask = grid.value(max(grid.ceil(last * (1.0 + half)), grid.near(last) + 1))
            volume, bid_size, ask_size = (
                round(share * mood * self._notional / last * math.exp(0.5 * z), 6)
                for share, z in zip((1.0, 1.0, 1.0), draws[place], strict=True)
            )
            change = last / self._last[place] - 1.0 if self._last[place] else 0.0
            self._last[place] = last
            updates.append(
                PriceUpdate(
                    instrument.symbol,
                    settings.name,
                    at,
                    bid,
                    ask,
                    last,
                    volume,
                    bid_size,
                    ask_size,
                    change,
                    self._sequence,
                )
            )
        self._sequence += 1
        return updates


class RecordedPrices:
    """Rows of a Feed at the pace of a clock: `speed` times as fast as they were recorded, from `start_ns` on.

    restamp: give each update the time at which it is due, not its recorded one.  repeat: start anew at the end, with
    sequence numbers that go on (times too where they are restamped).
    """

    def __init__(
        self, feed: Feed, start_ns: int, speed: float, *, restamp: bool, repeat: bool = False
    ) -> None:
        self._feed = feed
        self._speed = speed
        self._restamp = restamp
        self._repeat = repeat and restamp
        self._start_ns = start_ns
        self._rows = rows_of(feed)
        self._held: PriceUpdate | None = next(self._rows, None)
        self._first_ns = self._held.timestamp_ns if self._held else 0
        self._shift = 0  # added to sequence numbers

    def _due(self, update: PriceUpdate) -> int:
        return self._start_ns + int((update.timestamp_ns - self._first_ns) / self._speed)

    def next_ns(self) -> int | None:
        return None if self._held is None else self._due(self._held)

    def take(self, now_ns: int) -> list[PriceUpdate]:
        taken: list[PriceUpdate] = []
        while (update := self._held) is not None and (due := self._due(update)) <= now_ns:
            if self._restamp:
                update = msgspec.structs.replace(
                    update, timestamp_ns=due, sequence=update.sequence + self._shift
                )
            taken.append(update)
            self._held = next(self._rows, None)
            if self._held is None and self._repeat:
                self._again(due)
        return taken

    def _again(self, last_ns: int) -> None:
        """Begin anew after the longest pause of one instrument, here the time between the last two rows."""
        times = self._feed.timestamp_ns
        pause = int(np.diff(times[-1000:]).max(initial=0)) or 1_000_000_000
        self._start_ns = last_ns + max(int(pause / self._speed), 1)
        self._shift += int(self._feed.sequence.max()) + 1
        self._rows = rows_of(self._feed)
        self._held = next(self._rows, None)


def rows_of(feed: Feed) -> Iterator[PriceUpdate]:
    """The rows of a feed as messages, in event order."""
    names = [(instrument.symbol, instrument.venue) for instrument in feed.instruments]
    for start in range(0, len(feed), _CHUNK):
        part = slice(start, start + _CHUNK)
        rows = zip(
            feed.timestamp_ns[part].tolist(),
            feed.instrument[part].tolist(),
            feed.quotes[part].tolist(),
            feed.sequence[part].tolist(),
            strict=True,
        )
        for at, k, quote, sequence in rows:
            bid, ask, last, volume, bid_size, ask_size, change = quote
            symbol, venue = names[k]
            yield PriceUpdate(symbol, venue, at, bid, ask, last, volume, bid_size, ask_size, change, sequence)
