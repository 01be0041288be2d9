"""Faults of a strategy's signals: what a well-behaved strategy sends is replaced or bent on its way to the desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import ChaosKind, Family
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.core.signal_faults import MOST_WISHES, RISE, chased, grown, growth, leaks, repeats

__all__ = ["SignalFaults"]


class SignalFaults:
    """The signal faults of one strategy, in event time.

    `units` gives the size of a full-strength signal per symbol, for faults that make orders larger than a signal can.
    Draws by chance are a pure function of the event's seed and the number of signals so far.
    """

    def __init__(
        self,
        events: Iterable[ChaosEvent],
        strategy_id: str,
        symbols: Sequence[str],
        units: Mapping[str, float],
    ) -> None:
        self._events = [e for e in events if e.family is Family.SIGNAL and e.target in ("", strategy_id)]
        self._symbols = list(symbols)
        self._units = units
        self._sent = [0] * len(self._events)
        self._breaches = [0] * len(self._events)
        self._starts = [e.start_ns for e in self._events]
        self._ends = [e.end_ns for e in self._events]
        self.active = False

    def __bool__(self) -> bool:
        return bool(self._events)

    def heard_breach(self, timestamp_ns: int) -> None:
        """Count a breach towards the faults that are active then."""
        for i, (start, end) in enumerate(zip(self._starts, self._ends, strict=True)):
            if start <= timestamp_ns < end:
                self._breaches[i] += 1

    def apply(self, update: PriceUpdate, signals: Sequence[MarketSignal]) -> Sequence[MarketSignal]:
        """The signals that reach the desk in place of `signals`."""
        self.active = False
        now = update.timestamp_ns
        signals = signals[:MOST_WISHES]
        for i, event in enumerate(self._events):
            if self._starts[i] <= now < self._ends[i]:
                self.active = True
                signals = self._bent(i, event, update, signals)[:MOST_WISHES]
        return signals

    def _bent(
        self, i: int, event: ChaosEvent, update: PriceUpdate, signals: Sequence[MarketSignal]
    ) -> Sequence[MarketSignal]:
        match event.kind:
            case ChaosKind.RUNAWAY:
                # a quantity of its own, since a target that is repeated would come to one order
                terms = {"order_type": "market", "quantity": self._units.get(update.symbol, 1.0)}
                return [_signal(update.symbol, 1.0, event.kind, terms)] * repeats(event.intensity)
            case ChaosKind.RISK_IGNORANT:
                times = growth(event.intensity, self._breaches[i])
                return [self._grown(signal, times, event.kind) for signal in signals]
            case ChaosKind.VOLATILITY_AMPLIFIER:
                strength = chased(event.intensity, update.change_pct)
                if strength != strength:
                    return signals
                return [*signals, _signal(update.symbol, strength, event.kind)]
            case ChaosKind.CORRELATION_BREAKER:
                if not update.change_pct > RISE:
                    return signals
                others = [symbol for symbol in self._symbols if symbol != update.symbol] or [update.symbol]
                return [*signals, *(_signal(other, -event.intensity, event.kind) for other in others)]
            case ChaosKind.SLOW_LEAK:
                return [self._leaky(i, event, signal) for signal in signals]
        return signals

    def _grown(self, signal: MarketSignal, times: float, kind: ChaosKind) -> MarketSignal:
        unit = self._units.get(signal.symbol, 1.0)
        size = grown(float(signal.signal_strength), float(signal.confidence), float(unit), times)
        if size != size:
            return signal
        metadata = {**signal.metadata, "quantity": size, "chaos_type": str(kind)}
        return msgspec.structs.replace(signal, metadata=metadata)

    def _leaky(self, i: int, event: ChaosEvent, signal: MarketSignal) -> MarketSignal:
        self._sent[i] += 1
        if not leaks(event.intensity, event.seed % 2**31, self._sent[i]):
            return signal
        metadata = {**signal.metadata, "chaos_type": str(event.kind)}
        return msgspec.structs.replace(signal, signal_strength=-signal.signal_strength, metadata=metadata)


def _signal(
    symbol: str, strength: float, kind: ChaosKind, terms: Mapping[str, Any] | None = None
) -> MarketSignal:
    return MarketSignal(symbol, None, strength, 1.0, {"chaos_type": str(kind), **(terms or {})})
