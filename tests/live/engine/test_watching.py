"""A script that is changed on the disk is offered to who runs it, or takes over by itself where that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from live.api import views
from live.engine import Engine, StartRequest
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import WITNESS, write_script

type Work = Callable[[Engine, Path], Awaitable[None]]


def engine_with(tmp_path: Path, work: Work, **given: Any) -> None:
    """Run `work` on an engine that looks at its scripts often."""
    folder = tmp_path / "scripts"
    folder.mkdir()

    async def run() -> None:
        settings = settings_for(tmp_path, strategies_path=folder, **given)
        async with open_engine(settings, paper_market()) as engine:
            engine.watcher._interval_s = 0.02
            await work(engine, folder)

    asyncio.run(run())


def newer(engine: Engine, strategy_id: str) -> str:
    return views.strategy_status(engine, strategy_id).newer_source_hash


def listed(engine: Engine) -> dict[str, str]:
    found = views.available_strategies(engine, engine.catalog.scripts()).scripts
    return {script.name: script.newer_source_hash for script in found if not script.broken}


def test_a_changed_script_is_offered_and_taken_by_starting_it_again(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        write_script(folder, "other", WITNESS)
        before = await engine.strategies.start(StartRequest("witness"))
        await engine.strategies.start(StartRequest("other"))
        reader = engine.events.subscribe(("strategies",))
        assert (newer(engine, "witness"), listed(engine)) == ("", {"witness.py": "", "other.py": ""})
        write_script(folder, "witness", WITNESS, version="2")
        await until(lambda: engine.watcher.offers)
        (offer,) = engine.watcher.offers.values()
        assert (offer.strategy_id, offer.script, offer.version) == ("witness", "witness.py", "2")
        assert (offer.running_hash, offer.problem) == (before.source_hash, "")
        assert newer(engine, "witness") == offer.source_hash == listed(engine)["witness.py"]
        assert (newer(engine, "other"), listed(engine)["other.py"]) == ("", "")
        await asyncio.sleep(0.2)
        told = [event.body for event in await reader.next()]
        assert [(body["type"], body["strategy_id"], body["source_hash"]) for body in told] == [
            ("NewerSource", "witness", offer.source_hash)
        ]
        assert engine.strategies.slots["witness"].record.version == "1"
        swapped = await engine.strategies.start(StartRequest("witness"))
        assert (swapped.version, swapped.source_hash) == ("2", offer.source_hash)
        await until(lambda: not engine.watcher.offers)

    engine_with(tmp_path, work)


def test_what_is_changed_back_or_taken_away_or_stopped_is_no_offer_any_more(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        path = write_script(folder, "witness", WITNESS)
        text = path.read_text()
        await engine.strategies.start(StartRequest("witness"))
        for undo in (lambda: path.write_text(text), path.unlink):
            write_script(folder, "witness", WITNESS, version="2")
            await until(lambda: engine.watcher.offers)
            undo()
            await until(lambda: not engine.watcher.offers)
        write_script(folder, "witness", WITNESS, version="3")
        await until(lambda: engine.watcher.offers)
        await engine.strategies.stop("witness", "ana")
        await until(lambda: not engine.watcher.offers)

    engine_with(tmp_path, work)


def test_a_touched_file_is_no_newer_one(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        path = write_script(folder, "witness", WITNESS)
        await engine.strategies.start(StartRequest("witness"))
        for _ in range(5):
            await asyncio.sleep(0.05)
            path.touch()
        await asyncio.sleep(0.1)
        assert not engine.watcher.offers

    engine_with(tmp_path, work)


def test_it_takes_over_by_itself_where_that_is_set_with_config_and_positions(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        config = {"symbols": ["BTC-USD"]}
        await engine.strategies.start(
            StartRequest("witness", config=config, on_failure="flatten", person="ana")
        )
        write_script(folder, "witness", WITNESS, version="2")
        slot = engine.strategies.slots["witness"]
        await until(lambda: slot.record.version == "2" and slot.record.state == "running")
        record = slot.record
        assert (record.config, record.on_failure) == (config, "flatten")
        assert (record.person, engine.strategies.swaps) == ("STRATEGY_AUTO_SWAP", 1)
        await until(lambda: not engine.watcher.offers)

    engine_with(tmp_path, work, strategy_auto_swap=True)


@pytest.mark.parametrize("auto", [False, True])
def test_a_half_written_file_is_told_once_and_never_swapped(tmp_path: Path, auto: bool) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        path = write_script(folder, "witness", WITNESS)
        whole = path.read_text().replace('VERSION = "1"', 'VERSION = "2"')
        await engine.strategies.start(StartRequest("witness"))
        reader = engine.events.subscribe(("strategies",))
        path.write_text(whole[: whole.index("return [") + 8])
        told = (await reader.next())[0].body
        assert told["type"] == "BrokenSource"
        assert "witness.py:" in told["reason"]
        assert "expected Python" in told["reason"]
        await asyncio.sleep(0.3)
        path.touch()
        await asyncio.sleep(0.2)
        assert (engine.watcher.offers, engine.strategies.swaps) == ({}, 0)
        path.write_text(whole)
        found = await reader.next()
        assert found[0].body["type"] == "NewerSource"  # and nothing more of the broken one

    engine_with(tmp_path, work, strategy_auto_swap=auto)


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        path = write_script(folder, "witness", WITNESS)
        lines = path.read_text().replace('VERSION = "1"', 'VERSION = "2"').splitlines(keepends=True)
        await engine.strategies.start(StartRequest("witness"))
        reader = engine.events.subscribe(("strategies",))
        engine.watcher._interval_s = 0.2
        with path.open("w") as file:
            for line in lines:
                file.write(line)
                file.flush()
                await asyncio.sleep(0.03)
        found = [event.body for event in await reader.next()]
        assert [body["type"] for body in found] == ["NewerSource"]

    engine_with(tmp_path, work)


def test_what_cannot_take_over_is_tried_once_and_the_old_one_runs_on(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        await engine.strategies.start(StartRequest("witness"))
        path = folder / "witness.py"
        path.write_text("import nonsense_that_is_not_there\n" + path.read_text())
        await until(lambda: any(offer.problem for offer in engine.watcher.offers.values()))
        (offer,) = engine.watcher.offers.values()
        assert "nonsense_that_is_not_there" in offer.problem
        launches = engine.strategies.processes._launches
        await asyncio.sleep(0.2)
        assert engine.strategies.processes._launches == launches
        assert engine.strategies.slots["witness"].record.version == "1"
        assert engine.strategies.slots["witness"].record.state == "running"
        write_script(folder, "witness", WITNESS, version="3")
        await until(lambda: engine.strategies.slots["witness"].record.version == "3")

    engine_with(tmp_path, work, strategy_auto_swap=True)
