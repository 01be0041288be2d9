"""Combinatorially symmetric cross-validation."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ConfigError, DataError
from workbench.performance.overfitting import Overfitting, probability_of_backtest_overfitting

type Floats = np.ndarray[Any, Any]


def noise(seed: int, rows: int = 1_000, trials: int = 100) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, (rows, trials))


def sharpe(rows: Floats) -> Floats:
    ratios: Floats = rows.mean(axis=0) / rows.std(axis=0, ddof=1)
    return ratios


def plain(returns: Floats, blocks: int) -> tuple[list[float], list[float], list[float], list[int]]:
    """The algorithm as the paper writes it down, 2.3, without any thought of speed."""
    pieces = np.array_split(returns, blocks)
    trials = returns.shape[1]
    inside, outside, logits, chosen = [], [], [], []
    for group in combinations(range(blocks), blocks // 2):
        train = sharpe(np.concatenate([pieces[k] for k in group]))
        test = sharpe(np.concatenate([pieces[k] for k in range(blocks) if k not in group]))
        best = int(train.argmax())
        share = (1 + int((test < test[best]).sum())) / (trials + 1)
        inside.append(float(train[best]))
        outside.append(float(test[best]))
        logits.append(math.log(share / (1 - share)))
        chosen.append(best)
    return inside, outside, logits, chosen


@settings(max_examples=20)
@given(st.sampled_from([2, 4, 6]), st.integers(2, 7), st.integers(2, 12), st.integers(0, 999))
def test_sums_over_blocks_are_the_algorithm_of_the_paper(
    blocks: int, trials: int, rows: int, seed: int
) -> None:
    returns = noise(seed, blocks * rows, trials)
    found = probability_of_backtest_overfitting(returns, blocks=blocks)
    inside, outside, logits, chosen = plain(returns, blocks)
    assert found.in_sample.tolist() == pytest.approx(inside, abs=1e-9)
    assert found.out_of_sample.tolist() == pytest.approx(outside, abs=1e-9)
    assert found.logits.tolist() == pytest.approx(logits)
    assert found.selected.tolist() == chosen


def test_combinations_are_those_of_the_paper() -> None:
    """Bailey, Borwein, López de Prado, Zhu 2017, figure 1: four blocks A to D give AB, AC, AD, BC, BD, CD in sample.
    Equation 2.3 gives 12,870 for 16 blocks (the text prints 12,780).
    """
    returns = np.zeros((8, 2))
    returns[:, 1] = noise(1, 8, 1)[:, 0]
    for block in range(
        4
    ):  # of trial 0 a block has the mean 1, 10, 100, 1000, so that a half is known by its mean
        returns[2 * block : 2 * block + 2, 0] = 10.0**block + np.array([0.1, -0.1])
    found = probability_of_backtest_overfitting(returns, blocks=4, metric=lambda rows: rows.mean(axis=0))
    pairs = [(a + b) / 2 for a, b in combinations([1.0, 10.0, 100.0, 1_000.0], 2)]
    assert found.in_sample.tolist() == pytest.approx(pairs)
    assert found.out_of_sample.tolist() == pytest.approx(pairs[::-1])
    assert len(probability_of_backtest_overfitting(noise(1, 64, 3)).logits) == 12_870 == math.comb(16, 8)


def test_trials_without_skill_are_a_coin_toss() -> None:
    found = [
        probability_of_backtest_overfitting(noise(seed, 400), blocks=10).probability for seed in range(20)
    ]
    assert float(np.mean(found)) == pytest.approx(0.5, abs=0.1)


def test_a_real_edge_is_chosen_again_and_again() -> None:
    returns = noise(3)
    returns[:, 42] += 0.002  # a Sharpe ratio of 0.2 a day
    found = probability_of_backtest_overfitting(returns)
    assert found.probability < 0.01
    assert found.probability_of_loss < 0.01
    assert found.selection().index[0] == 42
    assert found.selection().iloc[0] > 0.98
    assert found.selection().sum() == pytest.approx(1.0)
    assert found.out_of_sample.mean() == pytest.approx(0.2, abs=0.05)


def test_trials_that_all_come_to_nothing_overfit_for_certain() -> None:
    """What one half gains the other must lose: the compensation effect of the paper's section 3.2."""
    returns = noise(4)
    found = probability_of_backtest_overfitting(returns - returns.mean(axis=0))
    assert found.probability == 1.0
    assert found.probability_of_loss == 1.0
    assert found.degradation == pytest.approx(-1.0, abs=0.05)
    assert not found.dominates


def test_choosing_dominates_where_trials_differ_for_good() -> None:
    returns = noise(5, 1_000, 20) + np.linspace(-0.005, 0.005, 20)
    found = probability_of_backtest_overfitting(returns)
    assert found.dominates
    assert found.probability == 0.0


def made(
    out_of_sample: list[float], mean_trial: list[float], in_sample: list[float] | None = None
) -> Overfitting:
    outside = np.array(out_of_sample)
    inside = outside if in_sample is None else np.array(in_sample)
    chosen = np.zeros(len(outside), dtype=np.int64)
    return Overfitting(inside, outside, chosen, outside, np.array(mean_trial), 2, pd.RangeIndex(2))


