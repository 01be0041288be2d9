"""Promotion over REST: what a person is told, and what stands in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from live.api.generated import trading_pb2 as pb
from live.api.roles import Role
from live.machine import Machine
from tests.live.admission.world import certified, script_text, settings_of
from tests.live.api.grpc_use import serving
from tests.live.api.server import Served, serve
from workbench.certificates import KeyPair, key_pair, read_signed

TEXT = script_text()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, key: KeyPair) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("engine")
    with serve(folder, require_certificate=True, trusted_keys=key.public_file.parent) as found:
        yield found


def promote(served: Served, key: KeyPair, name: str, role: Role = Role.TRADER, **more: Any) -> Any:
    data = certified(key, "watcher.py", TEXT)
    body = {"script": "watcher.py", "source": TEXT, "certificate": data.decode(), "strategy_id": name}
    return served.as_role(role).post(
        "/api/v1/strategies/promote", json={**body, "reason": "it passed", **more}
    )


def history(served: Served, name: str) -> list[dict[str, Any]]:
    answer = served.as_role(Role.VIEWER).get(f"/api/v1/strategies/{name}/history")
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()["lines"]
    return lines


def test_a_version_is_put_on_trial_and_everybody_may_see_how_it_stands(served: Served, key: KeyPair) -> None:
    answer = promote(served, key, "one")
    found = answer.json()
    assert (answer.status_code, found["state"], found["capital_share"]) == (200, "running", 0.1)
    assert found["steps"] == [0.1, 0.25, 0.5]  # of config/certification.yaml
    status = served.client.get("/api/v1/strategies/one/status").json()
    assert (status["capital_share"], status["certificate"]) == (0.1, found["certificate"])
    shown = served.as_role(Role.VIEWER).get("/api/v1/strategies/one/history").json()
    assert shown["trial"]["state"] == "growing"
    assert (shown["trial"]["minutes"], shown["trial"]["min_fills"]) == (60.0, 10)
    (line,) = shown["lines"]
    assert (line["action"], line["person"], line["reason"], line["share"]) == (
        "promoted",
        "trader",
        "it passed",
        0.1,
    )


def test_what_was_refused_stands_in_the_history_too(served: Served, key: KeyPair) -> None:
    assert promote(served, key, "two", source=TEXT + "\n").status_code == 403
    (line,) = history(served, "two")
    assert (line["action"], line["outcome"]) == ("strategy.promote", "refused")
    assert "is not what was certified" in line["reason"]


def test_a_reason_is_needed(served: Served, key: KeyPair) -> None:
    assert promote(served, key, "three", reason="  ").status_code == 422
    assert promote(served, key, "three", reason="  ").json()["detail"].startswith("expected a reason")


def test_everything_at_once_is_for_the_role_risk(served: Served, key: KeyPair) -> None:
    assert promote(served, key, "four", canary=False).status_code == 403
    whole = promote(served, key, "four", Role.RISK, canary=False).json()
    assert (whole["capital_share"], whole["steps"]) == (1.0, [])


def test_a_person_takes_it_back_and_the_certificate_is_worth_nothing_then(
    served: Served, key: KeyPair
) -> None:
    data = certified(key, "watcher.py", TEXT).decode()
    assert promote(served, key, "five", certificate=data).status_code == 200
    path = "/api/v1/strategies/five/demote"
    assert served.client.post(path, json={"reason": ""}).status_code == 422
    answer = served.client.post(path, json={"reason": "second thoughts"})
    assert (answer.status_code, answer.json()["state"]) == (200, "stopped"), answer.text
    actions = [line["action"] for line in history(served, "five") if line["outcome"] == "done"]
    assert actions == ["promoted", "demoted", "stopped"]
    shown = served.client.get("/api/v1/strategies/five/certificate").json()
    assert (shown["holds"], "demoted (second thoughts)" in shown["problem"]) == (False, True)
    assert promote(served, key, "five", certificate=data).status_code == 403
    again = served.client.post(path, json={"reason": "again"})
    assert (again.status_code, "on no trial" in again.json()["detail"]) == (409, True)


def test_the_same_key_promotes_once(served: Served, key: KeyPair) -> None:
    data = certified(key, "watcher.py", TEXT).decode()
    body = {"script": "watcher.py", "source": TEXT, "certificate": data, "strategy_id": "six", "reason": "x"}
    answers = [
        served.client.post("/api/v1/strategies/promote", json=body, headers={"Idempotency-Key": "six"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert [line["action"] for line in history(served, "six")] == ["promoted"]


def test_overrides_and_limits_stand_in_every_history(served: Served, key: KeyPair) -> None:
    promote(served, key, "seven")
    change = {"limits": {"order_limits": {"max_order_value": 900_000}}, "reason": "a quiet week"}
    assert served.client.put("/api/v1/risk/limits", json=change).status_code == 200
    lines = history(served, "seven")
    assert [line["action"] for line in lines][-1] == "risk.limits"
    looser = {"limits": {"order_limits": {"max_order_value": 2_000_000}}, "reason": "a busy week"}
    refused = served.client.put("/api/v1/risk/limits", json=looser)
    assert (refused.status_code, "runs under a certificate" in refused.json()["detail"]) == (409, True)


def test_an_upload_keeps_its_certificate(served: Served, key: KeyPair) -> None:
    text = script_text(version="9")
    data = certified(key, "ninth.py", text, version="9")
    body = {"name": "ninth.py", "source": text, "certificate": data.decode()}
    answer = served.client.post("/api/v1/strategies/upload", json=body)
    assert (answer.status_code, answer.json()["certificate"]) == (201, read_signed(data).certificate.id)
    started = served.client.post("/api/v1/strategies/start", json={"script": "ninth"})
    assert (started.status_code, started.json()["state"]) == (200, "running")


@pytest.mark.parametrize("what", ["certificate", "history"])
def test_of_nobody_there_is_none(served: Served, what: str) -> None:
    assert served.client.get(f"/api/v1/strategies/nobody/{what}").status_code == 404


def test_what_runs_without_one_has_none(tmp_path: Path) -> None:
    with serve(tmp_path) as lax:
        assert lax.client.post("/api/v1/strategies/start", json={"script": "quiet"}).status_code == 200
        assert lax.client.get("/api/v1/strategies/quiet/certificate").status_code == 404
        (line,) = history(lax, "quiet")
        assert (line["action"], line["outcome"]) == ("strategy.start", "done")


def start(served: Served, name: str, role: Role = Role.TRADER, script: str = "watcher") -> Any:
    body = {"script": script, "strategy_id": name}
    return served.as_role(role).post("/api/v1/strategies/start", json=body)


def stop(served: Served, name: str) -> None:
    assert served.client.post("/api/v1/strategies/stop", json={"strategy_id": name}).status_code == 200


def test_a_start_gets_nobody_round_the_trial(served: Served, key: KeyPair) -> None:
    assert promote(served, key, "eight").status_code == 200
    for name in ("watcher", "other"):  # under another id than that of its trial
        refused = start(served, name)
        assert (refused.status_code, "has passed no trial here as" in refused.json()["detail"]) == (403, True)
        assert "\n" not in refused.json()["detail"]
    stop(served, "eight")
    assert start(served, "eight").status_code == 200  # and stays on its trial
    assert served.client.get("/api/v1/strategies/eight/status").json()["capital_share"] == 0.1


def test_what_has_passed_or_somebody_of_risk_has_accepted_is_started_by_a_trader(
    served: Served, key: KeyPair
) -> None:
    assert promote(served, key, "nine").status_code == 200
    line = served.engine.machine.canaries.lines["nine"]
    served.call(served.engine.ask(msgspec.structs.replace(line, state="passed")))
    stop(served, "nine")
    assert start(served, "nine").status_code == 200
    assert start(served, "ten").status_code == 403
    assert start(served, "ten", Role.RISK).status_code == 200
    assert start(served, "ten").status_code == 200  # it runs already
    stop(served, "ten")
    assert start(served, "ten").status_code == 200  # and was accepted
    assert served.client.get("/api/v1/strategies/ten/status").json()["capital_share"] == 1.0


def test_what_was_accepted_and_is_demoted_has_to_pass_again(served: Served, key: KeyPair) -> None:
    assert promote(served, key, "eleven", Role.RISK, canary=False).status_code == 200
    assert promote(served, key, "eleven").status_code == 200
    path = "/api/v1/strategies/eleven/demote"
    assert served.client.post(path, json={"reason": "second thoughts"}).status_code == 200
    assert start(served, "eleven").status_code == 403


def test_acceptance_outlives_a_snapshot(served: Served) -> None:
    assert start(served, "twelve", Role.RISK).status_code == 200

    async def again() -> Machine:
        return Machine(served.engine.machine.setup, served.engine.machine.dump())

    canaries, record = served.call(again()).canaries, served.engine.machine.strategies["twelve"]
    assert canaries.takes("twelve", record.source_hash, record.config)
    assert not canaries.takes("twelve", record.source_hash, {"size": 1})
    assert not canaries.takes("twelfth", record.source_hash, record.config)


def test_over_grpc_it_is_the_same(tmp_path: Path, key: KeyPair) -> None:
    async def whole() -> None:
        settings = settings_of(tmp_path, key.public_file.parent)
        (settings.strategies_path / "watcher.py").write_text(TEXT)
        given: Any = {"strategies_path": settings.strategies_path, "trusted_keys": settings.trusted_keys}
        async with serving(tmp_path, require_certificate=True, **given) as a:
            a.engine.gate.store.keep(certified(key, "watcher.py", TEXT))
            request = pb.StartStrategyRequest(script="watcher", strategy_id="w")
            with pytest.raises(grpc.aio.AioRpcError, match="has passed no trial here as w") as refused:
                await a.trading.StartStrategy(request, metadata=a.by("trader"))
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
            answer = await a.trading.StartStrategy(request, metadata=a.by("risk"))
            assert answer.state == "running"

    asyncio.run(whole())
