"""wb.optimize: every trial is kept, each is the column that a sweep has, and a seed is an answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

import workbench as wb
from tests.sweeps.test_processes import Turns
from workbench.errors import ParameterError
from workbench.performance import deflated_sharpe_ratio, estimate_sharpe, per_period
from workbench.strategy.loader import load_strategy
from workbench.sweeps.optimize import optimize
from workbench.sweeps.optimize_result import OptimizeResult
from workbench.sweeps.space import read_space, size_of

CROSS = "strategies/sma_cross.py"
SPACE: dict[str, Any] = {"fast": range(1, 20), "slow": (5, 60)}


def search(prices: wb.Prices, space: Any = SPACE, **settings: Any) -> OptimizeResult:
    return optimize(CROSS, prices, space, **{"metric": "total_return", "trials": 40, **settings})


@pytest.fixture(scope="module")
def found(minutes: wb.Prices) -> OptimizeResult:
    return search(minutes)


# -- what is found ---------------------------------------------------------------------------------------------------


def test_every_trial_is_kept_in_order(found: OptimizeResult) -> None:
    assert found.table.index.tolist() == list(range(40))
    assert found.table.columns[:3].tolist() == ["fast", "slow", "total_return"]
    assert len(found.study.trials) == len(found) == 40
    for number, trial in enumerate(found.study.trials):
        assert trial.params == found.table.loc[number, ["fast", "slow"]].to_dict()
    states = Counter(found.table["state"])
    assert states["finished"] + states["undefined"] == found.trials
    assert (states["not_allowed"], states["duplicate"]) == (found.not_allowed, found.duplicates)


def test_each_trial_is_the_column_of_a_sweep(found: OptimizeResult, minutes: wb.Prices) -> None:
    swept = wb.sweep(CROSS, minutes, {"fast": range(1, 20), "slow": range(5, 61)})
    run = found.table[found.table["state"] != "not_allowed"].set_index(["fast", "slow"])
    expected = swept.table.loc[run.index]
    for name in swept.metrics:
        np.testing.assert_array_equal(run[name].to_numpy(float), expected[name].to_numpy(float))


def test_what_constraints_do_not_allow_is_counted_and_not_run(found: OptimizeResult) -> None:
    refused = found.table[found.table["state"] == "not_allowed"]
    assert len(refused) > 0
    assert (refused["fast"] >= refused["slow"]).all()
    assert refused["total_return"].isna().all()
    assert {found.study.trials[number].state for number in refused.index} == {TrialState.PRUNED}
    allowed = found.table[found.table["state"] != "not_allowed"]
    assert (allowed["fast"] < allowed["slow"]).all()


def test_the_best_is_the_best_and_can_be_had_in_full(found: OptimizeResult) -> None:
    best = found.best(3)
    assert best["total_return"].is_monotonic_decreasing
    assert best["total_return"].iloc[0] == found.table["total_return"].max() == found.study.best_value
    assert found.params == found.study.best_params == best.iloc[0][["fast", "slow"]].to_dict()
    assert found.column().stats()["total_return"] == pytest.approx(best["total_return"].iloc[0], rel=1e-12)
    other = best.iloc[2]
    column = found.column(fast=int(other["fast"]), slow=int(other["slow"]))
    assert column.stats()["total_return"] == pytest.approx(other["total_return"], rel=1e-12)


def test_what_was_run_is_a_sweep_too(found: OptimizeResult) -> None:
    assert found.sweep.trials == found.trials
    assert found.sweep.table.index.is_unique
    assert found.sweep.pivot("total_return").max(axis=None) == found.table["total_return"].max()


def test_it_says_what_it_did(found: OptimizeResult) -> None:
    text = repr(found)
    assert f"40 trials in {found.seconds:.2f} s, {found.trials} run, {found.not_allowed} not allowed" in text
    assert f"best total_return {found.study.best_value:.6g} with fast={found.params['fast']}, slow=" in text
    assert "&lt;" not in found._repr_html_()


# -- how it searches -------------------------------------------------------------------------------------------------


def test_a_seed_is_an_answer(minutes: wb.Prices) -> None:
    table = search(minutes, seed=3).table
    pd.testing.assert_frame_equal(search(minutes, seed=3, workers=1).table, table)
    assert not search(minutes, seed=4).table["fast"].equals(table["fast"])


def test_it_learns(minutes: wb.Prices) -> None:
    """Against as many at random: whatever is to be found, the later suggestions are better ones."""
    settings: dict[str, Any] = {"trials": 120, "batch": 8}
    guided = search(minutes, {"fast": (1, 60), "slow": (2, 200)}, **settings)
    blind = search(
        minutes,
        {"fast": (1, 60), "slow": (2, 200)},
        sampler=optuna.samplers.RandomSampler(seed=0),
        **settings,
    )
    late = [table["total_return"].tail(40).median() for table in (guided.table, blind.table)]
    assert late[0] > late[1]
    assert guided.not_allowed < blind.not_allowed


def test_a_combination_is_run_once(minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.sweeps.job import Job

    played: list[tuple[Any, ...]] = []
    play = Job.play

    def counting(job: Job, tick: Callable[[int], object]) -> Any:
        played.extend(tuple(job.grid.config(row).values()) for row in range(len(job.grid)))
        return play(job, tick)

    monkeypatch.setattr(Job, "play", counting)
    sampler = optuna.samplers.RandomSampler(seed=1)  # which does not know what it said before
    result = search(
        minutes, {"fast": [1, 2, 3], "slow": range(10, 60, 5)}, trials=100, batch=16, sampler=sampler
    )
    assert len(played) == len(set(played)) == result.trials <= 30
    doubles = result.table[result.table["state"] == "duplicate"]
    assert len(doubles) == result.duplicates > 0
    once = result.table[result.table["state"] == "finished"].set_index(["fast", "slow"])["total_return"]
    again = doubles.set_index(["fast", "slow"])["total_return"]
    assert again.to_numpy().tolist() == once.loc[again.index].to_numpy().tolist()


def test_it_ends_when_all_there_is_was_tried(minutes: wb.Prices) -> None:
    result = search(minutes, {"fast": [1, 2], "slow": [2, 9]}, trials=500, batch=4)
    assert (result.trials, set(result.table["state"])) == (3, {"finished", "not_allowed", "duplicate"})
    assert len(result) < 500


def test_it_ends_where_columns_are_lost(minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that loses its workers gives columns back unfinished, and nobody has interrupted."""
    from workbench.sweeps.job import Job

    play = Job.play

    def losing(job: Job, tick: Callable[[int], object]) -> Any:
        (part,), interrupted = play(job, tick)
        part.finished[part.grid.values["fast"] == 1] = False
        return [part], interrupted

    monkeypatch.setattr(Job, "play", losing)
    space = {"fast": [1, 2], "slow": [8, 9]}
    result = search(minutes, space, trials=20, metrics=["total_return", "trades", "longest_drawdown"])
    lost = result.table[(result.table["fast"] == 1) & (result.table["state"] != "duplicate")]
    assert lost["state"].tolist() == ["undefined"] * 2
    assert lost[["total_return", "trades", "longest_drawdown"]].isna().all(axis=None)
    assert not result.interrupted
    assert result.trials == len(result.sweep.table) == 4
    assert result.params["fast"] == 2


