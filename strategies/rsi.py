"""Overbought and oversold by the relative strength index (J. W. Wilder, 1978)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import is_price, memory, push_rsi, rsi


class RsiStrategy(CompiledStrategy):
    """Buys what has fallen too fast, sells what has risen too fast, and leaves when the pace is even again.

    Idea: the index is the share of rises in all that the price has moved of late, 0 to 100. Below `lower` the
    sellers have spent themselves, above `upper` the buyers. A position is held until the index is back at
    `exit`. Each instrument is traded on its own.

    window: of Wilder's average, in price updates, at least 2.
    lower, exit, upper: of the index, 0 < lower < exit < upper < 100.
    long_only: stay flat instead of short.

    Loses: in a trend, where the index stays at an end for as long as the trend lasts; there is no stop.
    """

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 14, "lower": 30.0, "upper": 70.0, "exit": 50.0, "long_only": False}
    CONSTRAINTS = ("window >= 2", "0 < lower < exit < upper < 100")
    LOOKBACK = "window + 1"

    @staticmethod
    def start(params: Any) -> Any:
        return rsi(params.window), memory(1)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        index, mind = push_rsi(state[0], price), state[1]
        side = mind[0]
        wanted = side
        if index <= params.lower:
            wanted = 1.0
        elif index >= params.upper:
            wanted = 0.0 if params.long_only else -1.0
        elif (side > 0.0 and index >= params.exit) or (side < 0.0 and index <= params.exit):
            wanted = 0.0
        mind[0] = wanted  # an index that is not known yet satisfies none of these
        return wanted if wanted != side else math.nan
