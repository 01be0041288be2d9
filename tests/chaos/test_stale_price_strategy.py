"""The stale-price trader: takes the price of some minutes ago for the fair one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import CircuitBreakers, RiskLimits
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


# -- contained ---------------------------------------------------------------------------------------------------------

UP = [round(100.0 * 1.01**i, 2) for i in range(31)]
CRASH = [round(UP[-1] * 0.96**i, 2) for i in range(1, 30)]
FEED = market({BTC: UP + CRASH, ETH: wave(60, 50.0, 0.01, 16)})
LIMITS = limits(
    10.0,
    circuit_breakers=CircuitBreakers(
        portfolio_loss_pct=-0.5, single_strategy_loss=-200.0, rapid_drawdown_rate=-0.5
    ),
)


def beside_a_bystander(controls: RiskLimits = LIMITS, after: float = 0.0) -> ReplayRecord:
    stale = suspect("stale_price", symbols=BTC, intensity=5.0, start_after_minutes=after)
    # In BTC the bystander would meet the suspect's own orders, which self-trade prevention does not let it.
    return play(FEED, stale, bystander(ETH), limits=controls)


def test_contained() -> None:
    """It sells one unit a minute into the rally, until ten are short; then the loss stops it."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FEED, bystander(ETH), limits=LIMITS))
    assert minutes(record.recorder.accepted, "suspect").keys() >= set(range(5, 15))
    assert record.desk.view.symbols[0].worst_short == 10.0
    assert "position_limit" in {c for r in record.recorder.refused for c in r.failed_checks}
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id) == ("single_strategy_loss", "suspect")
    assert 200.0 <= trip.value < 200.0 + 10.0 * 1.4  # ten units, and the largest move of a minute
    assert record.desk.position(0, BTC) == 0.0


def test_without_position_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("position_limit"))
    assert violated(record, LIMITS) == {"position_limit"}


def test_without_single_strategy_loss_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("single_strategy_loss"))
    assert violated(record, LIMITS) == {"single_strategy_loss"}
    assert record.desk.position(0, BTC) != 0.0


def test_collar_refuses_limits_of_before_the_crash() -> None:
    """4 % a minute: from the third minute of the crash on the old price stands 10 % and more above the market."""
    record = beside_a_bystander(after=29.0)
    assert_contained(record, LIMITS, play(FEED, bystander(ETH), limits=LIMITS))
    refused = minutes(record.recorder.refused, "suspect", "price_collar")
    assert refused == dict.fromkeys(range(33, 60), 1)


def test_without_price_collar_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("price_collar"), after=29.0)
    assert "price_collar" in violated(record, LIMITS)
    assert record.curves[:, 1].min() < beside_a_bystander(after=29.0).curves[:, 1].min() - 100.0
