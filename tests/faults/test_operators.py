"""Mistakes of people: files that become nonsense, things done twice, names that are not there, too many at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.__main__ import main
from live.engine import StartRequest, budget
from live.settings import load_settings
from tests.faults.harness import Scene, play, until
from tests.live.api.server import Served, serve
from tests.live.engine.scripts import WITNESS, write_script
from tests.live.test_service import Service
from workbench.core.limits import RiskLimits
from workbench.errors import StrategyError


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served"), max_concurrent_strategies=3) as found:
        yield found


def post(served: Served, path: str, **body: Any) -> tuple[int, Any]:
    answer = served.client.post(f"/api/v1/{path}", json=body)
    return answer.status_code, answer.json()


def test_starting_and_stopping_twice_changes_nothing(served: Served) -> None:
    first = post(served, "strategies/start", script="quiet", strategy_id="twice")
    assert first == post(served, "strategies/start", script="quiet", strategy_id="twice")
    assert first[0] == 200
    stopped = post(served, "strategies/stop", strategy_id="twice")
    assert stopped == post(served, "strategies/stop", strategy_id="twice")
    assert (stopped[0], stopped[1]["state"]) == (200, "stopped")


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("strategies/stop", {"strategy_id": "nobody"}, 404, "nobody"),
        ("strategies/start", {"script": "nothing"}, 404, "nothing"),
        ("risk/circuit-breaker", {"action": "reset"}, 422, "reason"),
        ("risk/circuit-breaker", {"action": "reset", "reason": "x", "strategy_id": "nobody"}, 404, "nobody"),
        ("risk/kill", {"reason": "x", "scope": "strategy", "target": "nobody"}, 404, "nobody"),
        ("risk/kill", {"reason": "x", "scope": "all", "target": "x"}, 422, "scope all"),
        ("risk/kill/reset", {"reason": "x"}, 409, "no kill"),
        ("positions/close", {"reason": "x", "symbol": "DOGE"}, 404, "DOGE"),
    ],
)
def test_a_mistake_is_one_clear_line(
    served: Served, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    code, problem = post(served, path, **body)
    assert code == status, problem
    assert says in problem["detail"]
    assert "\n" not in problem["detail"]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"drawdown_limits": {"daily_loss": 100_000}}, "wrong sign"),
        ({"circuit_breakers": {"portfolio_loss_pct": 0.1}}, "wrong sign"),
        ({"position_limits": {"BTC-USD": {"max_short": 5}}}, "wrong sign"),
        ({"order_limits": {"price_collar_pct": 10}}, "percent typed for a fraction"),
        ({"order_limits": {"max_order_valu": 10}}, "max_order_value"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_limit_of_the_wrong_sign_or_size_changes_nothing(
    served: Served, limits: dict[str, Any], says: str
) -> None:
    before = served.client.get("/api/v1/risk/limits").json()
    answer = served.client.put("/api/v1/risk/limits", json={"limits": limits})
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert served.client.get("/api/v1/risk/limits").json() == before


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
def test_numbers_that_are_none_are_refused_in_requests(served: Served, number: str) -> None:
    for path, body in (
        ("strategies/start", f'{{"script": "quiet", "strategy_id": "q", "config": {{"unit": {number}}}}}'),
        ("backtest/start", f'{{"script": "quiet", "config": {{"unit": {number}}}}}'),
    ):
        answer = served.client.post(
            f"/api/v1/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), answer.text
    assert "q" not in served.engine.machine.strategies


def test_a_hundred_started_at_once_are_refused_beyond_the_most(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        write_script(scene.scripts, "quiet", "return []")
        wanted = [
            scene.engine.strategies.start(StartRequest("quiet", f"s{i}", warm_up=False)) for i in range(100)
        ]
        outcomes = await asyncio.gather(*wanted, return_exceptions=True)
        refused = [str(outcome) for outcome in outcomes if isinstance(outcome, StrategyError)]
        assert len(refused) == 94
        assert all("MAX_CONCURRENT_STRATEGIES" in text and "\n" not in text for text in refused)
        assert sum(record.state == "running" for record in scene.machine.strategies.values()) == 7

    play(tmp_path, work, limits=RiskLimits(), max_concurrent_strategies=7)


NONSENSE = "risk_limits: [this is: no mapping\n"


def test_files_that_become_nonsense_change_nothing_in_a_running_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "one"
    files = {
        "TRADING_ENGINE_LIMITS": folder / "limits.yaml",
        "TRADING_ENGINE_STRATEGIES": folder / "strategies.yaml",
        "TRADING_ENGINE_VENUES": folder / "venues.yaml",
    }
    folder.mkdir()
    for name in ("LIMITS", "STRATEGIES"):
        source = {"LIMITS": "risk_limits.yaml", "STRATEGIES": "strategies.yaml"}[name]
        (folder / f"{name.lower()}.yaml").write_text(
            (Path(__file__).parents[2] / "config" / source).read_text()
        )
    service = Service(folder, **{name: str(path) for name, path in files.items() if "VENUES" not in name})
    try:
        service.ready()
        with service.client() as engine:
            before = engine.limits()
            engine.start("momentum", "m", config={"lookback": 5, "unit": 0.1})
            for path in files.values():
                path.write_text(NONSENSE)
            inputs = engine.health().inputs
            while engine.health().inputs < inputs + 50:
                pass
            assert engine.limits() == before
            assert engine.health().status == "ok"
    finally:
        service.process.kill()
        service.ended()
    for variable, path in files.items():  # the next start says so in one line
        names = {
            name.removeprefix("TRADING_ENGINE_").lower() + "_file": value for name, value in files.items()
        }
        other = {key: Path("config") / default for key, default in DEFAULTS.items()}
        key = variable.removeprefix("TRADING_ENGINE_").lower() + "_file"
        given = {**other, key: names[key], "autostart": True, "data": tmp_path / "again"}
        assert main(**given) == 2
        out, errors = capsys.readouterr()
        assert (out, errors.count("\n")) == ("", 1)
        assert str(path) in errors


DEFAULTS = {
    "limits_file": "risk_limits.yaml",
    "strategies_file": "strategies.yaml",
    "venues_file": "venues.yaml",
}


def test_the_files_of_the_test_are_settings() -> None:
    known = load_settings({})
    assert all(Path(getattr(known, key)).name == name for key, name in DEFAULTS.items())


SLOW = """
import time
time.sleep(1.0)
return []
"""
CRASH = """
import ctypes
ctypes.string_at(0)
"""


@pytest.mark.parametrize(
    "body", [CRASH, SLOW, "raise ValueError(1)"], ids=["crashes", "is too slow", "raises"]
)
def test_a_swap_to_what_dies_while_it_warms_up_leaves_the_old_one(tmp_path: Path, body: str) -> None:
    async def work(scene: Scene) -> None:
        before = scene.engine.strategies.slots["witness"].record
        write_script(scene.scripts, "witness", body, version="2")
        with pytest.raises(StrategyError, match="the old one runs on"):
            await scene.engine.strategies.start(StartRequest("witness"))
        assert scene.engine.strategies.slots["witness"].record == before
        write_script(scene.scripts, "witness", WITNESS)
        answered = scene.engine.strategies.slots["witness"].runner.answered  # type: ignore[union-attr]
        await until(
            lambda: scene.engine.strategies.slots["witness"].runner.answered > answered + 8  # type: ignore[union-attr]
        )

    play(
        tmp_path,
        work,
        limits=RiskLimits(),
        strategy_isolation="sandbox",
        strategy_isolation_minimum="rlimits",
        strategy_hard_ms=300.0,
    )


GARBAGE = """
import os, sys
for number in range(3, 64):
    try:
        os.write(number, b"\\xff" * 4096)
    except OSError:
        pass
