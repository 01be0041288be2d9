"""What the engine asks of a venue, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from live.messages import Account, CancelOrder, ExecutionReport, NewOrder, VenueEvent
from workbench.core.costs import Costs
from workbench.core.messages import Instrument

__all__ = ["Delivery", "Order", "ReplaceOrder", "Venue", "VenueStatus"]


class ReplaceOrder(msgspec.Struct, frozen=True, tag=True):
    """Change an order that rests at a book or websocket venue; answered by a report `replaced` or `replace_rejected`.

    quantity: units in all, what is filled already included.  limit_price: None keeps it.  A smaller quantity at the
    same price keeps the place in the queue; any other change loses it.
    """

    order_id: int
    quantity: float
    limit_price: float | None = None


type Order = NewOrder | CancelOrder | ReplaceOrder
type Delivery = Callable[[Sequence[VenueEvent]], None]


class VenueStatus(msgspec.Struct, frozen=True):
    """How a venue stands, for people and metrics.

    up: its session stands, orders are taken.  reason: why it is not.  since_ns: of the last change.
    last_event_ns: newest event's time, 0 before the first.  orders, prices, reports: so many since the start.
    last_report_id: newest that was delivered.  reconnects: sessions that came up after the first.
    dropped: events that were given up because nobody took them.  faults: labels of those in force, where known.
    """

    name: str
    kind: str
    up: bool
    reason: str = ""
    since_ns: int = 0
    last_event_ns: int = 0
    orders: int = 0
    prices: int = 0
    reports: int = 0
    last_report_id: int = 0
    reconnects: int = 0
    dropped: int = 0
    faults: tuple[str, ...] = ()


@runtime_checkable
class Venue(Protocol):
    """One session at one venue.

    name: as in Instrument.venue.  kind: paper (brings prices, the rulebook matches), book (simulated exchange in this
    process), websocket (the same exchange in its own process).
    instruments, costs: what is traded there, and what that costs.
    All methods are called in the event loop in which `start` was awaited, and so is `deliver`.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def instruments(self) -> tuple[Instrument, ...]: ...
    @property
    def costs(self) -> Costs: ...

    def restore(self, known: Account) -> None:
        """Before `start`, where an engine starts again: what it knows of its account here.

        An exchange in this process, which ended with the engine, takes over positions and numbers (nothing works there
        any more); one in its own process sends what came after `known.last_report_id`.
        """
        ...

    async def start(self, deliver: Delivery) -> None:
        """Begin; `deliver` takes events in batches, the first of which tells that the session is up.

        It does not wait for a venue that cannot be reached: that is told by SessionState and `status`.
        Raises VenueError where settings can never work.
        """
        ...

    async def stop(self) -> None:
        """End the session; nothing is delivered afterwards.  Stopping twice changes nothing."""
        ...

    def send(self, orders: Sequence[Order]) -> None:
        """Hand orders over; never blocks and never raises for what the venue may say of them.

        Idempotent by order_id.  An order that cannot leave, as the session is down, is answered by a `rejected` report
        with report_id 0: it has no number of the venue, and it is certain that the venue never saw it.
        """
        ...

    async def account(self) -> Account:
        """The venue's own view (drop copy).  Raises VenueError where the venue does not answer in time."""
        ...

    async def reports(self, after: int) -> list[ExecutionReport]:
        """Reports with report_id > `after`, rising, to catch up after a gap; numbers that are older than what the venue
        keeps are missing.  Raises VenueError where the venue does not answer in time.
        """
        ...

    def status(self) -> VenueStatus: ...
