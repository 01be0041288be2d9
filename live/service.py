"""The engine as a process: settings in; engine, REST and gRPC in one event loop; signals; an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.grpc_server import GrpcServer
from live.api.rest import RestServer
from live.assembly import open_engine, start_defaults
from live.engine import Engine
from live.logs import Logs, start_logs
from live.metrics import Metrics
from live.sandbox import forbid_inspection
from live.settings import Settings
from workbench.errors import ConfigError, EngineError, WorkbenchError

__all__ = ["BAD_SETTINGS", "FAILED", "SERVICE_FILE", "run"]

FAILED: Final = 1  # exit status: it could not start, or at its end could not record any more
BAD_SETTINGS: Final = 2
SERVICE_FILE: Final = "service.json"  # in the data folder while it runs: where it listens, for local clients
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}

_log = structlog.get_logger("live.service")


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; a second one ends it at once.

    The exit status: 0 after an orderly end, 1 where it could not start or record any more, 2 for settings that make no
    sense.  An error is one line on stderr.
    """
    logs: Logs | None = None
    try:
        engine = open_engine(settings)
        logs = _start_logs(settings)
        return asyncio.run(_serve(engine))
    except WorkbenchError as error:
        _complain(str(error))
        return BAD_SETTINGS if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt:  # before the handlers were set
        _complain("interrupted")
        return 128 + signal.SIGINT
    finally:
        if logs is not None:
            logs.close()


def _complain(text: str) -> None:
    sys.stderr.write(f"error: {' '.join(text.split())}\n")
    sys.stderr.flush()


def _start_logs(settings: Settings) -> Logs:
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return start_logs(settings.log_level, settings.data)
    except OSError as error:
        raise ConfigError(
            f"TRADING_ENGINE_DATA: {settings.data} cannot be written ({error.strerror}); set another folder"
        ) from error


async def _serve(engine: Engine) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    forbid_inspection()  # tokens and journal passwords are in this memory
    settings = engine.settings
    for name, port in (
        ("TRADING_ENGINE_PORT", settings.port),
        ("TRADING_ENGINE_GRPC_PORT", settings.grpc_port),
    ):
        _check_free(name, settings.host, port)
    tokens = Tokens(settings.data)
    asyncio.get_running_loop().set_exception_handler(partial(_unforeseen, engine))
    await engine.start()
    try:
        if stop.is_set():
            return 0
        async with _listening(engine, tokens):
            if settings.autostart:
                await start_defaults(engine)
            await stop.wait()
        return FAILED if engine.state == "halted" else 0
    finally:
        await engine.stop()


def _unforeseen(engine: Engine, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What ended a callback, or a task that nobody waits for."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        engine.tasks.note("loop", error, str(context.get("message", "")), lasting=False)
    else:
        _log.error("loop", text=str(context.get("message", "")))


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal asks for an orderly end; the next one has its usual effect."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        _log.info("stopping", signal=number.name)
        stop.set()
        for other in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(other)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)


def _check_free(name: str, host: str, port: int) -> None:
    """Raise EngineError where a port is taken, before anything is recovered and strategies trade."""
    if port == 0:
        return
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise EngineError(
            f"cannot listen at {host}:{port} ({error.strerror or error}); set {name}, or end what has it"
        ) from error


@contextlib.asynccontextmanager
async def _listening(engine: Engine, tokens: Tokens) -> AsyncIterator[None]:
    """REST, gRPC and metrics of a started engine; at the end, what is under way is finished."""
    commands = Commands(engine)
    metrics = Metrics(engine)
    rest = RestServer(engine, tokens, commands, metrics)
    grpc_server = GrpcServer(engine, commands, tokens)
    service_file = engine.settings.data / SERVICE_FILE
    publishing = engine.tasks.keep("metrics", metrics.run)
    try:
        await rest.start()
        await grpc_server.start()
        _tell(engine, rest.port, grpc_server.port, tokens.admin_file, service_file)
        yield
    finally:
        service_file.unlink(missing_ok=True)
        publishing.cancel()
        await asyncio.gather(rest.stop(), grpc_server.stop(), publishing, return_exceptions=True)
        await commands.finish()


def _tell(engine: Engine, port: int, grpc_port: int, admin_file: Path, service_file: Path) -> None:
    """Say where it listens: to the log, to local clients, and to whoever started it."""
    settings = engine.settings
    host = _ANYWHERE.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    scheme = "http" if settings.tls_cert is None else "https"
    url, target = f"{scheme}://{host}:{port}", f"{host}:{grpc_port}"
    told = {
        "url": url,
        "grpc": target,
        "pid": os.getpid(),
        "started": int(time.time()),
        "certificate": "" if settings.tls_cert is None else str(settings.tls_cert.resolve()),
    }
    part = service_file.with_name(f".{SERVICE_FILE}.part")
    part.write_text(json.dumps(told) + "\n", encoding="utf-8")
    part.chmod(0o600)
    part.replace(service_file)
    level = logging.DEBUG if sys.stdout.isatty() else logging.INFO  # a person is told below
    _log.log(level, "listening", url=url, grpc=target, token_file=str(admin_file), data=str(settings.data))
    if settings.tls_cert is None and settings.host not in ("127.0.0.1", "::1", "localhost"):
        _log.warning(
            "not_encrypted", text="tokens and orders pass in the clear; set TRADING_ENGINE_TLS_CERT and _KEY"
        )
    sys.stderr.write(
        f"trading engine: REST at {url} (docs at {url}/docs), gRPC at {target}, token in {admin_file}\n"
    )
    sys.stderr.flush()
