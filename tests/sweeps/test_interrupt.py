"""Ctrl-C in a terminal and a notebook: a sweep stops within a second, keeps what is finished, and the next line runs.

Real processes get real signals, as a terminal and a notebook server send them: to the whole group, after it has begun.
A busy machine may be late by itself, so each of them has three tries.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.sweeps import crew
from workbench.sweeps.crew import undisturbed

ROOT = Path(__file__).parents[2]
WITHIN = 1.0  # seconds
TRIES = 3
BEGUN = re.compile(r"\| +[1-9][0-9,]*/[0-9,]+ \[")  # a progress bar that is past its start

DEFINITIONS = '''
import json, sys, time
import tqdm, tqdm.auto
import workbench as wb
from workbench.strategy import MarketSignal, TradingStrategy

tqdm.auto.tqdm = tqdm.tqdm  # the plain bar in a notebook too
CROSS = "strategies/sma_cross.py"
LONG = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=20_000, seed=1)
SHORT = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=100, seed=1)

class Slow(TradingStrategy):
    """Written right here, with nothing that keeps it from being run again on import."""
    SIZING = "target"
    PARAMETERS = {"pause": 0.001, "number": 0}

    def __init__(self, config):
        super().__init__(config)
        self.side = 1.0

    def on_market_data(self, price_update):
        time.sleep(self.config["pause"])
        self.side = -self.side
        return [MarketSignal(symbol=price_update.symbol, signal_strength=self.side)]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass

def compiled():
    return wb.sweep(CROSS, LONG, {"fast": range(1, 400), "slow": range(400, 800)}, progress=True)

def plain():
    return wb.sweep(Slow, SHORT, {"number": range(5_000)}, progress=True, workers=2)

def search():
    return wb.optimize(CROSS, LONG, {"fast": (1, 400), "slow": (400, 8_000)}, trials=50_000, progress=True)

def report(found):
    at = time.monotonic()
    print(json.dumps({"interrupted": found.interrupted, "trials": found.trials, "rows": len(found.table), "at": at}))
    sys.stdout.flush()
'''

SCRIPT = """
while True:
    order = sys.stdin.readline().strip()
    if not order:
        break
    report(globals()[order]())
