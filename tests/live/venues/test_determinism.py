"""The same seed and the same calls give the same events, bit for bit, in any process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def runs(*seeds: int) -> list[str]:
    """Digest of one run per seed, all at once, each in a process with its own order of hashes."""
    command = [sys.executable, "-m", "tests.live.venues.determinism_run"]
    started = [
        subprocess.Popen(
            [*command, str(seed)],
            env={**os.environ, "PYTHONHASHSEED": str(100 + place)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for place, seed in enumerate(seeds)
    ]
    found = [process.communicate(timeout=120)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0] * len(seeds)
    return found


@pytest.mark.timeout(180)
def test_two_processes_tell_the_same_and_another_seed_something_else() -> None:
    first, second, other = runs(1, 1, 2)
    assert len(first) == 64
    assert first == second
    assert first != other
