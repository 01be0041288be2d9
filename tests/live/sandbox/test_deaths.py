"""The host dies, the engine dies: nothing stays behind, and what can go on goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from live.sandbox import ExitReason, Level, Sandbox, SandboxSettings
from tests.live.sandbox.conftest import need
from tests.live.sandbox.harness import children_of, is_alive, running, script, wait_until

LEVELS = [Level.BUBBLEWRAP, Level.FILTERED, Level.RLIMITS]
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=LEVELS, ids=lambda level: level.name.lower())
def settings(request: pytest.FixtureRequest) -> SandboxSettings:
    need(request.param)
    return SandboxSettings(strongest=request.param, minimum=request.param, hard_s=30.0)


def test_when_the_host_dies_its_strategies_go_and_the_next_launch_has_another(
    settings: SandboxSettings,
) -> None:
    async def play() -> None:
        async with Sandbox(settings) as sandbox:
            first = sandbox.status().host_pid
            idle = await running(sandbox, script(), "idle")
            busy = await running(sandbox, script("while True: pass"), "busy")
            busy.send(price=None)
            os.kill(first, signal.SIGKILL)
            assert [(await heard.exit()).reason for heard in (idle, busy)] == [ExitReason.HOST_DIED] * 2
            await asyncio.to_thread(
                wait_until, lambda: not is_alive(idle.worker.pid) and not is_alive(busy.worker.pid)
            )
            again = await running(sandbox, script(), "idle")
            assert len(await again.ask(2)) == 2
            assert (sandbox.status().host_restarts, sandbox.level) == (1, settings.minimum)
            assert sandbox.status().host_pid not in (0, first)

    asyncio.run(play())


def test_a_host_that_is_stopped_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.sandbox.host_link._FORK_S", 0.5)

    async def play() -> None:
        async with Sandbox(SandboxSettings(minimum=Level.RLIMITS)) as sandbox:
            os.kill(sandbox.status().host_pid, signal.SIGSTOP)
            with pytest.raises(Exception, match="does not answer; the next launch starts another one"):
                await running(sandbox, script())
            assert len(await (await running(sandbox, script())).ask()) == 1

    asyncio.run(play())


ENGINE = """
import asyncio, sys
from live.sandbox import Level, Sandbox, SandboxSettings
from tests.live.sandbox.harness import children_of, price, running, script
async def main():
    level = Level[sys.argv[1]]
    async with Sandbox(SandboxSettings(strongest=level, minimum=level, hard_s=60.0, memory_mb=128)) as sandbox:
        workers = [await running(sandbox, script(code), code) for code in (
            "return []", "while True: pass", "time.sleep(600)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        )]
        for worker in workers:
            worker.send(price=price())
        await asyncio.sleep(0.3)
        print(sandbox.status().host_pid, *(worker.worker.pid for worker in workers), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_when_the_engine_dies_no_process_stays(settings: SandboxSettings, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, settings.minimum.name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        pids = [int(word) for word in engine.stdout.readline().split()]
        pids += [pid for pid in children_of(engine.pid) if pid not in pids]
        assert len(pids) >= 5
        assert all(is_alive(pid) for pid in pids)
        engine.send_signal(how)
        began = time.monotonic()
        engine.wait()
        with suppress(AssertionError):
            wait_until(lambda: not any(is_alive(pid) for pid in pids), 5.0)
        assert [pid for pid in pids if is_alive(pid)] == []
        assert time.monotonic() - began < 2.0


def test_closing_leaves_nothing(settings: SandboxSettings) -> None:
    async def play() -> None:
        before = set(children_of(os.getpid()))
        async with Sandbox(settings) as sandbox:
            heard = [await running(sandbox, script("while True: pass"), str(number)) for number in range(3)]
            for one in heard:
                one.send(price=None)
            assert len(set(children_of(os.getpid())) - before) >= 4
        assert [one.exits[0].reason for one in heard] == [ExitReason.KILLED] * 3
        assert [one.exits[0].detail for one in heard] == ["the sandbox was closed"] * 3
        await asyncio.to_thread(wait_until, lambda: not set(children_of(os.getpid())) - before)

    asyncio.run(play())


def test_starting_and_closing_keeps_no_descriptor_open() -> None:
    async def play() -> int:
        async with Sandbox(SandboxSettings(minimum=Level.RLIMITS)) as sandbox:
            for _ in range(5):
                heard = await running(sandbox, script())
                heard.worker.kill()
                await heard.exit()
        return len(os.listdir("/proc/self/fd"))

    assert asyncio.run(play()) == asyncio.run(play())
