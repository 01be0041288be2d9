"""What became of the named tests when they were last run: a file in pytest's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.errors import ConfigError

__all__ = ["CASES", "OUTCOMES", "Outcome", "OutcomeRecorder", "digest_of", "read_outcomes", "write_outcomes"]

OUTCOMES: Final = Path(".pytest_cache") / "workbench" / "outcomes.json"
CASES: Final = "cases of the test"  # property of a report
_WORST: Final = ("failed", "skipped", "passed")


class Outcome(msgspec.Struct, frozen=True):
    """Of all cases of one test in one run.

    outcome: passed, failed (any case did) or skipped (none failed, and one was).  at_ns: UTC nanoseconds.
    cases: that were run.  file: SHA-256 (hex) of the test's file as it was then.  of: cases that the test has; 0 where
    nobody counted them.
    """

    outcome: str
    at_ns: int
    cases: int
    file: str
    of: int = 0

    @property
    def whole(self) -> bool:
        """Whether all cases were run."""
        return 0 < self.of <= self.cases


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a file; "" where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def read_outcomes(root: Path) -> dict[str, Outcome]:
    """By path::name.  Raises ConfigError where the file holds something else."""
    path = root / OUTCOMES
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Outcome])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: expected outcomes of tests, found {error}; remove the file") from error


def write_outcomes(root: Path, fresh: Mapping[str, Outcome]) -> None:
    """Put `fresh` over what is known; runs that end at the same time do not lose each other's.

    Where some cases of a test passed again, all of which had passed in the same file before, that is still what counts.
    """
    path = root / OUTCOMES
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            known = read_outcomes(root)
        except ConfigError:  # it is replaced
            known = {}
        told = {name: one for name, one in fresh.items() if not _adds_nothing(one, known.get(name))}
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode({**known, **told})))
        part.replace(path)


def _adds_nothing(one: Outcome, before: Outcome | None) -> bool:
    return (
        before is not None
        and before.whole
        and not one.whole
        and before.outcome == one.outcome == "passed"
        and before.file == one.file
    )


class OutcomeRecorder:
    """A plugin of pytest's that records what became of the named tests; registered by tests/conftest.py."""

    def __init__(self, root: Path, names: Collection[str]) -> None:
        self._root, self._names = root, frozenset(names)
        self._cases: dict[str, dict[str, str]] = {}
        self._of: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take one phase of one test."""
        name = str(report.nodeid).partition("[")[0]
        if name not in self._names:
            return
        cases = self._cases.setdefault(name, {})
        self._of[name] = max(
            self._of.get(name, 0), *(n for key, n in report.user_properties if key == CASES), 0
        )
        before = cases.get(report.nodeid)
        expected = hasattr(report, "wasxfail")
        told = "failed" if report.failed else "skipped" if report.skipped or expected else "passed"
        if report.when != "call" and told == "passed":
            return  # a phase before or after it
        if before is None or _WORST.index(told) < _WORST.index(before):
            cases[report.nodeid] = told

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        fresh = {
            name: Outcome(
                min(cases.values(), key=_WORST.index),
                time.time_ns(),
                len(cases),
                digest_of(self._root / name.partition("::")[0]),
                self._of.get(name, 0),
            )
            for name, cases in self._cases.items()
            if cases
        }
        if fresh:
            write_outcomes(self._root, fresh)
