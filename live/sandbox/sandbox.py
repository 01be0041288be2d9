"""`Sandbox`: where the engine launches strategies."""

from __future__ import annotations

from typing import Self

from live.messages import Hello
from live.sandbox.contract import Level, OnAlarm, OnExit, OnMessages, SandboxSettings, SandboxStatus
from live.sandbox.worker import Worker

__all__ = ["Sandbox"]


class Sandbox:
    """Launches strategies as `settings` say; also an async context manager.  One event loop owns it."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()

    async def start(self) -> None:
        """Find out which layers hold here, and make ready.

        Raises SandboxError where they come to less than `settings.minimum`: what is missing, and how to mend it.
        """
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def level(self) -> Level:
        """What is in force since `start`."""
        raise NotImplementedError

    async def launch(
        self, hello: Hello, on_messages: OnMessages, on_exit: OnExit, on_alarm: OnAlarm
    ) -> Worker:
        """A process for `hello`, which it has been sent; Ready, or Raised and an exit, comes as a message.

        Raises SandboxError where no process can be made.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Kill all that runs and wait until it is gone."""
        raise NotImplementedError

    def status(self) -> SandboxStatus:
        """The level in force and every process; reads /proc, so ask it at human pace."""
        raise NotImplementedError
