"""Whoever waits for compiled code is told so before the waiting begins, and nobody else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each call is refused because of its cash, which is looked at before anything is compiled.
ASK = """
import io, json, sys
import workbench as wb

class Screen(io.StringIO):
    def isatty(self):
        return self.watched

prices, cross = wb.synthetic(bars=300), "strategies/sma_cross.py"
space = {"fast": range(2, 5), "slow": range(5, 9)}
cash = {"initial_cash": -1.0}
calls = {
    "backtest": lambda **asked: wb.backtest(cross, prices, **cash, **asked),
    "sweep": lambda **asked: wb.sweep(cross, prices, {"fast": [2], "slow": [5]}, **cash, **asked),
    "plain": lambda **asked: wb.sweep("strategies/market_making.py", prices, {"unit": [1.0]}, **cash, **asked),
    "function": lambda **asked: wb.sweep(lambda price, n: price * 0.0, prices, {"n": [1]}, **cash, **asked),
    "campaign": lambda **asked: wb.campaign(cross, prices, kinds=["price_gap"], **cash, **asked),
    "optimize": lambda **asked: wb.optimize(cross, prices, space, metric="sharpe_ratio", **cash, **asked),
    "explore": lambda **asked: wb.explore(cross, prices, **cash, **asked),
}

def said(name, watched, asked):
    before, sys.stderr = sys.stderr, Screen()
    sys.stderr.watched = watched
    try:
        calls[name](**asked)
    except wb.errors.WorkbenchError as error:
        assert "initial_cash" in str(error), error
    finally:
        screen, sys.stderr = sys.stderr, before
    return screen.getvalue().splitlines()

asked = [(name, watched, {}) for name in calls for watched in (True, False)]
asked += [(name, True, {"progress": False}) for name in calls if name != "explore"]
asked += [(name, False, {"progress": True}) for name in calls if name != "explore"]
print(json.dumps([[*one, said(*one)] for one in asked]))
"""
CORE, CROSS = "the trading core", "SmaCrossStrategy"
EXPECTED = {
    "backtest": CORE,
    "sweep": CROSS,
    "plain": CORE,
    "function": "the loop of signal functions",
    "campaign": CROSS,
    "optimize": CROSS,
    "explore": CROSS,
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool, bool | None], list[str]]:
    """By entry point, whether somebody looks, and progress: the lines on stderr of a process with an empty cache."""
    cache = str(tmp_path_factory.mktemp("cache"))
    environment = {**os.environ, "WORKBENCH_CACHE_DIR": cache, "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {
        (name, watched, asked.get("progress")): lines
        for name, watched, asked, lines in json.loads(done.stdout)
    }


@pytest.mark.parametrize(("name", "what"), EXPECTED.items())
def test_where_somebody_looks_a_first_run_says_that_it_compiles(
    said: dict[tuple[str, bool, bool | None], list[str]], name: str, what: str
) -> None:
    line = f"compiling {what} (once for this version, about a minute) …"
    assert said[name, True, None] == [line]
    if name != "explore":
        assert said[name, False, True] == [line]


@pytest.mark.parametrize("name", EXPECTED)
def test_without_a_bar_and_where_nobody_looks_nothing_is_said(
    said: dict[tuple[str, bool, bool | None], list[str]], name: str
) -> None:
    assert said[name, False, None] == []
    if name != "explore":
        assert said[name, True, False] == []
