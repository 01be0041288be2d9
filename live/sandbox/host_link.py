"""The engine's end of the host: starts it, has it fork processes, hears of their end and of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from live.sandbox.bubblewrap import bubblewrapped
from live.sandbox.confine import Confinement
from live.sandbox.contract import Layer
from live.sandbox.frames import FrameReader, encode, put_frame
from live.sandbox.host_messages import Exited, FromHost, HostReady, Launch, Launched, decode_from_host
from live.sandbox.interpreter import code_roots
from workbench.errors import SandboxError

__all__ = ["HostLink", "HostProcess"]

_READ_BYTES: Final = 1 << 16
_START_S: Final = 60.0  # numpy and numba from a cold disk
_FORK_S: Final = 10.0
_CLOSE_S: Final = 0.5
_MOST_SAID: Final = 4_000
_log = logging.getLogger(__name__)


class HostProcess:
    """A strategy's process, as the host has forked it.

    pid: as this machine counts.  on_exit: called once with the status of `os.waitpid`, None where the host died.
    """

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._status: list[int | None] = []
        self._on_exit: Callable[[int | None], None] | None = None

    def when_gone(self, on_exit: Callable[[int | None], None]) -> None:
        self._on_exit = on_exit
        if self._status:
            on_exit(self._status[0])

    def kill(self) -> None:
        if self._status:
            return
        with contextlib.suppress(ProcessLookupError):
            if self._descriptor >= 0:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def gone(self, status: int | None) -> None:
        if self._status:
            return
        if status is None:
            self.kill()  # the host's end ends it, by and by
        self._status.append(status)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        if self._on_exit is not None:
            self._on_exit(status)


class HostLink:
    """One host.  on_death: called once when it is gone, its processes told first; not after `close`.

    layers: what holds inside, known after `start`.  pid: 0 before.
    """

    def __init__(
        self, order: Confinement, *, inside_bubblewrap: bool, on_death: Callable[[str], None]
    ) -> None:
        self._order, self._inside, self._on_death = order, inside_bubblewrap, on_death
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._descriptors: list[int] = []
        self._processes: dict[int, HostProcess] = {}
        self._launches: dict[int, asyncio.Future[HostProcess]] = {}
        self._ready: asyncio.Future[HostReady] = self._loop.create_future()
        self._said = ""
        self._dead = False
        self.layers: dict[Layer, str] = {}
        self.pid = 0

    async def start(self) -> None:
        """Raises SandboxError where it does not come up."""
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                self._command(theirs.fileno()),
                env={} if Layer.ENVIRONMENT in self._order.layers else None,
                cwd="/",
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._control.setblocking(False)
        assert self._process.stderr is not None
        self._output = self._process.stderr.fileno()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._control, self._hear)
        self._loop.add_reader(self._output, self._listen)
        try:
            ready = await asyncio.wait_for(self._ready, _START_S)
        except TimeoutError as error:
            self.close()
            raise SandboxError(
                f"strategies' host did not come up within {_START_S:.0f} s; {self._said}"
            ) from error
        self.layers = ready.layers

    def _command(self, control: int) -> list[str]:
        order = base64.b64encode(encode(self._order)).decode()
        parent = 0 if self._inside else os.getpid()
        code = (
            f"import sys; sys.path[:0] = {code_roots()!r}; from live.sandbox.boot import host; "
            f"host({control}, {parent}, {order!r})"
        )
        # Isolated: neither the environment nor the working directory nor the user's own packages have a say.
        command = [sys.executable, "-I", "-B", "-c", code]
        if not self._inside:
            return command
        return bubblewrapped(command, clear=Layer.ENVIRONMENT in self._order.layers)

    async def launch(self, number: int, order: Confinement, channel: int, output: int) -> HostProcess:
        """Have a process forked that holds these two descriptors.  Raises SandboxError."""
        if self._dead:
            raise SandboxError(f"strategies' host is gone: {self._said}")
        frame = bytearray()
        put_frame(frame, encode(Launch(number, order)))
        launched: asyncio.Future[HostProcess] = self._loop.create_future()
        self._launches[number] = launched
        try:
            if socket.send_fds(self._control, [frame], [channel, output]) < len(frame):
                raise BlockingIOError
            return await asyncio.wait_for(launched, _FORK_S)
        except (OSError, TimeoutError) as error:
            self._die("it does not answer")
            raise SandboxError(
                "strategies' host does not answer; the next launch starts another one"
            ) from error
        finally:
            self._launches.pop(number, None)

    def _hear(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _READ_BYTES, 64)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self._descriptors += descriptors
        if not data:
            self._die("it ended")
            return
        for frame in self._reader.feed(data):
            self._take(decode_from_host(frame))

    def _take(self, message: FromHost) -> None:
        if isinstance(message, Exited):
            self._processes.pop(message.number).gone(message.status)
        elif isinstance(message, HostReady):
            descriptor, self.pid = self._described(self._process.pid)
            if descriptor >= 0:
                os.close(descriptor)
            if not self._ready.done():
                self._ready.set_result(message)
        else:
            self._launched(message)

    def _launched(self, message: Launched) -> None:
        waiting = self._launches.get(message.number)
        if message.error:
            if waiting is not None and not waiting.done():
                waiting.set_exception(SandboxError(message.error))
            return
        descriptor, pid = self._described(message.pid)
        process = self._processes[message.number] = HostProcess(pid, descriptor)
        if waiting is None or waiting.done():
            process.kill()  # nobody waits for it any more
        else:
            waiting.set_result(process)

    def _described(self, pid: int) -> tuple[int, int]:
        """The next process descriptor that came in, and its process as this machine counts, -1 where that is gone.

        Where there are no such descriptors -1, and `pid`: there are no namespaces either.
        """
        if not hasattr(os, "pidfd_open"):
            return -1, pid
        descriptor = self._descriptors.pop(0)
        found = re.search(
            r"^Pid:\s+(-?\d+)", Path(f"/proc/self/fdinfo/{descriptor}").read_text(), re.MULTILINE
        )
        return descriptor, int(found[1]) if found else pid

    def _listen(self) -> None:
        """Keep the last of what the host (or bubblewrap) says on its way down."""
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._output)
        self._said = (self._said + data.decode("utf-8", "replace"))[-_MOST_SAID:]

    def _die(self, why: str) -> None:
        if self._dead:
            return
        self._end()
        said = " ".join(self._said.split())[-500:]
        problem = f"strategies' host is gone: {why}{': ' if said else ''}{said}"
        _log.error("%s", problem)
        if not self._ready.done():
            self._ready.set_exception(SandboxError(problem))
        for launched in self._launches.values():
            if not launched.done():
                launched.set_exception(SandboxError(problem))
        for process in self._processes.values():
            process.gone(None)
        self._on_death(problem)

    def _end(self, grace_s: float = 0.0) -> None:
        self._dead = True
        self._loop.remove_reader(self._control)
        self._control.close()  # which ends a host that lives
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listen()
        self._loop.remove_reader(self._output)
        assert self._process.stderr is not None
        self._process.stderr.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def close(self) -> None:
        """Kill it and with it all its processes."""
        if not self._dead:
            self._end(_CLOSE_S)
            for process in self._processes.values():
                process.gone(None)
