from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, float]]:
    return [(number, signal.signal_strength) for number, signal in signals]


def test_buys_at_the_cross_up_and_is_flat_after_the_cross_down(make: Make, tick: Tick, drive: Drive) -> None:
    # last        10    9    8    9   11   12   10    8
    # mean of 2        9.5  8.5  8.5  10  11.5  11    9
    # mean of 3             9  8.67 9.33 10.67 11   10
    # above                 no   no  yes  yes   no   no     (11 against 11 is a tie, and a tie is not above)
    prices = [10.0, 9.0, 8.0, 9.0, 11.0, 12.0, 10.0, 8.0]
    signals = drive(make("sma_cross", fast=2, slow=3), [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(4, 1.0), (6, 0.0)]
    assert signals[0][1].metadata == {"venue": "exchange-1"}


def test_waits_for_a_cross_when_prices_rise_from_the_start(make: Make, tick: Tick, drive: Drive) -> None:
    rising = [tick(i, 10.0 + i) for i in range(20)]
    assert drive(make("sma_cross", fast=2, slow=3), rising) == []


def test_each_venue_has_windows_of_its_own(make: Make, tick: Tick, drive: Drive) -> None:
    prices = [10.0, 9.0, 8.0, 9.0, 11.0, 12.0, 10.0, 8.0]
    falling = [100.0 - i for i in range(8)]
    updates = [
        update for i in range(8) for update in (tick(i, prices[i]), tick(i, falling[i], venue="exchange-2"))
    ]
    assert outline(drive(make("sma_cross", fast=2, slow=3), updates)) == [(8, 1.0), (12, 0.0)]


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive
) -> None:
    prices = [10.0, math.nan, 9.0, 8.0, math.inf, 9.0, -1.0, 11.0, 0.0, 12.0, 10.0, 8.0]
    signals = drive(make("sma_cross", fast=2, slow=3), [tick(i, price) for i, price in enumerate(prices)])
    assert outline(signals) == [(7, 1.0), (10, 0.0)]


@pytest.mark.parametrize(("fast", "slow"), [(50, 10), (10, 10), (0, 5), (-1, 5)])
def test_refuses_windows_out_of_order(make: Make, fast: int, slow: int) -> None:
    with pytest.raises(ParameterError, match=rf"1 <= fast < slow, found fast={fast} and slow={slow}"):
        make("sma_cross", fast=fast, slow=slow)
