"""The deflated Sharpe ratio: published figures, noise that must not pass and an edge that must."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ConfigError, DataError
from workbench.performance.sharpe import SharpeEstimate, per_period, probabilistic_sharpe_ratio
from workbench.performance.trials import (
    Trials,
    deflated_sharpe_ratio,
    effective_number_of_trials,
    expected_maximum_sharpe,
    minimum_backtest_length,
    summarise_trials,
)

# D. Bailey, M. López de Prado, "The deflated Sharpe ratio", 2014, "A numerical example": five years of daily returns
# (250 a year), annual Sharpe ratio 2.5, skewness -3, kurtosis 10; the trials' annual Sharpe ratios have variance 1/2.
FOUND = SharpeEstimate(per_period(2.5, 250), 1250, skewness=-3.0, kurtosis=10.0)
VARIANCE = 0.5 / 250


def test_the_best_of_100_trials_is_not_significant() -> None:
    assert expected_maximum_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=0.00005)
    assert deflated_sharpe_ratio(FOUND, trials=100, variance=VARIANCE) == pytest.approx(0.9004, abs=0.00005)


def test_the_best_of_46_trials_would_have_been() -> None:
    assert deflated_sharpe_ratio(FOUND, trials=46, variance=VARIANCE) == pytest.approx(0.9505, abs=0.00005)


def test_with_normal_returns_88_trials_would_have_been_allowed() -> None:
    normal = SharpeEstimate(FOUND.sharpe, 1250)
    assert deflated_sharpe_ratio(normal, trials=88, variance=VARIANCE) == pytest.approx(0.9505, abs=0.00005)
    assert deflated_sharpe_ratio(normal, trials=89, variance=VARIANCE) < 0.95


def test_five_years_allow_45_trials() -> None:
    """Bailey, Borwein, López de Prado, Zhu, "Pseudo-mathematics and financial charlatanism", 2014: with five years, no
    more than 45 trials, or an annual Sharpe ratio of 1 is all but certain without any skill.
    """
    assert minimum_backtest_length(45) < 5.0 < minimum_backtest_length(46)
    assert minimum_backtest_length(45, target_sharpe=2.0) == pytest.approx(minimum_backtest_length(45) / 4)


@pytest.mark.parametrize("trials", [2, 5, 10, 100, 1_000])
def test_expected_maximum_beside_simulation(trials: int) -> None:
    drawn = np.random.default_rng(3).normal(size=(4_000, trials)).max(axis=1)
    assert expected_maximum_sharpe(trials, 1.0) == pytest.approx(drawn.mean(), abs=0.06)
    assert expected_maximum_sharpe(trials, 0.04, mean=0.1) == pytest.approx(
        0.1 + 0.2 * expected_maximum_sharpe(trials, 1.0)
    )


def test_a_single_trial_is_not_deflated() -> None:
    assert expected_maximum_sharpe(1, 1.0) == 0.0
    assert expected_maximum_sharpe(1.01, 1.0) == 0.0  # not minus infinity
    single = deflated_sharpe_ratio(FOUND, trials=1, variance=VARIANCE)
    assert single == probabilistic_sharpe_ratio(FOUND)


# -- noise and edge -------------------------------------------------------------------------------------------------


def noise(seed: int, rows: int = 1_250, trials: int = 1_000) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(0.0, 0.01, (rows, trials)))


def test_of_a_thousand_strategies_of_noise_no_more_than_one_in_twenty_passes() -> None:
    strategies = noise(1)
    deflated = deflated_sharpe_ratio(strategies)
    assert len(deflated) == 1_000
    assert (deflated >= 0.95).mean() <= 0.05
    # Without deflation fifty or so would, among them one that is all but certain.
    plain = probabilistic_sharpe_ratio(strategies)
    assert 30 <= (plain >= 0.95).sum() <= 70
    best = int(plain.to_numpy().argmax())
    assert plain[best] > 0.99
    assert deflated[best] < 0.95


def test_a_planted_edge_among_a_thousand_is_not_refused() -> None:
    strategies = noise(2)
    strategies[400] += 0.01 * per_period(3.5, 252)  # an annual Sharpe ratio of 3.5 over five years
    deflated = deflated_sharpe_ratio(strategies)
    assert deflated[400] >= 0.95
    assert (deflated.drop(index=400) >= 0.95).mean() <= 0.05
    assert deflated.idxmax() == 400


@pytest.mark.parametrize("tails", ["normal", "fat"])
def test_the_winner_of_a_search_through_noise_rarely_passes(tails: str) -> None:
    rng = np.random.default_rng(5)
    passed, searches = 0, 300
    for _ in range(searches):
        tried = 0.01 * (rng.normal(size=(250, 50)) if tails == "normal" else rng.standard_t(4, (250, 50)))
        sharpes = tried.mean(axis=0) / tried.std(axis=0, ddof=1)
        passed += deflated_sharpe_ratio(tried[:, sharpes.argmax()].tolist(), trials=sharpes) >= 0.95
    assert passed / searches <= 0.05


def test_the_winner_of_a_search_with_an_edge_passes() -> None:
    rng = np.random.default_rng(6)
    passed, searches = 0, 100
    for _ in range(searches):
        tried = rng.normal(0.0, 0.01, (250, 50))
        tried[:, 7] += 0.01 * 0.45  # seven standard errors
        passed += deflated_sharpe_ratio(pd.Series(tried[:, 7]), trials=tried) >= 0.95
    assert passed / searches >= 0.95


# -- what trials may be ---------------------------------------------------------------------------------------------


def test_trials_by_number_by_ratio_and_by_return_are_one() -> None:
    tried = noise(7, 300, 40)
    chosen = tried[3]
    sharpes = tried.mean() / tried.std()
    variance = float(sharpes.var())
    by_number = deflated_sharpe_ratio(chosen, trials=40, variance=variance)
    assert deflated_sharpe_ratio(chosen, trials=sharpes) == pytest.approx(by_number)
    assert deflated_sharpe_ratio(chosen, trials=tried) == pytest.approx(by_number)
    assert deflated_sharpe_ratio(chosen, trials=Trials(40, variance)) == pytest.approx(by_number)
    assert deflated_sharpe_ratio(tried)[3] == pytest.approx(by_number)
    assert deflated_sharpe_ratio(tried.to_numpy())[3] == pytest.approx(by_number)


def test_a_trial_that_never_traded_counts_and_has_no_ratio() -> None:
    tried = noise(8, 300, 10)
    with_idle = tried.assign(idle=0.0)
    plain, more = summarise_trials(tried), summarise_trials(with_idle)
    assert (plain.number, more.number) == (10.0, 11.0)
    assert more.variance == plain.variance
    assert more.expected_maximum_sharpe > plain.expected_maximum_sharpe
    assert math.isnan(deflated_sharpe_ratio(with_idle)["idle"])


def test_a_ratio_that_is_missing_is_no_trial() -> None:
    tried = noise(8, 300, 10)
    sharpes = tried.mean() / tried.std()
    with_gaps = pd.concat([sharpes, pd.Series([math.nan] * 30)], ignore_index=True)
    assert deflated_sharpe_ratio(tried[3], trials=with_gaps) == deflated_sharpe_ratio(
        tried[3], trials=sharpes
    )
    with pytest.raises(DataError, match=r"trials: expected at least two with a Sharpe ratio, found 1"):
        deflated_sharpe_ratio(tried[3], trials=[0.1, math.nan])


def test_correlated_trials_count_as_fewer() -> None:
    rng = np.random.default_rng(9)
    common = rng.normal(size=(4_000, 1))
    tried = 0.01 * (math.sqrt(0.6) * common + math.sqrt(0.4) * rng.normal(size=(4_000, 50)))
    assert effective_number_of_trials(tried) == pytest.approx(0.6 + 0.4 * 50, abs=1.0)
    frame = pd.DataFrame(tried)
    assert (deflated_sharpe_ratio(frame, effective=True) > deflated_sharpe_ratio(frame)).all()


def test_effective_number_by_hand() -> None:
    up = np.array([0.01, -0.01, 0.02, 0.00])
    assert effective_number_of_trials(np.column_stack([up, up])) == pytest.approx(1.0)
    assert effective_number_of_trials(np.column_stack([up, -up])) == pytest.approx(2.0)  # below 0 counts as 0
    assert effective_number_of_trials(np.column_stack([up, 0.0 * up])) == 1.0  # one moves


@given(st.integers(2, 8), st.integers(10, 40), st.integers(0, 1_000))
def test_effective_number_is_that_of_the_mean_correlation(trials: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tried = rng.normal(size=(rows, trials)) + rng.normal(size=(rows, 1))
    matrix = np.corrcoef(tried.T)
    mean = max(float((matrix.sum() - trials) / (trials * (trials - 1))), 0.0)
    assert effective_number_of_trials(tried) == pytest.approx(mean + (1 - mean) * trials)


def test_rows_that_one_trial_lacks_are_left_out_of_correlations() -> None:
    tried = noise(10, 50, 4)
    gappy = pd.concat([tried, pd.DataFrame([[0.1, math.nan, 0.1, 0.1]])])
    assert effective_number_of_trials(gappy) == pytest.approx(effective_number_of_trials(tried))


def test_mistakes_are_told() -> None:
    tried = noise(1, 20, 3)
    with pytest.raises(ConfigError, match=r"trials is needed: the number of strategies that were tried"):
        deflated_sharpe_ratio(tried[0])
    with pytest.raises(ConfigError, match=r"trials is needed"):
        deflated_sharpe_ratio(FOUND)
    with pytest.raises(
        ConfigError, match=r"a number of trials needs variance=, that of their Sharpe ratios per period"
    ):
        deflated_sharpe_ratio(FOUND, trials=100)
    with pytest.raises(ConfigError, match=r"variance goes with a number of trials"):
        deflated_sharpe_ratio(FOUND, trials=tried, variance=0.1)
    with pytest.raises(ConfigError, match=r"trials must be 1 or more, found 0"):
        deflated_sharpe_ratio(FOUND, trials=0, variance=0.1)
    with pytest.raises(ConfigError, match=r"variance must be 0 or more, found -0.1"):
        expected_maximum_sharpe(10, -0.1)
    with pytest.raises(ConfigError, match=r"effective needs the returns of all trials"):
        deflated_sharpe_ratio(FOUND, trials=[0.1, 0.2], effective=True)
    with pytest.raises(ConfigError, match=r"target_sharpe must be above 0"):
        minimum_backtest_length(10, target_sharpe=0)
    with pytest.raises(DataError, match=r"trials: expected at least two with a Sharpe ratio, found 1"):
        summarise_trials(np.column_stack([tried[0], np.zeros(20)]))
    with pytest.raises(DataError, match=r"trials: expected two columns or more, found 1"):
        effective_number_of_trials(tried[0])
    with pytest.raises(DataError, match=r"trials: expected three rows or more that all trials have, found 2"):
        effective_number_of_trials(tried.iloc[:2])
