"""A strategy with one flaw at a time, and the same without it; and the market that it trades."""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any, ClassVar

import workbench as wb
from workbench.certify.checks import Check, Subject
from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.data.prices import Prices
from workbench.strategy.contract import TradingStrategy

BTC = "BTC-USD"
UNIT = 2.0  # BTC at 30,000 USD: 6 % of the capital
IN_ORDERS = ("doubles while it loses", "in many pieces")


@cache
def trending(bars: int = 1_500, seed: int = 4, symbols: tuple[str, ...] = (BTC,)) -> Prices:
    """Hours of a market whose moves go on."""
    return wb.synthetic(
        symbols, ["exchange-1"], bars=bars, interval="1h", seed=seed, trend=8.0, trend_bars=120.0
    )


class Follower(TradingStrategy):
    """Long above the mean of the last `window` prices and short below it; `flaw` says what is wrong with it."""

    SIZING: ClassVar[str] = "target"
    PARAMETERS: ClassVar = {"window": 48, "flaw": "", "orders": 1}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.flaw = self.config["flaw"]
        self._prices: deque[float] = deque(maxlen=self.config["window"])
        self._said = self._held = self._first = 0.0
        self._waits = 0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        price = price_update.last
        if self.flaw == "raises on a bad price":
            int(price)  # of NaN: ValueError
        if not 0.0 < price < float("inf"):
            return []
        self._prices.append(price)
        if len(self._prices) < self.config["window"]:
            return []
        mean = sum(self._prices) / len(self._prices)
        side = 1.0 if price > mean else -1.0
        if self.flaw == "trades the wrong way":
            side = -side
        wanted = self._wanted(side, price)
        self._waits = 0 if self._held * self._said > 0.0 or not self._said else self._waits + 1
        if self.flaw == "raises when a fill does not come" and self._waits > 3:
            raise RuntimeError("no fill after three hours")
        return [MarketSignal(price_update.symbol, None, strength, 1.0, {}) for strength in wanted]

    def _wanted(self, side: float, price: float) -> list[float]:
        """Targets; strengths of orders, where the flaw is one of IN_ORDERS."""
        if self.flaw == "idle":
            return []
        if self.flaw == "churns":
            self._said = -self._said or 1.0
            return [self._said]
        if self.flaw == "doubles while it loses":
            losing = price < 0.99 * self._first
            self._first = price if losing or price > self._first else self._first
            return [1.0] if losing or not self._held else []
        if side == self._said:
            return []
        step, self._said = side - self._said, side
        if self.flaw == "out of range":
            return [3.0 * side]
        if self.flaw in IN_ORDERS:  # from side to side is two units, and no signal is of more than one
            pieces = self.config["orders"] if self.flaw == "in many pieces" else 2
            return [step * (1.0 + 0.001 * (i % 2) - 0.001 * (i % 2 == 0)) / pieces for i in range(pieces)]
        return [side]

    def on_order_fill(self, fill: OrderFill) -> None:
        self._held += fill.quantity

    def on_risk_breach(self, breach: RiskBreach) -> None:
        if self.flaw == "raises when it is told of a breach":
            raise RuntimeError(breach.breach_type)


def subject(flaw: str = "", prices: Prices | None = None, **options: Any) -> Subject:
    """A subject with the flaw.  options: of `Subject.of`; `unit` and parameters in `config`."""
    sizing = "order" if flaw in IN_ORDERS else "target"
    config = {"flaw": flaw, "unit": UNIT, "sizing": sizing, **options.pop("config", {})}
    return Subject.of(Follower, trending() if prices is None else prices, config=config, **options)


def silent(_what: str) -> None:
    """Progress that nobody watches."""


def named(checks: Check | tuple[Check, ...], name: str) -> Check:
    """One line by its name."""
    lines = checks if isinstance(checks, tuple) else (checks,)
    (found,) = [check for check in lines if check.name == name]
    return found
