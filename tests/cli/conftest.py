"""The command line called in this process, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from workbench.backtest.api import backtest
from workbench.cli.app import run
from workbench.data.synthetic import synthetic

SCRIPTS = Path(__file__).parents[2] / "strategies"

GOOD = """
from workbench.strategy import TradingStrategy

class {name}(TradingStrategy):
    \"\"\"Does nothing.\"\"\"
    PARAMETERS = {{"fast": 10}}
    def on_market_data(self, price_update):
        return []
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
"""


class Answer(NamedTuple):
    status: int
    out: str
    err: str


type Call = Callable[..., Answer]


@pytest.fixture(scope="session")
def kernels() -> None:
    """Compiles the trading core, which says so on stderr the first time, before anything is asked of stderr."""
    backtest(SCRIPTS / "sma_cross.py", synthetic(bars=10), progress=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: None) -> Path:
    """The current folder, with strategies/ as in the project and a file of 300 minutes of made-up prices."""
    del kernels
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    (tmp_path / "strategies").symlink_to(SCRIPTS, target_is_directory=True)
    rows = ["timestamp,open,high,low,close,volume"]
    for minute in range(300):
        close = 100 + abs(20 - minute % 40)
        rows.append(
            f"2024-01-01T{minute // 60:02}:{minute % 60:02}:00Z,{close},{close + 1},{close - 1},{close},50"
        )
    (tmp_path / "BTC.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """call("backtest", ...): exit status, stdout and stderr."""
    del folder

    def answer(*arguments: str) -> Answer:
        status = run(arguments)
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return answer
