"""Trades on the price: entries and exits told apart, the position shaded and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tests.plotting.samples import days, fills, layers, series
from workbench.errors import DataError
from workbench.plotting import trades_on_price
from workbench.plotting.marks import MOST_FILLS, read_fills
from workbench.plotting.trades import MOST_SPANS, with_positions

PRICE = series(100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0)
# Long 10, then 15; down to 5; across to -5; flat.
MADE = fills(
    ("2024-01-02", "buy", 10.0, 101.0),
    ("2024-01-03", "buy", 5.0, 102.0),
    ("2024-01-04", "sell", 10.0, 103.0),
    ("2024-01-05", "sell", 10.0, 104.0),
    ("2024-01-06", "buy", 5.0, 105.0),
)


def at(day: int) -> pd.Timestamp:
    return pd.Timestamp(2024, 1, day)


def test_each_fill_is_told_by_what_it_did_to_the_position() -> None:
    table = with_positions(read_fills(MADE))
    assert table["position"].tolist() == [10.0, 15.0, 5.0, -5.0, 0.0]
    assert table["action"].tolist() == ["opens", "adds", "reduces", "flips", "closes"]
    assert table["entry"].tolist() == [True, True, False, True, False]


def test_each_strategy_has_its_own_position() -> None:
    other = fills(("2024-01-02", "sell", 10.0, 101.0), ("2024-01-07", "buy", 10.0, 106.0), strategy_id="b")
    table = with_positions(read_fills(pd.concat([MADE, other])))
    mine = table[table["strategy_id"] == "b"]
    assert mine["action"].tolist() == ["opens", "closes"]
    assert mine["position"].tolist() == [-10.0, 0.0]


def test_what_sums_of_fractions_leave_is_no_position() -> None:
    tenths = fills(*[("2024-01-02", "buy", 0.1, 1.0)] * 3, ("2024-01-03", "sell", 0.3, 1.0))
    assert with_positions(read_fills(tenths))["action"].tolist() == ["opens", "adds", "adds", "closes"]


def test_shape_says_the_side_and_filling_says_entry_or_exit() -> None:
    upper, _ = trades_on_price(PRICE, MADE)
    drawn = layers(upper)
    marks = {name: one for name, one in drawn.items() if name.startswith("Scatter")}
    assert {name: one["price"].tolist() for name, one in marks.items()} == {
        "Scatter buy, entry": [101.0, 102.0],
        "Scatter buy, exit": [105.0],
        "Scatter sell, entry": [104.0],
        "Scatter sell, exit": [103.0],
    }
    looks = {name: one.opts.get().kwargs for name, one in marks.items()}
    assert {name: (look["marker"], look["fill_alpha"]) for name, look in looks.items()} == {
        "Scatter buy, entry": ("triangle", 0.9),
        "Scatter buy, exit": ("triangle", 0.0),
        "Scatter sell, entry": ("inverted_triangle", 0.9),
        "Scatter sell, exit": ("inverted_triangle", 0.0),
    }
    assert drawn["Curve"]["price"].tolist() == PRICE.tolist()


def test_long_and_short_are_shaded_short_with_hatching(figure: Callable[[Any], Any]) -> None:
    plot = trades_on_price(PRICE, MADE)
    upper, _ = plot
    spans = {
        name: list(zip(one["time"].tolist(), one["until"].tolist(), strict=True))
        for name, one in layers(upper).items()
        if name.startswith("VSpans")
    }
    assert spans == {"VSpans long": [(at(2), at(5))], "VSpans short": [(at(5), at(6))]}
    strips = [
        one.glyph for one in figure(plot).children[0][0].renderers if type(one.glyph).__name__ == "VStrip"
    ]
    assert [one.hatch_pattern for one in strips] == [None, "left_diagonal_line"]


def test_the_position_is_that_of_all_strategies_together() -> None:
    other = fills(("2024-01-02", "sell", 10.0, 101.0), strategy_id="b")
    _, lower = trades_on_price(PRICE, pd.concat([MADE, other]))
    held = layers(lower)["Area"]
    corners = list(zip(held["time"].tolist(), held["position"].tolist(), strict=True))
    assert corners == [
        (at(1), 0.0),
        *((at(2), 0.0),) * 2,  # +10 and -10 at one moment
        *((at(3), level) for level in (0.0, 5.0)),
        *((at(4), level) for level in (5.0, -5.0)),
        *((at(5), level) for level in (-5.0, -15.0)),
        *((at(6), level) for level in (-15.0, -10.0)),
        (at(8), -10.0),
    ]


def test_fills_before_the_part_that_is_shown_count_for_the_position() -> None:
    upper, lower = trades_on_price(PRICE[3:], MADE)
    marks = [name for name in layers(upper) if name.startswith("Scatter")]
    assert marks == ["Scatter buy, exit", "Scatter sell, entry", "Scatter sell, exit"]
    held = layers(lower)["Area"]
    assert held["position"].tolist()[:3] == [5.0, 5.0, -5.0]  # after the fill at the first price
    assert held["time"].tolist()[0] == at(4)
    _, before = trades_on_price(PRICE[:2], MADE)
    assert layers(before)["Area"]["time"].tolist()[-1] == at(2)


def test_without_fills_there_is_the_price_and_a_flat_line(page: Callable[[Any], str]) -> None:
    plot = trades_on_price(PRICE, MADE[:0])
    upper, lower = plot
    assert list(layers(upper)) == ["Curve"]
    assert layers(lower)["Area"]["position"].tolist() == [0.0, 0.0]
    page(plot)


def test_too_many_fills_are_not_marked_and_the_title_says_so(figure: Callable[[Any], Any]) -> None:
    rows = [("2024-01-02", "buy" if n % 2 else "sell", 1.0, 100.0) for n in range(MOST_FILLS + 2)]
    model = figure(trades_on_price(PRICE, fills(*rows), title="a on X"))
    assert model.children[0][0].title.text == "a on X (2,002 fills, too many to mark)"
    upper, _ = trades_on_price(PRICE, fills(*rows))
    assert [name for name in layers(upper) if name.startswith("Scatter")] == []


def test_too_many_spells_are_not_shaded() -> None:
    count = MOST_SPANS + 2
    price = series(*[100.0] * (count + 1))
    rows = [
        (str(day), "buy" if n % 2 else "sell", 1.0, 100.0) for n, day in enumerate(days(count, "2024-01-02"))
    ]
    upper, _ = trades_on_price(price, fills(*rows))
    assert not any(name.startswith("VSpans") for name in layers(upper))
    upper, _ = trades_on_price(price, fills(*rows[: MOST_SPANS - 2]))
    assert "VSpans short" in layers(upper)


def test_axes_say_their_units_and_move_together(figure: Callable[[Any], Any]) -> None:
    upper, lower = (one for one, *_ in figure(trades_on_price(PRICE, MADE, unit="USD")).children)
    assert (upper.yaxis[0].axis_label, lower.yaxis[0].axis_label) == ("price (USD)", "position (units)")
    assert upper.x_range is lower.x_range


def test_what_are_no_fills_is_refused() -> None:
    with pytest.raises(DataError, match="fills: expected a frame, found NoneType"):
        trades_on_price(PRICE, None)  # type: ignore[arg-type]
