"""Wash trade: buying from oneself."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy, is_price
from workbench.strategy import MarketSignal, PriceUpdate


class WashTradeStrategy(MisbehavingStrategy):
    """Rests sell orders and then buys at their price, to show volume without a change of owner.

    Misbehaviour: per instrument, one update rests `intensity` limit sells just above the ask, the next sends
    as many limit buys at that very price, which cross them.

    intensity: pairs per round.
    offset_bps: how far above the ask the sells rest, in basis points of it.
    quantity: units per order.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: self_trade_prevention stops each buy (or the sell it would meet, or both, by setting),
    also when the other side belongs to a sister strategy; no execution has the house on both sides.
    """

    CHAOS_TYPE = "wash_trade"
    PARAMETERS: ClassVar = {
        "intensity": 1,
        "offset_bps": 5.0,
        "quantity": 1.0,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.pairs = int(self.config["intensity"])
        self.offset = float(self.config["offset_bps"]) / 1e4
        self.quantity = float(self.config["quantity"])
        self._resting: dict[tuple[str, str], float] = {}

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if not is_price(price_update.ask):
            return []
        key = (price_update.symbol, price_update.venue)
        resting = self._resting.pop(key, None)
        if resting is None:
            self._resting[key] = price_update.ask * (1.0 + self.offset)
            return self._orders(price_update, -1.0, self._resting[key])
        return self._orders(price_update, 1.0, resting)

    def _orders(self, price_update: PriceUpdate, strength: float, limit_price: float) -> list[MarketSignal]:
        order = self.signal(
            price_update.symbol,
            strength,
            order_type="limit",
            limit_price=limit_price,
            quantity=self.quantity,
            venue=price_update.venue,
        )
        return [order] * self.pairs
