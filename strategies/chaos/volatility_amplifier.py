"""Volatility amplifier: momentum chased with more than full size."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MINUTE_NS, MisbehavingStrategy, ShortTermMomentum
from workbench.strategy import MarketSignal, PriceUpdate


class VolatilityAmplifierStrategy(MisbehavingStrategy):
    """Chases each move with twice the normal size, and so makes it larger.

    Misbehaviour: once the price has moved by more than momentum_threshold within lookback_minutes, every
    update sends a market order of strength sign(move) x amplification_factor, which is out of the allowed
    range of -1 .. 1.

    momentum_threshold: size of the move that is chased, a fraction (0.01 is 1 %).
    amplification_factor: the intensity; strength of the orders.
    lookback_minutes: over which the move is measured; where updates come more slowly, from the update before.
    max_duration_minutes: the chase of one instrument ends that long after its first order and starts anew
    once the market has calmed down; 0 is without end.
    start_after_minutes: event time before the misbehaviour begins.

    Expected response: a signal_out_of_range breach for each signal, whose strength is clipped to 1 (or which
    is refused, by setting); position_limit ends the chase, max_volume_share and the participation cap bound
    its size, price_collar refuses orders into a move that runs away.
    """

    CHAOS_TYPE = "volatility_amplification"
    PARAMETERS: ClassVar = {
        "momentum_threshold": 0.01,
        "amplification_factor": 2.0,
        "lookback_minutes": 5.0,
        "max_duration_minutes": 30.0,
        "start_after_minutes": 0.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.momentum_threshold = float(self.config["momentum_threshold"])
        self.amplification_factor = float(self.config["amplification_factor"])
        self._longest_ns = int(self.config["max_duration_minutes"] * MINUTE_NS)
        self._momentum = ShortTermMomentum(self.config["lookback_minutes"])
        self._chased_since: dict[tuple[str, str], int] = {}

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Watch the market and stand still."""
        self.calculate_short_term_momentum(price_update)
        return []

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        key = (price_update.symbol, price_update.venue)
        move = self.calculate_short_term_momentum(price_update)
        if not abs(move) > self.momentum_threshold:
            self._chased_since.pop(key, None)
            return []
        since = self._chased_since.setdefault(key, price_update.timestamp_ns)
        if self._longest_ns and price_update.timestamp_ns - since >= self._longest_ns:
            return []
        strength = self.amplification_factor if move > 0.0 else -self.amplification_factor
        return [self.signal(price_update.symbol, strength, order_type="market", venue=price_update.venue)]

    def calculate_short_term_momentum(self, price_update: PriceUpdate) -> float:
        """Price change over the lookback, a fraction."""
        return self._momentum.change(price_update)
