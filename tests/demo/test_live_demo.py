"""The live part of the demo, with real processes: it tells what happened, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from workbench.cli.app import run
from workbench.cli.demo.live_processes import Processes, wait_until
from workbench.cli.demo.live_run import (
    Contained,
    Crash,
    LiveDemo,
    Replayed,
    Standing,
    Traded,
    live_steps,
    run_live,
)
from workbench.cli.demo.live_scene import STRATEGIES, VENUES
from workbench.cli.demo.live_tables import isolation_text, live_as_json, show_live, story
from workbench.cli.demo.tables import FULL_WIDTH
from workbench.cli.demo_command import exit_status
from workbench.configuration import load_limits
from workbench.errors import EngineError

ROOT = Path(__file__).parents[2]
LIMITS = ROOT / "config" / "risk_limits.yaml"


def made_up() -> LiveDemo:
    """A story in which all went well."""
    books = {"runaway": Standing({}, -20.0)}
    books |= {role.script: Standing({"BTC-USD exchange-1": 0.1}, 1.5) for role in STRATEGIES}
    reasons = (("message_rate", 8_000), ("duplicate_order", 7_000), ("circuit_breaker", 900))
    return LiveDemo(
        "bubblewrap",
        tuple(Traded(role, VENUES, 20, 5, 7, 2.0, False) for role in STRATEGIES),
        Contained(60, 9_000, 64, reasons, 6.1, 10.0, ("repeated_execution",), 1.8, 1e-15, -20.0),
        Crash(80, 1_200, books, dict(books), 4.2, 0.1, dict.fromkeys(VENUES, "")),
        Replayed(1_000, 101, 101, True, "0123456789abcdef" * 4),
        0,
        25.0,
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines and environments of processes that have to do with a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            said = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        if str(folder).encode() in said and place.name != str(os.getpid()):
            found.append(place.name)
    return found


def test_the_engine_trades_contains_a_runaway_survives_a_kill_and_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("workbench.cli.demo.live_run._TRADING_S", 0.5)
    monkeypatch.setenv("TRADING_ENGINE_PORT", "1")  # what is set for another engine does not count
    monkeypatch.setenv("WORKBENCH_ENGINE_URL", "http://127.0.0.1:1")
    said: list[str] = []

    demo = run_live(ROOT / "strategies", LIMITS, load_limits(LIMITS), said.append)

    assert all(good for _, _, good in story(demo)), story(demo)
    assert demo.status == 0
    assert len(said) == live_steps()
    assert not list(tmp_path.iterdir())
    assert not processes_of(tmp_path)

    assert [one.role for one in demo.traded] == list(STRATEGIES)
    assert all(one.before and one.after for one in demo.traded)
    assert {venue for one in demo.traded for venue in one.venues} == set(VENUES)

    runaway = demo.contained
    assert runaway.breakers == ("repeated_execution",)
    assert runaway.refused > 10 * runaway.accepted
    assert 0.0 < runaway.worst_position < runaway.limit == 10.0
    assert abs(runaway.held) < 1e-9

    crash = demo.crash
    assert crash.before == crash.after  # to the bit
    assert crash.before.keys() == {"runaway", *(role.script for role in STRATEGIES)}
    assert crash.venues == dict.fromkeys(VENUES, "")
    assert demo.replayed.fills == demo.replayed.told > crash.fills > 0


@pytest.mark.parametrize("width", [80, FULL_WIDTH, 150])
def test_what_is_shown_fits_the_screen(width: int) -> None:
    demo = made_up()
    text = StringIO()
    show_live(demo, Console(file=text, width=width))
    assert max(map(len, text.getvalue().splitlines())) <= width
    assert "…" not in text.getvalue()
    assert "NO" not in text.getvalue()
    assert demo.replayed.fingerprint[:16] in text.getvalue()


def test_what_went_wrong_is_shown_and_is_the_exit_status() -> None:
    demo = made_up()
    wrong = msgspec.structs.replace(demo, replayed=msgspec.structs.replace(demo.replayed, same=False))
    assert [good for _, _, good in story(wrong)] == [True, True, True, True, False]
    text = StringIO()
    show_live(wrong, Console(file=text, width=150))
    assert text.getvalue().count("NO") == 1
    assert (exit_status(demo), exit_status(wrong), exit_status(None)) == (0, 1, 0)


def test_json_has_the_figures() -> None:
    demo = made_up()
    answer = json.loads(msgspec.json.encode(live_as_json(demo)))
    assert answer["isolation"] == demo.isolation
    assert answer["runaway"]["breakers"] == ["repeated_execution"]
    assert answer["kill"]["same"] is True
    assert answer["replay"]["fills"] == demo.replayed.fills


@pytest.mark.parametrize("level", ["bubblewrap", "filtered", "rlimits", "none"])
def test_a_weaker_sandbox_is_told_in_plain_words(level: str) -> None:
    text = isolation_text(msgspec.structs.replace(made_up(), isolation=level))
    assert ("trusted code alone" in text) == (level in ("rlimits", "none"))
    assert ("below" in text) == (level in ("filtered", "rlimits"))


def test_an_engine_that_does_not_start_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        Processes({"STRATEGY_ISOLATION": "prayer"}) as processes,
        pytest.raises(
            EngineError, match=r"^the engine did not start: STRATEGY_ISOLATION: .* found 'prayer'$"
        ),
    ):
        processes.start_engine()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "from workbench.cli.demo.live_processes import Processes\n"
        "import time\n"
        "with Processes({}) as processes:\n"
        "    processes.start_exchanges(); processes.hold_exchanges(True); print('started', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    assert len(processes_of(tmp_path)) == 2
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert not processes_of(tmp_path)
    assert not list(tmp_path.iterdir())


def test_waiting_in_vain_is_one_line() -> None:
    begun = time.monotonic()
    with pytest.raises(EngineError, match=r"^expected rain within 0\.1 seconds"):
        wait_until(lambda: False, "rain", 0.1)
    assert time.monotonic() - begun < 5.0


def test_the_option_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--help"]) == 0
    assert "--no-live" in capsys.readouterr().out
