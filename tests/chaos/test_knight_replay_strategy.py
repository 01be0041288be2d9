"""The Knight replay: children go on after the parent has been filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.core.messages import OrderFill, PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def fill(quantity: float) -> OrderFill:
    return OrderFill(1, 0, 1, "s1", "BTC-USD", "exchange-1", quantity, 100.0, 0.0, 0.0, "taker", 0)


def test_children_are_sent_for_ever_whatever_is_filled(script: Script, quote: Quote) -> None:
    knight = script("knight_replay", intensity=3, parent_quantity=10.0, child_quantity=1.0)
    sent = 0
    for minute in range(50):
        for signal in knight.on_market_data(quote(minute)):
            knight.on_order_fill(fill(signal.metadata["quantity"]))
            sent += 1
    assert sent == 150
    assert 120.0 <= knight.filled <= 180.0  # twelve times the parent at least, and it has not noticed
    assert knight.parent_leaves == 10.0


def test_slices_buy_at_market_and_differ_in_size(script: Script, quote: Quote) -> None:
    signals = script("knight_replay", child_quantity=2.0).on_market_data(quote(0))
    sizes = [s.metadata["quantity"] for s in signals]
    assert len(set(sizes)) == 10
    assert 1.6 <= min(sizes) < max(sizes) <= 2.4
    assert {(s.signal_strength, s.metadata["order_type"]) for s in signals} == {(1.0, "market")}


def test_same_seed_same_slices(script: Script, quote: Quote) -> None:
    runs = [script("knight_replay", seed=seed).on_market_data(quote(0)) for seed in (8, 8, 9)]
    assert runs[0] == runs[1] != runs[2]


def test_without_a_parent_nothing_is_sent(script: Script, quote: Quote) -> None:
    assert script("knight_replay", parent_quantity=0.0).on_market_data(quote(0)) == []
