from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

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


def fill(strategy: TradingStrategy, venue: str, quantity: float) -> None:
    strategy.on_order_fill(
        OrderFill(1, 0, 1, "test", "BTC-USD", venue, quantity, 100.0, 0.0, 0.0, "taker", 0)
    )


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
    assert signals == {1: [("exchange-1", -1.0), ("exchange-2", 1.0)]}


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


def test_a_leg_that_is_never_filled_is_given_up_and_the_symbol_rests_until_its_gap_has_closed(
    make: Make, quotes: Quotes
) -> None:
    strategy = make("arbitrage")
    updates = quotes(
        (0, 1, 100.0),
        (0, 2, 100.2),  # 20 bps: opened
        (
            1,
            1,
            100.0,
        ),  # the first leg is filled, and the pair asked for again; the second leg is refused for good
        (1, 2, 100.2),  # in vain for 1 update, 2, 3: asked for
        (2, 1, 100.0),
        (2, 2, 100.2),
        (3, 1, 100.0),  # 4 updates, but only 120 seconds: waits
        (3, 2, 100.2),
        (4, 1, 100.0),  # 180 seconds: both legs are unwound
        (4, 2, 100.2),  # the first leg is flat again: over
        (5, 1, 100.0),  # rests, though the gap is open
        (5, 2, 100.2),
        (6, 1, 100.2),  # closed: the rest is over
        (6, 2, 100.5),
    )
    found = {}
    for number, update in enumerate(updates):
        if number == 2:
            fill(strategy, "exchange-1", 1.0)
        if number == 9:
            fill(strategy, "exchange-1", -1.0)
        signals = strategy.on_market_data(update)
        if signals:
            found[number] = [(signal.metadata["venue"], signal.signal_strength) for signal in signals]
    opened = dict.fromkeys((1, 2, 3, 4, 5), BUY_ONE_SELL_TWO)
    assert found == opened | {8: FLAT, 9: FLAT, 13: BUY_ONE_SELL_TWO}


def test_a_pair_that_somebody_else_has_reduced_is_unwound_and_its_symbol_rests(
    make: Make, quotes: Quotes
) -> None:
    strategy = make("arbitrage")
    fills = {2: ("exchange-1", 1.0), 3: ("exchange-2", -1.0)}
    fills[5] = ("exchange-2", 1.0)  # a breaker liquidates what it can
    fills[6] = ("exchange-1", -1.0)
    # 20 bps all along
    updates = quotes(
        *((minute, number, 100.0 + 0.2 * (number - 1)) for minute in range(5) for number in (1, 2))
    )
    found = {}
    for number, update in enumerate(updates):
        if number in fills:
            fill(strategy, *fills[number])
        signals = strategy.on_market_data(update)
        if signals:
            found[number] = [(signal.metadata["venue"], signal.signal_strength) for signal in signals]
    assert found == {1: BUY_ONE_SELL_TWO, 2: BUY_ONE_SELL_TWO, 5: FLAT, 6: FLAT}


def test_a_leg_that_cannot_be_unwound_is_asked_for_every_now_and_then(make: Make, quotes: Quotes) -> None:
    strategy = make("arbitrage")
    found = []
    # 20 bps in the first minute and none after it; the first leg is filled, and the way out is blocked
    rows = [(0, 1, 100.0), (0, 2, 100.2)]
    rows += [(minute, number, 100.0) for minute in range(1, 9) for number in (1, 2)]
    for number, update in enumerate(quotes(*rows)):
        if number == 2:
            fill(strategy, "exchange-1", 1.0)
        if strategy.on_market_data(update):
            found.append(number)
    # opened, asked for again when a leg was filled; unwound from update 3 on, four times in a row; then once more than
    # 120 seconds after minute 1 (update 8, in minute 4), and than 120 seconds after that
    assert found == [1, 2, 3, 4, 5, 6, 8, 14]


def test_a_breach_by_itself_changes_nothing(make: Make, drive: Drive, quotes: Quotes) -> None:
    """A sweep could not follow it: what is done about a breach follows from the positions that it leaves."""
    rows = [(0, 1, 100.0), (0, 2, 100.2), (1, 1, 100.0), (1, 2, 100.2)]
    told, untold = make("arbitrage"), make("arbitrage")
    first = outline(drive(told, quotes(*rows[:2])))
    assert first == outline(drive(untold, quotes(*rows[:2]))) == {1: BUY_ONE_SELL_TWO}
    told.on_risk_breach(breach("BTC-USD"))
    assert outline(drive(told, quotes(*rows[2:]))) == outline(drive(untold, quotes(*rows[2:])))


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
        ({"min_spread_bps": 2.0}, "found close_spread_bps=2.0, min_spread_bps=2.0 and max_spread_bps=500.0"),
        ({"min_spread_bps": 600.0}, "min_spread_bps=600.0 and max_spread_bps=500.0"),
        (
            {"min_spread_bps": -1.0, "close_spread_bps": -2.0},
            "expected min_spread_bps > 0, found min_spread_bps=-1.0",
        ),
        ({"max_position_size": 0.0}, "expected max_position_size > 0"),
        ({"max_age_seconds": 0.0}, "expected max_age_seconds > 0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("arbitrage", **config)
