"""Misbehaving strategies, for real: each costs its own process at most, and its neighbour answers on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from live.sandbox import AlarmKind, ExitReason, Level, Sandbox, SandboxSettings, WorkerExit
from live.sandbox.bubblewrap import why_no_bubblewrap
from tests.live.sandbox.conftest import Run, Shared, need
from tests.live.sandbox.harness import Heard, launched, running, script

QUIET = script("return [MarketSignal(u.symbol, None, 0.5)]")
EVERY = [Level.BUBBLEWRAP, Level.FILTERED, Level.RLIMITS]
CONFINED = [Level.BUBBLEWRAP, Level.FILTERED]


def settings(level: Level, **changes: object) -> SandboxSettings:
    parts = {
        "strongest": level,
        "minimum": level,
        "hard_s": 1.5,
        "load_s": 20.0,
        "cpu_s": 60.0,
        "memory_mb": 128,
    }
    return SandboxSettings(**{**parts, **changes})  # type: ignore[arg-type]  # as SandboxSettings has them


@pytest.fixture(params=EVERY, ids=lambda level: level.name.lower())
def level(request: pytest.FixtureRequest) -> Level:
    need(request.param)
    found: Level = request.param
    return found


@pytest.fixture(params=CONFINED, ids=lambda level: level.name.lower())
def confined(request: pytest.FixtureRequest) -> Level:
    need(request.param)
    found: Level = request.param
    return found


@pytest.fixture
def sandbox(level: Level, shared: Shared) -> Sandbox:
    return shared(settings(level))


@pytest.fixture
def best(shared: Shared) -> Sandbox:
    """At the highest level that this machine has, for what the level has no part in."""
    return shared(settings(Level.RLIMITS if why_no_bubblewrap() else Level.BUBBLEWRAP))


@pytest.fixture
def impatient(shared: Shared) -> Sandbox:
    """Loading may take two seconds, an answer any time; CPU and memory are short."""
    level = Level.RLIMITS if why_no_bubblewrap() else Level.BUBBLEWRAP
    return shared(settings(level, load_s=2.0, cpu_s=1.0, hard_s=60.0, memory_mb=64))


@pytest.fixture
def tight(confined: Level, shared: Shared) -> Sandbox:
    return shared(settings(confined))


def end_of(run: Run, sandbox: Sandbox, source: str) -> tuple[WorkerExit, Heard]:
    """How a strategy ends that misbehaves at its first price; its neighbour is asked before and after."""

    async def play() -> tuple[WorkerExit, Heard]:
        neighbour = await running(sandbox, QUIET, "neighbour")
        bad = await running(sandbox, source)
        await neighbour.ask()
        await bad.ask()
        end = await bad.exit()
        assert bad.worker.exit == end
        await neighbour.ask(3)
        assert [answer.sequence for answer in neighbour.answers] == [1, 2, 3, 4]
        assert (await neighbour.worker.stop(5.0)).reason is ExitReason.FINISHED
        return end, bad

    found: tuple[WorkerExit, Heard] = run(play())
    return found


def survives(run: Run, sandbox: Sandbox, source: str) -> Heard:
    """A strategy that misbehaves at its first price, is refused, and lives on."""

    async def play() -> Heard:
        bad = await running(sandbox, source)
        await bad.ask(2)
        assert (await bad.worker.stop(5.0)).reason is ExitReason.FINISHED
        return bad

    found: Heard = run(play())
    return found


# -- 1: it raises ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ValueError('no\\n  price')", "ValueError: no price (script.py:10)"),
        ("sys.exit(3)", "SystemExit: 3 (script.py:10)"),
        ("return {'BTC-USD': 1}", "TypeError: expected a list of MarketSignal, found {'BTC-USD': 1}"),
        ("return [1]", "TypeError: expected a list of MarketSignal, found [1]"),
    ],
)
def test_an_error_is_told_and_answered(run: Run, best: Sandbox, code: str, error: str) -> None:
    bad = survives(run, best, script(code))
    assert [(e.sequence, e.call, e.error) for e in bad.raised] == [
        (1, "on_market_data", error),
        (2, "on_market_data", error),
    ]
    assert [(a.sequence, a.signals) for a in bad.answers] == [(1, []), (2, [])]


def test_an_error_that_raises_when_it_is_printed_is_told(run: Run, best: Sandbox) -> None:
    module = "class Odd(Exception):\n    def __str__(self):\n        raise ValueError"
    bad = survives(run, best, script("raise Odd", module=module))
    assert bad.raised[0].error == "Odd, which raised ValueError when it was printed"


def test_what_is_no_exception_ends_the_process(run: Run, best: Sandbox) -> None:
    end, _ = end_of(run, best, script("raise KeyboardInterrupt"))
    assert (end.reason, end.code, end.unanswered) == (ExitReason.LEFT, 1, (1,))
    assert "KeyboardInterrupt" in end.detail


# -- 2: it crashes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("ctypes.string_at(0)", signal.SIGSEGV),
        ("os.abort()", signal.SIGABRT),
        ("signal.raise_signal(signal.SIGILL)", signal.SIGILL),
    ],
)
def test_a_crash_is_its_own_and_says_where(run: Run, sandbox: Sandbox, code: str, number: int) -> None:
    end, bad = end_of(run, sandbox, script(code))
    assert (end.reason, end.signal, end.unanswered) == (ExitReason.CRASHED, number, (1,))
    assert "script.py" in end.detail
    assert any("line 10 in on_market_data" in line for line in bad.lines)


def test_leaving_by_itself_is_told_with_the_status(run: Run, best: Sandbox) -> None:
    end, _ = end_of(run, best, script("os._exit(0)"))
    assert (end.reason, end.code) == (ExitReason.LEFT, 0)


# -- 3: it does not come back ------------------------------------------------------------------------------------------

LOOPS = {
    "c": "sum(range(10**13))",
    "numpy": "import numpy as np; a = np.ones((1500, 1500))\nwhile True: a @ a",
    "sleep": "time.sleep(3600)",
    "lock": "threading.Semaphore(0).acquire()",
}


def killed_at_its_deadline(run: Run, sandbox: Sandbox, code: str) -> None:
    began = time.monotonic()
    end, _ = end_of(run, sandbox, script(code))
    assert (end.reason, end.signal, end.unanswered) == (ExitReason.DEADLINE, signal.SIGKILL, (1,))
    assert end.detail.startswith("no answer to delivery 1 after ")
    assert time.monotonic() - began < 1.0 + 4.0


def test_an_endless_loop_is_killed_at_its_deadline(run: Run, sandbox: Sandbox) -> None:
    killed_at_its_deadline(run, sandbox, "while True: pass")


@pytest.mark.parametrize("code", LOOPS.values(), ids=LOOPS.keys())
def test_whatever_never_answers_is_killed_at_its_deadline(run: Run, best: Sandbox, code: str) -> None:
    killed_at_its_deadline(run, best, code)


def test_loading_has_a_deadline_too(run: Run, impatient: Sandbox) -> None:
    async def play() -> WorkerExit:
        bad = await launched(impatient, script(module="import time\ntime.sleep(60)"))
        return await bad.exit()

    end = run(play())
    assert end.reason is ExitReason.DEADLINE
    assert end.detail.startswith("not ready after ")


def test_cpu_time_without_an_answer_is_limited(run: Run, impatient: Sandbox) -> None:
    end, _ = end_of(run, impatient, script("while True: pass"))
    assert (end.reason, end.signal) == (ExitReason.CPU_LIMIT, signal.SIGXCPU)


def test_cpu_time_is_renewed_by_answers(run: Run, impatient: Sandbox) -> None:
    busy = "end = time.process_time() + 0.35\nwhile time.process_time() < end: pass\nreturn []"

    async def play() -> None:
        worker = await running(impatient, script(busy))
        await worker.ask(8)
        usage = worker.worker.usage()
        assert usage is not None
        assert usage.cpu_s > 2.0
        assert len(worker.alarms_of(AlarmKind.LATE)) == worker.worker.late == 8
        await worker.worker.stop(5.0)

    run(play())


# -- 5: it talks nonsense ----------------------------------------------------------------------------------------------

TALK = """
import msgspec, struct
def send(data, size=None):
    os.write(4, struct.pack('<I', len(data) if size is None else size) + data)
