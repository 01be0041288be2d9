"""The comparison is a process of its own, and only a clear yes is one."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from live.promotion import Agreement, compare
from tests.waiting import until

URL = "sqlite:////nowhere/journal.sqlite"


def program(tmp_path: Path, body: str) -> tuple[str, ...]:
    path = tmp_path / "comparison.py"
    path.write_text(f"import json, os, sys, time\n{body}\n")
    return (str(path),)


def asked(command: tuple[str, ...], url: str = URL, **more: Any) -> Agreement:
    return asyncio.run(compare(url, "s", 1.0, since_ns=1_773_151_200_999_999_999, command=command, **more))


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ({"ok": True, "unexplained_bps": 0.0}, True),
        ({"ok": True, "unexplained_bps": 1.0}, True),
        ({"ok": True, "unexplained_bps": -1.0}, True),
        ({"ok": True, "unexplained_bps": 1.001}, False),
        ({"ok": True, "unexplained_bps": -1.001}, False),
        ({"ok": True, "unexplained_bps": None}, False),  # nothing was traded: nothing is known
        ({"ok": False, "unexplained_bps": 0.0}, False),
        ({"ok": 1, "unexplained_bps": 0.0}, None),
        ({"ok": "true", "unexplained_bps": 0.0}, None),
        ({"ok": True, "unexplained_bps": "0"}, None),
        ({"ok": True, "unexplained_bps": True}, None),
        ({"ok": True}, None),
        ({}, None),
        ([True, 0.0], None),
        (None, None),
    ],
)
def test_only_a_clear_answer_counts(tmp_path: Path, said: Any, ok: bool | None) -> None:
    text = json.dumps(said)
    assert asked(program(tmp_path, f"print({text!r})")).ok is ok


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit('error: the journal is empty')", "no comparison: error: the journal is empty"),
        ("print('{\"ok\": tr')", "no comparison: it said nothing"),
        ("os.kill(os.getpid(), 9)", "no comparison: it said nothing"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe')", "no comparison: it said nothing"),
    ],
)
def test_what_fails_is_no_agreement(tmp_path: Path, body: str, why: str) -> None:
    found = asked(program(tmp_path, body))
    assert (found.ok, found.why) == (None, why)
    assert math.isnan(found.unexplained_bps)


def test_it_is_ended_when_it_takes_too_long_and_what_it_has_started_too(tmp_path: Path) -> None:
    child = tmp_path / "child"
    body = (
        "import subprocess\n"
        f"child = subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\ntime.sleep(60)"
    )
    found = asked(program(tmp_path, body), longest_s=2.0)
    assert (found.ok, found.why) == (None, "the comparison took longer than 2 s")
    pid = int(child.read_text())
    status = Path(f"/proc/{pid}/status")
    until(lambda: not status.exists() or "zombie" in status.read_text())


def test_it_is_asked_about_the_step_alone_and_no_password_is_shown(tmp_path: Path) -> None:
    body = (
        "json.dump({'ok': False, 'unexplained_bps': 0.0, 'logic': sys.argv[1:], "
        "'problems': os.environ.get('PGPASSWORD')}, sys.stdout)"
    )
    url = "postgresql+psycopg://ana:secret@host/trading"
    found = asked(program(tmp_path, body), url, options=("--isolation", "thread"))
    assert found.ok is False
    shown = "'--journal', 'postgresql+psycopg://ana@host/trading', '--strategy', 's', '--start', '2026-03-10T14:00:00Z'"
    assert shown in found.why
    assert "'--isolation', 'thread', '--json'" in found.why
    assert "problems secret" in found.why
    assert "PGPASSWORD" not in os.environ
