"""Sweeps and campaigns as planes of colours and as surfaces."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plotting.samples import layers
from workbench.errors import ConfigError, DataError
from workbench.plotting import heatmap, surface, survival_surface
from workbench.plotting.bins import binned
from workbench.plotting.grid import axis_of
from workbench.plotting.style import DIVERGING, sequential


def pivot(rows: list[list[float]], down: list[Any], across: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=pd.Index(down, name="slow"), columns=pd.Index(across, name="fast"))


PLANE = pivot([[1.0, -2.0, 0.5], [np.nan, 0.25, 3.0]], [50, 100], [5, 10, 15])


def cells(plot: Any, metric: str) -> Any:
    """Figures, the lowest row first."""
    return layers(plot)["Image"].dimension_values(metric, flat=False)


def hover(model: Any) -> Any:
    from bokeh.models import HoverTool

    (tool,) = [one for one in model.tools if isinstance(one, HoverTool)]
    return tool


# -- heat maps ----------------------------------------------------------------------------------------------------


def test_columns_go_across_and_numbers_go_up() -> None:
    plot = heatmap(PLANE, "sharpe_ratio")
    np.testing.assert_array_equal(cells(plot, "sharpe_ratio"), [[1.0, -2.0, 0.5], [np.nan, 0.25, 3.0]])
    found = layers(plot)["Image"]
    assert [one.name for one in found.kdims] == ["fast", "slow"]
    assert found.bounds.lbrt() == (2.5, 25.0, 17.5, 125.0)


def test_numbers_are_put_in_order_and_words_stay_in_theirs() -> None:
    mixed = pivot([[1.0, 2.0], [3.0, 4.0]], ["second", "first"], [20, 10])
    found = layers(heatmap(mixed, "fees"))["Image"]
    assert found.dimension_values("fees", flat=False)[::-1].tolist() == [
        [2.0, 1.0],
        [4.0, 3.0],
    ]  # the top row first
    assert found.opts.get().kwargs["yticks"] == [(0.0, "first"), (1.0, "second")]
    assert [text for _, text in found.opts.get().kwargs["xticks"]] == ["10", "20"]


def test_numbers_that_are_not_even_stand_in_a_row_under_their_own_name(figure: Callable[[Any], Any]) -> None:
    uneven = pivot([[1.0, 2.0, 3.0]], [50], [1, 10, 100])
    plot = heatmap(uneven, "fees")
    assert layers(plot)["Image"].bounds.lbrt() == (-0.5, -0.5, 2.5, 0.5)
    model = figure(plot)
    assert list(model.xaxis[0].major_label_overrides.values()) == ["1", "10", "100"]


def test_the_pointer_shows_both_parameters_and_the_figure(figure: Callable[[Any], Any]) -> None:
    tool = hover(figure(heatmap(PLANE, "sharpe_ratio")))
    assert tool.tooltips == [
        ("fast", "$x{custom}"),
        ("slow", "$y{custom}"),
        ("sharpe_ratio", "@image{0,0.[0000]}"),
    ]
    assert tool.formatters["$x"].args == {"axis": "x", "labels": ["5", "10", "15"], "low": 2.5, "step": 5.0}
    assert tool.formatters["$y"].args == {"axis": "y", "labels": ["50", "100"], "low": 25.0, "step": 50.0}


@given(st.integers(2, 300), st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_the_pointer_in_the_middle_of_a_cell_finds_its_name(count: int, step: float, first: float) -> None:
    numbers = first + step * np.arange(count)
    if len(np.unique(numbers)) < count:
        return  # steps that are lost in rounding
    places, axis = axis_of(pd.Index(numbers), "x")
    assert len(axis.labels) == len(axis.centres) == count
    found = np.floor((axis.centres - axis.low) / axis.step).astype(int)  # as the page's script has it
    assert found.tolist() == list(range(count))
    assert places.tolist() == list(range(count))


def test_a_figure_with_a_sign_is_red_below_and_blue_above_zero() -> None:
    options = layers(heatmap(PLANE, "sharpe_ratio"))["Image"].opts.get().kwargs
    assert options["clim"] == (-3.0, 3.0)
    assert options["cmap"] == list(DIVERGING)
    positive = layers(heatmap(PLANE.abs(), "total_return"))["Image"].opts.get().kwargs
    assert (positive["clim"], positive["cmap"]) == ((-3.0, 3.0), list(DIVERGING))


def test_a_damage_above_zero_is_red() -> None:
    options = layers(heatmap(PLANE, "damage_usd"))["Image"].opts.get().kwargs
    assert options["cmap"] == list(DIVERGING[::-1])


def test_a_figure_without_a_sign_goes_from_dark_to_bright(figure: Callable[[Any], Any]) -> None:
    plot = heatmap(PLANE.abs(), "fees")
    options = layers(plot)["Image"].opts.get().kwargs
    assert (options["clim"], options["cmap"]) == ((0.25, 3.0), list(sequential()))
    (bar,) = [one for one in figure(plot).right if type(one).__name__ == "ColorBar"]
    assert bar.title == "fees (quote currency)"


def test_colours_end_where_they_are_told_to() -> None:
    options = layers(heatmap(PLANE.abs(), "fees", limits=(0.0, 2.0)))["Image"].opts.get().kwargs
    assert options["clim"] == (0.0, 2.0)
    options = layers(heatmap(PLANE, "sharpe_ratio", limits=(-1.0, 2.0)))["Image"].opts.get().kwargs
    assert options["clim"] == (-2.0, 2.0)  # 0 stays in the middle
    for limits in ((2.0, 2.0), (0.0, float("inf"))):
        with pytest.raises(ConfigError, match="limits must be two finite numbers that rise"):
            heatmap(PLANE, "fees", limits=limits)


def test_a_few_outliers_do_not_leave_all_else_one_colour() -> None:
    usual = np.linspace(1.0, 2.0, 200)
    usual[7] = 70.0
    table = pivot(usual.reshape(10, 20).tolist(), list(range(10)), list(range(20)))
    low, high = layers(heatmap(table, "profit_factor"))["Image"].opts.get().kwargs["clim"]
    assert (low, high) == pytest.approx(np.quantile(usual, [0.01, 0.99]))
    assert high < 2.1
    usual[7] = 2.5  # within twice the usual range
    table = pivot(usual.reshape(10, 20).tolist(), list(range(10)), list(range(20)))
    assert layers(heatmap(table, "profit_factor"))["Image"].opts.get().kwargs["clim"] == (1.0, 2.5)


def test_what_is_infinite_does_not_stretch_the_colours(page: Callable[[Any], str]) -> None:
    plot = heatmap(pivot([[1.0, np.inf], [2.0, np.nan]], [1, 2], [1, 2]), "profit_factor")
    assert layers(plot)["Image"].opts.get().kwargs["clim"] == (1.0, 2.0)
    assert sorted(layers(plot)["Labels"]["text"]) == ["1", "2", "inf"]
    page(plot)


@pytest.mark.parametrize(("fill", "limits"), [(np.nan, (0.0, 1.0)), (4.0, (3.96, 4.04)), (0.0, (-0.5, 0.5))])
def test_a_plane_of_one_figure_or_of_none_can_be_drawn(
    fill: float, limits: tuple[float, float], page: Callable[[Any], str]
) -> None:
    plot = heatmap(pivot([[fill, fill]], [1], [1, 2]), "trades", mark="highest")
    assert layers(plot)["Image"].opts.get().kwargs["clim"] == pytest.approx(limits)
    page(plot)


def test_numbers_stand_in_cells_that_have_room_for_them() -> None:
    texts = layers(heatmap(PLANE, "sharpe_ratio"))["Labels"]
    found = dict(zip(zip(texts["fast"], texts["slow"], strict=True), texts["text"], strict=True))
    assert found == {(5, 50): "1", (10, 50): "-2", (15, 50): "0.50", (10, 100): "0.25", (15, 100): "3"}
    assert list(layers(heatmap(PLANE, "sharpe_ratio", width=250))) == ["Image"]


@pytest.mark.parametrize(("mark", "at"), [("highest", (15.0, 100.0)), ("lowest", (10.0, 50.0))])
def test_a_star_marks_the_best(mark: Any, at: tuple[float, float], page: Callable[[Any], str]) -> None:
    plot = heatmap(
        PLANE, "sharpe_ratio", width=250, mark=mark
    )  # no room for numbers: in the middle of the cell
    star = layers(plot)["Points"]
    assert (star["fast"].tolist(), star["slow"].tolist()) == ([at[0]], [at[1]])
    beside = layers(heatmap(PLANE, "sharpe_ratio", mark=mark))["Points"]
    assert beside["slow"].tolist() == [at[1] + 16.0]
    page(plot)


def test_spans_of_time_are_shown_in_days(figure: Callable[[Any], Any]) -> None:
    spans = pd.DataFrame(
        [[pd.Timedelta("36h"), pd.Timedelta("3D")]],
        index=pd.Index([1], name="y"),
        columns=pd.Index([1, 2], name="x"),
    )
    plot = heatmap(spans, "longest_drawdown")
    assert cells(plot, "longest_drawdown").tolist() == [[1.5, 3.0]]
    (bar,) = [one for one in figure(plot).right if type(one).__name__ == "ColorBar"]
    assert bar.title == "longest_drawdown (days)"


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (pd.DatetimeIndex(["2024-02-01", "2024-01-01"], name="start"), ["2024-01-01", "2024-02-01"]),
        (pd.DatetimeIndex(["2024-01-01 09:30"], tz="UTC", name="start"), ["2024-01-01 09:30"]),
        (pd.TimedeltaIndex(["10 days", "36h"], name="start"), ["1 days 12:00:00", "10 days"]),
        (pd.Index([True, False], name="start"), ["True", "False"]),
        (pd.Index([0.25, 1e-7], name="start"), ["1e-07", "0.25"]),
        (pd.Index([100_000, 5_000], name="start"), ["5000", "100,000"]),
        (
            pd.MultiIndex.from_tuples([("X@A", 1), ("Y@A", 2)], names=["instrument", "n"]),
            ["X@A, 1", "Y@A, 2"],
        ),
    ],
)
def test_cells_are_named_as_a_person_writes_it(
    labels: pd.Index, shown: list[str], page: Callable[[Any], str]
) -> None:
    table = pd.DataFrame(np.ones((1, len(labels))), index=pd.Index([1], name="y"), columns=labels)
    plot = heatmap(table, "fees")
    assert [text for _, text in layers(plot)["Image"].opts.get().kwargs["xticks"]] == shown
    page(plot)


def test_labels_that_have_no_room_are_left_out() -> None:
    wide = pivot([list(range(200))], [1], [f"strategy {n}" for n in range(200)])
    ticks = layers(heatmap(wide, "fees"))["Image"].opts.get().kwargs["xticks"]
    assert len(ticks) < 10
    assert ticks[0] == (0.0, "strategy 0")


def test_a_large_plane_is_one_image_and_quick(page: Callable[[Any], str]) -> None:
    rng = np.random.default_rng(1)
    large = pd.DataFrame(
        rng.normal(size=(300, 300)), index=pd.RangeIndex(300, name="y"), columns=pd.RangeIndex(300, name="x")
    )
    heatmap(PLANE, "fees")  # the library is loaded
    begin = time.perf_counter()
    plot = heatmap(large, "sharpe_ratio")
    text = page(plot)
    assert time.perf_counter() - begin < 5.0
    assert list(layers(plot)) == ["Image"]
    assert len(text) < 4_000_000  # 90,000 rectangles would take 15 MB


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1.0]], "expected a frame with a figure in each cell, found list"),
        (PLANE.iloc[:0], "expected a table with at least one row and one column"),
        (pivot([[1.0, 2.0]], [1], [5, 5]), "expected each column once, found 5 twice"),
        (pivot([[1.0], [2.0]], [1, 1], [5]), "expected each row once, found 1 twice"),
        (PLANE.rename_axis("fast"), "to have different names, found fast, fast and fees"),
        (PLANE.rename_axis("fees"), "to have different names, found fees, fast and fees"),
    ],
)
def test_what_is_no_plane_is_refused(table: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        heatmap(table, "fees")


def test_a_mark_is_one_of_two() -> None:
    with pytest.raises(ConfigError, match="mark must be highest or lowest, found 'best'"):
        heatmap(PLANE, "fees", mark="best")  # type: ignore[arg-type]


# -- surfaces -----------------------------------------------------------------------------------------------------


def test_a_surface_shows_the_same_figures_in_the_same_colours() -> None:
    model = surface(PLANE, "sharpe_ratio")
    (sheet,) = model.data
    assert (list(sheet.x), list(sheet.y)) == ([5.0, 10.0, 15.0], [50.0, 100.0])
    np.testing.assert_array_equal(np.asarray(sheet.z), [[1.0, -2.0, 0.5], [np.nan, 0.25, 3.0]])
    assert (sheet.cmin, sheet.cmax) == (-3.0, 3.0)
    assert [colour for _, colour in sheet.colorscale] == list(DIVERGING)
    assert np.asarray(sheet.customdata)[1, 2].tolist() == ["15", "100"]
    assert sheet.hovertemplate.startswith(
        "fast: %{customdata[0]}<br>slow: %{customdata[1]}<br>sharpe_ratio: "
    )
    assert sheet.colorbar.title.text == "sharpe_ratio (annualised)"
    scene = model.layout.scene
    assert (scene.xaxis.title.text, scene.yaxis.title.text) == ("fast", "slow")
    assert list(scene.xaxis.ticktext) == ["5", "10", "15"]
    assert (model.layout.width, model.layout.height) == (700, 560)


def test_a_surface_has_no_background_and_may_be_responsive() -> None:
    model = surface(PLANE, "total_return", responsive=True, title="mine")
    assert (model.layout.width, model.layout.autosize) == (None, True)
    assert model.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert model.layout.title.text == "mine"
    assert "plotly" in model.to_html(include_plotlyjs=False, full_html=False)


def test_a_surface_needs_two_values_along_each_side() -> None:
    with pytest.raises(DataError, match="two values or more along each side, found 3 of fast and 1 of slow"):
        surface(PLANE.iloc[:1], "fees")


def test_without_plotly_a_surface_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(
        ConfigError, match=r"needs plotly, which is not installed; pip install 'trading-workbench\[lab\]'"
    ):
        surface(PLANE, "fees")


# -- campaigns ----------------------------------------------------------------------------------------------------

CAMPAIGN = pd.DataFrame(
    {
        "kind": ["runaway", "runaway", "runaway", "spoof", "spoof", "spoof"],
        "level": [0.5, 0.5, 1.0, 0.5, 1.0, 1.0],
        "damage_usd": [100.0, 300.0, 1_000.0, 50.0, 20.0, 40.0],
        "survived": [True, False, False, True, True, True],
    }
)


def test_cells_that_share_a_place_are_averaged() -> None:
    plot = survival_surface(CAMPAIGN, "level", "kind", "damage_usd")
    found = cells(plot, "damage_usd")  # words begin at the top: spoof is the lower row
    assert found.tolist() == [[50.0, 30.0], [200.0, 1_000.0]]
    assert layers(plot)["Image"].opts.get().kwargs["cmap"] == list(sequential())


def test_yes_and_no_is_a_share_from_nothing_to_all() -> None:
    plot = survival_surface(CAMPAIGN, "level", "kind", "survived")
    assert cells(plot, "survived").tolist() == [[1.0, 1.0], [0.5, 0.0]]
    assert layers(plot)["Image"].opts.get().kwargs["clim"] == (0.0, 1.0)
    assert sorted(layers(plot)["Labels"]["text"]) == ["0%", "100%", "100%", "50%"]


@pytest.mark.parametrize(
    ("gather", "runaway"), [("max", 300.0), ("min", 100.0), ("sum", 400.0), ("median", 200.0)]
)
def test_another_way_to_gather_is_named(gather: Any, runaway: float, figure: Callable[[Any], Any]) -> None:
    plot = survival_surface(CAMPAIGN, "level", "kind", "damage_usd", gather=gather)
    assert cells(plot, f"{gather} of damage_usd")[1, 0] == runaway
    assert figure(plot).title.text == f"{gather} of damage_usd by level and kind"


def test_levels_of_the_index_may_be_named_too() -> None:
    plot = survival_surface(CAMPAIGN.set_index(["kind", "level"]), "level", "kind", "damage_usd")
    assert cells(plot, "damage_usd").tolist() == [[50.0, 30.0], [200.0, 1_000.0]]


def test_a_column_of_many_values_is_put_into_round_bins(figure: Callable[[Any], Any]) -> None:
    count = 100
    frame = pd.DataFrame(
        {
            "intensity": np.repeat([1.0, 2.0], count // 2),
            "damage_usd": np.arange(count) * 10.0,  # 0 to 990
            "survived": np.arange(count) < 30,
        }
    )
    plot = survival_surface(frame, "intensity", "damage_usd", "survived", bins=10)
    found = cells(plot, "survived")
    assert found.shape == (10, 2)
    np.testing.assert_array_equal(found[:, 0], [1.0, 1.0, 1.0, 0.0, 0.0, *[np.nan] * 5])
    np.testing.assert_array_equal(found[:, 1], [*[np.nan] * 5, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert layers(plot)["Image"].bounds.lbrt() == (0.5, 0.0, 2.5, 1_000.0)  # the axis is that of the damage
    labels = hover(figure(plot)).formatters["$y"].args["labels"]
    assert labels[:2] + labels[-1:] == ["0 to 100", "100 to 200", "900 to 1000"]


def test_bins_may_be_given_and_what_lies_outside_is_left_out() -> None:
    frame = pd.DataFrame({"x": 1.0, "damage": np.arange(40.0), "survived": np.arange(40) < 10})
    plot = survival_surface(frame, "x", "damage", "survived", bins=[0.0, 10.0, 39.0])
    assert cells(plot, "survived").tolist() == [[1.0], [0.0]]  # 39 itself belongs to the last bin
    inner = survival_surface(frame, "x", "damage", "survived", bins=[8.0, 12.0, 16.0])
    assert cells(inner, "survived").tolist() == [[0.5], [0.0]]


def test_starts_are_an_axis_of_time() -> None:
    frame = CAMPAIGN.assign(start=pd.DatetimeIndex(["2024-01-01", "2024-02-01"] * 3, tz="UTC"))
    plot = survival_surface(frame, "level", "start", "survived")
    assert [text for _, text in layers(plot)["Image"].opts.get().kwargs["yticks"]] == [
        "2024-01-01",
        "2024-02-01",
    ]


def test_cells_that_never_recovered_are_left_out() -> None:
    frame = CAMPAIGN.assign(recovery_seconds=[60.0, np.nan, np.nan, 10.0, 20.0, 40.0])
    found = cells(survival_surface(frame, "level", "kind", "recovery_seconds"), "recovery_seconds")
    np.testing.assert_array_equal(found, [[10.0, 30.0], [60.0, np.nan]])


def test_a_number_of_bins_may_be_numpy_s() -> None:
    column = pd.Series(np.linspace(0.0, 100.0, 200))
    found, expected = binned(column, np.int64(5)), binned(column, 5)  # type: ignore[arg-type]
    assert expected[1] is not None
    assert found[0].equals(expected[0])
    assert expected[1].equals(found[1])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x": "speed"}, DataError, "found no speed; there is: kind, level, damage_usd, survived"),
        ({"x": "kind"}, ConfigError, "x, y and value must be three different columns"),
        ({"value": "kind", "y": "survived"}, DataError, "kind: expected figures in every cell"),
        ({"gather": "mode"}, ConfigError, "gather must be one of mean, median, min, max, sum, found 'mode'"),
        ({"bins": 0}, ConfigError, "bins must be a whole number of 1 or more, or edges, found 0"),
        ({"bins": 2.5}, ConfigError, "bins must be a whole number of 1 or more, or edges, found 2.5"),
        ({"bins": "few"}, ConfigError, "bins must be edges that rise, two or more, found 'few'"),
        ({"bins": [2.0, 1.0]}, ConfigError, "bins must be edges that rise, two or more"),
        (
            {"frame": CAMPAIGN.assign(damage_usd=np.nan)},
            DataError,
            "expected rows with level, kind and damage_usd",
        ),
        ({"frame": [1]}, DataError, "expected a frame with a row for each cell, found list"),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    settings = {"frame": CAMPAIGN, "x": "level", "y": "kind", "value": "damage_usd", **change}
    with pytest.raises(error, match=words):
        survival_surface(**settings)
