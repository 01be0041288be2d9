"""Which strategies run: their life cycle, restarts, and the swap of a running one for a newer version."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog

from live.engine.catalog import Catalog, Script
from live.engine.launching import Launch, launch
from live.engine.pump import Pump
from live.engine.runner import Runner
from live.engine.slots import RUNNING, Metrics, Slot, StartRequest, check_id
from live.machine import Answered, ChaosNoted, Machine, StrategyNoted, StrategyRecord
from live.messages import Answer, FromStrategy, Logged, Raised
from live.sandbox import Alarm, ExitReason, Sandbox, Worker, WorkerExit
from live.settings import Settings
from live.venues.clock import Clock
from workbench.core.facts import Fact
from workbench.core.intents import CancelOrders, ClosePositions, SeatStrategy, StrategyFailed
from workbench.core.messages import OrderFill, PriceUpdate, RiskBreach
from workbench.errors import StrategyError

__all__ = ["StartRequest", "Strategies"]

_GRACE_S: Final = 2.0
_CAUGHT_UP: Final = 50  # deliveries that a new version may be behind when it takes over
_WARM_UP: Final = 2_000  # prices that a new process is shown before it takes over
_SWAP_S: Final = 30.0
_FIRST_WAIT_S: Final = 0.5  # before the first restart; doubled each time
_LONGEST_WAIT_S: Final = 60.0
_STEADY_S: Final = 300.0  # a strategy that has run for so long has its restarts forgiven

_log = structlog.get_logger("live.strategies")


class Strategies:
    """All strategies of an engine.  `slots`: by id, in the order in which they were first started."""

    def __init__(
        self, pump: Pump, sandbox: Sandbox, catalog: Catalog, settings: Settings, clock: Clock
    ) -> None:
        self.catalog = catalog
        self.slots: dict[str, Slot] = {}
        self.tape: deque[PriceUpdate] = deque(maxlen=_WARM_UP)
        self.swaps = 0
        self._conflated = 0
        self._pump, self._sandbox, self._settings, self._clock = pump, sandbox, settings, clock
        self._listeners: list[Runner] = []
        self._by_worker: dict[Worker, tuple[Slot, Runner]] = {}
        self._launches = max((r.launch for r in pump.machine.strategies.values()), default=0)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._held: dict[str, list[tuple[int, Answer]]] = {}
        self._bell = asyncio.Event()

    @property
    def machine(self) -> Machine:
        return self._pump.machine

    # --- what the writer calls --------------------------------------------------------------------------------------

    def price(self, update: PriceUpdate) -> None:
        """Show a price to everybody who wants it."""
        self.tape.append(update)
        for runner in self._listeners:
            runner.price(update)

    def facts(self, facts: list[Fact]) -> None:
        """Tell strategies of their fills and breaches."""
        desk = self.machine.desk
        for fact in facts:
            if type(fact) is OrderFill:
                slot = self.slots.get(fact.strategy_id)
                if slot is not None:
                    held = desk.position(desk.strategy_index(fact.strategy_id), fact.symbol)
                    for runner in (slot.runner, slot.candidate):
                        if runner is not None:
                            runner.fill(fact, held)
            elif type(fact) is RiskBreach:
                slot = self.slots.get(fact.strategy_id)
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

    def slot_of(self, worker: Worker) -> tuple[Slot, Runner] | None:
        return self._by_worker.get(worker)

    def _relist(self) -> None:
        seats = {name: place for place, name in enumerate(self.machine.desk.strategies)}
        running = [
            s.runner for s in self.slots.values() if s.runner is not None and s.record.state == "running"
        ]
        warming = [slot.candidate for slot in self.slots.values() if slot.candidate is not None]
        self._listeners = sorted(running, key=lambda r: seats.get(r.strategy_id, len(seats))) + warming

    # --- life cycle ---------------------------------------------------------------------------------------------------

    async def start(self, request: StartRequest) -> StrategyRecord:
        """Start a strategy, or swap a running one for another version or config; what it is afterwards.

        Starting what runs already, unchanged, changes nothing.  Raises StrategyError: it cannot be loaded or started,
        there are too many, chaos is not enabled; a version that runs goes on running.
        """
        script = self.catalog.find(request.script)
        strategy_id = request.strategy_id or script.name.removesuffix(".py")
        check_id(strategy_id)
        if request.on_failure not in ("hold", "flatten"):
            raise StrategyError(f"on_failure must be hold or flatten, found {request.on_failure!r:.50}")
        self._check_leave(script)
        slot = self.slots.get(strategy_id)
        if slot is not None and slot.runner is not None:
            return await self._swap(slot, script, request)
        running = sum(1 for other in self.slots.values() if other.record.state in RUNNING)
        if running >= self._settings.max_concurrent_strategies:
            raise StrategyError(
                f"{running} strategies run, which is the most (MAX_CONCURRENT_STRATEGIES); stop one first"
            )
        record = StrategyRecord(
            strategy_id,
            script.class_name,
            script.version,
            script.source_hash,
            script.name,
            "validating",
            since_ns=self._clock.now_ns(),
            chaos=script.chaos_type,
            person=request.person,
            on_failure=request.on_failure,
            config=request.config,
        )
        slot = Slot(record, script)
        self.slots[strategy_id] = slot
        async with slot.busy:
            return await self._first_start(slot, warm_up=request.warm_up)

    def _check_leave(self, script: Script) -> None:
        if script.chaos and not self._settings.enable_chaos_strategies:
            raise StrategyError(
                f"{script.class_name} misbehaves on purpose; set ENABLE_CHAOS_STRATEGIES=true to allow it"
            )

    async def _first_start(self, slot: Slot, *, warm_up: bool) -> StrategyRecord:
        await self._note(slot, state="starting", reason="")
        try:
            started = await self._launch(slot, slot.script, slot.record.config)
        except StrategyError as error:
            await self._note(slot, state="failed", reason=str(error))
            raise
        runner = started.runner
        if slot.stopping:  # somebody stopped it meanwhile
            await self._let_go(runner, _GRACE_S)
            return slot.record
        await self._pump.ask(SeatStrategy(started.seat))
        slot.runner = runner
        self._tell_positions(runner)
        if warm_up:
            for update in list(self.tape):
                runner.price(update, silent=True)
        now = self._clock.now_ns()
        await self._note(
            slot,
            state="running",
            version=started.ready.version,
            started_ns=now,
            launch=runner.launch,
            symbols=tuple(sorted(runner.symbols)),
        )
        if slot.record.chaos:
            await self._pump.ask(ChaosNoted(slot.record.strategy_id, slot.record.chaos, True))
        self._relist()
        return slot.record

    async def _launch(self, slot: Slot, script: Script, config: Mapping[str, Any]) -> Launch:
        self._launches += 1
        self.catalog.keep_started(script)
        strategy_id = slot.record.strategy_id
        metrics = Metrics(self.machine, strategy_id)
        runner = Runner(strategy_id, self._launches, frozenset(), metrics)
        started = await launch(
            self._sandbox, self.machine, script, config, runner, self._messages, self._exited, self._alarmed
        )
        if started.runner.worker is not None:
            self._by_worker[started.runner.worker] = (slot, runner)
        return started

    def _tell_positions(self, runner: Runner) -> None:
        desk = self.machine.desk
        s = desk.strategy_index(runner.strategy_id)
        for symbol in desk.symbols:
            held = desk.position(s, symbol)
            if held:
                runner.position(symbol, held)

    async def _swap(self, slot: Slot, script: Script, request: StartRequest) -> StrategyRecord:
        """Let another version take over: it warms up in the shadow, then owns every price from one on."""
        if slot.busy.locked():
            raise StrategyError(
                f"{slot.record.strategy_id} is being started or swapped already; ask again later"
            )
        same = script.source_hash == slot.record.source_hash and request.config == slot.record.config
        if same and slot.record.state == "running":
            return slot.record
        async with slot.busy:
            started = await self._launch(slot, script, request.config)
            candidate = started.runner
            candidate.silent = True
            slot.candidate = candidate
            self._tell_positions(candidate)
            for update in list(self.tape):
                candidate.price(update, silent=True)
            self._relist()
            try:
                await self._caught_up(slot, candidate)
            except StrategyError:
                self._drop_candidate(slot, candidate)
                raise
            old = slot.runner
            slot.runner, slot.candidate = candidate, None
            candidate.silent = False
            slot.script = script
            self.swaps += 1
            if old is not None:
                slot.draining.append(old)
                old.finish()
                self._spawn(self._drain(slot, old))
            self._relist()
            await self._pump.ask(SeatStrategy(started.seat))
            await self._note(
                slot,
                state="running",
                reason="",
                version=started.ready.version,
                class_name=script.class_name,
                source_hash=script.source_hash,
                script=script.name,
                config=request.config,
                person=request.person,
                started_ns=self._clock.now_ns(),
                launch=candidate.launch,
                restarts=0,
                symbols=tuple(sorted(candidate.symbols)),
            )
            return slot.record

    async def _caught_up(self, slot: Slot, candidate: Runner) -> None:
        """Until the candidate is within reach of the present.  Raises StrategyError where it never gets there."""
        deadline = asyncio.get_running_loop().time() + _SWAP_S
        while candidate.unanswered > _CAUGHT_UP or candidate.waiting:
            await asyncio.sleep(0.001)
            if candidate.worker is None or candidate.worker.exit is not None:
                why = candidate.worker.exit.detail if candidate.worker and candidate.worker.exit else ""
                raise StrategyError(
                    f"the new version of {slot.record.strategy_id} ended while it warmed up ({why}); "
                    "the old one runs on"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise StrategyError(
                    f"the new version of {slot.record.strategy_id} did not catch up with the market in {_SWAP_S:g} s; "
                    "the old one runs on"
                )
        if candidate.raised:
            raise StrategyError(
                f"the new version of {slot.record.strategy_id} raised while it warmed up ({candidate.raised}); "
                "the old one runs on"
            )
        if candidate.worker is None or candidate.worker.exit is not None or slot.runner is None:
            raise StrategyError(
                f"the swap of {slot.record.strategy_id} was overtaken: a process ended; ask again"
            )

    def _drop_candidate(self, slot: Slot, candidate: Runner) -> None:
        slot.candidate = None
        self._relist()
        if candidate.worker is not None and candidate.worker.exit is None:
            candidate.worker.kill("the swap was given up")

    async def _drain(self, slot: Slot, old: Runner) -> None:
        await self._let_go(old, _GRACE_S)
        if old in slot.draining:
            slot.draining.remove(old)

    async def _let_go(self, runner: Runner, grace_s: float) -> None:
        if runner.worker is not None and runner.worker.exit is None:
            await runner.worker.stop(grace_s)

    async def stop(
        self, strategy_id: str, person: str, *, flatten: bool = False, reason: str = ""
    ) -> StrategyRecord:
        """Stop a strategy: its orders are cancelled, what it holds stays, or is closed (flatten).

        Stopping what is stopped changes nothing.  Raises StrategyError where it was never started.
        """
        slot = self._slot(strategy_id)
        if slot.record.state in ("stopped", "failed", "available") and slot.restart is None:
            return slot.record
        slot.stopping = True
        if slot.restart is not None:
            slot.restart.cancel()
            slot.restart = None
        runner = slot.runner
        await self._note(slot, state="draining", reason=reason, person=person)
        self._relist()
        await self._pump.ask(CancelOrders(strategy_id))
        if runner is not None:
            await self._let_go(runner, _GRACE_S)
        slot.runner = None
        if flatten:
            await self._pump.ask(ClosePositions(strategy_id))
        await self._chaos_over(slot)
        await self._note(slot, state="stopped", reason=reason or f"stopped by {person}")
        self._relist()
        slot.stopping = False
        return slot.record

    async def pause(self, strategy_id: str, person: str) -> StrategyRecord:
        """Show a strategy no more prices; its process, orders and positions stay.  Raises StrategyError."""
        slot = self._slot(strategy_id)
        if slot.record.state != "running":
            raise StrategyError(f"{strategy_id} is {slot.record.state}; only what runs can be paused")
        await self._note(slot, state="paused", person=person)
        self._relist()
        return slot.record

    async def resume(self, strategy_id: str, person: str) -> StrategyRecord:
        """Show a paused strategy prices again.  Raises StrategyError."""
        slot = self._slot(strategy_id)
        if slot.record.state != "paused" or slot.runner is None:
            raise StrategyError(f"{strategy_id} is {slot.record.state}; only what is paused can be resumed")
        await self._note(slot, state="running", person=person)
        self._relist()
        return slot.record

    def _slot(self, strategy_id: str) -> Slot:
        slot = self.slots.get(strategy_id)
        if slot is None:
            known = ", ".join(self.slots) or "none"
            raise StrategyError(f"no strategy {strategy_id!r:.100} was started; there is: {known}")
        return slot

    async def _note(self, slot: Slot, **changes: Any) -> None:
        """Change what is known of a strategy; durable before anything goes on."""
        slot.record = msgspec.structs.replace(slot.record, since_ns=self._clock.now_ns(), **changes)
        _log.info(
            "strategy_state",
            strategy_name=slot.record.strategy_id,
            strategy_version=slot.record.version,
            state=slot.record.state,
            reason=slot.record.reason,
        )
        await self._pump.ask(StrategyNoted(slot.record))

    # --- what processes say -------------------------------------------------------------------------------------------

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
                    self._answered(strategy_id, correlation, message)
            elif isinstance(message, Raised):
                runner.raised = message.error
                slot.errors.append(f"{message.call}: {message.error}")
                slot.log.append((self._clock.now_ns(), "error", f"{message.call} raised {message.error}"))
                _log.warning(
                    "strategy_raised", strategy_name=strategy_id, call=message.call, error=message.error
                )
                if runner is slot.runner:
                    self._pump.post(StrategyFailed(strategy_id, message.error))
            elif isinstance(message, Logged):
                slot.log.append((self._clock.now_ns(), message.level, message.text))
        if runner is not slot.candidate:
            runner.flush()
        self._bell.set()

    def _answered(self, strategy_id: str, correlation: int, answer: Answer) -> None:
        held = self._held.get(strategy_id)
        if held is not None:
            held.append((correlation, answer))
        else:
            self._pump.post(Answered(strategy_id, correlation, answer.signals))

    def hold(self, strategy_id: str, answers: list[tuple[int, Answer]] | None) -> None:
        """Put a strategy's answers into `answers` instead of handing them to the writer; None ends that."""
        if answers is None:
            self._held.pop(strategy_id, None)
        else:
            self._held[strategy_id] = answers

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
        if found is None or self._closing:
            return
        slot, runner = found
        self._conflated += runner.conflated
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
            self._relist()
        elif runner is slot.runner and not slot.stopping:
            slot.runner = None
            self._relist()
            self._spawn(self._died(slot, ended))

    async def _died(self, slot: Slot, ended: WorkerExit) -> None:
        """A process died: its orders are cancelled, its positions held or closed, and it may be started again."""
        record = slot.record
        strategy_id = record.strategy_id
        why = f"{ended.reason}: {ended.detail}" if ended.detail else str(ended.reason)
        self._pump.post(StrategyFailed(strategy_id, why))
        await self._pump.ask(CancelOrders(strategy_id))
        if record.on_failure == "flatten":
            await self._pump.ask(ClosePositions(strategy_id))
        await self._chaos_over(slot)
        steady = self._clock.now_ns() - record.started_ns > _STEADY_S * 1e9
        restarts = 0 if steady else record.restarts
        halted = self.machine.desk.halted(strategy_id) or self.machine.desk.halted()
        if restarts >= self._settings.strategy_restarts or halted:
            limit = f"after {restarts} restarts" if not halted else "as a breaker is latched"
            await self._note(
                slot, state="failed", reason=f"{why}; not started again {limit}", restarts=restarts
            )
            return
        await self._note(slot, state="failed", reason=f"{why}; will be started again", restarts=restarts + 1)
        slot.restart = self._spawn(self._restart(slot, restarts))

    async def _restart(self, slot: Slot, restarts: int) -> None:
        await asyncio.sleep(min(_FIRST_WAIT_S * 2**restarts, _LONGEST_WAIT_S))
        async with slot.busy:
            slot.restart = None
            try:
                await self._first_start(slot, warm_up=True)
            except StrategyError as error:
                _log.warning(
                    "strategy_restart_failed", strategy_name=slot.record.strategy_id, error=str(error)
                )

    async def _chaos_over(self, slot: Slot) -> None:
        if slot.record.chaos:
            await self._pump.ask(ChaosNoted(slot.record.strategy_id, slot.record.chaos, False))

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("strategy_task_failed", error=f"{type(error).__name__}: {error}")

    async def resume_after_restart(self) -> None:
        """Start again what ran when the engine ended; what cannot be is noted as failed."""
        for record in list(self.machine.strategies.values()):
            try:
                script = self.catalog.started(record.source_hash)
                self._check_leave(script)
            except StrategyError as error:
                script = Script(record.script, "", record.source_hash, record.class_name)
                slot = self.slots[record.strategy_id] = Slot(record, script)
                if record.state in RUNNING:
                    await self._note(slot, state="failed", reason=f"not started again: {error}")
                continue
            slot = self.slots[record.strategy_id] = Slot(record, script)
            if record.state in ("running", "starting", "validating", "paused") or slot.restart:
                try:
                    async with slot.busy:
                        await self._first_start(slot, warm_up=True)
                except StrategyError as error:
                    _log.error("strategy_not_restarted", strategy_name=record.strategy_id, error=str(error))
            elif record.state == "draining":
                await self._note(slot, state="stopped")

    async def close(self) -> None:
        """Let go of all processes; what ran is started again with the engine."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listeners = []
