"""Noise does not pass, however often it was tried; an edge does."""

from __future__ import annotations

import msgspec
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
    """The control: the same noise, said to be the only thing that was tried, passes often where that is believed."""
    generator = np.random.default_rng(4)
    found = [best_of(noise(generator)) for _ in range(20)]
    alone = [each._replace(number=1, trials=each.returns[:, np.newaxis]) for each in found]
    believing = msgspec.structs.replace(RULES, assumed_trials=1)
    assert sum(judge_deflated(each, believing).passed for each in alone) >= 15
    assert not any(judge_deflated(each, RULES).passed for each in found)


def small_search(returns: Floats, size: int, apart: float) -> Evidence:
    """The returns, found by a search of so many sets of parameters that are hardly apart."""
    shifts = apart * returns.std() * np.arange(size)
    trials = returns[:, np.newaxis] - shifts
    return Evidence(returns, trials, size, known=True, per_year=252.0, lookback=5)


@pytest.mark.parametrize(("size", "apart"), [(1, 0.0), (2, 0.0), (2, 1e-4), (49, 1e-5), (60, 1e-6)])
def test_a_search_of_what_is_nearly_the_same_asks_for_no_less_than_none(size: int, apart: float) -> None:
    """Of luck that passes where two sets of parameters are believed to be all that was tried."""
    generator = np.random.default_rng(6)
    lucky = [best_of(noise(generator)).returns for _ in range(20)]
    believing = msgspec.structs.replace(RULES, assumed_trials=1)
    searched = [small_search(returns, size, apart) for returns in lucky]
    assert sum(judge_deflated(each, believing).passed for each in searched) >= 15
    lines = [judge_deflated(each, RULES) for each in searched]
    hidden = [
        judge_deflated(
            each._replace(number=RULES.assumed_trials, trials=each.trials[:, :1], known=False), RULES
        )
        for each in searched
    ]
    assert [line.value for line in lines] == [line.value for line in hidden]
    assert sum(line.passed for line in lines) <= 12
    assert all("counts as if none were given" in line.note for line in lines)
    assert "the best of 50 trials without skill" in lines[0].measured


def test_a_real_edge_found_by_a_small_search_passes() -> None:
    edge = noise(np.random.default_rng(7), edge=0.25)[:, 0]
    assert judge_deflated(small_search(edge, 2, 1e-4), RULES).passed


def test_a_small_search_whose_trials_differ_much_is_judged_by_them() -> None:
    edge = noise(np.random.default_rng(8), edge=0.25)[:, 0]
    line = judge_deflated(small_search(edge, 8, 0.1), RULES)
    assert line.note == ""
    assert "the best of 8 trials shows" in line.measured
