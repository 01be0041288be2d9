"""How figures are written, and which of them have a sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plotting.units import figures_of, short, unit_of

POSITIVE = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.012"),
        (0.5, "0.50"),
        (-1.234, "-1.23"),
        (45.67, "45.7"),
        (789.4, "789"),
        (-9_999.0, "-9999"),
        (12_345.0, "12k"),
        (4_560_000.0, "4.6M"),
        (-2e9, "-2.0B"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
    ],
)
def test_a_figure_in_few_letters(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("metric", "label", "text"),
    [
        ("sharpe_ratio", "sharpe_ratio (annualised)", "1"),
        ("total_return", "total_return (%)", "100.0%"),
        ("fees", "fees (quote currency)", "1"),
        ("damage_usd", "damage_usd (USD)", "1"),
        ("recovery_seconds", "recovery_seconds (s)", "1"),
        ("trades", "trades", "1"),
    ],
)
def test_a_metric_has_its_unit(metric: str, label: str, text: str) -> None:
    unit = unit_of(metric, POSITIVE)
    assert (unit.label(metric), unit.text(1.0), unit.text(float("nan"))) == (label, text, "")


@pytest.mark.parametrize(
    ("metric", "values", "sign"),
    [
        ("sharpe_ratio", POSITIVE, "gain"),  # its sign means something, whatever the sweep found
        ("total_pnl", POSITIVE, "gain"),
        ("max_drawdown", -POSITIVE, None),
        ("fees", POSITIVE, None),
        ("my_own", POSITIVE, None),
        ("my_own", np.array([-1.0, np.nan, 2.0]), "gain"),
        ("damage_usd", POSITIVE, None),
        ("damage_usd", np.array([-1.0, 2.0]), "loss"),
        ("fees", np.array([np.nan, np.inf]), None),
    ],
)
def test_what_has_a_sign(metric: str, values: Any, sign: str | None) -> None:
    assert unit_of(metric, values).sign == sign


def test_nothing_is_no_loss() -> None:
    assert unit_of("total_return", POSITIVE).text(-0.0001) == "0.0%"
    assert unit_of("total_return", POSITIVE).text(-0.1) == "-10.0%"
    assert unit_of("total_return", POSITIVE).text(float("inf")) == "inf"


def test_spans_of_time_become_days_and_yes_and_no_become_one_and_zero() -> None:
    spans = pd.DataFrame({"a": pd.to_timedelta(["36h", None])})
    values, unit = figures_of(spans, "longest_drawdown")
    np.testing.assert_array_equal(values, [[1.5], [np.nan]])
    assert unit == "days"
    values, unit = figures_of(pd.DataFrame({"a": [True, False]}), "survived")
    assert (values.tolist(), unit) == ([[1.0], [0.0]], "")
    values, _ = figures_of(pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), "trades")
    np.testing.assert_array_equal(values, [[1.0], [np.nan]])


@pytest.mark.parametrize(
    "cells", [["x", "y"], pd.to_datetime(["2024-01-01"] * 2), pd.to_datetime(["2024-01-01"] * 2, utc=True)]
)
def test_what_are_no_figures_is_refused(cells: Any) -> None:
    with pytest.raises(DataError, match="fees: expected figures in every cell"):
        figures_of(pd.DataFrame({"a": cells}), "fees")
