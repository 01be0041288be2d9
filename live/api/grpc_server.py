"""gRPC beside REST, in the engine's event loop: services, health, reflection, and what no caller may exceed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.generated import trading_pb2 as pb
from live.api.generated.trading_pb2_grpc import (
    add_RiskServiceServicer_to_server,
    add_TradingServiceServicer_to_server,
)
from live.api.grpc_door import Door
from live.api.grpc_services import RiskCalls, TradingCalls
from live.engine import Engine
from workbench.errors import ConfigError

__all__ = ["GrpcServer"]

LARGEST_REQUEST: Final = 256 * 1024  # bytes
LARGEST_ANSWER: Final = 16 << 20
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", LARGEST_REQUEST),
    ("grpc.max_send_message_length", LARGEST_ANSWER),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 128),  # of one connection
    ("grpc.so_reuseport", 0),  # two engines on one port would each get some of the calls
    ("grpc.keepalive_time_ms", 30_000),  # a connection whose other side is gone is found
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)
_MOST_CALLS: Final = 512  # at once, streams included
_LOOK_S: Final = 0.5
_SERVICES: Final = tuple(
    pb.DESCRIPTOR.services_by_name[n].full_name for n in ("TradingService", "RiskService")
)


class GrpcServer:
    """The server of one engine that was started.  port: where it listens, once it was bound."""

    def __init__(self, engine: Engine, commands: Commands, tokens: Tokens) -> None:
        self.port = 0
        self._engine = engine
        self._server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=_MOST_CALLS)
        door = Door(tokens, commands.denials, commands.throttle)
        add_TradingServiceServicer_to_server(TradingCalls(engine, commands, door), self._server)
        add_RiskServiceServicer_to_server(RiskCalls(engine, commands, door), self._server)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; the port.  Raises ConfigError where that cannot be."""
        settings = self._engine.settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if settings.tls_cert is not None and settings.tls_key is not None:
                pair = settings.tls_key.read_bytes(), settings.tls_cert.read_bytes()
                self.port = self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
            else:
                self.port = self._server.add_insecure_port(address)
        except (RuntimeError, OSError) as error:
            raise ConfigError(
                f"TRADING_ENGINE_GRPC_PORT: {address} cannot be listened on; is another engine running? "
                "Set another port, or 0 for any"
            ) from error
        await self._look()
        await self._server.start()
        self._looking = asyncio.create_task(self._keep_looking(), name="grpc health")
        return self.port

    async def stop(self, grace_s: float = 3.0) -> None:
        """Take no more calls, and let those that are under way end within `grace_s`."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._look()

    async def _look(self) -> None:
        """Say by the health service what /health says: serving while it records and trades."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if self._engine.state == "running" else states.NOT_SERVING
        for name in ("", *_SERVICES):
            await self._health.set(name, state)