def say(kind, **parts):
    send(msgspec.msgpack.encode({'type': kind, **parts}))
ready = dict(name='', version='', description='', parameters={}, sizing='order', unit=1.0, symbols=[])
start = b'\\x82\\xa4type\\xa6Answer\\xa7signals\\x91\\x82\\xa6symbol\\xa1x\\xa8metadata'
"""
NONSENSE = {
    "garbage": ("os.write(4, os.urandom(64) + b'\\xff' * 64)", "a frame of|no message"),
    "no message": ("send(b'\\xff' * 40)", "no message"),
    "oversized": ("send(b'', 1 << 30)", "a frame of 1,073,741,824 bytes"),
    "nested": ("send(b'\\x91' * 1_000_000)", "no message"),
    "nested in metadata": ("send(start + b'\\x81\\xa1a' * 300_000)", "no message"),
    "cut off": ("os.write(4, b'\\x09\\0\\0\\0abc'); os._exit(0)", "the last frame lacks bytes"),
    "answers what was not asked": ("say('Answer', sequence=7)", "answer to delivery 7, expected one to 1"),
    "answers twice": ("for _ in '12': say('Answer', sequence=1)", "answer to delivery 1, expected none"),
    "ready twice": ("say('Ready', **ready)", "it said Ready twice"),
    "errors": (
        "while True: say('Raised', sequence=1, call='', error='')",
        "an error in delivery 1 that is not due",
    ),
    "lines": ("while True: say('Logged', level='info', text='x' * 9000)", "log lines by the thousand"),
    "crumbs": (
        "send(b'', 900_000)\nwhile True: os.write(4, b'x'); time.sleep(0.0005)",
        "in more than 256 pieces",
    ),
    "begins again": ("say('Begun', address_space=0)", "it began twice"),
    "compiles for ever": ("while True: say('Kernel', data=bytes(1_000_000))", "more than 64 MB of compiled"),
    "closes its channel": ("os.close(3); os.close(4)", "it closed its channel and stayed"),
}


@pytest.mark.parametrize(("code", "problem"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_on_the_channel_ends_the_process_and_nothing_else(
    run: Run, best: Sandbox, code: str, problem: str
) -> None:
    end, _ = end_of(run, best, script(f"{code}\ntime.sleep(60)", module=TALK))
    assert end.reason is ExitReason.PROTOCOL
    assert any(words in end.detail for words in problem.split("|")), end.detail


def test_the_engines_socket_does_not_block_however_much_comes(run: Run, best: Sandbox) -> None:
    flood = "chunk = struct.pack('<I', 1 << 20) + bytes(1 << 20)\nwhile True: os.write(4, chunk)"
    end, _ = end_of(run, best, script(flood, module=TALK))
    assert end.reason is ExitReason.PROTOCOL


# -- 7: it wants memory ------------------------------------------------------------------------------------------------


def test_a_memory_bomb_is_an_error_and_the_end_of_its_process(run: Run, sandbox: Sandbox) -> None:
    end, bad = end_of(run, sandbox, script("x = bytearray(1 << 30); return [MarketSignal(u.symbol)]"))
    assert end.reason is ExitReason.MEMORY_LIMIT
    assert [e.call for e in bad.raised] == ["on_market_data"]
    assert bad.raised[0].error.startswith("MemoryError")
    assert [(a.sequence, a.signals) for a in bad.answers] == [(1, [])]


def test_a_slow_leak_is_told_before_it_ends_its_process(run: Run, impatient: Sandbox) -> None:
    leak = "kept.append(bytearray(2 << 20)); time.sleep(0.1); return []"

    async def play() -> tuple[WorkerExit, Heard]:
        bad = await running(impatient, script(leak, module="kept = []"))
        while not bad.exits:
            await bad.ask()
        return await bad.exit(), bad

    end, bad = run(play())
    assert end.reason is ExitReason.MEMORY_LIMIT
    (alarm,) = bad.alarms_of(AlarmKind.MEMORY)
    assert 0.8 * 64 * 2**20 < alarm.value <= 64 * 2**20 == alarm.limit


@pytest.mark.parametrize("limit", ["", "sys.setrecursionlimit(2**31 - 1)"])
def test_a_recursion_bomb_costs_its_own_process_at_most(run: Run, best: Sandbox, limit: str) -> None:
    module = f"{limit}\ndef deep(n): return deep(n + 1)"

    async def play() -> tuple[Heard, bool]:
        bad = await running(best, script("deep(0)", module=module))
        await bad.ask(2)
        died = bool(bad.exits)
        bad.worker.kill()
        await bad.exit()
        return bad, died

    bad, died = run(play())
    if died:  # of its memory or of its stack, or on a busy machine of the time that it takes to get there
        assert limit
        assert bad.exits[0].reason in (ExitReason.MEMORY_LIMIT, ExitReason.CRASHED, ExitReason.DEADLINE)
    else:
        error = "MemoryError" if limit else "RecursionError"
        assert [raised.error.partition(":")[0] for raised in bad.raised] == [error] * 2
        assert len(bad.answers) == 2


# -- 8: it multiplies --------------------------------------------------------------------------------------------------


def test_a_fork_bomb_is_refused(run: Run, tight: Sandbox) -> None:
    bad = survives(run, tight, script("while True: os.fork()"))
    assert bad.raised[0].error.startswith("PermissionError")
    assert any(alarm.text.startswith("os.fork") for alarm in bad.alarms_of(AlarmKind.REFUSED))


def test_a_thread_bomb_is_refused(run: Run, tight: Sandbox) -> None:
    bad = survives(run, tight, script("while True: threading.Thread(target=time.sleep, args=(60,)).start()"))
    assert bad.raised[0].error.startswith("RuntimeError: can't start new thread")


def test_other_programs_are_refused(run: Run, tight: Sandbox) -> None:
    bad = survives(run, tight, script("import subprocess; subprocess.run(['/bin/true'])"))
    assert bad.raised[0].error.startswith("PermissionError")


# -- 25: others end or stop it -----------------------------------------------------------------------------------------


def test_a_process_that_others_kill_is_told_at_once(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        worker = await running(sandbox, QUIET)
        await worker.ask()
        began = time.monotonic()
        os.kill(worker.worker.pid, signal.SIGKILL)
        end = await worker.exit()
        assert (end.reason, end.signal) == (ExitReason.SIGNALLED, signal.SIGKILL)
        assert time.monotonic() - began < 1.0

    run(play())


@pytest.mark.parametrize("asked", [True, False], ids=["with a price to answer", "with nothing to do"])
def test_a_stopped_process_is_noticed_and_killed(run: Run, sandbox: Sandbox, asked: bool) -> None:
    async def play() -> None:
        worker = await running(sandbox, QUIET)
        await worker.ask()
        os.kill(worker.worker.pid, signal.SIGSTOP)
        if asked:
            worker.send()
        end = await worker.exit()
        assert (end.reason, end.signal) == (ExitReason.FROZEN, signal.SIGKILL)

    run(play())
