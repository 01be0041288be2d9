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

# update          0   1   2    3     4      5       6
# last           10   9   8    9    11     10     6.5
# gain of 2               0  0.5  1.25  0.625  0.3125    (half of the former, and half of the new rise)
# loss of 2               1  0.5  0.25  0.625  2.0625
# index                   0   50  83.3     50    13.2
# side                   +1    0    -1      0      +1
PRICES = [10.0, 9.0, 8.0, 9.0, 11.0, 10.0, 6.5]


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, signal.signal_strength) for number, signal in signals]


def test_buys_what_fell_too_fast_sells_what_rose_too_fast_and_leaves_in_the_middle(
    make: Make, tick: Tick, drive: Drive
) -> None:
    signals = drive(make("rsi", window=2), [tick(i, price) for i, price in enumerate(PRICES)])
    assert outline(signals) == [(2, 1.0), (3, 0.0), (4, -1.0), (5, 0.0), (6, 1.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_long_only_is_flat_instead_of_short(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("rsi", window=2, long_only=True), [tick(i, price) for i, price in enumerate(PRICES)])
    assert outline(signals) == [(2, 1.0), (3, 0.0), (6, 1.0)]


def test_turns_from_short_to_long_in_one_signal(make: Make, tick: Tick, drive: Drive) -> None:
    # from 11 to 7: gain 0.625, loss (0.25 + 4) / 2 = 2.125, index 22.7
    signals = drive(make("rsi", window=2), [tick(i, price) for i, price in enumerate([*PRICES[:5], 7.0])])
    assert outline(signals)[2:] == [(4, -1.0), (5, 1.0)]


def test_nothing_happens_while_the_price_stands_still(make: Make, tick: Tick, drive: Drive) -> None:
    assert drive(make("rsi", window=2), [tick(i, 10.0) for i in range(20)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, math.nan, 9.0, -1.0, math.inf, 8.0, 0.0, 9.0]
    signals = drive(make("rsi", window=2), [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(5, 1.0), (7, 0.0)]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"window": 1}, "window >= 2, found window=1"),
        ({"lower": 50.0}, "found lower=50.0, exit=50.0 and upper=70.0"),
        ({"upper": 100.0}, "upper=100.0"),
        ({"lower": 0.0}, "found lower=0.0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("rsi", **config)
