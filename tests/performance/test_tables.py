"""Tables by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.performance.bacon import MONTHS, PORTFOLIO
from workbench.errors import ConfigError, DataError
from workbench.performance.drawdown import max_drawdown
from workbench.performance.tables import drawdown_table, monthly_returns

DAYS = pd.date_range("2024-01-01", periods=8, tz="UTC")
# Wealth 1.00, 0.90, 0.99, 1.10, 0.88, 0.88, 1.21, 1.20.
PATH = pd.Series([0.0, -0.10, 0.10, 1.10 / 0.99 - 1, -0.20, 0.0, 1.21 / 0.88 - 1, 1.20 / 1.21 - 1], DAYS)


def test_drawdowns_deepest_first() -> None:
    table = drawdown_table(PATH)
    assert table.index.tolist() == [1, 2, 3]
    assert table["depth"].tolist() == pytest.approx([-0.20, -0.10, 1.20 / 1.21 - 1])
    assert table["start"].tolist() == [DAYS[3], DAYS[0], DAYS[6]]
    assert table["valley"].tolist() == [DAYS[4], DAYS[1], DAYS[7]]
    assert table["recovery"].tolist()[:2] == [DAYS[6], DAYS[3]]
    assert table["recovery"].isna().tolist() == [False, False, True]
    assert table["periods"].tolist() == [3, 3, 1]
    assert table["periods_down"].tolist() == [1, 1, 1]
    assert table["periods_up"].tolist()[:2] == [2.0, 2.0]
    assert math.isnan(table["periods_up"].iloc[2])


def test_only_the_deepest() -> None:
    assert drawdown_table(PATH, 1)["depth"].tolist() == pytest.approx([-0.20])
    assert len(drawdown_table(PATH, None)) == 3


def test_returns_and_the_curve_that_they_make_have_one_table() -> None:
    curve = (1.0 + PATH).cumprod()
    found, expected = drawdown_table(equity=curve), drawdown_table(PATH)
    assert list(found.columns) == list(expected.columns)
    pd.testing.assert_frame_equal(found, expected)
    assert expected.loc[1, "length"] == pd.Timedelta(days=3)
    assert "length" not in drawdown_table(PATH.reset_index(drop=True))
    assert drawdown_table(PATH.reset_index(drop=True), by="length")["periods"].tolist() == [3, 3, 1]


def test_without_times_labels_are_rows() -> None:
    table = drawdown_table(PATH.reset_index(drop=True))
    assert table["start"].tolist() == [3, 0, 6]
    assert table["recovery"].tolist()[:2] == [6, 3]


def test_a_drawdown_from_the_first_return_starts_at_its_label() -> None:
    table = drawdown_table(pd.Series([-0.1, 0.2], DAYS[:2]))
    assert (table.loc[1, "start"], table.loc[1, "periods"]) == (DAYS[0], 2)


def test_no_drawdown_no_row() -> None:
    table = drawdown_table(pd.Series([0.01, 0.02], DAYS[:2]))
    assert (len(table), list(table.columns)[:2]) == (0, ["start", "valley"])


def test_bacon_s_worst_drawdown_of_2001() -> None:
    table = drawdown_table(pd.Series(PORTFOLIO, MONTHS))
    assert table.loc[1, "start"] == pd.Timestamp("2001-01-31")
    assert table.loc[1, "valley"] == pd.Timestamp("2001-06-30")
    assert table["recovery"].isna().tolist()[0]
    assert table.loc[1, "depth"] == max_drawdown(PORTFOLIO)


def test_months_compound() -> None:
    index = pd.DatetimeIndex(["2023-12-29", "2024-01-02", "2024-01-31", "2024-03-01"])
    table = monthly_returns(pd.Series([0.5, 0.10, -0.10, math.nan], index))
    assert list(table.columns) == [
        *("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        "year",
    ]
    assert table.index.tolist() == [2023, 2024]
    assert table.loc[2023, "Dec"] == pytest.approx(0.5)
    assert table.loc[2024, "Jan"] == pytest.approx(-0.01)
    assert table.loc[2024, "year"] == pytest.approx(-0.01)
    assert table.loc[2024].isna().sum() == 11


def test_the_month_is_that_of_the_zone() -> None:
    index = pd.DatetimeIndex(["2024-02-01 03:00"], tz="UTC").tz_convert("America/New_York")
    assert monthly_returns(pd.Series([0.01], index)).loc[2024, "Jan"] == pytest.approx(0.01)


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigError, match=r"top must be a whole number of 1 or more, found 0"):
        drawdown_table(PATH, 0)
    with pytest.raises(DataError, match=r"expected one column of returns, found 2"):
        drawdown_table(np.ones((3, 2)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"months need times as the index, found RangeIndex"):
        monthly_returns(pd.Series([0.1]))
    with pytest.raises(DataError, match=r"expected a Series of returns, found list"):
        monthly_returns([0.1])  # type: ignore[arg-type]
