"""The order book against tables that were worked by hand."""

from __future__ import annotations

import pytest

from live.venues.book import Book, End, Ended, SelfTrade, Trade, Triggered
from live.venues.book_side import FOK, IOC, BookOrder

MINE, OTHER = 1, 2


class Table:
    """A book, and orders by name."""

    def __init__(self, self_trade: SelfTrade = SelfTrade.ALLOW) -> None:
        self.book = Book(self_trade)
        self.orders: dict[str, BookOrder] = {}

    def __call__(
        self,
        name: str,
        side: int,
        lots: int,
        limit: int = 0,
        *,
        stop: int = 0,
        tif: int = 0,
        post_only: bool = False,
        owner: int = MINE,
    ) -> list[tuple[object, ...]]:
        """Enter an order; what came of it, in names."""
        order = BookOrder(len(self.orders), owner, side, lots, limit, stop, tif, post_only)
        self.orders[name] = order
        self.book.enter(order)
        return self.told()

    def told(self) -> list[tuple[object, ...]]:
        names = {id(order): name for name, order in self.orders.items()}
        found: list[tuple[object, ...]] = []
        for outcome in self.book.outcomes:
            match outcome:
                case Trade():
                    found.append(
                        (names[id(outcome.taker)], names[id(outcome.maker)], outcome.lots, outcome.price)
                    )
                case Ended():
                    found.append((names[id(outcome.order)], outcome.lots, outcome.why))
                case Triggered():
                    found.append((names[id(outcome.order)], "triggered"))
        self.book.outcomes.clear()
        return found


@pytest.fixture
def table() -> Table:
    """Asks 5 at 102 (a), 3 at 101 (b), 4 at 101 (c); bids 6 at 99 (d), 2 at 98 (e)."""
    table = Table()
    for name, side, lots, limit in (
        ("a", -1, 5, 102),
        ("b", -1, 3, 101),
        ("c", -1, 4, 101),
        ("d", 1, 6, 99),
        ("e", 1, 2, 98),
    ):
        assert table(name, side, lots, limit) == []
    return table


def test_best_price_first_then_who_waited_longest(table: Table) -> None:
    assert table("buy", 1, 9) == [("buy", "b", 3, 101), ("buy", "c", 4, 101), ("buy", "a", 2, 102)]
    assert table.book.depth(-1) == [(102, 3)]
    assert table.book.last == 102


def test_a_trade_is_at_the_price_of_the_order_that_rested(table: Table) -> None:
    assert table("buy", 1, 3, 105) == [("buy", "b", 3, 101)]


def test_a_limit_order_rests_with_what_it_could_not_get(table: Table) -> None:
    assert table("buy", 1, 10, 101) == [("buy", "b", 3, 101), ("buy", "c", 4, 101)]
    assert (table.book.bid, table.book.ask) == (101, 102)
    assert table.book.depth(1, 2) == [(101, 3), (99, 6)]


def test_an_order_that_was_partly_filled_keeps_its_place(table: Table) -> None:
    table("f", 1, 1, 99)
    assert table("sell", -1, 2) == [("sell", "d", 2, 99)]
    assert table("more", -1, 5) == [("more", "d", 4, 99), ("more", "f", 1, 99)]


def test_a_market_order_ends_where_there_is_nothing_left(table: Table) -> None:
    told = table("sell", -1, 10)
    assert told == [("sell", "d", 6, 99), ("sell", "e", 2, 98), ("sell", 2, End.NO_LIQUIDITY)]
    assert table.book.bid == 0


def test_ioc_takes_what_is_there_and_ends(table: Table) -> None:
    assert table("buy", 1, 5, 101, tif=IOC) == [("buy", "b", 3, 101), ("buy", "c", 2, 101)]
    assert table("again", 1, 5, 101, tif=IOC) == [("again", "c", 2, 101), ("again", 3, End.IOC_REMAINDER)]
    assert table.book.bid == 99


@pytest.mark.parametrize(("lots", "filled"), [(7, 7), (8, 0)])
def test_fok_takes_all_or_nothing(table: Table, lots: int, filled: int) -> None:
    """Seven lots stand at 101 or better."""
    told = table("buy", 1, lots, 101, tif=FOK)
    assert sum(int(str(line[2])) for line in told if len(line) == 4) == filled
    assert told[-1] == (("buy", "c", 4, 101) if filled else ("buy", lots, End.FOK_NOT_FILLABLE))


def test_post_only_never_takes(table: Table) -> None:
    assert table("buy", 1, 1, 101, post_only=True) == [("buy", 1, End.POST_ONLY_WOULD_CROSS)]
    assert table("bid", 1, 1, 100, post_only=True) == []
    assert table.book.bid == 100


