"""Memory of the engine and of each strategy stays what it is under load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from tests.live.engine.soaked import STRATEGIES

ROOT = Path(__file__).parents[3]
MB = 1_000_000
ENGINE_MAY_GROW = (
    10 * MB
)  # what an allocator keeps of a snapshot comes and goes; the leak that is planted is larger
STRATEGY_MAY_GROW = 2 * MB


class Growth(NamedTuple):
    """Bytes between the beginning of a phase and its end.  strategies: by id."""

    engine: float
    strategies: dict[str, float]

    @property
    def bounded(self) -> bool:
        return self.engine < ENGINE_MAY_GROW and all(
            grown < STRATEGY_MAY_GROW for grown in self.strategies.values()
        )


def soak(folder: Path, *seconds: float) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.live.engine.soaked", str(folder), *map(str, seconds)]
    with (folder / "log").open("w") as log:
        child = subprocess.run(
            command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=log, text=True, timeout=900
        )
    assert child.returncode == 0, (folder / "log").read_text()[-2000:]
    return [json.loads(line) for line in child.stdout.splitlines()]


def growth(lines: list[dict[str, Any]], phase: str, after_s: float = 0.0, window: int = 4) -> Growth:
    """From `after_s` on; a median of so many lines at either end."""
    mine = [line for line in lines if line["phase"] == phase and line["seconds"] >= after_s]
    assert len(mine) >= 2 * window
    assert mine[-1]["orders"] > mine[0]["orders"] + 100  # there was load
    assert all(len(line["strategies"]) == STRATEGIES for line in mine)
    first, last = mine[:window], mine[-window:]

    def grown(read: Any) -> float:
        return float(median(map(read, last)) - median(map(read, first)))

    return Growth(
        grown(lambda line: line["engine"]),
        {name: grown(lambda line, name=name: line["strategies"][name]) for name in mine[0]["strategies"]},
    )


def test_memory_stays_what_it_is_and_a_leak_would_be_seen(tmp_path: Path) -> None:
    lines = soak(tmp_path, 8.0, 6.0)
    assert growth(lines, "steady").bounded, growth(lines, "steady")
    leaking = growth(lines, "leaking", window=3)
    assert leaking.engine > ENGINE_MAY_GROW
    assert [name for name, grown in leaking.strategies.items() if grown > STRATEGY_MAY_GROW] == ["s3"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_memory_after_ten_minutes_is_that_after_two(tmp_path: Path) -> None:
    lines = soak(tmp_path, 600.0)
    grown = growth(lines, "steady", after_s=120.0, window=20)
    assert grown.bounded, grown
    assert max(line["engine"] for line in lines) < 300 * MB
    assert max(max(line["strategies"].values()) for line in lines) < 50 * MB
