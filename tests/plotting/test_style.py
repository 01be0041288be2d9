"""Sizes, contrast and colour maps: readable on light and dark, and without telling red from green."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import workbench.plotting
from tests.plotting.samples import series
from workbench.errors import ConfigError
from workbench.plotting import (
    correlation_heatmap,
    equity_drawdown,
    heatmap,
    monthly_returns,
    rolling_risk,
    surface,
    survival_surface,
    trades_on_price,
    var_exceedances,
)
from workbench.plotting.style import (
    AMBER,
    BLUE,
    DIVERGING,
    GREY,
    INK,
    LINES,
    RED,
    TEAL,
    colour_of,
    contrast,
    sequential,
    size_of,
    text_on,
)

ROOT = Path(__file__).parents[2]

# How colours look to those without red or green cones (linear RGB): G. Machado, M. Oliveira, L. Fernandes, "A
# physiologically-based model for simulation of color vision deficiency", IEEE Transactions on Visualization and
# Computer Graphics 15, 2009, severity 1.0.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> npt.NDArray[np.float64]:
    share = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def light(colour: str) -> float:
    return float(linear(colour) @ np.array([0.2126, 0.7152, 0.0722]))


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.005
    )  # WebAIM's example of what just fails 4.5
    assert contrast("#123456", "#123456") == 1.0


@pytest.mark.parametrize("colour", sorted({INK, BLUE, RED, TEAL, AMBER, GREY, *LINES}))
@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
def test_what_is_drawn_can_be_seen_on_a_light_and_on_a_dark_page(colour: str, paper: str) -> None:
    assert contrast(colour, paper) >= (4.3 if colour == INK else 3.0)


def apart(one: str, other: str, eye: npt.NDArray[np.float64]) -> float:
    """How different two colours look: the distance in CIELAB (D65), of which 2 is just noticed."""
    labs = []
    for colour in (one, other):
        x, y, z = TO_XYZ @ np.clip(eye @ linear(colour), 0.0, 1.0) / WHITE
        f = [np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z)]
        labs.append(np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]))
    return float(np.linalg.norm(labs[0] - labs[1]))


@pytest.mark.parametrize("eye", [PROTANOPIA, DEUTERANOPIA])
@pytest.mark.parametrize(
    ("loss", "gain"),
    [(DIVERGING[0], DIVERGING[-1]), (DIVERGING[60], DIVERGING[-61]), (RED, TEAL), (RED, BLUE)],
)
def test_gain_and_loss_differ_for_those_who_cannot_tell_red_from_green(
    loss: str, gain: str, eye: npt.NDArray[np.float64]
) -> None:
    assert apart(loss, gain, eye) > 20.0


def test_a_usual_red_and_green_do_not_pass() -> None:
    assert apart("#c62f37", "#17803d", np.eye(3)) > 100.0
    assert apart("#c62f37", "#17803d", DEUTERANOPIA) < 20.0


def test_maps_go_one_way_in_lightness() -> None:
    steps = np.diff([light(colour) for colour in sequential()])
    assert (steps > -2e-4).all()  # two steps are lost in rounding to 8 bits
    assert light(sequential()[-1]) - light(sequential()[0]) > 0.75
    levels = np.array([light(colour) for colour in DIVERGING])
    assert (np.diff(levels[:128]) > 0.0).all()
    assert (np.diff(levels[127:]) < 0.0).all()
    assert len(DIVERGING) == 255
    assert DIVERGING[127] == "#ebe8e4"


def test_a_colour_is_found_by_its_place_and_those_beyond_are_the_ends() -> None:
    palette = ("#000000", "#808080", "#ffffff")
    found = [colour_of(value, 0.0, 10.0, palette) for value in (-5.0, 0.0, 2.4, 2.6, 5.0, 10.0, 99.0)]
    assert found == ["#000000", "#000000", "#000000", "#808080", "#808080", "#ffffff", "#ffffff"]
    assert colour_of(1.0, 1.0, 1.0, palette) == "#808080"


@pytest.mark.parametrize("palette", [DIVERGING, sequential()])
def test_numbers_can_be_read_on_every_colour(palette: tuple[str, ...]) -> None:
    assert min(contrast(text_on(colour), colour) for colour in palette) >= 4.0
    assert (text_on("#ffffff"), text_on("#000000")) == ("#14181d", "#ffffff")


def test_a_size_that_is_responsive_has_no_width() -> None:
    assert size_of(500, 200).options() == {"responsive": False, "height": 200, "width": 500}
    assert size_of(500, 200, True).options(100) == {"responsive": True, "height": 100, "min_width": 280}
    assert size_of(500, 100).options(50)["height"] == 80  # the least


def matrix(rows: int = 2) -> Any:
    import pandas as pd

    names = list("ab")[:rows]
    return pd.DataFrame(np.eye(rows), index=pd.Index(names, name="y"), columns=pd.Index(names, name="x"))


PLOTS: dict[str, Callable[..., Any]] = {
    "equity_drawdown": lambda **size: equity_drawdown(series(1.0, 2.0), **size),
    "monthly_returns": lambda **size: monthly_returns(series(0.1, 0.2), **size),
    "rolling_risk": lambda **size: rolling_risk(series(0.1, 0.2, 0.1), 2, 252.0, **size),
    "trades_on_price": lambda **size: trades_on_price(series(1.0, 2.0), _no_fills(), **size),
    "var_exceedances": lambda **size: var_exceedances(series(*[0.1] * 9), series(*[0.2] * 9), **size),
    "correlation_heatmap": lambda **size: correlation_heatmap(matrix().rename_axis(None, axis=1), **size),
    "heatmap": lambda **size: heatmap(matrix(), "fees", **size),
    "surface": lambda **size: surface(matrix(), "fees", **size),
    "survival_surface": lambda **size: survival_surface(
        matrix().stack().rename("damage").reset_index(), "x", "y", "damage", **size
    ),
}


def _no_fills() -> Any:
    import pandas as pd

    return pd.DataFrame({"timestamp": [], "side": [], "quantity": [], "price": []})


def test_every_plot_is_named_here() -> None:
    assert sorted(PLOTS) == workbench.plotting.__all__


@pytest.mark.parametrize(
    "size", [{"width": 0}, {"height": 1.5}, {"width": True}, {"height": -3}, {"width": "9"}]
)
@pytest.mark.parametrize("name", sorted(PLOTS))
def test_a_plot_needs_whole_pixels(name: str, size: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be a whole number of pixels above 0, found"):
        PLOTS[name](**size)


@pytest.mark.parametrize("name", sorted(PLOTS))
def test_responsive_is_yes_or_no(name: str) -> None:
    with pytest.raises(ConfigError, match="responsive must be True or False, found 'yes'"):
        PLOTS[name](responsive="yes")


@pytest.mark.parametrize("name", sorted(set(PLOTS) - {"surface"}))
@pytest.mark.parametrize("responsive", [False, True])
def test_every_plot_makes_a_page_of_its_own_without_a_complaint(
    name: str, responsive: bool, page: Callable[[Any], str], figure: Callable[[Any], Any]
) -> None:
    plot = PLOTS[name](width=520, height=210, responsive=responsive)
    text = page(plot)
    assert "cdn.bokeh.org" not in text
    assert "--jp-ui-font-color1" in text  # the ink of the page around it
    figures = [one for one in figure(plot).references() if type(one).__name__ == "figure"]
    assert figures
    for one in figures:
        assert one.background_fill_color is None
        assert one.border_fill_color is None
        assert (one.sizing_mode, one.width) == (("stretch_width", None) if responsive else ("fixed", 520))


def test_nothing_heavy_is_loaded_before_a_plot_is_made() -> None:
    code = (
        "import sys, workbench.plotting as p; from workbench.plotting import equity_drawdown, heatmap, surface; "
        "from workbench.backtest.result import BacktestResult; "
        "heavy = ('holoviews', 'hvplot', 'bokeh', 'plotly', 'arch'); "
        "print([m for m in heavy if m in sys.modules], p.__all__ == dir(p))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[] True"), done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        getattr(workbench.plotting, "pie")  # noqa: B009 - the type checker knows that there is none


def test_a_complaint_of_holoviews_fails_a_test(figure: Callable[[Any], Any]) -> None:
    """The tests of all plots stand on it."""
    import holoviews as hv

    both = hv.Curve([1, 2]).opts(backend="bokeh", responsive=True, width=200, height=200)
    with pytest.raises(AssertionError, match="responsive mode could not be enabled"):
        figure(both)


def test_a_complaint_of_bokeh_alone_fails_a_test(figure: Callable[[Any], Any]) -> None:
    import holoviews as hv

    astray = hv.Labels([(0, 0, "text")]).opts(backend="bokeh", text_font="Helvetica, Arial")
    with pytest.raises(AssertionError, match="BAD_COLUMN_NAME"):
        figure(astray)
