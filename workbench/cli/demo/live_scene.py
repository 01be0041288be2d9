"""What the demo's live part plays: two exchanges, three strategies that behave, and one that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["LIMITS", "RUNAWAY", "STRATEGIES", "SYMBOLS", "VENUES", "Role", "venues_table"]

SYMBOLS: Final = ("BTC-USD", "ETH-USD")
VENUES: Final = ("exchange-1", "exchange-2")


@dataclass(frozen=True)
class Role:
    """A strategy of the demo.  script: in strategies/, also its id.  what: for people."""

    script: str
    what: str
    config: Mapping[str, Any] = field(default_factory=dict)


# Each trades a symbol of its own kind of order: a quote that stands would keep another's market order off (self-trade).
STRATEGIES: Final = (
    Role(
        "market_making",
        "quotes ETH-USD on both",
        {
            "symbols": ["ETH-USD"],
            "volatility_span": 10,
            "refresh": 10,
            "half_spread_bps": 1.0,
            "volatility_multiple": 0.0,
            "max_position_size": 20.0,
        },
    ),
    Role(
        "arbitrage",
        "BTC-USD between the two",
        {"symbols": ["BTC-USD"], "min_spread_bps": 3.0, "close_spread_bps": 0.5, "max_position_size": 0.2},
    ),
    Role("momentum", "BTC-USD, on each", {"symbols": ["BTC-USD"], "lookback": 20, "unit": 0.1}),
)
RUNAWAY: Final = Role(
    "runaway", "a hundred market buys on every update", {"symbols": ["BTC-USD"], "unit": 0.1}
)
LIMITS: Final = {"repeated_execution": {"max_executions": 60}}
"""Set while it runs: so many executions of one kind within a minute, and the strategy is stopped."""


def venues_table(url: str) -> dict[str, Any]:
    """A venues.yaml: two exchanges in a process of their own at `url`, one late and dearer."""
    symbols = {
        "BTC-USD": {"price": 30_000, "volatility": 1.5},
        "ETH-USD": {"price": 2_000, "volatility": 0.8},
    }
    feed = {
        "kind": "synthetic",
        "interval_ms": 50,
        "correlation": 0.7,
        "jumps_per_year": 0,
        "seed": 7,
        "symbols": symbols,
    }
    first, second = VENUES
    return {
        "feeds": {"market": feed},
        "venues": {
            first: _exchange(
                url, lag_ms=0, noise_bps=0, taker_bps=0.5, spread_bps=1.0, level_notional=150_000
            ),
            second: _exchange(
                url, lag_ms=1500, noise_bps=1, taker_bps=1, spread_bps=2.0, level_notional=60_000
            ),
        },
    }


def _exchange(
    url: str, *, lag_ms: float, noise_bps: float, taker_bps: float, spread_bps: float, level_notional: float
) -> dict[str, Any]:
    return {
        "kind": "websocket",
        "feed": "market",
        "lag_ms": lag_ms,
        "noise_bps": noise_bps,
        "instruments": {
            "BTC-USD": {"tick": 0.01, "lot": 0.0001, "min_notional": 10},
            "ETH-USD": {"tick": 0.01, "lot": 0.001, "min_notional": 10},
        },
        "costs": {"maker_bps": 0, "taker_bps": taker_bps},
        "liquidity": {
            "spread_bps": spread_bps,
            "levels": 8,
            "level_notional": level_notional,
            "takers_per_second": 1.5,
            "taker_notional": 20_000,
            "impact_bps": 20,
            "half_life_seconds": 10,
        },
        "link": {"url": url, "heartbeat_seconds": 0.5, "backoff_seconds": 0.05, "backoff_most_seconds": 0.5},
    }
