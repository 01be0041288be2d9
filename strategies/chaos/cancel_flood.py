"""Cancel flood: one order, and cancel after cancel for it."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy, is_price
from workbench.strategy import MarketSignal, PriceUpdate


class CancelFloodStrategy(MisbehavingStrategy):
    """Rests one order far from the market and cancels it a hundred times, on every update.

    Misbehaviour: a lost acknowledgement that is taken for a lost cancel. Each update sends one limit buy away
    from the market and then `intensity` cancels of that same order: the first would do, the rest only load
    the venue.

    intensity: cancels per update.
    offset_bps: how far below the bid the order rests, in basis points of it.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: message_rate counts cancels as it counts orders and refuses the flood (rate_limited);
    the share of the bucket that is kept for emergency cancels stays free, so that a kill switch gets through.
    Cancels of an order that is gone change nothing. Nothing fills, nothing is lost.
    """

    CHAOS_TYPE = "cancel_flood"
    PARAMETERS: ClassVar = {
        "intensity": 100,
        "offset_bps": 100.0,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
    }
    BOUNDS: ClassVar = {"offset_bps": 9_999.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.cancels_per_update = int(self.config["intensity"])
        self.offset = float(self.config["offset_bps"]) / 1e4
        self._client_order_id = 0

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if not is_price(price_update.bid):
            return []
        self._client_order_id += 1
        target = {"venue": price_update.venue, "client_order_id": self._client_order_id}
        limit_price = price_update.bid * (1.0 - self.offset)
        rest = self.signal(price_update.symbol, 1.0, order_type="limit", limit_price=limit_price, **target)
        cancel = self.signal(price_update.symbol, 0.0, action="cancel", **target)
        return [rest, *[cancel] * self.cancels_per_update]
