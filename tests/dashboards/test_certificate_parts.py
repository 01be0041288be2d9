"""What the strategy desk says of a trial, whatever became of it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from workbench.client.answers import StrategyStatus, TrialView
from workbench.dashboards.views.certificate_parts import scorecard, trial_lines

TRIAL = TrialView("growing", 1, (0.1, 0.5, 1.0), 0.5, 0, 30.0, 12, 40, 5.0, "new", "abcdef0123456789")


def status(**given: Any) -> StrategyStatus:
    """A strategy of which only this is told."""
    nothing: dict[Any, Any] = {str: "", int: 0, float: 0.0}
    fields = msgspec.structs.fields(StrategyStatus)
    empty = {field.name: nothing.get(field.type, ()) for field in fields}
    return StrategyStatus(**{**empty, "config": {}, **given})


def read(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_version_on_trial_is_told_with_what_it_needs() -> None:
    assert read(trial_lines(TRIAL)) == (
        "growing On trial with 50 %: step 2 of 3 (10 %, 50 %, 100 % of capital and limits); "
        "12 of 40 fills, at least 30 minutes."
    )


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ({"certificate": "new", "state": "stopped"}, "; nothing took its place, and it is stopped."),
        (
            {"certificate": "old", "source_hash": "0123456789abcdef", "state": "running"},
            "; the version before (0123456789ab) took its place, and is running.",
        ),
    ],
)
def test_a_demoted_version_is_no_longer_said_to_be_on_trial(now: dict[str, str], end: str) -> None:
    found = read(trial_lines(msgspec.structs.replace(TRIAL, state="failed"), status(**now)))
    assert found == (
        "failed Demoted at step 2 of 3, with 50 % of capital and limits. The version on trial (abcdef012345) has lost "
        f"its certificate{end}"
    )


def test_a_trial_that_was_passed_is_over() -> None:
    found = read(trial_lines(msgspec.structs.replace(TRIAL, state="passed", step=2, share=1.0), status()))
    assert found == (
        "passed Its trial is over: all steps passed (10 %, 50 %, 100 %), and it has its whole capital and limits."
    )


def test_what_runs_uncertified_is_not_said_to_be_unable_to_run() -> None:
    assert "It cannot be started again without a certificate." in scorecard(None, True, False)
    assert "starts strategies that nobody has certified" in scorecard(None, True, True)
