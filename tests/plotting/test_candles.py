"""Candles: several bars joined to one, and what rose told from what fell without colour."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from tests.plotting.samples import fills, series
from workbench.errors import ConfigError, DataError
from workbench.plotting import trades_on_price
from workbench.plotting.candles import candles, joined


def bars(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=len(rows), freq="D", tz="UTC")
    return pd.DataFrame(rows, index, columns=["open", "high", "low", "close"])


FIVE = bars(
    (10.0, 12.0, 9.0, 11.0),
    (11.0, 15.0, 10.0, 14.0),
    (14.0, 14.5, 8.0, 9.0),
    (9.0, 9.5, 7.0, 8.0),
    (8.0, 8.5, 7.5, 8.25),
)


def test_bars_that_fit_stay_as_they_are() -> None:
    table, each = joined(FIVE, 5)
    assert each == 1
    assert table.to_numpy().tolist() == FIVE.to_numpy().tolist()


def test_bars_are_joined_from_the_first_open_to_the_last_close() -> None:
    table, each = joined(FIVE, 3)
    assert each == 2
    assert table.to_numpy().tolist() == [
        [10.0, 15.0, 9.0, 14.0],
        [14.0, 14.5, 7.0, 8.0],
        [8.0, 8.5, 7.5, 8.25],
    ]
    assert [time.day for time in table.index] == [2, 4, 5]


def test_closes_alone_are_bars_without_a_range() -> None:
    nan = math.nan
    table, _ = joined(bars((nan, nan, nan, 5.0), (nan, nan, nan, nan), (nan, nan, nan, 6.0)))
    assert table.to_numpy().tolist() == [[5.0] * 4, [6.0] * 4]


def test_what_rose_is_hollow_and_what_fell_is_filled() -> None:
    boxes = [one for one in candles(FIVE) if one.label]
    assert [(one.label, len(one)) for one in boxes] == [("rose", 3), ("fell", 2)]
    assert [one.opts.get(backend="bokeh").kwargs["fill_alpha"] for one in boxes] == [0.0, 0.9]


def test_fills_stand_on_candles_and_the_title_says_what_a_candle_is() -> None:
    many = bars(*[(10.0, 11.0, 9.0, 10.5)] * 500)
    price = many["close"].rename("price")
    made = fills(("2024-01-05", "buy", 1.0, 10.0))
    upper: Any = trades_on_price(price, made, bars=many, title="demo")[0]
    assert "each candle is 3 bars" in upper.opts.get("plot", backend="bokeh").kwargs["title"]
    assert {"rose", "buy, entry"} <= {one.label for one in upper}


@pytest.mark.parametrize("given", [series(1.0, 2.0), bars()])
def test_what_are_no_bars_is_told(given: Any) -> None:
    with pytest.raises(DataError, match="bars: expected"):
        joined(given)


def test_at_least_one_candle_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="most must be 1 or more"):
        joined(FIVE, 0)
