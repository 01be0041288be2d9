"""Commands carried out once, and written into the audit log together with what they did."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog

from live.api.denials import Denials
from live.api.memory import Memory, check_key
from live.api.requests import UploadRequest
from live.api.roles import Caller, allow
from live.engine import Engine
from live.machine import AuditLine, Input
from workbench.core.facts import Fact
from workbench.errors import (
    CertificateError,
    ConfigError,
    EngineError,
    JournalFailed,
    RequestError,
    SandboxError,
    StrategyError,
    StrategyLoadError,
    VenueError,
    WorkbenchError,
)

__all__ = ["Carrier", "Ending", "request_error"]

_KINDS: Final[tuple[tuple[type[WorkbenchError], str], ...]] = (
    (JournalFailed, "unavailable"),
    (SandboxError, "unavailable"),
    (VenueError, "unavailable"),
    (CertificateError, "forbidden"),
    (StrategyLoadError, "invalid"),
    (StrategyError, "conflict"),
    (ConfigError, "invalid"),
    (EngineError, "conflict"),
)
_LONGEST_ANSWER: Final = 16_384  # characters kept for who asks again with the same key
_TOO_LONG: Final = '"done"'  # is kept in the place of a longer one, so that nothing is done again
_LONGEST_DETAIL: Final = 2_000

_log = structlog.get_logger("live.audit")


def request_error(error: WorkbenchError) -> RequestError:
    """An error of the engine as what a caller is told."""
    if isinstance(error, RequestError):
        return error
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), "conflict")
    return RequestError(str(error), kind)


class Ending:
    """The line with which a command ends in the audit log.

    It stands in one record of the journal with the last thing that the command did, so that there is never the one
    without the other: who asks again with the same key, after a crash too, gets the answer and does nothing again.
    written: the line, once it is on its way with an input of the command.
    """

    def __init__(self, engine: Engine, line: AuditLine, request: Any) -> None:
        self.written: AuditLine | None = None
        self._engine, self._line, self._request = engine, line, request

    def done(self, answer: Any) -> AuditLine:
        """The line of a command that was carried out; answer: what the caller gets, and gets again."""
        asked = answer if isinstance(self._request, UploadRequest) else self._request
        told = msgspec.json.encode(answer).decode()
        self.written = self.line("done", msgspec.json.encode(asked).decode(), told)
        return self.written

    def line(self, outcome: str, detail: str, answer: str = "") -> AuditLine:
        """The line with how it ended."""
        return msgspec.structs.replace(
            self._line,
            ns=self._engine.clock.now_ns(),
            outcome=outcome,
            detail=detail if len(detail) <= _LONGEST_DETAIL else f"{detail[: _LONGEST_DETAIL - 1]}…",
            answer=_kept(answer) if self._line.key else "",
        )

    async def act[T](self, item: Input, respond: Callable[[list[Fact]], T]) -> T:
        """Have the one input of a command carried through, its line with it; what `respond` makes of its facts.

        Raises EngineError, JournalFailed.
        """
        answers: list[T] = []

        def ended(facts: list[Fact]) -> AuditLine:
            answers.append(respond(facts))
            return self.done(answers[0])

        await self._engine.ask(item, ended)
        return answers[0]


class Carrier:
    """Carries commands out, whatever they are.  denials: of who may not."""

    def __init__(self, engine: Engine, denials: Denials) -> None:
        self._engine, self._denials = engine, denials
        self._memory = Memory(engine.machine.audit)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run[T](
        self,
        caller: Caller,
        action: str,
        target: str,
        request: Any,
        key: str,
        kind: type[T],
        work: Callable[[Ending], Awaitable[T]],
    ) -> T:
        """Carry a command out, to its end even where the caller goes away meanwhile.  Raises RequestError."""
        try:
            allow(caller, action)
        except RequestError as error:
            self._denials.note(caller.person, caller.role.name.lower(), action, str(error))
            raise
        digest = _digest(action, request)
        if check_key(key):
            broken = self._engine.pump.failure is not None
            known = await self._memory.find(
                caller.person, key, digest, self._engine.clock.now_ns(), broken=broken
            )
            if known == _TOO_LONG:
                raise RequestError(
                    f"the command with the key {key!r} was carried out, but its answer was too long to keep; what it "
                    "did stands in the audit log; use a new key to ask for more",
                    "conflict",
                )
            if known is not None:
                return msgspec.json.decode(known, type=kind)
        line = AuditLine(0, caller.person, caller.role.name.lower(), action, target, "done", "", key, digest)
        task = asyncio.create_task(self._carry_out(Ending(self._engine, line, request), work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if key:
            self._under_way(line, task)
        return await asyncio.shield(task)

    def _under_way[T](self, line: AuditLine, task: asyncio.Task[T]) -> None:
        """Let others with the same key wait for the same answer."""
        place = line.person, line.key
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._memory.busy[place] = line.request, answer

        def over(done: asyncio.Task[T]) -> None:
            self._memory.busy.pop(place, None)
            if done.cancelled():
                answer.cancel()
            elif (error := done.exception()) is not None:
                answer.set_exception(error)
                answer.exception()  # nobody need wait for it
            else:
                answer.set_result(msgspec.json.encode(done.result()).decode())

        task.add_done_callback(over)

    async def _carry_out[T](self, ending: Ending, work: Callable[[Ending], Awaitable[T]]) -> T:
        try:
            answer = await work(ending)
        except WorkbenchError as error:
            told = request_error(error)
            if ending.written is not None:
                self._memory.doubt(ending.written)  # it may yet become durable
            await self._write(ending.line("refused", str(told)))
            raise told from error
        except BaseException as error:
            await self._write(ending.line("failed", f"{type(error).__name__}: {error}"))
            raise
        if ending.written is not None:
            _tell(ending.written)
            self._memory.keep(ending.written)
        elif not await self._write(ending.done(answer)):
            raise RequestError(
                "the command was carried out, but the journal has failed since: it may not be known after a restart",
                "unavailable",
            )
        return answer

    async def _write(self, line: AuditLine) -> bool:
        """Write a line that no input of the command has taken along; whether it is durable."""
        _tell(line)
        try:
            await self._engine.ask(line)
        except (JournalFailed, EngineError) as error:
            _log.error("audit_not_recorded", action=line.action, error=str(error))
            return False
        self._memory.keep(line)
        return True

    async def finish(self) -> None:
        """Wait for commands that are under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _kept(answer: str) -> str:
    return answer if len(answer) <= _LONGEST_ANSWER else _TOO_LONG


def _tell(line: AuditLine) -> None:
    _log.info(
        "audit",
        person=line.person,
        role=line.role,
        action=line.action,
        target=line.target,
        outcome=line.outcome,
        detail=line.detail,
    )


def _digest(action: str, request: Any) -> str:
    """SHA-256 (hex) of what is asked.  Raises RequestError (invalid) where it cannot be written down."""
    try:
        text = msgspec.json.encode(request)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RequestError(f"expected plain JSON values, found others: {error}", "invalid") from error
    return hashlib.sha256(action.encode() + b"\n" + text).hexdigest()
