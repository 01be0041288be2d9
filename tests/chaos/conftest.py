"""Chaos scripts by name, and price updates a minute apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate
from workbench.strategy.loader import load_strategy

SCRIPTS = Path(__file__).parents[2] / "strategies" / "chaos"
START_NS = 1_678_406_400_000_000_000  # 2023-03-10T00:00:00Z
MINUTE_NS = 60_000_000_000


@pytest.fixture
def script() -> Callable[..., Any]:
    """script(name, **config): a fresh instance of the strategy in strategies/chaos/<name>.py."""

    def build(name: str, **config: Any) -> Any:
        return load_strategy(SCRIPTS / f"{name}.py")(config)

    return build


@pytest.fixture
def quote() -> Callable[..., PriceUpdate]:
    """quote(minute, last, symbol, venue, change): an update with a spread of 1 around `last`."""

    def build(
        minute: float,
        last: float = 100.0,
        symbol: str = "BTC-USD",
        venue: str = "exchange-1",
        change: float = 0.0,
    ) -> PriceUpdate:
        return PriceUpdate(
            symbol=symbol,
            venue=venue,
            timestamp_ns=START_NS + int(minute * MINUTE_NS),
            bid=last - 0.5,
            ask=last + 0.5,
            last=last,
            volume=10.0,
            bid_size=5.0,
            ask_size=5.0,
            change_pct=change,
            sequence=int(minute),
        )

    return build