def test_its_sharpe_ratios_deflate_the_best_of_them(minutes: wb.Prices) -> None:
    """As the documentation says: those that were run, per period, and what never traded is none of them."""
    result = search(minutes, {"fast": [2, 3], "slow": [6, 9, 500]}, trials=60, metric="sharpe_ratio")
    sharpes = result.sweep.table["sharpe_ratio"]
    assert len(sharpes) == result.trials == 6
    assert sharpes.isna().sum() == 2
    trials = per_period(sharpes, result.sweep.periods_per_year)
    returns = result.column().equity.pct_change().dropna()
    found = deflated_sharpe_ratio(returns, trials=trials)
    known = trials.dropna()
    assert found == deflated_sharpe_ratio(returns, trials=4, variance=float(known.var()))
    assert known.max() == pytest.approx(estimate_sharpe(returns).sharpe, rel=1e-3)


@pytest.mark.parametrize(("metric", "lower"), [("max_drawdown", False), ("volatility", True), ("fees", True)])
def test_the_direction_follows_the_metric(minutes: wb.Prices, metric: str, lower: bool) -> None:
    result = search(minutes, metric=metric, trials=16)
    assert metric in result.table.columns
    column = result.table[metric]
    assert result.best(1)[metric].iloc[0] == (column.min() if lower else column.max())
    assert result.study.direction.name == ("MINIMIZE" if lower else "MAXIMIZE")


