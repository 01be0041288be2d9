"""`%load_ext workbench` in a real kernel: what cells write, show, and how they fail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.notebook.cells import TREND
from tests.notebook.conftest import Kernel


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def test_a_cell_becomes_a_script_and_its_class_is_bound(kernel: Kernel, place: Path) -> None:
    ran = kernel.run(f"%%strategy --folder {place}\n{TREND}")
    assert ran.status == "ok"
    assert (place / "two_day_trend.py").read_text() == TREND
    assert "two_day_trend.py written" in ran.html
    assert "tried on SPX@US" in ran.text
    used = kernel.run("len(wb.backtest(TwoDayTrendStrategy, 'sp500', start='2018').fills) > 100")
    assert used.text.strip() == "True"


def test_another_version_is_refused_with_the_difference_and_taken_with_force(
    kernel: Kernel, place: Path
) -> None:
    kernel.run(f"%%strategy --folder {place}\n{TREND}")
    other = TREND.replace('"least": 0.0', '"least": 0.01')
    refused = kernel.run(f"%%strategy --folder {place}\n{other}")
    assert (refused.status, refused.error) == ("error", "StrategyError")
    assert "add --force to replace it" in refused.text
    assert '-    PARAMETERS = {"least": 0.0}' in refused.text
    assert "color:#2e9e5b" in refused.html  # the line that would come
    assert (place / "two_day_trend.py").read_text() == TREND
    assert "replaced" in kernel.run(f"%%strategy --folder {place} --force\n{other}").text
    assert (place / "two_day_trend.py").read_text() == other


def test_an_error_is_one_box_with_the_line_of_the_cell_and_stops_what_comes_after(
    kernel: Kernel, place: Path
) -> None:
    ran = kernel.run(f"%%strategy --folder {place}\n" + TREND.replace("class Two", "clas Two"))
    assert (ran.status, ran.error) == ("error", "StrategyLoadError")
    assert "error" not in ran.kinds  # no traceback, neither coloured nor plain
    assert "<cell>:5: does not parse" in ran.text
    assert 'role="alert"' in ran.html
    assert list(place.iterdir()) == []


def test_the_traceback_comes_when_it_is_asked_for(kernel: Kernel) -> None:
    kernel.run("wb.load('nowhere.csv')")
    ran = kernel.run("%tb")
    assert "Traceback" in ran.text
    assert "DataError" in ran.text


def test_errors_that_are_not_ours_look_as_ever(kernel: Kernel) -> None:
    ran = kernel.run("1 / 0")
    assert ran.error == "ZeroDivisionError"
    assert "error" in ran.kinds


def test_a_backtest_by_its_name_or_by_variables(kernel: Kernel) -> None:
    shown = kernel.run("%backtest sma_cross -p sp500 -c fast=5 -c slow=20 --start 2015 --end 2016")
    assert "SmaCrossStrategy on SPX@US" in shown.html
    kernel.run("prices = wb.load('sp500').between('2015', '2016'); chosen = {'fast': 5, 'slow': 20}")
    kernel.run("found = %backtest sma_cross -p prices -c chosen --limits off")
    same = "wb.backtest('sma_cross', prices, config=chosen, limits=wb.RiskLimits.unlimited())"
    assert kernel.run(f"found.fingerprint == {same}.fingerprint").text.strip() == "True"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%backtest sma_cros", "did you mean 'sma_cross'?"),
        ("%backtest sma_cross -p dax", "no such sample"),
        ("%backtest sma_cross -c fast", "expected key=value"),
        ("%backtest sma_cross --limits nowhere.yaml", "expected a file, a variable of this notebook or off"),
        ("%live nonsense", "no word 'nonsense'"),
        ("%live kill", "the following arguments are required: --reason"),
    ],
)
def test_bad_lines_say_what_was_expected(kernel: Kernel, line: str, says: str) -> None:
    ran = kernel.run(line)
    assert ran.status == "error"
    assert says in ran.text


def test_an_interrupt_stops_a_long_backtest(kernel: Kernel) -> None:
    kernel.run("long = wb.synthetic(['BTC-USD'], ['exchange-1'], bars=400_000, seed=1)")
    number = kernel.send("print('begun', flush=True)\nwb.backtest('momentum', long, progress=False)")
    while kernel.client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    time.sleep(0.3)
    kernel.manager.interrupt_kernel()
    assert kernel.answer(number).error == "KeyboardInterrupt"
    assert kernel.run("1 + 1").text.strip() == "2"


def test_tab_offers_scripts_samples_parameters_and_words(kernel: Kernel) -> None:
    def offered(line: str) -> list[str]:
        reply = kernel.client.complete(line, len(line), reply=True, timeout=60)
        return [match.strip() for match in reply["content"]["matches"]]

    assert "sma_cross" in offered("%backtest sma")
    assert "sp500" in offered("%backtest sma_cross -p s")
    assert offered("%backtest sma_cross -c fa") == ["fast=10"]
    assert "positions" in offered("%live pos")
