"""The simulated exchange: what an order brings back, and what the account shows."""

from __future__ import annotations

import pytest

from live.messages import Account, CancelOrder, NewOrder
from live.venues.account import SeenIds
from live.venues.contract import ReplaceOrder
from live.venues.embedded import refusals
from tests.live.venues.kit import SECOND, START, SYMBOL, Desk, config
from workbench.errors import VenueError


def test_a_marketable_order_is_acknowledged_then_filled() -> None:
    desk = Desk()
    desk.wait(1)
    price = desk.prices()[-1]
    order = desk.order(1, 2.0)
    assert desk.kinds(order) == ["acknowledged", "filled"]
    acknowledged, filled = desk.reports
    assert (acknowledged.leaves, filled.quantity, filled.leaves) == (2.0, 2.0, 0.0)
    assert (filled.price, filled.liquidity, filled.side, filled.venue) == (price.ask, "taker", 1, "x")
    assert desk.exchange.account("me", desk.now).positions == {SYMBOL: 2.0}


def test_own_orders_meet_at_the_price_that_rested() -> None:
    desk = Desk(config(self_trade="allow", liquidity={"spread_bps": 5_000, "takers_per_second": 0}))
    first = desk.order(-1, 1.0, 101.0)
    second = desk.order(1, 0.4, 102.0)
    assert desk.kinds(first) == ["acknowledged", "filled"]
    maker, taker = (
        next(r for r in desk.reports if r.order_id == o and r.kind == "filled") for o in (first, second)
    )
    assert (maker.price, maker.liquidity, maker.leaves, taker.liquidity) == (101.0, "maker", 0.6, "taker")
    account = desk.exchange.account("me", desk.now)
    assert account.positions == {}  # bought from itself
    assert [(o.order_id, o.quantity, o.leaves, o.limit_price) for o in account.open_orders] == [
        (first, 1.0, 0.6, 101.0)
    ]


def test_two_sessions_trade_with_each_other_and_see_their_own_numbers_only() -> None:
    desk = Desk(quiet=True)
    desk.order(-1, 1.0, 100.0)
    desk.exchange.connect("other", 0, desk.now)
    desk.exchange.submit("other", [NewOrder(1, SYMBOL, 1, 1.0, "limit", "IOC", 100.0)], desk.now)
    desk.take()
    theirs = [r for r in desk.exchange.take("other", desk.now) if hasattr(r, "report_id")]
    assert [r.report_id for r in desk.reports] == [r.report_id for r in theirs] == [1, 2]
    assert desk.exchange.account("other", desk.now).positions == {SYMBOL: 1.0}
    assert desk.exchange.account("me", desk.now).positions == {SYMBOL: -1.0}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "XRP-USD"}, "symbol"),
        ({"side": 0}, "side"),
        ({"quantity": float("nan")}, "quantity"),
        ({"quantity": float("inf")}, "quantity"),
        ({"quantity": -1.0}, "quantity"),
        ({"quantity": 0.0001}, "at least one lot"),
        ({"quantity": 1e300}, "quantity"),
        ({"quantity": 0.005}, "notional"),
        ({"order_type": "iceberg"}, "order_type"),
        ({"time_in_force": "GTD"}, "time_in_force"),
        ({"limit_price": None}, "limit_price"),
        ({"limit_price": float("nan")}, "limit_price"),
        ({"limit_price": -5.0}, "limit_price"),
        ({"limit_price": float("inf")}, "limit_price"),
        ({"order_type": "stop", "stop_price": None}, "stop_price"),
        ({"post_only": True, "time_in_force": "IOC"}, "post_only"),
        ({"order_type": "market", "post_only": True}, "post_only"),
        ({"post_only": True, "side": -1, "limit_price": 1.0}, "post_only_would_cross"),
        ({"tag": "t" * 300}, "tag"),
    ],
)
def test_what_cannot_be_is_rejected_with_a_reason(changes: dict[str, object], reason: str) -> None:
    desk = Desk()
    desk.wait(1)
    fields: dict[str, object] = {
        "side": 1,
        "quantity": 1.0,
        "limit_price": 90.0,
        "order_type": "limit",
    } | changes
    order = NewOrder(**({"order_id": 1, "symbol": SYMBOL, "time_in_force": "GTC"} | fields))  # type: ignore[arg-type]
    desk.send([order])
    (report,) = desk.reports
    assert (report.kind, report.order_id) == ("rejected", 1)
    assert reason in report.reason
    assert desk.exchange.account("me", desk.now).open_orders == []


