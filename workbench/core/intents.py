"""What a runner or a person asks of a desk: frozen intents, the closed set that `TradingDesk.process` takes."""

from __future__ import annotations

import msgspec

from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

__all__ = [
    "AcceptPrice",
    "CancelOrders",
    "ClosePositions",
    "Intents",
    "ResetBreaker",
    "SetLimits",
    "Signals",
    "StrategyFailed",
    "TripBreaker",
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
    """Close positions by reduce-only market orders; "" matches all."""

    strategy_id: str = ""
    symbol: str = ""


class TripBreaker(msgspec.Struct, frozen=True):
    """A person stops one strategy, or ("") everything; latched, and liquidated where the limits say so."""

    person: str
    reason: str
    strategy_id: str = ""


class ResetBreaker(msgspec.Struct, frozen=True):
    """A named person lets one strategy, or ("") everything, trade again, and says why."""

    person: str
    reason: str
    strategy_id: str = ""


class SetLimits(msgspec.Struct, frozen=True):
    """Put other limits in force; what is latched stays latched."""

    limits: RiskLimits


class AcceptPrice(msgspec.Struct, frozen=True):
    """A named person takes the next price of a symbol for true, however far it has jumped (a split, a real crash)."""

    person: str
    reason: str
    symbol: str
    venue: str = ""


type Intents = (
    PriceUpdate
    | Signals
    | StrategyFailed
    | CancelOrders
    | ClosePositions
    | TripBreaker
    | ResetBreaker
    | SetLimits
    | AcceptPrice
)
