"""wb.optimize: every trial is kept, each is the column that a sweep has, and a seed is an answer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import WorkbenchError

CROSS = "strategies/sma_cross.py"
SPACE: dict[str, Any] = {"fast": range(1, 20), "slow": (5, 60)}


def search(prices: wb.Prices, **settings: Any) -> wb.OptimizeResult:
    return wb.optimize(CROSS, prices, SPACE, metric="total_return", trials=40, progress=False, **settings)


def test_every_trial_is_kept_and_is_the_column_of_a_sweep(minutes: wb.Prices) -> None:
    found = search(minutes)
    assert len(found.table) == 40
    assert found.trials <= 40  # those that were run: not what constraints leave out, nor what came twice
    best = found.best(1).iloc[0]
    fast, slow = int(best["fast"]), int(best["slow"])
    swept: Any = wb.sweep(CROSS, minutes, {"fast": [fast], "slow": [slow]}, metrics=["total_return"]).table
    assert float(best["total_return"]) == float(swept["total_return"].iloc[0])
    assert found.column(fast=fast, slow=slow).stats()["total_return"] == pytest.approx(
        float(best["total_return"])
    )


def test_a_seed_is_an_answer(minutes: wb.Prices) -> None:
    pd.testing.assert_frame_equal(search(minutes, seed=3).table, search(minutes, seed=3).table)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": {}}, "space"),
        ({"space": {"fest": (1, 5)}}, "fest"),
        ({"metric": "sharp"}, "no metric 'sharp'"),
        ({"trials": 0}, "trials"),
    ],
)
def test_bad_input_is_one_line(minutes: wb.Prices, change: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"space": SPACE, **change}
    with pytest.raises(WorkbenchError) as caught:
        wb.optimize(CROSS, minutes, arguments.pop("space"), **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
