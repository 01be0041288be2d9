"""Answers that pages share."""

from __future__ import annotations

from itertools import count

from workbench.dashboards.state.shared import Shared


def test_what_was_asked_before_is_answered_at_once_and_the_oldest_is_let_go() -> None:
    shared, made = Shared[int](2), count()
    answers = [shared.of(asked, lambda: next(made)) for asked in ("a", "a", "b", "a", "c", "a", "b")]
    assert answers == [0, 0, 1, 0, 2, 0, 3]  # b was the one not asked for the longest when c came


def test_what_nobody_else_can_ask_for_or_is_not_worth_it_is_not_kept() -> None:
    shared, made = Shared[int](2), count()
    assert [shared.of(None, lambda: next(made)) for _ in range(2)] == [0, 1]
    assert [shared.of("a", lambda: next(made), lambda found: found > 2) for _ in range(3)] == [2, 3, 3]


def test_an_answer_that_is_there_already_is_had_without_making_it() -> None:
    shared = Shared[int](2)
    assert shared.kept("a") is None
    shared.of("a", lambda: 7)
    assert shared.kept("a") == 7
    assert shared.kept(None) is None
