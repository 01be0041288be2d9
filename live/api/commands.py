"""What people may have done, whatever the protocol: checked, carried out once, and written into the audit log."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from live.api.backtest_requests import BacktestRequest, BacktestResponse
from live.api.backtests import Backtests
from live.api.buckets import Throttle
from live.api.carrying import Carrier, Ending
from live.api.denials import Denials
from live.api.limit_changes import change_limits, changed_keys, demand_tag, limits_tag, merged
from live.api.overrides import OverridesView, view
from live.api.promoting import keep_certificate, known_script, last_of, promote, promoted
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
from live.api.roles import NEEDS, Caller
from live.api.uploads import store
from live.api.values import check_values
from live.api.views import record_of
from live.engine import Engine, StartRequest
from live.machine import Input, KillReset, KillSwitch, LimitOverride, StrategyRecord
from live.promotion import Promotions
from workbench.core.facts import CancelRequested, Fact, OrderAccepted, OrderEnded, OrderRefused
from workbench.core.intents import AcceptPrice, ClosePositions, ResetBreaker, TripBreaker
from workbench.core.limits import RiskLimits
from workbench.errors import (
    RequestError,
)

__all__ = ["Commands"]


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
        self._carrier = Carrier(engine, self.denials)

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

        async def work(ending: Ending) -> StrategyResponse:
            check_values("config", request.config)
            await known_script(self.engine, request.script)
            whole = caller.role >= NEEDS["strategy.start_whole"]
            return _strategy(await self.promotions.start(wanted, whole=whole, last=_last(ending)))

        target = request.strategy_id or request.script
        return await self._carrier.run(caller, "strategy.start", target, request, key, StrategyResponse, work)

    async def stop(self, caller: Caller, request: StopStrategyRequest, key: str = "") -> StrategyResponse:
        async def work(ending: Ending) -> StrategyResponse:
            record_of(self.engine, request.strategy_id)
            stopped = self.engine.strategies.stop(
                request.strategy_id,
                caller.person,
                flatten=request.flatten,
                reason=request.reason,
                last=_last(ending),
            )
            return _strategy(await stopped)

        return await self._carrier.run(
            caller, "strategy.stop", request.strategy_id, request, key, StrategyResponse, work
        )

    async def pause(self, caller: Caller, strategy_id: str, key: str = "") -> StrategyResponse:
        async def work(ending: Ending) -> StrategyResponse:
            record_of(self.engine, strategy_id)
            return _strategy(await self.engine.strategies.pause(strategy_id, caller.person, _last(ending)))

        return await self._carrier.run(
            caller, "strategy.pause", strategy_id, strategy_id, key, StrategyResponse, work
        )

    async def resume(self, caller: Caller, strategy_id: str, key: str = "") -> StrategyResponse:
        async def work(ending: Ending) -> StrategyResponse:
            record_of(self.engine, strategy_id)
            return _strategy(await self.engine.strategies.resume(strategy_id, caller.person, _last(ending)))

        return await self._carrier.run(
            caller, "strategy.resume", strategy_id, strategy_id, key, StrategyResponse, work
        )

    async def upload(self, caller: Caller, request: UploadRequest, key: str = "") -> UploadResponse:
        async def work(_: Ending) -> UploadResponse:
            script = await store(self.engine.catalog, request.name, request.source)
            kept = ""
            if request.certificate:
                kept = await keep_certificate(self.engine, request.certificate, script)
            return UploadResponse(script.name, script.class_name, script.version, script.source_hash, kept)

        return await self._carrier.run(
            caller, "strategy.upload", request.name, request, key, UploadResponse, work
        )

    async def promote(self, caller: Caller, request: PromoteRequest, key: str = "") -> PromoteResponse:
        async def work(ending: Ending) -> PromoteResponse:
            if request.config is not None:
                check_values("config", request.config)
            reason = _reason(request.reason)
            return await promote(self.engine, self.promotions, caller.person, request, reason, ending)

        action = "strategy.promote" if request.canary else "strategy.promote_whole"
        target = request.strategy_id or request.script.removesuffix(".py")
        return await self._carrier.run(caller, action, target, request, key, PromoteResponse, work)

    async def demote(
        self, caller: Caller, strategy_id: str, request: DemoteRequest, key: str = ""
    ) -> PromoteResponse:
        async def work(ending: Ending) -> PromoteResponse:
            record_of(self.engine, strategy_id)
            demoted = self.promotions.demote(
                strategy_id, caller.person, _reason(request.reason), last_of(self.engine, ending)
            )
            return promoted(self.engine, await demoted)

        asked = {"strategy_id": strategy_id, "reason": request.reason}
        return await self._carrier.run(
            caller, "strategy.demote", strategy_id, asked, key, PromoteResponse, work
        )

    async def backtest(self, caller: Caller, request: BacktestRequest, key: str = "") -> BacktestResponse:
        async def work(_: Ending) -> BacktestResponse:
            check_values("config", request.config)
            check_values("chaos", request.chaos)
            await known_script(self.engine, request.script)
            return await self.backtests.start(caller.person, request)

        return await self._carrier.run(
            caller, "backtest.start", request.script, request, key, BacktestResponse, work
        )

    # --- risk -------------------------------------------------------------------------------------------------------

    async def breaker(self, caller: Caller, request: BreakerRequest, key: str = "") -> BreakerResponse:
        action = f"risk.breaker_{request.action}"

        def respond(_: list[Fact]) -> BreakerResponse:
            desk, strategy_id = self.engine.machine.desk, request.strategy_id
            halted = dict.fromkeys((*desk.halted(), *(desk.halted(strategy_id) if strategy_id else ())))
            enabled = desk.limits.enable_circuit_breakers
            return BreakerResponse(request.action, strategy_id, enabled, tuple(halted))

        async def work(ending: Ending) -> BreakerResponse:
            strategy_id, reason = request.strategy_id, _reason(request.reason)
            self._known_strategy(strategy_id)
            if request.action == "trip":
                wanted: Input = TripBreaker(caller.person, reason, strategy_id)
            elif request.action == "reset":
                wanted = ResetBreaker(caller.person, reason, strategy_id)
            else:
                enabling = self._enabling(strategy_id, request.action == "enable")
                return await change_limits(self.engine, ending, enabling, lambda *_: respond([]))
            return await ending.act(wanted, respond)

        return await self._carrier.run(
            caller, action, request.strategy_id, request, key, BreakerResponse, work
        )

    def _enabling(self, strategy_id: str, enabled: bool) -> Callable[[RiskLimits], RiskLimits]:
        if strategy_id:
            raise RequestError(
                "breakers are switched on and off for the whole portfolio; leave strategy_id out", "invalid"
            )
        return lambda limits: msgspec.structs.replace(limits, enable_circuit_breakers=enabled)

    async def kill(self, caller: Caller, request: KillRequest, key: str = "") -> KillResponse:
        async def work(ending: Ending) -> KillResponse:
            self._check_scope(request.scope, request.target)
            kill = KillSwitch(
                request.scope, request.target, caller.person, _reason(request.reason), request.flatten
            )

            def respond(facts: list[Fact]) -> KillResponse:
                cancelled = sum(isinstance(fact, OrderEnded | CancelRequested) for fact in facts)
                closing = sum(isinstance(fact, OrderAccepted) for fact in facts)
                return KillResponse(request.scope, request.target, True, cancelled, closing)

            return await ending.act(kill, respond)

        target = request.target or request.scope
        return await self._carrier.run(caller, "risk.kill", target, request, key, KillResponse, work)

    async def kill_reset(self, caller: Caller, request: KillResetRequest, key: str = "") -> KillResponse:
        async def work(ending: Ending) -> KillResponse:
            self._check_scope(request.scope, request.target)
            reason = _reason(request.reason)
            over = KillResponse(request.scope, request.target, False, 0, 0)
            reset = KillReset(request.scope, request.target, caller.person, reason)
            return await ending.act(reset, lambda _: over)

        target = request.target or request.scope
        return await self._carrier.run(caller, "risk.kill_reset", target, request, key, KillResponse, work)

    async def close(self, caller: Caller, request: CloseRequest, key: str = "") -> CloseResponse:
        async def work(ending: Ending) -> CloseResponse:
            _reason(request.reason)
            self._known_strategy(request.strategy_id)
            self._known_market(request.symbol, request.venue)
            closing = ClosePositions(request.strategy_id, request.symbol, request.venue)
            return await ending.act(closing, _closed)

        target = "/".join(part or "*" for part in (request.strategy_id, request.symbol, request.venue))
        return await self._carrier.run(caller, "risk.close", target, request, key, CloseResponse, work)

    async def set_limits(self, caller: Caller, request: LimitsRequest, key: str = "") -> LimitsResponse:
        async def work(ending: Ending) -> LimitsResponse:
            check_values("limits", request.limits)

            def change(before: RiskLimits) -> RiskLimits:
                demand_tag(before, request.tag)
                return merged(before, request.limits)

            def respond(before: RiskLimits, after: RiskLimits) -> LimitsResponse:
                looser = tuple(after.looser_fields(before))
                return LimitsResponse(changed_keys(before, after), looser, limits_tag(after))

            return await change_limits(self.engine, ending, change, respond)

        return await self._carrier.run(caller, "risk.limits", "limits", request, key, LimitsResponse, work)

    async def override(self, caller: Caller, request: OverrideRequest, key: str = "") -> OverridesView:
        async def work(ending: Ending) -> OverridesView:
            asked = LimitOverride(
                request.limit, request.value, request.seconds, caller.person, _reason(request.reason)
            )
            return await ending.act(asked, lambda _: view(self.engine))

        return await self._carrier.run(
            caller, "risk.override", request.limit, request, key, OverridesView, work
        )

    async def accept_price(self, caller: Caller, request: AcceptPriceRequest, key: str = "") -> PriceAccepted:
        async def work(ending: Ending) -> PriceAccepted:
            self._known_market(request.symbol, request.venue)
            reason = _reason(request.reason)
            accepted = PriceAccepted(request.symbol, request.venue)
            asked = AcceptPrice(caller.person, reason, request.symbol, request.venue)
            return await ending.act(asked, lambda _: accepted)

        target = f"{request.symbol}@{request.venue}".rstrip("@")
        return await self._carrier.run(caller, "risk.accept_price", target, request, key, PriceAccepted, work)

    async def resume_engine(self, caller: Caller, request: ResumeRequest, key: str = "") -> Resumed:
        """Let a halted engine go on; one that runs is left alone."""

        async def work(_: Ending) -> Resumed:
            _reason(request.reason)
            await self.engine.resume()
            return Resumed(self.engine.state)

        return await self._carrier.run(caller, "engine.resume", "", request, key, Resumed, work)

    # --- checks -----------------------------------------------------------------------------------------------------

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

    async def finish(self) -> None:
        """Wait for commands that are under way, and end backtests and looking at canaries."""
        await self.promotions.close()
        await self._carrier.finish()
        await self.backtests.close()


def _reason(reason: str) -> str:
    if not reason.strip():
        raise RequestError("expected a reason, for those who read the audit log; found none", "invalid")
    return reason.strip()


def _last(ending: Ending) -> Callable[[StrategyRecord], Input]:
    """Ends a command about a strategy together with the last that is noted of it."""
    return lambda record: ending.done(_strategy(record))


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
