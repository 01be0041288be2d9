"""kill -9 at any moment: what was called durable is there, once, in order."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

from live.journal import Journal
from tests.live.journal.use import whole


def start(url: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.live.journal.trader", url, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def promised(output: str) -> int:
    """The newest sequence that the process was told is durable; a line that was cut short counts for nothing."""
    lines = [line for line in output.split("\n")[:-1] if line.startswith("durable ")]
    return int(lines[-1].removeprefix("durable ")) if lines else 0


def run_and_kill(url: str, seconds: float) -> int:
    """Let a process write for so long after it has begun, kill it; the newest sequence that it was promised."""
    trader = start(url)
    assert trader.stdout is not None
    first = trader.stdout.readline()
    time.sleep(seconds)
    trader.send_signal(signal.SIGKILL)
    rest, errors = trader.communicate(timeout=30)
    assert trader.returncode == -signal.SIGKILL, errors
    return promised(first + rest)


@pytest.mark.parametrize("lives", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_nothing_that_was_promised_is_lost_or_doubled(url: str, lives: int) -> None:
    moments = random.Random(lives)
    head, wrote = 0, 0
    for _ in range(lives):
        newest = run_and_kill(url, moments.uniform(0.0, 0.12))
        reader = Journal.open(url, read_only=True)
        assert reader.head >= newest >= head
        wrote += reader.head > head
        head = whole(reader)  # no gap, nothing twice, every byte
        reader.close()
    journal = Journal.open(url)
    assert (journal.head, journal.warnings) == (head, ())
    journal.close()
    assert wrote >= lives // 2


def test_a_clean_end_leaves_everything(url: str) -> None:
    trader = start(url, "2000")
    output, errors = trader.communicate(timeout=60)
    assert (trader.returncode, errors) == (0, "")
    assert output.endswith("closed\n")
    journal = Journal.open(url)
    assert whole(journal) >= 2000
    assert promised(output) == journal.head
    journal.close()
