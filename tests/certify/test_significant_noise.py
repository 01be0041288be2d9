"""Noise does not pass, however often it was tried; an edge does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from workbench.certify.significant import judge_deflated, judge_halves, judge_overfitting, judge_walk_forward
from workbench.certify.significant_trials import Evidence
from workbench.configuration.certification import load_thresholds

RULES = load_thresholds(None).significant
TRIALS, ROWS = 500, 1_000

type Floats = npt.NDArray[np.float64]


def noise(generator: np.random.Generator, edge: float = 0.0) -> Floats:
    """Returns of 500 strategies, float64[rows, trials]; the mean of the first is `edge` standard deviations."""
    returns = generator.standard_normal((ROWS, TRIALS), dtype=np.float32).astype(np.float64) * 0.01
    returns[:, 0] += edge * 0.01
    return returns


def best_of(trials: Floats) -> Evidence:
    """The one that looks best, as somebody certifies it who has tried them all and says so."""
    best = int(np.argmax(trials.mean(axis=0) / trials.std(axis=0)))
    return Evidence(trials[:, best], trials, trials.shape[1], known=True, per_year=252.0, lookback=5)


def passes(evidence: Evidence) -> bool:
    """Whether all lines of the family are passed, the cheapest asked first."""
    return (
        judge_deflated(evidence, RULES).passed
        and judge_halves(evidence).passed
        and judge_walk_forward(evidence, RULES).passed
        and judge_overfitting(evidence, RULES).passed
    )


def passed_of(strategies: int, seed: int) -> int:
    generator = np.random.default_rng(seed)
    return sum(passes(best_of(noise(generator))) for _ in range(strategies))


def test_at_most_one_in_twenty_of_those_without_any_skill_passes() -> None:
    assert passed_of(120, seed=1) <= 6


@pytest.mark.slow
def test_at_most_fifty_of_a_thousand_without_any_skill_pass() -> None:
    assert passed_of(1_000, seed=2) <= 50


def test_each_line_of_the_family_stops_some_of_the_noise_by_itself() -> None:
    generator = np.random.default_rng(3)
    found = [best_of(noise(generator)) for _ in range(10)]
    assert sum(judge_deflated(each, RULES).passed for each in found) <= 1
    assert sum(judge_walk_forward(each, RULES).passed for each in found) <= 5
    assert sum(judge_overfitting(each, RULES).passed for each in found) <= 6
    # The naive view, which the deflated ratio is there to correct: nearly all look significant.
    assert sum(each.returns.mean() / each.returns.std() * ROWS**0.5 > 1.645 for each in found) == 10


@pytest.mark.parametrize("seed", range(4))
def test_a_real_edge_among_500_trials_passes(seed: int) -> None:
    evidence = best_of(noise(np.random.default_rng(seed), edge=0.25))
    assert np.array_equal(evidence.returns, evidence.trials[:, 0])
    lines = (
        judge_halves(evidence),
        judge_walk_forward(evidence, RULES),
        judge_deflated(evidence, RULES),
        judge_overfitting(evidence, RULES),
    )
    assert [line.measured for line in lines if not line.passed] == []


def test_the_best_of_500_passes_in_few_cases_even_where_the_500_are_kept_secret() -> None:
    """Without a search the thresholds assume a number; there the other lines judge the chosen returns alone."""
    generator = np.random.default_rng(5)
    passed = 0
    for _ in range(100):
        found = best_of(noise(generator))
        secret = found._replace(number=RULES.assumed_trials, trials=found.returns[:, np.newaxis], known=False)
        passed += passes(secret)
    assert passed <= 5


def test_to_hide_trials_is_what_makes_noise_pass() -> None:
    """The control: the same noise, said to be the only thing that was tried, passes often. So the number counts."""
    generator = np.random.default_rng(4)
    found = [best_of(noise(generator)) for _ in range(20)]
    alone = [each._replace(number=1, trials=each.returns[:, np.newaxis]) for each in found]
    assert sum(judge_deflated(each, RULES).passed for each in alone) >= 15
    assert not any(judge_deflated(each, RULES).passed for each in found)
