"""From rows of the event buffer to facts with names in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import nan

import msgspec

from workbench.core.codes import (
    AlertSeverity,
    Breaker,
    Check,
    EventKind,
    Liquidity,
    Monitor,
    OrderState,
    OrderType,
    Refusal,
    TimeInForce,
    VenueReason,
    label,
)
from workbench.core.facts import (
    BreakerReset,
    BreakerTripped,
    CancelRequested,
    Fact,
    MarketNotice,
    OrderAccepted,
    OrderAcknowledged,
    OrderEnded,
    OrderRefused,
    SignalRefused,
    StopTriggered,
)
from workbench.core.messages import Instrument, OrderFill, RiskAlert, RiskBreach
from workbench.core.state import NONE
from workbench.core.step import ERROR_CODE

__all__ = ["Decoder", "breaker_labels", "check_labels"]

_CHECKS = {int(c): label(c) for c in Check}
_BREAKERS = {int(b): label(b) for b in Breaker}
_REFUSALS = {int(r): label(r) for r in Refusal} | {ERROR_CODE: "strategy_error"}
_REASONS = {int(r): label(r) for r in VenueReason}
_MONITORS = {int(m): label(m) for m in Monitor}
_TYPES = {int(t): label(t) for t in OrderType}
_TIFS = {int(t): t.name for t in TimeInForce}
_LIQUIDITY = {int(q): label(q) for q in Liquidity}
_ENDINGS = {
    int(EventKind.ORDER_CANCELLED): label(OrderState.CANCELLED),
    int(EventKind.ORDER_REJECTED): label(OrderState.REJECTED_BY_VENUE),
    int(EventKind.ORDER_EXPIRED): label(OrderState.EXPIRED),
}
_NOTICES = {int(k): label(k) for k in EventKind}
_OF_VENUE = {
    EventKind.DUPLICATE_EXECUTION,
    EventKind.EXECUTION_GAP,
    EventKind.VENUE_DOWN,
    EventKind.VENUE_UP,
    EventKind.VENUE_HALTED,
    EventKind.VENUE_RESUMED,
}

type Row = tuple[int, int, int, int, int, int, int, int, int, float, float, float, float]
"""kind, number, ns, strategy, instrument, order, code, side, client, quantity, price, value, limit"""


@lru_cache(maxsize=4096)
def check_labels(mask: int) -> tuple[str, ...]:
    """Reason codes of the checks in a failure mask."""
    return tuple(name for bit, name in _CHECKS.items() if mask >> bit & 1)


def breaker_labels(mask: int) -> tuple[str, ...]:
    """Reason codes of the breakers in a latch mask."""
    return tuple(name for bit, name in _BREAKERS.items() if mask >> bit & 1)


class Decoder:
    """Turns event rows of one desk into facts."""

    def __init__(
        self, instruments: Sequence[Instrument], strategies: Sequence[str], venues: Sequence[str]
    ) -> None:
        self._symbols = [i.symbol for i in instruments] + [""]  # index NONE is the last
        self._venues_of = [i.venue for i in instruments] + [""]
        self._strategies = [*strategies, ""]
        self._venues = list(venues)
        handlers: dict[EventKind, Callable[[Row], Fact]] = {
            EventKind.ORDER_FILLED: self._filled,
            EventKind.ORDER_ACCEPTED: self._accepted,
            EventKind.ORDER_REFUSED: self._refused,
            EventKind.ORDER_ACKNOWLEDGED: self._acknowledged,
            EventKind.CANCEL_REQUESTED: self._asked_back,
            EventKind.ORDER_CANCELLED: self._ended,
            EventKind.ORDER_REJECTED: self._ended,
            EventKind.ORDER_EXPIRED: self._ended,
            EventKind.STOP_TRIGGERED: self._triggered,
            EventKind.SIGNAL_REFUSED: self._signal_refused,
            EventKind.BREACH: self._breach,
            EventKind.ALERT: self._alert,
            EventKind.BREAKER_TRIPPED: self._tripped,
            EventKind.BREAKER_RESET: self._reset,
        }
        self._handlers = [
            handlers.get(EventKind(k), self._notice) if k else self._notice for k in range(len(EventKind) + 1)
        ]

    def facts(self, rows: Sequence[Row]) -> list[Fact]:
        """Facts of `rows` in order; a refused order is followed by one breach for each check that failed, a
        tripped breaker by one for each strategy that it stops."""
        handlers = self._handlers
        found: list[Fact] = []
        for row in rows:
            fact = handlers[row[0]](row)
            found.append(fact)
            if type(fact) is OrderRefused:
                found.extend(self._breaches(fact))
            elif type(fact) is BreakerTripped:
                found.extend(self._stopped(fact))
        return found

    def _filled(self, row: Row) -> OrderFill:
        _, number, ns, s, k, order, code, _, client, quantity, price, fee, leaves = row
        return OrderFill(
            order,
            client,
            number,
            self._strategies[s],
            self._symbols[k],
            self._venues_of[k],
            quantity,
            price,
            fee,
            leaves,
            _LIQUIDITY[code],
            ns,
        )

    def _accepted(self, row: Row) -> OrderAccepted:
        _, _, ns, s, k, order, code, side, client, quantity, limit, stop, tif = row
        return OrderAccepted(
            order,
            client,
            self._strategies[s],
            self._symbols[k],
            self._venues_of[k],
            side,
            quantity,
            _TYPES[code],
            _TIFS[int(tif)],
            limit,
            stop,
            ns,
        )

    def _refused(self, row: Row) -> OrderRefused:
        _, _, ns, s, k, _, mask, side, client, quantity, price, value, limit = row
        return OrderRefused(
            client,
            self._strategies[s],
            self._symbols[k],
            self._venues_of[k],
            side,
            quantity,
            price,
            check_labels(mask),
            value,
            limit,
            ns,
        )

    def _breaches(self, refused: OrderRefused) -> list[RiskBreach]:
        _, strategy, symbol, venue, _, _, _, checks, value, limit, ns = msgspec.structs.astuple(refused)
        breaches = [RiskBreach(checks[0], strategy, symbol, venue, value, limit, ns)]
        breaches.extend(RiskBreach(check, strategy, symbol, venue, nan, nan, ns) for check in checks[1:])
        return breaches

    def _ended(self, row: Row) -> OrderEnded:
        kind, _, ns, s, k, order, code, side, client, leaves, _, _, _ = row
        return OrderEnded(
            order,
            client,
            self._strategies[s],
            self._symbols[k],
            self._venues_of[k],
            side,
            leaves,
            _ENDINGS[kind],
            _REASONS[code],
            ns,
        )

    def _asked_back(self, row: Row) -> CancelRequested:
        _, _, ns, s, k, order, code, side, client, leaves, _, _, _ = row
        return CancelRequested(
            order,
            client,
            self._strategies[s],
            self._symbols[k],
            self._venues_of[k],
            side,
            leaves,
            _REASONS[code],
            ns,
        )

    def _acknowledged(self, row: Row) -> OrderAcknowledged:
        _, _, ns, s, k, order, _, side, client, leaves, _, _, _ = row
        return OrderAcknowledged(
            order, client, self._strategies[s], self._symbols[k], self._venues_of[k], side, leaves, ns
        )

    def _triggered(self, row: Row) -> StopTriggered:
        _, _, ns, s, k, order, _, _, _, _, price, stop, _ = row
        return StopTriggered(
            order, self._strategies[s], self._symbols[k], self._venues_of[k], price, stop, ns
        )

    def _signal_refused(self, row: Row) -> SignalRefused:
        _, _, ns, s, k, _, code, _, _, _, _, value, _ = row
        return SignalRefused(
            self._strategies[s], self._symbols[k], self._venues_of[k], _REFUSALS[code], value, ns
        )

    def _breach(self, row: Row) -> RiskBreach:
        _, _, ns, s, k, _, code, _, _, _, _, value, limit = row
        kind = _REFUSALS[code]
        return RiskBreach(kind, self._strategies[s], self._symbols[k], self._venues_of[k], value, limit, ns)

    def _alert(self, row: Row) -> RiskAlert:
        _, _, ns, s, monitor, _, code, _, _, _, _, value, limit = row
        return RiskAlert(_MONITORS[monitor], AlertSeverity(code), self._strategies[s], value, limit, ns)

    def _tripped(self, row: Row) -> BreakerTripped:
        _, _, ns, s, _, _, code, _, _, _, _, value, limit = row
        return BreakerTripped(_BREAKERS[code], self._strategies[s], value, limit, ns)

    def _stopped(self, tripped: BreakerTripped) -> list[RiskBreach]:
        names = [tripped.strategy_id] if tripped.strategy_id else self._strategies[:-1]
        reason, value, limit, ns = tripped.reason, tripped.value, tripped.limit, tripped.timestamp_ns
        return [RiskBreach(reason, name, "", "", value, limit, ns) for name in names]

    def _reset(self, row: Row) -> BreakerReset:
        _, _, ns, s, _, _, _, _, _, _, _, value, _ = row
        return BreakerReset(breaker_labels(int(value)), self._strategies[s], ns)

    def _notice(self, row: Row) -> MarketNotice:
        kind, _, ns, _, k, _, code, _, _, _, _, value, limit = row
        venue = self._venues[code] if kind in _OF_VENUE else self._venues_of[k]
        symbol = self._symbols[k] if k != NONE else ""
        return MarketNotice(_NOTICES[kind], symbol, venue, value, limit, ns)
