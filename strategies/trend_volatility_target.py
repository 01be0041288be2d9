"""Trend following at constant risk: the direction from two averages, the size from volatility."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

YEAR_NS = 365.25 * 86_400e9


class TrendVolatilityTargetStrategy(TradingStrategy):
    """Long above, short below its trend, with a position that shrinks as prices grow wilder.

    Idea: direction is the sign of a fast less a slow exponential average; size is target_volatility /
    volatility, at most 1, so that a day in a storm risks about what a day in a calm does. Volatility is per
    year of calendar time: smoothed squared returns over smoothed time between updates, hence minutes and days
    need no setting. Each instrument is traded on its own.

    fast, slow, volatility_span: spans of the averages in updates, 1 <= fast < slow, 1 <= volatility_span.
    target_volatility: per year, as a fraction (0.15 is 15 %), above 0.
    rebalance: change of size, as a share of the unit, that is worth an order, 0 <= rebalance < 1.
    long_only: stay flat instead of short.

    Loses: in markets without direction, and on the day that a calm breaks, when the position is at its
    largest.
    """

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {
        "fast": 20,
        "slow": 100,
        "volatility_span": 60,
        "target_volatility": 0.15,
        "rebalance": 0.1,
        "long_only": False,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        fast, self.slow, span = (int(self.config[key]) for key in ("fast", "slow", "volatility_span"))
        self.target = float(self.config["target_volatility"])
        self.rebalance = float(self.config["rebalance"])
        self.long_only = bool(self.config["long_only"])
        if not 1 <= fast < self.slow or span < 1:
            raise ParameterError(
                "TrendVolatilityTargetStrategy: expected 1 <= fast < slow and volatility_span >= 1, found "
                f"fast={fast}, slow={self.slow} and volatility_span={span}"
            )
        if self.target <= 0.0 or not 0.0 <= self.rebalance < 1.0:
            raise ParameterError(
                "TrendVolatilityTargetStrategy: expected target_volatility > 0 and 0 <= rebalance < 1, found "
                f"target_volatility={self.target} and rebalance={self.rebalance}"
            )
        self.fast_weight, self.slow_weight, self.weight = (2.0 / (n + 1) for n in (fast, self.slow, span))
        self._trends: dict[tuple[str, str], _Trend] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        price = price_update.last
        if not 0.0 < price < math.inf:
            return []
        instrument = (price_update.symbol, price_update.venue)
        state = self._trends.get(instrument)
        if state is None:
            self._trends[instrument] = _Trend(price, price_update.timestamp_ns)
            return []
        move = price / state.price - 1.0
        years = (price_update.timestamp_ns - state.time_ns) / YEAR_NS
        state.price, state.time_ns = price, price_update.timestamp_ns
        # average += weight * (new - average); the last two start at 0, a bias that their ratio does not have.
        state.fast += self.fast_weight * (price - state.fast)
        state.slow += self.slow_weight * (price - state.slow)
        state.squares += self.weight * (move * move - state.squares)
        state.years += self.weight * (years - state.years)
        state.count += 1
        if state.count < self.slow:
            return []
        wanted = self._wanted(state)
        same_side = wanted * state.size > 0.0
        if wanted == state.size or (same_side and abs(wanted - state.size) <= self.rebalance):
            return []
        state.size = wanted
        return [MarketSignal(symbol=instrument[0], signal_strength=wanted, metadata={"venue": instrument[1]})]

    def _wanted(self, state: _Trend) -> float:
        """Signed size, -1..1; 0 while there is no movement or no time to measure."""
        if not (state.squares > 0.0 and state.years > 0.0) or state.fast == state.slow:
            return 0.0
        size = min(1.0, self.target / math.sqrt(state.squares / state.years))
        if state.fast > state.slow:
            return size
        return 0.0 if self.long_only else -size

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Trend:
    """The averages of one instrument, its last price and time, and the size wanted last."""

    __slots__ = ("count", "fast", "price", "size", "slow", "squares", "time_ns", "years")

    def __init__(self, price: float, time_ns: int) -> None:
        self.price = self.fast = self.slow = price
        self.time_ns = time_ns
        self.squares = self.years = self.size = 0.0
        self.count = 1
