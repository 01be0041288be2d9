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


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, signal.signal_strength) for number, signal in signals]


def test_follows_straight_moves_and_leaves_when_they_turn(make: Make, tick: Tick, drive: Drive) -> None:
    # update       0    1    2    3    4    5     6    7     8
    # last       100  101  102  101  103  102   100   99    98
    # |move|            1    1    1    2    1     2    1     1
    # path of 4                        5    5     6    6     5
    # net of 4                         3    1    -2   -2    -5
    # efficiency                     0.6  0.2 -0.33 -0.33 -1.0
    prices = [100.0, 101.0, 102.0, 101.0, 103.0, 102.0, 100.0, 99.0, 98.0]
    strategy = make("momentum", lookback=4, entry=0.5, exit=0.1)
    signals = drive(strategy, [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(4, 1.0), (6, 0.0), (8, -1.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_a_move_that_is_no_longer_straight_is_left_before_it_turns(
    make: Make, tick: Tick, drive: Drive
) -> None:
    # efficiency 3 / 5 in update 4; 1 / 5 in update 5, in the same direction and below the exit
    prices = [100.0, 101.0, 102.0, 101.0, 103.0, 102.0]
    strategy = make("momentum", lookback=4, entry=0.5, exit=0.25)
    assert outline(drive(strategy, [tick(i, price) for i, price in enumerate(prices)])) == [
        (4, 1.0),
        (5, 0.0),
    ]


def test_turns_from_long_to_short_in_one_signal(make: Make, tick: Tick, drive: Drive) -> None:
    # last 10 11 12 9: net of 2 moves +2 of 2, then -2 of 4 = -0.5
    signals = drive(
        make("momentum", lookback=2, entry=0.5, exit=0.0),
        [tick(i, price) for i, price in enumerate([10.0, 11.0, 12.0, 9.0])],
    )
    assert outline(signals) == [(2, 1.0), (3, -1.0)]


def test_the_same_shape_gives_the_same_signals_at_any_price_level(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [100.0, 101.0, 102.0, 101.0, 103.0, 102.0, 100.0, 99.0, 98.0]
    low, high = (
        outline(
            drive(make("momentum", lookback=4, entry=0.5), [tick(i, k * p) for i, p in enumerate(prices)])
        )
        for k in (0.125, 512.0)
    )
    assert low == high == [(4, 1.0), (6, 0.0), (8, -1.0)]


def test_nothing_happens_while_the_price_stands_still(make: Make, tick: Tick, drive: Drive) -> None:
    assert drive(make("momentum", lookback=3), [tick(i, 0.1) for i in range(20)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, math.nan, 11.0, math.inf, 12.0, 0.0, 9.0]
    strategy = make("momentum", lookback=2, entry=0.5, exit=0.0)
    assert outline(drive(strategy, [tick(i, price) for i, price in enumerate(prices)])) == [
        (4, 1.0),
        (6, -1.0),
    ]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"lookback": 1}, "lookback >= 2, found lookback=1"),
        ({"entry": 0.2, "exit": 0.2}, "found exit=0.2 and entry=0.2"),
        ({"entry": 1.5}, "found exit=0.0 and entry=1.5"),
        ({"exit": -0.1}, "found exit=-0.1 and entry=0.3"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("momentum", **config)
