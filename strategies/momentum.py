"""Time-series momentum on the efficiency ratio (P. Kaufman, Smarter Trading, 1995)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import is_price, lag, memory, push_lag, push_total, total

SIDE, PRICE = 0, 1


class MomentumStrategy(CompiledStrategy):
    """Goes with a move that was direct: long after a straight rise, short after a straight fall.

    Idea: efficiency = (price - price `lookback` updates ago) / (sum of the absolute moves between), from -1
    (straight down) to 1 (straight up). It has no unit, so minutes and days, coins and indices share one
    threshold; a random walk of n moves shows about 1 / sqrt(n) either way. Each instrument is traded on its
    own.

    lookback: moves looked back on, in price updates, at least 2.
    entry: efficiency at which a position is taken, 0 < entry <= 1.
    exit: efficiency in the position's direction below which it is given up, 0 <= exit < entry.

    Loses: when a straight move snaps back at once (it enters at the end), and slowly through costs in a quiet
    market.
    """

    VERSION = "1.1.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"lookback": 60, "entry": 0.3, "exit": 0.0}
    CONSTRAINTS = ("lookback >= 2", "0 <= exit < entry <= 1")
    LOOKBACK = "lookback + 1"

    @staticmethod
    def start(params: Any) -> Any:
        mind = memory(2)
        mind[PRICE] = math.nan
        return lag(params.lookback), total(params.lookback), mind

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        past, mind = push_lag(state[0], price), state[2]
        move = abs(price - mind[PRICE])
        mind[PRICE] = price
        if move != move:  # the first price
            return math.nan
        path = push_total(state[1], move)
        if path != path:  # the window is not full yet
            return math.nan
        efficiency = (price - past) / path if path > 0.0 else 0.0
        side = mind[SIDE]
        wanted = side
        if efficiency >= params.entry:
            wanted = 1.0
        elif efficiency <= -params.entry:
            wanted = -1.0
        elif side * efficiency < params.exit:
            wanted = 0.0
        mind[SIDE] = wanted
        return wanted if wanted != side else math.nan
