"""A limit order book with price-time priority, in whole ticks and lots.

Orders meet the best price on the other side, and at one price the order that has waited longest; a trade happens at
the price of the resting order. What happened is appended to `outcomes`, in order, for the exchange to report.
An order's place in the queue is its arrival number: it is kept when its quantity is cut, and lost by any other change
(as in NASDAQ's and CME's rules for replaced orders).

Each side is a sorted list of prices (few of them, and the best at the end) and a linked queue per price, so that
entering, cancelling and filling cost the same however many orders rest.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from live.venues.book_side import FOK, NO_PRICE, BookOrder, BookSide

__all__ = [
    "Book",
    "End",
    "Ended",
    "Outcome",
    "SelfTrade",
    "Trade",
    "Triggered",
]


class SelfTrade(IntEnum):
    """What happens where an order would meet one of the same owner."""

    ALLOW = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2


class End(IntEnum):
    """Why an order ended before it was filled."""

    REQUESTED = 1
    IOC_REMAINDER = 2
    FOK_NOT_FILLABLE = 3
    POST_ONLY_WOULD_CROSS = 4
    NO_LIQUIDITY = 5
    SELF_TRADE = 6
    END_OF_DAY = 7
    DISCONNECT = 8
    UNSOLICITED = 9


class Trade(NamedTuple):
    """`lots` at `price` ticks; leaves of both after it."""

    taker: BookOrder
    maker: BookOrder
    lots: int
    price: int
    taker_leaves: int
    maker_leaves: int


class Ended(NamedTuple):
    order: BookOrder
    lots: int
    why: End


class Triggered(NamedTuple):
    order: BookOrder


type Outcome = Trade | Ended | Triggered


class Book:
    """Orders in one instrument."""

    def __init__(self, self_trade: SelfTrade = SelfTrade.ALLOW) -> None:
        self.outcomes: list[Outcome] = []
        self.last: int = NO_PRICE  # ticks of the last trade
        self._high = self._low = NO_PRICE  # ticks, of the trades that the present order has set off
        self._self_trade = self_trade
        self._bids = BookSide()
        self._asks = BookSide()
        self._number = 0
        # Waiting stops (-key, -number, order) with key = stop * side: the next one to be elected is at the end.
        self._stops: dict[int, list[tuple[int, int, BookOrder]]] = {1: [], -1: []}

    # -- looking ------------------------------------------------------------------------------------------------

    @property
    def bid(self) -> int:
        """Best bid, ticks; NO_PRICE where there is none."""
        keys = self._bids.keys
        return keys[-1] if keys else NO_PRICE

    @property
    def ask(self) -> int:
        """Best ask, ticks; NO_PRICE where there is none."""
        keys = self._asks.keys
        return -keys[-1] if keys else NO_PRICE

    def would_trade(self, side: int, limit: int) -> bool:
        """Whether an order of `side` at `limit` ticks (NO_PRICE: any) would meet one on the other side."""
        keys = (self._asks if side > 0 else self._bids).keys
        return bool(keys) and (limit == NO_PRICE or keys[-1] >= -limit * side)

    def lots_at(self, side: int, price: int) -> int:
        """Lots that rest on `side` at a price."""
        level = (self._bids if side > 0 else self._asks).levels.get(price * side)
        return level.lots if level else 0

    def depth(self, side: int, levels: int = 1 << 30) -> list[tuple[int, int]]:
        """(ticks, lots) of the best levels of a side, best first."""
        half = self._bids if side > 0 else self._asks
        return [
            (level.price, level.lots)
            for key in half.keys[: -levels - 1 : -1]
            for level in (half.levels[key],)
        ]

    def queue(self, side: int, price: int) -> Iterator[BookOrder]:
        """Orders that rest on `side` at a price, first in the queue first."""
        level = (self._bids if side > 0 else self._asks).levels.get(price * side)
        order = level.first if level else None
        while order is not None:
            yield order
            order = order.after

    def stops(self) -> list[BookOrder]:
        """Orders that wait for their stop, in order of arrival."""
        return sorted(
            (o for side in self._stops.values() for _, _, o in side), key=lambda order: order.number
        )

    # -- changing -----------------------------------------------------------------------------------------------

    def enter(self, order: BookOrder) -> None:
        """Take a new order with leaves > 0: match it, rest it, end it, or let it wait for its stop."""
        self._number = order.number = self._number + 1
        if order.stop and not (self.last and (self.last - order.stop) * order.side >= 0):
            order.open = True
            insort(self._stops[order.side], (-order.stop * order.side, -order.number, order))
            return
        if order.stop:
            order.stop = NO_PRICE
            self.outcomes.append(Triggered(order))
        self._high = self._low = NO_PRICE
        self._work(order)
        if self._high and (self._stops[1] or self._stops[-1]):
            self._elect()

    def rest(self, order: BookOrder) -> None:
        """Put an order back as it rested before, without matching: for a book that is built anew."""
        self._number = order.number = self._number + 1
        order.open = True
        if order.stop:
            insort(self._stops[order.side], (-order.stop * order.side, -order.number, order))
        else:
            (self._bids if order.side > 0 else self._asks).add(order)

    def cancel(self, order: BookOrder, why: End = End.REQUESTED) -> bool:
        """End an order that is open; False where it has ended already."""
        if not order.open:
            return False
        self._take_out(order)
        self.outcomes.append(Ended(order, order.leaves, why))
        return True

    def withdraw(self, order: BookOrder) -> None:
        """`cancel` without an outcome, for those who need not be told."""
        if order.open:
            self._take_out(order)

    def replace(self, order: BookOrder, lots: int, limit: int) -> bool:
        """Change an open order to `lots` > 0 that still work, at `limit`; False where it has ended already.

        Fewer lots at the same price keep the place in the queue; else it is as if it came anew.
        """
        if not order.open:
            return False
        level = order.level
        if limit == order.limit and lots <= order.leaves:
            if level is not None:
                level.lots -= order.leaves - lots
            order.leaves = lots
            return True
        self._take_out(order)
        order.leaves, order.limit = lots, limit
        self.enter(order)
        return True

    def _take_out(self, order: BookOrder) -> None:
        order.open = False
        if order.stop:
            waiting = self._stops[order.side]
            del waiting[bisect_left(waiting, (-order.stop * order.side, -order.number))]
        else:
            (self._bids if order.side > 0 else self._asks).remove(order)

    def _elect(self) -> None:
        """Work the stops that trades have reached, the lowest (of sells the highest) stop first."""
        buys, sells = self._stops[1], self._stops[-1]
        while True:
            buying = buys and self._high >= -buys[-1][0]
            selling = sells and self._low <= sells[-1][0]
            if not (buying or selling):
                return
            first = buys if buying and not (selling and sells[-1][1] > buys[-1][1]) else sells
            order = first.pop()[2]
            self._number = order.number = self._number + 1  # it comes into the queue now
            order.open = False
            order.stop = NO_PRICE
            self.outcomes.append(Triggered(order))
            self._work(order)

    def _work(self, order: BookOrder) -> None:
        """Match an order, then rest or end what is left of it."""
        buying = order.side > 0
        other = self._asks if buying else self._bids
        # The worst key on the other side that may still be met; a market order meets any.
        bound = -order.limit * order.side if order.limit else -(1 << 62)
        keys = other.keys
        if keys and keys[-1] >= bound:
            if order.post_only:
                self.outcomes.append(Ended(order, order.leaves, End.POST_ONLY_WOULD_CROSS))
                return
            if order.tif == FOK and self._available(order, other, bound) < order.leaves:
                self.outcomes.append(Ended(order, order.leaves, End.FOK_NOT_FILLABLE))
                return
            if not self._match(order, other, bound):
                self.outcomes.append(Ended(order, order.leaves, End.SELF_TRADE))
                return
            if not order.leaves:
                return
        if order.tif:
            why = End.FOK_NOT_FILLABLE if order.tif == FOK else End.IOC_REMAINDER
            self.outcomes.append(Ended(order, order.leaves, why))
        elif not order.limit:
            self.outcomes.append(Ended(order, order.leaves, End.NO_LIQUIDITY))
        else:
            order.open = True
            (self._bids if buying else self._asks).add(order)

    def _match(self, order: BookOrder, other: BookSide, bound: int) -> bool:
        """Trade while prices meet; False where the order must end as it met one of its owner."""
        keys, levels, outcomes = other.keys, other.levels, self.outcomes
        careful = self._self_trade if order.owner else SelfTrade.ALLOW
        leaves = order.leaves
        while leaves and keys and keys[-1] >= bound:
            level = levels[keys[-1]]
            price = level.price
            maker = level.first
            while leaves and maker is not None:
                if careful and maker.owner == order.owner:
                    if careful == SelfTrade.CANCEL_NEWEST:
                        order.filled += order.leaves - leaves
                        order.leaves = leaves
                        return False
                    after = maker.after
                    self.cancel(maker, End.SELF_TRADE)
                    maker = after
                    continue
                size = maker.leaves
                lots = leaves if leaves < size else size
                leaves -= lots
                maker.leaves = size = size - lots
                maker.filled += lots
                level.lots -= lots
                outcomes.append(Trade(order, maker, lots, price, leaves, size))
                self.last = price
                if price > self._high:
                    self._high = price
                if not self._low or price < self._low:
                    self._low = price
                if size:
                    break
                maker.open = False
                after = maker.after
                maker.level = maker.after = None
                if after is not None:
                    after.before = None
                level.first = maker = after
            if level.first is None and keys and keys[-1] == level.key:
                keys.pop()
                del levels[level.key]
        order.filled += order.leaves - leaves
        order.leaves = leaves
        return True

    def _available(self, order: BookOrder, other: BookSide, bound: int) -> int:
        """Lots that `order` could trade at once, up to its own size."""
        careful = self._self_trade if order.owner else SelfTrade.ALLOW
        found = 0
        for key in reversed(other.keys):
            if key < bound or found >= order.leaves:
                break
            if not careful:
                found += other.levels[key].lots
                continue
            for maker in self.queue(-order.side, other.levels[key].price):
                if maker.owner != order.owner:
                    found += maker.leaves
                elif careful == SelfTrade.CANCEL_NEWEST:
                    return found
        return found
