"""Who may do what: every route for every role, and every way to have no token."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from live.api.auth import Tokens
from live.api.roles import Role
from tests.live.api.server import Served, serve
from workbench.errors import ConfigError, RequestError

OPEN = {"/health", "/docs", "/openapi.json"}
# Lowest role for each route; a route that is not here fails the test.
MATRIX = {
    "GET /metrics": Role.VIEWER,
    "GET /api/v1/whoami": Role.VIEWER,
    "GET /api/v1/strategies/active": Role.VIEWER,
    "GET /api/v1/strategies/available": Role.VIEWER,
    "GET /api/v1/strategies/{strategy_id}/status": Role.VIEWER,
    "GET /api/v1/strategies/{strategy_id}/performance": Role.VIEWER,
    "GET /api/v1/strategies/{strategy_id}/logs": Role.TRADER,
    "GET /api/v1/strategies/{strategy_id}/certificate": Role.VIEWER,
    "GET /api/v1/strategies/{strategy_id}/history": Role.VIEWER,
    "POST /api/v1/strategies/promote": Role.TRADER,
    "POST /api/v1/strategies/{strategy_id}/demote": Role.TRADER,
    "POST /api/v1/strategies/start": Role.TRADER,
    "POST /api/v1/strategies/stop": Role.TRADER,
    "POST /api/v1/strategies/{strategy_id}/pause": Role.TRADER,
    "POST /api/v1/strategies/{strategy_id}/resume": Role.TRADER,
    "POST /api/v1/strategies/upload": Role.TRADER,
    "GET /api/v1/positions/current": Role.VIEWER,
    "POST /api/v1/positions/close": Role.RISK,
    "GET /api/v1/portfolio/pnl": Role.VIEWER,
    "GET /api/v1/portfolio/history": Role.VIEWER,
    "GET /api/v1/orders": Role.VIEWER,
    "GET /api/v1/fills": Role.VIEWER,
    "GET /api/v1/risk/status": Role.VIEWER,
    "GET /api/v1/risk/limits": Role.VIEWER,
    "PUT /api/v1/risk/limits": Role.RISK,
    "GET /api/v1/risk/exposures": Role.VIEWER,
    "GET /api/v1/risk/correlations": Role.VIEWER,
    "GET /api/v1/risk/overrides": Role.VIEWER,
    "PUT /api/v1/risk/overrides": Role.RISK,
    "POST /api/v1/risk/circuit-breaker": Role.TRADER,
    "POST /api/v1/risk/kill": Role.TRADER,
    "POST /api/v1/risk/kill/reset": Role.RISK,
    "POST /api/v1/risk/accept-price": Role.RISK,
    "POST /api/v1/engine/resume": Role.RISK,
    "GET /api/v1/audit": Role.RISK,
    "GET /debug/strategy-sandbox/status": Role.TRADER,
    "GET /debug/order-queue": Role.TRADER,
    "GET /debug/position-calculator": Role.TRADER,
    "GET /debug/risk-engine/limits": Role.TRADER,
    "POST /api/v1/backtest/start": Role.TRADER,
    "GET /api/v1/backtest/results/{backtest_id}": Role.VIEWER,
}


def _routes(served: Served) -> Iterator[tuple[str, str]]:
    for path, methods in served.rest.app.openapi()["paths"].items():
        for method in methods:
            yield method.upper(), path


def _ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """A request that whoever is let in gets something other than 401 and 403 for, and that changes nothing."""
    return client.request(method, path.format(strategy_id="nobody", backtest_id="nothing"), json={})


def test_the_matrix_has_every_route(served: Served) -> None:
    known = {f"{method} {path}" for method, path in _routes(served) if path not in OPEN}
    assert known == set(MATRIX)
    mounted = {route.path for route in served.rest.app.routes if isinstance(route, Route)}
    assert mounted <= OPEN  # what FastAPI does not document


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_as_far_as_it_may_and_no_further(served: Served, role: Role) -> None:
    for method, path in _routes(served):
        if path in OPEN:
            continue
        answer = _ask(served.as_role(role), method, path)
        allowed = role >= MATRIX[f"{method} {path}"]
        assert (answer.status_code != 403) is allowed, (role, method, path, answer.text)
        assert answer.status_code not in (401, 500), (method, path, answer.text)


def test_some_actions_of_a_route_need_more(served: Served) -> None:
    for action, lowest in (
        ("trip", Role.TRADER),
        ("reset", Role.RISK),
        ("enable", Role.RISK),
        ("disable", Role.ADMIN),
    ):
        for role in Role:
            body = {"action": action}  # without a reason, so that it changes nothing
            answer = served.as_role(role).post("/api/v1/risk/circuit-breaker", json=body)
            assert answer.status_code == (422 if role >= lowest else 403), (action, role, answer.text)


def test_a_promotion_without_a_trial_needs_more(served: Served) -> None:
    for role in Role:
        body = {"script": "quiet", "reason": " ", "canary": False}  # no reason, so that it changes nothing
        answer = served.as_role(role).post("/api/v1/strategies/promote", json=body)
        assert answer.status_code == (422 if role >= Role.RISK else 403), (role, answer.text)


def test_without_a_token_nothing_but_health_and_the_documentation_is_answered(served: Served) -> None:
    with served.with_token("") as nobody:
        for method, path in _routes(served):
            answer = _ask(nobody, method, path)
            assert answer.status_code == (200 if path in OPEN else 401), (method, path, answer.text)
            if path not in OPEN:
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.headers["content-type"] == "application/problem+json"
        for path in OPEN:
            assert nobody.get(path).status_code == 200


def test_a_token_that_has_expired_or_was_taken_back_is_worth_nothing(tmp_path: Path) -> None:
    now = [1_000.0]
    tokens = Tokens(tmp_path, lambda: now[0])
    short = tokens.issue("eve", Role.TRADER, days=1.0)
    assert tokens.check(short).person == "eve"
    now[0] += 86_400.0
    with pytest.raises(RequestError, match="expired"):
        tokens.check(short)
    other = tokens.issue("bob", Role.VIEWER)
    tokens.revoke(other.split("_")[1])
    with pytest.raises(RequestError, match="in force"):
        tokens.check(other)


def test_a_token_of_the_past_is_401_over_http(served: Served) -> None:
    token = served.tokens.issue("past", Role.ADMIN, days=1e-9)  # a second
    past = Tokens(served.engine.settings.data, lambda: 4e9)
    with pytest.raises(RequestError, match="expired"):
        past.check(token)
    served.tokens._now, now = (lambda: 4e9), served.tokens._now
    try:
        with served.with_token(token) as client:
            assert client.get("/api/v1/risk/status").status_code == 401
    finally:
        served.tokens._now = now


def test_a_change_by_another_process_is_seen(tmp_path: Path) -> None:
    engine, cli = Tokens(tmp_path), Tokens(tmp_path)
    token = cli.issue("carol", Role.RISK)
    assert engine.check(token).role is Role.RISK
    cli.revoke(token.split("_")[1])
    with pytest.raises(RequestError):
        engine.check(token)


def test_two_that_change_tokens_at_once_lose_none(tmp_path: Path) -> None:
    pair = [Tokens(tmp_path), Tokens(tmp_path)]

    def issue(tokens: Tokens) -> list[str]:
        return [tokens.issue(f"p{i}", Role.VIEWER) for i in range(40)]

    with ThreadPoolExecutor(2) as threads:
        issued = [token for found in threads.map(issue, pair) for token in found]
    again = Tokens(tmp_path)
    assert len({again.check(token).person for token in issued}) == 40
    assert len(again.all()) == 81  # with the admin's


def test_two_that_begin_at_once_leave_one_admins_token_that_is_in_force(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: Tokens(tmp_path), range(4)))
    token = found[0].admin_file.read_text().strip()
    assert [tokens.check(token).person for tokens in found] == ["admin"] * 4
    assert len(Tokens(tmp_path).all()) == 1


def test_files_are_their_owners_alone_and_hold_no_secret(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    secret = tokens.admin_file.read_text().strip().split("_", 2)[2]
    for name in ("tokens.json", "admin.token"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert secret not in (tmp_path / "tokens.json").read_text()
    (tmp_path / "tokens.json").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Tokens(tmp_path)


def test_a_file_of_nonsense_leaves_the_former_tokens_in_force(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    admin = tokens.admin_file.read_text().strip()
    good = (tmp_path / "tokens.json").read_text()
    (tmp_path / "tokens.json").write_text("nonsense")
    assert tokens.check(admin).role is Role.ADMIN
    (tmp_path / "tokens.json").write_text(json.dumps({"tokens": []}))
    os.utime(tmp_path / "tokens.json", ns=(1, 1))
    with pytest.raises(RequestError):
        tokens.check(admin)
    (tmp_path / "tokens.json").write_text(good)
    assert tokens.check(admin).role is Role.ADMIN


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer wb_0000000000000000_" + "A" * 43,
        "Bearer \xff",
        "x" * 9000,
    ],
)
def test_a_wrong_header_is_401(served: Served, header: str) -> None:
    answer = httpx.get(
        f"{served.address}/api/v1/risk/status", headers={b"Authorization": header.encode("latin-1")}
    )
    assert answer.status_code in (401, 429)


def test_guessing_is_slowed_down_written_down_and_locks_nobody_else_out(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        with served.with_token("wb_0000000000000000_" + "A" * 43) as thief:
            codes = [thief.get("/api/v1/risk/status").status_code for _ in range(40)]
            assert codes[0] == 401
            assert codes[-1] == 429
            assert int(thief.get("/api/v1/risk/status").headers["retry-after"]) >= 1
        assert served.client.get("/api/v1/risk/status").status_code == 200
        lines = served.client.get("/api/v1/audit").json()["lines"]
        denied = [line for line in lines if line["outcome"] == "denied"]
        assert 1 <= len(denied) <= 25  # the journal is not filled by it
        assert denied[0]["action"] == "GET /api/v1/risk/status"


def test_a_viewer_who_reaches_for_a_traders_route_is_written_down(served: Served) -> None:
    answer = served.as_role(Role.VIEWER).post("/api/v1/strategies/start", json={"script": "quiet"})
    assert answer.status_code == 403
    assert "needs the role trader" in answer.json()["detail"]
    lines = served.client.get("/api/v1/audit?limit=1000").json()["lines"]
    assert any(line["person"] == "viewer" and line["outcome"] == "denied" for line in lines)


def test_more_requests_than_allowed_are_429(tmp_path: Path) -> None:
    with serve(tmp_path, requests_per_second=5.0) as served:
        codes = [served.client.get("/api/v1/risk/status").status_code for _ in range(30)]
        assert codes[:10] == [200] * 10
        assert 429 in codes
        assert served.as_role(Role.VIEWER).get("/api/v1/risk/status").status_code == 200
