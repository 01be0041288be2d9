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

# update                      0   1   2   3   4   5   6   7   8   9
# last                       10  11  12  13  14  12  11  13  15   9
# highest of the 3 before                12  13  14  14  14  13  15
# lowest of the 3 before                 10  11  12  12  11  11  11
# highest of the 2 before                12  13  14  14  12  13  15
# lowest of the 2 before                 11  12  13  12  11  11  13
# side                                   +1  +1   0  -1   0  +1  -1
PRICES = [10.0, 11.0, 12.0, 13.0, 14.0, 12.0, 11.0, 13.0, 15.0, 9.0]


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, signal.signal_strength) for number, signal in signals]


def test_follows_breaks_of_the_wide_channel_and_leaves_at_the_narrow_one(
    make: Make, tick: Tick, drive: Drive
) -> None:
    updates = [tick(i, price) for i, price in enumerate(PRICES)]
    signals = drive(make("donchian", entry=3, exit=2), updates)
    assert outline(signals) == [(3, 1.0), (5, 0.0), (6, -1.0), (7, 0.0), (8, 1.0), (9, -1.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_long_only_is_flat_instead_of_short(make: Make, tick: Tick, drive: Drive) -> None:
    updates = [tick(i, price) for i, price in enumerate(PRICES)]
    signals = drive(make("donchian", entry=3, exit=2, long_only=True), updates)
    assert outline(signals) == [(3, 1.0), (5, 0.0), (8, 1.0), (9, 0.0)]


def test_a_price_at_the_edge_of_its_channel_has_not_broken_it(make: Make, tick: Tick, drive: Drive) -> None:
    prices = [10.0, 12.0, 11.0] * 4
    assert drive(make("donchian", entry=3, exit=1), [tick(i, price) for i, price in enumerate(prices)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, math.nan, 11.0, 0.0, 12.0, math.inf, -5.0, 13.0]
    signals = drive(make("donchian", entry=3, exit=2), [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(7, 1.0)]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"exit": 61}, "1 <= exit <= entry, found exit=61 and entry=60"),
        ({"exit": 0}, "found exit=0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("donchian", **config)
