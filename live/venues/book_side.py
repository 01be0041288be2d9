"""One side of an order book: orders in queues, a queue for each price, the best price at the end of a sorted list."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

__all__ = ["FOK", "GTC", "IOC", "NO_PRICE", "BookOrder", "BookSide", "Level"]

GTC, IOC, FOK = 0, 1, 2  # a DAY order rests as GTC does, until the exchange expires it
NO_PRICE: Final = 0  # ticks; prices are 1 tick or more


class BookOrder:
    """An order in a book.  side: 1 buy, -1 sell.  leaves: lots.  limit, stop: ticks, NO_PRICE for none.

    owner: whose it is, 0 for background liquidity.  number: arrival in the book, from 1.  open: rests in the book,
    or waits for its stop.  level, before, after: its place in a queue, for the book alone.
    """

    __slots__ = (
        "after", "before", "filled", "leaves", "level", "limit", "number", "open", "order_id", "owner",
        "post_only", "side", "stop", "tif",
    )  # fmt: skip

    def __init__(
        self,
        order_id: int,
        owner: int,
        side: int,
        lots: int,
        limit: int = NO_PRICE,
        stop: int = NO_PRICE,
        tif: int = GTC,
        post_only: bool = False,
    ) -> None:
        self.order_id = order_id
        self.owner = owner
        self.side = side
        self.leaves = lots
        self.filled = 0
        self.limit = limit
        self.stop = stop
        self.tif = tif
        self.post_only = post_only
        self.number = 0
        self.open = False
        self.level: Level | None = None
        self.before: BookOrder | None = None
        self.after: BookOrder | None = None


class Level:
    """The queue at one price; `key` is price * side, so that of either side the better price is the larger."""

    __slots__ = ("first", "key", "last", "lots", "price")

    def __init__(self, key: int, price: int) -> None:
        self.key = key
        self.price = price
        self.lots = 0
        self.first: BookOrder | None = None
        self.last: BookOrder | None = None


class BookSide:
    """One side: keys of its levels, the best at the end."""

    __slots__ = ("keys", "levels")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def add(self, order: BookOrder) -> None:
        """Put an order at the end of the queue of its limit."""
        key = order.limit * order.side
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(key, order.limit)
            insort(self.keys, key)
        tail = level.last
        if tail is None:
            level.first = order
        else:
            tail.after = order
        order.before = tail
        order.after = None
        order.level = level
        level.last = order
        level.lots += order.leaves

    def remove(self, order: BookOrder) -> None:
        """Take an order out of its queue, and an empty level out of the side."""
        level = order.level
        if level is None:
            return
        before, after = order.before, order.after
        if before is None:
            level.first = after
        else:
            before.after = after
        if after is None:
            level.last = before
        else:
            after.before = before
        level.lots -= order.leaves
        order.level = order.before = order.after = None
        if level.first is None:
            self.drop(level)

    def drop(self, level: Level) -> None:
        del self.levels[level.key]
        if self.keys[-1] == level.key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, level.key)]
