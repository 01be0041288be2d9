"""Every route answers with what its struct says, and the figures agree with the engine's own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live.api.server import Served, serve


@pytest.fixture(scope="module", autouse=True)
def trading(served: Served) -> Iterator[None]:
    answer = served.client.post("/api/v1/strategies/start", json={"script": "trader", "strategy_id": "t-1"})
    assert answer.status_code == 200, answer.text
    _until(lambda: len(served.client.get("/api/v1/fills").json()["fills"]) >= 5)
    yield
    served.client.post("/api/v1/strategies/stop", json={"strategy_id": "t-1", "flatten": True})


def _until(fact: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _get(served: Served, path: str) -> Any:
    answer = served.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.json()


def test_health_needs_no_token_and_says_ok(served: Served) -> None:
    answer = httpx.get(f"{served.address}/health")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["status"], found["state"], found["problems"]) == ("ok", "running", {})
    assert found["journal"]["head"] > 0
    assert "url" not in json.dumps(found)


def test_active_strategies_are_those_that_run(served: Served) -> None:
    found = _get(served, "/api/v1/strategies/active")
    (one,) = [line for line in found["strategies"] if line["strategy_id"] == "t-1"]
    assert (one["strategy_name"], one["version"], one["state"]) == ("TraderStrategy", "1.0.0", "running")
    assert one["person"] == "admin"
    assert found["most"] == 10


def test_status_tells_the_process_and_the_account(served: Served) -> None:
    found = _get(served, "/api/v1/strategies/t-1/status")
    assert found["state"] == "running"
    assert found["script"] == "trader.py"
    assert len(found["source_hash"]) == 64
    assert found["answered"] > 0
    assert found["answer_p50_ms"] > 0.0
    assert found["symbols"] == ["BTC-USD", "ETH-USD"]
    assert found["capital"] > 0.0


def test_performance_has_the_fields_of_the_contract(served: Served) -> None:
    found = _get(served, "/api/v1/strategies/t-1/performance")
    assert set(found) >= {
        "strategy_name",
        "total_pnl",
        "sharpe_ratio",
        "max_drawdown",
        "win_rate",
        "avg_trade_pnl",
        "trades_per_day",
        "risk_adjusted_return",
        "chaos_recovery_time",
        "risk_breach_count",
        "emergency_stops",
    }
    assert found["sharpe_ratio"] is None  # not two minutes old, so it is not a number


def test_logs_have_what_the_strategy_printed(served: Served) -> None:
    answer = served.client.get("/api/v1/strategies/t-1/logs")
    assert answer.status_code == 200
    assert answer.json()["strategy_id"] == "t-1"


def test_available_lists_scripts_and_whether_they_may_be_started(served: Served) -> None:
    scripts = {script["name"]: script for script in _get(served, "/api/v1/strategies/available")["scripts"]}
    assert scripts["trader.py"]["allowed"]
    assert scripts["spammer.py"]["chaos"]
    assert not scripts["spammer.py"]["allowed"]


def test_pnl_adds_up(served: Served) -> None:
    found = _get(served, "/api/v1/portfolio/pnl")
    parts = found["realised_pnl"] + found["unrealised_pnl"] - found["fees"]
    assert found["total_pnl"] == pytest.approx(parts, abs=1e-6)
    assert found["equity"] == pytest.approx(found["initial_cash"] + found["total_pnl"])
    assert found["total_pnl"] == pytest.approx(sum(s["total_pnl"] for s in found["strategies"]))
    assert found["gross_exposure"] == pytest.approx(sum(e["gross"] for e in found["exposures"]))


def _held(served: Served) -> dict[str, float]:
    lines = _get(served, "/api/v1/positions/current")["positions"]
    return {line["venue"]: round(line["quantity"], 9) for line in lines}


def _filled(served: Served) -> dict[str, float]:
    total: dict[str, float] = {}
    after, more = 0, True
    while more:
        page = _get(served, f"/api/v1/fills?limit=50&after={after}")
        for fill in page["fills"]:
            signed = fill["quantity"] if fill["side"] == "buy" else -fill["quantity"]
            total[fill["venue"]] = total.get(fill["venue"], 0.0) + signed
        after, more = page["next"], page["more"]
    return {venue: round(units, 9) for venue, units in total.items() if abs(units) > 1e-9}


def test_positions_are_the_fills_added_up(served: Served) -> None:
    for _ in range(50):  # fills come in meanwhile, so only two equal views of the positions count
        before, filled, after = _held(served), _filled(served), _held(served)
        if before == after:
            assert filled == before
            return
    pytest.fail("positions never stood still")


def test_risk_status_is_at_ease(served: Served) -> None:
    found = _get(served, "/api/v1/risk/status")
    assert found["status"] in ("ok", "warning")
    assert found["halted"] == []
    assert found["pre_trade_enabled"]
    assert {venue["venue"] for venue in found["venues"]} == {"a", "b"}
    uses = {line["limit_type"]: line for line in found["uses"]}
    assert uses["total_portfolio"]["limit"] == 5_000_000.0
    assert uses["net_portfolio"]["limit"] is None  # off


def test_debug_routes_show_the_inside(served: Served) -> None:
    sandbox = _get(served, "/debug/strategy-sandbox/status")
    assert (sandbox["isolation"], sandbox["level"]) == ("thread", "none")
    assert [worker["strategy_id"] for worker in sandbox["workers"]] == ["t-1"]
    queue = _get(served, "/debug/order-queue")
    assert queue["capacity"] == 10_000
    assert queue["check_p99_ms"] > 0.0
    ledger = _get(served, "/debug/position-calculator")
    assert ledger["equity_check"] == pytest.approx(0.0, abs=1e-6)
    assert ledger["rows"][0]["strategy_id"] == "t-1"
    limits = _get(served, "/debug/risk-engine/limits")
    assert limits["compiled"]["portfolio_gross"] == 5_000_000.0


def test_metrics_are_those_of_prometheus(served: Served) -> None:
    answer = served.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    _until(lambda: 'trading_strategy_pnl{strategy_name="t-1"' in served.client.get("/metrics").text)


def test_a_paused_strategy_answers_no_price(served: Served) -> None:
    paused = served.client.post("/api/v1/strategies/t-1/pause").json()
    assert paused["state"] == "paused"
    time.sleep(0.2)
    before = _get(served, "/api/v1/strategies/t-1/status")["answered"]
    time.sleep(0.3)
    assert _get(served, "/api/v1/strategies/t-1/status")["answered"] == before
    assert served.client.post("/api/v1/strategies/t-1/pause").status_code == 409
    assert served.client.post("/api/v1/strategies/t-1/resume").json()["state"] == "running"


def test_a_tripped_breaker_latches_until_a_person_resets_it(served: Served) -> None:
    trip = {"action": "trip", "reason": "looks odd", "strategy_id": "t-1"}
    assert served.client.post("/api/v1/risk/circuit-breaker", json=trip).json()["halted"] == ["manual"]
    assert _get(served, "/api/v1/risk/status")["halted_strategies"] == {"t-1": ["manual"]}
    reset = {"action": "reset", "reason": "looked at", "strategy_id": "t-1"}
    assert served.client.post("/api/v1/risk/circuit-breaker", json=reset).json()["halted"] == []
    no_reason = served.client.post("/api/v1/risk/circuit-breaker", json={"action": "trip"})
    assert no_reason.status_code == 422


def test_breakers_are_switched_off_and_on(served: Served) -> None:
    for action, enabled in (("disable", False), ("enable", True)):
        body = {"action": action, "reason": "a drill"}
        answer = served.client.post("/api/v1/risk/circuit-breaker", json=body)
        assert answer.json()["enabled"] is enabled
        assert _get(served, "/api/v1/risk/status")["circuit_breakers_enabled"] is enabled


def test_a_kill_cancels_what_works_refuses_what_comes_and_is_reset_by_a_person(served: Served) -> None:
    answer = served.client.post("/api/v1/risk/kill", json={"reason": "a drill"})
    assert answer.json()["killed"]
    assert (
        _get(served, "/debug/order-queue")["working"] <= answer.json()["closing"]
    )  # breakers may close positions
    status = _get(served, "/api/v1/risk/status")
    assert status["status"] == "halted"
    assert status["kills"][0]["person"] == "admin"
    again = served.client.post("/api/v1/risk/kill/reset", json={"reason": "the drill is over"})
    assert again.status_code == 200
    assert _get(served, "/api/v1/risk/status")["kills"] == []
    nothing = served.client.post("/api/v1/risk/kill/reset", json={"reason": "again"})
    assert nothing.status_code == 409


def test_positions_are_closed_by_force(served: Served) -> None:
    served.client.post("/api/v1/strategies/t-1/pause")
    closing = served.client.post(
        "/api/v1/positions/close", json={"reason": "end of day", "strategy_id": "t-1"}
    )
    assert closing.status_code == 200
    assert (
        served.client.post("/api/v1/positions/close", json={"reason": "x", "symbol": "DOGE"}).status_code
        == 404
    )
    served.client.post("/api/v1/strategies/t-1/resume")


def test_limits_are_read_changed_and_kept_from_being_overwritten_unseen(served: Served) -> None:
    before = _get(served, "/api/v1/risk/limits")
    change = {"notional_limits": {"per_strategy": 123_456.0, "net_portfolio": 7e6}}
    put = served.client.put("/api/v1/risk/limits", json={"limits": change, "tag": before["tag"]})
    assert put.json()["changed"] == ["notional_limits.net_portfolio", "notional_limits.per_strategy"]
    after = _get(served, "/api/v1/risk/limits")
    assert after["limits"]["notional_limits"]["per_strategy"] == 123_456.0
    assert after["limits"]["notional_limits"]["total_portfolio"] == 5_000_000.0
    stale = served.client.put("/api/v1/risk/limits", json={"limits": {}, "tag": before["tag"]})
    assert stale.status_code == 412
    back = served.client.put("/api/v1/risk/limits", json={"limits": before["limits"]})
    assert back.json()["tag"] == before["tag"]
    assert set(back.json()["looser"]) == {"notional_limits.net_portfolio", "notional_limits.per_strategy"}


def test_limits_that_make_no_sense_change_nothing(served: Served) -> None:
    tag = _get(served, "/api/v1/risk/limits")["tag"]
    for limits in (
        {"drawdown_limits": {"daily_loss": 5}},
        {"nonsense": 1},
        {"notional_limits": 3},
        {"message_rate": {"cancel_reserve": "much"}},
        {"monitors": {"window": 64}},
    ):
        answer = served.client.put("/api/v1/risk/limits", json={"limits": limits})
        assert answer.status_code in (409, 422), (limits, answer.text)
        assert "\n" not in answer.json()["detail"]
    assert _get(served, "/api/v1/risk/limits")["tag"] == tag


def test_a_price_is_accepted_by_a_person(served: Served) -> None:
    body = {"symbol": "BTC-USD", "reason": "it is true"}
    assert served.client.post("/api/v1/risk/accept-price", json=body).status_code == 200
    assert served.client.post("/api/v1/risk/accept-price", json={**body, "venue": "z"}).status_code == 404


def test_every_command_is_in_the_audit_log(served: Served) -> None:
    served.client.post(
        "/api/v1/risk/kill", json={"reason": "for the log", "scope": "venue", "target": "nowhere"}
    )
    lines = _get(served, "/api/v1/audit?limit=200")["lines"]
    start = next(line for line in lines if line["action"] == "strategy.start")
    assert (start["person"], start["role"], start["target"], start["outcome"]) == (
        "admin",
        "admin",
        "t-1",
        "done",
    )
    last = lines[-1]
    assert (last["action"], last["target"], last["outcome"]) == ("risk.kill", "nowhere", "refused")


def test_what_is_unknown_is_404_and_what_cannot_be_started_says_why(served: Served) -> None:
    for path in ("status", "performance", "logs"):
        assert served.client.get(f"/api/v1/strategies/nobody/{path}").status_code == 404
    assert served.client.post("/api/v1/strategies/stop", json={"strategy_id": "nobody"}).status_code == 404
    chaos = served.client.post("/api/v1/strategies/start", json={"script": "spammer"})
    assert chaos.status_code == 409
    assert "ENABLE_CHAOS_STRATEGIES" in chaos.json()["detail"]
    missing = served.client.post("/api/v1/strategies/start", json={"script": "missing"})
    assert missing.status_code == 404


def test_a_halted_engine_is_down_and_still_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serve(tmp_path_factory.mktemp("halted")) as served:
        served.loop.call_soon_threadsafe(served.engine._halted, "the disk is full")
        _until(lambda: served.engine.state == "halted")
        answer = served.client.get("/health")
        assert answer.status_code == 503
        assert answer.json()["problems"] == {"engine": "halted: the disk is full"}
        assert served.client.get("/api/v1/positions/current").status_code == 200
        answer = served.client.post("/api/v1/engine/resume", json={"reason": "there is room again"})
        assert (answer.status_code, answer.json()) == (200, {"state": "running"})
        assert served.client.get("/health").status_code == 200
