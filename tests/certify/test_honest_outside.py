"""What a strategy reaches for beside its prices is seen by running it in a process of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.certify.flawed_markets import noise
from workbench.certify.checks import Check, Subject
from workbench.certify.honest_outside import outside_world, written_clocks
from workbench.strategy.loader import load_source

HEAD = """
import random, os, time, socket, datetime, logging, sys, subprocess
from collections import namedtuple
import numpy as np
import pandas as pd
from workbench.strategy import MarketSignal, TradingStrategy

Pair = namedtuple("Pair", "a b")
AHEAD = 400 * 86_400.0 + 7 * 3_600.0 + 13 * 60.0 + 11.5  # as far as the clock is put

class Reaches(TradingStrategy):
    SIZING = "target"
    def on_order_fill(self, fill): pass
    def on_risk_breach(self, breach): pass
    def on_market_data(self, u):
        self.logger.info("%s", Pair(1, 2))
        side = 1.0 if u.change_pct > 0 else -1.0
"""
TAIL = "\n        return [MarketSignal(u.symbol, signal_strength=side)]\n"

EVERYTHING = """
        if u.sequence == 20:
            time.time(); time.strftime("%Y"); datetime.date.today(); pd.Timestamp.now("UTC")
            random.random(); np.random.normal()
            os.environ.get("HOME"); open("/dev/null").close(); subprocess.run(["true"], check=False)
            try:
                socket.create_connection(("127.0.0.1", 9), timeout=0.1)
            except OSError:
                pass
            sys._getframe(0)
        side = side if datetime.datetime.now(datetime.UTC).timestamp() // AHEAD % 2 else -side
"""
HASHED = """
        names = [name for name in {"alpha", "beta", "gamma", "delta", "epsilon"}]
        side = 1.0 if names[0] < names[1] else -1.0
"""
DIES = """
        if u.sequence == 50:
            os._exit(7)
"""


def lines(body: str) -> dict[str, Check]:
    kind = load_source(HEAD + body + TAIL, "<cell>")
    return {line.name: line for line in outside_world(Subject.of(kind, noise(bars=120)), lambda _: None)}


def failed(found: dict[str, Check]) -> set[str]:
    return {name for name, line in found.items() if not line.passed}


def test_whatever_is_reached_for_is_seen_with_its_line() -> None:
    found = lines(EVERYTHING)
    assert failed(found) == {
        "global_random",
        "wall_clock",
        "network",
        "files",
        "environment",
        "callers_frames",
    }
    assert "datetime.now (<cell" in found["wall_clock"].measured
    assert "and 4 more" in found["wall_clock"].measured
    assert (
        "with the clock 400 days ahead it says something else, first at 2019-01-0"
        in found["wall_clock"].measured
    )
    assert "the generator of the module random and numpy.random" in found["global_random"].measured
    assert "socket" in found["network"].measured
    assert "/dev/null" in found["files"].measured
    assert "HOME" in found["environment"].measured


def test_what_depends_on_the_order_of_a_set_is_found_with_another_hash_seed() -> None:
    found = lines(HASHED)
    assert failed(found) == {"determinism"}  # and to log, or to use a named tuple, is to reach for nothing
    assert "another hash seed" in found["determinism"].measured


def test_who_ends_its_process_does_not_pass() -> None:
    found = lines(DIES)
    assert not any(line.passed for line in found.values())
    assert "ended the process that ran it (7)" in found["determinism"].measured


@pytest.mark.parametrize(
    ("body", "seen"),
    [('np.datetime64("now")', True), ('pd.Timestamp("today")', True), ('pd.Timestamp("2024-01-01")', False)],
)
def test_clocks_that_compiled_code_reads_are_read_in_the_code(body: str, seen: bool) -> None:
    kind: Any = load_source(f"{HEAD}        {body}{TAIL}", "<cell>")
    assert bool(written_clocks(kind)) is seen
