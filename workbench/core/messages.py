"""Messages between the desk, strategies, venues and people: frozen facts and intents.

Prices are quote currency per unit, quantities are units (signed where said), times are UTC nanoseconds.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from workbench.core.codes import AlertSeverity

__all__ = [
    "Instrument",
    "MarketSignal",
    "OrderFill",
    "PriceUpdate",
    "RiskAlert",
    "RiskBreach",
    "to_datetime",
    "to_nanoseconds",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(timestamp_ns: int) -> datetime:
    """UTC datetime of a nanosecond time stamp; the digits below a microsecond are cut."""
    return _EPOCH + timedelta(microseconds=timestamp_ns // 1000)


def to_nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of `moment`; a time without zone is read as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


class Instrument(msgspec.Struct, frozen=True):
    """What is traded where: `symbol@venue`, its grid and its multiplier.

    tick: price step, 0 for none.  lot: quantity step in units, 0 for none.  min_notional: quote currency.
    multiplier: quote currency gained per unit of quantity when the price rises by 1.
    """

    symbol: str
    venue: str
    tick: float = 0.0
    lot: float = 0.0
    min_notional: float = 0.0
    multiplier: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.symbol}@{self.venue}"


class PriceUpdate(msgspec.Struct, frozen=True, gc=False):
    """One quote and last trade of one instrument.

    volume: units traded since the update before (NaN where unknown).  bid_size, ask_size: units (NaN where
    unknown).  change_pct: last / last of the update before - 1 (0 on the first).  sequence: per instrument, from 0.
    """

    symbol: str
    venue: str
    timestamp_ns: int
    bid: float
    ask: float
    last: float
    volume: float
    bid_size: float
    ask_size: float
    change_pct: float
    sequence: int

    @property
    def timestamp(self) -> datetime:
        return to_datetime(self.timestamp_ns)

    @property
    def mid(self) -> float:
        return 0.5 * (self.bid + self.ask)


class MarketSignal(msgspec.Struct, frozen=True, gc=False):
    """What a strategy wants; untrusted until the desk has parsed it.

    signal_strength: -1 (full short) .. 1 (full long).  confidence: 0 .. 1.  timestamp: left out, the desk's time.
    metadata, all optional: order_type (market, limit, stop, stop_limit), limit_price, stop_price, time_in_force
    (GTC, IOC, FOK, DAY), venue, reduce_only, post_only, quantity (an order of so many units in place of
    strength x confidence x unit, also where targets are sent; the sign comes from the strength), client_order_id
    (integer > 0), action (order, cancel, replace).
    Other keys are kept for the journal and change nothing.
    """

    symbol: str
    timestamp: datetime | None = None
    signal_strength: float = 0.0
    confidence: float = 1.0
    metadata: dict[str, Any] = {}


class OrderFill(msgspec.Struct, frozen=True, gc=False):
    """One execution of one order, as the strategy hears of it.

    quantity: signed units, > 0 bought.  price: quote currency per unit.  fee: quote currency, >= 0.
    leaves: units still working.  liquidity: "maker" or "taker".
    """

    order_id: int
    client_order_id: int
    execution_id: int
    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    price: float
    fee: float
    leaves: float
    liquidity: str
    timestamp_ns: int

    @property
    def timestamp(self) -> datetime:
        return to_datetime(self.timestamp_ns)

    @property
    def side(self) -> str:
        return "buy" if self.quantity > 0 else "sell"


class RiskBreach(msgspec.Struct, frozen=True, gc=False):
    """A rule that a strategy ran into.

    breach_type: the reason code in lower case (`position_limit`, `signal_out_of_range`, `strategy_error`, ...).
    value, limit: in the unit of the rule (NaN where a rule has no figure).  symbol, venue: "" where not bound to one.
    """

    breach_type: str
    strategy_id: str
    symbol: str
    venue: str
    value: float
    limit: float
    timestamp_ns: int

    @property
    def timestamp(self) -> datetime:
        return to_datetime(self.timestamp_ns)

    @property
    def message(self) -> str:
        where = f" on {self.symbol}@{self.venue}" if self.symbol else ""
        if not abs(self.value) < math.inf:  # a rule without a figure
            return f"{self.breach_type}{where}"
        return f"{self.breach_type}{where}: {self.value:.10g}, allowed {self.limit:.10g}"


class RiskAlert(msgspec.Struct, frozen=True, gc=False):
    """What a post-trade monitor saw.

    monitor: lower-case monitor name.  strategy_id: "" for the whole portfolio.  value, limit: unit of the monitor.
    """

    monitor: str
    severity: AlertSeverity
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int

    @property
    def timestamp(self) -> datetime:
        return to_datetime(self.timestamp_ns)

    @property
    def message(self) -> str:
        whose = self.strategy_id or "portfolio"
        return f"{whose}: {self.monitor} {self.value:.6g}, limit {self.limit:.6g}"
