"""NaN signals: one bad field in each signal, drawn by seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from workbench.core.messages import MarketSignal, PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def fields(signal: MarketSignal) -> dict[str, float]:
    numbers = {key: value for key, value in signal.metadata.items() if key in ("limit_price", "quantity")}
    return {"signal_strength": signal.signal_strength, "confidence": signal.confidence, **numbers}


def is_garbage(value: float) -> bool:
    return not math.isfinite(value) or abs(value) > 1e300 or value < 0.0 or math.copysign(1.0, value) < 0.0


def test_exactly_one_field_of_each_signal_is_garbage(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=500).on_market_data(quote(0))
    assert len(signals) == 500
    assert {sum(is_garbage(v) for v in fields(s).values()) for s in signals} == {1}
    assert {s.metadata["chaos_type"] for s in signals} == {"nan_signals"}


def test_every_variant_comes(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=500).on_market_data(quote(0))
    bad = {(key, repr(value)) for s in signals for key, value in fields(s).items() if is_garbage(value)}
    assert {("signal_strength", v) for v in ("nan", "inf", "-inf", "-0.0", "1e+308")} <= bad
    assert {("confidence", "nan"), ("limit_price", "nan"), ("quantity", "1e+308")} <= bad
    assert len(bad) == 14


def test_limit_price_comes_with_a_limit_order(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=200).on_market_data(quote(0))
    kinds = {("limit_price" in s.metadata, s.metadata.get("order_type")) for s in signals}
    assert kinds == {(True, "limit"), (False, None)}


def test_draw_depends_on_the_seed_alone(script: Script, quote: Quote) -> None:
    runs = [
        [
            repr(s)
            for m in range(20)
            for s in script("nan_signals", seed=seed, intensity=3).on_market_data(quote(m))
        ]
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1] != runs[2]
