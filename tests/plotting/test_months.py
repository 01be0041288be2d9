"""Returns by month and year as colours and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.plotting.samples import series
from workbench.errors import ConfigError, DataError
from workbench.plotting import monthly_returns
from workbench.plotting.style import DIVERGING

# January 2023: 1.10 x 0.90 = -1 %; March 2023: +5 %; whole year 0.99 x 1.05 = +3.95 %; February 2024: -20 %.
RETURNS = pd.Series(
    [0.10, -0.10, 0.05, -0.20],
    index=pd.DatetimeIndex(["2023-01-03", "2023-01-31", "2023-03-10", "2024-02-01"], tz="UTC"),
)


def parts(plot: Any) -> tuple[Any, Any, Any, Any]:
    months, month_texts, years, year_texts = list(plot)
    return months, month_texts, years, year_texts


def test_months_and_years_are_compounded() -> None:
    months, _, years, _ = parts(monthly_returns(RETURNS))
    table = months.dimension_values("return", flat=False)  # the lowest row first
    assert table.shape == (2, 12)
    assert table[1, [0, 2]].tolist() == pytest.approx([-0.01, 0.05])
    assert table[0, 1] == pytest.approx(-0.20)
    assert np.isnan(table).sum() == 24 - 3
    assert years.dimension_values("return", flat=False)[:, 0].tolist() == pytest.approx([-0.20, 0.0395])


def test_every_known_cell_has_its_number_in_percent() -> None:
    _, month_texts, _, year_texts = parts(monthly_returns(RETURNS))
    assert sorted(zip(month_texts["month"], month_texts["year"], month_texts["text"], strict=True)) == [
        (0.0, 1.0, "-1.0"),
        (1.0, 0.0, "-20.0"),
        (2.0, 1.0, "+5.0"),
    ]
    assert year_texts["text"].tolist() == ["-20.0", "+4.0"]
    assert {12.0 < place < 13.5 for place in year_texts["month"].tolist()} == {True}  # beside December


def test_a_month_without_a_change_is_no_loss() -> None:
    _, texts, _, _ = parts(monthly_returns(series(-0.0001, 0.0)))
    assert texts["text"].tolist() == ["0.0"]


def test_colours_are_centred_on_zero_and_numbers_can_be_read(figure: Callable[[Any], Any]) -> None:
    plot = monthly_returns(RETURNS)
    months, texts, _, _ = parts(plot)
    low, high = months.opts.get().kwargs["clim"]
    assert low == -high
    assert high == pytest.approx(np.quantile([0.01, 0.05, 0.20], 0.95))
    inks = dict(zip(texts["text"].tolist(), texts["ink"].tolist(), strict=True))
    assert inks == {"-1.0": "#14181d", "+5.0": "#14181d", "-20.0": "#ffffff"}
    model = figure(plot)
    mappers = [one.glyph.color_mapper for one in model.renderers if hasattr(one.glyph, "color_mapper")]
    assert [list(one.palette) for one in mappers] == [list(DIVERGING)] * 2
    assert {(one.low, one.high) for one in mappers} == {(low, high)}


def test_axes_name_months_and_years_the_first_year_on_top(figure: Callable[[Any], Any]) -> None:
    model = figure(monthly_returns(RETURNS))
    across = dict(model.xaxis[0].major_label_overrides)
    assert list(across.values())[:3] == ["Jan", "Feb", "Mar"]
    assert list(across.values())[-1] == "year"
    assert list(dict(model.yaxis[0].major_label_overrides).values()) == ["2024", "2023"]  # from below
    assert model.height == 26 * 2 + 84


def test_the_pointer_shows_month_year_and_return(figure: Callable[[Any], Any]) -> None:
    from bokeh.models import HoverTool

    tools: list[Any] = [one for one in figure(monthly_returns(RETURNS)).tools if isinstance(one, HoverTool)]
    assert len(tools) == 2
    assert [[name for name, _ in tool.tooltips] for tool in tools] == [
        ["month", "year", "return"],
        ["year", "whole year"],
    ]
    assert tools[0].formatters["$x"].args["labels"][:2] == ["Jan", "Feb"]
    assert [tool.formatters["$y"].args["labels"] for tool in tools] == [["2024", "2023"]] * 2


def test_bad_returns_are_refused() -> None:
    with pytest.raises(DataError, match="returns: expected at least one, found none"):
        monthly_returns(series())
    with pytest.raises(ConfigError, match="months need times as the index"):
        monthly_returns(pd.Series([0.1]))
