"""Live sessions to be compared with their replay: small strategies, in lock step or by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import workbench as wb
from live.engine import Engine, StartRequest
from tests.live.engine.desk import open_engine, paper_market, recorded_market, settings_for
from workbench.core.limits import DuplicateOrder, MessageRate, RiskLimits
from workbench.data.store import write_parquet
from workbench.reconcile.api import reconcile
from workbench.reconcile.result import Reconciliation

__all__ = ["LIMITS", "by_the_clock", "compared", "in_lock_step", "recorded", "scripts"]

SOURCE = '''
import random
import time

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class {name}(TradingStrategy):
    """{about}"""

    PARAMETERS = {{"every": 3}}
    VERSION = "1.0.0"

    def on_start(self, instruments):
        self.seen = 0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.seen += 1
        {body}

    def on_order_fill(self, fill: OrderFill) -> None: ...

    def on_risk_breach(self, breach: RiskBreach) -> None: ...
'''
# Looks at what it holds, so that another fill leads to another signal.
TURNS = """if self.seen % self.config["every"]:
            return []
        held = self.positions.get(price_update.symbol, 0.0)
        return [MarketSignal(price_update.symbol, None, -1.0 if held > 0 else 1.0, 1.0)]"""
BODIES = {
    "turning": TURNS,
    "steady": TURNS,
    "guessing": TURNS.replace("-1.0 if held > 0 else 1.0", "random.choice([-1.0, 1.0])"),
    "slow": "time.sleep(0.0 if self.seen % 3 else 0.06)\n        " + TURNS,
    "stuck": "time.sleep(0.9 if self.seen == 60 else 0.0)\n        "
    + TURNS.replace("1.0, 1.0)]", '1.0, 1.0, {"quantity": 0.001})]'),
    "dying": "time.sleep(1.5 if self.seen in (61, 62, 63) else 0.0)\n        " + TURNS,
    "lazy": "time.sleep(0.005)\n        " + TURNS,
    "failing": "assert self.seen not in (50, 73)\n        " + TURNS,
    "resting": TURNS.replace(
        "1.0, 1.0)]", '1.0, 1.0, {"order_type": "limit", "limit_price": price_update.ask})]'
    ),
}
LIMITS = RiskLimits(
    duplicate_order=DuplicateOrder(0.001, float("inf")),
    message_rate=MessageRate(1e4, 1e4, 1e4, 1e4),
    repeated_execution=RiskLimits.unlimited().repeated_execution,
    per_strategy=RiskLimits.unlimited().per_strategy,
)


def scripts(folder: Path, **bodies: str) -> Path:
    """A folder with the strategies of this file, and others in place of some."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in {**BODIES, **bodies}.items():
        text = SOURCE.format(name=name.title(), about=f"Trades, {name}.", body=body)
        (folder / f"{name}.py").write_text(text)
    return folder


def recorded(folder: Path, bars: int = 150) -> Path:
    path = folder / "prices.parquet"
    write_parquet(wb.synthetic(["BTC-USD", "ETH-USD"], venues=["v"], bars=bars, seed=3), path)
    return path


async def _nothing(engine: Engine) -> None: ...


def in_lock_step(
    folder: Path,
    *names: str,
    bars: int = 150,
    hard_ms: float = 60_000.0,
    meanwhile: Callable[[Engine], Awaitable[None]] = _nothing,
    **given: Any,
) -> Path:
    """Play recorded prices to the named strategies; the data folder.

    hard_ms: for one answer; a busy machine takes its time.  meanwhile: what people do.  given: of the venue's entry,
    besides.
    """
    market = recorded_market(recorded(folder, bars), "BTC-USD", "ETH-USD")
    market["venues"]["v"] |= given

    async def play() -> None:
        settings = settings_for(
            folder,
            strategies_path=scripts(folder / "scripts"),
            strategy_soft_ms=100.0,
            strategy_hard_ms=hard_ms,
        )
        async with open_engine(settings, market, LIMITS) as engine:
            for name in names:
                await engine.strategies.start(StartRequest(name))
            await asyncio.gather(engine.play(), meanwhile(engine))

    asyncio.run(play())
    return folder / "data"


def by_the_clock(
    folder: Path,
    happens: Callable[[Engine], Awaitable[None]],
    interval_ms: float = 5.0,
    market: dict[str, Any] | None = None,
    **given: Any,
) -> Path:
    """An engine on a made-up market while `happens`; the data folder.  given: settings besides."""

    async def play() -> None:
        settings = settings_for(folder, strategies_path=scripts(folder / "scripts"), **given)
        async with open_engine(settings, market or paper_market(interval_ms), LIMITS) as engine:
            await happens(engine)

    asyncio.run(play())
    return folder / "data"


def compared(data: Path, **asked: Any) -> Reconciliation:
    """Compared with its replay; strategies of this file are trusted, unless it is asked otherwise."""
    return reconcile(data, **{"isolation": "thread", **asked})
