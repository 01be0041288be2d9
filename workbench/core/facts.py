"""What a desk answers: frozen facts, in the order in which they happened.

`timestamp_ns` is event time (UTC).  strategy_id, symbol, venue: "" where a fact is not bound to one.
"""

from __future__ import annotations

import msgspec

from workbench.core.messages import OrderFill, RiskAlert, RiskBreach

__all__ = [
    "BreakerReset",
    "BreakerTripped",
    "CancelRequested",
    "Fact",
    "MarketNotice",
    "OrderAccepted",
    "OrderAcknowledged",
    "OrderEnded",
    "OrderRefused",
    "SignalRefused",
    "StopTriggered",
]


class OrderAccepted(msgspec.Struct, frozen=True, gc=False):
    """Passed every check, its exposure is booked, and it goes to the venue.

    side: 1 buy, -1 sell.  quantity: units > 0.  limit_price, stop_price: NaN where the type has none.
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
    timestamp_ns: int


class OrderRefused(msgspec.Struct, frozen=True, gc=False):
    """Refused by our own pre-trade checks (never to be mixed up with a venue's reject); it never left.

    failed_checks: reason codes.  value, limit: of the first of them.  expected_price: what it was valued at.
    """

    client_order_id: int
    strategy_id: str
    symbol: str
    venue: str
    side: int
    quantity: float
    expected_price: float
    failed_checks: tuple[str, ...]
    value: float
    limit: float
    timestamp_ns: int


class OrderEnded(msgspec.Struct, frozen=True, gc=False):
    """Ended before it was filled.  state: cancelled, rejected_by_venue or expired.  leaves: units not filled."""

    order_id: int
    client_order_id: int
    strategy_id: str
    symbol: str
    venue: str
    side: int
    leaves: float
    state: str
    reason: str
    timestamp_ns: int


class CancelRequested(msgspec.Struct, frozen=True, gc=False):
    """A remote venue is asked for an order back; it works until the venue says otherwise.  leaves: units."""

    order_id: int
    client_order_id: int
    strategy_id: str
    symbol: str
    venue: str
    side: int
    leaves: float
    reason: str
    timestamp_ns: int


class OrderAcknowledged(msgspec.Struct, frozen=True, gc=False):
    """A remote venue has the order.  leaves: units."""

    order_id: int
    client_order_id: int
    strategy_id: str
    symbol: str
    venue: str
    side: int
    leaves: float
    timestamp_ns: int


class StopTriggered(msgspec.Struct, frozen=True, gc=False):
    """A stop order's price was reached; it works as a market or limit order from now on."""

    order_id: int
    strategy_id: str
    symbol: str
    venue: str
    price: float
    stop_price: float
    timestamp_ns: int


class SignalRefused(msgspec.Struct, frozen=True, gc=False):
    """A signal that never became an order: not a number, unknown symbol, below one lot."""

    strategy_id: str
    symbol: str
    venue: str
    reason: str
    value: float
    timestamp_ns: int


class BreakerTripped(msgspec.Struct, frozen=True, gc=False):
    """A breaker latched, for one strategy or (strategy_id "") for everything."""

    reason: str
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int


class BreakerReset(msgspec.Struct, frozen=True, gc=False):
    """A person unlatched breakers, or ended a kill; `reasons` are those that are latched no more."""

    reasons: tuple[str, ...]
    strategy_id: str
    timestamp_ns: int


class MarketNotice(msgspec.Struct, frozen=True, gc=False):
    """Something about prices, venues or reports: bad_tick, sequence_gap, venue_down, duplicate_execution, ..."""

    kind: str
    symbol: str
    venue: str
    value: float
    reference: float
    timestamp_ns: int


type Fact = (
    OrderAccepted
    | OrderAcknowledged
    | OrderRefused
    | OrderFill
    | OrderEnded
    | CancelRequested
    | StopTriggered
    | SignalRefused
    | RiskBreach
    | RiskAlert
    | BreakerTripped
    | BreakerReset
    | MarketNotice
)
