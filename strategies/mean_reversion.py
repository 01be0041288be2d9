"""Mean reversion on the z-score of the price within a rolling window."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.strategy.compiled import LAST, CompiledStrategy
from workbench.strategy.indicators import is_price, memory, push_zscore, zscore

SIDE, WAITING = 0, 1


class MeanReversionStrategy(CompiledStrategy):
    """Sells what stands far above its recent mean, buys what stands far below, and leaves near the mean.

    Idea: z = (price - mean) / standard deviation (population) of the last `window` prices, this one included.
    A large |z| without news is somebody in a hurry, and the price comes back. Beyond `stop` it is taken for
    news: out, and no new position until the price has been near its mean again. Each instrument is traded on
    its own.

    window: price updates, at least 3.
    exit, entry, stop: |z| near the mean, far from it, and too far, 0 <= exit < entry < stop. A window of n
    cannot show |z| above sqrt(n - 1), so entry must lie below that.

    Loses: in a trend, which looks like a chain of cheap prices all the way down; `stop` bounds it.
    """

    VERSION = "1.1.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 60, "entry": 2.0, "exit": 0.5, "stop": 4.0}
    CONSTRAINTS = ("0 <= exit < entry < stop", "window >= 3", "entry < sqrt(window - 1)")
    LOOKBACK = "window"

    @staticmethod
    def start(params: Any) -> Any:
        return zscore(params.window), memory(2)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> float:
        price = prices[LAST]
        if not is_price(price):
            return math.nan
        z, mind = push_zscore(state[0], price), state[1]
        if z != z:  # the window is not full yet
            return math.nan
        side = mind[SIDE]
        wanted = side
        if abs(z) >= params.stop:
            wanted, mind[WAITING] = 0.0, 1.0
        elif abs(z) <= params.exit:
            wanted, mind[WAITING] = 0.0, 0.0
        elif abs(z) >= params.entry and mind[WAITING] == 0.0:
            wanted = 1.0 if z < 0.0 else -1.0
        elif side * z > 0.0:  # through the mean and out on the other side in one move
            wanted = 0.0
        mind[SIDE] = wanted
        return wanted if wanted != side else math.nan
