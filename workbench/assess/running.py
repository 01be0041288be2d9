"""Running the named tests now, as a developer would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.assess.assessment import written_in
from workbench.errors import ConfigError

__all__ = ["run_tests"]


def run_tests(root: Path, tests: Sequence[str], workers: int = 2) -> int:
    """Run those that exist, their output on this terminal; pytest's exit status.  Outcomes are recorded by the way.

    Raises ConfigError where the project's tests are not there.
    """
    there = [test for test in tests if test.rpartition("::")[2] in written_in(root / test.partition("::")[0])]
    if not there:
        raise ConfigError(f"{root}: expected the project with its tests, found none of those that are named")
    options = ["-q", "--benchmark-disable", "--no-header", "-p", "no:cacheprovider"]
    spread = ["-n", str(workers), "--dist", "worksteal"] if workers > 1 else ["-n", "0"]
    command = [sys.executable, "-m", "pytest", *options, *spread, *there]
    return subprocess.run(command, cwd=root, check=False).returncode
