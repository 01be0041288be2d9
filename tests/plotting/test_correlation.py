"""Correlations as colours and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.plotting.samples import layers
from workbench.errors import ConfigError, DataError
from workbench.plotting import correlation_heatmap


def matrix(rows: list[list[float]]) -> pd.DataFrame:
    names = [f"N{k}" for k in range(len(rows))]
    return pd.DataFrame(rows, index=names, columns=names)


THREE = matrix([[1.0, 0.1, 0.9], [0.1, 1.0, -0.004], [0.9, -0.004, 1.0]])


def test_the_first_name_stands_at_the_top_left() -> None:
    drawn = layers(correlation_heatmap(THREE))
    cells = drawn["Image"].dimension_values("correlation", flat=False)  # the lowest row first
    assert cells[::-1].tolist() == THREE.to_numpy().tolist()
    texts = drawn["Labels"]
    found = dict(zip(zip(texts["column"], texts["row"], strict=True), texts["text"], strict=True))
    assert found[0.0, 2.0] == "1.00"
    assert found[2.0, 2.0] == "0.90"
    assert found[1.0, 0.0] == "0.00"  # not -0.00


def test_colours_run_from_minus_one_to_one_whatever_is_there(figure: Callable[[Any], Any]) -> None:
    assert layers(correlation_heatmap(THREE))["Image"].opts.get().kwargs["clim"] == (-1.0, 1.0)
    model = figure(correlation_heatmap(THREE))
    assert list(model.xaxis[0].major_label_overrides.values()) == ["N0", "N1", "N2"]
    assert list(model.yaxis[0].major_label_overrides.values()) == ["N2", "N1", "N0"]


def test_clustered_puts_together_what_moves_together() -> None:
    plot = correlation_heatmap(THREE, order="clustered")
    order = [int(name[1]) for name in _names(plot)]
    assert abs(order.index(0) - order.index(2)) == 1  # with N1 at an end
    cells = layers(plot)["Image"].dimension_values("correlation", flat=False)[::-1]
    assert cells.tolist() == THREE.to_numpy()[np.ix_(order, order)].tolist()


def _names(plot: Any) -> list[str]:
    return [text for _, text in layers(plot)["Image"].opts.get().kwargs["xticks"]]


def test_many_cells_have_no_numbers(page: Callable[[Any], str]) -> None:
    rng = np.random.default_rng(1)
    wide = pd.DataFrame(rng.normal(size=(200, 40)), columns=[f"N{k}" for k in range(40)]).corr()
    plot = correlation_heatmap(wide, order="clustered")
    assert list(layers(plot)) == ["Image"]
    page(plot)


def test_an_unknown_correlation_is_left_open(page: Callable[[Any], str]) -> None:
    holed = THREE.copy()
    holed.loc["N0", "N1"] = holed.loc["N1", "N0"] = np.nan
    plot = correlation_heatmap(holed)
    assert len(layers(plot)["Labels"]) == 7
    page(plot)
    with pytest.raises(DataError, match="expected every correlation to be known"):
        correlation_heatmap(holed, order="clustered")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.eye(2), "expected a frame such as returns.corr"),
        (THREE.iloc[:2], "expected the same names down as across"),
        (pd.DataFrame(), "expected the same names down as across"),
        (THREE * 2.0, "expected figures from -1 to 1, found 2"),
        (THREE + np.triu(np.full((3, 3), -0.1)), "expected a symmetric matrix"),
    ],
)
def test_what_is_no_correlation_is_refused(given: Any, words: str) -> None:
    with pytest.raises(DataError, match=f"^correlation: {words}"):
        correlation_heatmap(given)


def test_the_order_is_one_of_two() -> None:
    with pytest.raises(ConfigError, match="order must be given or clustered, found 'random'"):
        correlation_heatmap(THREE, order="random")  # type: ignore[arg-type]
