"""The cancel flood: one resting order, and a hundred cancels of it, on every update."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_one_order_far_from_the_market_and_a_hundred_cancels_of_it(script: Script, quote: Quote) -> None:
    flood = script("cancel_flood")
    order, *cancels = flood.on_market_data(quote(0, 100.0))
    assert order.metadata["order_type"] == "limit"
    assert order.metadata["limit_price"] == pytest.approx(98.505)  # 1 % under the bid of 99.5
    assert len(cancels) == 100
    assert {c.metadata["action"] for c in cancels} == {"cancel"}
    assert {c.metadata["client_order_id"] for c in cancels} == {order.metadata["client_order_id"]} == {1}


def test_every_order_has_a_number_of_its_own(script: Script, quote: Quote) -> None:
    flood = script("cancel_flood", intensity=2)
    numbers = [[s.metadata["client_order_id"] for s in flood.on_market_data(quote(m))] for m in range(3)]
    assert numbers == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]


@pytest.mark.parametrize("price", [math.nan, 0.5])
def test_waits_for_a_bid(script: Script, quote: Quote, price: float) -> None:
    assert script("cancel_flood").on_market_data(quote(0, price)) == []
