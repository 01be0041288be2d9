from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]

# Window 4, width 1.2.
#
# update            0..3     4     5      6      7      8      9     10
# last                10    14    12   11.5      7      8      5    7.5
# mean                10    11  11.5  11.88  11.13   9.63   7.88   6.88
# 1.2 deviations       0  2.08  1.99   1.71   3.07   2.59   2.83   1.36
# above the mean       0     3   0.5  -0.38  -4.13  -1.63  -2.88   0.63
# outside                    +                   -             -
# side                            -1      0            +1      0      0   (10 is past the mean: too late)
PRICES = [10.0, 10.0, 10.0, 10.0, 14.0, 12.0, 11.5, 7.0, 8.0, 5.0, 7.5]
SMALL: dict[str, Any] = {"window": 4, "width": 1.2}


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, signal.signal_strength) for number, signal in signals]


def test_goes_with_the_way_back_and_leaves_at_the_mean_or_when_it_fails(
    make: Make, tick: Tick, drive: Drive
) -> None:
    signals = drive(make("bollinger", **SMALL), [tick(i, price) for i, price in enumerate(PRICES)])
    assert outline(signals) == [(5, -1.0), (6, 0.0), (8, 1.0), (9, 0.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_long_only_is_flat_instead_of_short(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(
        make("bollinger", **SMALL, long_only=True), [tick(i, price) for i, price in enumerate(PRICES)]
    )
    assert outline(signals) == [(8, 1.0), (9, 0.0)]


def test_nothing_happens_while_the_price_stands_still(make: Make, tick: Tick, drive: Drive) -> None:
    assert drive(make("bollinger", window=7), [tick(i, 0.1) for i in range(50)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [math.nan, *PRICES[:4], 0.0, 14.0, math.inf, 12.0, -1.0, 11.5]
    signals = drive(make("bollinger", **SMALL), [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(8, -1.0), (10, 0.0)]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"window": 2, "width": 0.5}, "window >= 3, found window=2"),
        ({"window": 5}, r"0 < width < sqrt\(window - 1\), found width=2.0 and window=5"),
        ({"width": 0.0}, "found width=0.0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("bollinger", **config)
