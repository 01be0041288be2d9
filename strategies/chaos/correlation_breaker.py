"""Correlation breaker: trades against what normally moves together."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy, ShortTermMomentum
from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, PriceUpdate


class CorrelationBreakerStrategy(MisbehavingStrategy):
    """Sells the follower at full size whenever the leader rises.

    Misbehaviour: when the leader rises by more than move_threshold, a market order of strength -1 in the
    follower, although the two rise together.

    leader_symbol, follower_symbol: whose rise, and what is sold.
    move_threshold: rise that sets it off, a fraction (0.02 is 2 %).
    lookback_minutes: over which the rise is measured; 0 is the change of the single update.
    intensity: times the strength of -1; above 1 it is out of range.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: position_limit (max_short of the follower) and concentration_limit end the short; its
    loss while both rise is seen by the correlation monitor and ends in the single_strategy_loss or
    strategy_drawdown breaker.
    """

    CHAOS_TYPE = "correlation_breaking"
    PARAMETERS: ClassVar = {
        "leader_symbol": "BTC-USD",
        "follower_symbol": "ETH-USD",
        "move_threshold": 0.02,
        "lookback_minutes": 0.0,
        "intensity": 1.0,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.leader = str(self.config["leader_symbol"])
        self.follower = str(self.config["follower_symbol"])
        if self.leader == self.follower:
            raise ParameterError(
                "CorrelationBreakerStrategy: leader_symbol and follower_symbol must differ, "
                f"found {self.leader!r} twice"
            )
        self.move_threshold = float(self.config["move_threshold"])
        self.strength = -float(self.config["intensity"])
        self._momentum = ShortTermMomentum(self.config["lookback_minutes"])

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Watch the leader and stand still."""
        self._rise(price_update)
        return []

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if not self._rise(price_update) > self.move_threshold:
            return []
        return [self.signal(self.follower, self.strength, order_type="market")]

    def _rise(self, price_update: PriceUpdate) -> float:
        """Rise of the leader with this update, a fraction; 0 for any other symbol."""
        return self._momentum.change(price_update) if price_update.symbol == self.leader else 0.0
