"""Fat finger: the value of an order typed into the field for its quantity."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy, is_price
from workbench.strategy import MarketSignal, PriceUpdate


class FatFingerStrategy(MisbehavingStrategy):
    """Trades small lots to and fro and now and then types the value where the quantity belongs.

    Misbehaviour: buys and sells `quantity` units in turn; with probability `intensity` per order the quantity
    is price x quantity, so an order for 1 unit at 27,000 becomes one for 27,000 units.

    intensity: probability of the slip per order, 0 .. 1.
    quantity: units that are meant.
    start_after_minutes, duration_minutes (0: without end): when the slips happen; outside it none does.
    seed: of the slips.

    Expected response: max_order_value and max_order_volume refuse the slip, with position_limit,
    notional_limit and buying_power behind them; the sound orders pass.
    """

    CHAOS_TYPE = "fat_finger"
    PARAMETERS: ClassVar = {
        "intensity": 0.1,
        "quantity": 1.0,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
        "seed": 0,
    }
    BOUNDS: ClassVar = {"intensity": 1.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.probability = float(self.config["intensity"])
        self.quantity = float(self.config["quantity"])
        self._bought: set[tuple[str, str]] = set()

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Trade what is meant."""
        return self._order(price_update, slip=False)

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return self._order(price_update, slip=bool(self.random.random() < self.probability))

    def _order(self, price_update: PriceUpdate, *, slip: bool) -> list[MarketSignal]:
        if not is_price(price_update.last):
            return []
        key = (price_update.symbol, price_update.venue)
        strength = -1.0 if key in self._bought else 1.0
        self._bought ^= {key}
        quantity = price_update.last * self.quantity if slip else self.quantity
        return [
            self.signal(
                price_update.symbol,
                strength,
                order_type="market",
                venue=price_update.venue,
                quantity=quantity,
                slip=slip,
            )
        ]
