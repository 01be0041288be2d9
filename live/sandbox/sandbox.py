"""`Sandbox`: where the engine launches strategies."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Self

from live.messages import Hello
from live.sandbox.channel import Channel
from live.sandbox.contract import (
    Layer,
    Level,
    OnAlarm,
    OnExit,
    OnMessages,
    SandboxSettings,
    SandboxStatus,
    WorkerExit,
)
from live.sandbox.kernel_store import KernelStore
from live.sandbox.launchers import Launcher, launcher_for
from live.sandbox.output import Output
from live.sandbox.worker import Worker
from workbench.errors import SandboxError

__all__ = ["Sandbox"]


class Sandbox:
    """Launches strategies as `settings` say; also an async context manager.  One event loop owns it.

    Start it from a thread that lives as long as the engine does: all processes end with it.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self._kernels = KernelStore(self.settings.kernels)
        self._launcher: Launcher | None = None
        self._workers: set[Worker] = set()
        self._numbers = 0
        self._watching: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Find out which layers hold here, and make ready.

        Raises SandboxError where they come to less than `settings.minimum`: what is missing, and how to mend it.
        """
        launcher = launcher_for(self.settings)
        try:
            await launcher.start()
            self._check(launcher)
        except BaseException:
            launcher.close()
            raise
        self._launcher = launcher
        self._watch()

    def _check(self, launcher: Launcher) -> None:
        minimum = self.settings.minimum
        if launcher.level < minimum:
            why = "; ".join(launcher.missing) or f"isolation '{self.settings.isolation}' gives no more"
            raise SandboxError(
                f"strategies must be isolated at level '{minimum.name.lower()}' at least, and only "
                f"'{launcher.level.name.lower()}' holds here: {why}. Mend that, or allow a weaker level."
            )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def level(self) -> Level:
        """What is in force since `start`."""
        return self._started().level

    def _started(self) -> Launcher:
        if self._launcher is None:
            raise SandboxError("the sandbox is not started: `await sandbox.start()` comes first")
        return self._launcher

    async def launch(
        self, hello: Hello, on_messages: OnMessages, on_exit: OnExit, on_alarm: OnAlarm
    ) -> Worker:
        """A process for `hello`, which it has been sent; Ready, or Raised and an exit, comes as a message.

        Raises SandboxError where no process can be made.
        """

        def gone(worker: Worker, end: WorkerExit) -> None:
            self._workers.discard(worker)
            on_exit(worker, end)

        callbacks = (on_messages, gone, on_alarm)
        worker = Worker(hello, self.level, self.settings, self._kernels, callbacks, self._connect)
        await self._connect(worker)
        return worker

    async def _connect(self, worker: Worker) -> None:
        """Give `worker` a process.  Raises SandboxError."""
        launcher = self._started()
        self._numbers += 1
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        try:
            process = await launcher.launch(self._numbers, worker.strategy_id, theirs, writing)
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        finally:
            theirs.close()
            os.close(writing)
        self._workers.add(worker)
        channel = Channel(ours, self.settings.backlog_bytes, worker.take_frames, worker.channel_ended)
        worker.begin(process, channel, Output(reading, worker.take_line))
        worker.level = launcher.level
        if launcher.level < self.settings.minimum:  # another host may have come to less than the first
            worker.kill()
            self._check(launcher)

    def _watch(self) -> None:
        for worker in list(self._workers):
            worker.watch()
        pause = min(max(self.settings.hard_s / 5, 0.01), 0.2)
        self._watching = asyncio.get_running_loop().call_later(pause, self._watch)

    async def close(self) -> None:
        """Kill all that runs and wait until it is gone."""
        if self._watching is not None:
            self._watching.cancel()
        workers = list(self._workers)
        for worker in workers:
            worker.kill("the sandbox was closed")
        for worker in workers:
            await worker.wait()
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None

    def status(self) -> SandboxStatus:
        """The level in force and every process; reads /proc, so ask it at human pace."""
        launcher = self._started()
        return SandboxStatus(
            isolation=self.settings.isolation,
            level=launcher.level,
            minimum=self.settings.minimum,
            layers={layer: layer in launcher.layers for layer in Layer},
            missing=launcher.missing,
            host_pid=launcher.host_pid,
            host_restarts=launcher.host_restarts,
            workers=tuple(worker.status() for worker in self._workers),
        )
