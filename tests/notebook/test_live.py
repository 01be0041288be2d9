"""An engine started from a notebook: `%live`, hot swap by a cell, a crash, and its end with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench as wb
from tests.notebook.cells import TREND
from workbench.client import LocalEngine
from workbench.client.view import EngineView
from workbench.errors import ConfigError, EngineError, RequestError
from workbench.notebook.live_words import run_live
from workbench.notebook.strategy_cell import write_strategy
from workbench.notebook.swapping import engine_here, swap_running

MARKET = {
    "feeds": {
        "f": {
            "kind": "synthetic",
            "interval_ms": 20,
            "seed": 5,
            "symbols": {"BTC-USD": {"price": 30_000, "volatility": 0.6}},
        }
    },
    "venues": {
        "a": {"kind": "paper", "feed": "f", "instruments": {"BTC-USD": {"tick": 0.01, "lot": 0.0001}}}
    },
}


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    found = wb.start_engine(venues=MARKET, isolation="thread")
    yield found
    found.end()
    assert not found.data.exists()


def test_it_is_the_engine_that_is_meant_where_none_is_named(engine: LocalEngine) -> None:
    assert wb.EngineClient().address.url == engine.address.url
    assert engine.health().status == "ok"
    shown = run_live([], {})
    assert isinstance(shown, EngineView)
    assert "no strategy runs" in shown._repr_html_()


def test_words_start_stop_kill_and_reset(engine: LocalEngine) -> None:
    assert run_live(["start", "momentum", "--id", "one", "-c", "lookback=5"], {}).state == "running"
    assert list(run_live(["strategies"], {}).index) == ["one"]
    assert engine.strategy("one").config["lookback"] == 5
    assert run_live(["pause", "one"], {}).state == "paused"
    assert run_live(["resume", "one"], {}).state == "running"
    with pytest.raises(ConfigError, match="needs a reason"):
        run_live(["kill", "--reason", " "], {})
    assert run_live(["kill", "--reason", "a drill"], {}).killed
    assert "a drill" in run_live(["status"], {})._repr_html_()
    assert not run_live(["reset", "--reason", "over"], {}).killed
    assert run_live(["stop", "one"], {}).state in ("draining", "stopped")
    assert len(run_live(["logs", "one"], {}).columns) == 2


def test_a_cell_swaps_what_runs_under_its_name_and_keeps_its_parameters(
    engine: LocalEngine, tmp_path: Path
) -> None:
    first = write_strategy(TREND, folder=tmp_path)
    engine.upload(first.path)
    engine.start("two_day_trend", "mine", config={"least": 0.25})
    found = engine_here()
    assert found is not None
    changed = write_strategy(TREND.replace("Long after", "Still long after"), folder=tmp_path, force=True)
    with found:
        (swap,) = swap_running(found, changed.path)
        assert swap.strategy_id == "mine"
        assert swap.done, swap.message
        status = engine.strategy("mine")
        assert status.config["least"] == 0.25
        assert status.source_hash != ""
        assert status.state == "running"
        (again,) = swap_running(found, changed.path)
        assert again.message == "runs this version already"
        assert swap_running(found, tmp_path / "another.py") == []
    engine.stop("mine")


def test_where_a_venue_is_not_simulated_nothing_is_swapped(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_strategy(TREND, folder=tmp_path)
    engine.upload(written.path)
    engine.start("two_day_trend", "mine")
    monkeypatch.setattr("workbench.notebook.swapping.SIMULATED", frozenset({"book"}))
    changed = write_strategy(TREND.replace("Long after", "Long, after"), folder=tmp_path, force=True)
    before = engine.strategy("mine").source_hash
    (swap,) = swap_running(engine, changed.path)
    assert not swap.done
    assert "a is not simulated" in swap.message
    assert engine.strategy("mine").source_hash == before
    engine.stop("mine")


def test_after_a_crash_it_comes_back_with_its_books(engine: LocalEngine) -> None:
    engine.start("momentum", "fast", config={"lookback": 3, "entry": 0.05, "unit": 0.01})
    engine.wait_until(lambda: len(engine.fills()) >= 2, "two fills")
    engine.crash()
    assert not engine.alive
    with pytest.raises(RequestError):
        wb.EngineClient(engine.address.url, "x", retry_s=0.1).health()
    told = wb.replay(engine.data)
    engine.restart()
    assert len(engine.fills()) >= len(told.fills) >= 2
    with pytest.raises(EngineError, match=r"expected rain within 0\.2 seconds"):
        engine.wait_until(lambda: False, "rain", 0.2)


def test_what_does_not_start_says_why() -> None:
    with pytest.raises(EngineError, match="TRADING_ENGINE_MARKET_DAYS"):
        wb.start_engine(venues=MARKET, settings={"TRADING_ENGINE_MARKET_DAYS": "none"})


@pytest.mark.skipif(sys.platform != "linux", reason="ends with its parent on Linux alone")
def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    leash = Path(wb.__file__).parent / "client" / "leash.py"
    told = tmp_path / "pid"
    sleeper = (
        f"import os, time, pathlib; pathlib.Path({str(told)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, {str(leash)!r}, str(os.getpid()), sys.executable, '-c', {sleeper!r}]); "
        "time.sleep(600)"
    )
    started = subprocess.Popen([sys.executable, "-c", parent])
    while not (told.exists() and told.read_text()):
        time.sleep(0.05)
    child = int(told.read_text())
    os.kill(child, 0)
    started.send_signal(signal.SIGKILL)
    started.wait()
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        time.sleep(0.05)  # pytest's own limit ends this if it never does
