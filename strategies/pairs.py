"""Pairs: one asset against another at a rolling hedge ratio."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class PairsStrategy(TradingStrategy):
    """Sells an asset and buys its hedge when the asset is dear by their recent relation; or the reverse.

    Idea: least squares over the last `window` samples, asset = a + ratio x hedge; z is the last residual in
    standard deviations. Near 0 the pair is closed; beyond `stop` the relation is taken for broken: out, until
    z is near 0 again. Strengths are 1 and -ratio (scaled into -1..1), so `unit` must be one number for both
    legs.

    asset, hedge: symbols.  venue: where both trade; "" for the first that quotes each.
    window: samples, at least 3.  sample_seconds: a sample is taken when both legs have a price in the same
    slice of this length, one per slice (60 for minutes; 86400 for days that close at different hours).
    exit, entry, stop: |z|, 0 <= exit < entry < stop and entry < sqrt(window - 1), the most a window can show.

    Loses: when the two part for good (a merger, a fork, a default); `stop` bounds the loss of one such
    divorce.
    """

    VERSION = "1.0.0"
    SIZING = "target"
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

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.asset, self.hedge = str(self.config["asset"]), str(self.config["hedge"])
        self.exit, self.entry, self.stop = (float(self.config[key]) for key in ("exit", "entry", "stop"))
        window, seconds = int(self.config["window"]), int(self.config["sample_seconds"])
        if self.asset == self.hedge:
            raise ParameterError(f"PairsStrategy: asset and hedge must differ, found {self.asset!r} for both")
        if not 0.0 <= self.exit < self.entry < self.stop:
            raise ParameterError(
                "PairsStrategy: expected 0 <= exit < entry < stop, found "
                f"exit={self.exit}, entry={self.entry} and stop={self.stop}"
            )
        if window < 3 or self.entry >= math.sqrt(window - 1) or seconds < 1:
            raise ParameterError(
                "PairsStrategy: expected window >= 3, entry < sqrt(window - 1), sample_seconds >= 1, found "
                f"window={window}, entry={self.entry} and sample_seconds={seconds}"
            )
        self.slice_ns = seconds * 1_000_000_000
        self._venues: dict[str, str] = {}
        self._last: dict[str, tuple[int, float]] = {}  # symbol -> (slice, price)
        self._sampled = -1
        self._fit = _Fit(window)
        self._side = 0.0
        self._waiting = False

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        symbol, price = price_update.symbol, price_update.last
        if symbol not in (self.asset, self.hedge) or not 0.0 < price < math.inf:
            return []
        if self._venues.setdefault(symbol, self.config["venue"] or price_update.venue) != price_update.venue:
            return []
        now = price_update.timestamp_ns // self.slice_ns
        self._last[symbol] = (now, price)
        if now == self._sampled or len(self._last) < 2 or any(at != now for at, _ in self._last.values()):
            return []
        self._sampled = now
        z, ratio = self._fit.push(self._last[self.hedge][1], self._last[self.asset][1])
        wanted = self._wanted(z, ratio)
        if wanted == self._side:
            return []
        self._side = wanted
        scale = max(1.0, ratio)
        strengths = {self.asset: wanted / scale, self.hedge: -wanted * ratio / scale if wanted else 0.0}
        return [
            MarketSignal(symbol=leg, signal_strength=strength, metadata={"venue": self._venues[leg]})
            for leg, strength in strengths.items()
        ]

    def _wanted(self, z: float, ratio: float) -> float:
        """The side of the asset that `z` asks for: 1, 0 or -1; it opens none where legs move apart."""
        if abs(z) >= self.stop:
            self._waiting = True
            return 0.0
        if abs(z) <= self.exit:
            self._waiting = False
            return 0.0
        if self._side:
            return self._side if self._side * z < 0.0 else 0.0
        return -math.copysign(1.0, z) if abs(z) >= self.entry and ratio > 0.0 and not self._waiting else 0.0

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Fit:
    """Least squares of y on x over the last samples: means, and sums of squared and mixed deviations."""

    def __init__(self, window: int) -> None:
        self.samples: deque[tuple[float, float]] = deque([(0.0, 0.0)] * window, maxlen=window)
        self.x = self.y = self.xx = self.yy = self.xy = 0.0
        self.age = 0  # samples since the figures were last taken anew

    def push(self, x: float, y: float) -> tuple[float, float]:
        """Take one sample; z of its residual and the ratio, 0 until the window is full and moves."""
        n = len(self.samples)
        old_x, old_y = self.samples[0]
        self.samples.append((x, y))
        dx, dy, mean_x, mean_y = x - old_x, y - old_y, self.x, self.y
        # Welford's update with the old sample leaving as the new one enters, in both variables.
        self.x += dx / n
        self.y += dy / n
        self.xx += dx * ((x - self.x) + (old_x - mean_x))
        self.yy += dy * ((y - self.y) + (old_y - mean_y))
        self.xy += dy * (x - self.x) + dx * (old_y - mean_y)
        self.age += 1
        if self.age == n:
            self._renew()
        # Deviations below a billionth of the price are rounding, not movement.
        if not self.samples[0][0] or not self.xx > n * (1e-9 * self.x) ** 2:
            return 0.0, 0.0
        ratio = self.xy / self.xx
        variance = (self.yy - ratio * self.xy) / n
        if not variance > (1e-9 * self.y) ** 2:
            return 0.0, ratio
        return ((y - self.y) - ratio * (x - self.x)) / math.sqrt(variance), ratio

    def _renew(self) -> None:
        """Take the figures from the samples, so that rounding and bad ticks leave as they turn over."""
        n = len(self.samples)
        self.age = 0
        self.x = self.y = self.xx = self.yy = self.xy = 0.0
        for x, y in self.samples:
            self.x += x / n
            self.y += y / n
        for x, y in self.samples:
            self.xx += (x - self.x) * (x - self.x)
            self.yy += (y - self.y) * (y - self.y)
            self.xy += (x - self.x) * (y - self.y)
