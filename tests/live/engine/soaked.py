"""An engine with ten sandboxed strategies under steady load, which says what memory it takes.  Run as a process.

python -m tests.live.engine.soaked FOLDER SECONDS [LEAKING]

Prints a line of JSON each half second once the load is steady: seconds since then, phase, proportional set size in
bytes of the engine and of each strategy, orders so far.  After SECONDS it ends by itself; or, where LEAKING is given,
goes on for so many seconds with a leak in the engine and in one strategy (phase "leaking").
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import structlog

from live.engine import Engine, StartRequest
from live.sandbox.usage import proportional
from tests.live.engine.desk import open_engine, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.core.limits import RiskLimits

STRATEGIES = 10
INTERVAL_MS = 20.0
LEAKED = 160_000  # bytes with each price: 8 MB a second
STEADY = 15_000  # orders, until all that is kept for people is full
LONGEST_S = 120.0  # until then
TRADE = """
self.turn = not getattr(self, "turn", False)
{more}
side = 1.0 if self.turn else -1.0
near = {{"quantity": 0.001}}
limit = round(price_update.last * 0.97, 2)
far = {{"order_type": "limit", "limit_price": limit, "quantity": 0.001, "time_in_force": "IOC"}}
return [MarketSignal(price_update.symbol, None, side, 1.0, about) for about in (near, near, far)]
"""
LEAKS = """
self.kept = [*getattr(self, "kept", ()), bytearray({size})]
"""


def market() -> dict[str, Any]:
    feed = {
        "kind": "synthetic",
        "interval_ms": INTERVAL_MS,
        "seed": 1,
        "symbols": {"BTC-USD": {"price": 30_000, "volatility": 0.6}},
    }
    venue = {
        "kind": "paper",
        "feed": "f",
        "instruments": {"BTC-USD": {"tick": 0.01, "lot": 1e-6}},
        "costs": {"maker_bps": 1, "taker_bps": 4, "spread_bps": 2, "participation": "off"},
    }
    return {"feeds": {"f": feed}, "venues": {"exchange-1": venue}}


def leak(engine: Engine) -> None:
    """Have the engine keep something of each block."""
    kept: list[bytearray] = []
    released = engine.tracer.block

    def block(*given: Any) -> None:
        kept.append(bytearray(os.urandom(64) * (LEAKED // 64)))
        released(*given)

    engine.tracer.block = block  # type: ignore[assignment, method-assign]


async def watch(engine: Engine, phase: str, seconds: float) -> None:
    """Say what memory there is for so long; snapshots are made meanwhile, as an engine does that runs for months."""
    begun, saved = time.monotonic(), 0.0
    while (passed := time.monotonic() - begun) < seconds:
        if passed - saved > 3.0:
            engine.pump.snapshot()
            saved = passed
        await asyncio.sleep(0.5)
        workers = {
            name: proportional(slot.runner.worker.pid)
            for name, slot in engine.strategies.slots.items()
            if slot.runner is not None and slot.runner.worker is not None
        }
        line = {
            "phase": phase,
            "seconds": round(passed, 1),
            "engine": proportional(os.getpid()),
            "strategies": workers,
            "orders": int(engine.machine.desk.book.accepted),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - the parent reads it


async def main(folder: Path, seconds: float, leaking_s: float) -> None:
    scripts = folder / "scripts"
    write_script(scripts, "trader", TRADE.format(more=""))
    write_script(scripts, "leaking", TRADE.format(more=LEAKS.format(size=LEAKED).strip()))
    settings = settings_for(
        folder,
        strategies_path=scripts,
        strategy_isolation="sandbox",
        max_concurrent_strategies=STRATEGIES,
        strategy_hard_ms=30_000.0,  # a busy machine is another matter
        risk_check_timeout_ms=30_000.0,
    )
    async with open_engine(settings, market(), RiskLimits.unlimited()) as engine:
        for i in range(STRATEGIES):
            await engine.strategies.start(StartRequest("trader", f"s{i}", warm_up=False))
        await until(lambda: int(engine.machine.desk.book.accepted) > STEADY, LONGEST_S)
        engine.pump.snapshot()
        await watch(engine, "steady", seconds)
        if leaking_s:
            leak(engine)
            await engine.strategies.start(StartRequest("leaking", "s3"))
            await watch(engine, "leaking", leaking_s)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0))
