"""Strategies that are run again, each in a process as it had live: the same sandbox, the same messages, other time.

Code out of a journal is trusted as little as live: it never runs in the process that compares.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from live.engine.runner import Runner
from live.engine.shown import Begun, Shown
from live.engine.slots import Metrics
from live.machine import Machine
from live.messages import Answer, FromStrategy, Hello, Raised, Ready
from live.sandbox import Isolation, Level, Sandbox, SandboxSettings, Worker, WorkerExit
from live.sandbox.contract import Alarm
from workbench.core.jit import CACHE_DIRECTORY
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.errors import StrategyError
from workbench.reconcile.source import Source

__all__ = ["Process", "Processes", "sandbox_settings"]

_AHEAD: Final = 200  # deliveries that may be unanswered; from 256 on a runner would leave prices out
_GRACE_S: Final = 30.0
_SLOWEST_S: Final = 30.0  # for one delivery; nobody waits in a market


def sandbox_settings(isolation: str, minimum: str, data: Path | None) -> SandboxSettings:
    """As the engine's of the same names: sandbox or thread, and what holds at least.

    data: the engine's folder, whose compiled strategies need not be compiled again.
    """
    trusted = isolation == "thread"
    return SandboxSettings(
        kernels=_kernels(data),
        isolation=Isolation(isolation),
        minimum=Level.NONE if trusted else Level[minimum.upper()],
        soft_s=_SLOWEST_S,
        hard_s=_SLOWEST_S,
    )


def _kernels(data: Path | None) -> Path | None:
    """A folder of our own for compiled strategies: the engine's is the engine's, and only read."""
    if CACHE_DIRECTORY is None:
        return None
    own = Path(CACHE_DIRECTORY) / "strategies"
    theirs = sorted((data / "kernels").glob("*")) if data is not None else []
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in theirs:
        if not (own / path.name).exists():
            shutil.copyfile(path, own / path.name, follow_symlinks=False)
    return own


class Process:
    """One process of one version of a strategy.

    runner: what it has been told.  warming: beside another one that trades.  dead: why it answers no more.
    """

    def __init__(self, begun: Begun, runner: Runner) -> None:
        self.begun = begun
        self.runner = runner
        self.warming = begun.candidate
        self.dead = ""
        self.raised = ""
        self._asked: dict[int, int] = {}  # price by delivery
        self._due: set[int] = set()
        self._said: dict[int, list[MarketSignal]] = {}
        self._ready: Ready | None = None
        self._news = asyncio.Event()

    def show(self, price: PriceUpdate, number: int, *, silent: bool = False) -> bool:
        """Show it a price, the journal's of this number; False where it does not want it, or is gone."""
        runner, before = self.runner, self.runner.sequence
        if self.dead:
            return False
        runner.price(price, silent=silent)
        if runner.sequence == before:
            return False
        self._asked[runner.sequence] = number
        self._due.add(number)
        return True

    def heard(self, message: FromStrategy) -> None:
        if isinstance(message, Answer):
            number = self._asked.pop(message.sequence, None)
            used = self.runner.answer(message) is not None
            if number is not None:
                self._due.discard(number)
                if used and message.signals:
                    self._said[number] = message.signals
        elif isinstance(message, Ready):
            self._ready = message
        elif isinstance(message, Raised):
            self.raised = self.raised or f"{message.call}: {message.error}"
        self._news.set()

    def ended(self, why: str) -> None:
        self.dead = self.dead or why
        self._news.set()

    async def ready(self) -> Ready | None:
        """What it says of itself once it is loaded; None where it cannot be."""
        while self._ready is None and not self.dead:
            await self._something()
        return self._ready

    async def answer(self, number: int) -> list[MarketSignal]:
        """What it answers to the price of this number; nothing where it was not asked, or has died of it."""
        while number not in self._said:
            if self.dead or number not in self._due:
                return []
            await self._something()
        return self._said.pop(number)

    async def keeps_up(self, ahead: int = _AHEAD) -> None:
        """Until no more than `ahead` deliveries are unanswered."""
        while self.runner.unanswered > ahead and not self.dead:
            await self._something()

    def said(self) -> dict[int, list[MarketSignal]]:
        """What it has answered to prices by number and nobody has taken yet; it is taken by this."""
        taken, self._said = self._said, {}
        return taken

    async def _something(self) -> None:
        self._news.clear()
        await self._news.wait()


class Processes:
    """Starts and ends them.  problems: strategies that cannot be run again, and why."""

    def __init__(self, source: Source, sandbox: Sandbox) -> None:
        self.problems: dict[str, str] = {}
        self._source, self._sandbox = source, sandbox
        self._by_worker: dict[Worker, Process] = {}
        self._leaving: set[asyncio.Task[WorkerExit]] = set()

    async def start(self, begun: Begun, machine: Machine) -> Process | None:
        """A process as the one that began there; None where it cannot be (see `problems`)."""
        metrics = Metrics(machine, begun.strategy_id)
        runner = Runner(begun.strategy_id, begun.launch, frozenset(), metrics, Shown())
        process = Process(begun, runner)
        try:
            script = self._source.script(begun)
            hello = Hello(
                begun.strategy_id,
                script.source,
                script.name,
                script.class_name,
                begun.config,
                list(machine.setup.instruments),
            )
            worker = await self._sandbox.launch(hello, self._messages, self._exited, _unheard)
        except StrategyError as error:
            self.problems.setdefault(begun.strategy_id, str(error))
            return None
        self._by_worker[worker] = process
        ready = await process.ready()
        if ready is None:
            self.problems.setdefault(begun.strategy_id, process.raised or process.dead)
            return None
        known = frozenset(instrument.symbol for instrument in machine.setup.instruments)
        runner.symbols = (frozenset(ready.symbols) or known) & known
        if begun.certified is not None:
            runner.symbols &= frozenset(begun.certified)
        runner.worker = worker
        return process

    def let_go(self, process: Process) -> None:
        """Have it answer what it was asked, and end."""
        worker = process.runner.worker
        if worker is not None and worker.exit is None:
            leaving = asyncio.create_task(worker.stop(_GRACE_S))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """End all of them at once."""
        for worker in list(self._by_worker):
            worker.kill("the run is over")
        await asyncio.gather(*self._leaving, *(worker.wait() for worker in list(self._by_worker)))
        self._by_worker.clear()

    def _messages(self, worker: Worker, messages: list[FromStrategy]) -> None:
        process = self._by_worker.get(worker)
        for message in messages if process is not None else ():
            assert process is not None
            process.heard(message)

    def _exited(self, worker: Worker, ended: WorkerExit) -> None:
        process = self._by_worker.pop(worker, None)
        if process is not None:
            process.ended(f"{ended.reason} {ended.detail}".strip())


def _unheard(worker: Worker, alarm: Alarm) -> None:
    """Nobody is to be alarmed of yesterday."""
