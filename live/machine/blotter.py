"""Orders and fills as people ask for them: what works and the newest of what has ended, with cursors to page by."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any, Final

import msgspec

from workbench.core.facts import CancelRequested, OrderAccepted, OrderAcknowledged, OrderEnded
from workbench.core.messages import OrderFill

__all__ = ["Blotter", "FillLine", "OrderLine"]

KEPT: Final = 10_000  # ended orders, and fills; a journal has them all


class OrderLine(msgspec.Struct):
    """One order.  cursor: place in the order of last changes.  side: 1 or -1.  quantity, filled: units.

    state: accepted, working, cancelling, partially_filled, filled, cancelled, rejected_by_venue, expired.
    price: average of its fills, quote currency; NaN before the first.  correlation: the thread from price to fill.
    """

    order_id: int
    client_order_id: int
    strategy_id: str
    symbol: str
    venue: str
    side: int
    quantity: float
    order_type: str
    time_in_force: str
    limit_price: float
    stop_price: float
    created_ns: int
    correlation: int
    state: str
    updated_ns: int
    cursor: int = 0
    filled: float = 0.0
    price: float = float("nan")
    reason: str = ""


class FillLine(msgspec.Struct, frozen=True, gc=False):
    """One execution.  cursor: rising.  realised: P&L that it closed, quote currency, before its fee."""

    cursor: int
    fill: OrderFill
    correlation: int
    realised: float


class Blotter:
    """Follows facts.  `correlation` of what is told next is set by whoever carries inputs through the desk."""

    def __init__(self) -> None:
        self.working: dict[int, OrderLine] = {}
        self.ended: deque[OrderLine] = deque(maxlen=KEPT)
        self.fills: deque[FillLine] = deque(maxlen=KEPT)
        self.cursor = 0
        self.fill_cursor = 0
        self.correlation = 0
        self._late: dict[int, OrderLine] = {}  # ended, and still in `ended`

    def find(self, order_id: int) -> OrderLine | None:
        """The line of an order that works, or ended not long ago."""
        return self.working.get(order_id) or self._late.get(order_id)

    def accepted(self, fact: OrderAccepted) -> None:
        self.cursor += 1
        self.working[fact.order_id] = OrderLine(
            fact.order_id,
            fact.client_order_id,
            fact.strategy_id,
            fact.symbol,
            fact.venue,
            fact.side,
            fact.quantity,
            fact.order_type,
            fact.time_in_force,
            fact.limit_price,
            fact.stop_price,
            fact.timestamp_ns,
            self.correlation,
            "accepted",
            fact.timestamp_ns,
            self.cursor,
        )

    def filled(self, fill: OrderFill, realised: float) -> None:
        line = self.find(fill.order_id)
        self.fill_cursor += 1
        correlation = line.correlation if line else 0
        self.fills.append(FillLine(self.fill_cursor, fill, correlation, realised))
        if line is None:
            return
        units = abs(fill.quantity)
        total = line.filled + units
        before = 0.0 if line.filled == 0.0 else line.price * line.filled
        line.price = (before + fill.price * units) / total
        line.filled = total
        self._touch(line, fill.timestamp_ns)
        if line.order_id in self.working:
            if fill.leaves == 0.0:
                self._end(line, "filled")
            elif line.state != "cancelling":
                line.state = "partially_filled"

    def changed(self, fact: OrderEnded | CancelRequested | OrderAcknowledged) -> None:
        line = self.working.get(fact.order_id)
        if line is None:
            return
        self._touch(line, fact.timestamp_ns)
        if isinstance(fact, OrderAcknowledged):
            if line.state == "accepted":
                line.state = "working"
            return
        line.reason = fact.reason
        if isinstance(fact, CancelRequested):
            line.state = "cancelling"
        else:
            self._end(line, fact.state)

    def refused_cancel(self, order_id: int, ns: int) -> None:
        """A venue would not cancel: the order works as before, which is a change that who pages by cursor sees."""
        line = self.working.get(order_id)
        if line is not None and line.state == "cancelling":
            self._touch(line, ns)
            line.state = "partially_filled" if line.filled else "working"

    def _touch(self, line: OrderLine, ns: int) -> None:
        self.cursor += 1
        line.cursor = self.cursor
        line.updated_ns = ns

    def _end(self, line: OrderLine, state: str) -> None:
        line.state = state
        del self.working[line.order_id]
        if len(self.ended) == KEPT:
            self._late.pop(self.ended[0].order_id, None)
        self.ended.append(line)
        self._late[line.order_id] = line

    def orders(self, after: int, limit: int) -> list[OrderLine]:
        """Orders whose last change is behind cursor `after`, oldest change first, at most `limit`."""
        ended = [line for line in self.ended if line.cursor > after]
        working = [line for line in self.working.values() if line.cursor > after]
        return sorted(ended + working, key=lambda line: line.cursor)[:limit]

    def newest_fills(self, after: int, limit: int) -> list[FillLine]:
        """Fills behind cursor `after`, oldest first, at most `limit`."""
        first = max(0, len(self.fills) - (self.fill_cursor - after))
        return list(islice(self.fills, first, first + limit))

    def dump(self) -> dict[str, Any]:
        """Everything, as plain values and structs."""
        return {
            "working": list(self.working.values()),
            "ended": list(self.ended),
            "fills": list(self.fills),
            "cursors": (self.cursor, self.fill_cursor),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over what `dump` gave, once it has gone through msgpack."""
        working = msgspec.convert(dumped["working"], list[OrderLine])
        self.working = {line.order_id: line for line in working}
        self.ended.extend(msgspec.convert(dumped["ended"], list[OrderLine]))
        self._late = {line.order_id: line for line in self.ended}
        self.fills.extend(msgspec.convert(dumped["fills"], list[FillLine]))
        self.cursor, self.fill_cursor = dumped["cursors"]
