"""The order book against a plain one, over any sequence of orders, and what must hold after each of them."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from live.venues.book import Book, Ended, SelfTrade, Trade, Triggered
from live.venues.book_side import FOK, IOC, BookOrder
from tests.live.venues.naive_book import NaiveBook, Plain

SIDES = st.sampled_from((1, -1))
LOTS = st.integers(1, 9)
TICKS = st.integers(95, 105)


class BookMachine(RuleBasedStateMachine):
    """Both books get the same orders, and must tell the same story."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = SelfTrade.ALLOW
        self.book = Book(self.mode)
        self.naive = NaiveBook(self.mode)
        self.orders: list[BookOrder] = []
        self.plain: list[Plain] = []
        self.sent: list[int] = []
        self.filled: list[int] = []
        self.limits: list[int] = []

    @initialize(mode=st.sampled_from(SelfTrade))
    def begin(self, mode: SelfTrade) -> None:
        self.mode = mode
        self.book = Book(mode)
        self.naive = NaiveBook(mode)

    @rule(
        side=SIDES,
        lots=LOTS,
        limit=st.one_of(st.just(0), TICKS),
        stop=st.one_of(st.just(0), st.just(0), TICKS),
        tif=st.sampled_from((0, 0, 0, IOC, FOK)),
        post_only=st.booleans(),
        owner=st.integers(0, 2),
    )
    def enter(
        self, side: int, lots: int, limit: int, stop: int, tif: int, post_only: bool, owner: int
    ) -> None:
        name = len(self.orders)
        post_only = post_only and bool(limit) and not tif
        if owner == 0:  # background liquidity, which is not asked whether it meets itself
            owner = 100 + name
        order = BookOrder(name, owner, side, lots, limit, stop, tif, post_only)
        plain = Plain(name, owner, side, lots, limit, stop, tif, post_only)
        self.orders.append(order)
        self.plain.append(plain)
        self.sent.append(lots)
        self.filled.append(0)
        self.limits.append(limit)
        self.book.enter(order)
        self.naive.enter(plain)
        self.compare()

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.orders) - 1))
        assert self.book.cancel(self.orders[at]) == self.naive.cancel(self.plain[at])
        self.compare()

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), lots=LOTS, limit=TICKS)
    def replace(self, data: st.DataObject, lots: int, limit: int) -> None:
        at = data.draw(st.integers(0, len(self.orders) - 1))
        if not self.orders[at].limit:
            return
        if data.draw(st.booleans()):
            limit = self.orders[at].limit
        if self.orders[at].open:
            self.sent[at] = self.filled[at] + lots
            self.limits[at] = limit
        changed = self.book.replace(self.orders[at], lots, limit)
        assert changed == self.naive.replace(self.plain[at], lots, limit)
        self.compare()

    def compare(self) -> None:
        """The same outcomes in the same order; quantity is conserved, and no fill lies outside a limit."""
        told: list[tuple[object, ...]] = []
        for outcome in self.book.outcomes:
            match outcome:
                case Trade(taker, maker, lots, price):
                    told.append((taker.order_id, maker.order_id, lots, price))
                    for order in (taker, maker):
                        self.filled[order.order_id] += lots
                        limit = self.limits[order.order_id]
                        assert not limit or (limit - price) * order.side >= 0
                    assert price == self.limits[maker.order_id]
                case Ended(order, lots, why):
                    told.append((order.order_id, lots, why))
                case Triggered(order):
                    told.append((order.order_id, "triggered"))
        assert told == self.naive.told
        self.book.outcomes.clear()
        self.naive.told.clear()

    @invariant()
    def agrees_with_the_plain_book(self) -> None:
        assert self.book.last == self.naive.last
        for side in (1, -1):
            resting = self.naive.resting(side)
            prices = list(dict.fromkeys(order.limit for order in resting))
            assert [price for price, _ in self.book.depth(side)] == prices
            for price in prices:
                expected = [(o.name, o.leaves) for o in resting if o.limit == price]
                assert [(o.order_id, o.leaves) for o in self.book.queue(side, price)] == expected
                assert self.book.lots_at(side, price) == sum(leaves for _, leaves in expected)
        waiting = sorted((o for o in self.naive.orders if o.stop), key=lambda order: order.number)
        assert [o.order_id for o in self.book.stops()] == [o.name for o in waiting]

    @invariant()
    def never_stands_crossed(self) -> None:
        assert not self.book.bid or not self.book.ask or self.book.bid < self.book.ask

    @invariant()
    def conserves_quantity(self) -> None:
        for order, sent, filled in zip(self.orders, self.sent, self.filled, strict=True):
            assert order.filled == filled
            assert order.leaves == sent - filled


TestBook = pytest.mark.timeout(120)(BookMachine.TestCase)
TestBook.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
