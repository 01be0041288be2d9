"""Market making: a bid and an offer around the mid price, leaning against the inventory."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class MarketMakingStrategy(TradingStrategy):
    """Keeps a post-only limit order on either side of the mid price and earns what lies between them.

    Idea: the half spread is the larger of half_spread_bps and volatility_multiple x the usual move while a
    quote stands (average absolute move of the mid x sqrt(refresh)). With an inventory of q (share of
    max_position_size) the bid stands (1 + skew x q) half spreads below the mid and the offer (1 - skew x q)
    above, so that the position drifts home; a side that would exceed max_position_size is not quoted. Every
    `refresh` updates the quotes are cancelled by client order id and placed anew under fresh ones: that
    bounds the messages and heals a quote that a venue lost. Each venue is quoted on its own, on the inventory
    of the symbol.

    half_spread_bps, max_half_spread_bps: basis points of the mid; above the latter it does not quote.
    volatility_span: updates averaged over, and waited for before the first quote.  refresh: updates.
    max_position_size: units, and the unit that quotes are sized by.  quote_share: a quote as a share of it.
    volatility_multiple: 0 for a fixed spread.  skew: 0 for quotes that take no notice of the inventory.

    Loses: when prices run one way, and it is filled on the wrong side all along, up to max_position_size.
    """

    VERSION = "1.0.0"
    SIZING = "order"
    PARAMETERS: ClassVar = {
        "half_spread_bps": 5.0,
        "max_half_spread_bps": 500.0,
        "volatility_span": 60,
        "volatility_multiple": 1.0,
        "skew": 0.5,
        "refresh": 10,
        "max_position_size": 1.0,
        "quote_share": 0.1,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        bounds = {
            "half_spread_bps": (0.01, self.config["max_half_spread_bps"]),
            "max_half_spread_bps": (0.01, 4_000),
            "volatility_span": (1, math.inf),
            "volatility_multiple": (0, math.inf),
            "skew": (0, 0.99),
            "refresh": (1, math.inf),
            "max_position_size": (1e-9, math.inf),
            "quote_share": (1e-6, 1),
        }
        for key, (low, high) in bounds.items():
            if not low <= self.config[key] <= high:
                raise ParameterError(
                    f"MarketMakingStrategy: expected {key} from {low} to {high}, found {self.config[key]}"
                )
        self.smoothing = 2.0 / (self.config["volatility_span"] + 1.0)
        self.refresh, self.size = int(self.config["refresh"]), float(self.config["max_position_size"])
        self.share, self.skew = float(self.config["quote_share"]), float(self.config["skew"])
        self._books: dict[tuple[str, str], _Book] = {}
        self._next_id = 1

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        symbol, venue = price_update.symbol, price_update.venue
        book = self._books.setdefault((symbol, venue), _Book())
        if not 0.0 < price_update.bid <= price_update.ask < math.inf:
            return self._pull(symbol, venue, book)  # no market, or a crossed one: not a place to stand
        mid = price_update.mid
        if book.mid:
            move = abs(mid / book.mid - 1.0)
            book.move += self.smoothing * (move - book.move)
        book.mid = mid
        book.age += 1
        waited = book.age - self.config["volatility_span"]
        if waited < 0 or waited % self.refresh:
            return []
        signals = self._pull(symbol, venue, book)
        usual_move = book.move * math.sqrt(self.refresh)
        half = max(self.config["half_spread_bps"] / 10_000.0, self.config["volatility_multiple"] * usual_move)
        if half > self.config["max_half_spread_bps"] / 10_000.0:
            return signals
        inventory = self.positions.get(symbol, 0.0) / self.size
        for side in (1.0, -1.0):
            if side * inventory + self.share > 1.0 + 1e-9:
                continue
            lean = self.skew * max(-1.0, min(1.0, inventory))
            price = mid * (1.0 - side * half * (1.0 + side * lean))
            signals.append(self._quote(symbol, venue, book, side, price))
        return signals

    def _quote(self, symbol: str, venue: str, book: _Book, side: float, price: float) -> MarketSignal:
        number, self._next_id = self._next_id, self._next_id + 1
        book.working.append(number)
        metadata = {"order_type": "limit", "limit_price": price, "post_only": True, "time_in_force": "GTC"}
        metadata |= {"venue": venue, "client_order_id": number}
        return MarketSignal(symbol=symbol, signal_strength=side * self.share, metadata=metadata)

    def _pull(self, symbol: str, venue: str, book: _Book) -> list[MarketSignal]:
        """Cancel what may still be working; a cancel that comes too late does no harm."""
        numbers, book.working = book.working, []
        return [
            MarketSignal(
                symbol=symbol, metadata={"action": "cancel", "venue": venue, "client_order_id": number}
            )
            for number in numbers
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        book = self._books.get((fill.symbol, fill.venue))
        if book is not None and fill.leaves <= 0.0 and fill.client_order_id in book.working:
            book.working.remove(fill.client_order_id)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


class _Book:
    """The last mid of one instrument, its usual move, updates seen, and the quotes that may be working."""

    __slots__ = ("age", "mid", "move", "working")

    def __init__(self) -> None:
        self.mid = 0.0
        self.move = 0.0
        self.age = 0
        self.working: list[int] = []
