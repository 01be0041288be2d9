"""TradingService and RiskService: each call is translated, and answered by the views and commands that REST has too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import msgspec
import structlog
from google.protobuf.message import Message

from live.api import views
from live.api.carrying import request_error
from live.api.commands import Commands
from live.api.generated import trading_pb2 as pb
from live.api.generated.trading_pb2_grpc import RiskServiceServicer, TradingServiceServicer
from live.api.grpc_door import Door
from live.api.grpc_errors import rich_status
from live.api.grpc_messages import from_message, to_message
from live.api.grpc_stream import EventWriter, Streams, code_of
from live.api.requests import (
    BreakerRequest,
    CloseRequest,
    LimitsRequest,
    StartStrategyRequest,
    StopStrategyRequest,
)
from live.api.roles import Caller
from live.engine import Engine
from workbench.errors import RequestError, WorkbenchError

__all__ = ["Calls", "RiskCalls", "TradingCalls"]

LONGEST_CALL_S: Final = 120.0  # for those who set no deadline; a strategy may take a minute to load

_log = structlog.get_logger("live.grpc")

type Context = grpc.aio.ServicerContext[Any, Any]
type View = Callable[[Caller], msgspec.Struct]
type Work = Callable[[Caller, str], Awaitable[msgspec.Struct]]


class Calls:
    """What both services share: who asks, for how long, and what becomes of errors."""

    def __init__(self, engine: Engine, commands: Commands, door: Door) -> None:
        self.engine = engine
        self.commands = commands
        self.door = door
        self.streams = Streams()

    async def read[M: Message](self, request: Message, context: Context, kind: type[M], view: View) -> M:
        """Answer with what `view` says."""

        async def work(caller: Caller, _key: str) -> msgspec.Struct:
            return view(caller)

        return await self.write(request, context, kind, work)

    async def write[M: Message](self, request: Message, context: Context, kind: type[M], work: Work) -> M:
        """Answer with what `work` leads to; where that fails, end the call with the reason."""
        try:
            caller, key = self.door.enter(context, request.DESCRIPTOR.name)
            async with asyncio.timeout(LONGEST_CALL_S):
                return to_message(await work(caller, key), kind)
        except TimeoutError:
            late = f"not done within {LONGEST_CALL_S:g} s; it goes on, ask for the state of things"
            await context.abort_with_status(rich_status(RequestError(late, "slow")))
        except WorkbenchError as error:
            await context.abort_with_status(rich_status(request_error(error)))
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: it is logged, and the caller told
            _log.exception("grpc_call_failed", call=request.DESCRIPTOR.name)
            text = f"the engine made a mistake ({type(error).__name__}); its log says more"
            status = rich_status(RequestError(text, "fault"), grpc.StatusCode.INTERNAL)
            await context.abort_with_status(status)


class TradingCalls(Calls, TradingServiceServicer):
    """Strategies, positions, portfolio, events."""

    async def StartStrategy(self, request: pb.StartStrategyRequest, context: Context) -> pb.StrategyResponse:
        return await self.write(
            request,
            context,
            pb.StrategyResponse,
            lambda who, key: self.commands.start(who, from_message(request, StartStrategyRequest), key),
        )

    async def StopStrategy(self, request: pb.StopStrategyRequest, context: Context) -> pb.StrategyResponse:
        return await self.write(
            request,
            context,
            pb.StrategyResponse,
            lambda who, key: self.commands.stop(who, from_message(request, StopStrategyRequest), key),
        )

    async def GetStrategyStatus(
        self, request: pb.StrategyStatusRequest, context: Context
    ) -> pb.StrategyStatus:
        return await self.read(
            request,
            context,
            pb.StrategyStatus,
            lambda _: views.strategy_status(self.engine, request.strategy_id),
        )

    async def ListActiveStrategies(
        self, request: pb.ListStrategiesRequest, context: Context
    ) -> pb.ListStrategiesResponse:
        return await self.read(
            request, context, pb.ListStrategiesResponse, lambda _: views.active_strategies(self.engine)
        )

    async def GetPositions(self, request: pb.GetPositionsRequest, context: Context) -> pb.PositionsResponse:
        return await self.read(
            request,
            context,
            pb.PositionsResponse,
            lambda _: views.positions(self.engine, request.strategy_id, request.symbol),
        )

    async def GetPortfolio(self, request: pb.GetPortfolioRequest, context: Context) -> pb.PortfolioResponse:
        return await self.read(request, context, pb.PortfolioResponse, lambda _: views.portfolio(self.engine))

    async def StreamEvents(self, request: pb.StreamEventsRequest, context: Context) -> None:
        """Ends only by the reader's leave, a lost place, a token that is over, or a reader who is too slow."""
        try:
            caller, _ = self.door.enter(context, request.DESCRIPTOR.name)
            with self.streams:
                try:
                    writer = EventWriter(self.engine, request, context)
                    await writer.run(lambda: self.door.still(context, caller))
                except RequestError as error:  # within, since the reader may not take that in either
                    await context.abort_with_status(rich_status(error, code_of(error)))
        except RequestError as error:
            await context.abort_with_status(rich_status(error))


class RiskCalls(Calls, RiskServiceServicer):
    """Limits, breakers, forced closing."""

    async def SetRiskLimits(self, request: pb.RiskLimitsRequest, context: Context) -> pb.RiskLimitsResponse:
        return await self.write(
            request,
            context,
            pb.RiskLimitsResponse,
            lambda who, key: self.commands.set_limits(who, from_message(request, LimitsRequest), key),
        )

    async def GetRiskStatus(self, request: pb.RiskStatusRequest, context: Context) -> pb.RiskStatus:
        return await self.read(request, context, pb.RiskStatus, lambda _: views.risk_status(self.engine))

    async def ForcePositionClose(
        self, request: pb.ForceCloseRequest, context: Context
    ) -> pb.ForceCloseResponse:
        return await self.write(
            request,
            context,
            pb.ForceCloseResponse,
            lambda who, key: self.commands.close(who, from_message(request, CloseRequest), key),
        )

    async def EnableCircuitBreaker(
        self, request: pb.CircuitBreakerRequest, context: Context
    ) -> pb.CircuitBreakerResponse:
        return await self.write(
            request,
            context,
            pb.CircuitBreakerResponse,
            lambda who, key: self.commands.breaker(who, from_message(request, BreakerRequest), key),
        )
