"""What passes between engine, venues and sandboxes: frozen structs, closed sets.

Prices are quote currency per unit, quantities units > 0 unless said otherwise, times UTC nanoseconds.
"""

from __future__ import annotations

import msgspec

from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach

__all__ = [
    "Account",
    "Answer",
    "CancelOrder",
    "Deliver",
    "ExecutionReport",
    "FromStrategy",
    "Hello",
    "Logged",
    "NewOrder",
    "OpenOrder",
    "Raised",
    "Ready",
    "SessionState",
    "Stop",
    "ToStrategy",
    "VenueEvent",
]


# --- engine -> venue -----------------------------------------------------------------------------------------------


class NewOrder(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order as a venue takes it.  order_id: the engine's, unique for ever; sending one twice changes nothing.

    side: 1 buy, -1 sell.  order_type: market, limit, stop, stop_limit.  time_in_force: GTC, IOC, FOK, DAY.
    limit_price, stop_price: None where the type has none.  tag: strategy hash and operator, kept by the venue
    (RTS 6 article 12).
    """

    order_id: int
    symbol: str
    side: int
    quantity: float
    order_type: str
    time_in_force: str
    limit_price: float | None = None
    stop_price: float | None = None
    post_only: bool = False
    tag: str = ""


class CancelOrder(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Take an order back; answered by an ExecutionReport `cancelled`, or `cancel_rejected` where it has ended."""

    order_id: int


# --- venue -> engine -----------------------------------------------------------------------------------------------


class ExecutionReport(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What became of an order.

    kind: acknowledged, filled, cancelled, rejected, expired, cancel_rejected.  report_id: of this venue, from 1 without
    gaps, over all kinds.  execution_id: of this venue, from 0 without gaps, for `filled` alone (else -1).
    quantity, price: of this execution.  leaves: units still working.  liquidity: maker or taker.  reason: for people.
    """

    venue: str
    kind: str
    report_id: int
    order_id: int
    symbol: str
    side: int
    timestamp_ns: int
    execution_id: int = -1
    quantity: float = 0.0
    price: float = 0.0
    leaves: float = 0.0
    liquidity: str = "taker"
    reason: str = ""


class SessionState(msgspec.Struct, frozen=True, tag=True):
    """A venue's session came up or went down; on the way down the venue cancels what works there."""

    venue: str
    up: bool
    timestamp_ns: int
    reason: str = ""


class OpenOrder(msgspec.Struct, frozen=True):
    """An order that works at a venue.  leaves: units."""

    order_id: int
    symbol: str
    side: int
    quantity: float
    leaves: float
    limit_price: float | None = None


class Account(msgspec.Struct, frozen=True, tag=True):
    """A venue's own view of the engine's account, for reconciliation (drop copy).

    positions: signed units by symbol.  open_orders: what works.  last_report_id, last_execution_id: the newest given.
    """

    venue: str
    positions: dict[str, float]
    open_orders: list[OpenOrder]
    last_report_id: int
    last_execution_id: int
    timestamp_ns: int


type VenueEvent = PriceUpdate | ExecutionReport | SessionState


# --- engine -> strategy process ------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag=True):
    """First frame: what to run.

    source: the script's text.  class_name: "" where it has one class.  config: parameters.  instruments: what it sees.
    seed: for a strategy with a parameter `seed` that config leaves open, as in a backtest.
    """

    strategy_id: str
    source: str
    filename: str
    class_name: str
    config: dict[str, object]
    instruments: list[Instrument]
    seed: int = 0


class Deliver(msgspec.Struct, frozen=True, tag=True):
    """What happened, in order, then at most one price to answer.

    sequence: of this delivery, per strategy, from 1.  positions: symbol -> signed units after these fills, only what
    changed.  metrics: performance_metrics, only when changed.  price: None where there is nothing to answer.
    silent: the answer is not used (warming up), the strategy is called all the same.
    """

    sequence: int
    fills: list[OrderFill] = []
    breaches: list[RiskBreach] = []
    positions: dict[str, float] = {}
    metrics: dict[str, float] = {}
    price: PriceUpdate | None = None
    silent: bool = False


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Finish: the process answers what it has been given, then leaves."""


type ToStrategy = Hello | Deliver | Stop


# --- strategy process -> engine ------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Loaded and ready: what `get_strategy_info` says, and how it is to be seated."""

    name: str
    version: str
    description: str
    parameters: dict[str, object]
    sizing: str
    unit: float | dict[str, float]
    symbols: list[str]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """Answer to the delivery of this sequence: exactly one for each.  elapsed_ns: time spent in the strategy's code."""

    sequence: int
    signals: list[MarketSignal] = []
    elapsed_ns: int = 0


class Raised(msgspec.Struct, frozen=True, tag=True):
    """The strategy raised in `call`; `error` is for people.

    call: load, on_start, on_market_data, on_order_fill or on_risk_breach.  sequence: of the delivery (0 while loading);
    an Answer for it still follows, unless it could not be loaded.
    """

    sequence: int
    call: str
    error: str


class Logged(msgspec.Struct, frozen=True, tag=True):
    """A line that the strategy logged or printed; cut at 2,000 characters."""

    level: str
    text: str


type FromStrategy = Ready | Answer | Raised | Logged
