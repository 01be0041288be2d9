"""Outcomes are recorded by pytest itself, with and without workers; those of other tests are left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.assess.outcomes import Outcome, digest_of, read_outcomes, write_outcomes
from workbench.assess.running import run_tests

CONFTEST = """
from workbench.assess.outcomes import OutcomeRecorder

NAMES = [f"tests/test_it.py::test_{name}" for name in ("good", "bad", "skipped", "broken", "expected")]


def pytest_configure(config):
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
    told = {name.partition("::test_")[2]: (one.outcome, one.cases) for name, one in found.items()}
    assert told == {
        "good": ("passed", 3),
        "bad": ("failed", 3),
        "skipped": ("skipped", 1),
        "broken": ("failed", 1),
        "expected": ("skipped", 1),
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
