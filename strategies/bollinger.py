"""Return into the Bollinger bands (John Bollinger, Bollinger on Bollinger Bands, 2001)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import is_price, memory, moments, push_moments

SIDE, OUTSIDE = 0, 1


class BollingerStrategy(CompiledStrategy):
    """Waits until a price that has left its bands comes back inside, and goes with it to the middle.

    Idea: bands lie `width` standard deviations (population) above and below the mean of the last `window`
    prices, this one included. Outside them a move is still under way; the way back in is what is traded, unlike
    mean_reversion, which buys the fall itself. The position is closed at the mean, and also when the price leaves
    the bands again on the side that it had come from. Each instrument is traded on its own.

    window: price updates, at least 3.
    width: standard deviations, 0 < width < sqrt(window - 1), the most that a window can show.
    long_only: stay flat instead of short.

    Loses: where a trend walks along a band, in and out, and each return is bought and given up again.
    """

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 20, "width": 2.0, "long_only": False}
    CONSTRAINTS = ("window >= 3", "0 < width < sqrt(window - 1)")
    LOOKBACK = "window + 1"

    @staticmethod
    def start(params: Any) -> Any:
        return moments(params.window), memory(2)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        found, mind = push_moments(state[0], price), state[1]
        if found.mean != found.mean:  # the window is not full yet
            return math.nan
        above = price - found.mean
        outside = 0.0
        if abs(above) > params.width * found.deviation and found.deviation > 1e-9 * found.mean:
            outside = 1.0 if above > 0.0 else -1.0
        side, before = mind[SIDE], mind[OUTSIDE]
        wanted = side
        if side == 0.0:
            if outside == 0.0 and before * above > 0.0:  # back inside, and not yet at the mean
                wanted = 1.0 if before < 0.0 else -1.0
                if params.long_only and wanted < 0.0:
                    wanted = 0.0
        elif side * above >= 0.0 or side * outside < 0.0:
            wanted = 0.0
        mind[SIDE], mind[OUTSIDE] = wanted, outside
        return wanted if wanted != side else math.nan
