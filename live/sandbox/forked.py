"""Isolation `sandbox`: processes forked from a warm host, inside bubblewrap where it can run."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

import msgspec

from live.sandbox.bubblewrap import why_no_bubblewrap
from live.sandbox.confine import Confinement
from live.sandbox.contract import Layer, Level, SandboxSettings
from live.sandbox.host_link import HostLink, HostProcess
from live.sandbox.interpreter import readable_paths
from workbench.errors import SandboxError

__all__ = ["ForkedLauncher", "confinement_of", "level_of"]

_MEGABYTE: Final = 1 << 20
_INSIDE: Final = frozenset({Layer.ENVIRONMENT, Layer.RLIMITS, Layer.LANDLOCK, Layer.SECCOMP})
_log = logging.getLogger(__name__)


def confinement_of(settings: SandboxSettings) -> Confinement:
    """What a process puts on itself."""
    layers = _INSIDE - settings.without
    if settings.strongest < Level.FILTERED:
        layers -= {Layer.LANDLOCK, Layer.SECCOMP}
    if settings.strongest < Level.RLIMITS:
        layers = frozenset()
    return Confinement(
        memory_bytes=settings.memory_mb * _MEGABYTE,
        cpu_s=settings.cpu_s,
        layers=layers,
        readable=(*readable_paths(), "/proc/cpuinfo"),  # what the compiler asks
        log_lines_s=settings.log_lines_s,
    )


def level_of(layers: frozenset[Layer]) -> Level:
    """What layers come to, none of them counted that lacks what it stands on."""
    if not {Layer.RLIMITS, Layer.ENVIRONMENT} <= layers:
        return Level.NONE
    if {Layer.BUBBLEWRAP, Layer.SECCOMP} <= layers:
        return Level.BUBBLEWRAP
    if {Layer.LANDLOCK, Layer.SECCOMP} <= layers:
        return Level.FILTERED
    return Level.RLIMITS


class ForkedLauncher:
    """One host at a time: another is started by the launch that finds the last one dead."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._order = confinement_of(settings)
        self._link: HostLink | None = None
        self._starting = asyncio.Lock()
        self.level = Level.NONE
        self.layers: frozenset[Layer] = frozenset()
        self.missing: tuple[str, ...] = ()
        self.host_pid = 0
        self.host_restarts = 0

    async def start(self) -> None:
        missing = [f"{layer}: left out by the settings" for layer in sorted(self._settings.without)]
        inside = (
            self._settings.strongest >= Level.BUBBLEWRAP and Layer.BUBBLEWRAP not in self._settings.without
        )
        if inside:
            why = await asyncio.to_thread(why_no_bubblewrap)
            if why:
                missing.append(why)
                inside = False
        wanted = confinement_of(self._settings)
        link = HostLink(wanted, inside_bubblewrap=inside, on_death=self._died)
        await link.start()
        holding = {layer for layer, why in link.layers.items() if not why}
        missing += [why for why in link.layers.values() if why]
        if inside:
            holding.add(Layer.BUBBLEWRAP)
        self._order = msgspec.structs.replace(wanted, layers=frozenset(holding) & _INSIDE)
        self._link, self.host_pid = link, link.pid
        self.layers, self.missing = frozenset(holding), tuple(missing)
        self.level = level_of(self.layers)
        _log.debug(
            "strategies are isolated at level %s by %s", self.level.name.lower(), ", ".join(sorted(holding))
        )
        for line in missing:
            _log.warning("strategies are less isolated than they could be: %s", line)

    def _died(self, problem: str) -> None:
        self._link, self.host_pid = None, 0
        _log.error("%s; its strategies are gone, the next launch starts another", problem)

    async def launch(self, number: int, name: str, channel: socket.socket, output: int) -> HostProcess:
        async with self._starting:
            if self._link is None:
                self.host_restarts += 1
                await self.start()
        if self._link is None:
            raise SandboxError(f"{name}: strategies' host died as soon as it was started")
        return await self._link.launch(number, self._order, channel.fileno(), output)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link, self.host_pid = None, 0
