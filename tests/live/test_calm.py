"""What somebody at a terminal reads of an engine that starts and ends: a line for each thing that he wants to know."""

from __future__ import annotations

import os
import pty
import re
import signal
from pathlib import Path

import pytest

from tests.live.test_service import ROOT, Service
from tests.waiting import until
from workbench.client.address import SERVICE_FILE

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STARTS = [
    "warning log",  # strategies in threads, which a test asks for, are isolated by nothing
    "warning certificates_not_required",
    "info engine_started",
    "trading engine:",
    "info venue_ready",
    "info venue_ready",
]
ENDS = ["info stopping", "info engine_stopped"]


def shown(folder: Path) -> list[str]:
    """Level and event of each line at a terminal, from the start of an engine with two exchanges to its end."""
    ours, theirs = pty.openpty()
    exchanges = ROOT / "config" / "venues.yaml"
    service = Service(folder, "", theirs, TRADING_ENGINE_VENUES=str(exchanges))
    text = ""
    try:
        os.close(theirs)
        os.set_blocking(ours, False)

        def read() -> str:
            nonlocal text
            while True:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # nothing there now, or nobody at the other end any more
                    break
                if not data:
                    break
                text += data.decode()
            return text

        until(lambda: read().count("venue_ready") == 2 and (service.data / SERVICE_FILE).exists(), 60.0)
        service.process.send_signal(signal.SIGTERM)
        until(lambda: (read(), service.process.poll() is not None)[1], 60.0)
        read()
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
        os.close(ours)
        service.out.close()
    lines = COLOURS.sub("", text).splitlines()
    return [
        " ".join(line.split()[:2] if line.startswith("trading engine:") else line.split()[1:3])
        for line in lines
        if line.strip()
    ]


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_each_thing_is_one_line(tmp_path: Path, again: bool) -> None:
    if again:
        shown(tmp_path)
    found = shown(tmp_path)
    # The line for people comes past the log, so it may stand elsewhere among the first.
    assert sorted(found[:6]) == sorted(STARTS), found
    assert found[6:] == ENDS, found
