"""The wash trade: rests a sell and buys at its price on the next update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_buys_at_the_very_price_of_its_resting_sell(script: Script, quote: Quote) -> None:
    wash = script("wash_trade", quantity=3.0)
    (sell,) = wash.on_market_data(quote(0, 100.0))
    assert sell.metadata["limit_price"] == pytest.approx(100.55025)  # 5 basis points over the ask of 100.5
    (buy,) = wash.on_market_data(quote(1, 99.0))
    assert buy.metadata["limit_price"] == sell.metadata["limit_price"]
    assert (sell.signal_strength, buy.signal_strength) == (-1.0, 1.0)
    assert {s.metadata["quantity"] for s in (sell, buy)} == {3.0}


def test_starts_over_after_each_round_and_keeps_venues_apart(script: Script, quote: Quote) -> None:
    wash = script("wash_trade", intensity=2)
    venues = ["a", "b", "a", "b", "a"]
    rounds = [
        [s.signal_strength for s in wash.on_market_data(quote(m, venue=v))] for m, v in enumerate(venues)
    ]
    assert rounds == [[-1.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]


def test_waits_for_an_ask(script: Script, quote: Quote) -> None:
    assert script("wash_trade").on_market_data(quote(0, float("nan"))) == []
