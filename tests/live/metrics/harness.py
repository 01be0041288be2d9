"""A real engine on a paper venue, moved by hand: its journal is a file, its strategies run in threads."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from live.engine import Engine, StartRequest
from live.machine import Answered
from live.metrics import Metrics
from live.settings import load_settings
from live.venues.clock import SimulatedClock
from live.venues.venue_settings import FeedSettings, VenuesConfig, VenueSettings
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate

__all__ = ["SECOND", "Samples", "buys", "price", "running", "samples", "see", "started"]

SECOND = 10**9
NAN = math.nan
SILENT = '''
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class SilentStrategy(TradingStrategy):
    """Says nothing."""

    VERSION = "1.2.0"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return []

    def on_order_fill(self, fill: OrderFill) -> None: ...

    def on_risk_breach(self, breach: RiskBreach) -> None: ...
'''

type Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@asynccontextmanager
async def running(
    folder: Path,
    symbols: tuple[str, ...] = ("BTC-USD", "ETH-USD"),
    limits: RiskLimits | None = None,
    **given: Any,
) -> AsyncIterator[Engine]:
    """An engine that was started, in `folder`; given: settings besides."""
    scripts = folder / "strategies"
    (scripts / "chaos").mkdir(parents=True, exist_ok=True)
    (scripts / "silent.py").write_text(SILENT)
    (scripts / "chaos" / "spammer.py").write_text(SILENT.replace("Silent", "Spammer"))
    settings = load_settings(
        {},
        data=folder / "data",
        strategies_path=scripts,
        strategy_isolation="thread",
        strategy_isolation_minimum="none",
        enable_chaos_strategies=True,
        require_certificate=False,
        max_concurrent_strategies=1000,
        **given,
    )
    instruments = tuple(Instrument(symbol, "exchange-1") for symbol in symbols)
    clock = SimulatedClock(SECOND)
    # Prices in lock step that nobody plays: the engine gets those of the test alone.
    feed = FeedSettings("none", kind="recorded", path="none", speed=math.inf)
    venue = VenueSettings("exchange-1", "paper", "none", instruments, costs=Costs.free())
    config = VenuesConfig({"none": feed}, (venue,))
    engine = Engine(settings, config, clock, limits=limits or RiskLimits.unlimited())
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def started(engine: Engine, strategy_id: str, script: str = "silent") -> None:
    await engine.strategies.start(StartRequest(script, strategy_id, person="ana"))


def price(second: int, last: float, symbol: str = "BTC-USD") -> PriceUpdate:
    return PriceUpdate(symbol, "exchange-1", second * SECOND, last, last, last, NAN, NAN, NAN, 0.0, second)


def buys(strategy_id: str, units: float, symbol: str = "BTC-USD") -> Answered:
    signal = MarketSignal(symbol, None, math.copysign(1.0, units), 1.0, {"quantity": abs(units)})
    return Answered(strategy_id, 1, [signal])


def samples(body: bytes) -> Samples:
    """Every sample of a text in Prometheus' format, by name and sorted labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def see(folder: Path, script: Callable[[Engine, Metrics], Awaitable[None]]) -> Samples:
    """What is shown of an engine after `script` and one update."""

    async def run() -> Samples:
        async with running(folder) as engine:
            metrics = Metrics(engine)
            await script(engine, metrics)
            metrics.update()
            return samples(metrics.render()[0])

    return asyncio.run(run())
