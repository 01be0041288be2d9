"""One thread from price to signal to order to fill: JSON log lines and the event stream, written once it is durable."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from live.engine.events import EventStream
from live.engine.pump import Block
from live.engine.runner import correlation_name
from live.machine import Answered, ChaosTriggered, Input, LateSignals, Machine, StrategyNoted
from workbench.chaos.market_state import MarketGauge
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

__all__ = ["ALERTS", "Tracer"]

_LINES_S: Final = 100.0  # log lines a second for what may come thousands of times a second
_BURST: Final = 500.0
_FREQUENT: Final = frozenset((PriceUpdate, Answered, OrderAccepted, OrderFill, OrderRefused))
_ALERTS: Final = (BreakerTripped, BreakerReset, RiskAlert, MarketNotice)

_ALERT_NAMES: Final = {
    BreakerTripped: "breaker_tripped",
    BreakerReset: "breaker_reset",
    RiskAlert: "risk_alert",
}
ALERTS: Final = ("risk_breach", "market_notice", *_ALERT_NAMES.values())
"""Kinds of alerts that facts lead to."""
_ANOTHER_TIME_NS: Final = 60 * SECOND_NS  # a fact that is older is one of recorded prices, not a late one
_WITHIN_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

_log = structlog.get_logger("live.trace")


class Tracer:
    """Tells of each durable block.  suppressed: lines that were left out, as there were too many.

    alert_seconds: of each alert its kind, and how long after what it tells of it was published.
    """

    def __init__(self, events: EventStream, now_ns: Callable[[], int] = time.time_ns) -> None:
        """now_ns: the clock that blocks are stamped by."""
        self.suppressed = 0
        self.alert_seconds: deque[tuple[str, float]] = deque(maxlen=10_000)
        self._now_ns = now_ns
        self._block_ns = 0
        self._gauges: dict[tuple[str, str], MarketGauge] = {}
        self._events = events
        self._tokens = _BURST
        self._then = time.monotonic()
        self._up: set[str] = set()  # venues that have been up since the engine began
        self._late: dict[str, int] = {}  # signals, by strategy, that nobody was told of yet
        self._late_told: dict[str, int] = {}

    def block(self, machine: Machine, block: Block) -> None:
        """What comes by the thousand is told only where somebody watches, or while there are log lines left."""
        self._refill()
        self._block_ns = block.ns
        watched, left_out = self._events.watched, 0
        for item in block.inputs:
            if isinstance(item, PriceUpdate):
                self._gauge(item.symbol, item.venue).see(item.timestamp_ns, item.bid, item.ask)
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

    def _gauge(self, symbol: str, venue: str) -> MarketGauge:
        gauge = self._gauges.get((symbol, venue))
        if gauge is None:
            gauge = self._gauges[symbol, venue] = MarketGauge()
        return gauge

    def market_conditions(self, machine: Machine, symbol: str) -> dict[str, float]:
        """Of a symbol at the first venue that has it.

        spread_bps: basis points.  volatility: of the last 60 returns, a fraction a year.  volume: units.  last: price.
        """
        for k, instrument in enumerate(machine.desk.instruments):
            if instrument.symbol == symbol:
                row = machine.desk.view.instruments[k]
                mid = 0.5 * (float(row.bid) + float(row.ask))
                return {
                    "spread_bps": (float(row.ask) - float(row.bid)) / mid * 1e4
                    if mid > 0.0
                    else float("nan"),
                    "volatility": self._gauge(symbol, instrument.venue).measures().volatility,
                    "volume": float(row.volume),
                    "last": float(row.last),
                }
        return {}

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
                market_conditions=self.market_conditions(machine, signal.symbol),
                chaos_active=bool(record and record.chaos) or "chaos_type" in signal.metadata,
            )

    def _fact(self, machine: Machine, fact: Fact) -> None:
        if isinstance(fact, _ALERTS):
            self._alert(machine, fact)
        elif isinstance(fact, OrderFill):
            self._publish(machine, "fills", fact)
        elif isinstance(fact, RiskBreach):
            self._publish_alert("risk_breach", fact)
            if self._may_log():
                _log.warning("risk_breach", **_plain(machine, fact))
        elif isinstance(fact, OrderRefused):
            self._events.publish("orders", fact.timestamp_ns, _named(fact))
        else:
            self._publish(machine, "orders", fact)

    def _level(self, machine: Machine, notice: MarketNotice) -> int:
        """Of its line.  A venue with a session is down until it is ready for the first time, which is no news."""
        if notice.kind not in ("venue_down", "venue_up"):
            return logging.WARNING
        up, begins = notice.kind == "venue_up", notice.venue not in self._up
        if up:
            self._up.add(notice.venue)
        if begins and notice.venue in machine.setup.remote:
            return logging.DEBUG
        return logging.INFO if up else logging.WARNING

    def _publish_alert(self, kind: str, fact: Fact) -> None:
        age = self._block_ns - fact.timestamp_ns
        since = fact.timestamp_ns if 0 <= age < _ANOTHER_TIME_NS else self._block_ns
        self.alert_seconds.append((kind, max(0, self._now_ns() - since) / 1e9))
        self._events.publish("alerts", fact.timestamp_ns, _named(fact))

    def _alert(self, machine: Machine, fact: Fact) -> None:
        name = _ALERT_NAMES.get(type(fact), "market_notice")
        self._publish_alert(name, fact)
        if isinstance(fact, MarketNotice):
            if self._may_log():
                rest = {k: v for k, v in _plain(machine, fact).items() if k != "kind"}
                _log.log(self._level(machine, fact), fact.kind, **rest)
            return
        _log.warning(name, **_plain(machine, fact))

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
            _log.info(name, correlation_id=thread, **_plain(machine, fact))

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
    """OrderAccepted: order_accepted."""
    return _WITHIN_WORDS.sub("_", type(fact).__name__).lower()


def _plain(machine: Machine, fact: Fact) -> dict[str, Any]:
    """A fact's fields, with the strategy's class as its name, as in the lines of signals; "" for no strategy."""
    found: dict[str, Any] = msgspec.to_builtins(fact)
    strategy_id = found.setdefault("strategy_id", "")
    record = machine.strategies.get(strategy_id)
    found["strategy_name"] = record.class_name if record else strategy_id
    return found


def _named(fact: Fact) -> dict[str, Any]:
    return {"type": type(fact).__name__, **msgspec.to_builtins(fact)}
