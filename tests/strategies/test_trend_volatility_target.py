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

HUNDREDTH = 5259.6  # minutes in a hundredth of a year of 365.25 days
SMALL: dict[str, Any] = {
    "fast": 1,
    "slow": 3,
    "volatility_span": 1,
    "target_volatility": 0.5,
    "rebalance": 0.1,
}
# A hundredth of a year between updates: volatility is ten times the last return. The fast average is the price
# itself; the slow one moves half way.
#
# update          0      1      2        3        4        5
# return                10%    10%       5%     5.2%    -10%
# last          100    110    121   127.05   133.66   120.29
# slow          100    105    113   120.03   126.84   123.57
# volatility                  1.0      0.5     0.52      1.0
# wanted                     +0.5     +1.0   +0.962     -0.5
PRICES = [100.0, 110.0, 121.0, 127.05, 127.05 * 1.052, 127.05 * 1.052 * 0.9]


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, round(signal.signal_strength, 9)) for number, signal in signals]


def test_size_shrinks_with_volatility_and_small_changes_are_not_traded(
    make: Make, tick: Tick, drive: Drive
) -> None:
    updates = [tick(i * HUNDREDTH, price) for i, price in enumerate(PRICES)]
    signals = drive(make("trend_volatility_target", **SMALL), updates)
    assert outline(signals) == [(2, 0.5), (3, 1.0), (5, -0.5)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_long_only_is_flat_below_the_trend(make: Make, tick: Tick, drive: Drive) -> None:
    updates = [tick(i * HUNDREDTH, price) for i, price in enumerate(PRICES)]
    signals = drive(make("trend_volatility_target", **SMALL, long_only=True), updates)
    assert outline(signals) == [(2, 0.5), (3, 1.0), (5, 0.0)]


def test_a_small_short_is_opened_like_a_small_long(make: Make, tick: Tick, drive: Drive) -> None:
    # a target of 5 % against a volatility of 1.0: 0.05, less than the rebalance step, yet a position from none
    config = {**SMALL, "target_volatility": 0.05}
    for factor, side in ((1.1, 1.0), (0.9, -1.0)):
        updates = [tick(i * HUNDREDTH, 100.0 * factor**i) for i in range(3)]
        assert outline(drive(make("trend_volatility_target", **config), updates)) == [(2, side * 0.05)]


def test_the_same_move_in_a_quarter_of_the_time_is_twice_the_volatility(
    make: Make, tick: Tick, drive: Drive
) -> None:
    updates = [tick(i * HUNDREDTH / 4, price) for i, price in enumerate(PRICES[:3])]
    assert outline(drive(make("trend_volatility_target", **SMALL), updates)) == [(2, 0.25)]


def test_nothing_happens_while_price_or_time_stand_still(make: Make, tick: Tick, drive: Drive) -> None:
    assert drive(make("trend_volatility_target", **SMALL), [tick(i, 100.0) for i in range(10)]) == []
    assert drive(make("trend_volatility_target", **SMALL), [tick(0, 100.0 + i) for i in range(10)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [100.0, math.nan, 110.0, 0.0, math.inf, 121.0]
    minutes = [0.0, 0.5, 1.0, 1.2, 1.5, 2.0]
    updates = [tick(minute * HUNDREDTH, price) for minute, price in zip(minutes, prices, strict=True)]
    assert outline(drive(make("trend_volatility_target", **SMALL), updates)) == [(5, 0.5)]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"fast": 100}, "1 <= fast < slow, found fast=100 and slow=100"),
        ({"fast": 0}, "found fast=0"),
        ({"volatility_span": 0}, "volatility_span=0"),
        ({"target_volatility": 0.0}, "target_volatility > 0, found target_volatility=0.0"),
        ({"rebalance": 1.0}, "rebalance=1.0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("trend_volatility_target", **config)
