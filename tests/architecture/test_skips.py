"""tests/conftest.py: where CI is set, a skipped test fails, unless it says why it may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SKIPS_ITSELF = """
import pytest

def test_it() -> None:
    pytest.skip("no browser here")
"""
IS_ALLOWED = """
import pytest

@pytest.mark.may_skip("Windows only")
def test_it() -> None:
    pytest.skip("not Windows")
"""
WANTS_PRICES = """
import pytest

@pytest.mark.skipif(True, reason="../shared/data is absent")
def test_it() -> None:
    raise AssertionError
"""
WHOLE_MODULE = """
import pytest

pytest.skip("no such library", allow_module_level=True)
"""
EXPECTED_TO_FAIL = """
import pytest

@pytest.mark.xfail(reason="known")
def test_it() -> None:
    raise AssertionError
"""


SAMPLES = {
    "skips_itself": SKIPS_ITSELF,
    "is_allowed": IS_ALLOWED,
    "wants_prices": WANTS_PRICES,
    "whole_module": WHOLE_MODULE,
    "expected_to_fail": EXPECTED_TO_FAIL,
}


def report_on_samples(folder: Path, ci: str) -> str:
    """What pytest says of the samples above, in a process of its own, by the rules of tests/conftest.py."""
    for name, source in SAMPLES.items():
        (folder / f"test_{name}.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
    ]
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, str(folder)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    ).stdout


def test_where_ci_is_set_a_skip_is_a_failure_unless_it_is_allowed(tmp_path: Path) -> None:
    report = report_on_samples(tmp_path, ci="true")
    failed = [line.split()[1] for line in report.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    assert [Path(name).name for name in failed] == ["test_skips_itself.py::test_it", "test_whole_module.py"]
    assert (
        report.count("skipped although CI is set (no browser here)") == 2
    )  # where it failed, and in the summary
    assert "1 failed, 2 skipped, 1 xfailed" in report


def test_elsewhere_a_skip_is_no_failure(tmp_path: Path) -> None:
    assert "4 skipped, 1 xfailed" in report_on_samples(tmp_path, ci="")
