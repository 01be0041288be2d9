"""How fast the live engine is: orders a second, latencies, kill switch, restart, memory.  Run by `make bench-live`.

The engine runs in this process, strategies in sandboxes, on a market whose prices come a hundred times a second.
Every risk rule looks at every order; limits are wide enough to let them pass.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog
from rich.console import Console
from rich.table import Table

from live.engine import Engine, StartRequest
from live.machine import KillReset, KillSwitch
from tests.live.engine.desk import open_engine, settings_for
from tests.live.engine.scripts import write_script
from workbench.core.limits import (
    CircuitBreakers,
    DrawdownLimits,
    DuplicateOrder,
    GlobalLimits,
    MessageRate,
    NotionalLimits,
    PerStrategyLimits,
    RepeatedExecution,
    RiskLimits,
)

WIDE = 1e12
LIMITS = RiskLimits(
    notional_limits=NotionalLimits(WIDE, WIDE, WIDE, WIDE, WIDE, WIDE),
    message_rate=MessageRate(1e6, 1e6, 1e6, 1e6),
    duplicate_order=DuplicateOrder(0.001, float("inf")),
    repeated_execution=RepeatedExecution(255, 1e-6),
    per_strategy=PerStrategyLimits(WIDE, WIDE, 0.99),
    global_limits=GlobalLimits(WIDE, WIDE, 0.99),
    drawdown_limits=DrawdownLimits(-WIDE, -0.99, WIDE),
    circuit_breakers=CircuitBreakers(-0.99, -WIDE, -0.99),
)
ORDERS = """
signs = [1.0 if i % 2 else -1.0 for i in range({count})]
return [MarketSignal(price_update.symbol, None, sign, 1.0, {{"quantity": 1e-6}}) for sign in signs]
"""
RESTING = """
self.sent = getattr(self, "sent", 0) + 1
if self.sent > {count}:
    return []
