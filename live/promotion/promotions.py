"""Promotions of an engine: a version is put on trial, grows step by step, or gives way to the one before."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import structlog

from live.admission import Ticket
from live.engine import Check, Engine, Last, StartRequest
from live.files import off_loop
from live.machine import CanaryMoved, StrategyRecord
from live.promotion.agreement import COMMAND, Agreement, compare
from live.promotion.beginning import Promotion, fills_of, first_step, takes_whole
from live.promotion.deciding import Look, Move, decide, due
from live.promotion.demoting import note, take_back
from live.scripts import Script
from workbench.configuration.certification import load_thresholds
from workbench.configuration.certification_rollout import CanarySettings
from workbench.core.facts import Fact
from workbench.errors import CertificateError, EngineError, StrategyError, WorkbenchError

__all__ = ["CANARY", "Promotions"]

CANARY: Final = "canary"  # who acts where no person does
_COMPARED_AT_ONCE: Final = 2  # each is a process that keeps a core busy for as long as it takes

_log = structlog.get_logger("live.promotion")


class Promotions:
    """Made once for an engine that was started; what was on trial when it ended goes on."""

    def __init__(
        self, engine: Engine, *, canary: CanarySettings | None = None, command: tuple[str, ...] = COMMAND
    ) -> None:
        """canary: instead of the file's.  command: of the comparison, see `compare`."""
        self._engine, self._command = engine, command
        file = engine.settings.certification_file
        self._settings = canary or load_thresholds(file if file.is_file() else None).canary
        self._vain: dict[str, int] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._places = asyncio.Semaphore(_COMPARED_AT_ONCE)
        self._comparing: set[str] = set()  # or waiting for a place
        self._looks: set[asyncio.Task[None]] = set()
        self._task = engine.tasks.keep("canaries", self._run)
        engine.watcher.swap = self.swap

    async def close(self) -> None:
        """Look no more; what is on trial goes on with the next start."""
        self._engine.watcher.swap_alone()
        tasks = [self._task, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what people ask ----------------------------------------------------------------------------------------------

    async def promote(
        self, wanted: Promotion, last: Last | None = None, check: Check | None = None
    ) -> StrategyRecord:
        """Start a version, or swap a running one for it, on trial or with everything.

        last: makes another input, that becomes durable together with the last of the promotion.  check: see
        Strategies.start.
        Raises StrategyError, CertificateError: it may not or cannot start; what ran before runs on as it did.
        """
        engine, name = self._engine, wanted.strategy_id
        async with self._turn(name):
            config = await self._config(wanted)
            ticket = await engine.gate.admit(wanted.script, config, wanted.certificate, name)
            request = StartRequest(
                wanted.script.source_hash,
                name,
                ticket.config,
                wanted.on_failure,
                person=wanted.person,
                certificate=ticket.id,
            )
            line = first_step(engine.machine, self._settings, wanted, ticket, engine.clock.now_ns())
            begun: list[CanaryMoved] = []

            def seated(_: list[Fact]) -> CanaryMoved:
                now, fills = engine.clock.now_ns(), fills_of(engine.machine, name)
                begun.append(msgspec.structs.replace(line, since_ns=now, since_fills=fills))
                self._vain.pop(name, None)
                return begun[0]

            record = await engine.strategies.start(request, check=check, seated=seated)
            if not begun:
                if record.state != "running":
                    raise StrategyError(f"{name} was stopped meanwhile; promote it again if it is to run")
                await engine.ask(seated([]))  # it ran already
            share = engine.machine.canaries.share(name)
            await note(engine, record, "promoted", wanted.person, wanted.reason, share, last)
            return record

    async def swap(self, request: StartRequest, check: Check) -> StrategyRecord:
        """Have a newer version take over without a person's asking: as a trader would start it, or else on trial.

        check: see Strategies.start.  Raises StrategyError, CertificateError: it may not or cannot start.
        """
        engine, name = self._engine, request.strategy_id
        if engine.gate.required:
            script = await off_loop(engine.catalog.find, request.script)
            ticket = await engine.gate.admit(script, request.config, request.certificate, name)
            if not takes_whole(engine.machine, name, script.source_hash, ticket.config):
                wanted = Promotion(
                    script,
                    name,
                    request.person,
                    "its file has changed",
                    ticket.id,
                    ticket.config,
                    request.on_failure,
                )
                return await self.promote(wanted, check=check)
        return await self.start(request, whole=False, check=check)

    async def start(
        self,
        request: StartRequest,
        *,
        whole: bool,
        last: Last | None = None,
        check: Check | None = None,
    ) -> StrategyRecord:
        """Start a version; where certificates are required, one that is accepted, on trial, or runs already.

        whole: whoever asks may accept a version without a trial, and does so.  last, check: as in `promote`.
        Raises StrategyError, CertificateError: it may not or cannot start.
        """
        engine = self._engine
        if not engine.gate.required:
            return await engine.strategies.start(request, last, check)
        name = request.strategy_id
        if not name:
            script = await off_loop(engine.catalog.find, request.script)
            name = script.name.removesuffix(".py")
            request = msgspec.structs.replace(request, strategy_id=name)
        async with self._turn(name):
            untried: list[tuple[Script, Ticket]] = []

            def tried(script: Script, ticket: Ticket) -> None:
                if check is not None:
                    check(script, ticket)
                if ticket.certificate is None or takes_whole(
                    engine.machine, name, script.source_hash, ticket.config
                ):
                    return
                if not whole:
                    raise CertificateError(
                        f"{script.class_name} has passed no trial here as {name}; promote it (wb.promote, workbench "
                        "promote), or have somebody of the role risk start it"
                    )
                untried.append((script, ticket))

            record = await engine.strategies.start(request, last, tried)
            for script, ticket in untried:
                wanted = Promotion(script, name, request.person, "started whole", canary=False)
                await self._accept(wanted, ticket)
            return record

    async def _accept(self, wanted: Promotion, ticket: Ticket) -> None:
        """Note that a version has everything without a trial; one of another version is over."""
        engine, name = self._engine, wanted.strategy_id
        growing = name in self._growing()
        await engine.ask(first_step(engine.machine, self._settings, wanted, ticket, engine.clock.now_ns()))
        if growing:
            record = engine.machine.strategies[name]
            await note(engine, record, "superseded", wanted.person, "another version was started", 1.0)

    async def demote(
        self, strategy_id: str, person: str, reason: str, last: Last | None = None
    ) -> StrategyRecord:
        """Take a canary back as a person wants it.  Raises EngineError where the strategy is on no trial."""
        async with self._turn(strategy_id):
            line = self._growing().get(strategy_id)
            if line is None:
                known = ", ".join(self._growing()) or "none"
                raise EngineError(f"{strategy_id} is on no trial, so it cannot be demoted; there is: {known}")
            await self._demote(line, person, reason, last)
            return self._engine.machine.strategies[strategy_id]

    def _turn(self, strategy_id: str) -> asyncio.Lock:
        return self._turns.setdefault(strategy_id, asyncio.Lock())

    async def _config(self, wanted: Promotion) -> dict[str, Any]:
        if wanted.config is not None:
            return wanted.config
        if not wanted.certificate:
            return {}
        gate = self._engine.gate
        try:
            data = await off_loop(gate.store.read, wanted.certificate)
            return dict((await gate.believed(data)).parameters)
        except StrategyError:
            if gate.required:
                raise
            return {}

    # --- what time brings ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Look at all of them from time to time, each by itself: none waits for what another has to be compared."""
        while True:
            await asyncio.sleep(self._settings.check_seconds)
            for look in [look for look in self._looks if look.done()]:
                self._looks.discard(look)
                look.result()  # raises what nobody has foreseen
            for name in self._growing():
                if not self._turn(name).locked():
                    self._looks.add(asyncio.create_task(self._looked_at(name), name=f"canary {name}"))

    async def _looked_at(self, name: str) -> None:
        try:
            await self.look(name)
        except WorkbenchError as error:  # a journal that has failed, which the engine tells by itself
            _log.error("canary_not_looked_at", strategy_name=name, error=str(error))

    async def look(self, strategy_id: str) -> Move:
        """Look at one canary, and do what is due.

        While it is compared, or waits for its turn to be, people may demote or promote it, and another look ends its
        trial where a breaker has stopped it.
        """
        async with self._turn(strategy_id):
            line = self._growing().get(strategy_id)
            if line is None:
                return Move.WAIT
            look = self._seen(line)
            if not due(line, look) or decide(line, look)[0] is not Move.WAIT:
                return await self._move(line, look)
        if strategy_id in self._comparing:
            return Move.WAIT
        self._comparing.add(strategy_id)
        try:
            async with self._places:
                if self._growing().get(strategy_id) != line:
                    return Move.WAIT
                agreement = await self._compared(line)
        finally:
            self._comparing.discard(strategy_id)
        async with self._turn(strategy_id):
            if self._growing().get(strategy_id) != line:
                return Move.WAIT
            vain = self._vain.get(strategy_id, 0) + 1 if agreement.ok is None else 0
            self._vain[strategy_id] = vain
            fresh = self._seen(line)._replace(fills=look.fills)
            return await self._move(line, fresh._replace(agreed=agreement.ok, why=agreement.why, vain=vain))

    async def _move(self, line: CanaryMoved, look: Look) -> Move:
        move, why = decide(line, look)
        if move is Move.GROW:
            await self._grow(line, why)
        elif move is Move.DEMOTE:
            await self._demote(line, CANARY, why)
        elif move is Move.END:
            await self._engine.ask(msgspec.structs.replace(line, state="failed"))
            record = self._engine.machine.strategies[line.strategy_id]
            await note(self._engine, record, "superseded", CANARY, why, 1.0)
        return move

    def _growing(self) -> dict[str, CanaryMoved]:
        lines = self._engine.machine.canaries.lines
        return {name: line for name, line in lines.items() if line.state == "growing"}

    def _seen(self, line: CanaryMoved) -> Look:
        machine, name = self._engine.machine, line.strategy_id
        record, slot = machine.strategies.get(name), self._engine.strategies.slots.get(name)
        seated = name in machine.desk.strategies
        return Look(
            self._engine.clock.now_ns(),
            record.state if record else "available",
            record.source_hash if record else line.source_hash,
            record.config if record else line.config,
            fills_of(machine, name),
            machine.desk.halted(name) if seated else (),
            line.certificate in machine.admissions.withdrawn,
            slot is not None and slot.restart is not None,
            attempts=self._settings.attempts,
        )

    async def _compared(self, line: CanaryMoved) -> Agreement:
        agreement = await compare(
            self._engine.settings.journal,
            line.strategy_id,
            line.steps[line.step].max_unexplained_bps,
            since_ns=line.since_ns,
            options=self._isolation(),
            command=self._command,
        )
        _log.info(
            "canary_compared", strategy_name=line.strategy_id, agreed=agreement.ok, reason=agreement.why
        )
        return agreement

    def _isolation(self) -> tuple[str, ...]:
        """The strategy is run again no less apart than live."""
        settings = self._engine.settings
        levels = settings.strategy_isolation, settings.strategy_isolation_minimum
        data = str(settings.data)
        return ("--isolation", levels[0], "--minimum", levels[1], "--data", data, "--publish")

    async def _grow(self, line: CanaryMoved, why: str) -> None:
        """The next step, or everything."""
        last = line.step + 1 >= len(line.steps)
        now, fills = self._engine.clock.now_ns(), fills_of(self._engine.machine, line.strategy_id)
        after = (
            msgspec.structs.replace(line, state="passed", since_ns=now)
            if last
            else msgspec.structs.replace(line, step=line.step + 1, since_ns=now, since_fills=fills)
        )
        await self._engine.ask(after)
        record = self._engine.machine.strategies[line.strategy_id]
        await note(self._engine, record, "completed" if last else "step_passed", CANARY, why, after.share)

    async def _demote(self, line: CanaryMoved, person: str, why: str, last: Last | None = None) -> None:
        await take_back(self._engine, line, person, why, last)
        self._vain.pop(line.strategy_id, None)