def test_what_never_trades_is_kept_without_a_figure(minutes: wb.Prices) -> None:
    result = search(minutes, {"fast": [1], "slow": [5, 9, 399]}, metric="sharpe_ratio", trials=64)
    silent = result.table[result.table["state"] == "undefined"]
    assert set(silent["slow"]) == {399}
    assert silent["sharpe_ratio"].isna().all()
    assert (silent["trades"] == 0).all()
    assert result.trials == len(result.table[result.table["state"].isin(["finished", "undefined"])])
    assert not result.best(100).index.intersection(silent.index).tolist()


def test_where_and_config_are_those_of_a_sweep(minutes: wb.Prices) -> None:
    result = optimize(
        CROSS,
        minutes,
        {"fast": (1, 100)},
        config={"slow": 40},
        where=lambda frame: frame["fast"] % 2 == 0,
        metrics=["trades"],
        metric="total_return",
        trials=48,
    )
    run = result.table[result.table["state"].isin(["finished", "undefined"])]
    assert (run["fast"] % 2 == 0).all()
    assert run["fast"].max() < 40
    assert result.column(fast=int(run["fast"].iloc[0])).stats()["trades"] == run["trades"].iloc[0]


def test_nothing_is_left_of_optunas_own_chatter(
    minutes: wb.Prices, capfd: pytest.CaptureFixture[str]
) -> None:
    level = optuna.logging.get_verbosity()
    search(minutes, trials=2)
    capfd.readouterr()
    search(minutes, trials=2)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == level


# -- strategies that are not compiled --------------------------------------------------------------------------------


def test_a_plain_strategy_can_be_searched(minutes: wb.Prices, capsys: pytest.CaptureFixture[str]) -> None:
    space = {"every": (-2, 6), "mood": ["calm", "raises"]}
    result = optimize(Turns, minutes, space, metric="total_return", trials=16, batch=8, workers=1)
    assert set(result.table["mood"]) == {"calm", "raises"}
    refused = result.table[result.table["state"] == "not_allowed"]
    assert (refused["every"] < 1).all()
    assert len(refused) > 0
    raised = result.table["strategy_errors"] > 0
    assert (result.table["mood"][raised] == "raises").all()
    assert capsys.readouterr().err.count("errors: the strategy raised in") == 1
    stats = wb.backtest(Turns, minutes, config=result.params, on_error="contain", progress=False).stats()
    assert result.study.best_value == stats["total_return"]


def reversal(prices: pd.DataFrame, span: int) -> Any:
    """A signal function whose parameter has no default."""
    return -np.sign(prices["close"].diff(span))


def test_a_signal_function_can_be_searched(minutes: wb.Prices) -> None:
    result = optimize(reversal, minutes, {"span": (1, 30)}, metric="total_return", trials=16)
    swept = wb.sweep(reversal, minutes, {"span": range(1, 31)}).table["total_return"]
    run = result.table.drop_duplicates("span").set_index("span")["total_return"]
    assert run.to_numpy().tolist() == swept.loc[run.index].to_numpy().tolist()


