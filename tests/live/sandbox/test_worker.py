"""One process and the engine: order, batches, logs, bounds, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from live.messages import Deliver, Logged
from live.sandbox import AlarmKind, ExitReason, Isolation, Level, Sandbox, SandboxSettings
from tests.live.sandbox.conftest import Run, Shared
from tests.live.sandbox.harness import BTC, ETH, Heard, breach, fill, launched, price, running, script
from workbench.core.performance_view import PerformanceView
from workbench.errors import SandboxError, WorkerBehind

QUIET = script("return [MarketSignal(u.symbol, None, 0.5)]")
ISOLATIONS = [Isolation.SANDBOX, Isolation.THREAD]


@pytest.fixture
def sandbox(shared: Shared) -> Sandbox:
    return shared(SandboxSettings(minimum=Level.RLIMITS, hard_s=20.0))


@pytest.fixture(params=ISOLATIONS, ids=str)
def either(request: pytest.FixtureRequest, shared: Shared) -> Sandbox:
    """In a process and in a thread: what is said and heard is the same."""
    minimum = Level.NONE if request.param is Isolation.THREAD else Level.RLIMITS
    return shared(SandboxSettings(isolation=request.param, minimum=minimum, hard_s=20.0))


def test_it_introduces_itself(run: Run, either: Sandbox) -> None:
    async def play() -> None:
        source = script(module="SIZE = 3").replace(
            '"""For a test."""', 'VERSION = "2.1"; SIZING = "target"; PARAMETERS = {"fast": 3, "seed": 0}\n'
        )
        heard = await launched(either, source, fast=5, unit=2.5, symbols=["ETH-USD"])
        ready = await heard.ready()
        assert (ready.name, ready.version, ready.sizing, ready.unit) == ("Script", "2.1", "target", 2.5)
        assert ready.symbols == ["ETH-USD"]
        assert ready.parameters == {"fast": 5, "seed": 0, "unit": 2.5, "symbols": ["ETH-USD"]}
        assert heard.worker.ready
        assert (await heard.worker.stop(5.0)).reason is ExitReason.FINISHED

    run(play())


@pytest.mark.parametrize(
    ("source", "call", "error"),
    [
        ("import nonsense", "load", "script.py:1: ModuleNotFoundError: No module named 'nonsense'"),
        ("x = (", "load", "script.py:1: does not parse: '(' was never closed"),
        (
            script().replace(
                "def on_market_data", "def on_start(self, i):\n        1 / 0\n    def on_market_data"
            ),
            "on_start",
            "ZeroDivisionError: division by zero (script.py:10)",
        ),
        (
            script().replace('"""For a test."""', "PARAMETERS = {}"),
            "load",
            "Script has no parameter 'fast'; it has: none",
        ),
    ],
)
def test_what_cannot_be_loaded_says_why_and_leaves(
    run: Run, either: Sandbox, source: str, call: str, error: str
) -> None:
    async def play() -> None:
        heard = await launched(either, source, fast=1)
        end = await heard.exit()
        assert (end.reason, end.unanswered) == (ExitReason.NOT_LOADED, ())
        assert [(e.sequence, e.call, e.error) for e in heard.raised] == [(0, call, error)]

    run(play())


def test_a_delivery_is_told_in_the_order_of_a_replay(run: Run, either: Sandbox) -> None:
    tell = (
        "print({what}, self.positions, self.price_cache['BTC-USD'], dict(self.performance_metrics)['fees'])"
    )
    source = script(
        tell.format(what="'price', u.sequence") + "\nreturn []",
        fill=tell.format(what="'fill', fill.symbol"),
        breach=tell.format(what="'breach', breach.breach_type"),
    ).replace("print(", "self.logger.info('%s %s %s %s %s', ")

    async def play() -> None:
        heard = await running(either, source)
        heard.send(price=price(7))
        heard.send(
            fills=[fill(1.0, BTC), fill(2.0, ETH)],
            breaches=[breach("price_collar")],
            positions={"BTC-USD": 1.0, "ETH-USD": 2.0, "OLD": 5.0},
            metrics={"fees": 0.25},
            price=price(8, last=101.0),
        )
        heard.send(fills=[fill(-1.0)], positions={"BTC-USD": 0.0})
        await heard.until(lambda: len(heard.answers) == 3)
        assert [line.partition(": ")[2] for line in heard.lines] == [
            "price 7 {} {'exchange-1': 100.0} 0.0",
            "fill BTC-USD {'OLD': 5.0, 'BTC-USD': 1.0} {'exchange-1': 100.0} 0.25",
            "fill ETH-USD {'OLD': 5.0, 'BTC-USD': 1.0, 'ETH-USD': 2.0} {'exchange-1': 100.0} 0.25",
            "breach price_collar {'OLD': 5.0, 'BTC-USD': 1.0, 'ETH-USD': 2.0} {'exchange-1': 100.0} 0.25",
            "price 8 {'OLD': 5.0, 'BTC-USD': 1.0, 'ETH-USD': 2.0} {'exchange-1': 101.0} 0.25",
            "fill BTC-USD {'OLD': 5.0, 'BTC-USD': 0.0, 'ETH-USD': 2.0} {'exchange-1': 101.0} 0.25",
        ]
        assert [a.sequence for a in heard.answers] == [1, 2, 3]
        await heard.worker.stop(5.0)

    run(play())


def test_each_call_that_raises_is_told_and_the_answer_still_comes(run: Run, either: Sandbox) -> None:
    source = script("raise ValueError('p')", fill="raise ValueError('f')", breach="raise ValueError('b')")

    async def play() -> None:
        heard = await running(either, source)
        heard.send(fills=[fill(), fill()], breaches=[breach()], price=price())
        await heard.until(lambda: bool(heard.answers))
        calls = ["on_order_fill", "on_order_fill", "on_risk_breach", "on_market_data"]
        assert [(e.sequence, e.call) for e in heard.raised] == [(1, call) for call in calls]
        await heard.worker.stop(5.0)

    run(play())


def test_metrics_are_there_from_the_start_and_cannot_be_written(run: Run, sandbox: Sandbox) -> None:
    source = script("print(list(self.performance_metrics)); self.performance_metrics['fees'] = 0.0")

    async def play() -> None:
        heard = await running(sandbox, source)
        await heard.ask()
        assert heard.lines == [str(list(PerformanceView._KEYS))]
        assert heard.raised[0].error.startswith(
            "TypeError: 'mappingproxy' object does not support item assignment"
        )
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_stop_lets_it_answer_what_it_was_given(run: Run, either: Sandbox) -> None:
    async def play() -> None:
        heard = await running(either, script("time.sleep(0.01); return []"))
        for number in range(20):
            heard.send(price=price(number))
        end = await heard.worker.stop(10.0)
        assert (end.reason, end.code, end.unanswered) == (ExitReason.FINISHED, 0, ())
        assert len(heard.answers) == 20
        heard.send(price=price())  # to one that is gone: nothing happens
        assert len(heard.exits) == 1

    run(play())


def test_stop_has_an_end_too(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        heard = await running(sandbox, script("time.sleep(60)"))
        heard.send(price=price())
        end = await heard.worker.stop(0.3)
        assert (end.reason, end.unanswered) == (ExitReason.KILLED, (1,))
        assert end.detail == "had not left 0.3 s after it was told to stop"

    run(play())


def test_many_answers_come_in_few_batches(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        heard = await running(sandbox, QUIET)
        for number in range(5_000):
            heard.send(price=price(number))
        await heard.until(lambda: len(heard.answers) == 5_000)
        assert [a.sequence for a in heard.answers] == list(range(1, 5_001))
        assert len(heard.batches) < 2_500
        heard.worker.kill()
        await heard.exit()

    run(play())


def send_without_end(heard: Heard) -> None:
    for number in range(100_000):
        heard.send(price=price(number))
        heard.worker.flush()


def test_what_waits_is_bounded_and_sending_never_blocks(run: Run, shared: Shared) -> None:
    sandbox = shared(SandboxSettings(minimum=Level.RLIMITS, hard_s=20.0, backlog_bytes=100_000))

    async def play() -> None:
        heard = await running(sandbox, QUIET)
        os.kill(heard.worker.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(
            WorkerBehind, match=r"bytes are waiting to be taken in, .* exceed 100,000; send less"
        ):
            send_without_end(heard)
        assert heard.worker.backlog_bytes <= 100_000
        assert time.monotonic() - began < 10.0
        asked = heard.worker.unanswered
        assert asked == heard.sent - 1  # the one that was not taken is not due
        os.kill(heard.worker.pid, signal.SIGCONT)
        await heard.until(lambda: len(heard.answers) == asked or bool(heard.exits))
        assert heard.worker.backlog_bytes == 0
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_a_delivery_that_is_too_large_is_not_taken(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        heard = await running(sandbox, QUIET)
        with pytest.raises(WorkerBehind, match=r"a message of [\d,]+ bytes, allowed 1,048,576"):
            heard.worker.send(Deliver(1, fills=[fill()] * 20_000))
        assert len(await heard.ask()) == 1
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_an_answer_that_is_too_large_is_an_error(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        heard = await running(
            sandbox, script("return [MarketSignal('x', metadata={'note': 'y' * 2_000_000})]")
        )
        await heard.ask()
        assert heard.raised[0].error.startswith("the answer cannot be sent: a message of 2,000,134 bytes")
        assert heard.answers[0].signals == []
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_prints_logs_and_warnings_are_told(run: Run, sandbox: Sandbox) -> None:
    code = """
    import logging, warnings
    print("one", "line"); sys.stderr.write("two\\nthree"); print("y" * 5000)
    self.logger.warning("four %s", 4); self.logger.debug("not told"); self.logger.error("%d", "five")
    warnings.warn("six"); os.write(1, b"seven\\n"); print("\\ud800")
    return []
    """

    async def play() -> None:
        heard = await running(sandbox, script(code))
        await heard.ask()
        await heard.until(lambda: len(heard.lines) >= 8)
        told = [(line.level, line.text) for line in heard.of(Logged)]
        assert ("info", "one line") in told
        assert ("warning", "two") in told
        assert ("info", "y" * 2000) in told
        assert ("warning", "strategy.Script: four 4") in told
        assert ("error", "strategy.Script: a message that cannot be formatted (TypeError)") in told
        assert ("error", "seven") in told
        assert ("info", "?") in told
        assert any("UserWarning: six" in text for _, text in told)
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_a_flood_of_lines_is_cut_and_counted(run: Run, shared: Shared) -> None:
    sandbox = shared(SandboxSettings(minimum=Level.RLIMITS, hard_s=20.0, log_lines_s=10))

    async def play() -> None:
        heard = await running(sandbox, script("for n in range(10_000): print(n)\nreturn []"))
        await heard.ask()
        await heard.until(lambda: bool(heard.alarms_of(AlarmKind.LOGS)))
        assert heard.lines[:40] == [str(number) for number in range(40)]
        assert len(heard.lines) < 100
        dropped = heard.alarms_of(AlarmKind.LOGS)[0].value
        assert dropped == 10_000 - len(heard.lines)
        assert sandbox.status().workers[0].log_lines_dropped == dropped
        heard.worker.kill()
        await heard.exit()

    run(play())


def test_deliveries_from_before_it_was_ready_are_answered_within_their_time(run: Run, shared: Shared) -> None:
    sandbox = shared(SandboxSettings(minimum=Level.RLIMITS, hard_s=0.5))

    async def play() -> None:
        heard = await launched(sandbox, script(module="time.sleep(1.0)"))
        heard.send(price=price())
        await heard.until(lambda: bool(heard.answers))
        assert (await heard.worker.stop(5.0)).reason is ExitReason.FINISHED

    run(play())


def test_a_strategy_in_a_thread_that_never_answers_is_given_up(run: Run, shared: Shared) -> None:
    sandbox = shared(SandboxSettings(isolation=Isolation.THREAD, minimum=Level.NONE, hard_s=0.3))

    async def play() -> None:
        heard = await running(sandbox, script("time.sleep(2.0)"))
        heard.send(price=price())
        assert (await heard.exit()).reason is ExitReason.DEADLINE

    run(play())


def test_ten_run_side_by_side(run: Run, sandbox: Sandbox) -> None:
    async def play() -> None:
        every = await asyncio.gather(*(running(sandbox, QUIET, f"side-{number}") for number in range(10)))
        for number in range(200):
            for heard in every:
                heard.send(price=price(number))
            await asyncio.sleep(0)
        for heard in every:
            await heard.until(lambda heard=heard: len(heard.answers) == 200)  # type: ignore[misc]  # bound at once
        status = sandbox.status()
        assert [w.answers for w in status.workers if w.strategy_id.startswith("side-")] == [200] * 10
        ends = await asyncio.gather(*(heard.worker.stop(10.0) for heard in every))
        assert {end.reason for end in ends} == {ExitReason.FINISHED}

    run(play())


def test_nothing_is_launched_once_it_is_closed() -> None:
    async def play() -> None:
        async with Sandbox(SandboxSettings(minimum=Level.RLIMITS)) as sandbox:
            pass
        with pytest.raises(SandboxError, match="is not started"):
            await running(sandbox, QUIET)

    asyncio.run(play())


def test_what_is_sent_before_it_is_ready_is_bounded_too(run: Run, shared: Shared) -> None:
    sandbox = shared(SandboxSettings(minimum=Level.RLIMITS, hard_s=20.0, backlog_bytes=100_000))

    async def play() -> None:
        heard = await launched(sandbox, script(module="time.sleep(600)"))
        with pytest.raises(
            WorkerBehind, match=r"bytes for a process that is not ready, allowed 100,000; wait for Ready"
        ):
            send_without_end(heard)
        heard.worker.kill()
        assert len((await heard.exit()).unanswered) == heard.sent - 1

    run(play())
