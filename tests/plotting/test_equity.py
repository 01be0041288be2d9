"""Equity above drawdown: the numbers that are drawn, and what is marked on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.plotting.samples import days, fills, layers, series
from workbench.errors import DataError
from workbench.plotting import equity_drawdown
from workbench.plotting.marks import MOST_FILLS

EQUITY = series(100.0, 120.0, 90.0, 108.0)
CRASH = ("2024-01-02", "2024-01-04", "crash, intensity 3")


def test_drawdown_comes_from_equity_whose_first_value_is_the_first_high() -> None:
    upper, lower = equity_drawdown(EQUITY)
    assert layers(upper)["Curve"]["equity"].tolist() == [100.0, 120.0, 90.0, 108.0]
    assert layers(lower)["Area"]["drawdown"].tolist() == pytest.approx([0.0, 0.0, -0.25, -0.1])


def test_a_value_that_is_missing_is_no_high_and_ends_no_drawdown() -> None:
    """As `pct_change` and a late start leave them."""
    _, lower = equity_drawdown(series(np.nan, 100.0, 90.0, np.nan, 95.0))
    found = np.asarray(layers(lower)["Area"]["drawdown"], dtype=float)
    np.testing.assert_allclose(found, [np.nan, 0.0, -0.1, np.nan, -0.05])


def test_a_drawdown_that_is_given_is_drawn_and_must_not_be_above_zero() -> None:
    _, lower = equity_drawdown(EQUITY, series(-0.5, 0.0, -0.25, -0.1))
    assert layers(lower)["Area"]["drawdown"].tolist() == [-0.5, 0.0, -0.25, -0.1]
    with pytest.raises(DataError, match="drawdown: expected fractions <= 0"):
        equity_drawdown(EQUITY, series(0.0, 0.0, 0.25, 0.1))


def test_windows_and_stops_are_in_both_plots_and_named() -> None:
    upper, lower = equity_drawdown(EQUITY, windows=[CRASH], stops=[("2024-01-03", "portfolio: drawdown")])
    for plot in (upper, lower):
        spans, lines = layers(plot)["VSpans chaos window"], layers(plot)["VLines stopped"]
        assert spans["time"].tolist() == [pd.Timestamp("2024-01-02")]
        assert spans["until"].tolist() == [pd.Timestamp("2024-01-04")]
        assert spans["chaos"].tolist() == ["crash, intensity 3"]
        assert lines["time"].tolist() == [pd.Timestamp("2024-01-03")]
        assert lines["stopped"].tolist() == ["portfolio: drawdown"]


def test_windows_may_be_a_frame() -> None:
    frame = pd.DataFrame({"start": days(1, "2024-01-02"), "end": days(1, "2024-01-03"), "target": ["X"]})
    upper, _ = equity_drawdown(EQUITY, windows=frame)
    assert layers(upper)["VSpans chaos window"]["until"].tolist() == [pd.Timestamp("2024-01-03")]


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([("2024-01-04", "2024-01-02", "x")], "windows: expected each window to end after its start"),
        ([("2024-01-02", "2024-01-04")], "windows: expected rows of start, end, label"),
        ([("then", "2024-01-04", "x")], "windows: expected times such as '2008-09-15', found something else"),
        (pd.DataFrame({"start": []}), "windows: expected the columns start, end, label, found no end"),
    ],
)
def test_what_are_no_windows_is_refused(windows: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        equity_drawdown(EQUITY, windows=windows)


def test_a_fill_stands_on_the_last_equity_before_it_and_shape_says_its_side() -> None:
    made = fills(("2024-01-02", "buy", 10.0, 50.0), ("2024-01-03 12:00", "sell", -10.0, 45.0))
    upper, _ = equity_drawdown(EQUITY, fills=made)
    bought, sold = layers(upper)["Scatter buy fills"], layers(upper)["Scatter sell fills"]
    assert (bought["equity"].tolist(), sold["equity"].tolist()) == ([120.0], [90.0])
    assert (bought["price"].tolist(), sold["quantity"].tolist()) == ([50.0], [-10.0])
    markers = [one.opts.get().kwargs["marker"] for one in (bought, sold)]
    assert markers == ["triangle", "inverted_triangle"]


def test_of_too_many_fills_none_are_marked() -> None:
    many = fills(*[("2024-01-02", "buy", 1.0, 50.0)] * (MOST_FILLS + 1))
    upper, _ = equity_drawdown(EQUITY, fills=many)
    assert list(layers(upper)) == ["Curve"]
    upper, _ = equity_drawdown(EQUITY, fills=many[1:])
    assert list(layers(upper)) == ["Curve", "Scatter buy fills"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": "long"}, "expected the side to be buy or sell, found 'long'"),
        ({"quantity": 0.0}, "expected quantities as units other than 0"),
        ({"quantity": float("nan")}, "expected quantities as units other than 0"),
    ],
)
def test_what_are_no_fills_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=f"^fills: {words}"):
        equity_drawdown(EQUITY, fills=fills(("2024-01-02", "buy", 1.0, 50.0)).assign(**change))
    with pytest.raises(DataError, match="found no side, price"):
        equity_drawdown(EQUITY, fills=pd.DataFrame({"timestamp": days(1), "quantity": [1.0]}))


def test_a_benchmark_is_worth_as_much_where_it_begins() -> None:
    index = pd.Series([7.0, 10.0, 11.0, 12.0], index=days(4, "2023-12-31"))
    upper, _ = equity_drawdown(EQUITY, benchmark=index)
    drawn = layers(upper)
    assert drawn["Curve benchmark"]["equity"].tolist() == pytest.approx([100.0, 110.0, 120.0])
    assert drawn["Curve equity"]["equity"].tolist() == [100.0, 120.0, 90.0, 108.0]
    dashes = [drawn[f"Curve {name}"].opts.get().kwargs.get("line_dash") for name in ("benchmark", "equity")]
    assert dashes == ["dashed", None]
    with pytest.raises(DataError, match="benchmark: expected times that the equity has"):
        equity_drawdown(EQUITY, benchmark=index.shift(100, freq="D"))


def test_axes_say_their_units_and_move_together(figure: Callable[[Any], Any]) -> None:
    model = figure(equity_drawdown(EQUITY, windows=[CRASH], unit="USD", title="a run"))
    upper, lower = (one for one, *_ in model.children)
    assert (upper.title.text, lower.title.text) == ("a run", "")
    assert (upper.yaxis[0].axis_label, lower.yaxis[0].axis_label) == ("equity (USD)", "drawdown")
    assert lower.xaxis[0].axis_label == "time (UTC)"
    assert upper.x_range is lower.x_range
    assert (upper.height, lower.height) == (320, 160)


def test_windows_are_hatched_so_that_colour_is_not_all_there_is(figure: Callable[[Any], Any]) -> None:
    model = figure(equity_drawdown(EQUITY, windows=[CRASH]))
    upper = model.children[0][0]
    glyph = next(one.glyph for one in upper.renderers if type(one.glyph).__name__ == "VStrip")
    assert (glyph.hatch_pattern, glyph.hatch_alpha) == ("right_diagonal_line", 0.45)


def test_a_long_curve_is_thinned_and_keeps_its_extremes(page: Callable[[Any], str]) -> None:
    values = 1_000.0 + np.sin(np.arange(300_000) / 7.0)
    values[[123_456, 234_567]] = (2_000.0, 500.0)
    index = pd.date_range("2024-01-01", periods=len(values), freq="1min", tz="UTC")
    plot = equity_drawdown(pd.Series(values, index=index))
    drawn = layers(next(iter(plot)))["Curve"]["equity"]
    assert len(drawn) <= 4_002
    assert (drawn.max(), drawn.min()) == (2_000.0, 500.0)
    assert len(page(plot)) < 2_600_000  # of which bokeh's own script is more than half
