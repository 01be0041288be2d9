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

SMALL: dict[str, Any] = {"window": 4, "entry": 1.2, "exit": 0.5, "stop": 1.7}
# minute      0   1   2     3     4      5
# hedge      10  20  10    20    10     20
# asset      20  40  20    44    20     36
# ratio                   2.2   2.2    2.0    (sum of mixed deviations 220, 220, 200 by squared ones of the hedge, 100)
# residual                  2     0     -4
# deviation             1.414 1.414  2.828    (variance 8 / 4, 8 / 4, 32 / 4)
# z                     1.414     0 -1.414
HEDGE = [10.0, 20.0, 10.0, 20.0, 10.0, 20.0]
ASSET = [20.0, 40.0, 20.0, 44.0, 20.0, 36.0]


def outline(signals: list[tuple[int, MarketSignal]]) -> list[tuple[int, str, float]]:
    return [(number, signal.symbol, round(signal.signal_strength, 9)) for number, signal in signals]


@pytest.fixture
def both(tick: Tick) -> list[PriceUpdate]:
    return [
        update
        for i, (hedge, asset) in enumerate(zip(HEDGE, ASSET, strict=True))
        for update in (tick(i, hedge, symbol="BTC-USD"), tick(i, asset, symbol="ETH-USD"))
    ]


def test_sells_the_dear_leg_buys_the_cheap_one_and_closes_at_the_relation(
    make: Make, drive: Drive, both: list[PriceUpdate]
) -> None:
    signals = drive(make("pairs", **SMALL), both)
    assert outline(signals) == [
        (7, "ETH-USD", round(-1 / 2.2, 9)),
        (7, "BTC-USD", 1.0),
        (9, "ETH-USD", 0.0),
        (9, "BTC-USD", 0.0),
        (11, "ETH-USD", 0.5),
        (11, "BTC-USD", -1.0),
    ]
    assert all(signal.metadata == {"venue": "exchange-1"} for _, signal in signals)


def test_the_order_of_the_legs_within_a_minute_does_not_matter(
    make: Make, drive: Drive, both: list[PriceUpdate]
) -> None:
    swapped = [both[i ^ 1] for i in range(len(both))]
    assert outline(drive(make("pairs", **SMALL), swapped)) == outline(drive(make("pairs", **SMALL), both))


def test_a_minute_in_which_one_leg_has_no_price_is_no_sample(
    make: Make, tick: Tick, drive: Drive, both: list[PriceUpdate]
) -> None:
    # the asset alone, far off, in minutes that have no price of the hedge
    alone = [tick(i + 100, 1000.0, symbol="ETH-USD") for i in range(10)]
    later = [tick(update.sequence + 200, update.last, symbol=update.symbol) for update in both[4:]]
    signals = outline(drive(make("pairs", **SMALL), [*both[:4], *alone, *later]))
    assert [(number - 10, symbol, strength) for number, symbol, strength in signals] == outline(
        drive(make("pairs", **SMALL), both)
    )


def test_only_the_first_venue_and_the_first_price_of_a_slice_count(
    make: Make, tick: Tick, drive: Drive, both: list[PriceUpdate]
) -> None:
    noise = [
        update
        for i in range(6)
        for update in (
            both[2 * i],
            both[2 * i + 1],
            tick(i, 500.0, symbol="ETH-USD", venue="exchange-2"),
            tick(i + 0.5, 500.0, symbol="ETH-USD"),
            tick(i, 500.0, symbol="XRP-USD"),
        )
    ]
    signals = outline(drive(make("pairs", **SMALL), noise))
    assert [number for number, _, _ in signals] == [16, 16, 21, 21, 26, 26]


def test_a_venue_can_be_named(make: Make, drive: Drive, both: list[PriceUpdate]) -> None:
    assert drive(make("pairs", **SMALL, venue="exchange-2"), both) == []


def test_legs_that_move_against_each_other_are_no_pair(make: Make, tick: Tick, drive: Drive) -> None:
    # asset = 60 - 2 x hedge, and 4 more at the end: ratio -1.8, z 1.414
    assets = [40.0, 20.0, 40.0, 24.0]
    updates = [
        update
        for i in range(4)
        for update in (tick(i, HEDGE[i], symbol="BTC-USD"), tick(i, assets[i], symbol="ETH-USD"))
    ]
    assert drive(make("pairs", **SMALL), updates) == []


def test_beyond_the_stop_no_pair_is_opened(make: Make, drive: Drive, both: list[PriceUpdate]) -> None:
    # every |z| of 1.414 lies above the entry, and beyond a stop of 1.4 as well
    assert drive(make("pairs", window=4, entry=1.2, exit=0.5, stop=1.4), both) == []


def test_a_bad_tick_is_forgotten_when_the_window_has_turned_over(
    make: Make, tick: Tick, drive: Drive, both: list[PriceUpdate]
) -> None:
    bad = [
        update
        for i, price in enumerate(
            [20.1, 20.3, 20.2, 20.7, 20.1, 1.2345678e15, 20.7, 20.3, 20.1, 20.9, 20.2, 20.4]
        )
        for update in (tick(i, 10.1 + i % 3, symbol="BTC-USD"), tick(i, price, symbol="ETH-USD"))
    ]
    later = [tick(update.sequence + 100, update.last, symbol=update.symbol) for update in both]
    signals = outline(drive(make("pairs", **SMALL), bad + later))
    after = [
        (number - len(bad), symbol, strength) for number, symbol, strength in signals if number >= len(bad)
    ]
    assert after[:2] == outline(drive(make("pairs", **SMALL), both))[:2]


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, tick: Tick, drive: Drive, both: list[PriceUpdate]
) -> None:
    bad = [tick(i, price, symbol="BTC-USD") for i, price in enumerate([math.nan, math.inf, -1.0, 0.0])]
    mixed = [update for i in range(6) for update in (*bad[i : i + 1], *both[2 * i : 2 * i + 2])]
    signals = drive(make("pairs", **SMALL), mixed)
    assert [(s.symbol, s.signal_strength) for _, s in signals] == [
        (s.symbol, s.signal_strength) for _, s in drive(make("pairs", **SMALL), both)
    ]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"hedge": "ETH-USD"}, "asset and hedge must differ, found 'ETH-USD' for both"),
        ({"exit": 2.0}, "found exit=2.0, entry=2.0 and stop=4.0"),
        ({"window": 5}, r"entry < sqrt\(window - 1\), found entry=2.0 and window=5"),
        ({"window": 2, "entry": 0.9}, "window >= 3, found window=2"),
        ({"sample_seconds": 0}, "sample_seconds=0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("pairs", **config)
