"""Rolling volatility, Sharpe ratio and beta."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.plotting.samples import layers, series
from workbench.errors import ConfigError, DataError
from workbench.plotting import rolling_risk

RETURNS = series(0.01, 0.03, -0.01, 0.01)


def curve(plot: Any, name: str) -> list[float]:
    values: list[float] = layers(plot)[f"Curve rolling {name}"][name].tolist()
    return values


def test_each_figure_is_that_of_its_window() -> None:
    volatility, sharpe = rolling_risk(RETURNS, 2, 4.0)
    # Deviations (n - 1) of pairs: |difference| / sqrt(2), times sqrt(4).
    expected = [math.nan, *(gap / math.sqrt(2.0) * 2.0 for gap in (0.02, 0.04, 0.02))]
    assert curve(volatility, "volatility") == pytest.approx(expected, nan_ok=True)
    # Means of pairs: 0.02, 0.01, 0.
    expected = [
        math.nan,
        *(m / (g / math.sqrt(2.0)) * 2.0 for m, g in ((0.02, 0.02), (0.01, 0.04), (0.0, 0.02))),
    ]
    assert curve(sharpe, "sharpe_ratio") == pytest.approx(expected, nan_ok=True)


def test_the_figure_of_all_returns_is_a_dashed_line_with_its_number() -> None:
    volatility, sharpe = rolling_risk(RETURNS, 2, 4.0)
    # Deviations from the mean 0.01: 0, 0.02, -0.02, 0; variance 0.0008 / 3; times sqrt(4).
    whole = math.sqrt(0.0008 / 3.0) * 2.0
    level = layers(volatility)["Curve all returns: 3.3%"]
    assert level["volatility"].tolist() == pytest.approx([whole, whole])
    assert level.opts.get().kwargs["line_dash"] == "dashed"
    assert layers(sharpe)["Curve all returns: 1.22"]["sharpe_ratio"].tolist() == pytest.approx([1.224745] * 2)


def test_beta_is_drawn_where_a_benchmark_is_given() -> None:
    *_, beta = rolling_risk(RETURNS * 2.0 + 0.001, 3, 252.0, benchmark=RETURNS)
    assert curve(beta, "beta") == pytest.approx([math.nan, math.nan, 2.0, 2.0], nan_ok=True)
    assert "Curve all returns: 2.00" in layers(beta)


def test_a_span_of_time_is_blank_until_it_is_full() -> None:
    volatility, _ = rolling_risk(RETURNS, "2D", 252.0)
    assert np.isnan(curve(volatility, "volatility")).tolist() == [True, True, False, False]


def test_a_risk_free_rate_lowers_the_ratio() -> None:
    _, sharpe = rolling_risk(RETURNS, 2, 4.0, risk_free=0.02)
    assert curve(sharpe, "sharpe_ratio")[1] == pytest.approx(0.0)


def test_windows_are_hatched_in_each_plot_and_axes_say_their_units(figure: Callable[[Any], Any]) -> None:
    plot = rolling_risk(
        RETURNS, 2, 252.0, benchmark=RETURNS, windows=[("2024-01-02", "2024-01-03", "x")], height=150
    )
    assert ["VSpans chaos window" in layers(one) for one in plot] == [True, True, True]
    figures = [one for one, *_ in figure(plot).children]
    assert [one.yaxis[0].axis_label for one in figures] == [
        "volatility (p.a.)",
        "Sharpe ratio (p.a.)",
        "beta",
    ]
    assert [one.xaxis[0].axis_label for one in figures] == ["", "", "time (UTC)"] or [
        one.xaxis[0].axis_label for one in figures
    ] == [None, None, "time (UTC)"]
    assert [one.height for one in figures] == [150] * 3
    assert len({one.x_range.id for one in figures}) == 1
    assert [one.title.text for one in figures] == ["Rolling risk over 2 returns", "", ""]


@pytest.mark.parametrize("window", [5, "30D"])
def test_returns_shorter_than_the_window_are_refused(window: Any) -> None:
    with pytest.raises(
        DataError, match=f"returns: expected some beyond the window of {window}, found 4 that span 3 d"
    ):
        rolling_risk(RETURNS, window, 252.0)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="window"):
        rolling_risk(RETURNS, 1, 252.0)
    with pytest.raises(ConfigError, match="periods_per_year"):
        rolling_risk(RETURNS, 2, 0.0)
    with pytest.raises(DataError, match="benchmark"):
        rolling_risk(RETURNS, 2, 252.0, benchmark=pd.Series([0.1], index=pd.DatetimeIndex(["1999-01-01"])))
