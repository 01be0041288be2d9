"""A version on trial: it grows where live and replay agree, and gives way to the one before where they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from live.engine import Engine
from live.machine import StrategyRecord
from live.promotion import Move, Promotion, Promotions
from tests.live.admission.world import certified, engine_of, settings_of
from tests.live.engine.desk import until
from workbench.certificates import key_pair
from workbench.configuration.certification_rollout import CanarySettings
from workbench.core.intents import TripBreaker
from workbench.errors import CertificateError, EngineError, StrategyError

QUICK: Final = CanarySettings((0.1, 0.5), 0.0, 3, 1.0, 2, 3600.0)

TRADER = '''"""Buys and sells in turn."""

{imports}from workbench.strategy import MarketSignal, TradingStrategy


class Trader(TradingStrategy):
    """Buys and sells in turn, some three times a second: 200 executions a minute are the most that is allowed."""

    VERSION = "{version}"

    def __init__(self, config):
        super().__init__(config)
        self.count = 0

    def on_market_data(self, price_update):
        if price_update.symbol != "BTC-USD" or price_update.venue != "a":
            return []
        self.count += 1
        if self.count % 15:
            return []
        side = 1.0 if self.count % 2 else -1.0
        return [MarketSignal("BTC-USD", None, side, 1.0, {{"quantity": {quantity}, "venue": "a"}})]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''


def trader(version: str = "1", quantity: str = "0.01", imports: str = "") -> str:
    return TRADER.format(version=version, quantity=quantity, imports=imports)


LUCKY: Final = trader("lucky", "round(random.uniform(0.01, 0.02), 4)", "import random\n\n")
"""It trades otherwise each time that it is run."""


class Trial:
    """An engine with a gate, and promotions that are looked at when a test says so."""

    def __init__(self, engine: Engine, key: Any, command: tuple[str, ...] | None) -> None:
        """command: None for the real comparison, which takes its time: then there is one step alone."""
        self.engine, self.key = engine, key
        if command is None:
            self.promotions = Promotions(engine, canary=msgspec.structs.replace(QUICK, shares=(0.1,)))
        else:
            self.promotions = Promotions(engine, canary=QUICK, command=command)

    async def promote(self, source: str, **more: Any) -> StrategyRecord:
        """Upload, keep an honest certificate, and promote."""
        script = self.engine.catalog.store("trader.py", source.encode())
        data = certified(self.key, "trader.py", source, strategy="Trader", version=script.version)
        name = self.engine.gate.store.keep(data).certificate.id
        return await self.promotions.promote(
            Promotion(script, "t", "ana", "it passed", **{"certificate": name, **more})
        )

    async def trades(self, count: int = 3) -> None:
        """Until it has so many fills more."""
        results = self.engine.machine.results
        wanted = sum(results.trades("t")) + count
        await until(lambda: sum(results.trades("t")) >= wanted, 30.0)

    @property
    def record(self) -> StrategyRecord:
        return self.engine.machine.strategies["t"]

    @property
    def share(self) -> float:
        return self.engine.machine.canaries.share("t")

    @property
    def capital(self) -> float:
        desk = self.engine.machine.desk
        return float(desk.view.strategies[desk.strategy_index("t")].capital)

    @property
    def actions(self) -> list[str]:
        return [line.action for line in self.engine.machine.history]


def on_trial(
    folder: Path,
    work: Callable[[Trial], Awaitable[None]],
    command: tuple[str, ...] | None = None,
    **given: Any,
) -> None:
    async def run() -> None:
        key = key_pair(folder / "keys")
        async with engine_of(settings_of(folder, key.public_file.parent, **given)) as engine:
            trial = Trial(engine, key, command)
            try:
                await work(trial)
            finally:
                await trial.promotions.close()

    asyncio.run(run())


def says(folder: Path, text: str) -> tuple[str, ...]:
    """A comparison that says `text`."""
    path = folder / "says.py"
    path.write_text(f"import sys\nprint({text!r})\n")
    return (str(path),)


AGREES: Final = '{"ok": true, "unexplained_bps": 0.0}'
DIFFERS: Final = '{"ok": false, "unexplained_bps": 12.0, "unexplained": 3}'


def test_it_grows_where_live_and_replay_agree_and_gives_way_where_they_do_not(tmp_path: Path) -> None:
    """With the real comparison: a deterministic version, then one that trades by luck."""

    async def work(trial: Trial) -> None:
        whole = await trial.promote(trader("1"))
        assert (whole.state, whole.version, trial.share) == ("running", "1", 0.1)
        first = trial.capital
        await trial.trades()
        assert await trial.promotions.look("t") is Move.GROW
        assert trial.share == 1.0
        assert trial.capital == pytest.approx(10 * first)
        assert await trial.promotions.look("t") is Move.WAIT
        assert trial.actions == ["promoted", "completed"]

        lucky = await trial.promote(LUCKY)
        assert (lucky.version, trial.share) == ("lucky", 0.1)
        await trial.trades()
        assert await trial.promotions.look("t") is Move.DEMOTE
        assert (trial.record.version, trial.record.state, trial.share) == ("1", "running", 1.0)
        assert trial.actions[2:] == ["promoted", "demoted", "rolled_back"]
        demoted = trial.engine.machine.history[-2]
        assert (demoted.person, demoted.certificate) == ("canary", lucky.certificate)
        assert "live and replay differ" in demoted.reason
        with pytest.raises(CertificateError, match="withdrawn"):
            await trial.promote(LUCKY, certificate=lucky.certificate)

    on_trial(tmp_path, work)


def test_where_nothing_ran_before_it_is_stopped(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        reader = trial.engine.events.subscribe(("alerts",))
        await trial.promote(trader(), on_failure="flatten")
        await trial.trades()
        assert await trial.promotions.look("t") is Move.DEMOTE
        assert (trial.record.state, trial.share) == ("stopped", 1.0)
        assert trial.actions == ["promoted", "demoted", "stopped"]
        told: list[Any] = []
        while "canary_demoted" not in told:
            told += [event.body.get("alert") for event in await reader.next()]
        desk = trial.engine.machine.desk
        await until(lambda: desk.position(desk.strategy_index("t"), "BTC-USD") == 0.0)

    on_trial(tmp_path, work, says(tmp_path, DIFFERS))


def test_one_that_cannot_be_compared_holds_its_step_and_gives_way_in_the_end(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader())
        await trial.trades()
        assert await trial.promotions.look("t") is Move.WAIT
        assert trial.share == 0.1
        assert await trial.promotions.look("t") is Move.DEMOTE
        assert "could not be compared 2 times in a row" in trial.engine.machine.history[1].reason

    on_trial(tmp_path, work, says(tmp_path, "no JSON"))


def test_a_breaker_ends_a_trial_without_waiting_for_its_time(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader())
        await trial.engine.ask(TripBreaker("ana", "a drill", "t"))
        assert await trial.promotions.look("t") is Move.DEMOTE
        assert "breakers have stopped it: manual" in trial.engine.machine.history[1].reason

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_person_takes_it_back(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        assert trial.share == 1.0
        with pytest.raises(EngineError, match="t is on no trial"):
            await trial.promotions.demote("t", "ben", "second thoughts")
        await trial.promote(trader("2"))
        await trial.promote(trader("3"))
        assert (trial.record.version, trial.share) == ("3", 0.1)
        back = await trial.promotions.demote("t", "ben", "second thoughts")
        assert (back.version, trial.share) == ("1", 1.0)  # not the 2, which was on trial itself
        line = trial.engine.machine.history[-1]
        assert (line.action, line.person, line.reason) == ("rolled_back", "ben", "second thoughts")

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_promotion_that_cannot_start_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def work(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        broken = trader("2").replace("self.count = 0", "self.count = 1 / 0")
        before = trial.record
        with pytest.raises(StrategyError, match="division by zero"):
            await trial.promote(broken)
        assert (trial.record, trial.share) == (before, 1.0)
        assert trial.actions == ["promoted"]

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_step_is_real_at_the_desk(tmp_path: Path) -> None:
    """0.5 BTC are some 15,000 of a limit of 1,000,000; 5 BTC are above a tenth of what a strategy may hold."""

    async def work(trial: Trial) -> None:
        await trial.promote(trader("small", "0.5"))
        await trial.trades(1)
        await trial.promote(trader("large", "5.0"))
        breaches = trial.engine.machine.breaches
        await until(lambda: any(name == "t" for _, name in breaches))
        assert {kind for kind, name in breaches if name == "t"} == {
            "max_order_value",
            "notional_limit",
            "strategy_limit",
        }

    on_trial(tmp_path, work, says(tmp_path, AGREES))


def test_a_trial_goes_on_after_the_engine_was_started_again(tmp_path: Path) -> None:
    command = says(tmp_path, AGREES)

    async def begin(trial: Trial) -> None:
        await trial.promote(trader())
        await trial.trades()
        assert await trial.promotions.look("t") is Move.GROW

    async def go_on(trial: Trial) -> None:
        assert (trial.record.state, trial.share) == ("running", 0.5)
        assert await trial.promotions.look("t") is Move.WAIT  # no fills yet at this step
        await trial.trades()
        assert await trial.promotions.look("t") is Move.GROW
        assert (trial.share, trial.actions) == (1.0, ["promoted", "step_passed", "completed"])

    on_trial(tmp_path, begin, command)
    on_trial(tmp_path, go_on, command)


def test_a_rollback_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine ends after the certificate is withdrawn and before the version before runs."""
    command = says(tmp_path, DIFFERS)

    async def interrupted(trial: Trial) -> None:
        await trial.promote(trader("1"), canary=False)
        await trial.promote(trader("2"))
        await trial.trades()

        async def ends(*_: Any) -> None:
            raise EngineError("the engine ends here")

        with monkeypatch.context() as patch:
            patch.setattr("live.promotion.demoting._back", ends)
            with pytest.raises(EngineError, match="ends here"):
                await trial.promotions.look("t")
        assert (trial.record.version, trial.share) == ("2", 0.1)

    async def again(trial: Trial) -> None:
        assert (trial.record.state, trial.share) == ("failed", 0.1)  # its certificate is withdrawn
        assert await trial.promotions.look("t") is Move.DEMOTE
        assert (trial.record.version, trial.record.state, trial.share) == ("1", "running", 1.0)
        assert trial.actions == ["promoted", "promoted", "demoted", "rolled_back"]

    on_trial(tmp_path, interrupted, command)
    on_trial(tmp_path, again, command)
