"""From what is configured to venues that can be started; those on one feed share its market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf

import msgspec

from live.tasks import Tasks
from live.venues.clock import Clock
from live.venues.contract import Venue
from live.venues.embedded import EmbeddedVenue
from live.venues.exchange import SimulatedExchange
from live.venues.feeds import PriceSource, RecordedPrices, SyntheticPrices, VenueView, rows_of
from live.venues.market import FairPrices
from live.venues.paper import PaperVenue
from live.venues.venue_settings import FeedSettings, SymbolSettings, VenuesConfig, VenueSettings
from workbench.core.messages import PriceUpdate
from workbench.errors import ConfigError

__all__ = ["Markets", "in_lock_step", "lock_step", "open_venues"]


class Markets:
    """The feeds of a configuration as markets that several venues look at, begun at one time.

    prices: by symbol, from which made-up markets go on where another process left them, on a path of their own.
    """

    def __init__(
        self, config: VenuesConfig, start_ns: int, prices: Mapping[str, float] | None = None
    ) -> None:
        self._config = config
        self._prices = prices or {}
        self._start_ns = start_ns
        self._fair: dict[str, FairPrices] = {}

    def view(self, venue: VenueSettings) -> VenueView:
        """The fair price of a synthetic feed as `venue` sees it."""
        feed = self._config.feeds[venue.feed]
        if feed.kind != "synthetic":
            raise ConfigError(
                f"venue {venue.name}: expected a synthetic feed behind an order book, found {feed.name} ({feed.kind})"
            )
        return VenueView(self._market(feed), venue, feed.seed)

    def exchange(
        self, venue: VenueSettings, *, keep: int = 20_000, recorded: bool = False
    ) -> SimulatedExchange:
        """The simulated exchange of a venue; see SimulatedExchange."""
        seed = self._config.feeds[venue.feed].seed
        return SimulatedExchange(venue, self.view(venue), seed, keep=keep, recorded=recorded)

    def source(self, venue: VenueSettings) -> PriceSource | None:
        """Prices of a paper venue; None where they are taken in lock step."""
        feed = self._config.feeds[venue.feed]
        if feed.kind == "synthetic":
            return SyntheticPrices(self.view(venue), venue, feed.seed)
        if isinf(feed.speed):
            return None
        from live.venues.recorded import recorded_feed  # loads pandas, which a made-up market does without

        recorded = recorded_feed(feed, [venue])
        return RecordedPrices(
            recorded, self._start_ns, feed.speed, restamp=feed.timestamps == "now", repeat=feed.repeat
        )

    def _market(self, feed: FeedSettings) -> FairPrices:
        if feed.name not in self._fair:
            lags = [venue.lag_ms for venue in self._config.venues if venue.feed == feed.name]
            keep = int(max(lags, default=0.0) / feed.interval_ms) + 1
            self._fair[feed.name] = FairPrices(self._resumed(feed), self._start_ns, keep)
        return self._fair[feed.name]

    def _resumed(self, feed: FeedSettings) -> FeedSettings:
        known = {symbol: self._prices[symbol] for symbol in feed.symbols if symbol in self._prices}
        if not known:
            return feed
        symbols = {
            symbol: SymbolSettings(known.get(symbol, usual.price), usual.volatility)
            for symbol, usual in feed.symbols.items()
        }
        return msgspec.structs.replace(feed, symbols=symbols, seed=(feed.seed + self._start_ns) % 2**63)

    def fair_prices(self) -> dict[str, float]:
        """By symbol, at the newest move that somebody has looked at."""
        return {
            symbol: price
            for fair in self._fair.values()
            for symbol, price in zip(fair.symbols, fair.newest, strict=True)
        }


def open_venues(
    config: VenuesConfig,
    clock: Clock,
    prices: Mapping[str, float] | None = None,
    tasks: Tasks | None = None,
) -> tuple[Venue, ...]:
    """One Venue per entry, in the order of the file, not yet started.

    prices: by symbol, the newest that an engine knows when it starts again, so that made-up markets do not jump.
    tasks: see to it that a venue's own work goes on.
    Raises ConfigError where a venue and its feed do not go together, DataError for recorded prices that cannot be read.
    """
    markets = Markets(config, clock.now_ns(), prices)
    tasks = Tasks() if tasks is None else tasks
    return tuple(_open(venue, markets, clock, tasks) for venue in config.venues)


def _open(venue: VenueSettings, markets: Markets, clock: Clock, tasks: Tasks) -> Venue:
    if venue.kind == "book":
        return EmbeddedVenue(markets.exchange(venue), clock, tasks)
    if venue.kind == "websocket":
        from live.venues.websocket import WebSocketVenue  # only where it is used

        return WebSocketVenue(venue, clock, tasks)
    return PaperVenue(venue, clock, markets.source(venue), tasks)


def in_lock_step(config: VenuesConfig) -> bool:
    """Whether the prices are recorded ones that are taken as fast as the engine can.

    Raises ConfigError where some venues would be in lock step and others not.
    """
    feeds = {venue.feed: config.feeds[venue.feed] for venue in config.venues}
    stepped = [feed.name for feed in feeds.values() if feed.kind == "recorded" and isinf(feed.speed)]
    if stepped and len(feeds) > 1:
        raise ConfigError(
            f"feeds: expected one feed alone where speed is off ({stepped[0]}), found {', '.join(feeds)}; "
            "give it a speed, or put all venues on it"
        )
    if stepped and any(venue.kind != "paper" for venue in config.venues):
        raise ConfigError(
            "venues: expected paper venues alone where a feed's speed is off, found another kind"
        )
    return bool(stepped)


def lock_step(config: VenuesConfig) -> Iterator[PriceUpdate]:
    """All prices of all venues in event order, for an engine that takes one when it is done with the one before."""
    from live.venues.recorded import recorded_feed  # as above

    (feed,) = {config.feeds[venue.feed].name: config.feeds[venue.feed] for venue in config.venues}.values()
    return rows_of(recorded_feed(feed, config.venues))
