"""The life of a strategy in the engine: started, swapped, stopped, and dying without harm to the others."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from live.engine import Engine, StartRequest
from live.session import read_session
from tests.live.engine.desk import SCRIPTS, open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import WITNESS, write_script
from workbench.core.intents import ResetBreaker, StrategyFailed, TripBreaker
from workbench.core.limits import CircuitBreakers, RiskLimits
from workbench.errors import StrategyError

NO_LIQUIDATION = RiskLimits(circuit_breakers=CircuitBreakers(liquidate=False))

type Work = Callable[[Engine, Path], Awaitable[None]]

BUY = (
    'return [MarketSignal(price_update.symbol, None, 0.01, 1.0, {"order_type": "limit", "limit_price": 1.0})]'
)


def engine_with(tmp_path: Path, work: Work, limits: RiskLimits | None = None, **given: Any) -> int:
    """Run `work` on an engine with a made-up market, whose scripts are in a folder of the test's own.

    Prices that were conflated, as on a busy machine.
    """
    folder = tmp_path / "scripts"
    folder.mkdir(exist_ok=True)

    async def run() -> int:
        given.setdefault(
            "risk_check_timeout_ms", 60_000.0
        )  # a busy machine must not refuse what a test looks for
        settings = settings_for(tmp_path, strategies_path=folder, **given)
        async with open_engine(settings, paper_market(5.0), limits) as engine:
            await work(engine, folder)
        return engine.strategies.processes.conflated

    return asyncio.run(run())


def test_it_starts_trades_and_stops_and_doing_so_twice_changes_nothing(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        shutil.copy(SCRIPTS / "market_making.py", folder)
        started = await engine.strategies.start(StartRequest("market_making", "mm", person="ana"))
        assert (started.state, started.person, started.class_name) == (
            "running",
            "ana",
            "MarketMakingStrategy",
        )
        assert await engine.strategies.start(StartRequest("market_making", "mm")) == started
        await until(lambda: engine.machine.blotter.working)
        stopped = await engine.strategies.stop("mm", "ana", reason="enough")
        assert (stopped.state, stopped.reason) == ("stopped", "enough")
        assert not engine.machine.blotter.working
        assert await engine.strategies.stop("mm", "ana") == stopped
        again = await engine.strategies.start(StartRequest("market_making", "mm"))
        assert (again.state, again.launch) == ("running", 2)

    engine_with(tmp_path, work)


def test_what_it_answers_while_it_is_stopped_comes_to_no_order(tmp_path: Path) -> None:
    """It thinks while its orders are cancelled, and says what it wants before its process has ended."""

    async def work(engine: Engine, folder: Path) -> None:
        write_script(
            folder,
            "slow",
            """
import time
if not self.positions:
    return [MarketSignal(price_update.symbol, None, 0.01, 1.0)]
