"""Drawdowns one by one, worked by hand and on the S&P 500."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError
from workbench.performance import drawdown as figures
from workbench.performance.tables import drawdown_table
from workbench.risk.drawdown import conditional_drawdown, time_under_water, underwater


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def series(values: list[float], start: str = "2024-01-01") -> pd.Series[float]:
    return pd.Series(
        values, index=pd.date_range(start, periods=len(values), freq="1D", tz="UTC"), dtype=float
    )


def naive_drawdowns(equity: list[float], start: float) -> list[tuple[int, int, int | None]]:
    """Peak, valley and recovery of each drawdown, by walking; places count from 0, the beginning."""
    curve = [start, *equity]
    found: list[tuple[int, int, int | None]] = []
    peak = valley = 0
    under = False
    for i, value in enumerate(curve):
        if value >= curve[peak] * (1.0 - 1e-12):
            if under:
                found.append((peak, valley, i))
            peak, under = i, False
        elif not under or value < curve[valley]:
            valley, under = i, True
    if under:
        found.append((peak, valley, None))
    return found


CURVE = [100.0, 110.0, 99.0, 104.5, 110.0, 121.0, 115.0, 118.0, 108.9]
"""A fall of 10 % from day 2 to day 3, over on day 5; one of 10 % from day 6, which is not over on day 9."""


def test_each_drawdown_has_its_peak_valley_and_recovery() -> None:
    table = drawdown_table(equity=series(CURVE))
    first = table.loc[1]
    assert (first["start"], first["valley"], first["recovery"]) == (
        day("2024-01-02"),
        day("2024-01-03"),
        day("2024-01-05"),
    )
    assert first["depth"] == pytest.approx(-0.1)
    assert (first["to_valley"].days, first["to_recovery"].days, first["length"].days) == (1, 2, 3)
    assert (first["peak"], first["lowest"]) == (110.0, 99.0)


def test_one_that_is_not_over_has_no_recovery_and_lasts_until_the_end() -> None:
    last = drawdown_table(equity=series(CURVE)).loc[2]
    assert (last["start"], last["valley"]) == (day("2024-01-06"), day("2024-01-09"))
    assert last["recovery"] is pd.NaT
    assert last["to_recovery"] is pd.NaT
    assert (last["to_valley"].days, last["length"].days) == (3, 3)


def test_lengths_are_calendar_time_over_a_weekend() -> None:
    friday_to_tuesday = pd.DatetimeIndex(["2024-01-05", "2024-01-08", "2024-01-09"], tz="UTC")
    table = drawdown_table(equity=pd.Series([100.0, 90.0, 100.0], index=friday_to_tuesday))
    assert table.loc[1, "to_valley"] == pd.Timedelta(days=3)
    assert table.loc[1, "length"] == pd.Timedelta(days=4)


def test_the_deepest_come_first_or_the_longest() -> None:
    curve = series([100.0, 80.0, 100.0, 95.0, 96.0, 97.0, 100.0])
    assert drawdown_table(equity=curve)["depth"].tolist() == pytest.approx([-0.2, -0.05])
    assert drawdown_table(equity=curve, by="length")["depth"].tolist() == pytest.approx([-0.05, -0.2])
    assert drawdown_table(None, 1, equity=curve)["depth"].tolist() == pytest.approx([-0.2])


def test_a_fall_from_the_initial_capital_begins_with_it() -> None:
    equity = series([95.0, 90.0, 101.0], "2024-01-02")
    table = drawdown_table(equity=equity, initial=100.0, begin=day("2024-01-01"))
    assert table.loc[1, "start"] == day("2024-01-01")
    assert table.loc[1, "depth"] == pytest.approx(-0.1)
    assert table.loc[1, "length"] == pd.Timedelta(days=3)


def test_returns_give_the_table_of_the_curve_that_they_make() -> None:
    curve = series(CURVE)
    expected, found = drawdown_table(equity=curve), drawdown_table(returns=curve.pct_change())
    columns = ["start", "valley", "recovery", "to_valley", "to_recovery", "length"]
    pd.testing.assert_frame_equal(found[columns], expected[columns])
    np.testing.assert_allclose(found["depth"], expected["depth"], rtol=1e-12)
    # The NaN that pct_change leaves marks the first close: a fall on the first day begins there.
    fall = drawdown_table(returns=series([100.0, 90.0]).pct_change())
    assert fall.loc[1, "start"] == day("2024-01-01")


def test_returns_that_lead_back_to_the_peak_lead_out_of_the_drawdown() -> None:
    returns = series([0.1, -0.1, 1.0 / 0.9 - 1.0, -0.3, 1.0 / 0.7 - 1.0])
    assert drawdown_table(returns=returns)["recovery"].notna().all()


def test_a_curve_that_never_falls_has_an_empty_table_with_its_columns() -> None:
    table = drawdown_table(equity=series([1.0, 1.0, 2.0]))
    assert len(table) == 0
    assert isinstance(table["recovery"].dtype, pd.DatetimeTZDtype)
    assert list(table.columns)[:4] == ["start", "valley", "recovery", "depth"]
    assert underwater(series([1.0, 1.0, 2.0])).tolist() == [0.0, 0.0, 0.0]


def test_the_two_bear_markets_of_the_sp500_come_out() -> None:
    """Closes of S&P Dow Jones Indices: 1527.46 and 776.76 (2000-2002), 1565.15 and 676.53 (2007-2009)."""
    table = drawdown_table(equity=wb.load("sp500").closes()["SPX@US"], top=2)
    credit, dotcom = table.loc[1], table.loc[2]
    assert (credit["start"], credit["valley"]) == (day("2007-10-09"), day("2009-03-09"))
    assert credit["recovery"] == day("2013-03-28")
    assert round(credit["depth"], 4) == round(676.53 / 1565.15 - 1.0, 4) == -0.5678
    assert (dotcom["start"], dotcom["valley"]) == (day("2000-03-24"), day("2002-10-09"))
    assert dotcom["recovery"] == day("2007-05-30")
    assert round(dotcom["depth"], 4) == round(776.76 / 1527.46 - 1.0, 4) == -0.4915


def test_conditional_drawdown_is_the_mean_of_the_worst() -> None:
    curve = series([100.0, 90.0, 80.0, 95.0, 100.0])
    assert underwater(curve).tolist() == pytest.approx([0.0, -0.1, -0.2, -0.05, 0.0])
    assert conditional_drawdown(curve, level=0.8) == pytest.approx(-0.2)  # the worst one of five
    assert conditional_drawdown(curve, level=0.6) == pytest.approx(-0.15)  # the worst two
    assert conditional_drawdown(curve, level=0.7) == pytest.approx((-0.2 - 0.5 * 0.1) / 1.5)  # one and a half
    assert conditional_drawdown(curve, level=0.0) == pytest.approx(-0.35 / 5)  # the mean of all
    assert conditional_drawdown(curve, level=0.999) == pytest.approx(-0.2)  # the maximum
    assert time_under_water(curve) == pytest.approx(0.6)


positive = st.lists(st.floats(1.0, 1_000.0), min_size=1, max_size=40)


@given(positive, st.floats(1.0, 1_000.0))
def test_the_table_is_what_walking_along_the_curve_finds(values: list[float], initial: float) -> None:
    equity = series(values)
    begin = equity.index[0] - pd.Timedelta(days=1)
    table = drawdown_table(None, None, equity=equity, initial=initial, begin=begin)
    times = [begin, *equity.index]
    expected = {
        (times[peak], times[valley], pd.NaT if recovery is None else times[recovery])
        for peak, valley, recovery in naive_drawdowns(values, initial)
    }
    found = set(zip(table["start"], table["valley"], table["recovery"], strict=True))
    assert {tuple(map(str, row)) for row in found} == {tuple(map(str, row)) for row in expected}


@given(positive)
def test_the_deepest_is_the_maximum_drawdown_and_no_two_overlap(values: list[float]) -> None:
    equity = series(values)
    table = drawdown_table(None, None, equity=equity)
    worst = float(table["depth"].iloc[0]) if len(table) else 0.0
    assert worst == pytest.approx(float(underwater(equity).min()), abs=1e-15)
    assert worst == pytest.approx(figures.max_drawdown(equity.pct_change().fillna(0.0)), abs=1e-9)
    ordered = table.sort_values("start")
    ends = ordered["recovery"].fillna(equity.index[-1]).tolist()
    starts = ordered["start"].tolist()
    assert all(end <= start for end, start in zip(ends[:-1], starts[1:], strict=True))


@given(positive, st.floats(0.0, 0.99))
def test_conditional_drawdown_lies_between_the_mean_and_the_maximum(
    values: list[float], level: float
) -> None:
    equity = series(values)
    depths = underwater(equity)
    assert depths.min() - 1e-12 <= conditional_drawdown(equity, level=level) <= depths.mean() + 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected either equity or returns=, found both or neither"),
        ({"equity": series([])}, "equity: expected at least one row, found none"),
        ({"equity": series([1.0, np.nan])}, "equity: expected finite figures, found nan at 2024-01-02"),
        ({"equity": series([0.0, 1.0])}, "a drawdown needs a value above 0 to begin from, found 0"),
        ({"equity": series([1.0, 2.0])[::-1]}, "expected times that rise, found 2024-01-01 00:00:00"),
        ({"equity": pd.Series([1.0, 2.0])}, "equity: expected times as the index, found RangeIndex"),
        ({"returns": series([0.1, -1.5])}, r"returns: expected -1 \(all is lost\) or more, found -1.5 at"),
        (
            {"returns": series([np.nan, 0.1, np.nan])},
            "returns: expected finite figures, found nan at 2024-01-03",
        ),
    ],
)
def test_a_curve_that_makes_no_sense_is_one_clear_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        underwater(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected either returns or equity=, found both or neither"),
        ({"equity": series([])}, "equity: expected finite figures, found none at all"),
        ({"equity": series([1.0, np.nan])}, "equity: expected finite figures, found nan at 2024-01-02"),
        ({"equity": series([0.0, 1.0])}, "a drawdown needs a value above 0 to begin from, found 0"),
        ({"equity": series([1.0, 2.0])[::-1]}, "expected times that rise, found 2024-01-01 00:00:00"),
        ({"returns": series([0.1, -1.5])}, r"returns: expected -1 \(all is lost\) or more, found -1.5 at"),
        ({"equity": series([1.0]), "begin": day("2024-02-01")}, "begin: expected 2024-01-01 .* or before"),
        (
            {"equity": series([1.0]), "begin": pd.Timestamp("2023-01-01")},
            "begin: expected a time like the labels",
        ),
    ],
)
def test_a_table_of_what_makes_no_sense_is_one_clear_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        drawdown_table(**arguments)


def test_settings_that_make_no_sense_are_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="top must be a whole number of 1 or more"):
        drawdown_table(top=0, equity=series(CURVE))
    for top in ("x", 1.5):
        with pytest.raises(ConfigError, match="top must be a whole number of 1 or more"):
            drawdown_table(top=top, equity=series(CURVE))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="initial must be a finite number"):
        drawdown_table(equity=series(CURVE), initial="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="by must be 'depth' or 'length'"):
        drawdown_table(equity=series(CURVE), by="width")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="level must lie between 0 and 1"):
        conditional_drawdown(series(CURVE), level=1.0)
