"""Drawdowns by hand, and what must always be true of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import ConfigError
from workbench.performance import drawdown

# Wealth 1.00, 0.90, 0.99, 1.10, 0.88, 0.88, 1.21: two drawdowns, of 10 % and of 20 %.
PATH = [0.0, -0.10, 0.10, 1.10 / 0.99 - 1, -0.20, 0.0, 1.21 / 0.88 - 1]
DOWN = [0.0, -0.10, -0.01, 0.0, -0.20, -0.20, 0.0]
GROWTH = 1.21 ** (1 / 7) - 1  # a year for each


def test_a_path_by_hand() -> None:
    index = pd.date_range("2024-01-01", periods=7)
    series = pd.Series(PATH, index, name="fund")
    found = drawdown.drawdown(series)
    assert found.tolist() == pytest.approx(DOWN)
    assert (found.name, found.index.equals(index)) == ("fund", True)
    assert drawdown.max_drawdown(PATH) == pytest.approx(-0.20)
    assert drawdown.average_drawdown(PATH) == pytest.approx(-0.15)
    assert drawdown.longest_drawdown(PATH) == 3.0  # the returns of 0.88, 0.88 and the one that ends it
    assert drawdown.pain_index(PATH) == pytest.approx(0.51 / 7)
    assert drawdown.ulcer_index(PATH) == pytest.approx(math.sqrt((0.01 + 0.0001 + 0.08) / 7))


def test_ratios_by_hand() -> None:
    assert drawdown.calmar_ratio(PATH, periods_per_year=1) == pytest.approx(GROWTH / 0.20)
    assert drawdown.pain_ratio(PATH, periods_per_year=1) == pytest.approx(GROWTH / (0.51 / 7))
    assert drawdown.martin_ratio(PATH, periods_per_year=1) == pytest.approx(GROWTH / math.sqrt(0.0901 / 7))
    assert drawdown.sterling_ratio(PATH, periods_per_year=1) == pytest.approx(GROWTH / 0.15)
    assert drawdown.sterling_ratio(PATH, periods_per_year=1, largest=1) == pytest.approx(GROWTH / 0.20)
    assert drawdown.sterling_ratio(PATH, periods_per_year=1, excess=0.10) == pytest.approx(GROWTH / 0.25)
    # Two losing runs, of 10 % and 20 %.
    assert drawdown.burke_ratio(PATH, periods_per_year=1) == pytest.approx(GROWTH / math.sqrt(0.05))
    modified = drawdown.burke_ratio(PATH, periods_per_year=1, modified=True)
    assert modified == pytest.approx(GROWTH / math.sqrt(0.05 / 7))


def test_the_risk_free_rate_is_per_period_and_compounds() -> None:
    yearly = 1.21 ** (12 / 7) - 1
    expected = (yearly - (1.001**12 - 1)) / 0.20
    assert drawdown.calmar_ratio(PATH, periods_per_year=12, risk_free=0.001) == pytest.approx(expected)


def test_returns_added_up() -> None:
    found = drawdown.drawdown(np.array([-0.10, 0.20, -0.15, -0.05]), compound=False)
    assert found.tolist() == pytest.approx([-0.10, 0.0, -0.15, -0.20])
    assert drawdown.max_drawdown([0.10, -0.10, -0.10], compound=False) == pytest.approx(-0.20)
    assert drawdown.max_drawdown([0.10, -0.10, -0.10]) == pytest.approx(-0.19)


def test_a_loss_from_the_first_return_counts_from_the_start() -> None:
    assert drawdown.max_drawdown([-0.10, 0.05]) == pytest.approx(-0.10)
    assert drawdown.longest_drawdown([-0.10, 0.05]) == 2.0  # still lasts


def test_without_a_drawdown_there_is_none_and_no_ratio() -> None:
    rising = [0.01, 0.0, 0.02]
    assert drawdown.max_drawdown(rising) == drawdown.average_drawdown(rising) == 0.0
    assert (
        drawdown.longest_drawdown(rising)
        == drawdown.pain_index(rising)
        == drawdown.ulcer_index(rising)
        == 0.0
    )
    for ratio in (
        drawdown.calmar_ratio,
        drawdown.pain_ratio,
        drawdown.martin_ratio,
        drawdown.burke_ratio,
        drawdown.sterling_ratio,
    ):
        assert math.isnan(ratio(rising, periods_per_year=12))


def test_coming_back_to_the_peak_by_compounding_ends_a_drawdown() -> None:
    # 0.9 x 1.1111... is 1 but for rounding; what is left of it is no drawdown.
    down_and_up = [0.0, -0.1, 1 / 0.9 - 1] * 50 + [0.0]
    first, _, after = drawdown.episodes(drawdown.drawdown(np.array(down_and_up)))
    assert (len(first), (after - first).tolist()) == (50, [1] * 50)


def test_a_missing_return_leaves_wealth_as_it_was() -> None:
    gappy = pd.Series([math.nan, -0.1, math.nan, 0.05])
    assert drawdown.drawdown(gappy).tolist() == pytest.approx([0.0, -0.1, -0.1, -0.055])


def test_a_frame_keeps_its_labels() -> None:
    frame = pd.DataFrame({"a": PATH, "b": [0.01] * 7})
    found = drawdown.drawdown(frame)
    assert found["a"].tolist() == pytest.approx(DOWN)
    assert found["b"].tolist() == [0.0] * 7
    assert drawdown.max_drawdown(frame).to_dict() == {"a": pytest.approx(-0.20), "b": 0.0}
    assert drawdown.drawdown(frame.iloc[:0]).shape == (0, 2)


def test_more_than_all_is_lost() -> None:
    assert np.isnan(drawdown.drawdown(np.array([0.1, -1.5, 0.1]))).all()
    assert drawdown.max_drawdown([0.1, -1.5, 0.1], compound=False) == pytest.approx(-1.5)


def test_largest_must_be_a_count() -> None:
    with pytest.raises(ConfigError, match=r"largest must be a whole number of 1 or more, found 0"):
        drawdown.sterling_ratio(PATH, periods_per_year=1, largest=0)


walks = hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-0.4, 0.4).map(lambda x: round(x, 4)))


@given(walks)
def test_drawdowns_are_between_all_and_nothing_and_worst_where_they_are_worst(
    walk: np.ndarray[Any, Any],
) -> None:
    down = drawdown.drawdown(walk)
    assert ((down <= 0.0) & (down >= -1.0)).all()
    assert drawdown.max_drawdown(walk) == down.min()
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + walk)])
    by_hand = [wealth[k] / wealth[: k + 1].max() - 1.0 for k in range(1, len(wealth))]
    assert down.tolist() == pytest.approx(by_hand, abs=1e-12)
    assert drawdown.pain_index(walk) <= drawdown.ulcer_index(walk) + 1e-15 <= -down.min() + 2e-15


@given(walks)
def test_episodes_cover_every_drawdown_once(walk: np.ndarray[Any, Any]) -> None:
    down = drawdown.drawdown(walk)
    first, deepest, after = drawdown.episodes(down)
    inside = np.zeros(len(down), dtype=int)
    for a, d, b in zip(first, deepest, after, strict=True):
        inside[a:b] += 1
        assert down[d] == down[a:b].min()
    assert (inside == (down < -1e-12)).all()
