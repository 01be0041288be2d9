"""Where nothing stands between live and replay nothing differs: in lock step, over swaps and restarts, meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from live.engine import Engine, StartRequest
from live.journal import Retention
from tests.live.engine.test_retention import trade
from tests.reconcile.sessions import by_the_clock, compared, in_lock_step, scripts
from workbench.reconcile.result import Reconciliation


def nothing_unexplained(found: Reconciliation) -> None:
    assert found.ok, repr(found)
    assert found.unexplained_pnl == found.unexplained_bps == 0.0
    assert not found.logic
    assert not found.problems
    assert "unexplained" not in set(found.fills["cause"])


@pytest.fixture(scope="module")
def lock_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_lock_step(tmp_path_factory.mktemp("lock-step"), "turning", "steady", "resting")


@pytest.mark.parametrize("isolation", ["thread", "sandbox"])
def test_on_a_simulated_venue_without_latency_every_fill_agrees(lock_step: Path, isolation: str) -> None:
    found = compared(lock_step, isolation=isolation, minimum="rlimits")
    nothing_unexplained(found)
    assert len(found.fills) == 0
    figures = found.figures()
    assert figures.fills > 100
    assert found.turnover > 0.0
    assert found.prices == 300
    assert set(found.strategies) == {"turning", "steady", "resting"}


def test_one_strategy_is_looked_at_while_the_others_trade_as_they_did(lock_step: Path) -> None:
    found = compared(lock_step, strategy="steady")
    nothing_unexplained(found)
    assert found.strategies == ("steady",)
    assert found.figures("steady") == compared(lock_step).figures("steady")


def test_a_part_stands_for_itself(lock_step: Path) -> None:
    whole = compared(lock_step)
    parts = [
        compared(lock_step, end="2024-01-01T01:10"),
        compared(lock_step, start="2024-01-01T01:10:00.000000001"),
    ]
    for found in parts:
        nothing_unexplained(found)
        assert not found.differences
    assert sum(found.figures().fills for found in parts) == whole.figures().fills
    assert sum(found.prices for found in parts) == whole.prices
    assert all(found.figures().fills for found in parts)
    day = compared(lock_step, date="2024-01-01")
    assert day.figures() == whole.figures()
    none = compared(lock_step, date="2024-01-02")
    assert (none.prices, none.figures().fills, none.ok) == (0, 0, True)


@pytest.mark.parametrize("name", ["dying", "failing"])
def test_one_that_ends_while_the_others_are_asked(tmp_path: Path, name: str) -> None:
    """It is asked first, so what its end leads to comes while the others have still to be shown the price."""
    ms = 1_000.0 if name == "dying" else 60_000.0
    data = in_lock_step(tmp_path, name, "steady", "resting", bars=80, hard_ms=ms)
    found = compared(data)
    nothing_unexplained(found)
    assert found.figures().fills > 50


def test_what_people_ask_in_the_middle_of_a_price(tmp_path: Path) -> None:
    async def asks(engine: Engine) -> None:
        start = engine.strategies.start
        for turn in range(6):
            await asyncio.sleep(0.03)
            await start(StartRequest("turning", config={"every": 4 + turn % 2}))  # swapped while it runs
            await engine.strategies.pause("steady", "ana")
            await asyncio.sleep(0.02)
            await engine.strategies.resume("steady", "ana")
            await engine.strategies.stop("resting", "ana", flatten=True)
            await start(StartRequest("resting"))

    data = in_lock_step(tmp_path, "lazy", "turning", "steady", "resting", meanwhile=asks)
    found = compared(data)
    nothing_unexplained(found)
    assert found.figures().fills > 100


async def _eventful(engine: Engine) -> None:
    start, stop = engine.strategies.start, engine.strategies.stop
    await asyncio.sleep(0.2)
    await start(StartRequest("turning"))
    await start(StartRequest("steady"))
    await asyncio.sleep(0.4)
    await start(StartRequest("turning", config={"every": 5}))  # swapped while it runs
    await asyncio.sleep(0.3)
    await engine.strategies.pause("steady", "ana")
    await asyncio.sleep(0.1)
    await engine.strategies.resume("steady", "ana")
    await asyncio.sleep(0.2)
    await stop("steady", "ana", flatten=True)
    await start(StartRequest("steady", config={"every": 4}))
    await asyncio.sleep(0.3)


async def _goes_on(engine: Engine) -> None:
    assert {slot.record.state for slot in engine.strategies.slots.values()} == {"running"}
    await asyncio.sleep(0.5)


def test_by_the_clock_over_swap_pause_stop_and_restart(tmp_path: Path) -> None:
    by_the_clock(tmp_path, _eventful)
    data = by_the_clock(tmp_path, _goes_on)
    found = compared(data)
    nothing_unexplained(found)
    assert found.figures().fills > 50
    assert set(found.fills["cause"]) <= {"latency", "data"}  # a busy machine answers late


def test_while_the_engine_runs(tmp_path: Path) -> None:
    seen: list[Reconciliation] = []

    async def happens(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("turning"))
        await asyncio.sleep(0.5)
        seen.append(await asyncio.to_thread(compared, engine.settings.data))
        assert engine.state == "running"

    by_the_clock(tmp_path, happens)
    nothing_unexplained(seen[0])
    assert seen[0].figures().fills > 0


def test_after_a_crash_in_the_middle(tmp_path: Path) -> None:
    for path in scripts(tmp_path / "scripts").iterdir():
        if path.stem not in ("turning", "steady"):
            path.unlink()
    command = [sys.executable, "-m", "tests.live.engine.doomed", str(tmp_path), "never", "0"]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert engine.stdout is not None
    with engine.stdout:
        assert any(line == "ready\n" for line in engine.stdout)
        time.sleep(0.4)
        os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    found = compared(by_the_clock(tmp_path, _goes_on))
    nothing_unexplained(found)
    assert found.figures().fills > 20


def test_a_journal_that_does_not_say_what_was_shown_is_not_ok(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.sqlite'}"
    trade(url, range(1), Retention())
    found = compared(tmp_path / "journal.sqlite")
    assert not found.ok
    assert "does not say what it was shown" in found.problems["s"]
    assert set(found.fills["cause"]) == {"unexplained"}
    assert found.figures().fills > 0
