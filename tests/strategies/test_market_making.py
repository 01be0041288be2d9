from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.errors import ParameterError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]

# A fixed half spread of 1 %, quotes from the first update on and anew at every second one.
SMALL: dict[str, Any] = {
    "half_spread_bps": 100.0,
    "volatility_span": 1,
    "volatility_multiple": 0.0,
    "skew": 0.5,
    "refresh": 2,
    "quote_share": 0.25,
}


def quotes(signals: list[MarketSignal]) -> list[tuple[float, float, int]]:
    """(strength, limit price, client order id) of the orders among `signals`."""
    return [
        (s.signal_strength, round(s.metadata["limit_price"], 9), s.metadata["client_order_id"])
        for s in signals
        if s.metadata.get("action") != "cancel"
    ]


def cancels(signals: list[MarketSignal]) -> list[int]:
    return [s.metadata["client_order_id"] for s in signals if s.metadata.get("action") == "cancel"]


def fill(client_order_id: int, quantity: float, leaves: float = 0.0) -> OrderFill:
    return OrderFill(
        order_id=client_order_id,
        client_order_id=client_order_id,
        execution_id=1,
        strategy_id="test",
        symbol="BTC-USD",
        venue="exchange-1",
        quantity=quantity,
        price=99.0,
        fee=0.0,
        leaves=leaves,
        liquidity="maker",
        timestamp_ns=0,
    )


def test_quotes_both_sides_of_the_mid_and_renews_them_on_schedule(make: Make, tick: Tick) -> None:
    strategy = make("market_making", **SMALL)
    first = strategy.on_market_data(tick(0, 100.0, half=0.01))
    assert quotes(first) == [(0.25, 99.0, 1), (-0.25, 101.0, 2)]
    assert first[0].metadata == {
        "order_type": "limit",
        "limit_price": 99.0,
        "post_only": True,
        "time_in_force": "GTC",
        "venue": "exchange-1",
        "client_order_id": 1,
    }
    assert strategy.on_market_data(tick(1, 105.0)) == []
    third = strategy.on_market_data(tick(2, 110.0))
    assert (cancels(third), quotes(third)) == ([1, 2], [(0.25, 108.9, 3), (-0.25, 111.1, 4)])
    assert third[0].metadata == {"action": "cancel", "venue": "exchange-1", "client_order_id": 1}
    assert third[0].signal_strength == 0.0


def test_leans_against_its_inventory(make: Make, tick: Tick) -> None:
    # a quarter of the limit held, skew 0.5: the bid 1.125 half spreads below, the offer 0.875 above
    strategy = make("market_making", **SMALL)
    strategy.positions["BTC-USD"] = 0.25
    assert quotes(strategy.on_market_data(tick(0, 100.0))) == [(0.25, 98.875, 1), (-0.25, 100.875, 2)]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (0.75, [(0.25, 98.625, 1), (-0.25, 100.625, 2)]),  # one more quote just fits
        (0.8, [(-0.25, 100.6, 1)]),
        (1.5, [(-0.25, 100.5, 1)]),  # beyond the limit it leans no further than at it
        (-1.0, [(0.25, 99.5, 1)]),
    ],
)
def test_a_side_that_would_exceed_the_position_size_is_not_quoted(
    make: Make, tick: Tick, held: float, expected: list[tuple[float, float, int]]
) -> None:
    strategy = make("market_making", **SMALL)
    strategy.positions["BTC-USD"] = held
    assert quotes(strategy.on_market_data(tick(0, 100.0))) == expected


def test_a_quote_that_was_filled_whole_is_not_cancelled(make: Make, tick: Tick) -> None:
    strategy = make("market_making", **SMALL)
    strategy.on_market_data(tick(0, 100.0))
    strategy.on_order_fill(fill(1, 0.1, leaves=0.15))
    strategy.on_order_fill(fill(2, -0.25))
    strategy.on_market_data(tick(1, 100.0))
    assert cancels(strategy.on_market_data(tick(2, 100.0))) == [1]


@pytest.mark.parametrize("half", [-0.5, math.nan, math.inf, 200.0])
def test_pulls_its_quotes_where_there_is_no_sound_market(make: Make, tick: Tick, half: float) -> None:
    strategy = make("market_making", **SMALL)
    strategy.on_market_data(tick(0, 100.0))
    pulled = strategy.on_market_data(tick(1, 100.0, half=half))
    assert (cancels(pulled), quotes(pulled)) == ([1, 2], [])
    assert strategy.on_market_data(tick(2, 100.0, half=half)) == []


def test_the_spread_follows_volatility_and_stops_at_its_maximum(make: Make, tick: Tick) -> None:
    # span 1: the usual move is the last one.  2 % in one update, refresh 4: 0.02 x sqrt(4) = 4 % either side
    config = {**SMALL, "volatility_multiple": 1.0, "refresh": 4}
    for limit, expected in ((500.0, [(0.25, 96.0, 3), (-0.25, 104.0, 4)]), (300.0, [])):
        strategy = make("market_making", **config, max_half_spread_bps=limit)
        for minute, last in enumerate([100.0, 100.0, 100.0, 100.0 / 1.02]):
            strategy.on_market_data(tick(minute, last))
        signals = strategy.on_market_data(tick(4, 100.0))
        assert (cancels(signals), quotes(signals)) == ([1, 2], expected)


def test_waits_until_it_knows_the_usual_move(make: Make, tick: Tick, drive: Drive) -> None:
    strategy = make("market_making", volatility_span=3, refresh=2)
    signals = drive(strategy, [tick(i, 100.0) for i in range(7)])
    assert sorted({number for number, _ in signals}) == [2, 4, 6]


def test_each_venue_has_quotes_of_its_own(make: Make, tick: Tick) -> None:
    strategy = make("market_making", **SMALL)
    assert quotes(strategy.on_market_data(tick(0, 100.0))) == [(0.25, 99.0, 1), (-0.25, 101.0, 2)]
    other = strategy.on_market_data(tick(0, 200.0, venue="exchange-2"))
    assert quotes(other) == [(0.25, 198.0, 3), (-0.25, 202.0, 4)]
    assert {signal.metadata["venue"] for signal in other} == {"exchange-2"}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"half_spread_bps": 0.0}, "half_spread_bps from 0.01 to 500.0, found 0.0"),
        ({"half_spread_bps": 600.0}, "half_spread_bps from 0.01 to 500.0, found 600.0"),
        ({"max_half_spread_bps": 6000.0}, "max_half_spread_bps from 0.01 to 4000"),
        ({"skew": 1.0}, "skew from 0 to 0.99, found 1.0"),
        ({"refresh": 0}, "refresh from 1 to inf, found 0"),
        ({"max_position_size": 0.0}, "max_position_size from 1e-09"),
        ({"quote_share": 1.5}, "quote_share from 1e-06 to 1, found 1.5"),
        ({"volatility_span": 0}, "volatility_span from 1"),
        ({"volatility_multiple": -1.0}, "volatility_multiple from 0"),
    ],
)
def test_refuses_parameters_that_make_no_sense(make: Make, config: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        make("market_making", **config)
