"""What people and accidents do while a version is on trial."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from live.engine import StartRequest
from live.machine import CanaryMoved, StrategyAdmitted, decode_block
from live.promotion import Move, Promotions, compare
from live.promotion.beginning import Promotion, first_step
from tests.live.admission.world import certified
from tests.live.engine.desk import until
from tests.live.promotion.test_promotions import AGREES, QUICK, Trial, on_trial, says, trader
from workbench.core.intents import SeatStrategy
from workbench.errors import CertificateError, StrategyError


def test_a_person_need_not_wait_for_a_comparison(tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)\n")

    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        await trial.promote(trader("2"))
        await trial.trades()
        looking = asyncio.create_task(trial.promotions.look("t"))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(20):
            back = await trial.promotions.demote("t", "ben", "now")
        assert (back.version, looking.done()) == ("1", False)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    on_trial(tmp_path, work, (str(slow),))


def test_the_version_before_has_everything_until_the_new_one_takes_over(tmp_path: Path) -> None:
    """While the new one warms up, and where it does not start at all."""

    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        shares: list[tuple[str, float, float]] = []
        apply = trial.engine.machine.apply

        def watched(item: Any) -> Any:
            facts = apply(item)
            if isinstance(item, StrategyAdmitted | SeatStrategy | CanaryMoved):
                shares.append((type(item).__name__, trial.share, trial.capital))
            return facts

        trial.engine.machine.apply = watched  # type: ignore[method-assign]
        whole = trial.capital
        await trial.promote(trader("2"))
        assert shares == [
            ("StrategyAdmitted", 1.0, whole),
            ("SeatStrategy", 1.0, whole),
            ("CanaryMoved", 0.1, 0.1 * whole),
        ]
        records = trial.engine.journal.read(kinds=["block"])
        blocks = [[type(item) for item in decode_block(record.payload)] for record in records]
        together = next(block for block in reversed(blocks) if SeatStrategy in block)
        assert together.index(CanaryMoved) == together.index(SeatStrategy) + 1
        del shares[:]
        with pytest.raises(StrategyError):
            await trial.promote(trader("3", imports="raise RuntimeError('no')\n\n"))
        assert "CanaryMoved" not in {name for name, *_ in shares}

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_promotion_that_a_crash_has_interrupted_holds_nothing_back(tmp_path: Path) -> None:
    """The engine ends after the trial was noted and before the new version runs."""

    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        script = trial.engine.catalog.store("trader.py", trader("2").encode())
        wanted = Promotion(script, "t", "ana", "it passed")
        ticket = await trial.engine.gate.admit(
            trial.engine.catalog.find(trial.record.source_hash), {}, trial.record.certificate, "t"
        )
        canary, now = trial.promotions._settings, trial.engine.clock.now_ns()
        await trial.engine.ask(first_step(trial.engine.machine, canary, wanted, ticket, now))
        assert trial.share == 0.1
        assert await trial.promotions.look("t") is Move.END
        assert (trial.record.version, trial.record.state, trial.share) == ("1", "running", 1.0)
        assert trial.actions == ["promoted", "superseded"]
        assert not trial.engine.machine.admissions.withdrawn

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_other_parameters_of_the_same_text_give_way_to_those_before(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader())
        line = trial.engine.machine.canaries.lines["t"]
        await trial.engine.ask(msgspec.structs.replace(line, state="passed"))
        data = certified(
            trial.key,
            "trader.py",
            trader(),
            strategy="Trader",
            parameters={"symbols": ["BTC-USD"]},
        )
        name = trial.engine.gate.store.keep(data).certificate.id
        await trial.promote(trader(), certificate=name)
        assert trial.record.config == {"symbols": ["BTC-USD"]}
        back = await trial.promotions.demote("t", "ben", "the old ones were better")
        assert (back.state, back.config) == ("running", {})

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_what_a_person_has_stopped_is_not_replaced_by_what_ran_before(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        await trial.promote(trader("2"))
        await trial.engine.strategies.stop("t", "ana", reason="enough")
        back = await trial.promotions.demote("t", "ben", "for good")
        assert (back.state, back.version, trial.share) == ("stopped", "2", 1.0)
        started = await trial.engine.strategies.start(
            StartRequest(trader_hash(trial, "1"), "t", person="ana")
        )
        assert (started.version, started.state) == ("1", "running")

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_another_certificate_of_the_same_text_goes_with_it(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader())
        data = certified(trial.key, "trader.py", trader(), strategy="Trader")
        renewed = trial.engine.gate.store.keep(data).certificate.id
        again = StartRequest(trial.record.source_hash, "t", person="ana", certificate=renewed)
        assert (await trial.engine.strategies.start(again)).certificate == renewed
        await trial.promotions.demote("t", "ben", "second thoughts")
        assert renewed in trial.engine.machine.admissions.withdrawn
        with pytest.raises(CertificateError, match="withdrawn"):
            await trial.engine.strategies.start(again)

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def trader_hash(trial: Trial, version: str) -> str:
    return next(s.source_hash for s in trial.engine.catalog.scripts() if s.version == version)


def test_an_error_that_nobody_foresaw_does_not_end_the_looking(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader())
        promotions = Promotions(trial.engine, canary=msgspec.structs.replace(QUICK, check_seconds=0.01))
        looked: list[str] = []

        async def broken(name: str) -> Move:
            looked.append(name)
            if len(looked) == 1:
                raise KeyError(name)
            return Move.WAIT

        promotions.look = broken  # type: ignore[method-assign, assignment]
        await until(lambda: len(looked) > 2)
        assert trial.engine.tasks.failures["canaries"] == 1

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_comparison_that_cannot_be_started_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_room(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
    found = asyncio.run(compare("sqlite:///nowhere", "t", 1.0))
    assert (found.ok, found.why) == (None, "no comparison: it cannot be started: Too many open files")
