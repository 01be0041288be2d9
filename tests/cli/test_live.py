"""`workbench live …` against a real engine, and the processes that `live` and `exchange` start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from live.api.roles import Role
from tests.cli.conftest import Answer, Call
from tests.client.conftest import Running, running
from tests.live.engine.desk import paper_market
from tests.waiting import until
from workbench.client import EngineClient
from workbench.errors import RequestError

__all__ = ["running"]  # a fixture

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from workbench.cli import main; main()"]
READING = ("status", "positions", "orders", "fills", "pnl", "scripts", "history", "limits")

type Live = Callable[..., Answer]


@pytest.fixture
def live(call: Call, running: Running, monkeypatch: pytest.MonkeyPatch) -> Live:
    """live("status", ...): the command, of the engine that runs."""
    monkeypatch.delenv("WORKBENCH_ENGINE_TOKEN", raising=False)
    return lambda *words: call("live", *words, "--url", running.url, "--data", str(running.data))


def test_a_strategy_by_hand(live: Live) -> None:
    started = live("start", "momentum", "--id", "m", "-c", "lookback=5", "-c", '{"unit": 0.1}')
    assert (started.status, started.err) == (0, "")
    assert started.out.startswith("m (MomentumStrategy 1.")
    assert started.out.endswith(") is running\n")
    until(lambda: len(json.loads(live("fills", "--strategy", "m", "--json").out)) >= 3)
    for command, shown in (
        ("status", "MomentumStrategy"),
        ("positions", "BTC-USD"),
        ("orders", "filled"),
        ("fills", "m-"),
        ("pnl", "1,000,000.00"),
        ("history", "strategy.start"),
    ):
        status, out, err = live(command)
        assert (status, err) == (0, "")
        assert shown in out, command
    told = live("history", "m").out
    assert all(line in told for line in ("config.lookback  5", "config.unit      0.1", "on_failure"))
    in_full = live("status", "m")
    assert "lookback" in in_full.out
    assert live("pause", "m").out.endswith("is paused\n")
    assert live("resume", "m").out.endswith("is running\n")
    assert "is stopped: enough" in live("stop", "m", "--reason", "enough").out


def test_a_long_parameter_is_told_whole(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    note = "n" * 150 + "END"
    assert live("start", "momentum", "--id", "long", "-c", "lookback=7").status == 0
    assert live("stop", "long", "--reason", note).status == 0
    for history in (live("history", "long"), live("history", "-n", "2")):
        assert note in "".join(line.strip() for line in history.out.splitlines())
        assert "config.lookback  7" in history.out


@pytest.mark.parametrize("command", READING)
def test_answers_come_as_json_too(live: Live, command: str) -> None:
    status, out, err = live(command, "--json")
    assert (status, err) == (0, "")
    json.loads(out)


def test_kill_and_reset(live: Live) -> None:
    assert live("start", "momentum", "--id", "k").status == 0
    assert "halted by" not in live("status", "k").out
    assert live("kill", "--flatten").out.startswith("killed all: ")
    (shown,) = json.loads(live("status", "--json").out)["strategies"]
    assert (shown["state"], shown["halted_by"]) == ("running", "kill switch (everything)")
    assert "kill switch (everything)" in live("status", "k").out
    status, out, _ = live("status")
    assert status == 1
    assert "killed: all by admin: kill switch on the command line" in out
    assert live("reset", "--reason", "looked into").out == "all: kill reset\n"
    assert live("stop", "k").status == 0
    assert live("status").status == 0
    assert live("kill", "--venue", "b").out.startswith("killed venue b: ")
    assert live("reset", "--venue", "b", "--reason", "looked into").out == "venue b: kill reset\n"
    assert live("reset", "--reason", "again").out == "all: nothing is latched\n"


def test_latched_breakers_are_reset(live: Live, running: Running) -> None:
    with EngineClient(running.url, data=running.data) as engine:
        engine.circuit_breaker("trip", "a test")
    assert live("reset", "--reason", "looked into").out == "all: breakers (manual) reset\n"


def test_a_kill_ends_and_its_breakers_stay_where_that_is_asked(live: Live, running: Running) -> None:
    with EngineClient(running.url, data=running.data) as engine:
        engine.circuit_breaker("trip", "a drill")
    live("kill", "--reason", "a drill")
    assert live("reset", "--only", "kill", "--reason", "looked into").out == "all: kill reset\n"
    assert live("reset", "--only", "kill", "--reason", "again").out == "all: no kill is in force\n"
    assert live("reset", "--only", "breakers", "--reason", "now").out == "all: breakers (manual) reset\n"
    status, _, told = live("reset", "--only", "both", "--reason", "x")
    assert status != 0
    assert "--only: expected kill or breakers, found 'both'" in told


def test_a_reset_of_everything_is_one_of_each_strategy_too(live: Live, running: Running) -> None:
    assert live("start", "momentum", "--id", "alone").status == 0
    with EngineClient(running.url, data=running.data) as engine:
        engine.circuit_breaker("trip", "a test", strategy_id="alone")
        assert live("reset", "--reason", "looked into").out == "all: breakers (manual) reset\n"
        assert "alone" not in engine.risk().halted_strategies
    assert live("reset", "--reason", "again").out == "all: nothing is latched\n"
    assert live("stop", "alone").status == 0


def test_limits_are_changed_by_keys_and_by_file(live: Live, tmp_path: Path) -> None:
    changed = live("limits", "--set", "notional_limits.per_strategy=432100", "--reason", "a test")
    assert changed.out == "notional_limits.per_strategy changed\n"
    shown = yaml.safe_load(live("limits").out)
    assert shown["risk_limits"]["notional_limits"]["per_strategy"] == 432_100
    (tmp_path / "limits.yaml").write_text("risk_limits: {notional_limits: {per_strategy: 999999}}\n")
    changed = live("limits", "--file", "limits.yaml")
    assert changed.out == "notional_limits.per_strategy changed (permits more than before)\n"
    assert live("limits", "--file", "limits.yaml").out == "these limits are in force already\n"


def test_a_file_here_is_uploaded_and_started(live: Live, tmp_path: Path) -> None:
    source = (ROOT / "strategies" / "sma_cross.py").read_text().replace("fast=10", "fast=10 ")
    (tmp_path / "mine.py").write_text(source + "\n# of mine\n")
    assert live("upload", "mine.py").out.startswith("mine.py: SmaCrossStrategy ")
    assert "is running" in live("start", "mine.py", "--id", "mine").out
    assert live("logs", "mine").status == 0
    live("stop", "mine")


def test_an_override_waits_for_a_second_person(
    live: Live, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("override", "order_limits.max_order_value", "2000000", "--minutes", "30", "--reason", "a block")
    assert live("override").out == "nothing is overridden\n"
    said = _flat(live(*wanted).out)
    assert "max_order_value: 2,000,000 in place of " in said
    assert "waits for a second person; proposed by admin: a block" in said
    monkeypatch.setenv("WORKBENCH_ENGINE_TOKEN", running.tokens.issue("rita", Role.RISK))
    assert "by admin and rita: a block" in _flat(live(*wanted).out)
    assert (
        live("override", "order_limits.max_order_value", "--end", "--reason", "done").out
        == "nothing is overridden\n"
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_a_price_is_accepted_and_the_engine_goes_on(live: Live) -> None:
    accepted = live("accept-price", "BTC-USD", "--venue", "a", "--reason", "a real crash")
    assert accepted.out == "the next price of BTC-USD at a is taken for true\n"
    assert live("resume-engine", "--reason", "there is room again").out == "the engine is running\n"


def test_tokens_are_made_listed_and_revoked(call: Call, running: Running) -> None:
    here = ("--data", str(running.data))
    made = call("live", "token", "add", "ana", "--role", "trader", "--days", "30", *here)
    assert (made.status, made.err) == (0, "")
    with EngineClient(running.url, made.out.strip()) as ana:
        ana.positions()
        listed = next(line for line in call("live", "token", "list", *here).out.splitlines() if "ana" in line)
        assert "ana (trader) until 20" in listed
        assert made.out.strip() not in listed
        assert call("live", "token", "revoke", listed.split()[0], *here).status == 0
        with pytest.raises(RequestError, match="bearer token"):
            ana.positions()


def test_tokens_of_no_engine_are_one_line(call: Call, tmp_path: Path) -> None:
    status, out, err = call("live", "token", "list", "--data", str(tmp_path / "none"))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "expected an engine's data folder" in err
    assert not (tmp_path / "none").exists()


BAD = {
    "an override of nothing": ("override order_limits.max_order_value", "or --end, found neither"),
    "an override of what stops trading": (
        "override circuit_breakers.portfolio_loss_pct -0.5 --reason no",
        "circuit_breakers",
    ),
    "an unknown strategy": ("stop nobody", "no strategy 'nobody' was started"),
    "an unknown script": ("start nothing", "no strategy 'nothing' is available"),
    "a parameter without a value": ("start momentum -c lookback", "expected key=value"),
    "a limit without a value": ("limits --set daily_loss", "--set: expected key=value"),
    "a limit that makes no sense": ("limits --set drawdown_limits.daily_loss=7", "daily_loss"),
    "a file of limits that is not there": ("limits --file none.yaml", "none.yaml: expected limits in YAML"),
    "two strategies": ("kill m --strategy n", "expected one strategy, found m and n"),
    "both a strategy and a venue": ("kill --strategy m --venue a", "expected --strategy or --venue"),
    "a level that there is not": ("logs --level loud", "expected one of debug, info"),
    "a log that is not there": ("logs", "no engine has kept a log there"),
    "a script that is no text": ("upload picture.py", "expected a strategy script in UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_one_line_and_status_2(live: Live, tmp_path: Path, name: str) -> None:
    (tmp_path / "picture.py").write_bytes(b"\xff\xd8")
    words, says = BAD[name]
    status, out, err = live(*words.split())
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("error: ")
    assert says in err


def test_without_an_engine_it_says_so(call: Call, tmp_path: Path) -> None:
    status, out, err = call("live", "status", "--url", "http://127.0.0.1:9", "--data", str(tmp_path))
    assert (status, out) == (2, "")
    assert err.startswith("error: no engine answers at http://127.0.0.1:9 (")
    assert err.endswith("`workbench live` starts one\n")


def test_options_of_the_engine_do_not_go_before_a_command(call: Call) -> None:
    status, _, err = call("live", "--port", "1", "status")
    assert status == 2
    assert "put yours behind it, as in: workbench live status --data FOLDER" in err


@pytest.mark.parametrize(
    "command", ["live", "exchange", *(f"live {word}" for word in (*READING, "kill", "logs"))]
)
def test_help(call: Call, command: str) -> None:
    status, out, err = call(*command.split(), "--help")
    assert (status, err) == (0, "")
    assert f"Usage: workbench {command}" in out


def test_the_log_file_is_shown_from_a_level_on_and_followed(call: Call, tmp_path: Path) -> None:
    def line(number: int, level: str) -> str:
        stamp = f"2025-09-16T14:23:45.{number:03}Z"
        return (
            json.dumps({"timestamp": stamp, "level": level, "event": f"event_{number}", "text": "a\x1b[31mb"})
            + "\n"
        )

    old, new = tmp_path / "engine.log.1", tmp_path / "engine.log"
    old.write_text("".join(line(number, "info") for number in range(5)))
    new.write_text(
        "".join(line(number, "warning" if number % 2 else "info") for number in range(5, 9)) + "torn"
    )
    status, out, err = call("live", "logs", "--data", str(tmp_path), "-n", "100", "--level", "warning")
    assert (status, err) == (0, "")
    assert [word for word in out.split() if word.startswith("event_")] == ["event_5", "event_7"]
    assert "\x1b[31m" not in out
    _, out, _ = call("live", "logs", "--data", str(tmp_path), "-n", "7", "--json")
    assert next(json.loads(text)["event"] for text in out.splitlines()) == "event_3"
    with subprocess.Popen(
        [*PROGRAM, "live", "logs", "--data", str(tmp_path), "-n", "1", "--follow", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["event"] == "torn"
        time.sleep(0.5)  # it has looked at the end of the file
        with new.open("a") as file:
            file.write("\n" + line(10, "error"))
        events = [json.loads(following.stdout.readline())["event"] for _ in range(2)]
        assert events[-1] == "event_10"
        new.rename(old)
        new.write_text(line(11, "info"))
        assert json.loads(following.stdout.readline())["event"] == "event_11"
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 130


# --- processes -------------------------------------------------------------------------------------------------------


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    (folder / "venues.yaml").write_text(yaml.safe_dump(paper_market()))
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=ROOT,
        env={**os.environ, "STRATEGY_ISOLATION_MINIMUM": "none", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_live_starts_an_engine_by_its_options(tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = [
        "--data",
        str(data),
        "--venues",
        str(tmp_path / "venues.yaml"),
        "--isolation",
        "thread",
        "--no-autostart",
        "--no-require-certificate",
    ]
    with started(tmp_path, "live", "--port", "0", "--grpc-port", "0", *options) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("trading engine: REST at http://127.0.0.1:"), line + process.stderr.read()
        with EngineClient(data=data) as engine:
            assert engine.health().state == "running"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_live_with_bad_options_is_one_line(call: Call, tmp_path: Path) -> None:
    status, out, err = call("live", "--venues", str(tmp_path / "none.yaml"), "--data", str(tmp_path / "d"))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "TRADING_ENGINE_VENUES: expected a file" in err


def test_exchange_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    with started(tmp_path, "exchange", "--port", "0", "--store", str(tmp_path / "accounts")) as process:
        until(lambda: (tmp_path / "accounts").is_dir() or process.poll() is not None, 60)
        time.sleep(1.0)
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_exchange_with_bad_options_is_one_line(call: Call, tmp_path: Path) -> None:
    status, out, err = call("exchange", "--venues", str(tmp_path / "none.yaml"), "--store", str(tmp_path))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "none.yaml" in err