time.sleep(0.03)
resting = {"order_type": "limit", "limit_price": 0.95 * price_update.bid}
return [MarketSignal(price_update.symbol, None, 0.01, 1.0, resting)]
""",
        )
        await engine.strategies.start(StartRequest("slow"))
        runner = engine.strategies.slots["slow"].runner
        assert runner is not None
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") > 0 and runner.unanswered > 3)
        answered = runner.answered
        await engine.strategies.stop("slow", "ana")
        assert runner.answered > answered
        assert not engine.machine.blotter.working

    engine_with(tmp_path, work, strategy_hard_ms=60_000.0)


def test_stopping_may_close_what_is_held(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(
            folder,
            "buyer",
            "return [] if self.positions else [MarketSignal(price_update.symbol, None, 0.01, 1.0)]",
        )
        await engine.strategies.start(StartRequest("buyer"))
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") > 0)
        await engine.strategies.stop("buyer", "ana", flatten=True)
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") == 0)

    engine_with(tmp_path, work)


def test_what_is_stopped_may_be_closed_afterwards(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(
            folder,
            "buyer",
            "return [] if self.positions else [MarketSignal(price_update.symbol, None, 0.01, 1.0)]",
        )
        await engine.strategies.start(StartRequest("buyer"))
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") > 0)
        await engine.strategies.stop("buyer", "ana")
        assert engine.machine.desk.position(0, "BTC-USD") > 0
        await engine.strategies.stop("buyer", "ana", flatten=True)
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") == 0)

    engine_with(tmp_path, work)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (StartRequest("nothing"), "no strategy 'nothing' is available; there is: broken, fine, runaway"),
        (StartRequest("broken"), "expected Python"),
        (StartRequest("fine", "no spaces"), "a strategy's id is"),
        (StartRequest("fine", on_failure="pray"), "on_failure must be hold or flatten"),
        (StartRequest("fine", config={"unit": -1.0}), "unit"),
        (StartRequest("runaway"), "ENABLE_CHAOS_STRATEGIES"),
    ],
)
def test_what_cannot_be_started_says_why(tmp_path: Path, request_: StartRequest, message: str) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "fine", "return []")
        write_script(folder / "chaos", "runaway", "return []")
        (folder / "broken.py").write_text("class X(")
        with pytest.raises(StrategyError, match=message):
            await engine.strategies.start(request_)
        states = {record.state for record in engine.machine.strategies.values()}
        assert states <= {"failed"}

    engine_with(tmp_path, work)


def test_beyond_the_most_no_strategy_is_started(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "quiet", "return []")
        outcomes = await asyncio.gather(
            *(engine.strategies.start(StartRequest("quiet", f"s{i}")) for i in range(12)),
            return_exceptions=True,
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, StrategyError)]
        assert len(refused) == 9
        assert all("MAX_CONCURRENT_STRATEGIES" in str(error) for error in refused)

    engine_with(tmp_path, work, max_concurrent_strategies=3)


def test_one_that_raises_is_stopped_by_its_breaker_and_the_other_misses_nothing(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        write_script(folder, "raiser", 'raise ValueError("no idea")')
        await engine.strategies.start(StartRequest("witness"))
        await engine.strategies.start(StartRequest("raiser"))
        await until(lambda: engine.machine.desk.halted("raiser"))
        assert engine.machine.desk.halted("raiser") == ("strategy_error",)
        assert "no idea" in engine.strategies.slots["raiser"].errors[-1]
        await asyncio.sleep(0.2)

    conflated = engine_with(tmp_path, work)
    assert_seen_once(tmp_path, "witness", conflated)


ERRS_WHEN_IT_HOLDS = """
if self.positions:
    raise ValueError("no idea")
