"""Cells as scripts: names, and that nothing is written before everything has passed."""

from pathlib import Path

import pytest

from tests.notebook.cells import TREND
from workbench.errors import ParameterError, StrategyError, StrategyFailure, StrategyLoadError
from workbench.notebook.strategy_cell import script_name, write_strategy


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("DualTrendStrategy", "dual_trend"),
        ("DualTrend", "dual_trend"),
        ("RSIStrategy", "rsi"),
        ("FXCarry2", "fx_carry2"),
        ("dual_trend", "dual_trend"),
        ("dual_trend.py", "dual_trend"),
    ],
)
def test_a_script_is_called_as_its_class(name: str, script: str) -> None:
    assert script_name(name) == script


@pytest.mark.parametrize("name", ["../evil", "a b", "2fast", "ä", "", "x" * 65])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(StrategyLoadError, match="lower-case letters, digits and _"):
        script_name(name)


def test_the_same_cell_again_changes_nothing(tmp_path: Path) -> None:
    first = write_strategy(TREND, folder=tmp_path)
    before = first.path.stat().st_mtime_ns
    again = write_strategy(TREND, folder=tmp_path)
    assert (first.outcome, again.outcome) == ("new", "unchanged")
    assert again.path.stat().st_mtime_ns == before
    assert again.strategy.__name__ == "TwoDayTrendStrategy"


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("x = 1\n", StrategyLoadError, "no strategy class"),
        (TREND.replace("self.config", "self.confg"), StrategyFailure, "confg"),
        (
            TREND.replace("def on_order_fill", "def on_fill"),
            StrategyLoadError,
            "does not define on_order_fill",
        ),
    ],
)
def test_what_fails_is_not_written(tmp_path: Path, code: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        write_strategy(code, "mine", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_short_run_takes_parameters(tmp_path: Path) -> None:
    written = write_strategy(TREND, folder=tmp_path, config={"least": 0.5})
    assert len(written.tried.fills) == 0
    with pytest.raises(ParameterError, match="no parameter 'most'"):
        write_strategy(TREND, folder=tmp_path, config={"most": 0.5})


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="cannot be written: No such file or directory"):
        write_strategy(TREND, folder=tmp_path / "nowhere")
