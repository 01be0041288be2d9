"""One thread from price to signal to order to fill: JSON log lines and the event stream, written once it is durable."""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
import structlog

from live.engine.events import EventStream
from live.engine.pump import Block
from live.engine.runner import correlation_name
from live.machine import Answered, ChaosTriggered, Input, LateSignals, Machine, StrategyNoted
from workbench.core.facts import (
    BreakerReset,
    BreakerTripped,
    Fact,
    MarketNotice,
    OrderAccepted,
    OrderRefused,
)
from workbench.core.messages import OrderFill, PriceUpdate, RiskAlert, RiskBreach
from workbench.core.state import SECOND_NS

__all__ = ["Tracer", "market_conditions"]

_LINES_S: Final = 100.0  # log lines a second for what may come thousands of times a second
_BURST: Final = 500.0
_FREQUENT: Final = frozenset((PriceUpdate, Answered, OrderAccepted, OrderFill, OrderRefused))
_ALERTS: Final = (BreakerTripped, BreakerReset, RiskAlert, MarketNotice)

_log = structlog.get_logger("live.trace")


def market_conditions(machine: Machine, symbol: str) -> dict[str, float]:
    """Spread in basis points, volume in units and last price of a symbol at the first venue that has it."""
    for k, instrument in enumerate(machine.desk.instruments):
        if instrument.symbol == symbol:
            row = machine.desk.view.instruments[k]
            mid = 0.5 * (float(row.bid) + float(row.ask))
            spread = (float(row.ask) - float(row.bid)) / mid * 1e4 if mid > 0.0 else float("nan")
            return {"spread_bps": spread, "volume": float(row.volume), "last": float(row.last)}
    return {}


class Tracer:
    """Tells of each durable block.  suppressed: lines that were left out, as there were too many."""

    def __init__(self, events: EventStream) -> None:
        self.suppressed = 0
        self._events = events
        self._tokens = _BURST
        self._then = time.monotonic()
        self._late: dict[str, int] = {}  # signals, by strategy, that nobody was told of yet
        self._late_told: dict[str, int] = {}

    def block(self, machine: Machine, block: Block) -> None:
        """What comes by the thousand is told only where somebody watches, or while there are log lines left."""
        self._refill()
        watched, left_out = self._events.watched, 0
        for item in block.inputs:
            if watched or self._tokens >= 1.0 or type(item) not in _FREQUENT:
                self._input(machine, item, block.ns)
            else:
                left_out += 1
        for fact in block.facts:
            if watched or self._tokens >= 1.0 or type(fact) not in _FREQUENT:
                self._fact(machine, fact if fact.timestamp_ns >= 0 else _at(fact, block.ns))
            else:
                left_out += 1
        self._tell_late(block.ns)
        if left_out:
            self.suppressed += left_out
            self._events.skip(left_out)

    def _input(self, machine: Machine, item: Input, ns: int) -> None:
        if isinstance(item, PriceUpdate):
            if self._events.watched:
                self._events.publish("prices", item.timestamp_ns, item)
            else:
                self._events.skip()
        elif isinstance(item, Answered):
            self._signals(machine, item, ns)
        elif isinstance(item, LateSignals):
            self._late[item.strategy_id] = self._late.get(item.strategy_id, 0) + item.count
        elif isinstance(item, ChaosTriggered):
            self._events.publish("strategies", ns, {"type": "ChaosTriggered", **msgspec.to_builtins(item)})
        elif isinstance(item, StrategyNoted):
            self._events.publish("strategies", ns, item.record)

    def _tell_late(self, ns: int) -> None:
        """Signals that were refused because their check could not be done in time: one alert a second and strategy."""
        for strategy_id in [name for name in self._late if ns >= self._late_told.get(name, 0) + SECOND_NS]:
            count = self._late.pop(strategy_id)
            self._late_told[strategy_id] = ns
            body = {"alert": "risk_check_timeout", "strategy_id": strategy_id, "signals": count}
            self._events.publish("alerts", ns, body)
            _log.warning("risk_check_timeout", strategy_name=strategy_id, signals=count)

    def _signals(self, machine: Machine, item: Answered, ns: int) -> None:
        correlation = correlation_name(item.strategy_id, item.correlation)
        if not self._events.watched:
            self._events.skip()
        else:
            body = {
                "strategy_id": item.strategy_id,
                "correlation_id": correlation,
                "signals": [msgspec.to_builtins(signal) for signal in item.signals[:100]],
            }
            self._events.publish("signals", ns, body)
        record = machine.strategies.get(item.strategy_id)
        for signal in item.signals[:10]:
            if not self._may_log():
                return
            _log.info(
                "signal_generated",
                correlation_id=correlation,
                strategy_name=record.class_name if record else item.strategy_id,
                strategy_version=record.version if record else "",
                strategy_id=item.strategy_id,
                symbol=signal.symbol,
                signal_strength=signal.signal_strength,
                confidence=signal.confidence,
                market_conditions=market_conditions(machine, signal.symbol),
                chaos_active=bool(record and record.chaos) or "chaos_type" in signal.metadata,
            )

    def _fact(self, machine: Machine, fact: Fact) -> None:
        if isinstance(fact, _ALERTS):
            self._alert(fact)
        elif isinstance(fact, OrderFill):
            self._publish(machine, "fills", fact)
        elif isinstance(fact, RiskBreach):
            self._events.publish("alerts", fact.timestamp_ns, _named(fact))
            if self._may_log():
                _log.warning("risk_breach", **_plain(fact))
        elif isinstance(fact, OrderRefused):
            self._events.publish("orders", fact.timestamp_ns, _named(fact))
        else:
            self._publish(machine, "orders", fact)

    def _alert(self, fact: Fact) -> None:
        self._events.publish("alerts", fact.timestamp_ns, _named(fact))
        if isinstance(fact, MarketNotice):
            if self._may_log():
                _log.warning(fact.kind, **{k: v for k, v in _plain(fact).items() if k != "kind"})
            return
        names = {BreakerTripped: "breaker_tripped", BreakerReset: "breaker_reset", RiskAlert: "risk_alert"}
        _log.warning(names[type(fact)], **_plain(fact))

    def _publish(self, machine: Machine, kind: str, fact: Any) -> None:
        watched, logged = self._events.watched, self._may_log()
        if not watched:
            self._events.skip()
            if not logged:
                return
        line = machine.blotter.find(getattr(fact, "order_id", 0))
        thread = correlation_name(line.strategy_id, line.correlation) if line else ""
        if watched:
            self._events.publish(kind, fact.timestamp_ns, {**_named(fact), "correlation_id": thread})
        if logged:
            name = "order_filled" if isinstance(fact, OrderFill) else _event_name(fact)
            _log.info(name, correlation_id=thread, **_plain(fact))

    def _refill(self) -> None:
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._then) * _LINES_S)
        self._then = now

    def _may_log(self) -> bool:
        if self._tokens < 1.0:
            self.suppressed += 1
            return False
        self._tokens -= 1.0
        return True


def _at(fact: Fact, ns: int) -> Fact:
    """A fact of before the first price, when the desk knows no time."""
    return msgspec.structs.replace(fact, timestamp_ns=ns)


def _event_name(fact: Fact) -> str:
    return "order_accepted" if isinstance(fact, OrderAccepted) else type(fact).__name__.lower()


def _plain(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(fact)
    found["strategy_name"] = found.pop("strategy_id", "")
    return found


def _named(fact: Fact) -> dict[str, Any]:
    return {"type": type(fact).__name__, **msgspec.to_builtins(fact)}
