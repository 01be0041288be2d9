"""Strategies in containers: the same conversation, the same refusals, and nothing that stays behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.sandbox import ExitReason, Isolation, Layer, Level, Sandbox, SandboxSettings
from tests.live.sandbox.conftest import Run
from tests.live.sandbox.harness import is_alive, running, script, wait_until
from workbench.errors import SandboxError

pytestmark = pytest.mark.may_skip("docker and podman are large, and no part of what everybody needs")

ROOT = Path(__file__).parents[3]
INSTALL = "neither docker nor podman works here: apt-get install podman crun"
# Without a cgroup2 of its own, as inside another container, podman runs in a mount namespace that has one.
IN_A_NAMESPACE = """#!/bin/sh
[ -n "$IN_A_NAMESPACE" ] || IN_A_NAMESPACE=1 exec unshare --mount "$0" "$@"
mount --make-rprivate / && umount /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
exec podman --cgroup-manager cgroupfs "$@"
"""


def settings(program: str, options: tuple[str, ...], **changes: object) -> SandboxSettings:
    parts = {
        "isolation": Isolation.CONTAINER,
        "minimum": Level.CONTAINER,
        "container_program": program,
        "container_options": options,
        "owner": f"workbench-test-{os.getpid()}",
        "hard_s": 3.0,
        "memory_mb": 128,
    }
    return SandboxSettings(**{**parts, **changes})  # type: ignore[arg-type]  # as SandboxSettings has them


@pytest.fixture(scope="module")
def how(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, tuple[str, ...]]:
    """A program that runs containers here, and the options that it needs; skips where there is none."""
    wrapper = tmp_path_factory.mktemp("podman") / "podman"
    wrapper.write_text(IN_A_NAMESPACE)
    wrapper.chmod(0o755)
    ways: list[tuple[str, tuple[str, ...]]] = [
        (program, ()) for program in ("docker", "podman") if shutil.which(program)
    ]
    if shutil.which("podman") and os.geteuid() == 0:
        ways.append((str(wrapper), ("--cgroups=disabled",)))
    for program, options in ways:
        try:
            asyncio.run(_tried(settings(program, options)))
        except SandboxError:
            continue
        return program, options
    pytest.skip(INSTALL)


async def _tried(wanted: SandboxSettings) -> None:
    async with Sandbox(wanted) as sandbox:
        heard = await running(sandbox, script())
        heard.worker.kill()
        await heard.exit()


@pytest.fixture(scope="module")
def sandbox(how: tuple[str, tuple[str, ...]], run: Run) -> Iterator[Sandbox]:
    made = Sandbox(settings(*how))
    run(made.start())
    yield made
    run(made.close())


def names(how: tuple[str, tuple[str, ...]]) -> list[str]:
    """Containers of this test."""
    listed = subprocess.run(
        [
            how[0],
            "ps",
            "-a",
            "--filter",
            f"label=workbench.owner=workbench-test-{os.getpid()}",
            "--format",
            "{{.Names}}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split()


def test_it_answers_and_leaves(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        assert sandbox.level is Level.CONTAINER
        assert sandbox.status().layers == {layer: layer is not Layer.BUBBLEWRAP for layer in Layer}
        heard = await running(sandbox, script("print('hello'); return [MarketSignal(u.symbol, None, 0.5)]"))
        answers = await heard.ask(100)
        assert [answer.signals[0].signal_strength for answer in answers] == [0.5] * 100
        usage = heard.worker.usage()
        assert usage is not None
        assert usage.resident > 10 << 20
        end = await heard.worker.stop(10.0)
        assert (end.reason, end.code) == (ExitReason.FINISHED, 0)
        assert not is_alive(heard.worker.pid)

    run(play())


REFUSED = {
    "a socket": "socket.socket()",
    "/etc/passwd": "open('/etc/passwd')",
    "the home folder": f"os.listdir({str(Path.home())!r})",
    "a new file": "open('/tmp/new', 'w')",
    "a fork": "os.fork()",
    "a thread": "threading.Thread(target=int).start()",
    "killing the first process": "os.kill(os.getppid(), 9)",
    "the environment": "os.environ['PATH']",
}


def test_what_the_sandbox_forbids_is_forbidden_here_too(run: Run, sandbox: Sandbox) -> None:
    tries = "\n".join(
        f"try: {code}; print('succeeded:', {name!r})\nexcept (OSError, RuntimeError, KeyError): pass"
        for name, code in REFUSED.items()
    )

    async def play() -> None:
        heard = await running(sandbox, script(f"{tries}\nprint('tried'); return []"))
        await heard.ask()
        assert heard.lines == ["tried"]
        heard.worker.kill()
        assert (await heard.exit()).reason is ExitReason.KILLED

    run(play())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ctypes.string_at(0)", ExitReason.CRASHED),
        ("while True: pass", ExitReason.DEADLINE),
        ("bytearray(1 << 30)", ExitReason.MEMORY_LIMIT),
        ("os.write(4, b'\\xff' * 100)", ExitReason.PROTOCOL),
    ],
)
def test_it_ends_as_a_process_does(run: Run, sandbox: Sandbox, code: str, reason: ExitReason) -> None:
    async def play() -> None:
        heard = await running(sandbox, script(code))
        await heard.ask()
        assert (await heard.exit()).reason is reason
        await asyncio.to_thread(wait_until, lambda: not is_alive(heard.worker.pid))

    run(play())


ENGINE = """
import asyncio, sys
from live.sandbox import Sandbox
from tests.live.sandbox.harness import price, running, script
from tests.live.sandbox.test_container import settings
async def main():
    async with Sandbox(settings(sys.argv[1], tuple(sys.argv[3:]), owner=sys.argv[2], hard_s=600.0)) as sandbox:
        idle = await running(sandbox, script(), "idle")
        busy = await running(sandbox, script("while True: pass"), "busy")
        busy.send(price=price())
        await asyncio.sleep(0.3)
        print(idle.worker.pid, busy.worker.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.slow
def test_what_a_killed_engine_leaves_is_gone_by_itself_or_with_the_next_engine(
    run: Run, how: tuple[str, tuple[str, ...]]
) -> None:
    program, options = how
    command = [sys.executable, "-c", ENGINE, program, f"workbench-test-{os.getpid()}", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        idle, busy = (int(word) for word in engine.stdout.readline().split())
        engine.send_signal(signal.SIGKILL)
        engine.wait()
    wait_until(lambda: not is_alive(idle))  # it heard that its input had ended
    assert is_alive(busy)
    began = time.monotonic()
    run(_tried(settings(*how)))
    assert not is_alive(busy)
    assert names(how) == []
    assert time.monotonic() - began < 60.0


def test_a_machine_without_containers_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        SandboxError, match=r"neither docker nor podman on PATH; install one \(on Debian: apt-get"
    ):
        asyncio.run(_tried(settings("", ())))