return [MarketSignal(price_update.symbol, None, 0.01, 1.0)] if price_update.symbol == "BTC-USD" else []
"""


async def stopped_for_errors(engine: Engine, strategy_id: str) -> str:
    """Until it was stopped; for which reason."""
    slot = engine.strategies.slots[strategy_id]
    runner = slot.runner
    assert runner is not None
    assert runner.worker is not None
    await until(lambda: slot.record.state == "failed" and not slot.stopping, 20.0)
    assert engine.machine.desk.halted(strategy_id) == ("strategy_error",)
    assert runner.worker.exit is not None
    await until(lambda: runner not in engine.strategies.processes.listeners)
    return slot.record.reason


@pytest.mark.parametrize(("on_failure", "kept"), [("hold", True), ("flatten", False)])
def test_one_whose_errors_have_latched_its_breaker_is_no_longer_run(
    tmp_path: Path, on_failure: str, kept: bool
) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "raiser", ERRS_WHEN_IT_HOLDS)
        request = StartRequest("raiser", on_failure=on_failure, warm_up=False)
        await engine.strategies.start(request)
        assert "no idea" in await stopped_for_errors(engine, "raiser")
        if kept:
            await asyncio.sleep(0.1)
            assert not engine.machine.blotter.working
            assert engine.machine.desk.position(0, "BTC-USD") > 0
        else:
            await until(lambda: engine.machine.desk.position(0, "BTC-USD") == 0)
        with pytest.raises(StrategyError, match="workbench live reset --strategy raiser"):
            await engine.strategies.start(request)
        await engine.ask(ResetBreaker("ana", "looked into", "raiser"))
        assert (await engine.strategies.start(request)).state == "running"

    engine_with(tmp_path, work, limits=NO_LIQUIDATION)


def test_another_version_may_take_over_and_waits_for_the_reset_but_errs_no_second_time(
    tmp_path: Path,
) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "one", 'raise ValueError("no idea")')
        await engine.strategies.start(StartRequest("one"))
        await stopped_for_errors(engine, "one")
        write_script(folder, "one", WITNESS)
        assert (await engine.strategies.start(StartRequest("one"))).state == "running"
        assert engine.machine.desk.halted("one") == ("strategy_error",)
        await engine.ask(StrategyFailed("one", "no idea"))
        await stopped_for_errors(engine, "one")

    engine_with(tmp_path, work)


def test_what_its_losses_have_stopped_goes_on_running(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "one", WITNESS)
        await engine.strategies.start(StartRequest("one"))
        await engine.ask(TripBreaker("ana", "a drill", "one"))
        await engine.ask(StrategyFailed("one", "no idea"))
        await asyncio.sleep(0.3)
        assert engine.machine.desk.halted("one") == ("manual",)
        assert engine.strategies.slots["one"].record.state == "running"

    engine_with(tmp_path, work)


def test_after_a_crash_of_the_engine_its_breaker_keeps_it_from_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first(engine: Engine, folder: Path) -> None:
        write_script(folder, "one", WITNESS)
        await engine.strategies.start(StartRequest("one"))
        monkeypatch.setattr(engine.breakers, "see", lambda _: None)  # as where it is killed just before
        for _ in range(5):
            await engine.ask(StrategyFailed("one", "no idea"))
        assert engine.machine.desk.halted("one") == ("strategy_error",)
        assert engine.machine.strategies["one"].state == "running"

    async def then(engine: Engine, _: Path) -> None:
        record = engine.machine.strategies["one"]
        assert (record.state, record.reason) == (
            "failed",
            "not started again, as its breaker strategy_error is latched",
        )

    engine_with(tmp_path, first)
    engine_with(tmp_path, then)


def seen(tmp_path: Path, strategy: str) -> Counter[tuple[str, str, int]]:
    """How often each update was signed for."""
    session = read_session(tmp_path / "data")
    found: Counter[tuple[str, str, int]] = Counter()
    for sent in session.signals:
        if sent.strategy_id == strategy:
            about = sent.signal.metadata
            found[sent.signal.symbol, about["venue"], about["sequence"]] += 1
    return found


def assert_seen_once(tmp_path: Path, strategy: str, conflated: int = 0) -> None:
    """Every update between the first and the last that it signed for was signed for once, but for conflated ones."""
    found = seen(tmp_path, strategy)
    assert found
    assert set(found.values()) == {1}
    missing = 0
    for symbol, venue in {(symbol, venue) for symbol, venue, _ in found}:
        sequences = sorted(s for y, v, s in found if (y, v) == (symbol, venue))
        missing += sequences[-1] + 1 - sequences[0] - len(sequences)
    assert missing <= conflated  # a busy machine may fall behind, and then says so


def swap(tmp_path: Path, times: int, isolation: str) -> None:
    conflated: list[int] = []

    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS, version="0")
        await engine.strategies.start(StartRequest("witness"))
        for version in range(1, times + 1):
            write_script(folder, "witness", WITNESS, version=str(version))
            swapped = await engine.strategies.start(StartRequest("witness"))
            assert (swapped.version, swapped.state) == (str(version), "running")
        await asyncio.sleep(0.1)
        await until(lambda: engine.strategies.slots["witness"].runner.quiet)  # type: ignore[union-attr]
        assert engine.strategies.swaps == times
        conflated.append(engine.strategies.processes.conflated)

    minimum = "none" if isolation == "thread" else "rlimits"
    engine_with(tmp_path, work, strategy_isolation=isolation, strategy_isolation_minimum=minimum)
    assert_seen_once(tmp_path, "witness", *conflated)


@pytest.mark.parametrize("isolation", ["thread", "sandbox"])
def test_a_swap_loses_no_update_and_shows_none_twice(tmp_path: Path, isolation: str) -> None:
    swap(tmp_path, 8, isolation)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_swaps(tmp_path: Path) -> None:
    swap(tmp_path, 1000, "sandbox")


@pytest.mark.parametrize("body", ["this is no Python", "import nonsense_that_is_not_there"])
def test_a_swap_to_what_cannot_be_loaded_leaves_the_old_one_running(tmp_path: Path, body: str) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        path = write_script(folder, "witness", WITNESS)
        before = await engine.strategies.start(StartRequest("witness"))
        path.write_text(body + "\n" + path.read_text())
        with pytest.raises(StrategyError):
            await engine.strategies.start(StartRequest("witness"))
        assert engine.strategies.slots["witness"].record == before
        await asyncio.sleep(0.1)

    conflated = engine_with(tmp_path, work)
    assert_seen_once(tmp_path, "witness", conflated)


def test_a_restart_finds_what_ran_though_its_file_has_changed_or_gone(tmp_path: Path) -> None:
    async def first(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS, version="1")
        write_script(folder, "gone", WITNESS, version="1")
        for name in ("witness", "gone"):
            await engine.strategies.start(StartRequest(name))

    engine_with(tmp_path, first)
    write_script(tmp_path / "scripts", "witness", WITNESS, version="2")
    (tmp_path / "scripts" / "gone.py").unlink()

    async def second(engine: Engine, _: Path) -> None:
        states = {
            name: (slot.record.state, slot.record.version) for name, slot in engine.strategies.slots.items()
        }
        assert states == {"witness": ("running", "1"), "gone": ("running", "1")}

    engine_with(tmp_path, second)


DIE = """
import ctypes
if price_update.sequence > 20:
    ctypes.string_at(0)
