"""Recorded prices as a Feed for the venues that show them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from live.venues.venue_settings import FeedSettings, VenueSettings
from workbench.core.feed import Feed
from workbench.core.messages import Instrument
from workbench.data import Prices, load
from workbench.errors import ConfigError

__all__ = ["recorded_feed"]


def recorded_feed(feed: FeedSettings, venues: Sequence[VenueSettings]) -> Feed:
    """The rows of a recorded feed for the instruments of `venues`, with the grids and spreads of these.

    A symbol that the file has at one venue only stands for the symbol at every venue that asks for it.
    """
    prices = _loaded(feed.path)
    wanted = [(venue, instrument) for venue in venues for instrument in venue.instruments]
    frames = {instrument: prices.frame(_named(prices, instrument, feed)) for _, instrument in wanted}
    lengths = {
        instrument.name: int(prices.interval_of(_named(prices, instrument, feed)).value)
        for _, instrument in wanted
    }
    spreads = {venue.name: venue.costs.spread_bps for venue in venues}
    return Prices.of_checked(frames, lengths).to_feed(spreads)


@lru_cache(maxsize=1)  # venues on one feed ask one after the other
def _loaded(path: str) -> Prices:
    return load(path)


def _named(prices: Prices, instrument: Instrument, feed: FeedSettings) -> str:
    if instrument.name in prices.names:
        return instrument.name
    found = [other.name for other in prices.instruments if other.symbol == instrument.symbol]
    if len(found) != 1:
        raise ConfigError(
            f"venue {instrument.venue}: expected {instrument.symbol} in the feed {feed.name}, found "
            f"{', '.join(found or prices.names)}"
        )
    return found[0]
