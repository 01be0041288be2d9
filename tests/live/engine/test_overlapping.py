"""Starts, swaps and stops of one strategy that come at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from live.engine import Engine, StartRequest
from tests.live.engine.desk import until
from tests.live.engine.scripts import WITNESS, write_script
from tests.live.engine.test_strategies import engine_with
from workbench.errors import StrategyError


def slowly(engine: Engine) -> None:
    """Processes take their time to be ready."""
    launch = engine.strategies.processes.launch

    async def after_a_while(*about: Any) -> Any:
        started = await launch(*about)
        await asyncio.sleep(0.2)
        return started

    engine.strategies.processes.launch = after_a_while  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("ran", [False, True], ids=["first start", "swap"])
def test_what_is_stopped_while_it_starts_does_not_run(tmp_path: Path, ran: bool) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        strategies = engine.strategies
        write_script(folder, "witness", WITNESS)
        if ran:
            await strategies.start(StartRequest("witness"))
            write_script(folder, "witness", WITNESS, version="2")
        slowly(engine)
        starting = asyncio.create_task(strategies.start(StartRequest("witness")))
        await until(lambda: "witness" in strategies.slots and strategies.slots["witness"].busy.locked())
        with pytest.raises(StrategyError, match="already; ask again later"):
            await strategies.start(StartRequest("witness"))
        stopped = await strategies.stop("witness", "ana")
        await asyncio.gather(starting, return_exceptions=True)
        slot = strategies.slots["witness"]
        assert (stopped.state, slot.record.state, slot.runner, slot.stopping) == (
            "stopped",
            "stopped",
            None,
            False,
        )
        assert engine.machine.strategies["witness"].state == "stopped"
        await until(lambda: not strategies.processes._by_worker)

    engine_with(tmp_path, work)


def test_of_two_starts_at_once_one_process_runs(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        slowly(engine)
        starts = [engine.strategies.start(StartRequest("witness")) for _ in range(2)]
        either = await asyncio.gather(*starts, return_exceptions=True)  # whichever has read its files first
        (refused,) = [end for end in either if isinstance(end, BaseException)]
        assert isinstance(refused, StrategyError)
        assert engine.strategies.slots["witness"].record in either
        assert len(engine.strategies.processes._by_worker) == 1

    engine_with(tmp_path, work)


def test_a_swap_takes_what_is_to_become_of_positions(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        await engine.strategies.start(StartRequest("witness"))
        swapped = await engine.strategies.start(StartRequest("witness", on_failure="flatten"))
        assert (swapped.on_failure, swapped.launch) == ("flatten", 2)

    engine_with(tmp_path, work)
