"""Commands about strategies: start and stop, uploads, promotions, backtests."""

from __future__ import annotations

from collections.abc import Callable

from live.api.backtest_requests import BacktestRequest, BacktestResponse
from live.api.carrying import Ending
from live.api.commanding import Commanding, reason_of
from live.api.promoting import keep_certificate, known_script, last_of, promote, promoted
from live.api.requests import (
    DemoteRequest,
    PromoteRequest,
    PromoteResponse,
    StartStrategyRequest,
    StopStrategyRequest,
    StrategyResponse,
    UploadRequest,
    UploadResponse,
)
from live.api.roles import NEEDS, Caller
from live.api.strategy_views import record_of
from live.api.uploads import store
from live.api.values import check_values
from live.engine import StartRequest
from live.machine import Input, StrategyRecord

__all__ = ["StrategyCommands"]


class StrategyCommands(Commanding):
    """See `Commands`."""

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
            reason = reason_of(request.reason)
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
                strategy_id, caller.person, reason_of(request.reason), last_of(self.engine, ending)
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
