"""The same run gives the same fills bit for bit: twice, in other processes, compiled or not."""

import os
import subprocess
import sys
from pathlib import Path

from tests.parity.scenario import run

ROOT = Path(__file__).parents[2]
BARS = 120  # x 4 instruments; enough for every fault of the scenario, and bearable without the compiler


def fingerprint_elsewhere(**environment: str) -> str:
    """What another process prints for the scenario."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.parity.scenario", str(BARS)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip()


def test_twice_in_one_process_in_another_and_without_the_compiler() -> None:
    first, second = run(BARS), run(BARS)
    assert len(first.recorder.fills) > 50
    assert len(first.recorder.refused) > 0
    assert first.fingerprint == second.fingerprint
    assert first.desk.state.tobytes() == second.desk.state.tobytes()
    told = f"{len(first.recorder.fills)} {first.fingerprint}"
    assert fingerprint_elsewhere(PYTHONHASHSEED="1") == told
    assert fingerprint_elsewhere(PYTHONHASHSEED="2", NUMBA_DISABLE_JIT="1") == told
