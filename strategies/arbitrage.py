"""Cross-venue arbitrage: the same thing bought where it is cheap and sold where it is dear."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class ArbitrageStrategy(TradingStrategy):
    """Buys a symbol on its cheapest venue and sells it on its dearest until their prices have met again.

    Idea: one asset has one value; venues that differ by more than the cost of trading come back together.
    Both legs are targets on a named venue, repeated while the gap is open until the fills balance, so that a
    leg that was cut short is completed. A breach unwinds both; the symbol then rests until its gap has closed.

    min_spread_bps, close_spread_bps: gap that opens and that unwinds a pair, basis points of the cheap
    price; what lies between must pay for four trades (at 5 bps a trade, open above 25 at the least).
    max_spread_bps: a gap above this is taken for a bad price.
    max_position_size: units per leg.  venues: two or more.  max_age_seconds: an older price is not compared.

    Loses: when a gap is there for a reason (withdrawals halted, a stablecoin off its peg) and stays or
    widens.
    """

    VERSION = "1.2.0"
    SIZING = "target"
    PARAMETERS: ClassVar = {
        "min_spread_bps": 10.0,
        "close_spread_bps": 2.0,
        "max_spread_bps": 500.0,
        "max_position_size": 1.0,
        "venues": ["exchange-1", "exchange-2"],
        "max_age_seconds": 120.0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        settings = self.config
        self.venues = list(dict.fromkeys(settings["venues"]))
        if len(self.venues) < 2:
            raise ParameterError(f"ArbitrageStrategy: expected two or more venues, found {self.venues}")
        gaps = [settings[key] for key in ("close_spread_bps", "min_spread_bps", "max_spread_bps")]
        if not gaps[0] < gaps[1] < gaps[2]:
            raise ParameterError(
                "ArbitrageStrategy: expected close_spread_bps < min_spread_bps < max_spread_bps, found "
                f"{gaps[0]}, {gaps[1]} and {gaps[2]}"
            )
        for key in ("min_spread_bps", "max_position_size", "max_age_seconds"):
            if settings[key] <= 0:
                raise ParameterError(f"ArbitrageStrategy: {key} must be above 0, found {settings[key]}")
        self._seen: dict[tuple[str, str], int] = {}  # (symbol, venue) -> time of the last price
        self._held: dict[tuple[str, str], float] = {}
        self._pairs: dict[str, tuple[str, str]] = {}  # symbol -> (bought on, sold on)
        self._closing: set[str] = set()
        self._resting: set[str] = set()

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        symbol, venue = price_update.symbol, price_update.venue
        if venue not in self.venues:
            return []
        self._seen[symbol, venue] = price_update.timestamp_ns
        prices = self.fresh_prices(symbol, price_update.timestamp_ns)
        if symbol in self._pairs:
            return self._follow(symbol, prices)
        if len(prices) < 2:
            return []
        cheap, dear = (min(prices, key=prices.__getitem__), max(prices, key=prices.__getitem__))
        spread_bps = gap_bps(prices, cheap, dear)
        if spread_bps <= self.config["close_spread_bps"]:
            self._resting.discard(symbol)
        if symbol in self._resting or not self._is_open(spread_bps):
            return []
        self._pairs[symbol] = (cheap, dear)
        return legs(symbol, cheap, dear, 1.0)

    def _follow(self, symbol: str, prices: dict[str, float]) -> list[MarketSignal]:
        """Hold, complete or unwind the pair of `symbol`; it is over when by its fills both legs are flat."""
        cheap, dear = self._pairs[symbol]
        spread_bps = gap_bps(prices, cheap, dear)
        if spread_bps <= self.config["close_spread_bps"]:
            self._closing.add(symbol)
        bought, sold = (self._held.get((symbol, venue), 0.0) for venue in (cheap, dear))
        balanced = abs(bought + sold) < 1e-9
        if symbol not in self._closing:
            complete = balanced and bought > 0.0
            return legs(symbol, cheap, dear, 1.0) if self._is_open(spread_bps) and not complete else []
        if balanced and abs(bought) < 1e-9:
            self._closing.remove(symbol)
            del self._pairs[symbol]
        return legs(symbol, cheap, dear, 0.0)

    def fresh_prices(self, symbol: str, now_ns: int) -> dict[str, float]:
        """Venue -> last price, of those venues whose price is sound and not too old."""
        since = now_ns - self.config["max_age_seconds"] * 1e9
        cache = self.price_cache.get(symbol, {})
        known = [venue for venue in self.venues if self._seen.get((symbol, venue), -math.inf) >= since]
        return {venue: cache[venue] for venue in known if 0.0 < cache[venue] < math.inf}

    def _is_open(self, spread_bps: float) -> bool:
        return bool(self.config["min_spread_bps"] < spread_bps <= self.config["max_spread_bps"])

    def on_order_fill(self, fill: OrderFill) -> None:
        leg = (fill.symbol, fill.venue)
        self._held[leg] = self._held.get(leg, 0.0) + fill.quantity

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)
        stopped = [symbol for symbol in self._pairs if breach.symbol in ("", symbol)]
        self._closing.update(stopped)
        self._resting.update(stopped)


def gap_bps(prices: dict[str, float], cheap: str, dear: str) -> float:
    """How far `dear` stands above `cheap`, basis points of the latter; NaN while one has no fresh price."""
    if cheap not in prices or dear not in prices:
        return math.nan
    return (prices[dear] - prices[cheap]) / prices[cheap] * 10_000.0


def legs(symbol: str, cheap: str, dear: str, size: float) -> list[MarketSignal]:
    """Both targets of a pair at `size` (1 full, 0 flat) of the position size."""
    return [
        MarketSignal(symbol=symbol, signal_strength=strength, metadata={"venue": venue})
        for venue, strength in ((cheap, size), (dear, 0.0 - size))
    ]
