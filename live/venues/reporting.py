"""Reports of an exchange: made, numbered, logged in the account, and sent on their way."""

from __future__ import annotations

from typing import Final

from live.messages import ExecutionReport
from live.venues.account import AccountBook, VenueOrder
from live.venues.book import End
from live.venues.gateway import Gateway
from live.venues.listing import Listing

__all__ = ["REASONS", "Reporter"]

REASONS: Final = {end: end.name.lower() for end in End}
_KINDS: Final = dict.fromkeys(End, "cancelled") | {End.END_OF_DAY: "expired"}


class Reporter:
    """now_ns: the time that reports are given."""

    def __init__(self, venue: str, gateway: Gateway, now_ns: int) -> None:
        self._venue = venue
        self._gateway = gateway
        self.now_ns = now_ns

    def fill(
        self, order: VenueOrder, listing: Listing, lots: int, price: int, leaves: int, role: str
    ) -> None:
        """Book a trade of `lots` at `price` ticks on the order's account, and report it."""
        account = order.account
        account.lots[order.place] += order.side * lots
        account.last_execution_id += 1
        account.last_report_id += 1
        if not leaves:
            del account.open[order.order_id]
        units = listing.lots.value
        report = ExecutionReport(
            self._venue,
            "filled",
            account.last_report_id,
            order.order_id,
            listing.symbol,
            order.side,
            self.now_ns,
            account.last_execution_id,
            units(lots),
            listing.ticks.value(price),
            units(leaves),
            role,
        )
        account.log(report)
        self._gateway.report(account, report)

    def ended(self, order: VenueOrder, listing: Listing, lots: int, why: End) -> None:
        """An order has ended with `lots` unfilled, which its report gives as its quantity."""
        del order.account.open[order.order_id]
        units = listing.lots.value(lots)
        self.tell(
            order.account, _KINDS[why], order.order_id, listing.symbol, order.side, 0.0, units, REASONS[why]
        )

    def tell(
        self,
        account: AccountBook,
        kind: str,
        order_id: int,
        symbol: str,
        side: int,
        leaves: float = 0.0,
        quantity: float = 0.0,
        reason: str = "",
    ) -> None:
        """A report that is no fill."""
        account.last_report_id += 1
        report = ExecutionReport(
            self._venue,
            kind,
            account.last_report_id,
            order_id,
            symbol,
            side,
            self.now_ns,
            -1,
            quantity,
            0.0,
            leaves,
            "taker",
            reason,
        )
        account.log(report)
        self._gateway.report(account, report)