@pytest.mark.parametrize("number", [0, -3, 1 << 63])
def test_an_impossible_id_is_rejected(number: int) -> None:
    desk = Desk()
    desk.send([NewOrder(number, SYMBOL, 1, 1.0, "market", "IOC")])
    assert [r.kind for r in desk.reports] == ["rejected"]


def test_the_same_id_again_changes_nothing() -> None:
    desk = Desk(quiet=True)
    order = NewOrder(5, SYMBOL, 1, 1.0, "limit", "GTC", 99.0)
    desk.send([order, order])
    desk.send([order])
    assert [r.kind for r in desk.reports] == ["acknowledged"]
    desk.cancel(5)
    desk.send([order])
    assert [r.kind for r in desk.reports] == ["acknowledged", "cancelled"]


def test_a_limit_off_the_grid_goes_to_the_safe_side() -> None:
    desk = Desk(quiet=True)
    desk.order(1, 1.0, 99.017)
    desk.order(-1, 1.0, 101.011)
    prices = [order.limit_price for order in desk.exchange.account("me", desk.now).open_orders]
    assert prices == [99.01, 101.02]


def test_cancel_and_cancel_again() -> None:
    desk = Desk(quiet=True)
    order = desk.order(1, 1.0, 99.0)
    desk.cancel(order)
    desk.cancel(order)
    desk.cancel(77)
    assert [(r.kind, r.reason.partition(":")[0]) for r in desk.reports] == [
        ("acknowledged", ""),
        ("cancelled", "requested"),
        ("cancel_rejected", "too_late"),
        ("cancel_rejected", "unknown_order"),
    ]
    assert desk.reports[1].quantity == 1.0  # what was not filled


def test_replace_counts_what_is_filled() -> None:
    """Of 5 units 2 are filled; 4 in all leave 2."""
    desk = Desk(quiet=True)
    order = desk.order(1, 5.0, 99.0)
    desk.exchange.connect("other", 0, desk.now)
    desk.exchange.submit("other", [NewOrder(1, SYMBOL, -1, 2.0, "limit", "IOC", 99.0)], desk.now)
    desk.send([ReplaceOrder(order, 4.0, 98.0)])
    assert desk.kinds(order) == ["acknowledged", "filled", "replaced"]
    (working,) = desk.exchange.account("me", desk.now).open_orders
    assert (working.quantity, working.leaves, working.limit_price) == (4.0, 2.0, 98.0)
    desk.send([ReplaceOrder(order, 2.0)])
    assert desk.reports[-1].kind == "replace_rejected"
    assert desk.reports[-1].leaves == 2.0


