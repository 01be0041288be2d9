"""What each layer keeps out: an attack fails with any one of its layers on, and succeeds once all of them are off."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from live.sandbox import AlarmKind, Layer, Level, SandboxSettings
from live.sandbox.bubblewrap import why_no_bubblewrap
from tests.live.sandbox.conftest import Run, Shared, need
from tests.live.sandbox.harness import Heard, running, script

BUBBLEWRAP, LANDLOCK, SECCOMP = Layer.BUBBLEWRAP, Layer.LANDLOCK, Layer.SECCOMP
RLIMITS, ENVIRONMENT = Layer.RLIMITS, Layer.ENVIRONMENT
ALL = frozenset(Layer)
# What comes with seccomp takes root's powers away; another user has none to begin with.
POWERLESS = (SECCOMP,) if os.geteuid() == 0 else ()
# How many processes a user has is limited for all but root.
COUNTED = () if os.geteuid() == 0 else (RLIMITS,)
OURS = "workbench-test-secret"


class Attack(NamedTuple):
    """code: raises where it is kept out.  stopped_by: each of these by itself.  noted: the audit event of it."""

    code: str
    stopped_by: frozenset[Layer]
    noted: str = ""


def attack(code: str, *stopped_by: Layer, noted: str = "") -> Attack:
    return Attack(code, frozenset(stopped_by), noted)


ATTACKS = {
    "a socket": attack("socket.socket()", SECCOMP, noted="socket.__new__"),
    "the engine's port": attack(
        "socket.create_connection(('127.0.0.1', {port}), 2)",
        BUBBLEWRAP,
        LANDLOCK,
        SECCOMP,
        noted="socket.__new__",
    ),
    "an abstract socket": attack(
        "socket.socket(socket.AF_UNIX).connect(chr(0) + '{abstract}')", BUBBLEWRAP, LANDLOCK, SECCOMP
    ),
    "/etc/passwd": attack("open('/etc/passwd').read()", BUBBLEWRAP, LANDLOCK, noted="open"),
    "a secret file": attack("open('{secret}').read()", BUBBLEWRAP, LANDLOCK, noted="open"),
    "the home folder": attack(
        "assert len(os.listdir('{home}')) == {things}", BUBBLEWRAP, LANDLOCK, noted="os.listdir"
    ),
    "the engine's environment": attack(
        "open('/proc/{engine}/environ', 'rb').read()", BUBBLEWRAP, LANDLOCK, *POWERLESS
    ),
    "its own environment": attack(f"os.environ['{OURS}']", ENVIRONMENT),
    "what it was started with": attack(
        f"assert b'{OURS}' in open('/proc/self/environ', 'rb').read()", ENVIRONMENT, LANDLOCK
    ),
    "a new file": attack(
        "print(open('{folder}/new', 'w').write('x' * 9999), file=open('{folder}/newer', 'w'))",
        BUBBLEWRAP,
        LANDLOCK,
        RLIMITS,
        noted="open",
    ),
    "killing a neighbour": attack("os.kill({victim}, 0)", BUBBLEWRAP, LANDLOCK, SECCOMP, noted="os.kill"),
    "tracing a neighbour": attack(
        "assert ctypes.CDLL(None).ptrace(16, {victim}, 0, 0) == 0", BUBBLEWRAP, LANDLOCK, SECCOMP
    ),
    "the host's memory": attack("open('/proc/' + str(os.getppid()) + '/mem', 'rb')", LANDLOCK),
    "stopping the host": attack("os.kill(os.getppid(), 0)", LANDLOCK, SECCOMP, noted="os.kill"),
    "a fork": attack("if os.fork() == 0: os._exit(0)", SECCOMP, *COUNTED, noted="os.fork"),
    "a thread": attack(
        "threading.Thread(target=int).start()", SECCOMP, *COUNTED, noted="_thread.start_joinable_thread"
    ),
    "more memory": attack("bytearray(1 << 28)", RLIMITS),
    "more for itself": attack(
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))",
        SECCOMP,
        noted="resource.setrlimit",
    ),
    "another clock": attack("signal.setitimer(signal.ITIMER_REAL, 1000)", SECCOMP),
    "no word about its CPU time": attack("signal.signal(signal.SIGXCPU, signal.SIG_IGN)", SECCOMP),
    "a namespace": attack("assert ctypes.CDLL(None).unshare(0x10000000) == 0", BUBBLEWRAP, SECCOMP),
}
ONE_BY_ONE = [(name, layer) for name, found in ATTACKS.items() for layer in sorted(found.stopped_by)]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """What the attacks are aimed at: a secret, a port, a neighbour."""
    folder = tmp_path_factory.mktemp("engine")
    secret = folder / "token"
    secret.write_text("hunter2")
    abstract = f"workbench-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as listener,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as victim,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv(OURS, "hunter2")
        listener.bind(f"\0{abstract}")
        listener.listen()
        yield {
            "secret": secret,
            "folder": folder,
            "home": Path.home(),
            "things": len(os.listdir(Path.home())),
            "port": server.getsockname()[1],
            "abstract": abstract,
            "engine": os.getpid(),
            "victim": victim.pid,
        }
        victim.kill()


def settings(off: frozenset[Layer]) -> SandboxSettings:
    if BUBBLEWRAP not in off and why_no_bubblewrap():
        pytest.skip(why_no_bubblewrap())
    need(Level.NONE if LANDLOCK in off else Level.FILTERED)
    return SandboxSettings(minimum=Level.NONE, without=off, memory_mb=128, hard_s=10.0)


def attacked(run: Run, shared: Shared, off: frozenset[Layer], code: str) -> Heard:
    async def play() -> Heard:
        heard = await running(sandbox, script(f"{code}\nprint('succeeded')\nreturn []"))
        await heard.ask()
        heard.worker.kill()
        await heard.exit()
        return heard

    sandbox = shared(settings(off))
    heard: Heard = run(play())
    return heard


@pytest.mark.parametrize(("name", "layer"), ONE_BY_ONE, ids=[f"{n} by {layer}" for n, layer in ONE_BY_ONE])
def test_each_layer_by_itself_keeps_out_what_it_should(
    run: Run, shared: Shared, places: dict[str, object], name: str, layer: Layer
) -> None:
    heard = attacked(run, shared, ALL - {layer}, ATTACKS[name].code.format(**places))
    assert heard.raised
    assert "succeeded" not in heard.lines


@pytest.mark.parametrize("name", ATTACKS)
def test_without_its_layers_the_attack_succeeds(
    run: Run, shared: Shared, places: dict[str, object], name: str
) -> None:
    heard = attacked(run, shared, ATTACKS[name].stopped_by, ATTACKS[name].code.format(**places))
    assert not heard.raised
    assert "succeeded" in heard.lines


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("off", [frozenset(), frozenset({BUBBLEWRAP})], ids=["bubblewrap", "filtered"])
def test_both_levels_keep_out_everything_and_tell_of_the_attempt(
    run: Run, shared: Shared, places: dict[str, object], name: str, off: frozenset[Layer]
) -> None:
    heard = attacked(run, shared, off, ATTACKS[name].code.format(**places))
    assert heard.raised
    assert "succeeded" not in heard.lines
    told = [alarm.text.partition(" ")[0] for alarm in heard.alarms_of(AlarmKind.REFUSED)]
    assert ATTACKS[name].noted in ("", *told)
