"""The processes of strategies: what they are shown, what they say, and who is told when one ends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from live.admission import Gate, Ticket
from live.engine.asking import Asking
from live.engine.catalog import Catalog, Script
from live.engine.launching import Launch, launch
from live.engine.pump import Pump
from live.engine.runner import Runner
from live.engine.shown import Begun, Listened, Shown, Warmed
from live.engine.slots import Metrics, Slot
from live.files import off_loop
from live.machine import Answered, Input, Machine, StrategyAdmitted
from live.messages import Answer, FromStrategy, Logged, Raised
from live.sandbox import Alarm, ExitReason, Sandbox, Worker, WorkerExit
from live.venues.clock import Clock
from workbench.core.facts import Fact
from workbench.core.intents import StrategyFailed
from workbench.core.messages import OrderFill, PriceUpdate, RiskBreach

__all__ = ["CAUGHT_UP", "StrategyProcesses", "let_go"]

CAUGHT_UP: Final = 50  # deliveries that a new process may be behind when it takes over
_GRACE_S: Final = 2.0
_WARM_UP: Final = 2_000  # prices that a new process is shown before it takes over

_log = structlog.get_logger("live.strategies")


class StrategyProcesses:
    """All processes of an engine's strategies.  tape: the newest prices, for a process that warms up."""

    def __init__(
        self,
        slots: Mapping[str, Slot],
        pump: Pump,
        sandbox: Sandbox,
        catalog: Catalog,
        clock: Clock,
        gate: Gate,
        died: Callable[[Slot, WorkerExit], object],
    ) -> None:
        """slots: strategies by id, whose owner changes them.  gate: says what may start.

        died: called where the process of one ends unasked.
        """
        self.tape: deque[PriceUpdate] = deque(maxlen=_WARM_UP)
        self._slots, self._pump, self._sandbox = slots, pump, sandbox
        self._catalog, self._clock, self._gate = catalog, clock, gate
        self._tell_died = died
        self._conflated = 0
        self._listeners: list[Runner] = []
        self._by_worker: dict[Worker, tuple[Slot, Runner]] = {}
        self._prices = 0
        self._warmed: dict[int, int] = {}  # prices when a process that does not listen yet had seen them all
        self._scripts: dict[int, tuple[Script, Ticket]] = {}
        self._launches = max((r.launch for r in pump.machine.strategies.values()), default=0)
        self._closing = False
        self.between_prices = asyncio.Lock()
        self._asking: Asking | None = None
        self._bell = asyncio.Event()

    @property
    def _machine(self) -> Machine:
        return self._pump.machine

    @property
    def _shown(self) -> Shown:
        return self._pump.shown

    # --- what they are shown -----------------------------------------------------------------------------------------

    def price(self, update: PriceUpdate) -> None:
        """Show a price to everybody who wants it."""
        self.tape.append(update)
        self._prices += 1
        for runner in self._listeners:
            runner.price(update)

    def facts(self, facts: list[Fact]) -> None:
        """Tell strategies of their fills and breaches."""
        desk = self._machine.desk
        for fact in facts:
            if type(fact) is OrderFill:
                slot = self._slots.get(fact.strategy_id)
                if slot is not None:
                    held = desk.position(desk.strategy_index(fact.strategy_id), fact.symbol)
                    for runner in (slot.runner, slot.candidate):
                        if runner is not None:
                            runner.fill(fact, held)
            elif type(fact) is RiskBreach:
                slot = self._slots.get(fact.strategy_id)
                if slot is not None and slot.runner is not None:
                    slot.runner.breach(fact)

    def turned(self) -> None:
        """A turn of the writer is over: send what does not wait for a price."""
        for runner in self._listeners:
            runner.flush()

    @property
    def listeners(self) -> list[Runner]:
        """Those that are shown prices, in the order of their seats, then versions that warm up."""
        return self._listeners

    @property
    def conflated(self) -> int:
        """Prices that a newer one replaced before a strategy could be shown them, since the engine began."""
        return self._conflated + sum(runner.conflated for _, runner in self._by_worker.values())

    def relist(self) -> None:
        """Somebody has come, gone or been paused: find out anew who is shown prices."""
        if self._closing:
            return
        if self._asking is not None:
            self._asking.relist = True
            return
        seats = {name: place for place, name in enumerate(self._machine.desk.strategies)}
        running = [
            s.runner for s in self._slots.values() if s.runner is not None and s.record.state == "running"
        ]
        warming = [slot.candidate for slot in self._slots.values() if slot.candidate is not None]
        self._listeners = sorted(running, key=lambda r: seats.get(r.strategy_id, len(seats))) + warming
        for runner in self._listeners:
            self._show_newest(runner, self._prices - self._warmed.pop(runner.launch, self._prices))
        told = [r.launch for s in self._slots.values() for r in (s.runner, s.candidate) if r is not None]
        listening = [(r.launch, not r.silent) for r in self._listeners]
        self._shown.note(Listened(self._shown.place, listening, told))

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Asking]:
        """In lock step, while a price is shown to one after the other: nothing else happens, nobody comes or goes.

        So a replay need not know when each of them was asked.  What may only change between two prices takes
        `between_prices`.
        """
        async with self.between_prices:
            self._asking = asking = Asking(self._listeners)
            try:
                with self._pump.held():
                    yield asking
            finally:
                self._asking = None
                for item in asking.said:
                    self._pump.post(item)
                self._shown.asked = True
                if asking.relist:
                    self.relist()

    async def launch(self, slot: Slot, script: Script, config: Mapping[str, Any], certificate: str) -> Launch:
        """Start a process for a slot and wait until it is ready: the one way to have a strategy run.

        certificate: id of the one that it is to run under; "" for any that holds.  Raises StrategyError.
        """
        strategy_id = slot.record.strategy_id
        ticket = await self._gate.admit(script, config, certificate, strategy_id)
        if ticket.certificate is not None:
            expires_ns = ticket.certificate.expires_ns
            await self._pump.ask(
                StrategyAdmitted(strategy_id, ticket.id, ticket.limits, expires_ns, ticket.instruments)
            )
        await off_loop(self._catalog.keep_started, script)
        self._launches += 1
        metrics = Metrics(self._machine, strategy_id)
        runner = Runner(strategy_id, self._launches, frozenset(), metrics, self._shown)

        async def confirm(worker: Worker) -> None:
            if worker.exit is None:
                self._by_worker[worker] = (slot, runner)
            await self._gate.confirm(ticket)

        started = await launch(
            self._sandbox,
            self._machine,
            script,
            ticket,
            confirm,
            runner,
            self._messages,
            self._exited,
            self._alarmed,
        )
        self._scripts[runner.launch] = (script, ticket)
        return started

    def tell_positions(self, runner: Runner) -> None:
        """Tell a new process what its strategy holds."""
        script, ticket = self._scripts.pop(runner.launch)
        self._shown.note(
            Begun(
                self._shown.place,
                runner.launch,
                runner.strategy_id,
                script.class_name,
                script.name,
                script.source_hash,
                dict(ticket.config),
                self._slots[runner.strategy_id].candidate is runner,
                ticket.symbols,
            )
        )
        desk = self._machine.desk
        s = desk.strategy_index(runner.strategy_id)
        for symbol in desk.symbols:
            held = desk.position(s, symbol)
            if held:
                runner.position(symbol, held)

    def warm_up(self, runner: Runner) -> None:
        """Show a new process the newest prices; what it answers to them is not used.

        Prices that come until it listens are shown to it in the same way, just before.
        """
        self._show_newest(runner, len(self.tape))
        self._warmed[runner.launch] = self._prices

    async def caught_up(self, runner: Runner) -> None:
        """Until a process has seen nearly all of what it was shown, or has ended: prices would be left out before."""
        while runner.unanswered > CAUGHT_UP and runner.worker is not None and runner.worker.exit is None:
            await self.something_said()

    def _show_newest(self, runner: Runner, count: int) -> None:
        """Show a process so many of the newest prices, unasked."""
        count = min(count, len(self.tape))
        if count:
            self._shown.note(Warmed(self._shown.place, runner.launch, count))
            for update in list(self.tape)[-count:]:
                runner.price(update, silent=True)

    # --- what they say -----------------------------------------------------------------------------------------------

    def _messages(self, worker: Worker, messages: list[FromStrategy]) -> None:
        found = self._by_worker.get(worker)
        if found is None:
            return
        slot, runner = found
        strategy_id = runner.strategy_id
        for message in messages:
            if isinstance(message, Answer):
                correlation = runner.answer(message)
                if correlation is not None and message.signals:
                    self._say(Answered(strategy_id, correlation, message.signals))
            elif isinstance(message, Raised):
                runner.raised = message.error
                slot.errors.append(f"{message.call}: {message.error}")
                slot.log.append((self._clock.now_ns(), "error", f"{message.call} raised {message.error}"))
                _log.warning(
                    "strategy_raised", strategy_name=strategy_id, call=message.call, error=message.error
                )
                if runner is slot.runner:
                    self._say(StrategyFailed(strategy_id, message.error))
            elif isinstance(message, Logged):
                slot.log.append((self._clock.now_ns(), message.level, message.text))
        if runner is not slot.candidate:
            runner.flush()
        self._bell.set()

    def _say(self, item: Input) -> None:
        if self._asking is not None:
            self._asking.said.append(item)
        else:
            self._pump.post(item)

    async def something_said(self) -> None:
        """Until a process has said something, or ended."""
        self._bell.clear()
        await self._bell.wait()

    def _alarmed(self, worker: Worker, alarm: Alarm) -> None:
        found = self._by_worker.get(worker)
        if found is not None:
            slot, runner = found
            slot.log.append((self._clock.now_ns(), "warning", alarm.text))
            _log.warning(
                "strategy_alarm", strategy_name=runner.strategy_id, kind=str(alarm.kind), text=alarm.text
            )

    def _exited(self, worker: Worker, ended: WorkerExit) -> None:
        self._bell.set()
        found = self._by_worker.pop(worker, None)
        if found is None:
            return
        slot, runner = found
        self._conflated += runner.conflated
        if self._closing:
            return
        if ended.reason is not ExitReason.FINISHED:
            slot.log.append((self._clock.now_ns(), "error", f"process ended: {ended.reason} {ended.detail}"))
            _log.warning(
                "strategy_exit",
                strategy_name=runner.strategy_id,
                reason=str(ended.reason),
                detail=ended.detail,
            )
        if runner is slot.candidate:
            slot.candidate = None
            self.relist()
        elif runner is slot.runner and not slot.stopping:
            slot.runner = None
            self.relist()
            self._tell_died(slot, ended)

    def close(self) -> None:
        """Listen to none of them any more."""
        self._closing = True
        self._listeners = []


async def let_go(runner: Runner) -> None:
    """Ask a process to end, and have it end."""
    if runner.worker is not None and runner.worker.exit is None:
        await runner.worker.stop(_GRACE_S)