return []
"""


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (GARBAGE, "protocol"),
        ("while True: pass", "deadline"),
        ("x = [bytearray(10**8) for _ in range(99)]", ""),
    ],
    ids=["garbage frames", "endless loop", "memory bomb"],
)
def test_a_process_gone_mad_ends_alone(tmp_path: Path, body: str, how: str) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("mad", body)
        slot = scene.engine.strategies.slots["mad"]
        await until(lambda: slot.record.state == "failed" or slot.errors, 15.0)
        await scene.told("strategy_error", "mad")
        assert how in slot.record.reason or slot.errors
        assert not math.isnan(scene.machine.desk.book.equity)

    play(
        tmp_path,
        work,
        limits=RiskLimits(),
        strategy_isolation="sandbox",
        strategy_isolation_minimum="rlimits",
        strategy_hard_ms=300.0,
        strategy_restarts=0,
    )


PROCESSES: dict[str, Any] = {"strategy_isolation": "sandbox", "strategy_isolation_minimum": "rlimits"}
DAWDLES = """
import time
time.sleep(0.03)
return []
"""


@pytest.mark.parametrize(("soft_ms", "stopped"), [(5.0, True), (500.0, False)])
def test_one_that_misses_its_budget_again_and_again_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soft_ms: float, stopped: bool
) -> None:
    monkeypatch.setattr(budget, "_LOOKS", 1)

    async def work(scene: Scene) -> None:
        await scene.start("dawdler", DAWDLES, symbols=["BTC-USD"])
        if stopped:
            await scene.told("strategy_error", "dawdler")
            await until(lambda: scene.machine.desk.halted("dawdler") == ("strategy_error",), 30.0)
            await until(lambda: scene.machine.strategies["dawdler"].state == "failed", 15.0)
        else:
            runner = scene.engine.strategies.slots["dawdler"].runner
            assert runner is not None
            await until(lambda: runner.answered > 60, 30.0)
            assert scene.breaches("strategy_error") == 0
        assert scene.machine.desk.halted("witness") == ()

    play(tmp_path, work, limits=RiskLimits(), strategy_soft_ms=soft_ms, **PROCESSES)


WARMS_SLOWLY = """
import time
self.count = getattr(self, "count", 0) + 1
if self.count == 200:
    raise ValueError("enough")
time.sleep(0.03 if self.count < 200 else 0.0)
return []
"""


def test_a_version_that_is_slow_to_warm_up_is_no_error_of_the_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_LOOKS", 1)

    async def work(scene: Scene) -> None:
        await scene.start("swapped", "return []", symbols=["BTC-USD"])
        await until(lambda: len(scene.engine.strategies.processes.tape) > 1_000, 60.0)
        write_script(scene.scripts, "swapped", WARMS_SLOWLY)
        with pytest.raises(StrategyError, match="raised while it warmed up"):
            await scene.engine.strategies.start(StartRequest("swapped", config={"symbols": ["BTC-USD"]}))
        assert scene.breaches("strategy_error", "swapped") == 0
        assert scene.machine.strategies["swapped"].state == "running"

    play(tmp_path, work, limits=RiskLimits(), strategy_soft_ms=5.0, **PROCESSES)
