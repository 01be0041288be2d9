"""Outcomes are recorded by pytest itself, with and without workers; those of other tests are left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.assess.assessment import assess
from workbench.assess.controls import Control
from workbench.assess.outcomes import Outcome, digest_of, read_outcomes, write_outcomes
from workbench.assess.running import run_tests

CONFTEST = """
from tests.assess.counting import CaseCounter
from workbench.assess.outcomes import OutcomeRecorder

NAMES = [f"tests/test_it.py::test_{name}" for name in ("good", "bad", "skipped", "broken", "expected")]


def pytest_configure(config):
    config.pluginmanager.register(CaseCounter())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(OutcomeRecorder(config.rootpath, NAMES))
"""
TESTS = """
import pytest


@pytest.mark.parametrize("case", [1, 2, 3])
def test_good(case): ...


@pytest.mark.parametrize("case", [1, 2, 3])
def test_bad(case):
    assert case != 2


def test_skipped():
    pytest.skip("not here")


@pytest.fixture
def broken():
    raise RuntimeError


def test_broken(broken): ...


@pytest.mark.xfail(reason="known", strict=True)
def test_expected():
    raise RuntimeError


def test_not_named(): ...
"""


def project(folder: Path) -> Path:
    (folder / "tests").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p xdist.plugin -p pytest_benchmark.plugin\n")
    (folder / "tests" / "conftest.py").write_text(CONFTEST)
    (folder / "tests" / "test_it.py").write_text(TESTS)
    return folder


@pytest.mark.parametrize("workers", ["0", "2"])
def test_outcomes_of_named_tests_are_recorded(tmp_path: Path, workers: str) -> None:
    root = project(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider"],
        cwd=root,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        stdout=subprocess.DEVNULL,
    )
    found = read_outcomes(root)
    told = {name.partition("::test_")[2]: (one.outcome, one.cases, one.of) for name, one in found.items()}
    assert told == {
        "good": ("passed", 3, 3),
        "bad": ("failed", 3, 3),
        "skipped": ("skipped", 1, 1),
        "broken": ("failed", 1, 1),
        "expected": ("skipped", 1, 1),
    }
    assert {one.file for one in found.values()} == {digest_of(root / "tests" / "test_it.py")}


def test_they_are_run_on_demand_and_others_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = project(tmp_path)
    asked = ["tests/test_it.py::test_good", "tests/test_it.py::test_gone", "tests/test_none.py::test_none"]
    before = Outcome("failed", 1, 3, "")
    write_outcomes(root, {"tests/test_it.py::test_bad": before})
    assert run_tests(root, asked, workers=1) == 0
    after = read_outcomes(root)
    assert after["tests/test_it.py::test_bad"] == before
    assert after["tests/test_it.py::test_good"].outcome == "passed"
    assert len(after) == 2


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    "part",
    [["tests/test_it.py::test_bad[1]"], ["-k", "test_bad and 3"], ["--lf"]],
    ids=["by name", "by word", "last failed"],
)
def test_a_part_of_a_test_does_not_stand_for_the_whole(tmp_path: Path, workers: str, part: list[str]) -> None:
    root = project(tmp_path)
    name = "tests/test_it.py::test_bad"

    def ran(*options: str) -> Outcome:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", workers, *options],
            cwd=root,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            check=False,
            stdout=subprocess.DEVNULL,
        )
        return read_outcomes(root)[name]

    first = ran()
    assert (first.outcome, first.whole) == ("failed", True)
    if "--lf" in part:  # the case that failed is mended, and is all that is run
        test = root / "tests" / "test_it.py"
        test.write_text(test.read_text().replace("assert case != 2", "assert case"))
    last = ran(*part)
    assert (last.outcome, last.cases, last.of, last.whole) == ("passed", 1, 3, False)
    control = Control("15(1)", "It is good.", "it", ("always on",), (name,))
    (line,) = assess("rule", [control], [], {}, root).lines
    assert line.gaps == ["test_bad: only 1 of 3 cases were run"]


def test_cases_that_pass_again_take_nothing_from_all_that_passed(tmp_path: Path) -> None:
    name, whole = "tests/test_it.py::test_good", Outcome("passed", 1, 3, "file", 3)
    for again, counts in [
        (Outcome("passed", 2, 1, "file", 3), False),
        (Outcome("failed", 2, 1, "file", 3), True),
        (Outcome("passed", 2, 1, "another", 3), True),
        (Outcome("passed", 2, 3, "file", 3), True),
    ]:
        write_outcomes(tmp_path, {name: Outcome("failed", 0, 3, "file", 3)})
        write_outcomes(tmp_path, {name: whole})
        write_outcomes(tmp_path, {name: again})
        assert read_outcomes(tmp_path)[name] == (again if counts else whole)
