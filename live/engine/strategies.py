"""Which strategies run: their life cycle, restarts, and the swap of a running one for a newer version."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import structlog

from live.admission import Gate, Ticket
from live.engine.catalog import Catalog, Script
from live.engine.deaths import Deaths
from live.engine.launching import Launch
from live.engine.processes import StrategyProcesses, let_go
from live.engine.pump import Pump, Then
from live.engine.restarting import check_latch, check_leave, resume_after_restart
from live.engine.roster import Last, Roster
from live.engine.runner import Runner
from live.engine.slots import Slot, StartRequest, check_id
from live.engine.swapping import take_over
from live.files import off_loop
from live.machine import Machine, PromotionNoted, StrategyAdmitted, StrategyRecord
from live.sandbox import Sandbox
from live.settings import Settings
from live.tasks import Tasks
from live.venues.clock import Clock
from workbench.core.intents import CancelOrders, ClosePositions, SeatStrategy
from workbench.errors import JournalFailed, StrategyError

__all__ = ["Check", "StartRequest", "Strategies"]

type Check = Callable[[Script, Ticket], None]

_log = structlog.get_logger("live.strategies")


class Strategies:
    """All strategies of an engine.

    roster: what is known of each.  processes: what runs them.  deaths: what follows where one ends unasked.
    swaps: since the engine began.
    """

    def __init__(
        self,
        pump: Pump,
        sandbox: Sandbox,
        catalog: Catalog,
        settings: Settings,
        clock: Clock,
        gate: Gate,
        tasks: Tasks,
    ) -> None:
        self.catalog = catalog
        self.gate = gate
        self.roster = Roster(pump, clock)
        self.deaths = Deaths(self.roster, pump, settings, clock, self._beside, self._first_start)
        self.processes = StrategyProcesses(
            self.roster.slots,
            pump,
            sandbox,
            catalog,
            clock,
            gate,
            self.deaths.died,
        )
        self.swaps = 0
        self._pump, self._settings, self._clock = pump, settings, clock
        self._stops: Counter[str] = Counter()  # asked for, by strategy
        self._keeper = tasks
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def slots(self) -> dict[str, Slot]:
        """By id, in the order in which they were first started."""
        return self.roster.slots

    @property
    def machine(self) -> Machine:
        return self._pump.machine

    async def start(
        self,
        request: StartRequest,
        last: Last | None = None,
        check: Check | None = None,
        seated: Then | None = None,
    ) -> StrategyRecord:
        """Start a strategy, or swap a running one for another version or config; what it is afterwards.

        last: see Roster.note; not called where nothing changes.  check: raises where what was admitted may not start;
        nothing else happens between that and the start.
        seated: makes an input that becomes durable together with its seat, before any of its signals is taken.
        Starting what runs already, unchanged, changes nothing.  Raises StrategyError: it cannot be loaded or started,
        there are too many, chaos is not enabled, it has no certificate (a version that runs goes on running), or it was
        stopped while files were read.
        """
        stops = self._stops.copy()
        script = await off_loop(self.catalog.find, request.script)
        strategy_id = request.strategy_id or script.name.removesuffix(".py")
        check_id(strategy_id)
        if request.on_failure not in ("hold", "flatten"):
            raise StrategyError(f"on_failure must be hold or flatten, found {request.on_failure!r:.50}")
        check_leave(script, self._settings)
        ticket = await self.gate.admit(script, request.config, request.certificate, strategy_id)
        if check is not None:
            check(script, ticket)
        if self._stops[strategy_id] != stops[strategy_id]:
            raise StrategyError(f"{strategy_id} was stopped meanwhile; start it again if it is to run")
        request = msgspec.structs.replace(request, config=ticket.config, certificate=ticket.id)
        check_latch(self.machine, strategy_id, script, request.config)
        slot = self.slots.get(strategy_id)
        if slot is not None:
            if slot.busy.locked() or slot.stopping:
                raise StrategyError(
                    f"{strategy_id} is being started, swapped or stopped already; ask again later"
                )
            if slot.runner is not None:
                return await self._swap(slot, script, request, last, seated)
        running = self.roster.running
        if running >= self._settings.max_concurrent_strategies:
            raise StrategyError(
                f"{running} strategies run, which is the most (MAX_CONCURRENT_STRATEGIES); stop one first"
            )
        if slot is not None and slot.restart is not None:
            slot.restart.cancel()  # this start takes its place
        slot = self.roster.add(strategy_id, script, request)
        async with slot.busy:
            return await self._first_start(slot, warm_up=request.warm_up, last=last, seated=seated)

    async def _first_start(
        self, slot: Slot, *, warm_up: bool = True, last: Last | None = None, seated: Then | None = None
    ) -> StrategyRecord:
        flatten = slot.record.flatten
        await self.roster.note(slot, state="starting", reason="", restarting=False, flatten=False)
        try:
            record = slot.record
            started = await self.processes.launch(slot, slot.script, record.config, record.certificate)
        except StrategyError as error:
            await self.roster.note(slot, state="failed", reason=str(error), flatten=flatten)
            raise
        try:
            return await self._take_seat(slot, started, warm_up, last, seated)
        except JournalFailed:
            if slot.record.state != "running":
                slot.runner = None
                await let_go(started.runner)
            raise

    async def _take_seat(
        self, slot: Slot, started: Launch, warm_up: bool, last: Last | None, seated: Then | None
    ) -> StrategyRecord:
        """Show a process that is ready what it has to know, and then every price."""
        runner = started.runner
        if slot.stopping:  # somebody stopped it meanwhile
            await let_go(runner)
            return slot.record
        await self._pump.ask(SeatStrategy(started.seat), seated)
        ended = None if runner.worker is None else runner.worker.exit
        if ended is not None:  # meanwhile; nobody was told, as it was nobody's
            self.deaths.died(slot, ended)
            return slot.record
        slot.runner = runner
        self.processes.tell_positions(runner)
        if warm_up:
            self.processes.warm_up(runner)
            await self.processes.caught_up(runner)
        if slot.runner is not runner or slot.stopping:  # it has ended, or is stopped
            return slot.record
        await self.roster.note_chaos(slot, active=True)
        if slot.runner is not runner or slot.stopping:
            return slot.record
        now = self._clock.now_ns()
        await self.roster.note(
            slot,
            last,
            state="running",
            version=started.ready.version,
            started_ns=now,
            launch=runner.launch,
            symbols=tuple(sorted(runner.symbols)),
            certificate=started.ticket.id,
        )
        self.processes.relist()
        return slot.record

    async def _swap(
        self, slot: Slot, script: Script, request: StartRequest, last: Last | None, seated: Then | None
    ) -> StrategyRecord:
        """Let another version take over: it warms up in the shadow, then owns every price from one on."""
        record = slot.record
        same = (script.source_hash, request.config, request.certificate, request.on_failure) == (
            record.source_hash,
            record.config,
            record.certificate,
            record.on_failure,
        )
        if same and slot.record.state == "running":
            return slot.record
        async with slot.busy:
            try:
                started, old = await take_over(
                    self.processes, slot, script, request.config, request.certificate
                )
            except StrategyError:
                self._pump.post(StrategyAdmitted(slot.record.strategy_id))
                raise
            self.swaps += 1
            if old is not None:
                self.spawn(self._drain(slot, old))
            await self._pump.ask(SeatStrategy(started.seat), seated)
            if slot.stopping:
                return slot.record
            await self.roster.note(
                slot,
                last,
                state="running",
                reason="",
                flatten=False,
                version=started.ready.version,
                class_name=script.class_name,
                source_hash=script.source_hash,
                script=script.name,
                config=request.config,
                person=request.person,
                on_failure=request.on_failure,
                started_ns=self._clock.now_ns(),
                launch=started.runner.launch,
                restarts=0,
                symbols=tuple(sorted(started.runner.symbols)),
                certificate=started.ticket.id,
            )
            self.processes.relist()  # one that was paused is shown prices again
            return slot.record

    async def _drain(self, slot: Slot, old: Runner) -> None:
        await let_go(old)
        if old in slot.draining:
            slot.draining.remove(old)

    async def stop(
        self,
        strategy_id: str,
        person: str,
        *,
        flatten: bool = False,
        reason: str = "",
        last: Last | None = None,
    ) -> StrategyRecord:
        """Stop a strategy: its orders are cancelled, what it holds stays, or is closed (flatten).

        last: see Roster.note; not called where nothing changes.
        Stopping what is stopped changes nothing, but closes what it still holds where that is asked.
        Raises StrategyError where it was never started.
        """
        slot = self.roster.find(strategy_id)
        self._stops[strategy_id] += 1
        waits = slot.restart is not None or slot.record.restarting
        if slot.record.state in ("stopped", "failed", "available") and not waits:
            if flatten and strategy_id in self.machine.desk.strategies:
                await self.roster.note(slot, flatten=True, person=person)
                await self._pump.ask(ClosePositions(strategy_id))
            return slot.record
        reason = reason or f"stopped by {person}"
        return await self._ended(slot, "stopped", flatten=flatten, last=last, reason=reason, person=person)

    async def fail(self, slot: Slot, runner: Runner, reason: str) -> None:
        """Stop what runs in `slot` for its errors, its positions held or closed as `on_failure` says.

        Nothing where somebody has stopped or replaced `runner` meanwhile.
        """
        record = slot.record
        mine = self.slots.get(record.strategy_id) is slot and slot.runner in (runner, None)
        if mine and not slot.stopping and record.state not in ("stopped", "failed"):
            await self._ended(slot, "failed", flatten=record.on_failure == "flatten", reason=reason)

    async def _ended(
        self, slot: Slot, state: str, *, flatten: bool, last: Last | None = None, reason: str, **changes: Any
    ) -> StrategyRecord:
        """Let go of what runs, and note that it is in `state` for `reason`."""
        strategy_id = slot.record.strategy_id
        slot.stopping = True
        try:
            if slot.restart is not None:
                slot.restart.cancel()
                slot.restart = None
            await self.roster.note(
                slot, state="draining", reason=reason, restarting=False, flatten=flatten, **changes
            )
            self.processes.relist()
            await self._end(slot)
            if slot.busy.locked():
                async with slot.busy:  # a start or swap that is under way sees that it is to stop
                    await self._end(slot)
            if flatten and strategy_id in self.machine.desk.strategies:
                await self._pump.ask(ClosePositions(strategy_id))
            await self.roster.note_chaos(slot, active=False)
            await self.roster.note(slot, last, state=state, reason=reason)
            self.processes.relist()
        finally:
            slot.stopping = False
        return slot.record

    async def _end(self, slot: Slot) -> None:
        """Cancel the orders of what runs, and let go of its process.  One that never started has no seat."""
        runner, strategy_id = slot.runner, slot.record.strategy_id
        if strategy_id in self.machine.desk.strategies:
            await self._pump.ask(CancelOrders(strategy_id))
        if runner is not None:
            await let_go(runner)
        if slot.runner is runner:
            slot.runner = None

    async def pause(self, strategy_id: str, person: str, last: Last | None = None) -> StrategyRecord:
        """Show a strategy no more prices; its process, orders and positions stay.  Raises StrategyError."""
        slot = self.roster.find(strategy_id)
        if slot.record.state != "running":
            raise StrategyError(f"{strategy_id} is {slot.record.state}; only what runs can be paused")
        await self.roster.note(slot, last, state="paused", person=person)
        self.processes.relist()
        return slot.record

    async def resume(self, strategy_id: str, person: str, last: Last | None = None) -> StrategyRecord:
        """Show a paused strategy prices again.  Raises StrategyError."""
        slot = self.roster.find(strategy_id)
        if slot.record.state != "paused" or slot.runner is None:
            raise StrategyError(f"{strategy_id} is {slot.record.state}; only what is paused can be resumed")
        await self.roster.note(slot, last, state="running", person=person)
        self.processes.relist()
        return slot.record

    async def note(self, line: PromotionNoted) -> None:
        """Write a line into the history of a strategy; durable before anything goes on."""
        await self._pump.ask(line)

    def _beside(self, slot: Slot, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self.spawn(work, lambda error: self.roster.give_up(slot, error))

    def spawn(
        self, work: Coroutine[Any, Any, None], failed: Callable[[BaseException], object] | None = None
    ) -> asyncio.Task[None]:
        """Have something done beside, until the engine ends.  failed: called where it ends unforeseen."""
        task = self._keeper.once("strategies", work, failed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def resume_after_restart(self) -> None:
        """Start again what ran when the engine ended; what cannot be is noted as failed."""
        await resume_after_restart(self.roster, self._pump, self.catalog, self._settings, self._first_start)

    async def close(self) -> None:
        """Let go of all processes; what ran is started again with the engine."""
        self.processes.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
