from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, PriceUpdate, RiskBreach, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]
Quotes = Callable[..., list[PriceUpdate]]

BUY_ONE_SELL_TWO = [("exchange-1", 1.0), ("exchange-2", -1.0)]
FLAT = [("exchange-1", 0.0), ("exchange-2", 0.0)]


@pytest.fixture
def quotes(tick: Tick) -> Quotes:
    """quotes((minute, venue number, price), ...): the updates."""

    def updates(*rows: tuple[float, int, float]) -> list[PriceUpdate]:
        return [tick(minute, price, venue=f"exchange-{number}") for minute, number, price in rows]

    return updates


def outline(signals: list[tuple[int, MarketSignal]]) -> dict[int, list[tuple[str, float]]]:
    found: dict[int, list[tuple[str, float]]] = {}
    for number, signal in signals:
        found.setdefault(number, []).append((signal.metadata["venue"], signal.signal_strength))
    return found


def breach(symbol: str) -> RiskBreach:
    return RiskBreach("position_limit", "test", symbol, "exchange-1", 2.0, 1.0, 0)


def test_buys_cheap_sells_dear_and_unwinds_when_the_prices_meet(
    make: Make, drive: Drive, quotes: Quotes
) -> None:
    updates = quotes(
        (0, 1, 100.0),
        (0, 2, 100.2),  # 20 bps: open
        (1, 1, 100.05),  # 15.0 bps: still open, repeated; the first leg is filled
        (1, 2, 100.1),  # 5 bps, between 2 and 10: hold; the second leg is filled
        (2, 1, 100.1),  # 0 bps: unwind
        (2, 2, 100.1),  # the second leg is flat, the first not yet: repeated
        (3, 1, 100.1),  # both are flat: over
        (3, 2, 100.1),
    )
    signals = outline(drive(make("arbitrage"), updates))
    assert signals == {1: BUY_ONE_SELL_TWO, 2: BUY_ONE_SELL_TWO, 4: FLAT, 5: FLAT, 6: FLAT}


def test_a_pair_whose_legs_balance_is_not_asked_for_again(make: Make, drive: Drive, quotes: Quotes) -> None:
    # 20 bps all along: opened in minute 0, the first leg filled and the pair asked for again in minute 1, then whole
    rows = [row for minute in range(4) for row in ((minute, 1, 100.0), (minute, 2, 100.2))]
    assert outline(drive(make("arbitrage"), quotes(*rows))) == {1: BUY_ONE_SELL_TWO, 2: BUY_ONE_SELL_TWO}


def test_either_venue_may_be_the_cheap_one(make: Make, drive: Drive, quotes: Quotes) -> None:
    signals = outline(drive(make("arbitrage"), quotes((0, 1, 100.2), (0, 2, 100.0))))
    assert signals == {1: [("exchange-2", 1.0), ("exchange-1", -1.0)]}


@pytest.mark.parametrize(("dear", "traded"), [(100.1, False), (100.11, True), (104.9, True), (105.1, False)])
def test_the_gap_must_lie_above_the_minimum_and_be_believable(
    make: Make, drive: Drive, quotes: Quotes, dear: float, traded: bool
) -> None:
    assert bool(drive(make("arbitrage"), quotes((0, 1, 100.0), (0, 2, dear)))) is traded


def test_of_three_venues_the_extremes_are_traded_and_followed(
    make: Make, drive: Drive, quotes: Quotes
) -> None:
    updates = quotes((0, 1, 100.0), (0, 2, 100.05), (0, 3, 100.2), (1, 2, 99.0), (1, 1, 100.2))
    strategy = make("arbitrage", venues=["exchange-1", "exchange-2", "exchange-3"])
    signals = outline(drive(strategy, updates))
    opened = [("exchange-1", 1.0), ("exchange-3", -1.0)]
    # minute 1: the second venue is no leg of the pair, which is still open; then the first meets the third
    assert signals == {2: opened, 3: opened, 4: [("exchange-1", 0.0), ("exchange-3", 0.0)]}


def test_a_venue_that_was_not_named_is_ignored(make: Make, drive: Drive, quotes: Quotes) -> None:
    assert drive(make("arbitrage"), quotes((0, 1, 100.0), (0, 3, 101.0), (1, 1, 100.0))) == []


def test_an_old_price_is_not_compared(make: Make, drive: Drive, quotes: Quotes) -> None:
    assert drive(make("arbitrage"), quotes((0, 2, 101.0), (2.1, 1, 100.0))) == []
    assert drive(make("arbitrage"), quotes((0, 2, 101.0), (2.0, 1, 100.0))) != []


def test_an_open_pair_is_held_while_one_venue_is_silent_or_shows_a_wild_price(
    make: Make, drive: Drive, quotes: Quotes
) -> None:
    updates = quotes((0, 1, 100.0), (0, 2, 100.2), (10, 1, 100.0), (20, 1, 90.0), (20, 2, 100.2))
    assert list(outline(drive(make("arbitrage"), updates))) == [1]


def test_a_breach_unwinds_and_the_symbol_rests_until_its_gap_has_closed(
    make: Make, drive: Drive, quotes: Quotes
) -> None:
    strategy = make("arbitrage")
    assert outline(drive(strategy, quotes((0, 1, 100.0), (0, 2, 100.2)))) == {1: BUY_ONE_SELL_TWO}
    strategy.on_risk_breach(breach("ETH-USD"))
    assert outline(drive(strategy, quotes((1, 1, 100.0)))) == {0: BUY_ONE_SELL_TWO}
    strategy.on_risk_breach(breach("BTC-USD"))
    # no leg was ever filled, so one round of zeros ends the pair
    updates = quotes(
        (2, 1, 100.0),
        (2, 2, 100.2),  # resting
        (3, 1, 100.2),  # closed: the rest is over
        (3, 2, 100.5),
    )
    assert outline(drive(strategy, updates)) == {0: FLAT, 3: BUY_ONE_SELL_TWO}


def test_prices_that_are_not_numbers_or_not_positive_are_passed_over(
    make: Make, drive: Drive, quotes: Quotes
) -> None:
    for bad in (math.nan, math.inf, 0.0, -1.0):
        assert drive(make("arbitrage"), quotes((0, 1, 100.0), (0, 2, bad), (1, 1, 100.0))) == []


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"venues": ["exchange-1"]}, r"two or more venues, found \['exchange-1'\]"),
        ({"venues": ["exchange-1", "exchange-1"]}, "two or more venues"),
        ({"min_spread_bps": 2.0}, "found 2.0, 2.0 and 500.0"),
        ({"min_spread_bps": 600.0}, "found 2.0, 600.0 and 500.0"),
        ({"min_spread_bps": -1.0, "close_spread_bps": -2.0}, "min_spread_bps must be above 0, found -1.0"),
        ({"max_position_size": 0.0}, "max_position_size must be above 0"),
        ({"max_age_seconds": 0.0}, "max_age_seconds must be above 0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("arbitrage", **config)