"""


class Session:
    """Something that runs `report(<order>())`, and can be interrupted meanwhile."""

    def begin(self, order: str) -> None:
        raise NotImplementedError

    def interrupt(self) -> None:
        raise NotImplementedError

    def text(self, enough: Callable[[str], Any]) -> str:
        """What was written since `begin`, once that is enough."""
        raise NotImplementedError


class Terminal(Session):
    def __init__(self, folder: Path) -> None:
        script = folder / "research.py"
        script.write_text(DEFINITIONS + SCRIPT)
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def begin(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n".encode())
        self.process.stdin.flush()
        self.said = ""

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def text(self, enough: Callable[[str], Any]) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + 200.0
        while not enough(self.said):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
            if not chunk:
                raise AssertionError(f"it ended, or said no more, after: {self.said[-2_000:]}")
            self.said += chunk.decode()
        return self.said

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Notebook(Session):
    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT), startup_timeout=120)
        self.manager: Any = manager
        self.client: Any = client
        self.client.execute(DEFINITIONS)
        assert self.client.get_shell_msg(timeout=200)["content"]["status"] == "ok"

    def begin(self, order: str) -> None:
        self.cell, self.said = self.client.execute(f"report({order}())"), ""

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def text(self, enough: Callable[[str], Any]) -> str:
        while not enough(self.said):
            message = self.client.get_iopub_msg(timeout=200)
            if message["parent_header"].get("msg_id") == self.cell:
                content = message["content"]
                self.said += content.get("text", "") + "\n".join(content.get("traceback", []))
                assert message["msg_type"] != "error", self.said
        return self.said

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    session = Terminal(tmp_path_factory.mktemp("script"))
    yield session
    session.close()


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    session = Notebook()
    yield session
    session.close()


def interrupted(session: Session, order: str) -> tuple[dict[str, Any], str]:
    """The report of a run that was interrupted, `late` by how many seconds it came, and all that was written."""
    late: list[float] = []
    while True:
        session.begin(order)
        session.text(BEGUN.search)
        sent = time.monotonic()
        session.interrupt()
        said = session.text(lambda said: re.search(r"\{.*\}", said) and "finished and kept" in said)
        found = re.search(r"\{.*\}", said)
        assert found is not None
        report: dict[str, Any] = json.loads(found[0])
        late.append(report["at"] - sent)
        if late[-1] <= WITHIN:
            return report, said
        assert len(late) < TRIES, f"it took {late} seconds"


@pytest.mark.parametrize(
    ("order", "total", "what"),
    [("compiled", 159_600, "columns"), ("plain", 5_000, "columns"), ("search", 50_000, "trials")],
)
def test_ctrl_c_in_a_terminal(terminal: Terminal, order: str, total: int, what: str) -> None:
    report, said = interrupted(terminal, order)
    assert report["interrupted"]
    assert 0 < report["trials"] <= report["rows"] < total
    assert f"interrupted: {report['rows']:,} of {total:,} {what} are finished and kept\n" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("order", "total"), [("compiled", 159_600), ("plain", 5_000)])
def test_ctrl_c_in_a_notebook(notebook: Notebook, order: str, total: int) -> None:
    report, said = interrupted(notebook, order)
    assert report["interrupted"]
    assert 0 < report["trials"] == report["rows"] < total
    assert f"interrupted: {report['rows']:,} of {total:,} columns are finished and kept\n" in said


def test_an_interrupt_ends_the_waiting_and_not_the_compiling() -> None:
    """Numba is left with kernels that are good for nothing where it is interrupted itself."""
    finished = threading.Event()

    def compile_for_a_while() -> None:
        time.sleep(1.0)
        finished.set()

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        undisturbed(compile_for_a_while)
    assert time.monotonic() - began < WITHIN
    assert not finished.is_set()
    assert finished.wait(10.0)


def test_what_is_compiled_apart_answers_and_raises_as_here() -> None:
    assert undisturbed(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        undisturbed(lambda: 1 // 0)


def test_no_thread_is_started_where_an_interrupt_could_come_between() -> None:
    """One that the pool does not know of yet would go on, and change figures that were handed out."""
    with crew.crew(3, "drill") as pool:
        before = [thread for thread in threading.enumerate() if thread.name.startswith("drill")]
        assert len(before) == 3
        pool.submit(int).result()
        after = [thread for thread in threading.enumerate() if thread.name.startswith("drill")]
        assert after == before


def test_an_interrupt_before_the_first_column_is_an_empty_table(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.sweeps.crew._compile", interrupt)
    found = wb.sweep("strategies/sma_cross.py", minutes, {"fast": [2, 3], "slow": [9]})
    assert found.interrupted
    assert len(found.table) == found.trials == 0
    assert found.table.columns.tolist() == list(found.metrics)
    assert found.best().empty
    assert capsys.readouterr().err == "interrupted: 0 of 2 columns are finished and kept\n"


def test_an_interrupt_while_crowded_columns_are_run_again_keeps_the_others(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that found no room for its orders has to be run again, and is not finished before it was."""
    whole = wb.sweep("strategies/sma_cross.py", minutes, {"fast": [2, 3, 4], "slow": [9]})
    run_batch = crew.run_batch

    def crowded(batch: crew.Batch, first: int, last: int, column: Any, stop: Any) -> int:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        done = run_batch(batch, first, last, column, stop)
        batch.tallies["incomplete"][first:last] = [row == 1 for row in range(first, last)]
        return done

    monkeypatch.setattr(crew, "run_batch", crowded)
    found = wb.sweep("strategies/sma_cross.py", minutes, {"fast": [2, 3, 4], "slow": [9]})
    assert found.interrupted
    assert found.table.index.tolist() == [(2, 9), (4, 9)]
    assert found.table.equals(whole.table.loc[found.table.index])


@pytest.mark.may_skip("not every system lists the children of a process")
def test_no_process_is_left_behind(terminal: Terminal) -> None:
    children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    deadline = time.monotonic() + 5.0
    while children.read_text().split() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children.read_text().split() == []
