"""What a runner or a person asks of a desk: frozen intents, the closed set that `TradingDesk.process` takes."""

from __future__ import annotations

import msgspec

from workbench.core.build import Seat
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

__all__ = [
    "AcceptPrice",
    "CancelOrders",
    "ClockTick",
    "ClosePositions",
    "HaltVenue",
    "Intents",
    "ResetBreaker",
    "SeatStrategy",
    "SetLimits",
    "Signals",
    "StrategyFailed",
    "TripBreaker",
    "VenueReport",
    "VenueSession",
]


class Signals(msgspec.Struct, frozen=True):
    """What a strategy answered to one call; untrusted."""

    strategy_id: str
    signals: list[MarketSignal]


class StrategyFailed(msgspec.Struct, frozen=True):
    """A strategy raised or answered with what cannot be read; `error` is for people."""

    strategy_id: str
    error: str


class CancelOrders(msgspec.Struct, frozen=True):
    """Cancel working orders; "" matches all.  An operator's cancel is never rate limited."""

    strategy_id: str = ""
    symbol: str = ""
    venue: str = ""


class ClosePositions(msgspec.Struct, frozen=True):
    """Close positions by reduce-only market orders; "" matches all.

    patient: waits where a venue has just refused to close them, for who asks again and again.
    """

    strategy_id: str = ""
    symbol: str = ""
    venue: str = ""
    patient: bool = False


class TripBreaker(msgspec.Struct, frozen=True):
    """A person stops one strategy, or ("") everything; latched, and liquidated where the limits say so.

    kill: by the kill switch, latched under a name of its own: nothing passes any more, what is held stays, and a
    liquidation that is under way ends.
    """

    person: str
    reason: str
    strategy_id: str = ""
    kill: bool = False


class HaltVenue(msgspec.Struct, frozen=True):
    """A named person stops trading at a venue, or (halted False) allows it again, and says why."""

    person: str
    reason: str
    venue: str
    halted: bool = True


class ResetBreaker(msgspec.Struct, frozen=True):
    """A named person unlatches the breakers of one strategy, or ("") of everything, and says why.

    What a breaker that was latched looks at counts anew from there; nothing else does.
    kill: end the kill switch that was used on exactly that; breakers stay latched then, as kills do otherwise.
    """

    person: str
    reason: str
    strategy_id: str = ""
    kill: bool = False


class SetLimits(msgspec.Struct, frozen=True):
    """Put other limits in force; what is latched stays latched."""

    limits: RiskLimits


class AcceptPrice(msgspec.Struct, frozen=True):
    """A named person takes the next price of a symbol for true, however far it has jumped (a split, a real crash)."""

    person: str
    reason: str
    symbol: str
    venue: str = ""


class ClockTick(msgspec.Struct, frozen=True):
    """Time goes on without a price.  timestamp_ns: UTC; one before the desk's time changes nothing."""

    timestamp_ns: int


class SeatStrategy(msgspec.Struct, frozen=True):
    """Give a strategy a place at the desk, or other units and sizing at the place that it has."""

    seat: Seat


class VenueReport(msgspec.Struct, frozen=True):
    """What a remote venue says of an order.

    kind: acknowledged, filled, cancelled, rejected, expired, cancel_rejected.  strategy_id: "" where nobody knows the
    order.  quantity: units > 0 of this execution.  price: quote currency per unit.  execution_id: the venue's, from 0.
    report_id: the venue's, over all kinds, from 1; 0 for one that it never gave.
    """

    kind: str
    venue: str
    symbol: str
    order_id: int
    side: int
    strategy_id: str = ""
    client_order_id: int = 0
    execution_id: int = -1
    quantity: float = 0.0
    price: float = 0.0
    liquidity: str = "taker"
    report_id: int = 0


class VenueSession(msgspec.Struct, frozen=True):
    """A remote venue can be traded at, or not."""

    venue: str
    up: bool


type Intents = (
    PriceUpdate
    | ClockTick
    | VenueReport
    | VenueSession
    | SeatStrategy
    | Signals
    | StrategyFailed
    | CancelOrders
    | ClosePositions
    | TripBreaker
    | HaltVenue
    | ResetBreaker
    | SetLimits
    | AcceptPrice
)
