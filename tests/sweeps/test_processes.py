"""Plain strategies over processes: the table is that of backtests, and nothing a strategy does takes others with it."""

from __future__ import annotations

import functools
import math
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import ParameterError, StrategyError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.sweeps.api import sweep
from workbench.sweeps.metrics import METRICS
from workbench.sweeps.payload import pack, unpack
from workbench.sweeps.processes import START
from workbench.sweeps.result import SweepResult


@dataclass
class Seen:
    """A class of the same module, which has to come along."""

    last: float


@functools.cache
def sign(value: int) -> float:
    """A function that remembers, which has to come along as well."""
    return math.copysign(1.0, value)


class Turns(TradingStrategy):
    """Turns round after `every` prices; `mood` says how it misbehaves at the tenth price."""

    SIZING = "target"
    PARAMETERS: ClassVar = {"every": 5, "mood": "calm", "marks": ""}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.seen: list[Seen] = []
        if self.config["every"] < 1:
            raise ParameterError("Turns: expected every >= 1")
        if self.config["mood"] == "stillborn":
            raise KeyError("nobody")

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.seen.append(Seen(price_update.last))
        count = len(self.seen)
        if count == 10:
            getattr(self, self.config["mood"])()
        if count % self.config["every"]:
            return []
        side = sign(-1 if count // self.config["every"] % 2 else 1)
        return [MarketSignal(symbol=price_update.symbol, signal_strength=side)]

    def calm(self) -> None:
        """Nothing."""

    def raises(self) -> None:
        raise ValueError("the tenth")

    def chatters(self) -> None:
        print("a line where messages go")  # noqa: T201 - that is what is tested
        os.write(1, b"and bytes")
        assert sys.stdin.read() == ""

    def exits(self) -> None:
        if self.config["every"] == 5:  # one column of them, since each death costs a new process
            os._exit(3)

    def crashes(self) -> None:
        """Every process that comes here."""
        mark = Path(self.config["marks"]) / f"crash{self.config['every']}"
        mark.write_text(mark.read_text() + "x" if mark.exists() else "x")
        os.kill(os.getpid(), signal.SIGSEGV)

    def crashes_once(self) -> None:
        """The first process that comes here."""
        mark = Path(self.config["marks"]) / "once"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Nothing."""


MOODS = ["calm", "raises", "chatters", "exits", "crashes_once", "stillborn"]


class Moods:
    """One sweep over all of them, what it wrote to stderr, and where it left its marks."""

    def __init__(self, found: SweepResult, said: str, marks: Path) -> None:
        self.found, self.said, self.marks = found, said, marks


@pytest.fixture(scope="module")
def moods(minutes: wb.Prices, tmp_path_factory: pytest.TempPathFactory) -> Moods:
    marks = tmp_path_factory.mktemp("marks")
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("sys.stderr.write", said.append)
        found = sweep(
            Turns,
            minutes,
            {"every": [0, 5, 7], "mood": MOODS},
            config={"marks": str(marks)},
            metrics=tuple(METRICS),
            workers=2,
        )
    return Moods(found, "".join(said), marks)


def row_of(found: SweepResult, *labels: Any) -> Any:
    return found.table.loc[labels]


def close(left: Any, right: Any) -> bool:
    if isinstance(left, pd.Timedelta):
        return left == pd.Timedelta(right)
    return bool(left == right) or (math.isnan(left) and math.isnan(right))


@pytest.mark.parametrize("every", [5, 7])
@pytest.mark.parametrize("mood", ["calm", "raises", "chatters", "crashes_once"])
def test_each_column_is_its_backtest(moods: Moods, minutes: wb.Prices, every: int, mood: str) -> None:
    row = row_of(moods.found, every, mood)
    config = {"every": every, "mood": "raises" if mood == "raises" else "calm"}
    stats = wb.backtest(Turns, minutes, config=config, on_error="contain", progress=False).stats()
    assert stats["trades"] > 20
    assert [name for name in METRICS if name in stats.index and not close(row[name], stats[name])] == []
    assert row["worst_use"] > 0.0
    assert row["worst_gross"] > 0.0


def test_a_column_can_be_had_in_full(moods: Moods, minutes: wb.Prices) -> None:
    column = moods.found.column(every=5, mood="calm")
    assert column.fingerprint == wb.backtest(Turns, minutes, config={"every": 5}, progress=False).fingerprint


def test_combinations_that_the_strategy_refuses_are_left_out(moods: Moods) -> None:
    assert 0 not in moods.found.table.index.get_level_values("every")
    assert moods.found.dropped == len(MOODS)
    assert moods.found.trials == 2 * len(MOODS)


def test_errors_are_contained_counted_and_told(moods: Moods) -> None:
    errors = moods.found.table["strategy_errors"]
    assert errors.xs("raises", level="mood").tolist() == [1, 1]
    assert errors.xs("calm", level="mood").tolist() == [0, 0]
    (line,) = [line for line in moods.said.splitlines() if line.startswith("errors:")]
    assert "raised in 2 of 18 columns, the first with every=5, mood=raises: on_market_data" in line
    assert f"ValueError: the tenth ({__file__}:" in line


def test_columns_whose_process_dies_twice_or_that_cannot_be_set_up_have_no_figures(moods: Moods) -> None:
    missing = moods.found.table.isna().all(axis=1)
    assert missing.xs("stillborn", level="mood").tolist() == [True, True]
    assert missing.xs("exits", level="mood").tolist() == [True, False]
    (line,) = [line for line in moods.said.splitlines() if line.startswith("failed:")]
    assert "3 of 18 columns, the first with every=5, mood=exits: its process died 2 times" in line
    assert "left with code 3" in line


def test_a_process_that_dies_once_costs_nothing(moods: Moods) -> None:
    assert (moods.marks / "once").exists()
    table: Any = moods.found.table
    once, calm = (table.xs(mood, level="mood") for mood in ("crashes_once", "calm"))
    pd.testing.assert_frame_equal(once, calm)


def test_what_died_is_not_called_interrupted(moods: Moods) -> None:
    assert not moods.found.interrupted
    assert "interrupted" not in moods.said


def test_processes_that_all_die_are_one_error(
    minutes: wb.Prices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.sweeps.processes.MOST_DEATHS", 3)
    config = {"mood": "crashes", "marks": str(tmp_path)}
    with pytest.raises(
        StrategyError, match=r"^3 worker processes died before any column was finished: .* SIGSEGV$"
    ):
        sweep(Turns, minutes, {"every": [3, 4, 5, 6]}, config=config, workers=1)
    tries = {path.name: path.read_text() for path in tmp_path.glob("crash*")}
    assert tries == {"crash3": "xx", "crash4": "x"}


SCRIPT = '''
from __future__ import annotations
import math
from typing import ClassVar
import msgspec
from workbench.strategy import MarketSignal, TradingStrategy

class Bar(msgspec.Struct):
    last: float

def later(bars: list[Bar]) -> bool:
    return len(bars) % 6 == 0

class Scripted(TradingStrategy):
    """Of a script, with a struct of its own."""
    SIZING = "target"
    PARAMETERS: ClassVar = {"scale": 1.0}

    def __init__(self, config):
        super().__init__(config)
        self.bars: list[Bar] = []

    def on_market_data(self, price_update):
        self.bars.append(Bar(price_update.last))
        if not later(self.bars):
            return []
        side = self.config["scale"] * math.copysign(1.0, self.bars[-1].last - self.bars[-4].last)
        return [MarketSignal(symbol=price_update.symbol, signal_strength=side)]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''


def test_a_script_runs_as_it_was_loaded_on_each_axis(pair: wb.Prices, tmp_path: Path) -> None:
    script = tmp_path / "scripted.py"
    script.write_text(SCRIPT)
    kind = load_strategy(script)
    script.write_text("raise SystemExit")  # nobody reads it again
    chaos: dict[str, Any] = {
        "none": (),
        "burst": [wb.ChaosEvent("volatility_burst", "2024-01-01 01:00", "30min")],
    }
    where: dict[str, Any] = {
        "each_instrument": True,
        "chaos": chaos,
        "metrics": ["trades", "sharpe_ratio", "strategy_errors"],
    }
    found = sweep(kind, pair, {"scale": [0.5, 1.0]}, workers=1, **where)
    assert found.axes == ["instrument", "chaos", "scale"]
    assert len(found.table) == 4 * 2 * 2
    assert found.table["strategy_errors"].sum() == 0
    for instrument, label, scale in [
        ("BTC-USD@exchange-1", "none", 1.0),
        ("ETH-USD@exchange-2", "burst", 0.5),
    ]:
        prices = pair.only(*instrument.split("@"))
        stats = wb.backtest(kind, prices, config={"scale": scale}, chaos=chaos[label], progress=False).stats()
        row = row_of(found, instrument, label, scale)
        assert (row["trades"], row["sharpe_ratio"]) == (stats["trades"], stats["sharpe_ratio"])


class Holds(Turns):
    """Has something beside it that cannot leave the process."""

    lock = threading.Lock()


def test_what_cannot_be_sent_is_one_error(minutes: wb.Prices) -> None:
    with pytest.raises(
        StrategyError, match=r"cannot be sent to another process \(TypeError: .*lock.*\); make such"
    ):
        sweep(type("Local", (Holds,), {"lock": threading.Lock()}), minutes, {"every": [3]})


def test_a_class_goes_as_it_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edited file must not come between the sweep and the columns that are had in full."""
    (tmp_path / "mine_in_memory.py").write_text("class Mine:\n    answer = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine_in_memory  # type: ignore[import-not-found]  # made above

    data = pack(mine_in_memory.Mine)
    (tmp_path / "mine_in_memory.py").write_text("class Mine:\n    answer = 2\n")
    code = f"import sys, pickle; print(pickle.load(open({str(tmp_path / 'data')!r}, 'rb')).answer)"
    (tmp_path / "data").write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "1\n"
    assert unpack(pack(np)) is np  # and what is installed by its name


def test_a_worker_leaves_when_its_caller_is_gone() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", START.format(path=sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    out, _ = worker.communicate(b"", timeout=60)
    assert (out, worker.returncode) == (b"", 0)
