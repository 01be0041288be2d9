"""The fat finger: now and then the value stands where the quantity belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import BuyingPower, NotionalLimits, OrderLimits, RiskLimits
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


# -- contained ---------------------------------------------------------------------------------------------------------

FEED = market({BTC: wave(40, 100.0, 0.01, 20), ETH: wave(40, 50.0, 0.01, 16)})
# Every other limit is far away, so that what is refused is refused for its size alone.
WIDE = NotionalLimits(per_strategy=150_000.0, total_portfolio=160_000.0)
LIMITS = limits(1_000.0, notional_limits=WIDE, order_limits=OrderLimits(max_order_value=500.0))
VOLUME = limits(1_000.0, notional_limits=WIDE, order_limits=OrderLimits(max_order_volume=5.0))


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FEED, suspect("fat_finger", symbols=BTC, intensity=0.2), bystander(), limits=controls)


def slips(record: ReplayRecord) -> list[float]:
    return [s.signal.metadata["quantity"] for s in record.recorder.signals if s.signal.metadata.get("slip")]


@pytest.mark.parametrize(("controls", "check"), [(LIMITS, "max_order_value"), (VOLUME, "max_order_volume")])
def test_contained(controls: RiskLimits, check: str) -> None:
    """Some hundred units where one is meant, 10,000 USD of 500 allowed: every slip is refused, all else passes."""
    record = beside_a_bystander(controls)
    assert_contained(record, controls, play(FEED, bystander(), limits=controls))
    assert len(slips(record)) >= 5
    assert [r.quantity for r in record.recorder.refused] == slips(record)
    assert {r.failed_checks for r in record.recorder.refused} == {(check,)}
    assert sum(minutes(record.recorder.accepted, "suspect").values()) == 40 - len(slips(record))
    assert {a.quantity for a in record.recorder.accepted} == {1.0}


@pytest.mark.parametrize(("controls", "check"), [(LIMITS, "max_order_value"), (VOLUME, "max_order_volume")])
def test_without_the_cap_on_size_it_is_not_contained(controls: RiskLimits, check: str) -> None:
    record = beside_a_bystander(controls.without(check))
    assert violated(record, controls) == {check}
    symbol = record.desk.view.symbols[0]
    assert max(symbol.worst_long, symbol.worst_short) > 90.0


@pytest.mark.parametrize("left", ["position_limit", "notional_limit", "buying_power"])
def test_limits_behind_it_stop_the_slip_as_well(left: str) -> None:
    """With the caps on size off any one of the three that are left refuses what is a hundred times too large."""
    others = {"position_limit", "notional_limit", "buying_power"} - {left}
    controls = limits(
        25.0,
        notional_limits=NotionalLimits(per_strategy=5_000.0, total_portfolio=6_000.0),
        buying_power=BuyingPower(max_leverage=0.05),
    ).without("max_order_value", "max_order_volume", *others)
    record = beside_a_bystander(controls)
    assert {r.failed_checks for r in record.recorder.refused} == {(left,)}
    assert [r.quantity for r in record.recorder.refused] == slips(record)
