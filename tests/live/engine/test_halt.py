"""Where nothing can be recorded, nothing is traded; and it goes on when there is room and a person says so."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.engine import Engine, StartRequest
from live.machine import AuditLine
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from workbench.errors import JournalFailed, JournalLocked

LINE = AuditLine(1, "ana", "admin", "promise", "", "x" * 100_000)


async def fill(engine: Engine) -> None:
    for _ in range(100):
        await engine.ask(LINE)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root: run the tests as root")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.may_skip("a small disk can only be mounted by root")
def test_a_full_disk_halts_trading_until_there_is_room_and_a_person_says_so(
    tmp_path: Path, small_disk: Path
) -> None:
    async def run() -> None:
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(7_000_000))
        settings = settings_for(tmp_path, data=small_disk / "data", record_market=False, order_queue_size=100)
        async with open_engine(settings, paper_market(20.0)) as engine:
            await engine.strategies.start(StartRequest("market_making"))
            with pytest.raises(JournalFailed):
                await fill(engine)
            await until(lambda: engine.state == "halted")
            assert "engine" in engine.problems
            applied = engine.machine.applied
            await asyncio.sleep(0.3)
            assert engine.machine.applied == applied  # no price, no signal, no order
            with pytest.raises(JournalFailed):
                await engine.ask(LINE)
            ballast.unlink()
            await engine.resume()
            assert (engine.state, engine.problems) == ("running", {})
            await engine.ask(AuditLine(2, "ana", "admin", "promise", "", "small"))
            await until(lambda: engine.machine.applied > applied + 10)
            kept = len(engine.machine.audit)
        async with open_engine(settings, paper_market(20.0)) as engine:
            assert len(engine.machine.audit) == kept

    asyncio.run(run())


def test_two_engines_do_not_share_a_journal(tmp_path: Path) -> None:
    async def run() -> None:
        settings = settings_for(tmp_path)
        async with open_engine(settings, paper_market(20.0)):
            with pytest.raises(JournalLocked, match="in use by the engine of process"):
                async with open_engine(settings, paper_market(20.0)):
                    pass

    asyncio.run(run())
