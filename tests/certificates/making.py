"""Certificates for tests: of a real script, signed with a real key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.certificates import Certificate, KeyPair, closure_of, new_certificate
from workbench.core.limits import RiskLimits

__all__ = ["PLAIN", "certificate"]

PLAIN = '''"""Buys once."""

from typing import Any

from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy


class Once(TradingStrategy):
    """Buys once."""

    VERSION = "1.0.0"

    def on_market_data(self, update: PriceUpdate) -> list[MarketSignal]:
        return []

    def on_order_fill(self, fill: Any) -> None:
        pass

    def on_risk_breach(self, breach: Any) -> None:
        pass

    def get_strategy_info(self) -> dict[str, Any]:
        return {"name": "once", "version": self.VERSION, "description": "", "parameters": {}}
'''


def certificate(key: KeyPair, **changes: Any) -> Certificate:
    """A certificate of `PLAIN` as once.py, of 2026-03-10 14:00 UTC and for 30 days unless `changes` say so."""
    source = changes.pop("source", PLAIN)
    folder: Path | None = changes.pop("folder", None)
    script = changes.pop("script", "once.py")
    settings: dict[str, Any] = {
        "strategy": "Once",
        "version": "1.0.0",
        "script": script,
        "sources": closure_of(script, source, folder),
        "parameters": {},
        "data_fingerprint": "f" * 64,
        "instruments": ["BTC-USD@exchange-1", "ETH-USD@exchange-1"],
        "limits": RiskLimits(),
        "thresholds": {"look_ahead": 0},
        "scores": [{"name": "look_ahead_prefix", "passed": True}],
        "passed": True,
        "seeds": {"seed": 7},
        "versions": {"workbench": "0.1.0"},
        "issuer": key.id,
        "now": datetime(2026, 3, 10, 14, tzinfo=UTC),
    }
    return new_certificate(**{**settings, **changes})