return [MarketSignal(price_update.symbol, None, 0.01, 1.0, {"order_type": "limit", "limit_price": 30000.0 * 0.95})]
"""


def test_one_that_dies_has_its_orders_cancelled_is_restarted_and_given_up(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        write_script(folder, "dying", DIE)
        await engine.strategies.start(StartRequest("witness"))
        await engine.strategies.start(StartRequest("dying", config={"symbols": ["BTC-USD"]}))
        slot = engine.strategies.slots["dying"]
        await until(lambda: slot.record.restarts == 1, 15.0)
        await until(lambda: slot.record.state == "failed" and "not started again" in slot.record.reason, 15.0)
        assert "crashed" in slot.record.reason
        assert not [line for line in engine.machine.blotter.working.values() if line.strategy_id == "dying"]

    engine_with(
        tmp_path,
        work,
        strategy_isolation="sandbox",
        strategy_isolation_minimum="rlimits",
        strategy_restarts=1,
    )
    assert_seen_once(tmp_path, "witness")


def test_one_that_waits_to_be_started_again_is_so_though_the_engine_ends_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.engine.deaths._FIRST_WAIT_S", 60.0)
    given: dict[str, Any] = {"strategy_isolation": "sandbox", "strategy_isolation_minimum": "rlimits"}
    died: list[int] = []

    async def first(engine: Engine, folder: Path) -> None:
        for name in ("dying", "stopped"):
            write_script(folder, name, DIE)
            await engine.strategies.start(StartRequest(name, config={"symbols": ["BTC-USD"]}))
        for name in ("dying", "stopped"):
            await until(lambda name=name: engine.machine.strategies[name].restarting, 15.0)  # type: ignore[misc]
        assert engine.machine.strategies["dying"].state == "failed"
        died.append(engine.machine.strategies["dying"].since_ns)
        await engine.strategies.stop("stopped", "ana")

    engine_with(tmp_path, first, **given)
    write_script(tmp_path / "scripts", "dying", "return []")  # another text: what had been started counts

    async def second(engine: Engine, _: Path) -> None:
        found = engine.machine.strategies
        assert found["dying"].since_ns > died[0]  # it was started; maybe it has died anew by now
        assert engine.machine.strategies["stopped"].state == "stopped"
        assert "stopped" not in {name for name, slot in engine.strategies.slots.items() if slot.runner}

    engine_with(tmp_path, second, **given)


def test_a_paused_strategy_is_shown_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    async def work(engine: Engine, folder: Path) -> None:
        write_script(folder, "witness", WITNESS)
        await engine.strategies.start(StartRequest("witness"))
        await engine.strategies.pause("witness", "ana")
        await until(lambda: engine.strategies.slots["witness"].runner.quiet)  # type: ignore[union-attr]
        answered = engine.strategies.slots["witness"].runner.answered  # type: ignore[union-attr]
        await asyncio.sleep(0.2)
        assert engine.strategies.slots["witness"].runner.answered == answered  # type: ignore[union-attr]
        with pytest.raises(StrategyError, match="only what runs"):
            await engine.strategies.pause("witness", "ana")
        await engine.strategies.resume("witness", "ana")
        await until(lambda: engine.strategies.slots["witness"].runner.answered > answered)  # type: ignore[union-attr]

    engine_with(tmp_path, work)
