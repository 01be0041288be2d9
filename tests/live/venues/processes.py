"""An exchange in its own process, a client of it, and a network between them that can be made worse."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from live.messages import ExecutionReport, NewOrder, SessionState, VenueEvent
from live.tasks import Tasks
from live.venues.clock import WallClock
from live.venues.settings import load_venues
from live.venues.websocket import WebSocketVenue
from tests.live.venues.kit import SYMBOL
from workbench.core.messages import PriceUpdate

ROOT = Path(__file__).parents[3]
FAST = {
    "heartbeat_seconds": 0.2,
    "timeout_seconds": 1.0,
    "backoff_seconds": 0.05,
    "backoff_most_seconds": 0.2,
}


def venues(folder: Path, port: int, **venue: Any) -> Path:
    """A venues.yaml with one websocket venue `x`, for both sides."""
    link = FAST | {"url": f"ws://127.0.0.1:{port}"} | venue.pop("link", {})
    table = {
        "kind": "websocket",
        "feed": "market",
        "instruments": {SYMBOL: {"tick": 0.01, "lot": 0.001}},
        "link": link,
        "liquidity": {"takers_per_second": 0, "refill_seconds": 0.1},
    }
    feed = {"kind": "synthetic", "jumps_per_year": 0, "symbols": {SYMBOL: {"price": 100, "volatility": 0.1}}}
    path = folder / f"venues-{port}.yaml"
    path.write_text(yaml.safe_dump({"feeds": {"market": feed}, "venues": {"x": table | venue}}))
    return path


class Exchange:
    """The process; it comes back on the same port and store."""

    def __init__(self, folder: Path, *options: str, **venue: Any) -> None:
        self.folder = folder
        self.port = 0
        self.options = options
        self.venue = venue
        self.process: asyncio.subprocess.Process | None = None
        self.errors = folder / "errors.txt"

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.end(signal.SIGKILL)

    async def begin(self) -> None:
        config = venues(self.folder, self.port, **self.venue)
        with self.errors.open("a") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "live.venues.server", "--config", str(config), "--store", str(self.folder / "store")),
                *("--port", str(self.port), "--heartbeat", "0.2", *self.options),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout is not None
        line = (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode()
        assert line.startswith("listening on "), self.errors.read_text()
        self.port = int(line.split(":")[2].split()[0])

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        os.kill(self.process.pid, number)
        return await asyncio.wait_for(self.process.wait(), 20)

    def memory_mb(self) -> float:
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def client(self, port: int = 0, **venue: Any) -> Client:
        """A client by the exchange's own settings, straight or by way of a proxy's port."""
        path = venues(self.folder, port or self.port, **self.venue | venue)
        return Client(WebSocketVenue(load_venues(path).venues[0], WallClock(), Tasks()))


class Client:
    """A venue's client and all that it has delivered."""

    def __init__(self, venue: WebSocketVenue) -> None:
        self.venue = venue
        self.events: list[VenueEvent] = []

    async def __aenter__(self) -> Self:
        await self.venue.start(self.events.extend)
        await self.until(lambda: self.venue.status().up)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.venue.stop()

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    def send(self, *orders: NewOrder) -> None:
        self.venue.send(orders)

    def rest(self, number: int, limit: float = 60.0) -> None:
        """A buy order that rests far from the market."""
        self.send(NewOrder(number, SYMBOL, 1, 1.0, "limit", "GTC", limit))

    def take(self, *numbers: int) -> None:
        """Market orders, by turns of both sides."""
        self.send(*(NewOrder(n, SYMBOL, 1 if n % 2 else -1, 0.01, "market", "IOC") for n in numbers))

    async def seen(self, number: int, kind: str) -> None:
        await self.until(lambda: any(r.order_id == number and r.kind == kind for r in self.reports))

    async def ended(self, last: int) -> None:
        """Until every order from 1 to `last` has ended."""
        over = ("cancelled", "rejected", "expired")

        def done() -> bool:
            found = {
                r.order_id for r in self.reports if r.kind in over or (r.kind == "filled" and not r.leaves)
            }
            return found == set(range(1, last + 1))

        await self.until(done)

    async def down(self, reason: str) -> None:
        """Until the venue says that it is down for such a reason."""
        await self.until(lambda: reason in self.venue.status().reason and not self.venue.status().up)

    @property
    def reports(self) -> list[ExecutionReport]:
        return [event for event in self.events if isinstance(event, ExecutionReport)]

    @property
    def sessions(self) -> list[SessionState]:
        return [event for event in self.events if isinstance(event, SessionState)]

    @property
    def prices(self) -> list[PriceUpdate]:
        return [event for event in self.events if isinstance(event, PriceUpdate)]

    @property
    def numbers(self) -> list[int]:
        """Numbers of the venue's own reports, as they came."""
        return [report.report_id for report in self.reports if report.report_id]


class Proxy:
    """TCP in between: `delay` seconds each way; `hole` swallows everything; `stuck` takes nothing, so that what is sent
    piles up at its sender; `reset` cuts all connections.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.hole = False
        self.stuck = False
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Abort every connection: what is under way is lost, and both ends see a reset."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pipe(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await source.read(65_536):
                while self.stuck:
                    await asyncio.sleep(0.01)
                if self.hole:
                    continue
                if self.delay:
                    loop.call_later(self.delay, _write, sink, data)
                else:
                    sink.write(data)
        except OSError:
            pass
        finally:
            sink.transport.abort()


def _write(sink: asyncio.StreamWriter, data: bytes) -> None:
    if not sink.transport.is_closing():
        sink.write(data)


def run(scenario: Callable[[], Any], seconds: float = 60.0) -> None:
    """Run a test's coroutine with a time limit."""

    async def main() -> None:
        async with asyncio.timeout(seconds):
            await scenario()

    asyncio.run(main())


def gapless(numbers: Sequence[int]) -> bool:
    return list(numbers) == list(range(1, len(numbers) + 1))
