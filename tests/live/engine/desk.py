"""An engine for tests: recorded prices in lock step, or a made-up market on the wall clock, in a folder of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from live.engine import Engine
from live.settings import Settings, load_settings
from live.venues.clock import SimulatedClock, WallClock
from live.venues.opening import in_lock_step
from live.venues.settings import load_venues
from workbench.core.limits import RiskLimits

__all__ = ["SCRIPTS", "open_engine", "paper_market", "recorded_market", "settings_for", "until"]

SCRIPTS = Path(__file__).parents[3] / "strategies"


def settings_for(folder: Path, **given: Any) -> Settings:
    """Settings of an engine that keeps everything in `folder`; strategies in threads unless said otherwise."""
    chosen: dict[str, Any] = {
        "data": folder / "data",
        "strategies_path": SCRIPTS,
        "strategy_isolation": "thread",
        "strategy_isolation_minimum": "none",
        "port": 0,
        "grpc_port": 0,
        "require_certificate": False,  # what the gate is about is tested where it is on
    }
    return load_settings({}, **{**chosen, **given})


def recorded_market(path: Path | str, *symbols: str, venues: tuple[str, ...] = ("v",)) -> dict[str, Any]:
    """venues.yaml as a mapping: recorded prices, as fast as they are taken, matched by the rulebook."""
    instruments = {symbol: {"tick": 0.01, "lot": 0.0001} for symbol in symbols}
    return {
        "feeds": {"f": {"kind": "recorded", "path": str(path), "speed": "off", "timestamps": "recorded"}},
        "venues": {
            name: {
                "kind": "paper",
                "feed": "f",
                "instruments": instruments,
                "costs": {"maker_bps": 1, "taker_bps": 4, "spread_bps": 2},
            }
            for name in venues
        },
    }


def paper_market(interval_ms: float = 20.0) -> dict[str, Any]:
    """venues.yaml as a mapping: a made-up market at two venues on the wall clock, matched by the rulebook."""
    symbols = {
        "BTC-USD": {"price": 30_000, "volatility": 0.6},
        "ETH-USD": {"price": 2_000, "volatility": 0.8},
    }
    venue = {
        "kind": "paper",
        "feed": "f",
        "instruments": {
            "BTC-USD": {"tick": 0.01, "lot": 0.0001},
            "ETH-USD": {"tick": 0.01, "lot": 0.001},
        },
        "costs": {"maker_bps": 1, "taker_bps": 4, "spread_bps": 2},
    }
    feed = {"kind": "synthetic", "interval_ms": interval_ms, "seed": 5, "symbols": symbols}
    return {"feeds": {"f": feed}, "venues": {"a": venue, "b": {**venue, "lag_ms": 2 * interval_ms}}}


@asynccontextmanager
async def open_engine(
    settings: Settings, market: Mapping[str, Any], limits: RiskLimits | None = None
) -> AsyncIterator[Engine]:
    """A started engine, stopped at the end."""
    config = load_venues(market)
    stepped = in_lock_step(config)
    clock = SimulatedClock() if stepped else WallClock()
    engine = Engine(
        settings,
        config,
        clock,
        limits=RiskLimits() if limits is None else limits,
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def until(fact: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until `fact()` is true; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)
