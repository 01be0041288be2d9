"""Several versions on trial at once: none waits long for what another has to be compared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import pytest

from live.engine import Engine
from live.promotion import Promotion, Promotions, promotions
from tests.live.admission.world import certified, engine_of, settings_of
from tests.live.engine.desk import until
from tests.live.promotion.test_promotions import QUICK, trader
from workbench.certificates import KeyPair, key_pair
from workbench.core.intents import TripBreaker

NAMES: Final = ("one", "two", "three", "four")

# Says that it has begun, and agrees once it is told to: `begun-one-17`, `go-one`.
COMPARISON: Final = """
import os, sys, time
from pathlib import Path

here, name = Path(sys.argv[0]).parent, sys.argv[sys.argv.index("--strategy") + 1]
begun = here / f"begun-{name}-{os.getpid()}"
begun.touch()
while not (here / f"go-{name}").exists():
    time.sleep(0.01)
begun.rename(here / f"done-{name}-{os.getpid()}")
print('{"ok": true, "unexplained_bps": 0.0}')
"""


class Trials:
    """Four strategies on trial, all due, and looked at each 50 ms.  folder: where comparisons say how far they are."""

    def __init__(self, engine: Engine, key: KeyPair, folder: Path) -> None:
        self.engine, self._key, self._folder = engine, key, folder
        self._folder.mkdir()
        (folder / "compare.py").write_text(COMPARISON)
        canary = msgspec.structs.replace(QUICK, shares=(0.1,), min_fills=1, check_seconds=0.05)
        self.promotions = Promotions(engine, canary=canary, command=(str(folder / "compare.py"),))

    async def begin(self) -> None:
        source = trader()
        script = self.engine.catalog.store("trader.py", source.encode())
        for name in NAMES:
            data = certified(self._key, "trader.py", source, strategy="Trader")
            kept = self.engine.gate.store.keep(data).certificate.id
            await self.promotions.promote(Promotion(script, name, "ana", "it passed", kept))

    def at(self, what: str) -> list[str]:
        """Names of comparisons that have begun and are not done, or are done; one for each process."""
        return sorted(path.name.split("-")[1] for path in self._folder.glob(f"{what}-*"))

    def go(self, name: str) -> None:
        (self._folder / f"go-{name}").touch()

    def state(self, name: str) -> str:
        return self.engine.machine.canaries.lines[name].state


async def on_trials(folder: Path) -> tuple[list[str], list[str]]:
    """Names of those that are compared first, and of those that are due as well while these are."""
    key = key_pair(folder / "keys")
    async with engine_of(settings_of(folder, key.public_file.parent)) as engine:
        trials = Trials(engine, key, folder / "compared")
        try:
            await trials.begin()
            await until(lambda: len(trials.at("begun")) >= promotions._COMPARED_AT_ONCE, 60.0)
            results = engine.machine.results
            await until(lambda: all(sum(results.trades(name)) > 0 for name in NAMES), 60.0)
            await asyncio.sleep(0.5)  # ten looks more
            first = trials.at("begun")
            waiting = [name for name in NAMES if name not in first]
            if waiting:
                await freed(trials, first, waiting)
            return first, waiting
        finally:
            await trials.promotions.close()
            await until(lambda: not running(folder / "compared"))


async def freed(trials: Trials, first: list[str], waiting: list[str]) -> None:
    """One that is done makes room for the next; one that a breaker stops is taken back, compared or not."""
    trials.go(first[0])
    await until(lambda: trials.state(first[0]) == "passed")
    await until(lambda: len(trials.at("begun")) == len(first))
    (second,) = [name for name in trials.at("begun") if name in waiting]
    for name in (first[1], next(name for name in waiting if name != second)):
        await trials.engine.ask(TripBreaker("ana", "a drill", name))
        await until(lambda name=name: trials.state(name) == "failed")  # type: ignore[misc]
    assert trials.at("done") == [first[0]]
    assert trials.state(second) == "growing"


def running(folder: Path) -> list[str]:
    """Processes of comparisons that still run."""
    pids = [path.name.split("-")[2] for path in folder.glob("begun-*")]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_two_are_compared_at_once_and_each_strategy_by_one(tmp_path: Path) -> None:
    first, waiting = asyncio.run(on_trials(tmp_path))
    assert len(first) == len(set(first)) == 2
    assert len(waiting) == 2


def test_without_a_bound_all_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotions, "_COMPARED_AT_ONCE", 4)
    first, waiting = asyncio.run(on_trials(tmp_path))
    assert (first, waiting) == (sorted(NAMES), [])