def test_a_day_order_expires_at_midnight_and_no_other() -> None:
    desk = Desk(quiet=True)
    day = desk.order(1, 1.0, 99.0, time_in_force="DAY")
    stays = desk.order(1, 1.0, 98.0)
    midnight = (START // (86_400 * SECOND) + 1) * 86_400 * SECOND
    desk.now = midnight - SECOND
    desk.wait(0)
    assert desk.kinds(day) == ["acknowledged"]
    desk.wait(1.5)
    assert desk.kinds(day) == ["acknowledged", "expired"]
    assert desk.kinds(stays) == ["acknowledged"]


def test_a_stop_of_a_session_is_set_off_by_others() -> None:
    desk = Desk(quiet=True)
    desk.order(1, 1.0, 97.0)
    desk.send([NewOrder(50, SYMBOL, -1, 1.0, "stop", "GTC", stop_price=98.0)])
    desk.exchange.connect("other", 0, desk.now)
    orders = [
        NewOrder(1, SYMBOL, 1, 2.0, "limit", "GTC", 98.0),
        NewOrder(2, SYMBOL, -1, 1.0, "market", "IOC"),
    ]
    desk.exchange.submit("other", [orders[0]], desk.now)
    desk.exchange.connect("third", 0, desk.now)
    desk.exchange.submit("third", [orders[1]], desk.now)
    desk.take()
    assert desk.kinds(50) == ["acknowledged", "filled"]
    assert desk.reports[-1].price == 98.0


def test_orders_and_reports_take_their_time_and_keep_their_order() -> None:
    desk = Desk(config(latency_ms=30))
    desk.wait(1)
    first, second = desk.order(1, 1.0), desk.order(-1, 1.0)
    assert desk.reports == []
    desk.wait(0.059)
    assert desk.reports == []
    desk.wait(0.001)
    assert [r.order_id for r in desk.reports] == [first, first, second, second]
    assert {r.timestamp_ns for r in desk.reports} == {START + SECOND + 30_000_000}


def test_report_and_execution_numbers_have_no_gaps() -> None:
    desk = Desk()
    for step in range(200):
        desk.wait(0.05)
        order = desk.order(1 if step % 2 else -1, 0.5 + step % 7, 100.0 if step % 3 else None)
        if step % 5 == 0:
            desk.cancel(order)
    assert [r.report_id for r in desk.reports] == list(range(1, len(desk.reports) + 1))
    executions = [r.execution_id for r in desk.reports if r.kind == "filled"]
    assert executions == list(range(len(executions)))
    held = sum(r.side * r.quantity for r in desk.reports if r.kind == "filled")
    assert desk.exchange.account("me", desk.now).positions.get(SYMBOL, 0.0) == pytest.approx(held)


def test_prices_are_numbered_and_never_crossed() -> None:
    desk = Desk()
    desk.wait(30)
    prices = desk.prices()
    assert [p.sequence for p in prices] == list(range(1, 301))  # the first was shown before anybody was there
    assert all(0 < p.bid < p.ask and p.bid_size > 0 and p.ask_size > 0 and p.volume >= 0 for p in prices)
    assert sum(p.volume for p in prices) > 0


def test_a_lost_session_has_its_orders_cancelled_and_learns_of_it_later() -> None:
    desk = Desk(quiet=True)
    order = desk.order(1, 1.0, 99.0)
    desk.exchange.disconnect("me", desk.now)
    assert desk.exchange.account("me", desk.now).open_orders == []
    missed = desk.exchange.connect("me", 1, desk.now)
    assert [(r.report_id, r.kind, r.order_id, r.reason) for r in missed] == [
        (2, "cancelled", order, "disconnect")
    ]


def test_orders_stay_without_cancel_on_disconnect() -> None:
    desk = Desk(config(cancel_on_disconnect=False))
    desk.order(1, 1.0, 60.0)
    desk.exchange.disconnect("me", desk.now)
    assert len(desk.exchange.account("me", desk.now).open_orders) == 1


def test_orders_that_were_under_way_when_the_session_was_lost_are_never_worked() -> None:
    desk = Desk(config(latency_ms=30))
    desk.order(1, 1.0, 60.0)
    desk.exchange.disconnect("me", desk.now)
    desk.wait(1)
    assert desk.exchange.account("me", desk.now).last_report_id == 0
    assert 1 not in desk.exchange.accounts["me"].seen


def test_an_account_that_is_handed_in_goes_on_with_its_numbers() -> None:
    desk = Desk()
    known = Account("x", {SYMBOL: -2.5}, [], 41, 12, 0)
    desk.exchange.restore("again", known)
    desk.exchange.connect("again", 41, desk.now)
    desk.exchange.submit("again", [NewOrder(9, SYMBOL, 1, 1.0, "market", "IOC")], desk.now)
    account = desk.exchange.account("again", desk.now)
    assert (account.positions, account.last_report_id, account.last_execution_id) == ({SYMBOL: -1.5}, 43, 13)
    with pytest.raises(VenueError, match="XRP-USD"):
        desk.exchange.restore("bad", Account("x", {"XRP-USD": 1.0}, [], 0, -1, 0))


def test_reports_that_are_older_than_what_is_kept_are_missing() -> None:
    desk = Desk(quiet=True)
    desk.exchange.accounts["me"]._keep = 10
    for _ in range(30):
        desk.cancel(desk.order(1, 1.0, 99.0))
    kept = desk.exchange.reports("me", 0)
    assert 10 <= len(kept) < 20
    assert kept[-1].report_id == 60
    assert [r.report_id for r in desk.exchange.reports("me", 58)] == [59, 60]
    assert desk.exchange.reports("me", 60) == []


def test_seen_ids_remember_the_newest_and_take_the_oldest_for_seen() -> None:
    seen = SeenIds()
    assert seen.add(10)
    assert not seen.add(10)
    assert 10 in seen
    assert 11 not in seen
    for block in range(1, 5_000):
        assert seen.add(block * 4_096)
    assert len(seen.blocks) == 4_096
    assert not seen.add(11)  # long gone: taken for one that was seen
    assert 5_000 * 4_096 not in seen


def test_refusals_name_what_cannot_leave() -> None:
    found = refusals(
        "x", [NewOrder(3, SYMBOL, -1, 1.0, "market", "IOC"), CancelOrder(2)], START, "disconnect"
    )
    assert [(r.kind, r.report_id, r.order_id) for r in found] == [
        ("rejected", 0, 3),
        ("cancel_rejected", 0, 2),
    ]
    assert found[0].reason == "venue_down: disconnect"
