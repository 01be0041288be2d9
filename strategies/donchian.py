"""Channel breakout (Richard Donchian; the "turtle" rules of the 1980s are this with 20 and 10 days)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import highest, is_price, lowest, memory, push_highest, push_lowest

SIDE, UPPER, LOWER, CEILING, FLOOR = range(5)


class DonchianStrategy(CompiledStrategy):
    """Buys above the highest price of the last `entry` updates, sells below the lowest, and leaves at a nearer channel.

    Idea: a price that has not been seen for long is news, and those who bet against it have to cover. The
    channel is that of the prices before the present one. A long is given up below the lowest of the last `exit`
    prices, a short above the highest; an opposite break of the wide channel turns the position round. Each
    instrument is traded on its own.

    entry, exit: channel lengths in price updates, 1 <= exit <= entry.
    long_only: stay flat instead of short.

    Loses: in a range, where each break is the end of the move; most trades lose a little, a few pay for them.
    """

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"entry": 60, "exit": 30, "long_only": False}
    CONSTRAINTS = ("1 <= exit <= entry",)
    LOOKBACK = "entry + 1"

    @staticmethod
    def start(params: Any) -> Any:
        wide, narrow = params.entry, params.exit
        return highest(wide), lowest(wide), highest(narrow), lowest(narrow), memory(5, math.nan)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        mind = state[4]
        upper, lower, ceiling, floor = mind[UPPER], mind[LOWER], mind[CEILING], mind[FLOOR]
        mind[UPPER], mind[LOWER] = push_highest(state[0], price), push_lowest(state[1], price)
        mind[CEILING], mind[FLOOR] = push_highest(state[2], price), push_lowest(state[3], price)
        if upper != upper:  # the wide channel is not full yet
            return math.nan
        side = mind[SIDE] if mind[SIDE] == mind[SIDE] else 0.0
        wanted = side
        if price > upper:
            wanted = 1.0
        elif price < lower:
            wanted = 0.0 if params.long_only else -1.0
        elif (side > 0.0 and price < floor) or (side < 0.0 and price > ceiling):
            wanted = 0.0
        mind[SIDE] = wanted
        return wanted if wanted != side else math.nan
