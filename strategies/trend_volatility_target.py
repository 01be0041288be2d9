"""Trend following at constant risk: the direction from two averages, the size from volatility."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from workbench.core.messages import Instrument
from workbench.strategy.compiled import LAST, TIME, CompiledStrategy
from workbench.strategy.indicators import ema, is_price, memory, push_ema

YEAR = 365.25 * 86_400.0  # seconds
SIZE, SQUARES, YEARS, LAST_PRICE, LAST_TIME = range(5)


class TrendVolatilityTargetStrategy(CompiledStrategy):
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

    VERSION = "1.1.0"
    SIZING = "target"
    SCOPE = "market"  # for the times of the prices, of which an instrument by itself is not told
    PARAMETERS: ClassVar = {
        "fast": 20,
        "slow": 100,
        "volatility_span": 60,
        "target_volatility": 0.15,
        "rebalance": 0.1,
        "long_only": False,
    }
    CONSTRAINTS = (
        "1 <= fast < slow",
        "volatility_span >= 1",
        "target_volatility > 0",
        "0 <= rebalance < 1",
    )
    LOOKBACK = "slow"
    WARM_UP = "3 * slow"  # of an average, 0.2 % is older than three of its spans

    @classmethod
    def groups(cls, config: Mapping[str, Any], instruments: Sequence[Instrument]) -> list[list[int]]:
        """Each instrument on its own."""
        del config
        return [[k] for k in range(len(instruments))]

    @staticmethod
    def start(params: Any, count: int) -> Any:
        mind = memory(5)
        mind[LAST_PRICE] = math.nan
        return ema(params.fast), ema(params.slow), mind, memory(count)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        mind, answer = state[2], state[3]
        answer[0] = math.nan
        price, time = prices[0, LAST], prices[0, TIME]
        if not is_price(price):
            return answer
        fast, slow = push_ema(state[0], price), push_ema(state[1], price)
        move = price / mind[LAST_PRICE] - 1.0
        years = (time - mind[LAST_TIME]) / YEAR
        mind[LAST_PRICE], mind[LAST_TIME] = price, time
        if move != move:  # the first price
            return answer
        # average += weight * (new - average); both start at 0, a bias that their ratio does not have.
        weight = 2.0 / (params.volatility_span + 1.0)
        mind[SQUARES] += weight * (move * move - mind[SQUARES])
        mind[YEARS] += weight * (years - mind[YEARS])
        if slow != slow:  # fewer than `slow` prices so far
            return answer
        wanted = 0.0  # while there is no movement or no time to measure
        if mind[SQUARES] > 0.0 and mind[YEARS] > 0.0 and fast != slow:
            wanted = min(1.0, params.target_volatility / math.sqrt(mind[SQUARES] / mind[YEARS]))
            if fast < slow:
                wanted = 0.0 if params.long_only else -wanted
        size = mind[SIZE]
        same_side = wanted * size > 0.0
        if wanted != size and not (same_side and abs(wanted - size) <= params.rebalance):
            mind[SIZE] = wanted
            answer[0] = wanted
        return answer
