"""Orders that have arrived at an exchange: checked, put into the books, changed, cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from live.messages import NewOrder
from live.venues.account import AccountBook, VenueOrder
from live.venues.book import End, Ended, Trade
from live.venues.contract import Order, ReplaceOrder
from live.venues.faults import FaultPlan
from live.venues.listing import Listing
from live.venues.reporting import REASONS, Reporter

__all__ = ["OrderEntry"]

_MOST_ID: Final = 1 << 63


class OrderEntry:
    """Works orders of all accounts in the books of one venue."""

    def __init__(self, listings: Sequence[Listing], reporter: Reporter, faults: FaultPlan) -> None:
        self._listings = listings
        self._by_symbol = {listing.symbol: listing for listing in listings}
        self._reporter = reporter
        self._faults = faults

    def process(self, account: AccountBook, orders: Sequence[Order]) -> Iterable[Listing]:
        """Work orders one after the other; the instruments whose books they may have changed."""
        touched: dict[int, Listing] = {}
        for order in orders:
            listing = self._enter(account, order) if type(order) is NewOrder else self._change(account, order)
            if listing is not None:
                touched[listing.place] = listing
        return touched.values()

    def cancel_all(self, orders: Iterable[VenueOrder], why: End) -> None:
        for order in list(orders):
            listing = self._listings[order.place]
            listing.book.cancel(order, why)
            self.settle(listing)

    def settle(self, listing: Listing) -> None:
        """Turn the outcomes of a book into positions and reports."""
        outcomes = listing.book.outcomes
        if not outcomes:
            return
        reporter = self._reporter
        for outcome in outcomes:
            if isinstance(outcome, Trade):
                taker, maker, lots, price, taker_leaves, maker_leaves = outcome
                listing.traded += lots
                if not maker.owner:
                    listing.background.taken(taker.side, lots, listing.ticks.value(price))
                if isinstance(taker, VenueOrder):
                    reporter.fill(taker, listing, lots, price, taker_leaves, "taker")
                if isinstance(maker, VenueOrder):
                    reporter.fill(maker, listing, lots, price, maker_leaves, "maker")
            elif isinstance(outcome.order, VenueOrder):
                if isinstance(outcome, Ended):
                    reporter.ended(outcome.order, listing, outcome.lots, outcome.why)
                elif (
                    outcome.order.account.recorded
                ):  # a stop that was reached rests from now on as another order
                    outcome.order.account.touched.add(outcome.order.order_id)
                    outcome.order.account.unsaved = True
        outcomes.clear()

    def _enter(self, account: AccountBook, request: NewOrder) -> Listing | None:
        if not 0 < request.order_id < _MOST_ID:
            self._reject(account, request, "order_id: expected 1 to 2^63 - 1, found another")
            return None
        if not account.seen.add(request.order_id):
            return None  # sent again
        listing = self._by_symbol.get(request.symbol)
        if listing is None:
            known = ", ".join(self._by_symbol)
            self._reject(account, request, f"symbol: expected {known}, found {request.symbol[:40]!r}")
            return None
        steps = listing.read(request)
        if isinstance(steps, str):
            self._reject(account, request, steps)
            return None
        if self._faults.active and self._faults.happens("reject_storm"):
            self._reject(account, request, "reject_storm")
            return None
        lots, limit, stop = steps
        if request.post_only and not stop and listing.book.would_trade(request.side, limit):
            self._reject(account, request, REASONS[End.POST_ONLY_WOULD_CROSS])
            return None
        order = VenueOrder(account, listing.place, request, lots, limit, stop)
        account.open[request.order_id] = order
        units = listing.lots.value(lots)
        self._reporter.tell(account, "acknowledged", request.order_id, request.symbol, request.side, units)
        listing.book.enter(order)
        self.settle(listing)
        return listing

    def _change(self, account: AccountBook, request: Order) -> Listing | None:
        """Cancel or replace an order."""
        order = account.open.get(request.order_id)
        replacing = isinstance(request, ReplaceOrder)
        if order is None:
            known = request.order_id in account.seen
            why = "too_late: the order has ended" if known else "unknown_order: no such order was seen"
            kind = "replace_rejected" if replacing else "cancel_rejected"
            self._reporter.tell(account, kind, request.order_id, "", 0, reason=why)
            return None
        listing = self._listings[order.place]
        if isinstance(request, ReplaceOrder):
            self._replace(order, request, listing)
        else:
            listing.book.cancel(order)
        self.settle(listing)
        return listing

    def _replace(self, order: VenueOrder, request: ReplaceOrder, listing: Listing) -> None:
        lots = listing.lots.floor(request.quantity) - order.filled if 0.0 < request.quantity < 1e300 else 0
        limit = order.limit
        problem = "" if lots >= 1 else "quantity: expected more than what is filled"
        if request.limit_price is not None:
            if not 0.0 < request.limit_price < 1e300 or not order.limit:
                problem = (
                    f"limit_price: expected a price above 0 of a limit order, found {request.limit_price!r}"
                )
            else:
                limit = listing.limit_ticks(order.side, request.limit_price)
        if not problem and order.post_only and listing.book.would_trade(order.side, limit):
            problem = REASONS[End.POST_ONLY_WOULD_CROSS]
        kind = "replace_rejected" if problem else "replaced"
        units = listing.lots.value(order.leaves if problem else lots)
        tell = self._reporter.tell
        tell(order.account, kind, order.order_id, listing.symbol, order.side, units, reason=problem)
        if not problem:
            listing.book.replace(order, lots, limit)

    def _reject(self, account: AccountBook, request: NewOrder, reason: str) -> None:
        self._reporter.tell(
            account, "rejected", request.order_id, request.symbol, request.side, reason=reason
        )
