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
from workbench.cli.demo.live_run import LiveDemo, live_steps, run_live
from workbench.cli.demo.live_scene import STRATEGIES, VENUES
from workbench.cli.demo.live_tables import isolation_text, live_as_json, show_live, story
from workbench.cli.demo.tables import FULL_WIDTH
from workbench.cli.demo_command import exit_status
from workbench.configuration import load_limits
from workbench.errors import EngineError

ROOT = Path(__file__).parents[2]
LIMITS = ROOT / "config" / "risk_limits.yaml"


class Played:
    """A live part that was played, with temporary files in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.folder = folder
        self.demo: LiveDemo = run_live(ROOT / "strategies", LIMITS, load_limits(LIMITS), self.said.append)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        patch.setattr("workbench.cli.demo.live_run._TRADING_S", 0.5)
        patch.setenv("TRADING_ENGINE_PORT", "1")  # what is set for another engine does not count
        patch.setenv("WORKBENCH_ENGINE_URL", "http://127.0.0.1:1")
        return Played(folder)


@pytest.fixture(scope="module")
def demo(played: Played) -> LiveDemo:
    return played.demo


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


def test_all_went_as_it_should(demo: LiveDemo) -> None:
    assert [(heading, good) for heading, _, good in story(demo)] == [
        ("runaway contained", True),
        ("others went on", True),
        ("kill -9 survived", True),
        ("reconciled", True),
        ("replayed", True),
    ]
    assert demo.status == 0


def test_everybody_trades_before_and_after_on_both_exchanges(demo: LiveDemo) -> None:
    assert [one.role for one in demo.traded] == list(STRATEGIES)
    assert all(one.before and one.after for one in demo.traded)
    assert {venue for one in demo.traded for venue in one.venues} == set(VENUES)


def test_the_runaway_is_stopped_below_its_limit_and_flat(demo: LiveDemo) -> None:
    one = demo.contained
    assert one.breakers == ("repeated_execution",)
    assert one.refused > 10 * one.accepted
    assert 0.0 < one.worst_position < one.limit == 10.0
    assert abs(one.held) < 1e-9


def test_the_engine_comes_back_with_its_books_to_the_bit(demo: LiveDemo) -> None:
    crash = demo.crash
    assert crash.before == crash.after
    assert crash.before.keys() == {"runaway", *(role.script for role in STRATEGIES)}
    assert any(one.held for one in crash.before.values())
    assert crash.venues == dict.fromkeys(VENUES, "")


def test_the_replay_has_every_fill_that_was_told(demo: LiveDemo) -> None:
    replayed = demo.replayed
    assert replayed.same
    assert replayed.fills == replayed.told > demo.crash.fills
    assert len(replayed.fingerprint) == 64


def test_nothing_is_left_behind(played: Played) -> None:
    assert not list(played.folder.iterdir())
    assert not processes_of(played.folder)
    assert len(played.said) == live_steps()


@pytest.mark.parametrize("width", [80, FULL_WIDTH, 150])
def test_what_is_shown_fits_the_screen(demo: LiveDemo, width: int) -> None:
    text = StringIO()
    show_live(demo, Console(file=text, width=width))
    assert max(map(len, text.getvalue().splitlines())) <= width
    assert "…" not in text.getvalue()
    assert "NO" not in text.getvalue()
    assert demo.replayed.fingerprint[:16] in text.getvalue()


def test_what_went_wrong_is_shown_and_is_the_exit_status(demo: LiveDemo) -> None:
    wrong = msgspec.structs.replace(demo, replayed=msgspec.structs.replace(demo.replayed, same=False))
    assert [good for _, _, good in story(wrong)] == [True, True, True, True, False]
    text = StringIO()
    show_live(wrong, Console(file=text, width=150))
    assert text.getvalue().count("NO") == 1
    assert (exit_status(demo), exit_status(wrong), exit_status(None)) == (0, 1, 0)


def test_json_has_the_figures(demo: LiveDemo) -> None:
    answer = json.loads(msgspec.json.encode(live_as_json(demo)))
    assert answer["isolation"] == demo.isolation
    assert answer["runaway"]["breakers"] == ["repeated_execution"]
    assert answer["kill"]["same"] is True
    assert answer["replay"]["fills"] == demo.replayed.fills


@pytest.mark.parametrize("level", ["bubblewrap", "filtered", "rlimits", "none"])
def test_a_weaker_sandbox_is_told_in_plain_words(demo: LiveDemo, level: str) -> None:
    text = isolation_text(msgspec.structs.replace(demo, isolation=level))
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
