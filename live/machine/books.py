"""What is kept for people of what happens at the desk: orders, results, breaches, alerts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from live.machine.blotter import Blotter
from live.machine.results import Results
from workbench.core.facts import (
    BreakerTripped,
    CancelRequested,
    Fact,
    OrderAccepted,
    OrderAcknowledged,
    OrderEnded,
)
from workbench.core.messages import Instrument, OrderFill, RiskBreach

__all__ = ["Books"]

ALERTS_KEPT: Final = 1_000
_CHANGES: Final = (OrderEnded, CancelRequested, OrderAcknowledged)


class Books:
    """breaches: how many of each type and strategy.  alerts: the newest."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.blotter = Blotter()
        self.results = Results()
        self.alerts: deque[Fact] = deque(maxlen=ALERTS_KEPT)
        self.breaches: dict[tuple[str, str], int] = {}
        self._multiplier = {instrument.name: instrument.multiplier for instrument in instruments}

    def follow(self, facts: list[Fact]) -> None:
        """Enter what has happened."""
        blotter = self.blotter
        for fact in facts:
            kind = type(fact)  # what comes by the thousand first, and by its exact type, which is quicker
            if kind is OrderAccepted:
                blotter.accepted(fact)  # type: ignore[arg-type]
            elif kind is OrderFill:
                assert isinstance(fact, OrderFill)
                self._fill(fact)
            elif isinstance(fact, _CHANGES):
                blotter.changed(fact)
            elif isinstance(fact, RiskBreach):
                self.results.breach(fact.strategy_id)
                key = (fact.breach_type, fact.strategy_id)
                self.breaches[key] = self.breaches.get(key, 0) + 1
            elif isinstance(fact, BreakerTripped):
                self.results.stop(fact.strategy_id)
                self.alerts.append(fact)

    def _fill(self, fill: OrderFill) -> None:
        name = f"{fill.symbol}@{fill.venue}"
        closed = self.results.fill(
            fill.strategy_id,
            name,
            fill.quantity,
            fill.price,
            fill.fee,
            fill.timestamp_ns,
            self._multiplier[name],
        )
        self.blotter.filled(fill, closed)
