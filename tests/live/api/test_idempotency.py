"""A command with an idempotency key is carried out once, whoever asks again, and after a restart too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from live.api.roles import Role
from tests.live.api.server import Served, serve

KILL = {"reason": "a drill", "scope": "venue", "target": "a"}


def _audit(served: Served, action: str) -> int:
    lines = served.client.get("/api/v1/audit?limit=1000").json()["lines"]
    return sum(line["action"] == action and line["outcome"] == "done" for line in lines)


def test_the_same_key_gets_the_first_answer_and_nothing_is_done_again(served: Served) -> None:
    body = {"script": "quiet", "strategy_id": "once"}
    first = served.client.post("/api/v1/strategies/start", json=body, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 200
    done = _audit(served, "strategy.start")
    again = served.client.post("/api/v1/strategies/start", json=body, headers={"Idempotency-Key": "k1"})
    assert again.json() == first.json()
    assert _audit(served, "strategy.start") == done


def test_the_same_key_with_another_request_is_a_conflict(served: Served) -> None:
    headers = {"Idempotency-Key": "k2"}
    assert served.client.post("/api/v1/risk/kill", json=KILL, headers=headers).status_code == 200
    other = served.client.post("/api/v1/risk/kill", json={**KILL, "target": "b"}, headers=headers)
    assert other.status_code == 409
    reset = served.client.post("/api/v1/risk/kill/reset", json=KILL, headers=headers)
    assert reset.status_code == 409
    assert served.client.post("/api/v1/risk/kill/reset", json=KILL).status_code == 200


def test_keys_of_different_people_are_different_keys(served: Served) -> None:
    headers = {"Idempotency-Key": "k3"}
    for role in (Role.RISK, Role.ADMIN):
        body = {"action": "trip", "reason": role.name}
        assert (
            served.as_role(role).post("/api/v1/risk/circuit-breaker", json=body, headers=headers).status_code
            == 200
        )
    served.client.post("/api/v1/risk/circuit-breaker", json={"action": "reset", "reason": "over"})


def test_what_was_refused_may_be_asked_again(served: Served) -> None:
    headers = {"Idempotency-Key": "k4"}
    body = {"strategy_id": "later"}
    assert served.client.post("/api/v1/strategies/stop", json=body, headers=headers).status_code == 404
    served.client.post("/api/v1/strategies/start", json={"script": "quiet", "strategy_id": "later"})
    assert served.client.post("/api/v1/strategies/stop", json=body, headers=headers).status_code == 200


def test_many_at_once_with_one_key_are_one(served: Served) -> None:
    done = _audit(served, "strategy.upload")
    source = served.engine.catalog.find("quiet").source

    def upload(_: int) -> tuple[int, str]:
        with served.with_token(served.admin) as client:
            body = {"name": "at_once.py", "source": source}
            answer = client.post("/api/v1/strategies/upload", json=body, headers={"Idempotency-Key": "k5"})
            return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(upload, range(8)))
    assert len(answers) == 1
    assert _audit(served, "strategy.upload") == done + 1


def test_a_key_that_cannot_be_is_refused(served: Served) -> None:
    for key in ("k" * 129, "two words", "tab\there"):
        answer = served.client.post("/api/v1/risk/kill", json=KILL, headers={"Idempotency-Key": key})
        assert answer.status_code == 422, key


def test_answers_outlive_a_restart(tmp_path: Path) -> None:
    headers = {"Idempotency-Key": "for ever".replace(" ", "-")}
    with serve(tmp_path) as served:
        first = served.client.post("/api/v1/risk/kill", json=KILL, headers=headers).json()
        served.client.post("/api/v1/risk/kill/reset", json=KILL)
    with serve(tmp_path) as served:
        again = served.client.post("/api/v1/risk/kill", json=KILL, headers=headers)
        assert again.json() == first
        assert served.client.get("/api/v1/risk/status").json()["kills"] == []  # it was not done a second time
        other = served.client.post("/api/v1/risk/kill", json={**KILL, "target": "b"}, headers=headers)
        assert other.status_code == 409
