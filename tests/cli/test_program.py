"""The program as such: help, version, start-up, interruption, and files that are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import workbench
from tests.cli.conftest import Call
from workbench.cli.output import write_whole
from workbench.cli.words import percent, share_text, span_text, units, usd
from workbench.errors import ConfigError

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from workbench.cli import main; main()"]


def test_version(call: Call) -> None:
    assert call("--version") == (0, f"workbench {workbench.__version__}\n", "")


@pytest.mark.parametrize("command", ["", "backtest", "chaos", "strategies", "data", "data fetch", "demo"])
def test_help(call: Call, command: str) -> None:
    status, out, err = call(*command.split(), "--help")
    assert (status, err) == (0, "")
    assert "Usage: workbench" in out


@pytest.mark.parametrize("command", ["", "data"])
def test_without_a_command_help_is_shown(call: Call, command: str) -> None:
    assert call(*command.split()) == call(*command.split(), "--help")


def test_help_names_the_defaults(call: Call) -> None:
    out = " ".join(call("chaos", "--help").out.replace("│", " ").split())
    assert "(default: a third into the prices)" in out


def test_an_error_of_the_program_is_one_line_on_stderr_and_status_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "data", "show", "none.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: none.csv: no such file; check the path\n"


def test_start_up_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'numpy', 'numba', 'rich.table'} & set(sys.modules)"
    script = f"import sys; from workbench.cli import main; print({heavy})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_a_reader_who_leaves_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "strategies", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait(60) != 2


def test_an_interrupted_command_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.backtest.api.backtest", interrupted)
    assert call(*["backtest", "sma_cross", "-p", "BTC.csv"]) == (130, "", "error: interrupted\n")


def test_folders_are_found_beside_the_package(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, out, _ = call("strategies", "--json")
    assert status == 0
    assert str(ROOT / "strategies" / "sma_cross.py") in out


# -- files ------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "page.html", "äöü\n")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "äöü\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigError, match=r"page\.html: cannot be written: No space left on device"):
        write_whole(page, "new")
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "never"),
        (0.0, "at once"),
        (0.4, "at once"),
        (45.0, "45 s"),
        (60.0, "1 min"),
        (3_723.0, "1 h 2 min"),
        (3_601.0, "1 h"),
        (86_400.0, "1 d"),
        (12 * 86_400.0 + 7_200.0, "12 d 2 h"),
    ],
)
def test_spans(seconds: float | None, text: str) -> None:
    assert span_text(seconds) == text


def test_figures() -> None:
    assert [usd(x) for x in (0.2, -0.4, 1_234.5, -20_506.3, float("nan"))] == [
        "0",
        "0",
        "1,234",
        "-20,506",
        "-",
    ]
    assert [share_text(x) for x in (0.0, 0.667, 1.0, 1.99, 2.0, 6.66, 380.4)] == [
        "0 %",
        "67 %",
        "100 %",
        "199 %",
        "2.0 x",
        "6.7 x",
        "380 x",
    ]
    assert [percent(x) for x in (0.134, -0.0004, 0.0, -0.087)] == ["+13.4 %", "0.0 %", "0.0 %", "-8.7 %"]
    assert [units(x) for x in (300.0, 7.891, 2_446.8)] == ["300", "7.9", "2,446.8"]