def test_cancel_takes_an_order_out_once(table: Table) -> None:
    assert table.book.cancel(table.orders["b"])
    assert table.told() == [("b", 3, End.REQUESTED)]
    assert not table.book.cancel(table.orders["b"])
    assert table("buy", 1, 1) == [("buy", "c", 1, 101)]


def test_fewer_lots_keep_the_place_in_the_queue(table: Table) -> None:
    assert table.book.replace(table.orders["b"], 1, 101)
    assert table.book.depth(-1, 1) == [(101, 5)]
    assert table("buy", 1, 2) == [("buy", "b", 1, 101), ("buy", "c", 1, 101)]


@pytest.mark.parametrize(("lots", "limit"), [(4, 101), (3, 102)])
def test_more_lots_or_another_price_lose_the_place(table: Table, lots: int, limit: int) -> None:
    table.book.replace(table.orders["b"], lots, limit)
    expected = {(4, 101): ["c", "b", "a"], (3, 102): ["c", "a", "b"]}[lots, limit]
    assert [line[1] for line in table("buy", 1, 20)[:3]] == expected


def test_a_replaced_order_may_trade_at_its_new_price(table: Table) -> None:
    table.book.replace(table.orders["d"], 6, 101)
    assert table.told() == [("d", "b", 3, 101), ("d", "c", 3, 101)]


def test_a_stop_waits_until_a_trade_reaches_it(table: Table) -> None:
    assert table("stop", 1, 2, stop=102) == []
    assert table("buy", 1, 7) == [("buy", "b", 3, 101), ("buy", "c", 4, 101)]
    told = table("more", 1, 1)
    assert told == [("more", "a", 1, 102), ("stop", "triggered"), ("stop", "a", 2, 102)]


def test_a_stop_that_is_reached_already_works_at_once(table: Table) -> None:
    table("buy", 1, 1)
    assert table("stop", -1, 1, stop=101) == [("stop", "triggered"), ("stop", "d", 1, 99)]


def test_a_stop_limit_rests_at_its_limit_once_reached(table: Table) -> None:
    table("stop", -1, 2, 100, stop=99)
    assert table("sell", -1, 1) == [("sell", "d", 1, 99), ("stop", "triggered")]
    assert table.book.ask == 100


def test_stops_set_each_other_off_nearest_first(table: Table) -> None:
    """Sell stops at 98 and 99: the trade at 99 elects the second, whose trade at 98 elects the first."""
    table("low", -1, 1, stop=98)
    table("high", -1, 6, stop=99)
    assert table("sell", -1, 1) == [
        ("sell", "d", 1, 99),
        ("high", "triggered"),
        ("high", "d", 5, 99),
        ("high", "e", 1, 98),
        ("low", "triggered"),
        ("low", "e", 1, 98),
    ]


def test_a_stop_is_reached_by_any_trade_of_an_order_that_sweeps() -> None:
    """The last trade was at 105; a sweep from 100 up to 106 goes through a sell stop at 101 on its way."""
    table = Table()
    table("ask", -1, 1, 105)
    table("buy", 1, 1)
    table("low", -1, 1, 100)
    table("high", -1, 1, 106)
    table("stop", -1, 1, stop=101)
    table("bid", 1, 1, 90)
    assert table("sweep", 1, 2)[2:] == [("stop", "triggered"), ("stop", "bid", 1, 90)]


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (SelfTrade.ALLOW, [("buy", "mine", 2, 101), ("buy", "theirs", 1, 101)]),
        (SelfTrade.CANCEL_NEWEST, [("buy", 3, End.SELF_TRADE)]),
        (SelfTrade.CANCEL_OLDEST, [("mine", 2, End.SELF_TRADE), ("buy", "theirs", 3, 101)]),
    ],
)
def test_an_order_that_meets_one_of_its_owner(mode: SelfTrade, told: list[tuple[object, ...]]) -> None:
    table = Table(mode)
    table("mine", -1, 2, 101)
    table("theirs", -1, 3, 101, owner=OTHER)
    assert table("buy", 1, 3) == told


@pytest.mark.parametrize(
    ("mode", "fills"),
    [(SelfTrade.ALLOW, True), (SelfTrade.CANCEL_NEWEST, False), (SelfTrade.CANCEL_OLDEST, False)],
)
def test_fok_does_not_count_on_orders_of_its_owner(mode: SelfTrade, fills: bool) -> None:
    table = Table(mode)
    table("theirs", -1, 2, 101, owner=OTHER)
    table("mine", -1, 2, 101)
    told = table("buy", 1, 4, tif=FOK)
    assert (told == [("buy", "theirs", 2, 101), ("buy", "mine", 2, 101)]) is fills
    assert fills or told == [("buy", 4, End.FOK_NOT_FILLABLE)]
