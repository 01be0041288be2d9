"""Risk ignorant: every refusal is taken as a reason to bet more."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy
from workbench.strategy import MarketSignal, PriceUpdate, RiskBreach


class RiskIgnorantStrategy(MisbehavingStrategy):
    """Adds to its position on every update, and doubles down on each breach.

    Misbehaviour: one full-size order an update in the direction of its position (long while flat). A breach
    is logged and ignored; it multiplies the number of orders per update, and for a position limit a further
    order in the direction of each open position is sent on the next update (short where there is none).

    intensity: what a breach multiplies the number of orders by (2.0 doubles).
    max_orders_per_update: where the growth ends.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: position_limit and notional_limit refuse every order that would add to a full position,
    duplicate_order and message_rate refuse the growing burst; when the position goes wrong the
    single_strategy_loss or strategy_drawdown breaker trips, and nothing but reducing orders leaves after
    that.
    """

    CHAOS_TYPE = "risk_ignoring"
    PARAMETERS: ClassVar = {
        "intensity": 2.0,
        "max_orders_per_update": 64,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.growth = float(self.config["intensity"])
        self.most = int(self.config["max_orders_per_update"])
        self.breach_count = 0
        self.orders_per_update = 1.0
        self._contrarian: list[MarketSignal] = []

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        queued, self._contrarian = self._contrarian, []
        side = -1.0 if self.positions.get(price_update.symbol, 0.0) < 0.0 else 1.0
        order = self.signal(price_update.symbol, side, order_type="market", venue=price_update.venue)
        return [*queued, *[order] * int(self.orders_per_update)][: self.most]

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Ignore the breach and bet more."""
        if not self.chaos_active:
            return
        self.logger.info("Ignoring risk breach: %s", breach.breach_type)
        self.breach_count += 1
        self.orders_per_update = min(self.orders_per_update * self.growth, float(self.most))
        if breach.breach_type == "position_limit":
            self.generate_contrarian_signals()

    def generate_contrarian_signals(self) -> None:
        """Queue, for the next update, an order on each symbol that worsens the exposure."""
        room = self.most - len(self._contrarian)
        for symbol in sorted(self.active_symbols)[:room]:
            strength = 1.0 if self.positions.get(symbol, 0.0) > 0.0 else -1.0
            self._contrarian.append(self.signal(symbol, strength, order_type="market"))
