"""The stale-price trader: takes the price of some minutes ago for the fair one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def orders(
    strategy: Any, quote: Quote, prices: Sequence[tuple[float, float]]
) -> list[tuple[float, float] | None]:
    """(strength, limit price) at each (minute, price), None where nothing was sent."""
    answers = [strategy.on_market_data(quote(minute, price)) for minute, price in prices]
    return [(a[0].signal_strength, a[0].metadata["limit_price"]) if a else None for a in answers]


def test_sells_into_a_rise_and_buys_into_a_fall_at_the_old_price(script: Script, quote: Quote) -> None:
    path = [(0, 100.0), (1, 105.0), (2, 110.0), (3, 90.0)]
    assert orders(script("stale_price", intensity=2.0), quote, path) == [
        None,
        None,
        (-1.0, 100.0),
        (1.0, 105.0),
    ]


def test_old_price_is_the_newest_that_is_old_enough(script: Script, quote: Quote) -> None:
    path = [(0, 100.0), (3, 101.0), (10, 110.0)]  # at minute 10, five minutes ago the price of minute 3 stood
    assert orders(script("stale_price", intensity=5.0), quote, path)[-1] == (-1.0, 101.0)


def test_differences_within_the_edge_are_left_alone(script: Script, quote: Quote) -> None:
    path = [(0, 100.0), (1, 100.09), (2, 100.2)]
    assert orders(script("stale_price", intensity=1.0), quote, path) == [None, None, (-1.0, 100.09)]


def test_orders_are_immediate_or_cancel_and_marked(script: Script, quote: Quote) -> None:
    stale = script("stale_price", intensity=1.0)
    stale.on_market_data(quote(0, 100.0))
    (signal,) = stale.on_market_data(quote(1, 99.0))
    assert signal.metadata == {
        "chaos_type": "stale_price",
        "order_type": "limit",
        "limit_price": 100.0,
        "time_in_force": "IOC",
        "venue": "exchange-1",
    }


@pytest.mark.parametrize("bad", [float("nan"), -1.0, 0.0])
def test_price_that_is_none_is_neither_traded_nor_remembered(
    script: Script, quote: Quote, bad: float
) -> None:
    path = [(0, 100.0), (1, bad), (2, 99.0)]
    assert orders(script("stale_price", intensity=1.0), quote, path) == [None, None, (1.0, 100.0)]
