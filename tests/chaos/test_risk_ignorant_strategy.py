"""The risk ignorant: more orders after each breach, in the direction that makes it worse."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate, RiskBreach

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def breach(kind: str) -> RiskBreach:
    return RiskBreach(kind, "s1", "BTC-USD", "exchange-1", 11.0, 10.0, 0)


def sides(signals: list[Any]) -> list[tuple[str, float]]:
    return [(s.symbol, s.signal_strength) for s in signals]


def test_one_order_an_update_in_the_direction_of_the_position(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant")
    assert sides(ignorant.on_market_data(quote(0))) == [("BTC-USD", 1.0)]
    ignorant.positions["BTC-USD"] = -3.0
    assert sides(ignorant.on_market_data(quote(1))) == [("BTC-USD", -1.0)]


def test_each_breach_doubles_the_orders_up_to_the_cap(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", max_orders_per_update=6)
    counts = []
    for minute in range(5):
        counts.append(len(ignorant.on_market_data(quote(minute))))
        ignorant.on_risk_breach(breach("notional_limit"))
    assert counts == [1, 2, 4, 6, 6]
    assert ignorant.breach_count == 5


def test_intensity_is_the_growth_per_breach(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", intensity=3.0)
    ignorant.on_market_data(quote(0))
    ignorant.on_risk_breach(breach("notional_limit"))
    assert len(ignorant.on_market_data(quote(1))) == 3


def test_position_limit_is_answered_with_more_of_every_position(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant")
    ignorant.on_market_data(quote(0))
    ignorant.active_symbols |= {"BTC-USD", "ETH-USD", "SOL-USD"}
    ignorant.positions |= {"BTC-USD": 10.0, "ETH-USD": -4.0}
    ignorant.on_risk_breach(breach("position_limit"))
    assert sides(ignorant.on_market_data(quote(1))) == [
        ("BTC-USD", 1.0),
        ("ETH-USD", -1.0),
        ("SOL-USD", -1.0),
        ("BTC-USD", 1.0),
        ("BTC-USD", 1.0),
    ]
    assert len(ignorant.on_market_data(quote(2))) == 2


def test_says_that_it_ignores_the_breach(
    script: Script, quote: Quote, caplog: pytest.LogCaptureFixture
) -> None:
    ignorant = script("risk_ignorant")
    ignorant.on_market_data(quote(0))
    with caplog.at_level(logging.INFO):
        ignorant.on_risk_breach(breach("position_limit"))
    assert caplog.messages == ["Ignoring risk breach: position_limit"]


def test_breaches_outside_the_window_change_nothing(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", start_after_minutes=2.0)
    assert ignorant.on_market_data(quote(0)) == []
    ignorant.on_risk_breach(breach("position_limit"))
    assert len(ignorant.on_market_data(quote(2))) == 1
