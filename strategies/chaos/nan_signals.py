"""NaN signals: numbers that are none, in every field that takes one."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

from workbench.chaos.misbehaving import MisbehavingStrategy
from workbench.strategy import MarketSignal, PriceUpdate

GARBAGE: Final = (
    ("signal_strength", math.nan),
    ("signal_strength", math.inf),
    ("signal_strength", -math.inf),
    ("signal_strength", -0.0),
    ("signal_strength", 1e308),
    ("confidence", math.nan),
    ("confidence", math.inf),
    ("confidence", -1.0),
    ("limit_price", math.nan),
    ("limit_price", -math.inf),
    ("limit_price", 1e308),
    ("quantity", math.nan),
    ("quantity", math.inf),
    ("quantity", 1e308),
)


class NaNSignalStrategy(MisbehavingStrategy):
    """Sends signals with NaN, infinity, minus zero or a huge number in one of their fields.

    Misbehaviour: a division by zero upstream; every update sends `intensity` signals, each with one bad field
    drawn from GARBAGE and all others sound.

    intensity: signals per update.
    start_after_minutes, duration_minutes (0: without end): when, in event time.  seed: of the draw.

    Expected response: invalid_signal and bad_metadata refuse before risk and count towards the breaker for
    strategy errors; a strength of 1e308 is a signal_out_of_range breach and is clipped (or refused, by
    setting); a quantity worth more than any number is an invalid_signal, a huge price fails price_collar. No NaN
    reaches the ledger or a high-water mark.
    """

    CHAOS_TYPE = "nan_signals"
    PARAMETERS: ClassVar = {"intensity": 1, "start_after_minutes": 0.0, "duration_minutes": 0.0, "seed": 0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.signals_per_update = int(self.config["intensity"])

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        picks = self.random.integers(0, len(GARBAGE), self.signals_per_update)
        return [self._garbage(price_update, *GARBAGE[pick]) for pick in picks]

    def _garbage(self, price_update: PriceUpdate, field: str, value: float) -> MarketSignal:
        metadata: dict[str, Any] = {"chaos_type": self.CHAOS_TYPE, "venue": price_update.venue}
        if field not in ("signal_strength", "confidence"):
            metadata[field] = value
        if field == "limit_price":
            metadata["order_type"] = "limit"
        return MarketSignal(
            symbol=price_update.symbol,
            signal_strength=value if field == "signal_strength" else 1.0,
            confidence=value if field == "confidence" else 1.0,
            metadata=metadata,
        )
