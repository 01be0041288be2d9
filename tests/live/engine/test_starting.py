"""A start that fails on its way leaves nothing open, and the next one succeeds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from live.engine import Engine
from live.engine.chaos import ChaosTriggering
from tests.live.engine.desk import open_engine, paper_market, settings_for
from workbench.errors import EngineError


def fails(*_: object, **__: object) -> None:
    raise EngineError("a drill")


@pytest.mark.parametrize("part", ["open_venues", "open_gate", "Watcher", "start of chaos"])
def test_the_next_start_finds_the_journal_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    async def run() -> Engine:
        async with open_engine(settings_for(tmp_path), paper_market()) as engine:
            return engine

    with monkeypatch.context() as patch:
        if part == "start of chaos":
            patch.setattr(ChaosTriggering, "start", fails)
        else:
            patch.setattr(f"live.engine.engine.{part}", fails)
        with pytest.raises(EngineError, match="a drill"):
            asyncio.run(run())
    assert asyncio.run(run()).state == "stopped"


def test_no_process_of_the_sandbox_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    async def run() -> None:
        settings = settings_for(tmp_path, strategy_isolation="sandbox", strategy_isolation_minimum="rlimits")
        with pytest.raises(EngineError, match="a drill"):
            async with open_engine(settings, paper_market()):
                pass

    monkeypatch.setattr("live.engine.engine.open_gate", fails)
    asyncio.run(run())
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
