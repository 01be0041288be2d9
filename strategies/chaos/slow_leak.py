"""Slow leak: a sound rule that goes wrong a little more often with every decision."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy, is_price
from workbench.strategy import MarketSignal, PriceUpdate

MOST_ERRORS = 0.5  # from here on the decisions are a coin toss


class SlowLeakStrategy(MisbehavingStrategy):
    """Follows a trend rule whose decisions are turned round ever more often.

    Misbehaviour: each decision is the wrong way round with probability min(0.5, trade_count x
    degradation_rate), where trade_count counts the decisions since the leak began. Nothing looks broken:
    every order is small and valid, only the turnover rises and the P&L sinks.

    degradation_rate: the intensity; error probability added per decision.
    fast, slow: lengths, in updates, of the two exponential averages that the sound rule compares.
    start_after_minutes, duration_minutes (0: without end): when it leaks; outside it the rule is followed.
    seed: of the errors.

    Expected response: no single order can be refused for it; the drawdown monitor warns, and the
    single_strategy_loss or strategy_drawdown breaker stops the strategy. max_daily_trades (strategy_limit)
    bounds the turnover until then.
    """

    CHAOS_TYPE = "slow_leak"
    SIZING = "target"
    PARAMETERS: ClassVar = {
        "degradation_rate": 0.001,
        "fast": 10,
        "slow": 50,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
        "seed": 0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.degradation_rate = float(self.config["degradation_rate"])
        self._weights = tuple(2.0 / (float(self.config[key]) + 1.0) for key in ("fast", "slow"))
        self._warm_up = int(self.config["slow"])
        self._averages: dict[tuple[str, str], tuple[int, float, float]] = {}
        self._wanted: dict[tuple[str, str], float] = {}
        self.trade_count = 0

    def error_probability(self) -> float:
        """Chance that the decision at hand is turned round."""
        return min(MOST_ERRORS, self.trade_count * self.degradation_rate)

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Follow the rule."""
        return self._send(price_update, self.generate_good_signal(price_update), 0.0)

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        wanted = self.generate_good_signal(price_update)
        if wanted == 0.0:
            return []
        self.trade_count += 1
        probability = self.error_probability()
        if self.random.random() < probability:
            wanted = self.generate_bad_signal(wanted)
        return self._send(price_update, wanted, probability)

    def generate_good_signal(self, price_update: PriceUpdate) -> float:
        """Position that the rule wants: +1 with the fast average above the slow one, -1 below, 0 if unknown."""
        key, price = (price_update.symbol, price_update.venue), price_update.last
        if not is_price(price):
            return 0.0
        count, fast, slow = self._averages.get(key, (0, price, price))
        fast += self._weights[0] * (price - fast)
        slow += self._weights[1] * (price - slow)
        self._averages[key] = (count + 1, fast, slow)
        if count + 1 < self._warm_up or fast == slow:
            return 0.0
        return 1.0 if fast > slow else -1.0

    def generate_bad_signal(self, good: float) -> float:
        """The position that the rule warns against."""
        return -good

    def _send(self, price_update: PriceUpdate, wanted: float, probability: float) -> list[MarketSignal]:
        """A signal where the wanted position is another than before."""
        key = (price_update.symbol, price_update.venue)
        if wanted == 0.0 or wanted == self._wanted.get(key):
            return []
        self._wanted[key] = wanted
        return [
            self.signal(price_update.symbol, wanted, venue=price_update.venue, error_probability=probability)
        ]
