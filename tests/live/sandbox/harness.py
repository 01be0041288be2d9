"""Strategies as text, processes that run them, and what is heard of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

from live.messages import Answer, Deliver, FromStrategy, Hello, Logged, Raised, Ready
from live.sandbox import Alarm, AlarmKind, Sandbox, Worker, WorkerExit
from workbench.core.messages import Instrument, OrderFill, PriceUpdate, RiskBreach

BTC = Instrument("BTC-USD", "exchange-1")
ETH = Instrument("ETH-USD", "exchange-1")
PATIENCE_S = 20.0  # a machine may be busy


def script(on_price: str = "return []", *, module: str = "", fill: str = "pass", breach: str = "pass") -> str:
    """The text of a strategy.  on_price: body of on_market_data(self, u).  module: code in front of the class."""

    def body(code: str) -> str:
        return indent(dedent(code).strip(), " " * 8)

    return (
        "import os, sys, time, ctypes, signal, socket, threading\n"
        "from workbench.core.messages import MarketSignal\n"
        "from workbench.strategy.contract import TradingStrategy\n\n"
        f"{dedent(module)}\n\n"
        "class Script(TradingStrategy):\n"
        '    """For a test."""\n'
        f"    def on_market_data(self, u):\n{body(on_price)}\n"
        f"    def on_order_fill(self, fill):\n{body(fill)}\n"
        f"    def on_risk_breach(self, breach):\n{body(breach)}\n"
    )


def hello(source: str, strategy_id: str = "script", **config: object) -> Hello:
    return Hello(strategy_id, source, "script.py", "", config, [BTC, ETH])


def price(number: int = 1, instrument: Instrument = BTC, last: float = 100.0) -> PriceUpdate:
    return PriceUpdate(
        instrument.symbol, instrument.venue, number, last - 1.0, last + 1.0, last, 10.0, 5.0, 5.0, 0.0, number
    )


def fill(quantity: float = 1.0, instrument: Instrument = BTC, number: int = 0) -> OrderFill:
    return OrderFill(
        1, 0, number, "script", instrument.symbol, instrument.venue, quantity, 100.0, 0.1, 0.0, "taker", 1
    )


def breach(kind: str = "position_limit") -> RiskBreach:
    return RiskBreach(kind, "script", "", "", 2.0, 1.0, 1)


class Heard:
    """All that one worker said, and how it ended."""

    def __init__(self) -> None:
        self.messages: list[FromStrategy] = []
        self.batches: list[int] = []
        self.alarms: list[Alarm] = []
        self.exits: list[WorkerExit] = []
        self.sent = 0
        self.worker: Worker
        self._changed = asyncio.Event()

    def on_messages(self, _: Worker, messages: list[FromStrategy]) -> None:
        assert not self.exits, "a message after the exit"
        self.messages += messages
        self.batches.append(len(messages))
        self._changed.set()

    def on_exit(self, _: Worker, end: WorkerExit) -> None:
        self.exits.append(end)
        self._changed.set()

    def on_alarm(self, _: Worker, alarm: Alarm) -> None:
        self.alarms.append(alarm)
        self._changed.set()

    def of[T: FromStrategy](self, kind: type[T]) -> list[T]:
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def answers(self) -> list[Answer]:
        return self.of(Answer)

    @property
    def raised(self) -> list[Raised]:
        return self.of(Raised)

    @property
    def lines(self) -> list[str]:
        return [logged.text for logged in self.of(Logged)]

    def alarms_of(self, kind: AlarmKind) -> list[Alarm]:
        return [alarm for alarm in self.alarms if alarm.kind is kind]

    async def until(self, true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(patience_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def ready(self) -> Ready:
        await self.until(lambda: bool(self.of(Ready) or self.exits))
        assert not self.exits, (self.exits, self.raised)
        return self.of(Ready)[0]

    def send(self, **parts: object) -> int:
        """Send the next delivery; its number."""
        self.sent += 1
        self.worker.send(Deliver(self.sent, **parts))  # type: ignore[arg-type]  # as Deliver has them
        return self.sent

    async def ask(self, count: int = 1) -> list[Answer]:
        """Send so many prices, one by one, and wait for the answers."""
        for _ in range(count):
            number = self.send(price=price(self.sent + 1))
            await self.until(
                lambda number=number: (
                    bool(self.exits)  # type: ignore[misc]  # bound at once
                    or bool(self.answers and self.answers[-1].sequence == number)
                )
            )
        return self.answers

    async def exit(self) -> WorkerExit:
        await self.until(lambda: bool(self.exits))
        return self.exits[0]


async def launched(sandbox: Sandbox, source: str, strategy_id: str = "script", **config: object) -> Heard:
    heard = Heard()
    heard.worker = await sandbox.launch(
        hello(source, strategy_id, **config), heard.on_messages, heard.on_exit, heard.on_alarm
    )
    return heard


async def running(sandbox: Sandbox, source: str, strategy_id: str = "script", **config: object) -> Heard:
    """As `launched`, and ready."""
    heard = await launched(sandbox, source, strategy_id, **config)
    await heard.ready()
    return heard


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs (one that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Processes below `pid`, however deep."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(
                    Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2].split()[1]
                )
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
    found, fresh = [], [pid]
    while fresh:
        fresh = [child for child, parent in parents.items() if parent in fresh]
        found += fresh
    return found