about = {{"order_type": "limit", "limit_price": round(price_update.last * 0.95, 2), "quantity": 0.001}}
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, about)]
"""


def market(interval_ms: float) -> dict[str, Any]:
    feed = {
        "kind": "synthetic",
        "interval_ms": interval_ms,
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


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    ordered = sorted(values)
    if not ordered:
        return float("nan"), float("nan")
    return ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3


def megabytes(pid: int, what: str) -> float:
    name = "Pss" if what == "pss" else "Rss"
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return float("nan")


async def orders(
    engine: Engine, folder: Path, seconds: float, strategies: int, per_update: int
) -> list[tuple[str, str]]:
    write_script(folder, "flood", ORDERS.format(count=per_update))
    for i in range(strategies):
        await engine.strategies.start(StartRequest("flood", f"flood-{i}", warm_up=False))
    await asyncio.sleep(1.0)
    runners = [slot.runner for slot in engine.strategies.slots.values() if slot.runner is not None]
    for runner in runners:
        runner.seconds.clear()
    engine.pump.check_seconds.clear()
    book = engine.machine.desk.book
    before, fills, begun = int(book.accepted), int(book.fills), time.perf_counter()
    cpu = time.process_time()
    each = [int(row["accepted"]) for row in np.asarray(engine.machine.desk.view.strategies)]
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begun
    cpu = time.process_time() - cpu
    book = engine.machine.desk.book
    rate = (int(book.accepted) - before) / took
    filled = (int(book.fills) - fills) / took
    after = [int(row["accepted"]) for row in np.asarray(engine.machine.desk.view.strategies)]
    slowest = min((b - a) / took for a, b in zip(each, after, strict=True))
    p50, p99 = quantiles([s for runner in runners for s in runner.seconds])
    checks = [s / count for s, count in engine.pump.check_seconds if count]
    check50, check99 = quantiles(checks)
    rows = [
        (f"orders accepted a second, {strategies} strategies, {took:.0f} s", f"{rate:,.0f}"),
        ("fills a second", f"{filled:,.0f}"),
        ("slowest strategy, orders a second", f"{slowest:,.0f}"),
        ("price sent to answer received, p50 / p99", f"{p50:.2f} / {p99:.2f} ms"),
        ("pre-trade risk an order, p50 / p99", f"{check50:.4f} / {check99:.4f} ms"),
        ("CPU of the engine", f"{cpu / took:.0%} of a core"),
        (
            "refused as late / conflated prices",
            f"{engine.pump.refused_late} / {engine.strategies.processes.conflated}",
        ),
        ("unsaved blocks, journal's lag", f"{engine.pump.unsaved}, {engine.journal.info()['lag_ms']:.1f} ms"),
        ("memory of the engine", f"{megabytes(os.getpid(), 'rss'):.0f} MB resident"),
    ]
    sizes = [megabytes(runner.worker.pid, "pss") for runner in runners if runner.worker is not None]
    rows.append(("memory of a strategy, largest", f"{max(sizes):.1f} MB proportional"))
    for i in range(strategies):
        await engine.strategies.stop(f"flood-{i}", "bench")
    return rows


async def kills(engine: Engine, folder: Path, rounds: int, count: int) -> list[tuple[str, str]]:
    """From the kill switch until nothing works any more, and that is durable."""
    write_script(folder, "resting", RESTING.format(count=count))
    found: list[float] = []
    for i in range(rounds):
        await engine.strategies.start(StartRequest("resting", f"resting-{i}", warm_up=False))
        while len(engine.machine.blotter.working) < count:
            await asyncio.sleep(0.01)
        begun = time.perf_counter()
        await engine.ask(KillSwitch("all", "", "bench", "drill"))
        while engine.machine.blotter.working:
            await asyncio.sleep(0)
        found.append(time.perf_counter() - begun)
        await engine.strategies.stop(f"resting-{i}", "bench")
        await engine.ask(KillReset("all", "", "bench", "over"))
    return [
        (
            f"kill switch to {count} orders cancelled, median / worst of {rounds}",
            f"{statistics.median(found) * 1e3:.1f} / {max(found) * 1e3:.1f} ms",
        )
    ]


async def restart(folder: Path, events: int) -> list[tuple[str, str]]:
    """Start on a journal of so many inputs whose newest snapshot is as old as the settings let it be."""
    from live.journal import Journal
    from live.machine import Answered, Machine, encode_block
    from workbench.core.build import Seat
    from workbench.core.intents import SeatStrategy
    from workbench.core.messages import MarketSignal, PriceUpdate

    settings = settings_for(folder)
    async with open_engine(settings, market(10.0), LIMITS) as engine:
        setup = engine.setup()
    journal = Journal.open(settings.journal)
    machine = Machine(setup)
    nan = float("nan")
    signal = MarketSignal("BTC-USD", None, 1.0, 1.0, {"quantity": 0.001})
    back = msgspec.structs.replace(signal, signal_strength=-1.0)
    block: list[Any] = [SeatStrategy(Seat("s"))]
    newest = journal.latest_snapshot()
    machine = Machine(setup, None if newest is None else newest.blob)
    done = kept = 0
    ns = max(int(machine.desk.book.now_ns), 0) + 1
    while done < events:
        price = 30_000.0 + done % 100
        block.append(
            PriceUpdate(
                "BTC-USD", "exchange-1", ns + done * 1_000_000, price, price, price, nan, nan, nan, 0.0, done
            )
        )
        block.append(Answered("s", done + 1, [signal if done % 4 else back]))
        done += 2
        if len(block) >= 500:
            for item in block:
                machine.apply(item)
            journal.append("block", ns + done, encode_block(block), len(block))
            block = []
            if done - kept >= settings.snapshot_events and done < events - settings.snapshot_events // 2:
                await journal.wait(journal.appended)
                journal.save_snapshot(journal.appended, ns, machine.dump(), {})
                kept = done
    await journal.wait(journal.appended)
    journal.close()
    begun = time.perf_counter()
    async with open_engine(settings, market(10.0), LIMITS) as engine:
        while not engine.strategies.processes.tape:
            await asyncio.sleep(0.001)
        took = time.perf_counter() - begun
        carried = engine.recovered.inputs
    return [
        (
            f"restart on a journal of {events:,} inputs until it trades",
            f"{took:.2f} s ({carried:,} carried again)",
        )
    ]


async def measure(given: argparse.Namespace) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = settings_for(
            folder,
            strategies_path=folder / "scripts",
            strategy_isolation=given.isolation,
            strategy_isolation_minimum="none",
            max_concurrent_strategies=64,
            risk_check_timeout_ms=1000.0,
        )
        async with open_engine(settings, market(given.interval), LIMITS) as engine:
            rows.append(("isolation", engine.sandbox.level.name.lower()))
            rows += await orders(
                engine, folder / "scripts", given.seconds, given.strategies, given.per_update
            )
            rows += await kills(engine, folder / "scripts", given.kills, 1000)
    with tempfile.TemporaryDirectory() as name:
        rows += await restart(Path(name), given.events)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--strategies", type=int, default=10)
    parser.add_argument("--per-update", type=int, default=22, help="orders of each strategy on each price")
    parser.add_argument("--interval", type=float, default=10.0, help="ms between prices")
    parser.add_argument("--isolation", default="sandbox")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--events", type=int, default=1_000_000)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = asyncio.run(measure(given))
    table = Table(title=f"live engine, {os.cpu_count()} cores, Python {platform.python_version()}")
    table.add_column("")
    table.add_column("", justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
