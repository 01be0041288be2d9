"""Mean reversion on the z-score of the price within a rolling window."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class MeanReversionStrategy(TradingStrategy):
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

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 60, "entry": 2.0, "exit": 0.5, "stop": 4.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.window = int(self.config["window"])
        self.exit, self.entry, self.stop = (float(self.config[key]) for key in ("exit", "entry", "stop"))
        if not 0.0 <= self.exit < self.entry < self.stop:
            raise ParameterError(
                "MeanReversionStrategy: expected 0 <= exit < entry < stop, found "
                f"exit={self.exit}, entry={self.entry} and stop={self.stop}"
            )
        if self.window < 3 or self.entry >= math.sqrt(self.window - 1):
            raise ParameterError(
                "MeanReversionStrategy: expected window >= 3 and entry < sqrt(window - 1), found "
                f"window={self.window} and entry={self.entry}"
            )
        self._windows: dict[tuple[str, str], _Window] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        price = price_update.last
        if not 0.0 < price < math.inf:
            return []
        instrument = (price_update.symbol, price_update.venue)
        state = self._windows.get(instrument)
        if state is None:
            state = self._windows[instrument] = _Window(self.window)
        z = state.push(price)
        wanted = state.side
        if abs(z) >= self.stop:
            wanted, state.waiting = 0.0, True
        elif abs(z) <= self.exit:
            wanted, state.waiting = 0.0, False
        elif abs(z) >= self.entry and not state.waiting:
            wanted = -math.copysign(1.0, z)
        elif wanted * z > 0.0:  # through the mean and out on the other side in one move
            wanted = 0.0
        if wanted == state.side:
            return []
        state.side = wanted
        return [
            MarketSignal(
                symbol=instrument[0], signal_strength=wanted, metadata={"venue": instrument[1], "z": z}
            )
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Window:
    """The last prices of one instrument, their mean and squared deviations, and the side wanted last."""

    __slots__ = ("age", "mean", "prices", "side", "squares", "waiting")

    def __init__(self, window: int) -> None:
        self.prices: deque[float] = deque([0.0] * window, maxlen=window)
        self.mean = 0.0
        self.squares = 0.0
        self.age = 0  # updates since the figures were last taken anew
        self.side = 0.0
        self.waiting = False

    def push(self, price: float) -> float:
        """Take one price; its z-score, 0 until the window is full or while nothing moves."""
        prices, n = self.prices, len(self.prices)
        old, mean = prices[0], self.mean
        prices.append(price)
        self.age += 1
        if self.age == n:
            self._renew()
        else:
            # Welford's update with `old` leaving as `price` enters: no difference of large sums of squares.
            self.mean += (price - old) / n
            self.squares += (price - old) * ((price - self.mean) + (old - mean))
        if not prices[0]:  # one of the first zeros: the window is not full yet
            return 0.0
        deviation = math.sqrt(max(self.squares, 0.0) / n)
        # A deviation below a billionth of the price is rounding, not movement.
        return (price - self.mean) / deviation if deviation > 1e-9 * self.mean else 0.0

    def _renew(self) -> None:
        """Take the figures from the window itself, so that rounding and bad ticks leave as it turns over."""
        self.age = 0
        total = squares = 0.0
        for price in self.prices:
            total += price
        self.mean = total / len(self.prices)
        for price in self.prices:
            squares += (price - self.mean) * (price - self.mean)
        self.squares = squares
