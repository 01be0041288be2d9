"""Sandboxes that the tests of one file share, one for each way to set them up: a host takes a second to start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from live.sandbox import Level, Sandbox, SandboxSettings
from live.sandbox.bubblewrap import why_no_bubblewrap
from live.sandbox.landlock import landlock_version

type Run = Callable[[Coroutine[Any, Any, Any]], Any]
type Shared = Callable[[SandboxSettings], Sandbox]


@pytest.fixture(scope="module")
def _loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def run(_loop: asyncio.Runner) -> Run:
    """Run a coroutine in the event loop of this file's sandboxes."""
    return _loop.run


@pytest.fixture(scope="module")
def shared(_loop: asyncio.Runner) -> Iterator[Shared]:
    """A sandbox with these settings, started; the same one for the same settings."""
    started: dict[SandboxSettings, Sandbox] = {}

    def of(settings: SandboxSettings) -> Sandbox:
        if settings not in started:
            sandbox = Sandbox(settings)
            _loop.run(sandbox.start())
            started[settings] = sandbox
        return started[settings]

    yield of
    for sandbox in started.values():
        _loop.run(sandbox.close())


def need(level: Level) -> None:
    """Skip where this machine does not have what `level` stands on, and say how to get it."""
    if level >= Level.BUBBLEWRAP and why_no_bubblewrap():
        pytest.skip(why_no_bubblewrap())
    if level >= Level.FILTERED and not landlock_version():
        pytest.skip("Landlock: not in this kernel; Linux 5.13 has it")
