"""Pairs: one asset against another at a rolling hedge ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.core.messages import Instrument
from workbench.errors import ParameterError
from workbench.strategy.compiled import LAST, TIME, CompiledStrategy
from workbench.strategy.indicators import is_price, memory, ols, push_ols

ASSET, HEDGE = 0, 1
SIDE, WAITING, SAMPLED = range(3)


class PairsStrategy(CompiledStrategy):
    """Sells an asset and buys its hedge when the asset is dear by their recent relation; or the reverse.

    Idea: least squares over the last `window` samples, asset = a + ratio x hedge; z is the last residual in
    standard deviations. Near 0 the pair is closed; beyond `stop` the relation is taken for broken: out, until
    z is near 0 again. Strengths are 1 and -ratio (scaled into -1..1), so `unit` must be one number for both
    legs.

    asset, hedge: symbols.  venue: where both trade; "" for the first of each among the prices.
    window: samples, at least 3.  sample_seconds: a sample is taken when both legs have a price in the same
    slice of this length, one per slice (60 for minutes; 86400 for days that close at different hours).
    exit, entry, stop: |z|, 0 <= exit < entry < stop and entry < sqrt(window - 1), the most a window can show.

    Loses: when the two part for good (a merger, a fork, a default); `stop` bounds the loss of one such
    divorce.
    """

    VERSION = "1.1.0"
    SIZING = "target"
    SCOPE = "market"
    PARAMETERS: ClassVar = {
        "asset": "ETH-USD",
        "hedge": "BTC-USD",
        "venue": "",
        "window": 120,
        "sample_seconds": 60,
        "entry": 2.0,
        "exit": 0.5,
        "stop": 4.0,
    }
    CONSTRAINTS = (
        "0 <= exit < entry < stop",
        "window >= 3",
        "entry < sqrt(window - 1)",
        "sample_seconds >= 1",
    )
    LOOKBACK = "window"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        asset, hedge = self.config["asset"], self.config["hedge"]
        if asset == hedge:
            raise ParameterError(f"PairsStrategy: asset and hedge must differ, found {asset!r} for both")

    @classmethod
    def groups(cls, config: Mapping[str, Any], instruments: Sequence[Instrument]) -> list[list[int]]:
        """The asset and the hedge; none where the prices lack one of them."""
        venue = config["venue"]
        found = [
            next(
                (k for k, i in enumerate(instruments) if i.symbol == symbol and venue in ("", i.venue)), None
            )
            for symbol in (config["asset"], config["hedge"])
        ]
        legs = [k for k in found if k is not None]
        return [legs] if len(legs) == 2 else []

    @staticmethod
    def start(params: Any, count: int) -> Any:
        mind = memory(3)
        mind[SAMPLED] = math.nan
        return ols(params.window), memory(count, math.nan), memory(count, math.nan), mind, memory(count)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        last, slices, mind, answer = state[1], state[2], state[3], state[4]
        answer[:] = math.nan
        for leg in range(len(prices)):
            if is_price(prices[leg, LAST]):
                last[leg] = prices[leg, LAST]
                slices[leg] = np.floor(prices[leg, TIME] / params.sample_seconds)
        if slices[ASSET] != slices[HEDGE] or slices[ASSET] == mind[SAMPLED]:
            return answer
        mind[SAMPLED] = slices[ASSET]
        fit = push_ols(state[0], last[HEDGE], last[ASSET])
        z = fit.residual / fit.deviation if fit.deviation > 0.0 else 0.0  # 0 while there is no relation yet
        side = mind[SIDE]
        wanted = side
        if abs(z) >= params.stop:
            wanted, mind[WAITING] = 0.0, 1.0
        elif abs(z) <= params.exit:
            wanted, mind[WAITING] = 0.0, 0.0
        elif side != 0.0:
            if side * z > 0.0:  # through the relation and out on the other side
                wanted = 0.0
        elif abs(z) >= params.entry and fit.slope > 0.0 and mind[WAITING] == 0.0:
            wanted = 1.0 if z < 0.0 else -1.0
        if wanted != side:
            mind[SIDE] = wanted
            scale = max(1.0, fit.slope)
            answer[ASSET] = wanted / scale if wanted != 0.0 else 0.0
            answer[HEDGE] = -wanted * fit.slope / scale if wanted != 0.0 else 0.0
        return answer
