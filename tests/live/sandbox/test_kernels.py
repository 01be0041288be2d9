"""Compiled strategies: compiled once, started quickly ever after, without the compiler's memory."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from live.messages import Ready
from live.sandbox import ExitReason, Level, Sandbox, SandboxSettings
from live.sandbox.kernel_store import MOST_BYTES, KernelStore
from tests.live.sandbox.harness import Heard, is_alive, launched, price, wait_until

SOURCE = (Path(__file__).parents[3] / "strategies" / "sma_cross.py").read_text()
SETTINGS = SandboxSettings(minimum=Level.RLIMITS, hard_s=30.0)


async def started(sandbox: Sandbox) -> tuple[float, Heard]:
    """Seconds from launch to the answer to a first price."""
    began = time.perf_counter()
    heard = await launched(sandbox, SOURCE, fast=2, slow=3)
    await heard.ready()
    await heard.ask()
    return time.perf_counter() - began, heard


def test_the_second_start_compiles_nothing_and_neither_does_another_engines(tmp_path: Path) -> None:
    settings = SandboxSettings(minimum=Level.RLIMITS, hard_s=30.0, kernels=tmp_path / "kernels")

    async def play() -> tuple[float, float, float, float]:
        async with Sandbox(settings) as sandbox:
            cold, first = await started(sandbox)
            warm, second = await started(sandbox)
            # What it holds for itself is small, even in the process of the strategy that had to be compiled.
            for heard in (first, second):
                usage = heard.worker.usage()
                assert usage is not None
                assert usage.added < 16 << 20
            cpu = [usage.cpu_s for heard in (first, second) if (usage := heard.worker.usage()) is not None]
        async with Sandbox(settings) as sandbox:
            later, third = await started(sandbox)
            usage = third.worker.usage()
            assert usage is not None
        return cold, warm, later, max(*cpu, usage.cpu_s)

    cold, warm, later, cpu_s = asyncio.run(play())
    assert warm < cold / 3
    assert later < cold / 3
    assert cpu_s < 0.5
    (file,) = (tmp_path / "kernels").iterdir()
    assert file.parent.stat().st_mode & 0o077 == 0


def test_kernels_that_were_spoilt_are_compiled_again(tmp_path: Path) -> None:
    settings = SandboxSettings(minimum=Level.RLIMITS, hard_s=30.0, kernels=tmp_path)

    async def play() -> None:
        async with Sandbox(settings) as sandbox:
            _, heard = await started(sandbox)
            assert (await heard.worker.stop(5.0)).reason is ExitReason.FINISHED
        (file,) = tmp_path.iterdir()
        spoilt = bytearray(file.read_bytes())
        spoilt[100] ^= 1
        file.write_bytes(spoilt)
        async with Sandbox(settings) as sandbox:
            _, heard = await started(sandbox)
            assert (await heard.worker.stop(5.0)).reason is ExitReason.FINISHED

    asyncio.run(play())


def test_the_store_keeps_sources_apart_and_its_size_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = KernelStore(tmp_path / "kernels")
    store.keep("a", b"1")
    store.keep("a", b"2")
    store.keep("b", b"3")
    for _ in range(40):
        store.keep("c", bytes(1_000_000))
    again = KernelStore(tmp_path / "kernels")
    assert (again.of("a"), again.of("b"), again.of("d")) == ([b"1", b"2"], [b"3"], [])
    assert sum(map(len, again.of("c"))) == MOST_BYTES // 1_000_000 * 1_000_000
    for file in (tmp_path / "kernels").iterdir():
        file.write_bytes(b"\xff" * 40)
    assert KernelStore(tmp_path / "kernels").of("a") == []
    assert "kernels are compiled anew: a frame of 4,294,967,295 bytes" in caplog.text


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = KernelStore(tmp_path / "file" / "kernels")
    store.keep("a", b"1")
    assert store.of("a") == [b"1"]
    assert "a kernel is not kept: " in caplog.text


def test_what_was_sent_before_the_second_process_is_answered_by_it() -> None:
    async def play() -> None:
        async with Sandbox(SETTINGS) as sandbox:
            heard = await launched(sandbox, SOURCE, fast=2, slow=3)
            first = heard.worker.pid
            for number in range(5):
                heard.send(price=price(number))
            end = await heard.worker.stop(60.0)
            assert [a.sequence for a in heard.answers] == [1, 2, 3, 4, 5]
            assert (end.reason, len(heard.of(Ready)), len(heard.exits)) == (ExitReason.FINISHED, 1, 1)
            assert heard.worker.pid != first

    asyncio.run(play())


def test_a_strategy_that_is_killed_between_its_two_processes_stays_dead() -> None:
    async def play() -> None:
        async with Sandbox(SETTINGS) as sandbox:
            heard = await launched(sandbox, SOURCE, fast=2, slow=3)
            first = heard.worker.pid
            await asyncio.to_thread(wait_until, lambda: not is_alive(first))
            heard.worker.kill("no longer wanted")
            end = await heard.exit()
            assert (end.reason, end.detail) == (ExitReason.KILLED, "no longer wanted")
            assert not heard.answers

    asyncio.run(play())
