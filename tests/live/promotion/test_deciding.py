"""What becomes of a canary, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from live.machine import CanaryMoved, CanaryStep
from live.promotion import Look, Move, decide
from live.promotion.deciding import due

MINUTE = 60_000_000_000
STEPS = (CanaryStep(0.1, 10.0, 5, 1.0), CanaryStep(0.5, 10.0, 5, 1.0))
LINE = CanaryMoved("s", "growing", 0, STEPS, 100 * MINUTE, 7, "c" * 32, "h" * 64, config={"size": 20})


def seen(**changes: Any) -> Look:
    """A canary that is due: ten minutes and five fills into its step, and running."""
    return Look(110 * MINUTE, "running", "h" * 64, {"size": 20.0}, 12)._replace(**changes)


@pytest.mark.parametrize(
    ("look", "is_due"),
    [
        (seen(), True),
        (seen(now_ns=110 * MINUTE - 1), False),  # a nanosecond too early
        (seen(fills=11), False),  # a fill too few
        (seen(now_ns=90 * MINUTE), False),  # a clock that was set back
        (seen(state="paused"), False),
        (seen(source_hash="x" * 64), False),
        (seen(config={"size": 21}), False),  # other parameters of the same text
        (seen(config={}), False),
    ],
)
def test_a_step_is_due_after_its_time_and_its_fills(look: Look, is_due: bool) -> None:
    assert due(LINE, look) is is_due


@pytest.mark.parametrize(
    ("look", "move", "why"),
    [
        (seen(), Move.WAIT, ""),
        (seen(agreed=True, why="agrees"), Move.GROW, "agrees"),
        (seen(agreed=True, fills=11), Move.WAIT, ""),
        (seen(agreed=False, why="3 fills differ"), Move.DEMOTE, "3 fills differ"),
        (seen(vain=2, why="no answer"), Move.WAIT, "no answer"),
        (seen(vain=3, why="no answer"), Move.DEMOTE, "it could not be compared 3 times in a row: no answer"),
        (seen(halted=("stop_loss",)), Move.DEMOTE, "breakers have stopped it: stop_loss"),
        (seen(halted=("stop_loss",), agreed=True), Move.DEMOTE, "breakers have stopped it: stop_loss"),
        (seen(state="failed"), Move.DEMOTE, "its process does not run any more"),
        (seen(state="failed", restarting=True), Move.WAIT, ""),
        (seen(state="stopped"), Move.WAIT, ""),  # a person's doing
        (seen(source_hash="x" * 64, agreed=True), Move.END, "another version runs"),
        (seen(config={"size": 21}, agreed=True), Move.END, "another version runs"),
        (seen(source_hash="x" * 64, state="starting"), Move.WAIT, "another version runs"),
        (seen(withdrawn=True, agreed=True), Move.DEMOTE, "its certificate was withdrawn"),
    ],
)
def test_what_becomes_of_it(look: Look, move: Move, why: str) -> None:
    assert decide(LINE, look) == (move, why)
