"""Sign traps: ratios of losses look like merit, and are none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.certify.honest_sensitivity import kept
from workbench.certify.significant import judge_deflated, judge_halves, judge_overfitting, judge_walk_forward
from workbench.certify.significant_trials import Evidence
from workbench.configuration.certification import load_thresholds

RULES = load_thresholds(None).significant

type Floats = npt.NDArray[np.float64]


def around(*means: float, rows: int = 400, seed: int = 1) -> Floats:
    """Returns whose mean is exactly `means` standard deviations in each of as many equal parts, float64[rows]."""
    parts = np.array_split(np.random.default_rng(seed).standard_normal(rows), len(means))
    return np.concatenate(
        [(part - part.mean()) / part.std(ddof=1) + mean for part, mean in zip(parts, means, strict=True)]
    )


def evidence(returns: Floats, *others: Floats, known: bool = True) -> Evidence:
    trials = np.column_stack([returns, *others])
    return Evidence(returns, trials, trials.shape[1], known=known, per_year=252.0)


def test_one_that_loses_in_both_halves_alike_is_not_robust() -> None:
    line = judge_halves(evidence(around(-0.2, -0.2)))
    assert not line.passed
    assert line.measured == "Sharpe ratio a year -3.17 in the first half, -3.17 in the second"


def test_a_smaller_loss_in_the_second_half_is_no_improvement() -> None:
    assert not judge_halves(evidence(around(-0.4, -0.1))).passed


@pytest.mark.parametrize(
    ("first", "second", "passed"),
    [(0.2, 0.1, True), (0.2, -0.1, False), (-0.1, 0.2, False), (0.0, 0.2, False)],
)
def test_both_halves_have_to_earn(first: float, second: float, passed: bool) -> None:
    returns = around(first, second)
    if first == 0.0:
        returns[:200] = 0.0  # it did not trade there
    assert judge_halves(evidence(returns)).passed is passed


def test_a_walk_forward_of_losses_that_shrink_does_not_pass() -> None:
    line = judge_walk_forward(evidence(around(-0.6, -0.5, -0.4, -0.3, -0.2, -0.1)), RULES)
    assert not line.passed
    assert "0 of 5 tests earn" in line.measured


def test_a_search_in_which_all_lose_chooses_the_smallest_loss_and_does_not_pass() -> None:
    losers = [around(-0.1 * k, rows=600, seed=k) for k in range(1, 8)]
    found = evidence(losers[0], *losers[1:])
    overfitting = judge_overfitting(found, RULES)
    assert not overfitting.passed
    assert overfitting.value == 0.0  # the best of one half is always best in the other: the smallest loss
    assert "loses in the other in 100% of 924 pairs" in overfitting.measured
    assert not judge_walk_forward(found, RULES).passed
    assert not judge_deflated(found, RULES).passed


def test_a_gain_in_sample_and_a_loss_out_of_sample_does_not_pass() -> None:
    turning = [around(0.3, -0.3, 0.3, -0.3, 0.3, -0.3, rows=600, seed=k) for k in range(4)]
    assert not judge_walk_forward(evidence(turning[0], *turning[1:]), RULES).passed


def test_a_profit_of_the_tests_does_not_make_up_for_a_loss_in_sample() -> None:
    """It loses for long and earns at the end: nobody would have chosen it."""
    line = judge_walk_forward(evidence(around(-0.5, 0.1, 0.1, 0.1, 0.1, 0.1, rows=600)), RULES)
    assert "in sample" in line.measured
    assert not line.passed


@pytest.mark.parametrize("returns", [np.zeros(400), np.full(400, 0.001)], ids=["nothing", "no risk at all"])
def test_what_does_not_move_is_not_significant(returns: Floats) -> None:
    found = evidence(returns)
    lines = (judge_halves(found), judge_walk_forward(found, RULES), judge_deflated(found, RULES))
    assert [line.passed for line in lines] == [False, False, False]
    assert "it does not trade" in lines[2].measured


@pytest.mark.parametrize("rows", [1, 2, 5, 29])
def test_a_few_periods_are_too_few(rows: int) -> None:
    found = evidence(around(0.5, rows=40)[:rows], around(0.4, rows=40, seed=2)[:rows])
    lines = (
        judge_halves(found),
        judge_walk_forward(found, RULES),
        judge_deflated(found, RULES),
        judge_overfitting(found, RULES),
    )
    assert not any(line.passed for line in lines)
    assert all("nan" not in line.measured for line in lines)


def test_without_a_search_the_number_of_trials_is_assumed_and_the_line_says_whose_word_it_is() -> None:
    found = evidence(around(0.4), known=False)._replace(number=RULES.assumed_trials)
    line = judge_deflated(found, RULES)
    assert line.passed
    assert "the best of 50 trials assumed, since no search was given" in line.measured
    assert "the word of whoever certifies" in line.note
    overfitting = judge_overfitting(found, RULES)
    assert (overfitting.passed, overfitting.measured) == (True, "not measured")
    assert "the word of whoever certifies" in overfitting.note


def test_more_trials_never_make_a_result_more_significant() -> None:
    found = evidence(around(0.12), *(around(0.0, seed=k) + 0.02 * k for k in range(2, 6)))
    values = [judge_deflated(found._replace(number=number), RULES).value for number in (5, 50, 500, 5_000)]
    assert values == sorted(values, key=lambda value: -(value or 0.0))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=200)
def test_a_share_of_a_profit_is_only_left_of_a_profit(base: float, changed: float) -> None:
    share = kept(base, changed)
    assert share >= 0.0
    assert (share > 0.0) <= (base > 0.0 and changed > 0.0)


@pytest.mark.parametrize(
    ("base", "changed", "share"),
    [(100.0, 50.0, 0.5), (-200.0, -100.0, 0.0), (-100.0, 50.0, 0.0), (100.0, -50.0, 0.0), (0.0, 10.0, 0.0)],
)
def test_what_is_left_by_hand(base: float, changed: float, share: float) -> None:
    assert kept(base, changed) == share
