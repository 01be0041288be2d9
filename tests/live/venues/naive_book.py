"""The rules of the book once more, as plainly as they can be said: one list of orders, searched anew each time."""

from __future__ import annotations

from dataclasses import dataclass, field

from live.venues.book import End, SelfTrade
from live.venues.book_side import FOK


@dataclass(eq=False)
class Plain:
    name: int
    owner: int
    side: int
    leaves: int
    limit: int
    stop: int
    tif: int
    post_only: bool
    number: int = 0
    open: bool = False


@dataclass
class NaiveBook:
    mode: SelfTrade
    orders: list[Plain] = field(default_factory=list)  # that rest or wait for their stop
    told: list[tuple[object, ...]] = field(default_factory=list)
    last: int = 0
    count: int = 0

    def resting(self, side: int) -> list[Plain]:
        """Best first."""
        found = [order for order in self.orders if order.side == side and not order.stop]
        return sorted(found, key=lambda order: (-order.limit * side, order.number))

    def meets(self, order: Plain, other: Plain) -> bool:
        return not order.limit or (order.limit - other.limit) * order.side >= 0

    def end(self, order: Plain, why: End) -> None:
        self.told.append((order.name, order.leaves, why))
        order.open = False
        if order in self.orders:
            self.orders.remove(order)

    def enter(self, order: Plain) -> None:
        self.count += 1
        order.number = self.count
        if order.stop and not (self.last and (self.last - order.stop) * order.side >= 0):
            order.open = True
            self.orders.append(order)
            return
        if order.stop:
            order.stop = 0
            self.told.append((order.name, "triggered"))
        traded = self.work(order)
        while True:
            reached = [
                waiting
                for waiting in self.orders
                if waiting.stop and any((price - waiting.stop) * waiting.side >= 0 for price in traded)
            ]
            heads = [
                min(
                    (w for w in reached if w.side == side),
                    key=lambda w: (w.stop * w.side, w.number),
                    default=None,
                )
                for side in (1, -1)
            ]
            found = [head for head in heads if head is not None]
            if not found:
                return
            first = min(found, key=lambda w: w.number)
            self.orders.remove(first)
            first.open = False
            first.stop = 0
            self.count += 1
            first.number = self.count
            self.told.append((first.name, "triggered"))
            traded += self.work(first)

    def work(self, order: Plain) -> list[int]:
        """Match an order; prices of its trades."""
        traded: list[int] = []
        against = [other for other in self.resting(-order.side) if self.meets(order, other)]
        if against and order.post_only:
            self.end(order, End.POST_ONLY_WOULD_CROSS)
            return traded
        if order.tif == FOK and against:
            usable = 0
            for other in against:
                own = other.owner == order.owner and self.mode != SelfTrade.ALLOW
                if own and self.mode == SelfTrade.CANCEL_NEWEST:
                    break
                usable += 0 if own else other.leaves
            if usable < order.leaves:
                self.end(order, End.FOK_NOT_FILLABLE)
                return traded
        for other in against:
            if not order.leaves:
                break
            if other.owner == order.owner and self.mode == SelfTrade.CANCEL_NEWEST:
                self.end(order, End.SELF_TRADE)
                return traded
            if other.owner == order.owner and self.mode == SelfTrade.CANCEL_OLDEST:
                self.end(other, End.SELF_TRADE)
                continue
            lots = min(order.leaves, other.leaves)
            order.leaves -= lots
            other.leaves -= lots
            self.told.append((order.name, other.name, lots, other.limit))
            self.last = other.limit
            traded.append(other.limit)
            if not other.leaves:
                other.open = False
                self.orders.remove(other)
        if not order.leaves:
            return traded
        if order.tif:
            self.end(order, End.FOK_NOT_FILLABLE if order.tif == FOK else End.IOC_REMAINDER)
        elif not order.limit:
            self.end(order, End.NO_LIQUIDITY)
        else:
            order.open = True
            self.orders.append(order)
        return traded

    def cancel(self, order: Plain) -> bool:
        if not order.open:
            return False
        self.end(order, End.REQUESTED)
        return True

    def replace(self, order: Plain, lots: int, limit: int) -> bool:
        if not order.open:
            return False
        if limit == order.limit and lots <= order.leaves:
            order.leaves = lots
            return True
        self.orders.remove(order)
        order.open = False
        order.leaves, order.limit = lots, limit
        self.enter(order)
        return True
