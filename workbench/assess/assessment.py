"""The self-assessment itself: each control with its present setting, and whether its tests prove it."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.assess.controls import ALWAYS_ON, Control, NotApplicable
from workbench.assess.outcomes import Outcome, digest_of, read_outcomes

__all__ = ["Assessment", "Line", "Proof", "assess", "named_tests", "written_in"]

_OFF: Final = (None, False, "", "off", "none")


class Proof(msgspec.Struct, frozen=True):
    """One test.  problem: why it proves nothing; "" where it passed.  at: when it last ran, UTC; None for never."""

    test: str
    outcome: str
    at: datetime | None
    cases: int
    problem: str


class Line(msgspec.Struct, frozen=True):
    """One control.  settings: present values by name.  gaps: what is missing, in words; empty where it holds."""

    article: str
    requirement: str
    control: str
    settings: dict[str, str]
    proofs: list[Proof]
    gaps: list[str]


class Assessment(msgspec.Struct, frozen=True):
    """rule: which.  made_at: UTC.  elsewhere: articles that ask for nothing here."""

    rule: str
    made_at: datetime
    lines: list[Line]
    elsewhere: list[NotApplicable]

    @property
    def gaps(self) -> list[Line]:
        """Controls that are not proven, or switched off."""
        return [line for line in self.lines if line.gaps]


def assess(
    rule: str,
    controls: Sequence[Control],
    elsewhere: Sequence[NotApplicable],
    values: Mapping[str, Any],
    root: Path,
    now: datetime | None = None,
) -> Assessment:
    """Look at every control.

    values: of settings, by their names in the controls.  root: where the tests and their outcomes are.
    Raises ConfigError where the outcomes cannot be read.
    """
    outcomes = read_outcomes(root)
    lines = [_line(control, values, root, outcomes) for control in controls]
    return Assessment(rule, now or datetime.now(UTC), lines, list(elsewhere))


def named_tests(controls: Sequence[Control]) -> tuple[str, ...]:
    """All tests that any control names, each once."""
    return tuple(dict.fromkeys(test for control in controls for test in control.tests))


def _line(control: Control, values: Mapping[str, Any], root: Path, outcomes: Mapping[str, Outcome]) -> Line:
    proofs = [_proof(test, root, outcomes.get(test)) for test in control.tests]
    gaps = [f"{proof.test.partition('::')[2]}: {proof.problem}" for proof in proofs if proof.problem]
    if not proofs:
        gaps.append("no test proves it")
    named = [name for name in control.settings if name != ALWAYS_ON]
    unknown = [name for name in named if name not in values]
    gaps += [f"{name}: no such setting" for name in unknown]
    if named and not unknown and all(_is_off(values[name]) for name in named):
        gaps.append(f"switched off: {', '.join(named)}")
    elif any(_is_off(values.get(name, True)) for name in named if name.startswith("engine ENABLE_")):
        gaps.append("switched off by the engine's environment")
    shown = {name: ALWAYS_ON if name == ALWAYS_ON else _shown(values.get(name)) for name in control.settings}
    return Line(control.article, control.requirement, control.control, shown, proofs, gaps)


def _is_off(value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return True
    return any(value is off or (isinstance(value, str) and value == off) for off in _OFF)


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(one) for one in value)
    return "-" if value is None else str(value)


def _proof(test: str, root: Path, last: Outcome | None) -> Proof:
    path, _, name = test.partition("::")
    if name not in written_in(root / path):
        return Proof(test, "missing", None, 0, "there is no such test")
    if last is None:
        return Proof(test, "never run", None, 0, "has never run here")
    at = datetime.fromtimestamp(last.at_ns / 1e9, UTC)
    problem = "" if last.outcome == "passed" else last.outcome
    if not problem and last.file != digest_of(root / path):
        problem = "its file has changed since it passed"
    if not problem and not last.whole:
        problem = (
            f"only {last.cases:,} of {last.of:,} cases were run" if last.of else "its cases were not counted"
        )
    return Proof(test, last.outcome, at, last.cases, problem)


@cache
def _functions(path: Path, state: tuple[int, int]) -> frozenset[str]:  # noqa: ARG001 - read again where it changed
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def written_in(path: Path) -> frozenset[str]:
    """Functions of a test's file; none where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return frozenset()
    return _functions(path, (status.st_mtime_ns, status.st_size))
