"""Tests of value at risk against the published tables, and by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.errors import ConfigError, DataError
from workbench.risk import (
    christoffersen_conditional_coverage,
    christoffersen_independence,
    kupiec_pof,
    traffic_light,
    var_backtest,
)

# Kupiec


@pytest.mark.parametrize(
    ("tail", "regions"),
    [
        (0.010, [(0, 7), (1, 11), (4, 17)]),
        (0.025, [(2, 12), (6, 21), (15, 36)]),
        (0.050, [(6, 21), (16, 36), (37, 65)]),
        (0.075, [(11, 28), (27, 51), (59, 92)]),
        (0.100, [(16, 36), (38, 65), (81, 120)]),
    ],
)
def test_non_rejection_regions_of_kupiec(tail: float, regions: list[tuple[int, int]]) -> None:
    """P. Kupiec 1995, the table of non-rejection regions at 95 % for 255, 510 and 1,000 days (reprinted by P. Jorion,
    "Value at Risk", table 6-2): N strictly between the two.  For 255 days at 1 % the table has "N < 7"; the ratio of no
    failure at all is -2 x 255 ln 0.99 = 5.13, which is beyond 3.84, so that 0 stands here as the lower end."""
    for days, (low, high) in zip((255, 510, 1000), regions, strict=True):
        kept = [n for n in range(days + 1) if not kupiec_pof(n, days, 1.0 - tail).rejects(0.05)]
        assert kept == list(range(low + 1, high))


def test_jorion_question_on_six_exceptions() -> None:
    """P. Jorion, "Value at Risk", 3rd ed., 2007, chapter 6, question 10: 6 exceptions in 252 days at 99 %, 4 of which
    follow another: 3.498 for their number, which is not rejected, and 25.837 for their bunching, which is."""
    number = kupiec_pof(6, 252, 0.99)
    assert number.statistic == pytest.approx(3.498, abs=1e-3)
    assert not number.rejects()
    # 252 steps from day to day: 244 quiet, 2 into an exception, 2 out of one, 4 from one to the next.
    hits = [False, True, True, True, False, True, True, True, False, *[False] * 244]
    steps = list(pairwise(hits))
    counts = [steps.count(pair) for pair in ((False, False), (False, True), (True, False), (True, True))]
    assert counts == [244, 2, 2, 4]
    bunching = christoffersen_independence(hits)
    assert bunching.statistic == pytest.approx(25.837, abs=1e-3)
    assert bunching.rejects(0.001)


def test_jorion_exception_table() -> None:
    """P. Jorion, "Value at Risk", 3rd ed., 2007, table 6-5 and the text after it: 252 days, of which 20 are exceptions;
    14 of 232 come after a quiet day and 6 of 20 after an exception.  Independence: 9.53; number at 95 %: 3.91."""
    hits = [False, *[True] * 7, False, *([True, False] * 13), *[False] * 218]
    steps = list(pairwise(hits))
    counts = [steps.count(pair) for pair in ((False, False), (False, True), (True, False), (True, True))]
    assert counts == [218, 14, 14, 6]
    assert christoffersen_independence(hits).statistic == pytest.approx(9.53, abs=5e-3)
    assert kupiec_pof(20, 252, 0.95).statistic == pytest.approx(3.91, abs=5e-3)


def test_the_ratio_worked_by_hand() -> None:
    # 2 of 10 at 90 %: 2 ln[(0.2^2 0.8^8) / (0.1^2 0.9^8)].
    by_hand = 2.0 * (2 * math.log(2.0) + 8 * math.log(0.8 / 0.9))
    found = kupiec_pof(2, 10, 0.9)
    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(stats.chi2.sf(by_hand, 1))
    assert found.degrees_of_freedom == 1


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_expected_number_is_never_rejected_and_both_ends_are_known(confidence: float) -> None:
    expected = round((1.0 - confidence) * 1_000)
    assert kupiec_pof(expected, 1_000, confidence).statistic == pytest.approx(0.0, abs=1e-9)
    assert kupiec_pof(0, 1_000, confidence).statistic == pytest.approx(-2_000 * math.log(confidence))
    assert kupiec_pof(1_000, 1_000, confidence).statistic == pytest.approx(-2_000 * math.log(1 - confidence))


# Christoffersen


def test_independence_worked_by_hand() -> None:
    # 0 1 1 0 0 1 0 0 0: after a quiet day 2 of 5, after an exceedance 1 of 3, altogether 3 of 8.
    hits = [0, 1, 1, 0, 0, 1, 0, 0, 0]
    apart = 2 * math.log(2 / 5) + 3 * math.log(3 / 5) + math.log(1 / 3) + 2 * math.log(2 / 3)
    together = 3 * math.log(3 / 8) + 5 * math.log(5 / 8)
    found = christoffersen_independence(hits)
    assert found.statistic == pytest.approx(2 * (apart - together))
    both = christoffersen_conditional_coverage(hits, 0.75)
    assert both.statistic == pytest.approx(found.statistic + kupiec_pof(3, 9, 0.75).statistic)
    assert both.p_value == pytest.approx(math.exp(-0.5 * both.statistic))  # chi-squared with 2 degrees
    assert both.degrees_of_freedom == 2


def test_a_sample_that_ends_with_an_exceedance() -> None:
    # 0 1 1 0 0 1: after a quiet day 2 of 3, after an exceedance 1 of 2, altogether 3 of 5.
    apart = 2 * math.log(2 / 3) + math.log(1 / 3) + 2 * math.log(1 / 2)
    together = 3 * math.log(3 / 5) + 2 * math.log(2 / 5)
    assert christoffersen_independence([0, 1, 1, 0, 0, 1]).statistic == pytest.approx(2 * (apart - together))


@pytest.mark.parametrize("hits", [[False] * 50, [True] * 50, [False] * 49 + [True], [True] + [False] * 49])
def test_a_sample_that_says_nothing_of_bunching(hits: list[bool]) -> None:
    found = christoffersen_independence(hits)
    assert math.isfinite(found.statistic)
    assert found.p_value > 0.8


def test_bunching_is_found_and_chance_is_not_taken_for_it() -> None:
    """At 95 %, over 2,000 days: 100 exceedances in pairs are rejected; of 300 independent series about 5 % are."""
    random = np.random.default_rng(1)
    pairs = np.zeros(2_000, dtype=bool)
    starts = random.choice(np.arange(0, 2_000, 4), 50, replace=False)
    pairs[starts] = pairs[starts + 1] = True
    assert christoffersen_independence(pairs).p_value < 1e-6
    assert not kupiec_pof(int(pairs.sum()), 2_000, 0.95).rejects()
    rejected = sum(christoffersen_independence(random.random(2_000) < 0.05).rejects() for _ in range(300))
    assert 5 <= rejected <= 27  # 15 expected, deviation 3.8


# Basel

TABLE_1996 = [
    # exceptions, zone, plus factor, cumulative probability in per cent
    (0, "green", 0.00, 8.11),
    (1, "green", 0.00, 28.58),
    (2, "green", 0.00, 54.32),
    (3, "green", 0.00, 75.81),
    (4, "green", 0.00, 89.22),
    (5, "yellow", 0.40, 95.88),
    (6, "yellow", 0.50, 98.63),
    (7, "yellow", 0.65, 99.60),
    (8, "yellow", 0.75, 99.89),
    (9, "yellow", 0.85, 99.97),
    (10, "red", 1.00, 99.99),
]


@pytest.mark.parametrize(("exceptions", "zone", "plus", "chance"), TABLE_1996)
def test_table_2_of_the_basel_framework_of_1996(
    exceptions: int, zone: str, plus: float, chance: float
) -> None:
    """Basel Committee on Banking Supervision, January 1996, table 2: 250 observations at 99 %."""
    light = traffic_light(exceptions)
    assert (light.zone, light.plus_factor) == (zone, plus)
    assert light.multiplier == pytest.approx(3.0 + plus)
    assert 100.0 * light.cumulative_probability == pytest.approx(chance, abs=0.005)


@pytest.mark.parametrize(
    ("exceptions", "multiplier"),
    [(0, 1.5), (4, 1.5), (5, 1.7), (6, 1.76), (7, 1.83), (8, 1.88), (9, 1.92), (10, 2.0), (40, 2.0)],
)
def test_multipliers_of_the_basel_standard_of_2019(exceptions: int, multiplier: float) -> None:
    """MAR99, table 2."""
    assert traffic_light(exceptions, standard="basel_2019").multiplier == multiplier


def test_other_samples_have_a_zone_and_no_multiplier() -> None:
    # 500 days at 99 %: so many or fewer than 8 with 86.8 %, 9 with 96.9 %: yellow begins at 9.
    assert [traffic_light(n, 500).zone for n in (7, 8, 9)] == ["green", "green", "yellow"]
    assert stats.binom.cdf([8, 9], 500, 0.01).tolist() == pytest.approx([0.9329, 0.9689], abs=1e-4)
    assert (traffic_light(5, 500).multiplier, traffic_light(5, 250, 0.975).plus_factor) == (None, None)


# The whole


def test_a_backtest_worked_by_hand() -> None:
    times = pd.date_range("2024-01-01", periods=10, tz="UTC")
    returns = pd.Series([0.01, -0.05, -0.02, 0.03, -0.02, -0.03, 0.01, -0.01, 0.02, 0.00], times)
    forecasts = pd.Series(0.02, times[2:])
    found = var_backtest(returns, forecasts, 0.9)
    # A loss of exactly 0.02 does not exceed it, and the 5 % of the second day had no forecast.
    assert found.exceedances.tolist() == [False, False, False, True, False, False, False, False]
    assert found.exceedances.index.equals(times[2:])
    assert (found.observations, found.exceptions, found.rate) == (8, 1, 0.125)
    assert found.expected == pytest.approx(0.8)
    assert found.kupiec == kupiec_pof(1, 8, 0.9)
    tests = [found.kupiec, found.independence, found.conditional_coverage]
    assert found.table.index.tolist() == ["kupiec", "independence", "conditional_coverage"]
    assert found.table["statistic"].tolist() == [test.statistic for test in tests]
    assert found.table["degrees_of_freedom"].tolist() == [1, 1, 2]
    assert found.table["p_value"].tolist() == [test.p_value for test in tests]
    frame = pd.DataFrame({"var": forecasts, "cvar": 0.03})
    assert var_backtest(returns, frame, 0.9).exceptions == 1
    assert var_backtest(returns.to_numpy()[2:], forecasts.to_numpy(), 0.9).exceptions == 1


def test_basel_looks_at_the_last_250_days() -> None:
    returns = np.full(400, 0.01)
    returns[:100:4] = -0.05  # 25 exceedances, all of them long ago
    returns[-6:] = -0.05
    found = var_backtest(returns, np.full(400, 0.02))
    assert found.exceptions == 31
    assert (found.basel.exceptions, found.basel.observations, found.basel.zone) == (6, 250, "yellow")
    assert found.basel.multiplier == 3.5
    assert var_backtest(returns, np.full(400, 0.02), standard="basel_2019").basel.multiplier == 1.76


def test_a_right_model_passes_and_half_of_it_does_not() -> None:
    random = np.random.default_rng(8)
    returns = random.standard_normal(2_000)
    right = var_backtest(returns, np.full(2_000, 2.3263478740408408))
    assert not right.kupiec.rejects()
    assert not right.conditional_coverage.rejects()
    half = var_backtest(returns, np.full(2_000, 1.1631739370204204))
    assert half.kupiec.p_value < 1e-12
    assert half.basel.zone == "red"
    twice = var_backtest(returns, np.full(2_000, 4.65))
    assert twice.kupiec.rejects(0.001)  # none at all is as wrong as too many
    assert twice.basel.zone == "green"


@pytest.mark.parametrize(
    ("returns", "forecasts", "message"),
    [
        (np.zeros(10), np.full(9, 0.1), "one for each of 9 forecasts, found 10"),
        (np.zeros(10), np.full(10, -0.1), "losses as positive numbers, found -0.1 at 0; turn the sign round"),
        (np.zeros(10), np.full(10, np.nan), "forecasts: expected finite figures, found nan at 0 and 9 more"),
        (np.full(10, np.inf), np.full(10, 0.1), "returns: expected finite figures, found inf at 0"),
        (np.zeros(5), np.full(5, 0.1), "forecasts: expected at least 8 rows, found 5"),
        (pd.Series(0.0, range(10)), pd.Series(0.1, range(5, 15)), "none at 10 and 4 more"),
        (np.zeros(10), pd.DataFrame({"quantile": np.full(10, 0.1)}), "a column var, found quantile"),
    ],
)
def test_figures_that_do_not_fit(returns: Any, forecasts: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        var_backtest(returns, forecasts)


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match="exceptions must be a whole number from 0 to 250, found 251"):
        kupiec_pof(251, 250)
    with pytest.raises(ConfigError, match="observations must be a whole number of 1 or more, found 0"):
        traffic_light(0, 0)
    with pytest.raises(ConfigError, match="standard must be one of basel_1996, basel_2019, found 'basel_2'"):
        var_backtest(np.zeros(10), np.ones(10), standard="basel_2")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="significance"):
        kupiec_pof(1, 250).rejects(5.0)
    with pytest.raises(DataError, match="two or more of True and False"):
        christoffersen_independence([0.5, 1.0])
