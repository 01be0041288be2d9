"""The fat finger: now and then the value stands where the quantity belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate
from workbench.errors import ParameterError

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_slip_types_price_times_quantity(script: Script, quote: Quote) -> None:
    (signal,) = script("fat_finger", intensity=1.0, quantity=2.0).on_market_data(quote(0, 27_000.0))
    assert (signal.metadata["quantity"], signal.metadata["slip"]) == (54_000.0, True)


def test_sound_orders_buy_and_sell_in_turn_per_instrument(script: Script, quote: Quote) -> None:
    finger = script("fat_finger", intensity=0.0)
    sent = [finger.on_market_data(quote(m, symbol=s))[0] for m, s in enumerate(["A", "A", "B", "A", "B"])]
    assert [s.signal_strength for s in sent] == [1.0, -1.0, 1.0, 1.0, -1.0]
    assert {s.metadata["quantity"] for s in sent} == {1.0}


def test_intensity_is_the_probability_of_a_slip(script: Script, quote: Quote) -> None:
    finger = script("fat_finger", intensity=0.25, seed=1)
    slips = sum(finger.on_market_data(quote(m))[0].metadata["slip"] for m in range(1000))
    assert 200 <= slips <= 300


def test_no_slip_outside_the_window(script: Script, quote: Quote) -> None:
    finger = script("fat_finger", intensity=1.0, start_after_minutes=1.0, duration_minutes=1.0)
    assert [finger.on_market_data(quote(m))[0].metadata["slip"] for m in range(3)] == [False, True, False]


def test_probability_above_one_is_refused(script: Script) -> None:
    with pytest.raises(ParameterError, match=r"intensity must be from 0 to 1, found 1\.5"):
        script("fat_finger", intensity=1.5)
