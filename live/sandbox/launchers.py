"""The ways to get a process for a strategy, behind one small interface."""

from __future__ import annotations

import socket
from typing import Protocol

from live.sandbox.contract import Isolation, Layer, Level, SandboxSettings
from live.sandbox.worker import Process

__all__ = ["Launcher", "launcher_for"]


class Launcher(Protocol):
    """Makes processes.

    level, layers, missing: what is in force since `start`, and one line for each layer that is not.
    host_pid, host_restarts: of the process that others are forked from, 0 where there is none.
    """

    level: Level
    layers: frozenset[Layer]
    missing: tuple[str, ...]
    host_pid: int
    host_restarts: int

    async def start(self) -> None:
        """Raises SandboxError where it cannot work here at all."""

    async def launch(self, number: int, name: str, channel: socket.socket, output: int) -> Process:
        """A process that holds `channel` and writes what dies with it to the descriptor `output`.

        The caller closes both on its own side.  number: not used before.  name: of the strategy, for people.
        Raises SandboxError.
        """

    def close(self) -> None:
        """End what it has started itself."""


def launcher_for(settings: SandboxSettings) -> Launcher:
    """Each is imported where it is used: they need different things of a machine."""
    match settings.isolation:
        case Isolation.SANDBOX:
            from live.sandbox.forked import ForkedLauncher

            return ForkedLauncher(settings)
        case Isolation.CONTAINER:
            from live.sandbox.container import ContainerLauncher

            return ContainerLauncher(settings)
        case Isolation.THREAD:
            from live.sandbox.thread import ThreadLauncher

            return ThreadLauncher(settings)
