"""Runaway: an order generator that has lost its brake."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy
from workbench.strategy import MarketSignal, PriceUpdate


class RunawayStrategy(MisbehavingStrategy):
    """Sends a burst of full-size market buys on every price update.

    Misbehaviour: 100 market buy orders an update, whatever the position, the price or the answer.

    intensity: orders per update.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: duplicate_order lets ten identical orders a second through and message_rate bounds the
    burst; what passes stops at position_limit and notional_limit. No limit is exceeded by more than one
    order.
    """

    CHAOS_TYPE = "runaway_buying"
    PARAMETERS: ClassVar = {"intensity": 100, "start_after_minutes": 0.0, "duration_minutes": 0.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.orders_per_update = int(self.config["intensity"])

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        buy = self.signal(price_update.symbol, 1.0, order_type="market", venue=price_update.venue)
        return [buy] * self.orders_per_update
