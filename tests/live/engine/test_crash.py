"""kill -9 at random points and at every boundary of the journal: what comes back is what an unbroken run would have."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from live.engine import StartRequest
from live.engine.reconcile import differences
from live.engine.recovery import recorded_setup, recover
from live.journal import Journal
from live.machine import Machine, decode_block
from tests.live.engine.desk import open_engine, settings_for, until
from tests.live.engine.doomed import LIMITS
from tests.live.engine.scripts import write_script
from tests.live.venues.processes import Exchange, venues
from workbench.core.facts import OrderAccepted
from workbench.core.messages import OrderFill

ROOT = Path(__file__).parents[3]
POINTS = ("before_append", "after_append", "at_durable", "after_release")


def run_until_killed(folder: Path, point: str, count: int, after_s: float | None = None) -> list[int]:
    """Run the doomed engine; what it had promised when it died."""
    command = [sys.executable, "-m", "tests.live.engine.doomed", str(folder), point, str(count)]
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
    ):
        assert child.stdout is not None
        if after_s is not None:
            while child.stdout.readline().strip() != "ready":
                assert child.poll() is None, log.read_text()[-2000:]
            time.sleep(after_s)
            child.kill()
        rest, _ = child.communicate(timeout=240)  # the first life may have to compile the core
    assert child.returncode == -signal.SIGKILL, log.read_text()[-2000:]
    return [int(line.split()[1]) for line in rest.splitlines() if line.startswith("acked")]


def check(folder: Path, promised: list[int]) -> int:
    """What recovery makes of the journal is what an unbroken run makes of its inputs; the inputs there are."""
    journal = Journal.open(f"sqlite:///{folder / 'data' / 'journal.sqlite'}")
    try:
        setup = recorded_setup(journal)
        if setup is None:
            assert promised == []
            return 0
        recovered = recover(journal, setup, 0).machine
        unbroken, orders, executions = Machine(setup), [0], set[tuple[str, int]]()
        for record in journal.read(kinds=["block"]):
            for item in decode_block(record.payload):
                for fact in unbroken.apply(item):
                    if isinstance(fact, OrderAccepted):
                        assert fact.order_id == orders[-1] + 1  # none lost, none doubled
                        orders.append(fact.order_id)
                    elif isinstance(fact, OrderFill):
                        key = (fact.venue, fact.execution_id)
                        assert key not in executions
                        executions.add(key)
    finally:
        journal.close()
    assert bytes(recovered.desk.state) == bytes(unbroken.desk.state)
    assert Machine(setup, recovered.dump()).dump() == Machine(setup, unbroken.dump()).dump()
    kept = {line.ns for line in unbroken.audit if line.action == "promise"}
    assert set(promised) <= kept
    return unbroken.applied


def kill_at_random(folder: Path, times: int, seed: int) -> int:
    chance = random.Random(seed)
    inputs = 0
    for _ in range(times):
        if chance.random() < 0.5:
            promised = run_until_killed(folder, chance.choice(POINTS), chance.randint(1, 150))
        else:
            promised = run_until_killed(folder, "never", 0, chance.uniform(0.0, 0.5))
        found = check(folder, promised)
        assert found >= inputs
        inputs = found
    return inputs


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_boundary_of_the_journal(tmp_path: Path, point: str) -> None:
    for count in (1, 40):
        check(tmp_path, run_until_killed(tmp_path, point, count))


def test_killed_again_and_again_under_load(tmp_path: Path) -> None:
    assert kill_at_random(tmp_path, 4, seed=1) > 0


ALTERNATE = """
self.turn = not getattr(self, "turn", False)
return [MarketSignal(price_update.symbol, None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.1})]
"""


async def kill_beside_an_exchange(folder: Path, times: int, seed: int) -> None:
    """Kill the engine again and again while the exchange, a process of its own, lives on; both agree in the end."""
    chance = random.Random(seed)
    write_script(folder / "scripts", "trader", ALTERNATE)
    async with Exchange(folder) as exchange:
        (folder / "venues.yaml").write_text(venues(folder, exchange.port).read_text())
        for _ in range(times):
            point, count = chance.choice(POINTS), chance.randint(20, 200)
            promised = await asyncio.to_thread(run_until_killed, folder, point, count)
            check(folder, promised)
        market = yaml.safe_load((folder / "venues.yaml").read_text())
        settings = settings_for(folder, strategies_path=folder / "scripts")
        async with open_engine(settings, market, LIMITS) as engine:
            await until(lambda: not engine.problems, 20.0)
            if "trader" not in engine.strategies.slots:
                await engine.strategies.start(StartRequest("trader"))
            seen = engine.machine.blotter.fill_cursor
            await until(lambda: engine.machine.blotter.fill_cursor > seen + 4)
            await engine.strategies.stop("trader", "ana")
            await asyncio.sleep(0.5)
            account = await engine.venues[0].account()
            found = differences(engine.machine, account)
            assert found.positions == {}
            assert (found.unknown_here, found.unknown_there) == ([], [])


def test_killed_beside_an_exchange_that_lives_on(tmp_path: Path) -> None:
    asyncio.run(kill_beside_an_exchange(tmp_path, 3, seed=2))


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_fifty_times_beside_an_exchange(tmp_path: Path) -> None:
    asyncio.run(kill_beside_an_exchange(tmp_path, 50, seed=3))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    for series in range(10):
        folder = tmp_path / str(series)
        folder.mkdir()
        assert kill_at_random(folder, 20, seed=100 + series) > 0
