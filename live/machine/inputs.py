"""What the engine takes in: the closed set that is journaled."""

from __future__ import annotations

from typing import Any

import msgspec

from live.machine.overrides import LimitOverride
from live.machine.promotion_inputs import CanaryMoved, PromotionNoted, StrategyAdmitted
from workbench.chaos.triggers import TriggerState
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    StrategyFailed,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

__all__ = [
    "Answered",
    "AuditLine",
    "ChaosNoted",
    "ChaosTriggered",
    "Input",
    "KillReset",
    "KillSwitch",
    "LateSignals",
    "LimitsChanged",
    "LimitsConfigured",
    "StrategyNoted",
    "StrategyRecord",
]


class Answered(msgspec.Struct, frozen=True, gc=False):
    """What a strategy answered to one delivery; untrusted.  correlation: the thread from price to fill."""

    strategy_id: str
    correlation: int
    signals: list[MarketSignal]


class LateSignals(msgspec.Struct, frozen=True):
    """Signals that could not be checked within RISK_CHECK_TIMEOUT_MS: they are refused, unseen."""

    strategy_id: str
    count: int


class StrategyRecord(msgspec.Struct, frozen=True):
    """What the engine knows of a strategy besides its seat.

    state: available, validating, starting, running, paused, draining, stopped, failed.  source_hash: SHA-256 (hex).
    started_ns: of the present version; 0 before its first start.  restarts: since a person started it.
    launch: which of all processes of the engine it is; part of the correlation of what it answers.
    chaos: its chaos type where it misbehaves on purpose, else "".  person: who asked for the last change.
    on_failure: hold or flatten, what happens to its positions when it dies.  certificate: id of the one that it runs
    under; "" for none.  restarting: it has died and waits to be started again.  flatten: what it holds once it has
    ended is closed, also what an order that was on its way brings it afterwards.
    """

    strategy_id: str
    class_name: str
    version: str
    source_hash: str
    script: str
    state: str
    reason: str = ""
    since_ns: int = 0
    started_ns: int = 0
    restarts: int = 0
    launch: int = 0
    chaos: str = ""
    person: str = ""
    on_failure: str = "hold"
    config: dict[str, Any] = {}
    symbols: tuple[str, ...] = ()
    certificate: str = ""
    restarting: bool = False
    flatten: bool = False

    @property
    def ended(self) -> bool:
        """It has ended, or is about to: what it still answers is not used."""
        return self.state in ("draining", "stopped", "failed")

    @property
    def closing(self) -> bool:
        """It has ended, or is about to, and is to hold nothing."""
        return self.flatten and self.ended


class StrategyNoted(msgspec.Struct, frozen=True):
    """A strategy is known, or has changed its state."""

    record: StrategyRecord


class KillSwitch(msgspec.Struct, frozen=True):
    """Stop everything (scope all), one strategy or one venue: all orders cancelled, new ones refused; latched.

    flatten: close positions too.
    """

    scope: str
    target: str
    person: str
    reason: str
    flatten: bool = False


class KillReset(msgspec.Struct, frozen=True):
    """A named person ends a kill, and says why."""

    scope: str
    target: str
    person: str
    reason: str


class LimitsConfigured(msgspec.Struct, frozen=True):
    """The limits of file and environment are others than at the start before: they are put in force."""

    limits: RiskLimits


class ChaosNoted(msgspec.Struct, frozen=True):
    """A chaos strategy begins (active) or ends to misbehave."""

    strategy_id: str
    chaos: str
    active: bool


class ChaosTriggered(msgspec.Struct, frozen=True):
    """Where the triggers of a chaos strategy stand: at its first price, and after each start, growth and stop.

    market: the instrument whose conditions count, symbol@venue.
    """

    strategy_id: str
    market: str
    state: TriggerState


class LimitsChanged(msgspec.Struct, frozen=True):
    """Put limits in force that were made out of others; nothing where those are in force no more."""

    limits: RiskLimits
    before: RiskLimits


class AuditLine(msgspec.Struct, frozen=True):
    """Who did what, when, and how it ended.  ns: UTC nanoseconds.

    key: idempotency key that came with it.  request: SHA-256 (hex) of what was asked.  answer: JSON, for who asks again
    with the same key.
    """

    ns: int
    person: str
    role: str
    action: str
    target: str
    outcome: str
    detail: str = ""
    key: str = ""
    request: str = ""
    answer: str = ""


type Input = (
    PriceUpdate
    | Answered
    | VenueReport
    | ClockTick
    | VenueSession
    | LateSignals
    | StrategyFailed
    | SeatStrategy
    | StrategyNoted
    | CancelOrders
    | ClosePositions
    | TripBreaker
    | ResetBreaker
    | HaltVenue
    | KillSwitch
    | KillReset
    | SetLimits
    | LimitsConfigured
    | LimitsChanged
    | LimitOverride
    | AcceptPrice
    | ChaosNoted
    | ChaosTriggered
    | AuditLine
    | StrategyAdmitted
    | CanaryMoved
    | PromotionNoted
)