def test_dominance_by_hand() -> None:
    assert made([1.0, 2.0], [0.0, 2.0]).dominates  # never worse, once better
    assert not made([1.0, 2.0], [1.0, 2.0]).dominates  # the same
    assert not made([-1.0, 5.0], [0.0, 1.0]).dominates  # worse at its worst


def test_degradation_by_hand() -> None:
    assert made([3.0, 2.0, 1.0], [0.0] * 3, [1.0, 2.0, 3.0]).degradation == pytest.approx(-1.0)
    assert math.isnan(made([3.0, 2.0], [0.0] * 2, [1.0, 1.0]).degradation)


def test_ties_are_shared() -> None:
    # Two trials that are one: the best is in the middle of two, logit 0, which is no better than the median.
    one = noise(6, 40, 1)
    found = probability_of_backtest_overfitting(np.column_stack([one, one]), blocks=4)
    assert found.logits.tolist() == [0.0] * 6
    assert found.probability == 1.0


def test_a_trial_that_does_not_move_counts_as_nothing() -> None:
    returns = noise(7, 80, 3)
    returns[:, 1] = 0.0
    returns[:40, 2] = 0.0
    found = probability_of_backtest_overfitting(returns, blocks=4)
    assert np.isfinite(found.in_sample).all()
    assert found.in_sample[0] == max(0.0, float(sharpe(returns[:40, :1])[0]))
    constant = probability_of_backtest_overfitting(
        np.column_stack([returns[:, 0], np.full(80, 0.001)]), blocks=4
    )
    assert constant.in_sample.max() < 1.0  # not the 1e15 that rounding would make of a constant


def test_the_risk_free_rate_comes_off_every_trial() -> None:
    returns = noise(8, 100, 5)
    shifted = probability_of_backtest_overfitting(returns + 0.001, blocks=4, risk_free=0.001)
    assert shifted.in_sample.tolist() == pytest.approx(
        probability_of_backtest_overfitting(returns, blocks=4).in_sample.tolist()
    )


def test_blocks_of_unequal_length_differ_by_one_row() -> None:
    returns = noise(9, 42, 4)
    found = probability_of_backtest_overfitting(returns, blocks=4)
    edges = np.linspace(0, 42, 5).round().astype(int)
    sizes = np.diff(edges)
    assert sizes.max() - sizes.min() == 1
    first_half = sharpe(returns[: edges[2]])
    assert found.in_sample[0] == pytest.approx(first_half.max())


def test_a_metric_of_ones_own() -> None:
    returns = noise(10, 100, 6)
    own = probability_of_backtest_overfitting(returns, blocks=6, metric=sharpe)
    fast = probability_of_backtest_overfitting(returns, blocks=6)
    assert own.logits.tolist() == fast.logits.tolist()
    assert own.out_of_sample.tolist() == pytest.approx(fast.out_of_sample.tolist(), abs=1e-12)
    worst_day = probability_of_backtest_overfitting(returns, blocks=2, metric=lambda rows: rows.min(axis=0))
    assert worst_day.in_sample[0] == returns[:50].min(axis=0).max()


def test_labels_and_summary() -> None:
    frame = pd.DataFrame(noise(11, 60, 3), columns=["a", "b", "c"])
    found = probability_of_backtest_overfitting(frame, blocks=4)
    assert set(found.selection().index) == {"a", "b", "c"}
    figures = found.summary()
    assert figures["probability_of_overfitting"] == found.probability
    assert (figures["trials"], figures["blocks"], figures["combinations"]) == (3.0, 4.0, 6.0)


@pytest.mark.parametrize(
    ("returns", "given", "error", "message"),
    [
        (noise(1, 40, 3), {"blocks": 5}, ConfigError, r"blocks must be an even number of 2 or more, found 5"),
        (
            noise(1, 40, 3),
            {"blocks": 22},
            ConfigError,
            r"blocks must be 20 or fewer, found 22: .* 705,432 combinations",
        ),
        (
            noise(1, 40, 1),
            {},
            DataError,
            r"expected the returns of two trials or more, one column each, found 1",
        ),
        (
            noise(1, 30, 3),
            {},
            DataError,
            r"expected at least two rows a block, 32, found 30; take fewer blocks",
        ),
        (
            np.where(np.eye(40, 3) > 0, math.nan, 0.01),
            {},
            DataError,
            r"expected a return of each trial in each row, found none in row 0, column 0",
        ),
        (
            noise(1, 40, 3),
            {"metric": sharpe, "risk_free": 0.1},
            ConfigError,
            r"risk_free goes with the Sharpe ratio; a metric of your own subtracts it itself",
        ),
        (
            noise(1, 40, 3),
            {"metric": lambda rows: rows.mean()},
            ConfigError,
            r"metric must give one figure for each of 3 trials, found shape \(\)",
        ),
        (
            noise(1, 40, 3),
            {"metric": lambda rows: np.full(rows.shape[1], math.inf)},
            DataError,
            r"metric must give finite figures, or NaN where there is none, found inf for trial 0",
        ),
    ],
)
def test_mistakes_are_told(returns: Any, given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        probability_of_backtest_overfitting(returns, **given)
