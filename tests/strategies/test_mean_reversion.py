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


def test_trades_against_stretched_prices_and_leaves_at_the_mean(make: Make, tick: Tick, drive: Drive) -> None:
    # update             4     5      6      7     8
    # last 10 10 10 10  12    10      8      8    11
    # mean of 5       10.4  10.4   10.0    9.6   9.8
    # deviation        0.8   0.8   1.26   1.50   1.6
    # z                2.0  -0.5  -1.58  -1.07  0.75
    prices = [10.0, 10.0, 10.0, 10.0, 12.0, 10.0, 8.0, 8.0, 11.0]
    strategy = make("mean_reversion", window=5, entry=1.5, exit=0.6, stop=3.0)
    signals = drive(strategy, [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(4, -1.0), (5, 0.0), (6, 1.0), (8, 0.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_beyond_the_stop_it_leaves_and_waits_for_the_mean(make: Make, tick: Tick, drive: Drive) -> None:
    # nine prices around 10, then 13: mean 10.2, deviation 1.327, z 2.11: short
    # then 20: mean 11.3, deviation 3.164, z 2.75: beyond 2.7, out
    # then 20: mean 12.2, deviation 4.094, z 1.905: above the entry of 1.9, but waiting
    prices = [9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 13.0, 20.0, 20.0]
    strategy = make("mean_reversion", window=10, entry=1.9, exit=0.5, stop=2.7)
    assert outline(drive(strategy, [tick(i, price) for i, price in enumerate(prices)])) == [
        (9, -1.0),
        (10, 0.0),
    ]


def test_a_jump_beyond_the_stop_is_not_traded(make: Make, tick: Tick, drive: Drive) -> None:
    # nine times 10, then 11: z = sqrt(9) = 3; again 11: z = 0.8 / 0.4 = 2
    updates = [tick(i, price) for i, price in enumerate([10.0] * 9 + [11.0, 11.0])]
    assert drive(make("mean_reversion", window=10, entry=1.9, exit=0.5, stop=2.9), updates) == []
    traded = drive(make("mean_reversion", window=10, entry=1.9, exit=0.5, stop=3.1), updates)
    assert outline(traded) == [(9, -1.0)]


def test_a_bad_tick_is_forgotten_when_the_window_has_turned_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, 10.0, 10.0, 10.0, 12.0, 10.0, 8.0, 8.0, 11.0]
    before = [10.0, 1e15] + [10.0] * 10
    strategy = make("mean_reversion", window=5, entry=1.5, exit=0.6, stop=1.9)
    signals = drive(strategy, [tick(i, price) for i, price in enumerate(before + prices)])
    clean = drive(
        make("mean_reversion", window=5, entry=1.5, exit=0.6, stop=1.9),
        [tick(i, p) for i, p in enumerate(prices)],
    )
    assert [(number - len(before), strength) for number, strength in outline(signals)] == outline(clean)
    assert outline(clean) == [(6, 1.0), (8, 0.0)]


def test_nothing_happens_while_the_price_stands_still(make: Make, tick: Tick, drive: Drive) -> None:
    assert drive(make("mean_reversion", window=7), [tick(i, 0.1) for i in range(50)]) == []


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, 10.0, math.nan, 10.0, -3.0, 10.0, math.inf, 12.0, 0.0, 10.0]
    strategy = make("mean_reversion", window=5, entry=1.5, exit=0.6, stop=3.0)
    assert outline(drive(strategy, [tick(i, price) for i, price in enumerate(prices)])) == [
        (7, -1.0),
        (9, 0.0),
    ]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"entry": 0.5}, "found exit=0.5, entry=0.5 and stop=4.0"),
        ({"stop": 2.0}, "found exit=0.5, entry=2.0 and stop=2.0"),
        ({"exit": -1.0}, "found exit=-1.0"),
        ({"window": 5}, r"entry < sqrt\(window - 1\), found entry=2.0 and window=5"),
        ({"window": 2, "entry": 0.9}, "window >= 3"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("mean_reversion", **config)
