"""What people may have done, whatever the protocol: checked, carried out once, and written into the audit log."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog

from live.api.backtest_requests import BacktestRequest, BacktestResponse
from live.api.backtests import Backtests
from live.api.buckets import Throttle
from live.api.denials import Denials
from live.api.limit_changes import changed_keys, limits_tag, merged
from live.api.memory import Memory, check_key
from live.api.overrides import OverridesView, view
from live.api.promoting import keep_certificate, promote, promoted
from live.api.requests import (
    AcceptPriceRequest,
    BreakerRequest,
    BreakerResponse,
    CloseRequest,
    CloseResponse,
    DemoteRequest,
    KillRequest,
    KillResetRequest,
    KillResponse,
    LimitsRequest,
    LimitsResponse,
    OverrideRequest,
    PriceAccepted,
    PromoteRequest,
    PromoteResponse,
    Resumed,
    ResumeRequest,
    StartStrategyRequest,
    StopStrategyRequest,
    StrategyResponse,
    UploadRequest,
    UploadResponse,
)
from live.api.roles import Caller, allow
from live.api.uploads import store
from live.api.values import check_values
from live.api.views import record_of
from live.engine import Engine, StartRequest
from live.machine import AuditLine, KillReset, KillSwitch, LimitOverride, StrategyRecord
from live.promotion import Promotions
from workbench.core.facts import CancelRequested, Fact, OrderAccepted, OrderEnded, OrderRefused
from workbench.core.intents import AcceptPrice, ClosePositions, ResetBreaker, SetLimits, TripBreaker
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

__all__ = ["Commands", "request_error"]

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
_LONGEST_DETAIL: Final = 2_000

_log = structlog.get_logger("live.audit")


def request_error(error: WorkbenchError) -> RequestError:
    """An error of the engine as what a caller is told."""
    if isinstance(error, RequestError):
        return error
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), "conflict")
    return RequestError(str(error), kind)


class Commands:
    """Commands of one engine; every protocol shares them.

    Each method takes who asks, what for, and an idempotency key ("" for none): the same key of the same person gets the
    answer that was given, for 24 hours, through restarts too; with another request it is a conflict.  What was refused
    is not remembered, so it may be asked again.
    Raises RequestError alone.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.denials = Denials(engine)
        self.throttle = Throttle(engine.settings.requests_per_second)
        self.backtests = Backtests(engine)
        self.promotions = Promotions(engine)
        self._memory = Memory(engine.machine.audit)
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- strategies -------------------------------------------------------------------------------------------------

    async def start(self, caller: Caller, request: StartStrategyRequest, key: str = "") -> StrategyResponse:
        wanted = StartRequest(
            request.script,
            request.strategy_id,
            request.config,
            request.on_failure,
            request.warm_up,
            caller.person,
            request.certificate,
        )

        async def work() -> StrategyResponse:
            check_values("config", request.config)
            self._known_script(request.script)
            return _strategy(await self.engine.strategies.start(wanted))

        target = request.strategy_id or request.script
        return await self._run(caller, "strategy.start", target, request, key, StrategyResponse, work)

    async def stop(self, caller: Caller, request: StopStrategyRequest, key: str = "") -> StrategyResponse:
        async def work() -> StrategyResponse:
            record_of(self.engine, request.strategy_id)
            stopped = self.engine.strategies.stop(
                request.strategy_id, caller.person, flatten=request.flatten, reason=request.reason
            )
            return _strategy(await stopped)

        return await self._run(
            caller, "strategy.stop", request.strategy_id, request, key, StrategyResponse, work
        )

    async def pause(self, caller: Caller, strategy_id: str, key: str = "") -> StrategyResponse:
        async def work() -> StrategyResponse:
            record_of(self.engine, strategy_id)
            return _strategy(await self.engine.strategies.pause(strategy_id, caller.person))

        return await self._run(
            caller, "strategy.pause", strategy_id, strategy_id, key, StrategyResponse, work
        )

    async def resume(self, caller: Caller, strategy_id: str, key: str = "") -> StrategyResponse:
        async def work() -> StrategyResponse:
            record_of(self.engine, strategy_id)
            return _strategy(await self.engine.strategies.resume(strategy_id, caller.person))

        return await self._run(
            caller, "strategy.resume", strategy_id, strategy_id, key, StrategyResponse, work
        )

    async def upload(self, caller: Caller, request: UploadRequest, key: str = "") -> UploadResponse:
        async def work() -> UploadResponse:
            script = await store(self.engine.catalog, request.name, request.source)
            kept = keep_certificate(self.engine, request.certificate, script) if request.certificate else ""
            return UploadResponse(script.name, script.class_name, script.version, script.source_hash, kept)

        return await self._run(caller, "strategy.upload", request.name, request, key, UploadResponse, work)

    async def promote(self, caller: Caller, request: PromoteRequest, key: str = "") -> PromoteResponse:
        async def work() -> PromoteResponse:
            if request.config is not None:
                check_values("config", request.config)
            reason = _reason(request.reason)
            return await promote(self.engine, self.promotions, caller.person, request, reason)

        action = "strategy.promote" if request.canary else "strategy.promote_whole"
        target = request.strategy_id or request.script.removesuffix(".py")
        return await self._run(caller, action, target, request, key, PromoteResponse, work)

    async def demote(
        self, caller: Caller, strategy_id: str, request: DemoteRequest, key: str = ""
    ) -> PromoteResponse:
        async def work() -> PromoteResponse:
            record_of(self.engine, strategy_id)
            demoted = self.promotions.demote(strategy_id, caller.person, _reason(request.reason))
            return promoted(self.engine, await demoted)

        asked = {"strategy_id": strategy_id, "reason": request.reason}
        return await self._run(caller, "strategy.demote", strategy_id, asked, key, PromoteResponse, work)

    async def backtest(self, caller: Caller, request: BacktestRequest, key: str = "") -> BacktestResponse:
        async def work() -> BacktestResponse:
            check_values("config", request.config)
            check_values("chaos", request.chaos)
            self._known_script(request.script)
            return self.backtests.start(caller.person, request)

        return await self._run(caller, "backtest.start", request.script, request, key, BacktestResponse, work)

    # --- risk -------------------------------------------------------------------------------------------------------

    async def breaker(self, caller: Caller, request: BreakerRequest, key: str = "") -> BreakerResponse:
        action = f"risk.breaker_{request.action}"

        async def work() -> BreakerResponse:
            strategy_id, reason = request.strategy_id, _reason(request.reason)
            self._known_strategy(strategy_id)
            if request.action == "trip":
                await self.engine.ask(TripBreaker(caller.person, reason, strategy_id))
            elif request.action == "reset":
                await self.engine.ask(ResetBreaker(caller.person, reason, strategy_id))
            else:
                await self._enable(strategy_id, request.action == "enable")
            desk = self.engine.machine.desk
            halted = dict.fromkeys((*desk.halted(), *(desk.halted(strategy_id) if strategy_id else ())))
            return BreakerResponse(
                request.action, strategy_id, desk.limits.enable_circuit_breakers, tuple(halted)
            )

        return await self._run(caller, action, request.strategy_id, request, key, BreakerResponse, work)

    async def _enable(self, strategy_id: str, enabled: bool) -> None:
        if strategy_id:
            raise RequestError(
                "breakers are switched on and off for the whole portfolio; leave strategy_id out", "invalid"
            )
        limits = self.engine.machine.limits
        if limits.enable_circuit_breakers is not enabled:
            await self.engine.ask(SetLimits(msgspec.structs.replace(limits, enable_circuit_breakers=enabled)))

    async def kill(self, caller: Caller, request: KillRequest, key: str = "") -> KillResponse:
        async def work() -> KillResponse:
            self._check_scope(request.scope, request.target)
            kill = KillSwitch(
                request.scope, request.target, caller.person, _reason(request.reason), request.flatten
            )
            facts = await self.engine.ask(kill)
            cancelled = sum(isinstance(fact, OrderEnded | CancelRequested) for fact in facts)
            closing = sum(isinstance(fact, OrderAccepted) for fact in facts)
            return KillResponse(request.scope, request.target, True, cancelled, closing)

        target = request.target or request.scope
        return await self._run(caller, "risk.kill", target, request, key, KillResponse, work)

    async def kill_reset(self, caller: Caller, request: KillResetRequest, key: str = "") -> KillResponse:
        async def work() -> KillResponse:
            self._check_scope(request.scope, request.target)
            reason = _reason(request.reason)
            await self.engine.ask(KillReset(request.scope, request.target, caller.person, reason))
            return KillResponse(request.scope, request.target, False, 0, 0)

        target = request.target or request.scope
        return await self._run(caller, "risk.kill_reset", target, request, key, KillResponse, work)

    async def close(self, caller: Caller, request: CloseRequest, key: str = "") -> CloseResponse:
        async def work() -> CloseResponse:
            _reason(request.reason)
            self._known_strategy(request.strategy_id)
            self._known_market(request.symbol, request.venue)
            closing = ClosePositions(request.strategy_id, request.symbol, request.venue)
            return _closed(await self.engine.ask(closing))

        target = "/".join(part or "*" for part in (request.strategy_id, request.symbol, request.venue))
        return await self._run(caller, "risk.close", target, request, key, CloseResponse, work)

    async def set_limits(self, caller: Caller, request: LimitsRequest, key: str = "") -> LimitsResponse:
        async def work() -> LimitsResponse:
            check_values("limits", request.limits)
            before = self.engine.machine.limits
            tag = limits_tag(before)
            if request.tag not in ("", tag):
                raise RequestError(
                    f"other limits are in force ({tag}) than those that were read ({request.tag}); read them again",
                    "stale",
                )
            after = merged(before, request.limits)
            changed = changed_keys(before, after)
            if changed:
                await self.engine.ask(SetLimits(after))
            return LimitsResponse(changed, tuple(after.looser_fields(before)), limits_tag(after))

        return await self._run(caller, "risk.limits", "limits", request, key, LimitsResponse, work)

    async def override(self, caller: Caller, request: OverrideRequest, key: str = "") -> OverridesView:
        async def work() -> OverridesView:
            asked = LimitOverride(
                request.limit, request.value, request.seconds, caller.person, _reason(request.reason)
            )
            await self.engine.ask(asked)
            return view(self.engine)

        return await self._run(caller, "risk.override", request.limit, request, key, OverridesView, work)

    async def accept_price(self, caller: Caller, request: AcceptPriceRequest, key: str = "") -> PriceAccepted:
        async def work() -> PriceAccepted:
            self._known_market(request.symbol, request.venue)
            reason = _reason(request.reason)
            await self.engine.ask(AcceptPrice(caller.person, reason, request.symbol, request.venue))
            return PriceAccepted(request.symbol, request.venue)

        target = f"{request.symbol}@{request.venue}".rstrip("@")
        return await self._run(caller, "risk.accept_price", target, request, key, PriceAccepted, work)

    async def resume_engine(self, caller: Caller, request: ResumeRequest, key: str = "") -> Resumed:
        """Let a halted engine go on; one that runs is left alone."""

        async def work() -> Resumed:
            _reason(request.reason)
            await self.engine.resume()
            return Resumed(self.engine.state)

        return await self._run(caller, "engine.resume", "", request, key, Resumed, work)

    # --- checks -----------------------------------------------------------------------------------------------------

    def _known_script(self, wanted: str) -> None:
        if not self.engine.catalog.knows(wanted):
            names = ", ".join(sorted({script.name for script in self.engine.catalog.scripts()})[:20])
            raise RequestError(f"no strategy {wanted!r:.100} is available; there is: {names}", "unknown")

    def _known_strategy(self, strategy_id: str) -> None:
        if strategy_id and strategy_id not in self.engine.machine.desk.strategies:
            known = ", ".join(self.engine.machine.desk.strategies) or "none"
            raise RequestError(f"no strategy {strategy_id!r} at the desk; there is: {known}", "unknown")

    def _known_market(self, symbol: str, venue: str) -> None:
        desk = self.engine.machine.desk
        if any(symbol in ("", i.symbol) and venue in ("", i.venue) for i in desk.instruments):
            return
        known = ", ".join(i.name for i in desk.instruments)
        raise RequestError(f"no instrument {symbol or '*'}@{venue or '*'}; there is: {known}", "unknown")

    def _check_scope(self, scope: str, target: str) -> None:
        if bool(target) == (scope == "all"):
            raise RequestError(
                f"scope all has no target, strategy and venue need one; found {scope} {target!r}", "invalid"
            )
        if scope == "strategy":
            self._known_strategy(target)
        elif scope == "venue":
            self._known_market("", target)

    # --- carrying out -------------------------------------------------------------------------------------------------

    async def _run[T](
        self,
        caller: Caller,
        action: str,
        target: str,
        request: Any,
        key: str,
        kind: type[T],
        work: Callable[[], Awaitable[T]],
    ) -> T:
        """Carry a command out, to its end even where the caller goes away meanwhile.  Raises RequestError."""
        try:
            allow(caller, action)
        except RequestError as error:
            self.denials.note(caller.person, caller.role.name.lower(), action, str(error))
            raise
        digest = _digest(action, request)
        if check_key(key):
            known = await self._memory.find(caller.person, key, digest, self.engine.clock.now_ns())
            if known is not None:
                return msgspec.json.decode(known, type=kind)
        line = AuditLine(0, caller.person, caller.role.name.lower(), action, target, "done", "", key, digest)
        task = asyncio.create_task(self._carry_out(line, request, work))
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

    async def _carry_out[T](self, line: AuditLine, request: Any, work: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await work()
        except WorkbenchError as error:
            told = request_error(error)
            await self._note(line, "refused", str(told), "")
            raise told from error
        except BaseException as error:
            await self._note(line, "failed", f"{type(error).__name__}: {error}", "")
            raise
        short = isinstance(request, UploadRequest | PromoteRequest)  # the text itself is kept elsewhere
        asked = msgspec.json.encode(answer if short else request).decode()
        if not await self._note(line, "done", asked, msgspec.json.encode(answer).decode()):
            raise RequestError(
                f"{line.action} was carried out, but the journal has failed since: it may not be known after a restart",
                "unavailable",
            )
        return answer

    async def _note(self, line: AuditLine, outcome: str, detail: str, answer: str) -> bool:
        """Write a line into the audit log; whether it is durable."""
        kept = answer if line.key and len(answer) <= _LONGEST_ANSWER else ""
        line = msgspec.structs.replace(
            line, ns=self.engine.clock.now_ns(), outcome=outcome, detail=detail[:_LONGEST_DETAIL], answer=kept
        )
        _log.info(
            "audit",
            person=line.person,
            role=line.role,
            action=line.action,
            target=line.target,
            outcome=outcome,
            detail=line.detail,
        )
        try:
            await self.engine.ask(line)
        except (JournalFailed, EngineError) as error:
            _log.error("audit_not_recorded", action=line.action, error=str(error))
            return False
        self._memory.keep(line)
        return True

    async def finish(self) -> None:
        """Wait for commands that are under way, and end backtests and looking at canaries."""
        await self.promotions.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.backtests.close()


def _digest(action: str, request: Any) -> str:
    """SHA-256 (hex) of what is asked.  Raises RequestError (invalid) where it cannot be written down."""
    try:
        text = msgspec.json.encode(request)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RequestError(f"expected plain JSON values, found others: {error}", "invalid") from error
    return hashlib.sha256(action.encode() + b"\n" + text).hexdigest()


def _reason(reason: str) -> str:
    if not reason.strip():
        raise RequestError("expected a reason, for those who read the audit log; found none", "invalid")
    return reason.strip()


def _strategy(record: StrategyRecord) -> StrategyResponse:
    return StrategyResponse(
        record.strategy_id,
        record.class_name,
        record.version,
        record.state,
        record.source_hash,
        record.reason,
        record.since_ns,
    )


def _closed(facts: list[Fact]) -> CloseResponse:
    orders = tuple(fact.order_id for fact in facts if isinstance(fact, OrderAccepted))
    refused = [fact.failed_checks[:1] or ("risk",) for fact in facts if isinstance(fact, OrderRefused)]
    return CloseResponse(orders, tuple(dict.fromkeys(check for (check,) in refused)))
