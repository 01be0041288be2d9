"""Backtests over the API: in a process of their own, confined, bounded, and kept."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from live.api import backtest_process, backtests
from live.sandbox.bubblewrap import why_no_bubblewrap
from tests.live.api.server import TRADER, Served, serve
from tests.live.engine.desk import SCRIPTS

PRICES = {"bars": 400, "symbols": ["BTC-USD"], "venues": ["a"], "seed": 7}


def _run(served: Served, **request: Any) -> Any:
    answer = served.client.post("/api/v1/backtest/start", json={"prices": PRICES, **request})
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 120.0
    while True:
        found = served.client.get(f"/api/v1/backtest/results/{answer.json()['backtest_id']}").json()
        if found["state"] in ("done", "failed"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def _upload(served: Served, name: str, body: str) -> None:
    source = TRADER.replace("        self.count += 1\n", f"        self.count += 1\n{body}", 1)
    answer = served.client.post("/api/v1/strategies/upload", json={"name": name, "source": source})
    assert answer.status_code == 201, answer.text


def test_it_finds_what_the_same_backtest_finds_in_a_notebook(served: Served) -> None:
    shutil.copy(SCRIPTS / "sma_cross.py", served.engine.catalog.folder)
    config = {"fast": 5, "slow": 20}
    found = _run(served, script="sma_cross", config=config)
    assert found["state"] == "done", found["error"]
    expected = wb.backtest(
        {"sma_cross": SCRIPTS / "sma_cross.py"},
        wb.synthetic(["BTC-USD"], ["a"], 400, seed=7),
        config=config,
        progress=False,
    )
    result = found["result"]
    assert result["fingerprint"] == expected.fingerprint
    assert result["final_equity"] == expected.final_equity
    assert result["fill_count"] == len(expected.fills) > 0
    assert result["equity"][-1][1] == expected.final_equity
    assert result["performance"][0]["strategy_name"] == "sma_cross"
    assert (found["person"], found["strategy_name"]) == ("admin", "SmaCrossStrategy")


def test_its_code_reads_no_token_opens_no_connection_and_sees_no_environment(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacks := why_no_bubblewrap():
        pytest.skip(lacks)
    monkeypatch.setenv("SECRET_OF_THE_ENGINE", "1")
    witness = served.engine.settings.data / "written"
    attempts = f"""
            import os, socket
            found = []
            try:
                open({str(served.tokens.admin_file)!r}).read(); found.append("token")
            except OSError:
                pass
            try:
                open({str(witness)!r}, "w"); found.append("write")
            except OSError:
                pass
            try:
                socket.create_connection(("127.0.0.1", {served.rest.port}), 1.0); found.append("network")
            except OSError:
                pass
            if "SECRET_OF_THE_ENGINE" in os.environ:
                found.append("environment")
            if found:
                raise ValueError(" ".join(found))
"""
    _upload(served, "spy.py", f"        if self.count == 1:{attempts}")
    found = _run(served, script="spy")
    assert found["state"] == "failed" or found["result"]["breaches"].get("strategy_error", 0) == 1
    served_settings = served.engine.settings
    assert served_settings.strategy_isolation == "thread"  # which is for trusted code, so nothing is kept out

    monkeypatch.setattr(backtest_process, "_confinement", lambda _settings: (True, []))
    found = _run(served, script="spy")
    assert found["state"] == "done", found["error"]
    assert "strategy_error" not in found["result"]["breaches"]
    monkeypatch.setattr(backtest_process, "_confinement", lambda _settings: (False, ["landlock", "seccomp"]))
    found = _run(served, script="spy")
    assert found["state"] == "done", found["error"]
    assert "strategy_error" not in found["result"]["breaches"]
    assert not witness.exists() or witness.read_text() == ""


def test_the_sandbox_setting_confines_and_refuses_what_it_cannot(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = served.engine.settings.model_copy(
        update={"strategy_isolation": "sandbox", "strategy_isolation_minimum": "bubblewrap"}
    )
    monkeypatch.setattr(backtest_process, "why_no_bubblewrap", lambda: "")
    assert backtest_process._confinement(settings) == (True, [])
    monkeypatch.setattr(backtest_process, "why_no_bubblewrap", lambda: "there is no bwrap")
    with pytest.raises(wb.errors.SandboxError, match="there is no bwrap"):
        backtest_process._confinement(settings)


def test_one_that_never_ends_is_ended(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest_process, "WALL_S", 8.0)
    _upload(served, "endless.py", "        while True: pass\n")
    found = _run(served, script="endless")
    assert (found["state"], found["result"]) == ("failed", None)
    assert "did not end within 8 s" in found["error"]


def test_one_that_eats_memory_is_ended_and_the_engine_is_not(served: Served) -> None:
    _upload(served, "hungry.py", "        self.hoard = [bytes(1 << 28) for _ in range(64)]\n")
    found = _run(served, script="hungry")
    assert found["state"] == "failed" or found["result"]["breaches"].get("strategy_error", 0) > 0
    assert served.client.get("/health").json()["status"] == "ok"


def test_one_that_dies_prints_or_lies_is_told_as_failed(served: Served) -> None:
    _upload(served, "dier.py", "        import os\n        print('{}' * 100)\n        os._exit(0)\n")
    found = _run(served, script="dier")
    assert found["state"] == "failed"
    assert "\n" not in found["error"]


@pytest.mark.parametrize(
    "request_",
    [
        {"script": "quiet", "prices": {"source": "/etc/passwd"}},
        {"script": "quiet", "prices": {"bars": 0}},
        {"script": "quiet", "prices": {"bars": 200_000, "symbols": ["A"] * 20}},
        {"script": "quiet", "initial_cash": -1},
        {"script": "quiet", "limits": {"nonsense": 1}},
        {"script": "quiet", "config": {"a": 10**30}},
    ],
)
def test_what_makes_no_sense_is_refused_at_once(served: Served, request_: dict[str, Any]) -> None:
    answer = served.client.post("/api/v1/backtest/start", json=request_)
    assert answer.status_code == 422, answer.text
    assert served.client.post("/api/v1/backtest/start", json={"script": "missing"}).status_code == 404


def test_what_only_the_backtest_can_tell_is_told_by_it(served: Served) -> None:
    found = _run(served, script="quiet", prices={**PRICES, "interval": "odd"})
    assert found["state"] == "failed"
    assert "odd" in found["error"]
    found = _run(served, script="quiet", chaos=[{"kind": "odd"}])
    assert found["state"] == "failed"


def test_so_many_wait_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtests, "MOST_WAITING", 0)
    body = {"script": "quiet", "prices": PRICES}
    first = served.client.post("/api/v1/backtest/start", json=body)
    assert first.status_code == 202
    second = served.client.post("/api/v1/backtest/start", json=body)
    assert second.status_code == 429
    assert "retry-after" in second.headers


def test_results_outlive_a_restart_and_what_was_cut_off_says_so(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        done = _run(served, script="quiet")
        cut = served.client.post("/api/v1/backtest/start", json={"script": "quiet", "prices": PRICES}).json()
    with serve(tmp_path) as served:
        again = served.client.get(f"/api/v1/backtest/results/{done['backtest_id']}").json()
        assert again == done
        lost = served.client.get(f"/api/v1/backtest/results/{cut['backtest_id']}").json()
        assert (lost["state"], lost["error"]) == ("failed", "the engine ended before it was done")
        for name in ("../../tokens", "0" * 16, "%2e%2e%2ftokens"):
            assert served.client.get(f"/api/v1/backtest/results/{name}").status_code == 404
