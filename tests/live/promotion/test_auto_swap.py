"""A changed file that takes over by itself goes the way of any other new version: certified, and on trial."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from live.engine import StartRequest
from live.engine.watching import AUTO_SWAP, Offer
from tests.live.admission.test_slow_disk import Held
from tests.live.admission.world import certified
from tests.live.engine.desk import until
from tests.live.promotion.test_promotions import AGREES, Trial, on_trial, says, trader

NAME: Final = "trader"


class Watched:
    """`trader.py` of the folder, version 1, runs with everything; who changes the file waits for what becomes of it."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.engine = trial, trial.engine
        self.file = self.engine.settings.strategies_path / "trader.py"

    async def begin(self) -> None:
        self.engine.watcher._interval_s = 0.05
        self.certify("1")
        self.file.write_text(trader("1"))
        request = StartRequest(NAME, person="ana")
        record = await self.trial.promotions.start(request, whole=True)
        assert (record.version, record.state, self.share) == ("1", "running", 1.0)

    def certify(self, version: str) -> str:
        source = trader(version)
        data = certified(self.trial.key, "trader.py", source, strategy="Trader", version=version)
        return self.engine.gate.store.keep(data).certificate.id

    @property
    def share(self) -> float:
        return self.engine.machine.canaries.share(NAME)

    @property
    def version(self) -> str:
        record = self.engine.machine.strategies[NAME]
        return record.version if record.state == "running" else record.state

    async def refused(self) -> Offer:
        offers = self.engine.watcher.offers
        await until(lambda: NAME in offers and offers[NAME].problem)
        return offers[NAME]


def watched(folder: Path, work: Callable[[Watched], Awaitable[None]], **given: Any) -> None:
    async def run(trial: Trial) -> None:
        found = Watched(trial)
        await found.begin()
        await work(found)

    on_trial(folder, run, says(folder, AGREES), strategy_auto_swap=True, **given)


def test_a_certified_version_goes_on_trial(tmp_path: Path) -> None:
    async def work(w: Watched) -> None:
        certificate = w.certify("2")
        w.file.write_text(trader("2"))
        await until(lambda: w.version == "2")
        await until(lambda: w.trial.actions[-1:] == ["promoted"])
        assert w.share == 0.1
        line = w.engine.machine.history[-1]
        assert (line.person, line.reason, line.certificate) == (
            AUTO_SWAP,
            "its file has changed",
            certificate,
        )
        back = await w.trial.promotions.demote(NAME, "ben", "second thoughts")
        assert (back.version, w.share) == ("1", 1.0)
        assert "was withdrawn" in (await w.refused()).problem  # and it does not come back by itself

    watched(tmp_path, work)


def test_with_nothing_between_it_would_have_everything(tmp_path: Path) -> None:
    """The control off: the watcher starts what it has found by itself."""

    async def work(w: Watched) -> None:
        async def plainly(request: StartRequest, check: Any) -> Any:
            return await w.engine.strategies.start(request, check=check)

        w.engine.watcher.swap = plainly
        w.certify("2")
        w.file.write_text(trader("2"))
        await until(lambda: w.version == "2")
        assert (w.share, w.trial.actions) == (1.0, [])

    watched(tmp_path, work)


def test_one_that_nobody_has_certified_stays_an_offer(tmp_path: Path) -> None:
    async def work(w: Watched) -> None:
        w.file.write_text(trader("2"))
        offer = await w.refused()
        assert "is not what was certified" in offer.problem
        assert (w.version, w.share) == ("1", 1.0)

    watched(tmp_path, work)


def test_one_that_was_accepted_before_has_everything(tmp_path: Path) -> None:
    async def work(w: Watched) -> None:
        w.certify("2")
        w.engine.watcher._interval_s = 3600.0
        await asyncio.sleep(0.2)
        w.file.write_text(trader("2"))
        await w.trial.promotions.start(StartRequest(NAME, person="risk"), whole=True)
        assert (w.version, w.share) == ("2", 1.0)
        w.file.write_text(trader("1"))
        for _ in range(2):
            await w.engine.watcher.look()
        assert (w.version, w.share, w.trial.actions) == ("1", 1.0, [])

    watched(tmp_path, work)


def test_where_nobody_puts_it_on_trial_it_is_refused(tmp_path: Path) -> None:
    async def work(w: Watched) -> None:
        await w.trial.promotions.close()
        w.certify("2")
        w.file.write_text(trader("2"))
        offer = await w.refused()
        assert offer.problem.startswith("a new version of trader goes on trial first")
        assert (w.version, w.share) == ("1", 1.0)

    watched(tmp_path, work)


def test_where_no_certificates_are_required_it_has_everything(tmp_path: Path) -> None:
    async def work(w: Watched) -> None:
        w.file.write_text(trader("2"))
        await until(lambda: w.version == "2")
        assert (w.share, w.trial.actions) == (1.0, [])

    watched(tmp_path, work, require_certificate=False)


def test_what_is_stopped_while_its_new_version_is_looked_at_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(w: Watched) -> None:
        held = Held(tmp_path, monkeypatch, f"{w.certify('2')}.json")
        w.file.write_text(trader("2"))
        await until(held.reached.is_set)
        await w.engine.strategies.stop(NAME, "ana")
        held.go_on.set()
        assert "does not run any more" in (await w.refused()).problem
        assert (w.version, w.share) == ("stopped", 1.0)

    watched(tmp_path, work)
