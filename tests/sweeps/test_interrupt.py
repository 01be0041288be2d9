"""Ctrl-C stops a sweep within a second and keeps what is finished: a real signal to a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, sys, time
import workbench as wb

prices = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=20_000, seed=1)
small = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=400, seed=1)
wb.sweep("strategies/sma_cross.py", small, {"fast": [2, 3], "slow": [9]})  # compiles
print("ready", flush=True)
found = wb.sweep("strategies/sma_cross.py", prices, {"fast": range(1, 400), "slow": range(400, 800)})
print(json.dumps([found.interrupted, found.trials, len(found.table), time.time()]), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_compiled_sweep_stops_and_keeps_what_is_done(tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    time.sleep(2.0)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    interrupted, trials, rows, finished = json.loads(out.strip().splitlines()[-1])
    assert interrupted
    assert 0 < trials == rows < 399 * 400
    assert "columns are finished and kept" in err
    assert finished - sent < 3.0  # a second, and what a busy machine adds to it
