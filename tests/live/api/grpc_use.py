"""A real engine, and a real gRPC server and channel on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status.rpc_status import aio as rich

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.generated.trading_pb2_grpc import RiskServiceStub, TradingServiceStub
from live.api.grpc_server import GrpcServer
from live.api.roles import Role
from live.engine import Engine
from tests.live.engine.desk import open_engine, paper_market, settings_for

__all__ = ["Asked", "called", "reason_of", "serving"]


class Asked(NamedTuple):
    """What a test asks with.  tokens: one for each role, by its name in lower case."""

    engine: Engine
    server: GrpcServer
    commands: Commands
    trading: TradingServiceStub
    risk: RiskServiceStub
    channel: grpc.aio.Channel
    tokens: dict[str, str]
    keys: Tokens

    def by(self, role: str, key: str = "") -> tuple[tuple[str, str], ...]:
        """Metadata of a caller of this role."""
        who = (("authorization", f"Bearer {self.tokens[role]}"),)
        return (*who, ("idempotency-key", key)) if key else who


@asynccontextmanager
async def serving(
    folder: Path, market: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Asked]:
    """An engine on a made-up market, and gRPC on a free port."""
    chosen = settings_for(folder, **{"requests_per_second": 10_000.0, **settings})
    async with open_engine(chosen, paper_market() if market is None else market) as engine:
        keys = Tokens(chosen.data)
        tokens = {role.name.lower(): keys.issue(f"{role.name.lower()} person", role) for role in Role}
        commands = Commands(engine)
        server = GrpcServer(engine, commands, keys)
        port = await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                trading, risk = TradingServiceStub(channel), RiskServiceStub(channel)
                yield Asked(engine, server, commands, trading, risk, channel, tokens, keys)
        finally:
            await server.stop(0.5)
            await commands.finish()


async def called(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status code and text of a call; ("" where all went well)."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


async def reason_of(call: Any) -> str:
    """Reason in the details of a call that fails: the kind of the error, in capitals."""
    try:
        await call
    except grpc.aio.AioRpcError:
        status = await rich.from_call(call)
        info = ErrorInfo()
        assert status.details[0].Unpack(info)
        assert info.domain == "trading-engine"
        reason: str = info.reason
        return reason
    raise AssertionError("expected the call to fail")
