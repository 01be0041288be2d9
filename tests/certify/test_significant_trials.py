"""What was tried comes out of the search itself: every combination, its returns, and how many there were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.certify.flawed_markets import market
from tests.certify.subjects import Follower
from workbench.certify.checks import Subject
from workbench.certify.significant import judge_walk_forward, not_the_best_of_many
from workbench.certify.significant_trials import MOST_ROWS, evidence_of, period_ends
from workbench.configuration.certification import load_thresholds
from workbench.core.costs import Costs
from workbench.errors import ConfigError
from workbench.performance.sharpe import sharpe_of
from workbench.sweeps.api import sweep
from workbench.sweeps.optimize import optimize

ROOT = Path(__file__).parents[2]
MOMENTUM = str(ROOT / "strategies" / "momentum.py")
DRIFT = str(Path(__file__).parent / "flawed" / "overfit_mended.py")
PLAIN = str(Path(__file__).parent / "flawed" / "latency_fragile_mended.py")
PRICES = market(slow=0.3, bars=600)


def subject(strategy: str, config: dict[str, Any], trials: Any = None, **options: Any) -> Subject:
    return Subject.of(strategy, PRICES, config={"unit": 50, **config}, trials=trials, **options)


@pytest.mark.parametrize(
    ("strategy", "grid"),
    [
        (MOMENTUM, {"lookback": [10, 20, 40], "unit": [50, 100]}),
        (DRIFT, {"window": [5, 10, 20], "unit": [50, 100]}),
        (PLAIN, {"window": [5, 10, 20], "unit": [50, 100]}),
    ],
    ids=["compiled", "columns", "plain"],
)
def test_the_returns_of_each_trial_are_those_of_its_column(strategy: str, grid: dict[str, Any]) -> None:
    name = next(iter(grid))
    source: Any = Subject.of(strategy, PRICES).strategy if strategy is DRIFT else strategy
    found = sweep(source, PRICES, grid, progress=False, costs=Costs(taker_bps=1.0))
    certified = Subject.of(
        source,
        PRICES,
        config={name: grid[name][1], "unit": 100},
        trials=found,
        costs=Costs(taker_bps=1.0),
    )
    evidence = evidence_of(certified)
    assert (evidence.number, evidence.known, evidence.trials.shape) == (6, True, (600, 6))
    assert evidence.lookback > 0
    columns = [dict(zip(found.axes, key, strict=True)) for key in found.table.index]
    for place, params in enumerate(columns):
        equity = found.column(**params).equity.to_numpy()
        returns = np.diff(equity, prepend=1_000_000.0) / 1_000_000.0
        assert np.array_equal(evidence.trials[:, place], returns)
    chosen = columns.index({name: grid[name][1], "unit": 100})
    assert np.array_equal(evidence.returns, evidence.trials[:, chosen])


def test_parameters_that_are_not_in_the_search_are_a_trial_more() -> None:
    found = sweep(MOMENTUM, PRICES, {"lookback": [10, 20]}, config={"unit": 50}, progress=False)
    evidence = evidence_of(subject(MOMENTUM, {"lookback": 33}, found))
    assert (evidence.number, evidence.trials.shape[1]) == (3, 3)
    assert np.array_equal(evidence.returns, evidence.trials[:, 2])


def test_a_search_of_another_strategy_is_refused() -> None:
    found = sweep(MOMENTUM, PRICES, {"lookback": [10, 20]}, config={"unit": 50}, progress=False)
    with pytest.raises(ConfigError, match="expected a search of Drift, found one of MomentumStrategy"):
        not_the_best_of_many(subject(PLAIN, {}, found), lambda _: None)


def test_all_of_a_large_search_are_counted_and_a_sample_with_the_chosen_is_run_again() -> None:
    found = sweep(MOMENTUM, PRICES, {"lookback": range(5, 65)}, config={"unit": 50}, progress=False)
    few = {"significant": {"max_trials_replayed": 10}}
    evidence = evidence_of(subject(MOMENTUM, {"lookback": 20}, found, thresholds=few))
    assert (evidence.number, evidence.trials.shape[1]) == (60, 10)
    assert evidence.tried == "60 trials, 10 of them run again"
    assert any(np.array_equal(evidence.returns, column) for column in evidence.trials.T)


def test_a_search_that_adapts_counts_what_it_ran() -> None:
    found = optimize(
        MOMENTUM, PRICES, {"lookback": range(5, 40)}, trials=12, config={"unit": 50}, progress=False
    )
    evidence = evidence_of(subject(MOMENTUM, found.params, found))
    assert evidence.number == found.trials == evidence.trials.shape[1]
    ratio = sharpe_of(evidence.returns, 0.0) * evidence.per_year**0.5
    assert ratio == pytest.approx(
        found.best(1)["sharpe_ratio"].iloc[0], rel=0.02
    )  # on the capital, not on equity


def test_a_look_back_that_nobody_declares_is_noted_where_it_would_be_left_out() -> None:
    silent = evidence_of(Subject.of(Follower, PRICES, config={"unit": 1.0}))
    assert (silent.lookback, silent.declared) == (0, False)
    rules = load_thresholds(None).significant
    assert (
        "it declares no LOOKBACK: nothing is left out before each test"
        in judge_walk_forward(silent, rules).note
    )
    spoken = evidence_of(subject(MOMENTUM, {}))
    assert spoken.declared
    assert "LOOKBACK" not in judge_walk_forward(spoken, rules).note


def test_without_a_search_the_thresholds_say_how_many() -> None:
    evidence = evidence_of(subject(MOMENTUM, {}))
    assert (evidence.number, evidence.known, evidence.trials.shape) == (50, False, (600, 1))


def test_long_histories_are_put_together_to_fewer_periods_that_end_where_prices_do() -> None:
    feed = market(interval="1min", bars=10_001).to_feed()
    ends = period_ends(feed)
    assert len(ends) == MOST_ROWS
    assert ends[-1] == 10_000
    assert set(np.diff(ends).tolist()) <= {3, 4, 5}
