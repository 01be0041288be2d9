"""Dual moving average cross, long or flat: the plainest trend strategy, and the yardstick for speed."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class SmaCrossStrategy(TradingStrategy):
    """Holds one unit from the fast average's cross above the slow one until it crosses back.

    Idea: a mean of recent prices above a mean of older ones is a trend, and trends last longer than they
    should. Each instrument is traded on its own; a signal is given at a cross only, the first after the slow
    window has filled.

    fast, slow: window lengths in price updates (minutes on minute bars, days on daily), 1 <= fast < slow.

    Loses: in a sideways market, where every small wave is bought high and sold low, and each cross costs the
    spread.
    """

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"fast": 10, "slow": 50}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.fast, self.slow = int(self.config["fast"]), int(self.config["slow"])
        if not 1 <= self.fast < self.slow:
            raise ParameterError(
                f"SmaCrossStrategy: expected 1 <= fast < slow, found fast={self.fast} and slow={self.slow}"
            )
        self._averages: dict[tuple[str, str], _Averages] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        price = price_update.last
        if not 0.0 < price < math.inf:
            return []
        instrument = (price_update.symbol, price_update.venue)
        state = self._averages.get(instrument)
        if state is None:
            state = self._averages[instrument] = _Averages(self.fast, self.slow)
        fast, slow = state.fast, state.slow
        # One form for warm-up and after: the windows start as zeros, so what leaves is always subtracted.
        state.fast_sum += price - fast[0]
        fast.append(price)
        state.slow_sum += price - slow[0]
        slow.append(price)
        if not slow[0]:  # one of the first zeros: the slow window is not full yet
            return []
        above = state.fast_sum / self.fast > state.slow_sum / self.slow
        before, state.above = state.above, above
        if before is None or above is before:
            return []
        strength = 1.0 if above else 0.0
        return [
            MarketSignal(symbol=instrument[0], signal_strength=strength, metadata={"venue": instrument[1]})
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Averages:
    """The two windows of one instrument and their running sums."""

    __slots__ = ("above", "fast", "fast_sum", "slow", "slow_sum")

    def __init__(self, fast: int, slow: int) -> None:
        self.fast = deque([0.0] * fast, maxlen=fast)
        self.slow = deque([0.0] * slow, maxlen=slow)
        self.fast_sum = 0.0
        self.slow_sum = 0.0
        self.above: bool | None = None
