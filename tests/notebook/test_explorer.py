"""The explorer: bounds of its sliders, and that its chart is the backtest's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.notebook.cells import TREND
from workbench.errors import ParameterError
from workbench.notebook.curves import CompiledRuns, ReplayedRuns
from workbench.notebook.explorer import explore
from workbench.notebook.sliders import ranges_of
from workbench.strategy.loader import load_source, load_strategy


@pytest.fixture(scope="module")
def prices() -> wb.Prices:
    return wb.load("sp500").between("2005", "2012")


def bounds(name: str, **given: Any) -> dict[str, tuple[float, float]]:
    return {r.name: (r.low, r.high) for r in ranges_of(load_strategy(name), {}, given or None)}


def test_bounds_follow_from_constraints_and_defaults() -> None:
    # 1 <= fast < slow: at least 1 and 2; four times the defaults where nothing else bounds them.
    assert bounds("sma_cross") == {"fast": (1, 40), "slow": (2, 200)}
    # lookback >= 2; 0 <= exit < entry <= 1 goes on from one to the next.
    assert bounds("momentum") == {"lookback": (2, 240), "entry": (0.0, 1.0), "exit": (0.0, 1.0)}


def test_bounds_that_are_given_count() -> None:
    assert bounds("sma_cross", fast=(3, 9, 2))["fast"] == (3, 9)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"speed": (1, 2)}, "no number 'speed'"),
        ({"fast": (5, 2)}, "lowest, highest"),
        ({"fast": (1,)}, "lowest"),
    ],
)
def test_bounds_that_make_no_sense(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        bounds("sma_cross", **given)


def test_the_curve_is_that_of_the_backtest_bit_for_bit(prices: wb.Prices) -> None:
    explorer = explore("sma_cross", prices, config={"unit": 50})
    explorer.set(fast=7, slow=33)
    run = wb.backtest("sma_cross", prices, config={"unit": 50, "fast": 7, "slow": 33})
    curve = explorer._runs.run(explorer.config)
    assert isinstance(explorer._runs, CompiledRuns)
    assert curve.equity.tobytes() == run.equity.to_numpy().tobytes()
    assert curve.times_ns.tolist() == run.times_ns.tolist()
    assert curve.figures["trades"] == run.stats()["trades"]
    assert curve.price is not None
    assert len(curve.price.marks) == len(run.fills)
    assert explorer.result().fingerprint == run.fingerprint


def test_a_market_of_several_instruments_has_one_point_for_each_time(prices: wb.Prices) -> None:
    both = wb.merge(prices, wb.load("nasdaq").between("2005", "2012"))
    explorer = explore("sma_cross", both)
    assert np.array_equal(explorer._curve.equity, wb.backtest("sma_cross", both).equity.to_numpy())
    assert explorer._curve.price is None


def test_a_plain_strategy_is_replayed(prices: wb.Prices) -> None:
    kind = load_source(TREND)
    explorer = explore(kind, prices, ranges={"least": (0.0, 0.05)})
    explorer.set(least=0.01)
    assert isinstance(explorer._runs, ReplayedRuns)
    assert np.array_equal(
        explorer._curve.equity, wb.backtest(kind, prices, config={"least": 0.01}).equity.to_numpy()
    )
    assert "event replay" in explorer._html()


def test_a_slider_that_is_moved_draws_and_one_that_cannot_be_says_why(prices: wb.Prices) -> None:
    explorer = explore("sma_cross", prices, config={"unit": 50})
    sliders, chart = explorer.widget.children
    fast = {slider.description: slider for slider in sliders.children}["fast"]
    before = chart.value
    fast.value = 20
    assert explorer.config["fast"] == 20
    assert chart.value != before
    slow = {slider.description: slider for slider in sliders.children}["slow"]
    slow.value = 15  # 1 <= fast < slow does not hold
    assert "1 &lt;= fast &lt; slow" in chart.value
    assert explorer.config["slow"] == 50


def test_it_shows_a_still_chart_where_there_are_no_widgets(prices: wb.Prices) -> None:
    shown = explore("sma_cross", prices)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "data:image/svg+xml;base64," in shown["text/html"]
    assert "<script" not in shown["text/html"]
