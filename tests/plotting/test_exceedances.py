"""Returns against the value at risk that was forecast for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.plotting.samples import days, layers, series
from workbench.errors import DataError
from workbench.plotting import var_exceedances

RETURNS = series(0.01, -0.03, 0.02, -0.021, 0.0, -0.02, 0.01, -0.05, 0.01, 0.0)
FORECASTS = pd.DataFrame({"var": 0.02, "cvar": 0.03}, index=RETURNS.index)


def test_a_loss_beyond_its_forecast_is_marked_and_one_that_meets_it_is_not() -> None:
    marked = layers(var_exceedances(RETURNS, FORECASTS, 0.9))["Scatter 3 exceedances"]
    assert marked["return"].tolist() == [-0.03, -0.021, -0.05]
    assert [moment.day for moment in pd.DatetimeIndex(marked["time"])] == [2, 4, 8]
    assert marked["limit"].tolist() == [-0.02] * 3
    assert marked.opts.get().kwargs["marker"] == "diamond"


def test_the_band_the_returns_and_the_shortfall_are_drawn() -> None:
    drawn = layers(var_exceedances(RETURNS, FORECASTS, 0.9))
    assert drawn["Area"]["return"].tolist() == [-0.02] * 10
    assert drawn["Scatter return"]["return"].tolist() == RETURNS.tolist()
    assert drawn["Curve -VaR 0.9"]["return"].tolist() == [-0.02] * 10
    shortfall = drawn["Curve -expected shortfall 0.9"]
    assert shortfall["return"].tolist() == [-0.03] * 10
    assert shortfall.opts.get().kwargs["line_dash"] == "dotted"


def test_the_title_says_what_was_to_be_expected(figure: Callable[[Any], Any]) -> None:
    # Kupiec for 3 of 10 at 90 %: 2 (3 ln 0.3 + 7 ln 0.7 - 3 ln 0.1 - 7 ln 0.9) = 3.0733, p 0.0796.
    # Basel: 3 or fewer of 10 have a chance of 98.7 %, which is beyond 95 %.
    model = figure(var_exceedances(RETURNS, FORECASTS, 0.9))
    assert model.title.text == "VaR 0.9: 3 exceedances of 10, 1.0 expected; Kupiec p 0.0796, Basel yellow"
    assert model.yaxis[0].axis_label == "return"
    assert figure(var_exceedances(RETURNS, FORECASTS, 0.9, title="mine")).title.text == "mine"


def test_money_has_its_unit(figure: Callable[[Any], Any]) -> None:
    model = figure(var_exceedances(RETURNS * 1e6, FORECASTS["var"] * 1e6, 0.9, unit="USD"))
    assert model.yaxis[0].axis_label == "profit and loss (USD)"
    assert model.yaxis[0].formatter.format == "0,0"


def test_only_the_times_of_the_forecasts_are_shown() -> None:
    drawn = layers(var_exceedances(RETURNS, FORECASTS[2:], 0.9))
    assert len(drawn["Scatter return"]) == 8
    assert "Scatter 2 exceedances" in drawn


def test_without_exceedances_none_are_marked(page: Callable[[Any], str]) -> None:
    plot = var_exceedances(RETURNS, FORECASTS["var"] * 10.0)
    assert [name for name in layers(plot) if "exceed" in name] == []
    page(plot)


def test_one_is_an_exceedance() -> None:
    assert "Scatter 1 exceedance" in layers(var_exceedances(RETURNS, FORECASTS["var"] * 2.0))


def test_very_many_returns_are_a_line_and_no_exceedance_is_lost(page: Callable[[Any], str]) -> None:
    values = np.full(30_000, 0.001)
    values[::100] = -0.05
    index = pd.date_range("2024-01-01", periods=len(values), freq="1min", tz="UTC")
    plot = var_exceedances(pd.Series(values, index=index), pd.Series(0.02, index=index))
    drawn = layers(plot)
    assert "Curve return" in drawn
    assert len(drawn["Scatter 300 exceedances"]) == 300
    page(plot)


def test_bad_forecasts_are_refused() -> None:
    with pytest.raises(DataError, match="forecasts: expected losses as positive numbers"):
        var_exceedances(RETURNS, -FORECASTS["var"])
    with pytest.raises(DataError, match="returns: expected one for each forecast"):
        var_exceedances(RETURNS, pd.Series(0.02, index=days(10, "2025-01-01")))
