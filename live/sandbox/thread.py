"""Isolation `thread`: a strategy in a thread of the engine.  It isolates nothing, and is for trusted code alone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from live.sandbox.contract import Layer, Level, SandboxSettings
from live.sandbox.frames import Begun
from live.sandbox.serve import serve
from live.sandbox.voice import LogHandler, Voice

__all__ = ["ThreadLauncher"]

_log = logging.getLogger(__name__)


class ThreadLauncher:
    """Threads that speak over a socket as processes do."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._lines = settings.log_lines_s
        self.level = Level.NONE
        self.layers: frozenset[Layer] = frozenset()
        self.missing: tuple[str, ...] = (
            "thread: isolates nothing; a strategy can read and stop the engine, and cannot itself be stopped",
        )
        self.host_pid = 0
        self.host_restarts = 0

    async def start(self) -> None:
        logs = logging.getLogger("strategy")  # of all strategies; what they log comes by their channels
        logs.setLevel(logging.INFO)
        logs.propagate = False
        _log.warning("strategies are less isolated than they could be: %s", self.missing[0])

    async def launch(self, number: int, name: str, channel: socket.socket, output: int) -> _Thread:  # noqa: ARG002
        return _Thread(f"strategy-{number}-{name}", channel.dup(), self._lines)

    def close(self) -> None:
        """A thread ends by itself once its channel is closed, and the strategy's call returns."""


class _Thread:
    """Stands for a process; `kill` ends what it says and hears, and not what it does."""

    def __init__(self, name: str, channel: socket.socket, lines_a_second: int) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._status: list[int] = []
        self._on_exit: Callable[[int | None], None] | None = None
        thread = threading.Thread(target=self._run, args=(lines_a_second,), name=name, daemon=True)
        thread.start()

    def when_gone(self, on_exit: Callable[[int | None], None]) -> None:
        self._on_exit = on_exit
        if self._status:
            on_exit(self._status[0])

    def kill(self) -> None:
        with suppress(OSError):  # closed already
            self._channel.shutdown(socket.SHUT_RDWR)
        self._loop.call_soon(self._gone, int(signal.SIGKILL))

    def _run(self, lines_a_second: int) -> None:
        status, me = 1, threading.get_ident()
        voice = Voice(self._channel.fileno(), lines_a_second)
        handler = LogHandler(voice)
        handler.addFilter(lambda record: record.thread == me)
        logs = logging.getLogger("strategy")
        logs.addHandler(handler)
        try:
            voice.say(Begun(0))
            status = serve(self._channel.fileno(), voice)
        except OSError as error:
            _log.debug("a strategy's channel was closed: %s", error)
        finally:
            logs.removeHandler(handler)
            self._channel.close()
            with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                self._loop.call_soon_threadsafe(self._gone, status << 8)

    def _gone(self, status: int) -> None:
        if not self._status:
            self._status.append(status)
            if self._on_exit is not None:
                self._on_exit(status)
