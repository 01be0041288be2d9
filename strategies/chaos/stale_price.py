"""Stale price: a feed handler that lags, and a trader who does not know it."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from workbench.chaos.misbehaving import MINUTE_NS, MisbehavingStrategy, is_price
from workbench.strategy import MarketSignal, PriceUpdate


class StalePriceStrategy(MisbehavingStrategy):
    """Takes an old price for the fair one and trades whenever the market differs from it.

    Misbehaviour: its fair value is the price of `intensity` minutes ago. Where the market stands lower it
    buys, where it stands higher it sells, with an immediate-or-cancel limit order at the old price: it sells
    into every rally and buys into every crash.

    intensity: age of its price, minutes; until there is a price that old it does nothing.
    edge_bps: smallest difference that it trades on, basis points of the old price.
    start_after_minutes, duration_minutes (0: without end): when, in event time.

    Expected response: price_collar refuses limits too far from the market; the rest adds up to position_limit
    and max_daily_trades (strategy_limit), and the loss ends in the single_strategy_loss or strategy_drawdown
    breaker.
    """

    CHAOS_TYPE = "stale_price"
    PARAMETERS: ClassVar = {
        "intensity": 30.0,
        "edge_bps": 10.0,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._age_ns = int(self.config["intensity"] * MINUTE_NS)
        self.edge = float(self.config["edge_bps"]) / 1e4
        self._prices: dict[tuple[str, str], deque[tuple[int, float]]] = {}

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Remember the price and stand still."""
        self.old_price(price_update)
        return []

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        old = self.old_price(price_update)
        if old is None or not abs(price_update.last / old - 1.0) > self.edge:
            return []
        return [
            self.signal(
                price_update.symbol,
                1.0 if price_update.last < old else -1.0,
                order_type="limit",
                limit_price=old,
                time_in_force="IOC",
                venue=price_update.venue,
            )
        ]

    def old_price(self, price_update: PriceUpdate) -> float | None:
        """The newest price at least as old as the lag; None without one, or when the update has no price."""
        if not is_price(price_update.last):
            return None
        prices = self._prices.setdefault((price_update.symbol, price_update.venue), deque())
        prices.append((price_update.timestamp_ns, price_update.last))
        newest = price_update.timestamp_ns - self._age_ns
        while len(prices) > 1 and prices[1][0] <= newest:
            prices.popleft()
        return prices[0][1] if prices[0][0] <= newest else None
