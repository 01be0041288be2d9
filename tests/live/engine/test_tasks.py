"""An error that nobody had foreseen, wherever in the engine: it is seen, and work goes on or trading halts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from live.engine import Engine, StartRequest
from live.engine.clock_watch import ClockWatch
from live.machine import KillReset
from live.messages import Ready
from live.metrics import Metrics
from live.sandbox import ExitReason, WorkerExit
from live.venues.paper import PaperVenue
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.chaos.triggers import TriggerEvent, TriggerEventKind
from workbench.core.intents import CancelOrders
from workbench.errors import JournalFailed, SandboxError, StrategyError

RESTS = """
if price_update.symbol != "BTC-USD" or getattr(self, "sent", False):
    return []
self.sent = True
away = {"order_type": "limit", "limit_price": 0.95 * price_update.bid, "venue": "a", "quantity": 0.01}
return [MarketSignal("BTC-USD", None, 1.0, 1.0, away)]
"""


def run(folder: Path, work: Callable[[Engine], Awaitable[None]], **given: Any) -> None:
    async def main() -> None:
        async with open_engine(settings_for(folder, **given), paper_market(20.0)) as engine:
            engine.tasks._first_wait_s = 0.02
            await until(lambda: engine.machine.applied > 5)
            await work(engine)

    asyncio.run(main())


class Broken:
    """Raises the first few times that it is called, then does what the original does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, times: int) -> None:
        self.calls = 0
        original = getattr(owner, name)

        def broken(*given: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls <= times:
                raise ZeroDivisionError("injected")
            return original(*given, **named)

        monkeypatch.setattr(owner, name, broken)


def failures(engine: Engine, task: str) -> bool:
    """What /metrics says of it."""
    text = Metrics(engine).render()[0].decode()
    return f'trading_engine_task_failures_total{{task="{task}"}} 2.0' in text


@pytest.mark.parametrize("task", ["scripts", "clock", "venue a"])
def test_what_goes_on_beside_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    async def work(engine: Engine) -> None:
        if task == "scripts":
            engine.watcher._interval_s = 0.02
            broken = Broken(monkeypatch, engine.watcher, "look", 2)
        elif task == "clock":
            broken = Broken(monkeypatch, ClockWatch, "look", 2)
        else:
            (venue,) = [venue for venue in engine.venues if venue.name == "a"]
            assert isinstance(venue, PaperVenue)
            broken = Broken(monkeypatch, venue._source, "take", 2)
        await until(lambda: engine.tasks.failures[task] == 2)
        assert engine.problems == {f"task {task}": "failed 2 times, begun again: ZeroDivisionError: injected"}
        assert engine.info()["problems"] == engine.problems  # as /health has it
        assert failures(engine, task)
        await until(lambda: broken.calls > 2)  # it goes on
        assert engine.state == "running"

    run(tmp_path, work)


def test_a_trigger_that_cannot_be_obeyed_does_not_end_the_triggers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chaos = tmp_path / "chaos.yaml"
    chaos.write_text("strategies: {greedy: {class: NaNSignalStrategy, trigger_probability: 1.0}}")

    async def main() -> None:
        settings = settings_for(
            tmp_path, chaos_file=chaos, enable_chaos_strategies=True, enable_chaos_triggers=True
        )
        async with open_engine(settings, paper_market(20.0)) as engine:
            engine.tasks._first_wait_s = 0.02
            broken = Broken(monkeypatch, engine.chaos, "_obey", 2)
            for _ in range(3):
                engine.chaos._orders.append(
                    TriggerEvent("greedy", TriggerEventKind.STOPPED, "a test", 0.0, 1)
                )
            engine.chaos._idle.clear()
            engine.chaos._wake.set()
            await asyncio.wait_for(engine.chaos.settled(), 10.0)
            assert broken.calls >= 3  # those behind the two that failed were obeyed
            assert engine.tasks.failures["chaos triggers"] == 2
            assert "task chaos triggers" in engine.problems

    asyncio.run(main())


@pytest.mark.parametrize("where", ["route", "apply", "release"])
def test_an_error_in_the_writers_turn_halts_and_a_new_start_has_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async def work(engine: Engine) -> None:
        owner, name = {
            "route": (engine.strategies.processes, "price"),
            "apply": (engine.machine.desk, "process"),
            "release": (engine.tracer, "block"),
        }[where]
        Broken(monkeypatch, owner, name, 1)
        await until(lambda: engine.state == "halted")
        assert "ZeroDivisionError: injected" in engine.problems["engine"]
        with pytest.raises(JournalFailed, match="start anew"):
            await engine.ask(CancelOrders())
        with pytest.raises(JournalFailed):  # no person can have it go on
            await engine.resume()
        applied = engine.machine.applied
        await asyncio.sleep(0.2)
        assert engine.machine.applied == applied

    async def well(engine: Engine) -> None:
        assert engine.problems == {}
        assert await engine.ask(CancelOrders()) == []

    run(tmp_path, work)
    monkeypatch.undo()
    run(tmp_path, well)


def test_who_asked_for_what_broke_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(engine: Engine) -> None:
        original = engine.machine.apply

        def broken(item: Any) -> Any:
            if isinstance(item, CancelOrders):
                raise ZeroDivisionError("injected")
            return original(item)

        monkeypatch.setattr(engine.machine, "apply", broken)
        with pytest.raises(JournalFailed, match="ZeroDivisionError: injected"):
            await asyncio.wait_for(engine.ask(CancelOrders()), 5.0)

    run(tmp_path, work)


def test_who_has_gone_need_not_be_told_that_it_is_refused(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        asking = asyncio.create_task(engine.ask(KillReset("all", "", "ana", "there is no kill")))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.sleep(0.1)
        await until(lambda: engine.pump.waiting == 0)
        assert engine.state == "running"

    run(tmp_path, work)


@pytest.mark.parametrize("kept", [True, False], ids=["no process", "no room"])
def test_a_start_that_the_machine_does_not_allow_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    write_script(tmp_path / "scripts", "rester", RESTS)

    async def work(engine: Engine) -> None:
        async def gone(*_: Any) -> None:
            raise SandboxError("strategies' host is gone")

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        if kept:
            monkeypatch.setattr(engine.sandbox, "launch", gone)
        else:
            monkeypatch.setattr("live.engine.catalog._write", full)
        with pytest.raises(StrategyError, match="host is gone" if kept else "cannot be kept in .*No space"):
            await engine.strategies.start(StartRequest("rester"))
        assert engine.machine.strategies["rester"].state == "failed"

    run(tmp_path, work, strategies_path=tmp_path / "scripts")


def test_a_process_that_ends_as_soon_as_it_is_ready_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(tmp_path / "scripts", "rester", RESTS)

    class Ended:
        exit: WorkerExit | None = None

    async def ends(_: Any, on_messages: Any, on_exit: Any, *__: Any) -> Any:
        worker = Ended()

        def both() -> None:
            on_messages(worker, [Ready("Rester", "1", "", {}, "order", 1.0, [])])
            worker.exit = WorkerExit(ExitReason.CRASHED)
            on_exit(worker, worker.exit)

        asyncio.get_running_loop().call_soon(both)
        return worker

    async def work(engine: Engine) -> None:
        monkeypatch.setattr(engine.sandbox, "launch", ends)
        with pytest.raises(StrategyError, match="ended as soon as it was ready: crashed"):
            await engine.strategies.start(StartRequest("rester"))
        assert engine.machine.strategies["rester"].state == "failed"
        assert not engine.strategies.processes._scripts

    run(tmp_path, work, strategies_path=tmp_path / "scripts")


def test_a_strategy_whose_end_cannot_be_seen_to_has_its_orders_cancelled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(tmp_path / "scripts", "rester", RESTS)

    async def work(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("rester", warm_up=False))
        await until(lambda: engine.machine.blotter.working)
        Broken(monkeypatch, engine.strategies.roster, "note_chaos", 1)
        Broken(monkeypatch, engine.pump, "ask", 1)
        runner = engine.strategies.slots["rester"].runner
        assert runner is not None
        assert runner.worker is not None
        runner.worker.kill("a test")
        await until(lambda: engine.machine.strategies["rester"].state == "failed")
        await until(lambda: not engine.machine.blotter.working)
        assert "unforeseen error of the engine" in engine.machine.strategies["rester"].reason
        assert engine.tasks.failures["strategies"] == 1
        assert engine.state == "running"

    run(tmp_path, work, strategies_path=tmp_path / "scripts", strategy_isolation="sandbox")
