"""Dual moving average cross, long or flat: the plainest trend strategy, and the yardstick for speed."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import is_price, memory, push_sma, sma


class SmaCrossStrategy(CompiledStrategy):
    """Holds one unit from the fast average's cross above the slow one until it crosses back.

    Idea: a mean of recent prices above a mean of older ones is a trend, and trends last longer than they
    should. Each instrument is traded on its own; a signal is given at a cross only, the first after the slow
    window has filled.

    fast, slow: window lengths in price updates (minutes on minute bars, days on daily), 1 <= fast < slow.

    Loses: in a sideways market, where every small wave is bought high and sold low, and each cross costs the
    spread.
    """

    VERSION = "1.1.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"fast": 10, "slow": 50}
    CONSTRAINTS = ("1 <= fast < slow",)
    LOOKBACK = "slow + 1"

    @staticmethod
    def start(params: Any) -> Any:
        return sma(params.fast), sma(params.slow), memory(1, math.nan)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:  # noqa: ARG004 - the windows are in the state
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        fast, slow, was_above = push_sma(state[0], price), push_sma(state[1], price), state[2]
        if slow != slow:  # its window is not full yet
            return math.nan
        above = 1.0 if fast > slow else 0.0
        before = was_above[0]
        was_above[0] = above
        return above if above != before and before == before else math.nan
