"""What a strategy's process costs: `python -m tests.benchmarks.sandbox` prints start times, round trips and memory."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path

from live.sandbox import Level, Sandbox, SandboxSettings
from tests.live.sandbox.harness import Heard, launched, price, script

COMPILED = (Path(__file__).parents[2] / "strategies" / "sma_cross.py").read_text()
PLAIN = script("return [MarketSignal(u.symbol, None, 0.5)]")
PEERS = 10
ROUNDS = 5
RATE_HZ = 1_000  # prices a second, to each of the peers
SECONDS = 5


def show(what: str, *figures: float, unit: str) -> None:
    print(f"{what:<58} {'  '.join(f'{figure:10.2f}' for figure in figures)} {unit}")  # noqa: T201


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 99 %."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


async def ready(sandbox: Sandbox, source: str, name: str = "script") -> tuple[float, Heard]:
    began = time.perf_counter()
    heard = await launched(sandbox, source, name)
    await heard.ready()
    return time.perf_counter() - began, heard


async def starts(level: Level) -> None:
    began = time.perf_counter()
    async with Sandbox(SandboxSettings(strongest=level, minimum=level)) as sandbox:
        show(f"{level.name.lower()}: host", 1e3 * (time.perf_counter() - began), unit="ms")
        plain = [(await ready(sandbox, PLAIN))[0] for _ in range(ROUNDS)]
        show(f"{level.name.lower()}: launch to Ready, plain", 1e3 * statistics.median(plain), unit="ms")
        cold = (await ready(sandbox, COMPILED))[0]
        warm = [(await ready(sandbox, COMPILED))[0] for _ in range(ROUNDS)]
        show(
            f"{level.name.lower()}: launch to Ready, compiled: first, later",
            1e3 * cold,
            1e3 * statistics.median(warm),
            unit="ms",
        )


async def round_trips(sandbox: Sandbox) -> None:
    _, heard = await ready(sandbox, PLAIN)
    took = []
    for _ in range(5_000):
        began = time.perf_counter()
        await heard.ask()
        took.append(1e6 * (time.perf_counter() - began))
    show("one at a time, price to answer: p50, p99", *percentiles(took), unit="us")
    first, began, count = len(heard.answers), time.perf_counter(), 50_000
    for number in range(count):
        heard.send(price=price(number))
        if number % 100 == 99:
            await asyncio.sleep(0)
    await heard.until(lambda: len(heard.answers) - first == count)
    show("one process, as fast as it goes", count / (time.perf_counter() - began), unit="answers/s")


async def side_by_side(sandbox: Sandbox, source: str, what: str) -> None:
    """PEERS at RATE_HZ: latency from sending to hearing, and memory."""
    peers = [(await ready(sandbox, source, f"{what}-{n}"))[1] for n in range(PEERS)]
    loop = asyncio.get_running_loop()
    took: list[float] = []
    sent: list[list[float]] = [[] for _ in peers]
    for peer, times in zip(peers, sent, strict=True):

        def heard(_: object, messages: list[object], times: list[float] = times, peer: Heard = peer) -> None:
            now = loop.time()
            took.extend(1e3 * (now - times[m.sequence - 1]) for m in messages if hasattr(m, "sequence"))
            peer.batches.append(len(messages))

        peer.worker._on_messages = heard  # type: ignore[assignment]  # measured here, not kept
    began = loop.time()
    for number in range(RATE_HZ * SECONDS):
        await asyncio.sleep(max(0.0, began + number / RATE_HZ - loop.time()))
        for peer, times in zip(peers, sent, strict=True):
            times.append(loop.time())
            peer.send(price=price(number))
    while len(took) < PEERS * RATE_HZ * SECONDS:
        await asyncio.sleep(0.01)
    rate = len(took) / (loop.time() - began)
    show(
        f"{PEERS} {what}, {RATE_HZ:,} prices/s each: p50, p99",
        *percentiles(took),
        unit=f"ms ({rate:,.0f} answers/s)",
    )
    usages = [usage for peer in peers if (usage := peer.worker.usage()) is not None]
    share = [usage.proportional / 2**20 for usage in usages]
    show(
        f"{PEERS} {what}, proportional set size: median, most",
        statistics.median(share),
        max(share),
        unit="MB",
    )
    for peer in peers:
        peer.worker.kill()


async def main() -> None:
    show(f"cores, load ({os.uname().machine})", float(os.cpu_count() or 0), os.getloadavg()[0], unit="")
    for level in (Level.BUBBLEWRAP, Level.FILTERED):
        await starts(level)
    async with Sandbox(SandboxSettings(minimum=Level.RLIMITS, hard_s=30.0)) as sandbox:
        await round_trips(sandbox)
        await side_by_side(sandbox, PLAIN, "plain")
        await side_by_side(sandbox, COMPILED, "compiled")


if __name__ == "__main__":
    asyncio.run(main())
