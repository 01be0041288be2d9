"""The risk desk while a thousand orders and fills a second change: the browser, the server and the engine keep up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.benchmarks.bench_live import LIMITS, market
from tests.browser.conftest import OpenPage, served
from tests.browser.engines import EngineProcess
from tests.waiting import until
from workbench.certificates.ordering import limits_table

FLOOD = '''
from workbench.strategy import MarketSignal, TradingStrategy


class FloodStrategy(TradingStrategy):
    """Ten orders for each price, back and forth."""

    VERSION = "1.0.0"

    def on_market_data(self, price_update):
        signs = [1.0 if i % 2 else -1.0 for i in range(10)]
        return [MarketSignal(price_update.symbol, None, sign, 1.0, {"quantity": 1e-6}) for sign in signs]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''


@dataclass
class Figures:
    """updates: orders that changed and fills of the engine, a second.  busy: share of the browser's main thread.

    frames: messages to the browser, a second.  heap, memory: growth of the page's JavaScript and of the server, MB.
    """

    updates: float
    busy: float
    frames: float
    heap: float
    memory: float


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("engine")
    scripts = folder / "strategies"
    scripts.mkdir()
    (scripts / "flood.py").write_text(FLOOD)
    limits = folder / "risk_limits.yaml"
    limits.write_text(yaml.safe_dump({"risk_limits": limits_table(LIMITS)}))
    found = EngineProcess(folder, market=market(20.0), limits=limits, STRATEGIES_PATH=str(scripts))
    found.start()
    with found.client() as client:
        client.start("flood", "flood")
        until(lambda: len(client.fills(most=100)) >= 100)
    yield found
    found.stop()


def server_memory() -> float:
    """Resident megabytes of the dashboard's server, which is a child of this process."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if "dashboard" in Path(f"/proc/{pid}/cmdline").read_text():
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    raise AssertionError("no dashboard runs")


def measure(engine: EngineProcess, page: Page, frames: list[int], seconds: float) -> Figures:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def metrics() -> dict[str, float]:
        session.send("HeapProfiler.collectGarbage")
        found: dict[str, Any] = session.send("Performance.getMetrics")
        return {line["name"]: line["value"] for line in found["metrics"]}

    with engine.client() as client:

        def changes() -> int:
            return client.risk().orders_accepted * 2  # each is accepted and filled

        page.wait_for_timeout(4_000)
        memory, before, begun, done = server_memory(), metrics(), time.monotonic(), changes()
        count = len(frames)
        page.wait_for_timeout(seconds * 1_000)
        took, done = time.monotonic() - begun, changes() - done
        sent = len(frames) - count
        after = metrics()
        return Figures(
            done / took,
            (after["TaskDuration"] - before["TaskDuration"]) / took,
            sent / took,
            (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 2**20,
            server_memory() - memory,
        )


def note(data: str | bytes, frames: list[int]) -> None:
    """A message has parts of its own for head and content: the head is counted."""
    if isinstance(data, str) and '"PATCH-DOC"' in data[:200]:
        frames.append(len(data))


def soak(engine: EngineProcess, open_page: OpenPage, seconds: float) -> Figures:
    """Orders are looked at; at the end the flood stops, and what is shown is the engine's own list."""
    with served("risk", environment=engine.environment) as url:
        page = open_page("about:blank")
        frames: list[int] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: note(data, frames)))
        page.goto(f"{url}/risk")
        expect(page.get_by_text("P&L today")).to_be_visible()
        page.get_by_role("button", name="Orders").click()
        expect(page.locator(".tabulator-row").first).to_be_visible()
        figures = measure(engine, page, frames, seconds)
        with engine.client() as client:
            client.pause("flood")
            until(lambda: client.risk().working_orders == 0)
            count = f"{client.risk().orders_refused:,} refused so far"
            expect(page.get_by_text(count)).to_be_visible()
            page.get_by_role("button", name="Fills").click()
            last = client.fills(after=client.fills(most=1).index[0]).iloc[-1]
            expect(page.locator(".tabulator-row").first).to_contain_text(f"{last['price']:,.2f}")
            client.resume("flood")
        page.close()  # before its server ends
        sys.stdout.write(f"{figures}\n")  # shown with -s, and where a test failed
        return figures


def test_a_thousand_updates_a_second_come_as_a_few_frames(engine: EngineProcess, open_page: OpenPage) -> None:
    figures = soak(engine, open_page, 6.0)
    assert figures.updates > 100.0  # of a machine that has other things to do
    assert figures.frames < 12.0
    assert figures.heap < 16.0


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_minute_of_them_leaves_half_of_the_browser_free_and_memory_flat(
    engine: EngineProcess, open_page: OpenPage
) -> None:
    figures = soak(engine, open_page, 60.0)
    assert figures.updates > 800.0
    assert figures.frames < 12.0
    assert figures.busy < 0.5
    assert figures.heap < 4.0
    assert figures.memory < 30.0
