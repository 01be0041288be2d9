"""The host: one warm process, inside the sandbox, that has everything imported and forks a process for each strategy.

It runs no strategy's code itself. It has one thread, since a fork takes along no other.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
from typing import Final

from live.sandbox import process
from live.sandbox.confine import Confinement
from live.sandbox.frames import FrameReader, encode, put_frame
from live.sandbox.host_messages import Exited, HostReady, Launch, Launched, decode_to_host
from live.sandbox.linux import die_with_parent
from live.sandbox.proof import prove
from workbench.core.ledger import settle

__all__ = ["main", "warm"]

_MODULES: Final = (
    "workbench.strategy.compiled",
    "workbench.strategy.indicators",
    "workbench.chaos.misbehaving",
)
_READ_BYTES: Final = 1 << 16


def warm() -> None:
    """Import, and compile, what every strategy needs."""
    for name in _MODULES:
        importlib.import_module(name)
    settle(0.0, 0.0)  # a strategy that follows its position calls it at each fill


def main(control: socket.socket, parent: int, order: Confinement) -> None:
    """Serve the engine until it is gone.

    control: a stream socket.  parent: pid that this process's parent should have, 0 where it has another number here.
    order: how strategies will be confined; tried out once.
    """
    die_with_parent(parent)
    warm()
    gc.collect()
    gc.freeze()  # so that a collection in a child does not touch, and so copy, what it shares with this process
    host = _Host(control)
    host.tell(HostReady(prove(order)), os.getpid())
    host.serve()


class _Host:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pid = os.getpid()
        self._reader = FrameReader()
        self._descriptors: list[int] = []
        self._numbers: dict[int, int] = {}  # pid -> the engine's number
        self._wake_reading, self._wake_writing = os.pipe()
        for descriptor in (self._wake_reading, self._wake_writing):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it interrupts, and is written into the pipe
        signal.set_wakeup_fd(self._wake_writing, warn_on_full_buffer=False)

    def tell(self, message: HostReady | Launched | Exited, pid: int = 0) -> None:
        """Send a message, with a descriptor of the process `pid` where the system has such descriptors."""
        frame = bytearray()
        put_frame(frame, encode(message))
        if pid and hasattr(os, "pidfd_open"):
            descriptor = os.pidfd_open(pid)
            socket.send_fds(self._control, [frame], [descriptor])
            os.close(descriptor)
        else:
            self._control.sendall(frame)

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._control.fileno(), self._wake_reading], [], [])
            if self._wake_reading in ready:
                os.read(self._wake_reading, _READ_BYTES)
                self._reap()
            if self._control.fileno() in ready and not self._hear():
                return

    def _hear(self) -> bool:
        """Take in what the engine sent; False once it is gone."""
        data, descriptors, _, _ = socket.recv_fds(self._control, _READ_BYTES, 16)
        self._descriptors += descriptors
        for frame in self._reader.feed(data):
            self._launch(decode_to_host(frame))
        return bool(data)

    def _launch(self, launch: Launch) -> None:
        channel, output, *self._descriptors = self._descriptors
        try:
            pid = os.fork()
            if pid == 0:
                self._become(channel, output, launch.order)
        except OSError as error:
            self.tell(Launched(launch.number, 0, f"no process can be forked: {error}"))
            return
        finally:
            os.close(channel)
            os.close(output)
        self._numbers[pid] = launch.number
        self.tell(Launched(launch.number, pid), pid)

    def _become(self, channel: int, output: int, order: Confinement) -> None:
        """In the child: be a strategy's process, and never come back."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with_parent(self._pid)
            status = process.run(channel, channel, output, order)
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self.tell(Exited(self._numbers.pop(pid), status))
