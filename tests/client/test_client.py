"""Both clients against a real engine: every method, errors of one line, events, and what is loaded on import."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd
import pytest

import live.api.answers
import live.api.desk_answers
import live.api.overrides
import live.api.promotion_answers
import live.api.requests
import workbench as wb
from live.api.roles import Role
from tests.client.conftest import Running
from tests.waiting import until
from workbench.client import AsyncEngineClient, EngineClient, answers, frames
from workbench.errors import RequestError, StrategyLoadError

ROOT = Path(__file__).parents[2]
STRATEGY = '''
from workbench.strategy import TradingStrategy

class QuietStrategy(TradingStrategy):
    """Says nothing."""
    VERSION = "2.1.0"
    def on_market_data(self, price_update):
        return []
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
'''


@pytest.fixture
def engine(running: Running) -> Iterator[EngineClient]:
    with wb.EngineClient(running.url, data=running.data) as client:
        yield client


def test_a_strategy_from_start_to_stop(engine: EngineClient) -> None:
    told = engine.start("momentum", "m", config={"lookback": 5, "unit": 0.1})
    assert (told.strategy_id, told.strategy_name, told.state) == ("m", "MomentumStrategy", "running")
    until(lambda: len(engine.fills(strategy_id="m")) >= 6)
    assert engine.strategies().loc["m", "state"] == "running"
    assert engine.strategy("m").config == {"lookback": 5, "unit": 0.1}
    assert engine.pause("m").state == "paused"
    assert engine.resume("m").state == "running"
    assert engine.stop("m", reason="enough").message == "enough"
    assert "m" not in engine.strategies().index


def test_figures_come_as_frames(engine: EngineClient) -> None:
    engine.start("momentum", "f", config={"lookback": 5, "unit": 0.1})
    until(lambda: len(engine.fills(strategy_id="f")) >= 6)
    engine.stop("f")
    orders, fills = engine.orders(strategy_id="f"), engine.fills(strategy_id="f")
    assert orders.index.name == "order_id"
    assert orders["updated"].dt.tz is not None
    assert set(fills["side"]) <= {"buy", "sell"}
    assert (fills["price"] > 0).all()
    assert fills.index.is_monotonic_increasing
    positions, pnl, one = engine.positions("f"), engine.pnl(), engine.performance("f")
    assert {"quantity", "mark", "unrealised_pnl"} <= set(positions.columns)
    held = positions["realised_pnl"].sum() + positions["unrealised_pnl"].sum() - positions["fees"].sum()
    assert pnl.loc["f", "total_pnl"] == pytest.approx(held, abs=50.0)
    assert one.loc["f", "trades"] == len(fills)
    assert engine.portfolio().initial_cash == 1_000_000.0


def test_pages_are_put_together(engine: EngineClient, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.start("momentum", "p", config={"lookback": 5, "unit": 0.1})
    until(lambda: len(engine.fills(strategy_id="p")) >= 8)
    engine.stop("p")
    whole = engine.fills(strategy_id="p")
    monkeypatch.setattr("workbench.client.calls.PAGE", 3)
    pd.testing.assert_frame_equal(engine.fills(strategy_id="p"), whole)
    pd.testing.assert_frame_equal(engine.fills(strategy_id="p", most=4), whole.head(4))
    second = int(whole.index[1])
    pd.testing.assert_frame_equal(engine.fills(strategy_id="p", after=second), whole.iloc[2:])


def test_without_rows_a_frame_has_its_columns_all_the_same(engine: EngineClient) -> None:
    for frame in (engine.positions("nobody"), engine.orders(symbol="DOGE"), engine.fills(symbol="DOGE")):
        assert frame.empty
    assert engine.orders(symbol="DOGE").dtypes.equals(engine.orders(states=["expired"]).dtypes)


def test_limits_are_read_and_changed(engine: EngineClient) -> None:
    before = engine.limits()
    done = engine.set_limits({"notional_limits": {"per_strategy": 250_000}}, reason="a test", tag=before.tag)
    assert done.changed == ("notional_limits.per_strategy",)
    assert engine.limits().limits["notional_limits"]["per_strategy"] == 250_000
    with pytest.raises(RequestError, match="read them again") as told:
        engine.set_limits({"notional_limits": {"per_strategy": 1}}, tag=before.tag)
    assert told.value.kind == "stale"


def test_kill_reset_breakers_and_closing(engine: EngineClient) -> None:
    assert engine.kill("a test", scope="venue", target="a").killed
    (kill,) = engine.risk().kills
    assert (kill.scope, kill.target, kill.person) == ("venue", "a", "admin")
    assert not engine.reset_kill("looked into", scope="venue", target="a").killed
    assert engine.circuit_breaker("trip", "a test").halted == ("manual",)
    assert engine.risk().status == "halted"
    assert engine.circuit_breaker("reset", "looked into").halted == ()
    assert isinstance(engine.close_positions("a test").orders, tuple)
    assert list(engine.audit(2)["action"]) == ["risk.breaker_reset", "risk.close"]


def test_an_override_takes_a_second_person(engine: EngineClient, running: Running) -> None:
    key = "order_limits.max_order_value"
    (proposed,) = engine.override(key, 2_000_000.0, reason="a block trade").overrides
    assert (proposed.limit, proposed.in_force, proposed.person) == (key, False, "admin")
    with EngineClient(running.url, running.tokens.issue("rita", Role.RISK)) as second:
        (agreed,) = second.override(key, 2_000_000.0, reason="seen the mandate").overrides
    assert (agreed.in_force, agreed.approver) == (True, "rita")
    assert engine.overrides().overrides == (agreed,)
    assert engine.override(key, None, reason="done").overrides == ()
    with pytest.raises(RequestError, match="circuit_breakers"):
        engine.override("circuit_breakers.portfolio_loss_pct", -0.5, reason="no")


def test_a_price_is_accepted_and_an_engine_that_runs_is_not_resumed(engine: EngineClient) -> None:
    assert engine.accept_price("BTC-USD", reason="a real crash", venue="a").venue == "a"
    with pytest.raises(RequestError, match="nosuch"):
        engine.accept_price("nosuch", reason="typo")
    assert engine.resume_engine("nothing was wrong").state == "running"


def test_a_script_is_uploaded_started_and_its_log_read(engine: EngineClient, tmp_path: Path) -> None:
    path = tmp_path / "quiet.py"
    path.write_text(STRATEGY)
    kept = engine.upload(path)
    assert (kept.name, kept.strategy_name, kept.version) == ("quiet.py", "QuietStrategy", "2.1.0")
    assert engine.start(kept.source_hash, "q").version == "2.1.0"
    assert engine.scripts().loc["quiet.py", "uploaded"]
    assert all(isinstance(line, answers.LogLine) for line in engine.logs("q"))
    engine.stop("q")
    with pytest.raises(StrategyLoadError, match=r"none\.py: expected a strategy script"):
        engine.upload(tmp_path / "none.py")


def test_errors_are_one_line_of_the_problem_document(engine: EngineClient, running: Running) -> None:
    with pytest.raises(RequestError, match="no strategy 'x' was started") as told:
        engine.strategy("x")
    assert told.value.kind == "unknown"
    with EngineClient(running.url, "wrong") as nobody, pytest.raises(RequestError) as told:
        nobody.positions()
    assert told.value.kind == "unauthenticated"
    assert "WORKBENCH_ENGINE_TOKEN" in str(told.value)
    token = running.tokens.issue("v", Role.VIEWER)
    with EngineClient(running.url, token) as viewer, pytest.raises(RequestError, match="role trader") as told:
        viewer.stop("x")
    assert told.value.kind == "forbidden"
    with pytest.raises(RequestError, match="expected plain values"):
        engine.start("momentum", config={"unit": math.nan})


def test_an_id_cannot_reach_another_route(engine: EngineClient) -> None:
    with pytest.raises(RequestError, match=r"no strategy|nothing at"):
        engine.strategy("../risk/limits?x=")


def test_an_answer_of_something_else_says_so(running: Running) -> None:
    with (
        EngineClient(f"{running.url}/docs", data=running.data) as wrong,
        pytest.raises(RequestError, match="nothing at /docs/health"),
    ):
        wrong.health()


def test_events_come_and_break_off_when_the_reader_goes(engine: EngineClient, running: Running) -> None:
    seen = []
    for event in engine.stream("prices"):
        seen.append(event)
        if len(seen) == 20:
            break
    assert {event.kind for event in seen} == {"prices"}
    after = seen[4].sequence
    again = engine.stream("prices", after=after)
    assert [next(again).sequence for _ in range(5)] == [event.sequence for event in seen[5:10]]
    again.close()  # type: ignore[attr-defined]  # a generator
    until(lambda: running.engine.events.readers == 0)
    with pytest.raises(RequestError, match="kinds: expected some of"):
        next(engine.stream("gossip"))
    with EngineClient(running.url, "wrong") as nobody, pytest.raises(RequestError, match="bearer token"):
        next(nobody.stream())


def test_a_place_that_is_lost_is_told(engine: EngineClient) -> None:
    events = engine.stream("prices", after=10**9)
    first = next(events)
    assert (first.kind, "not kept" in first.body["reason"]) == ("gap", True)
    assert next(events).kind == "prices"


def test_the_same_in_an_event_loop(running: Running) -> None:
    async def whole() -> None:
        async with AsyncEngineClient(running.url, data=running.data) as engine:
            told = await engine.start("momentum", "a", config={"lookback": 5, "unit": 0.1})
            assert told.state == "running"
            health, risk = await asyncio.gather(engine.health(), engine.risk())
            assert (health.state, risk.kills) == ("running", ())
            assert isinstance(await engine.orders(most=5), pd.DataFrame)
            seen = []
            async for event in engine.stream("prices", "fills"):
                seen.append(event.kind)
                if "fills" in seen:
                    break
            await engine.stop("a")
            with pytest.raises(RequestError, match="no strategy 'x'"):
                await engine.strategy("x")

    asyncio.run(whole())


def test_both_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, inspect.Signature]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: inspect.signature(method).replace(return_annotation=None)
            for name, method in found
            if not name.startswith("_")
        }

    assert methods(EngineClient) == methods(AsyncEngineClient)


@pytest.mark.parametrize("name", sorted(set(answers.__all__) - {"Event", "read_answer"}))
def test_answers_have_the_fields_of_the_engine(name: str) -> None:
    own: type[msgspec.Struct] = getattr(answers, name)
    rooms = (
        live.api.answers,
        live.api.desk_answers,
        live.api.requests,
        live.api.overrides,
        live.api.promotion_answers,
    )
    theirs = next(getattr(room, name) for room in rooms if hasattr(room, name))
    shape = [(field.name, str(field.type)) for field in msgspec.structs.fields(own)]
    expected = [(field.name, str(field.type)) for field in msgspec.structs.fields(theirs)]
    assert [(n, re.sub(r"live\.api\.\w+", "", t)) for n, t in expected] == [
        (n, t.replace("workbench.client.answers", "")) for n, t in shape
    ]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (frames.POSITIONS, "Position"),
        (frames.ORDERS, "OrderView"),
        (frames.FILLS, "FillView"),
        (frames.PNL, "StrategyPnl"),
        (frames.STRATEGIES, "StrategySummary"),
        (frames.SCRIPTS, "ScriptView"),
        (frames.PERFORMANCE, "Performance"),
        (frames.AUDIT, "AuditView"),
        (frames.EQUITY, "EquityPoint"),
        (frames.HISTORY, "HistoryLine"),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_frames_have_the_columns_of_the_engine(columns: str, name: str) -> None:
    rooms = live.api.answers, live.api.desk_answers, live.api.promotion_answers
    room = next(room for room in rooms if hasattr(room, name))
    theirs = getattr(room, name).__struct_fields__
    assert tuple(column.partition(":")[0] for column in columns.split()) == theirs


def test_importing_the_client_loads_nothing_heavy_and_no_engine() -> None:
    heavy = "{'pandas', 'numpy', 'httpx', 'websockets', 'live', 'grpc', 'numba'} & set(sys.modules)"
    code = f"import sys, workbench as wb; wb.EngineClient; wb.AsyncEngineClient; print({heavy})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"
