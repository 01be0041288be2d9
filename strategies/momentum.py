"""Time-series momentum on the efficiency ratio (P. Kaufman, Smarter Trading, 1995)."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class MomentumStrategy(TradingStrategy):
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

    VERSION = "1.0.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {"lookback": 60, "entry": 0.3, "exit": 0.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.lookback = int(self.config["lookback"])
        self.entry, self.exit = float(self.config["entry"]), float(self.config["exit"])
        if self.lookback < 2:
            raise ParameterError(f"MomentumStrategy: expected lookback >= 2, found {self.lookback}")
        if not 0.0 <= self.exit < self.entry <= 1.0:
            raise ParameterError(
                "MomentumStrategy: expected 0 <= exit < entry <= 1, found "
                f"exit={self.exit} and entry={self.entry}"
            )
        self._moves: dict[tuple[str, str], _Moves] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        price = price_update.last
        if not 0.0 < price < math.inf:
            return []
        instrument = (price_update.symbol, price_update.venue)
        state = self._moves.get(instrument)
        if state is None:
            state = self._moves[instrument] = _Moves(self.lookback)
        efficiency = state.push(price)
        wanted = state.side
        if efficiency >= self.entry:
            wanted = 1.0
        elif efficiency <= -self.entry:
            wanted = -1.0
        elif wanted * efficiency < self.exit:
            wanted = 0.0
        if wanted == state.side:
            return []
        state.side = wanted
        return [MarketSignal(symbol=instrument[0], signal_strength=wanted, metadata={"venue": instrument[1]})]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Moves:
    """The last prices of one instrument, the length of the path through them, and the side wanted last."""

    __slots__ = ("path", "prices", "side")

    def __init__(self, lookback: int) -> None:
        self.prices: deque[float] = deque(maxlen=lookback + 1)
        self.path = 0.0
        self.side = 0.0

    def push(self, price: float) -> float:
        """Take one price; the efficiency, 0 until the window is full or while nothing moves."""
        prices = self.prices
        new = abs(price - prices[-1]) if prices else 0.0
        old = abs(prices[1] - prices[0]) if len(prices) == prices.maxlen else 0.0
        self.path += new - old
        prices.append(price)
        if len(prices) < (prices.maxlen or 0) or not self.path > 0.0:
            return 0.0
        return (price - prices[0]) / self.path
