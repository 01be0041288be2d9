"""What people ask while something else happens to a strategy: it ends up as was asked last."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from live.engine import Engine, StartRequest
from live.engine.catalog import Catalog
from live.engine.pump import Pump
from live.engine.restarting import settle
from live.machine import StrategyRecord
from tests.live.engine.desk import until
from tests.live.engine.scripts import write_script
from tests.live.engine.test_strategies import engine_with
from workbench.errors import JournalFailed, StrategyError

ROOM = JournalFailed("no room", "space", final=False)


async def start(engine: Engine, folder: Path, name: str = "quiet", **given: Any) -> Any:
    """A strategy that runs; its slot."""
    write_script(folder, name, "return []")
    await engine.strategies.start(StartRequest(name, **given))
    return engine.strategies.slots[name]


def test_what_is_stopped_as_it_dies_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.engine.deaths._FIRST_WAIT_S", 0.01)

    async def work(engine: Engine, folder: Path) -> None:
        stops: list[asyncio.Task[StrategyRecord]] = []

        async def settled_as_somebody_stops(record: StrategyRecord, pump: Pump) -> None:
            stops.append(asyncio.create_task(engine.strategies.stop("quiet", "ana")))
            await settle(record, pump)

        monkeypatch.setattr("live.engine.deaths.settle", settled_as_somebody_stops)
        slot = await start(engine, folder)
        slot.runner.worker.kill("a drill")
        await until(lambda: stops and stops[0].done())
        await asyncio.sleep(0.2)  # it would have been started again by now
        assert (stops[0].result().state, slot.record.state) == ("stopped", "stopped")
        assert not slot.record.restarting
        assert slot.runner is None
        assert engine.machine.strategies["quiet"] == slot.record

    engine_with(tmp_path, work)


def test_a_restart_that_falls_into_a_halt_is_begun_at_the_resumption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.engine.deaths._FIRST_WAIT_S", 0.2)

    async def work(engine: Engine, folder: Path) -> None:
        slot = await start(engine, folder)
        slot.runner.worker.kill("a drill")
        await until(lambda: engine.machine.strategies["quiet"].restarting and slot.restart is not None)
        engine.pump._failed(ROOM)
        await until(lambda: slot.restart is None)  # it was tried
        await until(lambda: not slot.busy.locked())
        assert slot.record.restarting
        await engine.resume()
        await until(lambda: slot.record.state == "running" and slot.runner is not None)

    engine_with(tmp_path, work)


def test_a_stop_that_cannot_be_recorded_has_not_happened(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        slot = await start(engine, folder)
        engine.pump._failed(ROOM)
        with pytest.raises(JournalFailed):
            await engine.strategies.stop("quiet", "ana")
        assert slot.record == engine.machine.strategies["quiet"]
        await engine.resume()
        await start(engine, folder, "another")  # who listens is found out anew
        seen = slot.runner.answered
        await until(lambda: slot.runner.answered > seen + 10)
        await engine.strategies.stop("quiet", "ana")
        assert slot.record.state == "stopped"

    engine_with(tmp_path, work)


def test_a_version_that_replaces_a_paused_one_is_shown_prices(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        slot = await start(engine, folder)
        await engine.strategies.pause("quiet", "ana")
        write_script(folder, "quiet", "return []", version="2")
        record = await engine.strategies.start(StartRequest("quiet"))
        assert (record.state, record.version) == ("running", "2")
        seen = slot.runner.answered
        await until(lambda: slot.runner.answered > seen + 10)

    engine_with(tmp_path, work)


def test_one_that_dies_before_it_has_its_seat_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.engine.deaths._FIRST_WAIT_S", 0.01)

    async def work(engine: Engine, folder: Path) -> None:
        launch = engine.strategies.processes.launch

        async def stillborn(*given: Any) -> Any:
            started = await launch(*given)
            worker = started.runner.worker
            assert worker is not None
            worker.kill("a drill")
            await until(lambda: worker.exit is not None)
            monkeypatch.undo()
            return started

        monkeypatch.setattr(engine.strategies.processes, "launch", stillborn)
        slot = await start(engine, folder)
        await until(lambda: slot.record.state == "running" and slot.runner is not None)
        assert slot.record.restarts == 1

    engine_with(tmp_path, work)


def test_what_closed_at_a_death_holds_at_the_next_where_people_say_so_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.engine.deaths._FIRST_WAIT_S", 0.01)

    async def work(engine: Engine, folder: Path) -> None:
        slot = await start(engine, folder, on_failure="flatten")
        slot.runner.worker.kill("a drill")
        await until(lambda: slot.record.restarts == 1 and slot.record.state == "running")
        await until(lambda: not slot.busy.locked())
        assert not slot.record.flatten
        await engine.strategies.start(StartRequest("quiet", on_failure="hold"))
        slot.runner.worker.kill("a drill")
        await until(lambda: slot.record.state == "failed")
        assert not engine.machine.strategies["quiet"].closing

    engine_with(tmp_path, work)


def test_what_cannot_be_started_again_with_the_engine_leaves_no_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StrategyError("its text is gone")

    async def first(engine: Engine, folder: Path) -> None:
        resting = {"order_type": "limit", "limit_price": 0.95}
        body = f"return [MarketSignal(price_update.symbol, None, 0.01, 1.0, {resting})]"
        write_script(folder, "resting", body.replace("0.95}", "0.95 * price_update.bid}"))
        await engine.strategies.start(StartRequest("resting", on_failure="flatten"))
        await until(lambda: engine.machine.blotter.working)

    engine_with(tmp_path, first)
    monkeypatch.setattr(Catalog, "started", gone)

    async def second(engine: Engine, _: Path) -> None:
        record = engine.machine.strategies["resting"]
        assert (record.state, record.flatten) == ("failed", True)
        assert not engine.machine.blotter.working

    engine_with(tmp_path, second)
