"""The REST application, and the server that runs it in the engine's event loop."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import msgspec
from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from uvicorn import Config

from live.api import (
    desk_routes,
    documented,
    problems,
    risk_routes,
    strategy_routes,
    stream,
    system_routes,
    trading_routes,
)
from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.connections import GuardedHttp, GuardedWebSocket, QuietServer
from live.api.docs_page import POLICY, docs_page
from live.api.gate import Gate
from live.api.services import Services
from live.engine import Engine
from live.metrics import Metrics
from workbench.errors import EngineError

__all__ = ["RestServer", "make_app"]

_HEAD: Final = 32 * 1024  # bytes of a request's line and headers
_MESSAGE: Final = 64 * 1024  # bytes of a WebSocket message from a client
_ENDING_S: Final = 5
_BACKLOG: Final = 256


def make_app(services: Services) -> FastAPI:
    """All routes over one engine."""
    app = FastAPI(title="Trading engine", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    problems.install(app)
    documented.install(app)
    routers = (strategy_routes, trading_routes, risk_routes, desk_routes, system_routes, stream)
    for module in routers:
        app.include_router(module.router)
    _describe(app)
    app.add_middleware(
        Gate,
        tokens=services.tokens,
        denials=services.commands.denials,
        throttle=services.commands.throttle,
    )
    return app


def _describe(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(msgspec.json.encode(app.openapi()), media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(docs_page(app.openapi()), headers={"Content-Security-Policy": POLICY})


class RestServer:
    """REST and WebSocket at `settings.host`:`settings.port`.  port: the one that was taken, once it is started."""

    def __init__(self, engine: Engine, tokens: Tokens, commands: Commands, metrics: Metrics) -> None:
        """metrics: brought up to date by whoever made them."""
        self.port = 0
        services = Services(engine, tokens, commands, metrics)
        self.app = make_app(services)
        self._curve = services.curve
        self._looking: asyncio.Task[None] | None = None
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._server: QuietServer | None = None

    async def start(self) -> None:
        """Listen.  Raises EngineError where the port is taken or the certificate cannot be used."""
        settings = self._engine.settings
        listener = _listen(settings.host, settings.port)
        self.port = int(listener.getsockname()[1])
        try:
            config = Config(
                self.app,
                http=GuardedHttp,
                ws=GuardedWebSocket,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=_HEAD,
                ws_max_size=_MESSAGE,
                ws_per_message_deflate=False,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=_ENDING_S,
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
            )
            config.load()
        except OSError as error:  # ssl.SSLError is one
            listener.close()
            raise EngineError(f"TRADING_ENGINE_TLS_CERT, TRADING_ENGINE_TLS_KEY: {error}") from error
        self._looking = asyncio.create_task(self._curve.run(), name="equity")
        self._server = QuietServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="rest")
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Let requests that are under way finish, for a few seconds."""
        if self._server is None or self._task is None:
            return
        if self._looking is not None:
            self._looking.cancel()
        self._server.should_exit = True
        await self._task


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise EngineError(
            f"cannot listen at {host}:{port} ({error.strerror or error}); set TRADING_ENGINE_PORT, or end what has it"
        ) from error
    return listener
