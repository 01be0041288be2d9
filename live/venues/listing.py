"""One instrument at a simulated exchange: its book, its grids, what an order may be, and the prices it shows."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeIs

from live.messages import NewOrder
from live.venues.background import Background
from live.venues.book import Book, SelfTrade
from live.venues.book_side import NO_PRICE
from live.venues.grid import Grid
from live.venues.venue_settings import VenueSettings
from workbench.core.messages import Instrument, PriceUpdate

__all__ = ["Listing", "Steps"]

_MOST_LOTS = 1 << 53  # beyond it a float is no longer exact
_LONGEST_TAG = 256
_SELF_TRADE = {mode.name.lower(): mode for mode in SelfTrade}
_LIMIT_TYPES = ("limit", "stop_limit")
_STOP_TYPES = ("stop", "stop_limit")


class Steps(NamedTuple):
    """An order in whole lots and ticks; NO_PRICE where its type has none."""

    lots: int
    limit: int
    stop: int


class Listing:
    """place: of the instrument at the venue.  traded: lots since the last price was shown."""

    def __init__(self, place: int, instrument: Instrument, settings: VenueSettings, seed: str) -> None:
        self.place = place
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.ticks = Grid(instrument.tick)
        self.lots = Grid(instrument.lot)
        self.book = Book(_SELF_TRADE[settings.self_trade])
        self.background = Background(self.book, instrument, settings.liquidity, seed)
        self.traded = 0
        self._sequence = 0
        self._last = 0.0

    def read(self, request: NewOrder) -> Steps | str:
        """The order in whole steps, or why it is refused, for people.

        A limit that lies off the grid is moved to the tick on the trader's safe side; quantity is cut to whole lots.
        """
        kind, side, quantity = request.order_type, request.side, request.quantity
        if kind not in ("market", *_LIMIT_TYPES, *_STOP_TYPES):
            return f"order_type: expected market, limit, stop or stop_limit, found {kind[:40]!r}"
        if request.time_in_force not in ("GTC", "IOC", "FOK", "DAY"):
            return f"time_in_force: expected GTC, IOC, FOK or DAY, found {request.time_in_force[:40]!r}"
        if side not in (1, -1):
            return f"side: expected 1 or -1, found {side!r}"
        if not (quantity > 0.0 and quantity / self.instrument.lot < _MOST_LOTS):
            return f"quantity: expected units above 0, found {quantity!r}"
        if len(request.tag) > _LONGEST_TAG:
            return f"tag: expected at most {_LONGEST_TAG} characters, found {len(request.tag)}"
        limit = stop = NO_PRICE
        if kind in _LIMIT_TYPES:
            if not self._priced(request.limit_price):
                return f"limit_price: expected a price above 0, found {request.limit_price!r}"
            limit = self.limit_ticks(side, request.limit_price)
        if kind in _STOP_TYPES:
            if not self._priced(request.stop_price):
                return f"stop_price: expected a price above 0, found {request.stop_price!r}"
            stop = max(self.ticks.near(request.stop_price), 1)
        if request.post_only and (limit == NO_PRICE or request.time_in_force in ("IOC", "FOK")):
            return "post_only: expected a limit order that may rest, found one that cannot"
        return self._worth(request, limit, stop)

    def _worth(self, request: NewOrder, limit: int, stop: int) -> Steps | str:
        """The last check: whole lots, and the least notional at limit, stop or touch."""
        instrument = self.instrument
        lots = self.lots.floor(request.quantity)
        if lots < 1:
            return f"quantity: expected at least one lot of {instrument.lot:g}, found {request.quantity!r}"
        touch = self.book.ask if request.side > 0 else self.book.bid
        price = self.ticks.value(limit or stop or touch or self.book.last)
        notional = self.lots.value(lots) * price * instrument.multiplier
        if price > 0.0 and notional < instrument.min_notional * (1.0 - 1e-9):
            return f"notional: expected at least {instrument.min_notional:g}, found {notional:g}"
        return Steps(lots, limit, stop)

    def limit_ticks(self, side: int, price: float) -> int:
        """A limit as ticks, never worse for the trader than `price`."""
        return max(self.ticks.floor(price), 1) if side > 0 else max(self.ticks.ceil(price), 1)

    def _priced(self, price: float | None) -> TypeIs[float]:
        return price is not None and 0.0 < price < math.inf and price / self.instrument.tick < _MOST_LOTS

    def show(self, now_ns: int) -> PriceUpdate | None:
        """The quote and last trade, with the next sequence number; None where a side of the book is empty.

        last: of the last trade, or where the quote has left that behind, the side of the quote that is nearer to it.
        """
        book = self.book
        bid, ask = book.bid, book.ask
        if bid == NO_PRICE or ask == NO_PRICE:
            return None
        ticks, lots = self.ticks, self.lots
        last = ticks.value(
            min(max(book.last or (bid + ask) // 2, bid), ask) if not self.traded else book.last
        )
        update = PriceUpdate(
            self.symbol,
            self.instrument.venue,
            now_ns,
            ticks.value(bid),
            ticks.value(ask),
            last,
            lots.value(self.traded),
            lots.value(book.lots_at(1, bid)),
            lots.value(book.lots_at(-1, ask)),
            last / self._last - 1.0 if self._last else 0.0,
            self._sequence,
        )
        self._last = last
        self.traded = 0
        self._sequence += 1
        return update
