"""The base of the misbehaving strategies in `strategies/chaos`: when they misbehave, and by how much.

Time is event time: the window opens `start_after_minutes` after the first update that the strategy sees. A
script uses its own seeded generator and nothing else by chance, so the same prices and the same seed give the
same signals.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import ParameterError
from workbench.strategy.contract import TradingStrategy

__all__ = ["MINUTE_NS", "MisbehavingStrategy", "ShortTermMomentum", "is_price"]

MINUTE_NS: Final = 60_000_000_000
MOST: Final = 100_000.0  # where a setting has no bound of its own: a burst must not exhaust the memory
MOST_SEED: Final = 2.0**63


def is_price(price: float) -> bool:
    """Whether `price` can be one: finite and above zero."""
    return math.isfinite(price) and price > 0.0


class MisbehavingStrategy(TradingStrategy):
    """A strategy that does one thing wrong inside its window, and behaves outside it.

    A script sets CHAOS_TYPE, lists its PARAMETERS and writes `misbehave`. All that it sends carries
    `metadata["chaos_type"]`. `chaos_active` says whether the last update fell into the window.

    Settings that the base understands, where PARAMETERS has them:
    start_after_minutes: event time from the first update to the start of the misbehaviour.
    duration_minutes: event time that it lasts; 0 is without end.
    seed: of the generator `random`.
    No number may be negative or beyond its entry in BOUNDS (100,000 where there is none; any seed).
    """

    CHAOS_TYPE: ClassVar[str]
    BOUNDS: ClassVar[Mapping[str, float]] = {}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        for key, value in self.config.items():
            self._check_bounds(key, value)
        self.chaos_active = False
        self.random = np.random.default_rng(int(self.config.get("seed", 0)))
        self._after_ns = int(self.config.get("start_after_minutes", 0.0) * MINUTE_NS)
        self._lasts_ns = int(self.config.get("duration_minutes", 0.0) * MINUTE_NS)
        self._first_ns: int | None = None

    def _check_bounds(self, key: str, value: object) -> None:
        if self.PARAMETERS is None or key not in self.PARAMETERS:
            return  # a setting of the runner, which checks it
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        most = self.BOUNDS.get(key, MOST_SEED if key == "seed" else MOST)
        if not 0.0 <= value <= most:
            raise ParameterError(f"{type(self).__name__}: {key} must be from 0 to {most:g}, found {value!r}")

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Misbehave inside the window, behave outside it."""
        if self._first_ns is None:
            self._first_ns = price_update.timestamp_ns
        age = price_update.timestamp_ns - self._first_ns - self._after_ns
        self.chaos_active = age >= 0 and (self._lasts_ns == 0 or age < self._lasts_ns)
        return self.misbehave(price_update) if self.chaos_active else self.behave(price_update)

    @abstractmethod
    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """The signals inside the window."""

    def behave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """The signals outside the window: none, unless a script says otherwise."""
        del price_update
        return []

    def on_order_fill(self, fill: OrderFill) -> None:
        """Takes no notice."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Takes no notice."""
        self.logger.debug("ignoring risk breach: %s", breach.breach_type)

    def signal(self, symbol: str, strength: float, **metadata: Any) -> MarketSignal:
        """A signal of full confidence, marked with the chaos type."""
        return MarketSignal(
            symbol=symbol,
            signal_strength=strength,
            confidence=1.0,
            metadata={"chaos_type": self.CHAOS_TYPE, **metadata},
        )


class ShortTermMomentum:
    """Relative price change over the last minutes, per instrument.

    lookback_minutes: compares with the oldest price that is no older, or with the price before where updates
    come more slowly; 0 takes the `change_pct` of the update itself.
    """

    def __init__(self, lookback_minutes: float) -> None:
        self._lookback_ns = int(lookback_minutes * MINUTE_NS)
        self._prices: dict[tuple[str, str], deque[tuple[int, float]]] = {}

    def change(self, price_update: PriceUpdate) -> float:
        """Note the update and return the change as a fraction; 0 without a price to compare with."""
        if self._lookback_ns == 0:
            return price_update.change_pct if math.isfinite(price_update.change_pct) else 0.0
        if not is_price(price_update.last):
            return 0.0
        prices = self._prices.setdefault((price_update.symbol, price_update.venue), deque())
        prices.append((price_update.timestamp_ns, price_update.last))
        while len(prices) > 2 and prices[0][0] < price_update.timestamp_ns - self._lookback_ns:
            prices.popleft()
        return price_update.last / prices[0][1] - 1.0
