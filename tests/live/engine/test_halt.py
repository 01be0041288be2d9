"""Where nothing can be recorded, nothing is traded; and it goes on when there is room and a person says so."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from live.engine import Engine, StartRequest, sessions
from live.machine import Answered, AuditLine
from live.messages import CancelOrder
from live.venues.embedded import EmbeddedVenue
from tests.faults.harness import book_market
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.core.facts import OrderAccepted
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal
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


ROOM = JournalFailed("no room", "full", final=False)
BUY = MarketSignal(
    "BTC-USD", None, 1.0, 1.0, {"order_type": "limit", "limit_price": 20_000.0, "quantity": 0.01}
)


def embedded(engine: Engine) -> EmbeddedVenue:
    (venue,) = engine.venues
    assert isinstance(venue, EmbeddedVenue)
    return venue


@asynccontextmanager
async def trading_at_an_exchange(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine whose strategy sends nothing by itself, at an exchange that agrees with it."""
    write_script(tmp_path / "scripts", "quiet", "return []")
    settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
    async with open_engine(settings, book_market(), RiskLimits.unlimited()) as engine:
        await until(lambda: not engine.problems)
        await engine.strategies.start(StartRequest("quiet", warm_up=False))
        await until(lambda: engine.machine.desk.view.instruments[0].mark > 0.0)
        yield engine


def test_an_order_that_never_left_has_ended_as_soon_as_a_person_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_LOOK_S", 600.0)  # nothing else finds it

    async def run() -> None:
        async with trading_at_an_exchange(tmp_path) as engine:
            facts = engine.pump.carry(Answered("quiet", 1, [BUY]))
            (order,) = [fact.order_id for fact in facts if isinstance(fact, OrderAccepted)]
            engine.pump._failed(ROOM)  # before that was durable
            await engine.journal.wait(engine.journal.appended)
            await asyncio.sleep(0.1)
            assert order in engine.machine.blotter.working
            await engine.resume()
            await until(lambda: order not in engine.machine.blotter.working, 3.0)
            await until(lambda: not engine.problems)
            assert not (await embedded(engine).account()).open_orders

    asyncio.run(run())


@pytest.mark.parametrize("up", [False, True])
def test_a_session_that_changed_meanwhile_is_known_after_the_resumption(tmp_path: Path, up: bool) -> None:
    """Lost during the halt, or lost before it and back during it."""

    async def run() -> None:
        async with trading_at_an_exchange(tmp_path) as engine:
            row = engine.machine.desk.view.venues[0]
            if up:
                embedded(engine).inject("disconnect", None, 0.5)
                await until(lambda: not row.up)
            engine.pump._failed(ROOM)
            if not up:
                embedded(engine).inject("disconnect", None, 600.0)
            await asyncio.sleep(1.0)
            assert bool(row.up) is not up  # as before
            await engine.resume()
            await until(lambda: bool(row.up) is up and ("venue x" in engine.problems) is not up)

    asyncio.run(run())


def test_reports_of_the_halt_are_fetched_at_the_resumption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_LOOK_S", 600.0)

    async def run() -> None:
        async with trading_at_an_exchange(tmp_path) as engine:
            facts = await engine.ask(Answered("quiet", 1, [BUY]))
            (order,) = [fact.order_id for fact in facts if isinstance(fact, OrderAccepted)]
            async with asyncio.timeout(10.0):
                while not (await embedded(engine).account()).open_orders:
                    await asyncio.sleep(0.02)
            engine.pump._failed(ROOM)
            embedded(engine).send([CancelOrder(order)])
            async with asyncio.timeout(10.0):
                while (await embedded(engine).account()).open_orders:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)
            assert order in engine.machine.blotter.working
            await engine.resume()
            await until(lambda: order not in engine.machine.blotter.working, 5.0)

    asyncio.run(run())


def test_a_strategy_that_dies_in_a_halt_is_settled_at_the_resumption(tmp_path: Path) -> None:
    async def run() -> None:
        async with trading_at_an_exchange(tmp_path) as engine:
            facts = await engine.ask(Answered("quiet", 1, [BUY]))
            (order,) = [fact.order_id for fact in facts if isinstance(fact, OrderAccepted)]
            slot = engine.strategies.slots["quiet"]
            assert slot.runner is not None
            assert slot.runner.worker is not None
            engine.pump._failed(ROOM)
            slot.runner.worker.kill("a drill")
            await until(lambda: slot.runner is None)
            await asyncio.sleep(0.1)
            assert order in engine.machine.blotter.working
            await engine.resume()
            await until(lambda: order not in engine.machine.blotter.working)
            await until(lambda: slot.record.state == "running" and slot.runner is not None)  # started again
            assert slot.record.restarts == 1

    asyncio.run(run())


def test_two_engines_do_not_share_a_journal(tmp_path: Path) -> None:
    async def run() -> None:
        settings = settings_for(tmp_path)
        async with open_engine(settings, paper_market(20.0)):
            with pytest.raises(JournalLocked, match="in use by the engine of process"):
                async with open_engine(settings, paper_market(20.0)):
                    pass

    asyncio.run(run())
