"""Commands about risk: breakers, kills, closing, limits, prices that are not believed, a halted engine."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from live.api.carrying import Ending
from live.api.commanding import Commanding, reason_of
from live.api.limit_changes import change_limits, changed_keys, demand_tag, limits_tag, merged
from live.api.overrides import OverridesView, view
from live.api.requests import (
    AcceptPriceRequest,
    BreakerRequest,
    BreakerResponse,
    CloseRequest,
    CloseResponse,
    KillRequest,
    KillResetRequest,
    KillResponse,
    LimitsRequest,
    LimitsResponse,
    OverrideRequest,
    PriceAccepted,
    Resumed,
    ResumeRequest,
)
from live.api.roles import Caller
from live.api.values import check_values
from live.machine import Input, KillReset, KillSwitch, LimitOverride
from workbench.core.facts import CancelRequested, Fact, OrderAccepted, OrderEnded, OrderRefused
from workbench.core.intents import AcceptPrice, ClosePositions, ResetBreaker, TripBreaker
from workbench.core.limits import RiskLimits
from workbench.errors import RequestError

__all__ = ["RiskCommands"]


class RiskCommands(Commanding):
    """See `Commands`."""

    async def breaker(self, caller: Caller, request: BreakerRequest, key: str = "") -> BreakerResponse:
        action = f"risk.breaker_{request.action}"

        def respond(_: list[Fact]) -> BreakerResponse:
            desk, strategy_id = self.engine.machine.desk, request.strategy_id
            halted = dict.fromkeys((*desk.halted(), *(desk.halted(strategy_id) if strategy_id else ())))
            enabled = desk.limits.enable_circuit_breakers
            return BreakerResponse(request.action, strategy_id, enabled, tuple(halted))

        async def work(ending: Ending) -> BreakerResponse:
            strategy_id, reason = request.strategy_id, reason_of(request.reason)
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
                request.scope, request.target, caller.person, reason_of(request.reason), request.flatten
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
            reason = reason_of(request.reason)
            over = KillResponse(request.scope, request.target, False, 0, 0)
            reset = KillReset(request.scope, request.target, caller.person, reason)
            return await ending.act(reset, lambda _: over)

        target = request.target or request.scope
        return await self._carrier.run(caller, "risk.kill_reset", target, request, key, KillResponse, work)

    async def close(self, caller: Caller, request: CloseRequest, key: str = "") -> CloseResponse:
        async def work(ending: Ending) -> CloseResponse:
            reason_of(request.reason)
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
                request.limit, request.value, request.seconds, caller.person, reason_of(request.reason)
            )
            return await ending.act(asked, lambda _: view(self.engine))

        return await self._carrier.run(
            caller, "risk.override", request.limit, request, key, OverridesView, work
        )

    async def accept_price(self, caller: Caller, request: AcceptPriceRequest, key: str = "") -> PriceAccepted:
        async def work(ending: Ending) -> PriceAccepted:
            self._known_market(request.symbol, request.venue)
            reason = reason_of(request.reason)
            accepted = PriceAccepted(request.symbol, request.venue)
            asked = AcceptPrice(caller.person, reason, request.symbol, request.venue)
            return await ending.act(asked, lambda _: accepted)

        target = f"{request.symbol}@{request.venue}".rstrip("@")
        return await self._carrier.run(caller, "risk.accept_price", target, request, key, PriceAccepted, work)

    async def resume_engine(self, caller: Caller, request: ResumeRequest, key: str = "") -> Resumed:
        """Let a halted engine go on; one that runs is left alone."""

        async def work(_: Ending) -> Resumed:
            reason_of(request.reason)
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


def _closed(facts: list[Fact]) -> CloseResponse:
    orders = tuple(fact.order_id for fact in facts if isinstance(fact, OrderAccepted))
    refused = [fact.failed_checks[:1] or ("risk",) for fact in facts if isinstance(fact, OrderRefused)]
    return CloseResponse(orders, tuple(dict.fromkeys(check for (check,) in refused)))