class Picky(Turns):
    """Refuses everything but what nobody asks for."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if self.config["every"] != 3:
            raise ParameterError("Picky: every must be 3")


def test_a_search_in_which_nothing_is_allowed_is_one_error(minutes: wb.Prices) -> None:
    with pytest.raises(
        ParameterError, match="takes none of the 64 combinations; the first: Picky: every must be 3"
    ):
        optimize(Picky, minutes, {"every": (4, 900)}, trials=4)


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_trials_that_are_finished(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.sweeps.job import Job

    play, batches = Job.play, [0]

    def interrupted(job: Job, tick: Callable[[int], object]) -> Any:
        batches[0] += 1
        if batches[0] == 3:
            raise KeyboardInterrupt
        return play(job, tick)

    monkeypatch.setattr(Job, "play", interrupted)
    result = search(minutes, trials=100, batch=10)
    assert result.interrupted
    assert len(result.table) == 20
    assert "interrupted: 20 of 100 trials are finished and kept" in capsys.readouterr().err
    assert Counter(trial.state for trial in result.study.trials)[TrialState.FAIL] == 10
    assert "interrupted" in repr(result)
    assert result.best(1).index[0] < 20


# -- the space -------------------------------------------------------------------------------------------------------


class Ranges(Turns):
    """Parameters of each kind."""

    PARAMETERS: ClassVar = {"n": 3, "x": 1.0, "flag": True, "word": "a"}


SPACES: dict[str, tuple[Any, Any, float]] = {
    "a range": ({"n": range(2, 9)}, IntDistribution(2, 8), 7),
    "a range in steps, backwards": ({"n": range(9, 0, -3)}, IntDistribution(3, 9, step=3), 3),
    "whole numbers": ({"n": (2, 9)}, IntDistribution(2, 9), 8),
    "whole numbers in steps": ({"n": (2, 9, 3)}, IntDistribution(2, 8, step=3), 3),
    "numbers": ({"x": (1, 9)}, FloatDistribution(1.0, 9.0), math.inf),
    "numbers in steps": ({"x": (0.1, 0.5, 0.1)}, FloatDistribution(0.1, 0.5, step=0.1), 5),
    "a list in order": ({"n": [10, 20, 30]}, IntDistribution(10, 30, step=10), 3),
    "a list without": ({"n": [1, 2, 5]}, CategoricalDistribution([1, 2, 5]), 3),
    "a list with doubles": ({"n": np.array([4, 4, 7])}, CategoricalDistribution([4, 7]), 2),
    "yes or no": ({"flag": [True, False]}, CategoricalDistribution([True, False]), 2),
    "words": ({"word": ["a", "b"]}, CategoricalDistribution(["a", "b"]), 2),
    "one value": ({"n": 7}, CategoricalDistribution([7]), 1),
    "a distribution": (
        {"x": FloatDistribution(1e-3, 1.0, log=True)},
        FloatDistribution(1e-3, 1.0, log=True),
        math.inf,
    ),
    "the unit of the runner": ({"unit": (1, 5)}, FloatDistribution(1.0, 5.0), math.inf),
}


@pytest.mark.parametrize("case", SPACES)
def test_a_space_is_read_as_it_is_meant(case: str) -> None:
    given, expected, size = SPACES[case]
    (distribution,) = read_space(Ranges, given).values()
    assert distribution == expected
    assert size_of({"": distribution}) == size


def test_numbers_of_a_compiled_strategy_alone_can_be_searched() -> None:
    kind = load_strategy("strategies/pairs.py")
    with pytest.raises(ParameterError, match="asset is no number, and cannot be searched"):
        read_space(kind, {"asset": ["BTC-USD", "ETH-USD"]})
    with pytest.raises(
        ParameterError, match="window must be whole numbers like 120, found FloatDistribution"
    ):
        read_space(kind, {"window": FloatDistribution(3.0, 9.0)})
