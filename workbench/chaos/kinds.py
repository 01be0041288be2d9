"""The closed set of chaos kinds, and what the intensity of each means.

`KINDS` is the one place where that is written down; the chaos guide prints the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["KINDS", "ChaosKind", "Family", "KindInfo"]


class Family(StrEnum):
    """Where a fault strikes: the strategy's signals, the prices, or the venue."""

    SIGNAL = "signal"
    MARKET = "market"
    VENUE = "venue"


class ChaosKind(StrEnum):
    """Every fault that an event can inject."""

    RUNAWAY = "runaway"
    RISK_IGNORANT = "risk_ignorant"
    VOLATILITY_AMPLIFIER = "volatility_amplifier"
    CORRELATION_BREAKER = "correlation_breaker"
    SLOW_LEAK = "slow_leak"
    BAD_TICK = "bad_tick"
    PRICE_GAP = "price_gap"
    STALE_FEED = "stale_feed"
    VOLATILITY_BURST = "volatility_burst"
    CORRELATION_BREAK = "correlation_break"
    CROSSED_BOOK = "crossed_book"
    VENUE_DISCONNECT = "venue_disconnect"
    REJECT_STORM = "reject_storm"
    LATENCY_SPIKE = "latency_spike"
    PARTIAL_FILLS = "partial_fills"
    DUPLICATE_FILLS = "duplicate_fills"
    OUT_OF_ORDER_FILLS = "out_of_order_fills"

    @property
    def family(self) -> Family:
        return KINDS[self].family

    @property
    def code(self) -> int:
        """Number of the kind in seeds; a signal fault's is its `SignalFault`, a venue fault's its own number + 20."""
        return KINDS[self].code


class KindInfo(NamedTuple):
    """What a kind does and what its intensity means.

    least, most: bounds of `intensity`, both allowed.  typical: the range that random campaigns draw from.
    """

    family: Family
    code: int
    least: float
    most: float
    typical: tuple[float, float]
    unit: str
    effect: str


_SIGNAL, _MARKET, _VENUE = Family.SIGNAL, Family.MARKET, Family.VENUE

# One row of the table stays one entry of two lines.
# fmt: off
_ROWS: Final[tuple[tuple[str, Family, int, float, float, tuple[float, float], str, str], ...]] = (
    ("runaway", _SIGNAL, 1, 0.0, 1e3, (0.2, 2.0),
     "hundreds of orders per update", "every update becomes a burst of full-size buys"),
    ("risk_ignorant", _SIGNAL, 2, 0.0, 1e2, (0.5, 2.0),
     "share of size added per breach (1 doubles)", "every breach makes the signals larger"),
    ("volatility_amplifier", _SIGNAL, 3, 0.0, 1e3, (0.5, 3.0),
     "times sign(move) x 2.0", "a move of 1 % is chased with that strength"),
    ("correlation_breaker", _SIGNAL, 4, 0.0, 1e3, (0.5, 2.0),
     "times a strength of -1", "a rise of 2 % in one symbol sells the others"),
    ("slow_leak", _SIGNAL, 5, 0.0, 1e3, (0.5, 10.0),
     "times 0.001 error probability per trade", "ever more signals are turned round, at most half"),
    ("bad_tick", _MARKET, 11, 0.0, 1.0, (0.05, 1.0),
     "share of updates hit", "price is NaN, zero, negative, x 1000 or x 0.001"),
    ("price_gap", _MARKET, 12, -0.999, 1e3, (-0.4, 0.4),
     "fraction of price, signed", "prices jump at the start and back at the end"),
    ("stale_feed", _MARKET, 13, 0.0, 1.0, (0.0, 1.0),
     "share of updates lost", "updates never come; those that do repeat the last quote before"),
    ("volatility_burst", _MARKET, 14, 0.0, 1e2, (0.5, 5.0),
     "returns grow by the factor 1 + intensity", "the price swings wider around its way and rejoins it"),
    ("correlation_break", _MARKET, 15, 0.0, 1.0, (0.3, 1.0),
     "share of returns that is independent", "returns give way to independent ones of equal volatility"),
    ("crossed_book", _MARKET, 16, 0.0, 1e3, (0.5, 5.0),
     "overlap in spreads (1 swaps the sides)", "the bid stands above the ask"),
    ("venue_disconnect", _VENUE, 21, 1.0, 1.0, (1.0, 1.0),
     "not used", "the session is lost at the start and comes back at the end"),
    ("reject_storm", _VENUE, 22, 0.0, 1.0, (0.2, 1.0),
     "probability per order", "the venue rejects new orders"),
    ("latency_spike", _VENUE, 23, 0.0, 1e6, (0.1, 300.0),
     "seconds added", "orders reach the venue late"),
    ("partial_fills", _VENUE, 24, 0.0, 1.0, (0.01, 0.5),
     "share of the normal participation (1: no fault)", "orders fill in small pieces"),
    ("duplicate_fills", _VENUE, 25, 1.0, 1.0, (1.0, 1.0),
     "not used", "every execution report comes twice"),
    ("out_of_order_fills", _VENUE, 26, 1.0, 1.0, (1.0, 1.0),
     "not used", "execution reports come in the wrong order"),
)
# fmt: on
KINDS: Final[Mapping[ChaosKind, KindInfo]] = {ChaosKind(row[0]): KindInfo(*row[1:]) for row in _ROWS}
