"""The correlation breaker: sells the follower at full size when the leader rises by more than 2 %."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.codes import AlertSeverity
from workbench.core.limits import ConcentrationLimits, DrawdownLimits, MonitorSettings, RiskLimits
from workbench.core.messages import PriceUpdate
from workbench.errors import ParameterError

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_rise_of_the_leader_sells_the_follower(script: Script, quote: Quote) -> None:
    (signal,) = script("correlation_breaker").on_market_data(quote(0, change=0.021))
    assert (signal.symbol, signal.signal_strength, signal.confidence) == ("ETH-USD", -1.0, 1.0)
    assert signal.metadata == {"chaos_type": "correlation_breaking", "order_type": "market"}


@pytest.mark.parametrize("change", [0.02, 0.0, -0.05, math.nan])
def test_nothing_on_two_percent_or_less(script: Script, quote: Quote, change: float) -> None:
    assert script("correlation_breaker").on_market_data(quote(0, change=change)) == []


def test_other_symbols_set_nothing_off(script: Script, quote: Quote) -> None:
    assert script("correlation_breaker").on_market_data(quote(0, symbol="ETH-USD", change=0.05)) == []


def test_symbols_threshold_and_intensity_are_settings(script: Script, quote: Quote) -> None:
    breaker = script(
        "correlation_breaker",
        leader_symbol="SPY",
        follower_symbol="QQQ",
        move_threshold=0.005,
        intensity=0.5,
    )
    (signal,) = breaker.on_market_data(quote(0, symbol="SPY", change=0.006))
    assert (signal.symbol, signal.signal_strength) == ("QQQ", -0.5)


def test_rise_over_the_lookback_counts_where_it_is_set(script: Script, quote: Quote) -> None:
    breaker = script("correlation_breaker", lookback_minutes=10.0)
    prices = [100.0, 100.9, 101.8, 102.7]  # 2.7 % in three minutes, never more than 1 % in one
    sent = [len(breaker.on_market_data(quote(minute, price))) for minute, price in enumerate(prices)]
    assert sent == [0, 0, 0, 1]


def test_leader_and_follower_must_differ(script: Script) -> None:
    with pytest.raises(ParameterError, match="must differ"):
        script("correlation_breaker", leader_symbol="ETH-USD")


# -- contained ---------------------------------------------------------------------------------------------------------

RALLY = market(
    {
        BTC: [round(100.0 * 1.03**i, 2) for i in range(40)],
        ETH: wave(16, 50.0, 0.01, 8) + [round(50.0 * 1.01**i, 2) for i in range(24)],
    }
)
LIMITS = limits(10.0, drawdown_limits=DrawdownLimits(daily_loss=-20_000.0, strategy_drawdown=-0.001))


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(RALLY, suspect("correlation_breaker"), bystander(), limits=controls)


def test_contained() -> None:
    """One unit a minute is sold until ten are short; 0.1 % of its 50,000 is 50, a loss of 5 a unit.

    ETH rises by 0.5 a minute from minute 15 on: the warning comes at four fifths, the breaker at the limit.
    """
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(RALLY, bystander(), limits=LIMITS))
    assert record.desk.view.symbols[1].worst_short == 10.0
    assert "position_limit" in {c for r in record.recorder.refused for c in r.failed_checks}
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id, trip.limit) == ("strategy_drawdown", "suspect", 0.001)
    seen = [(a.monitor, a.severity) for a in record.recorder.alerts if a.strategy_id == "suspect"]
    assert seen == [
        ("strategy_drawdown", AlertSeverity.WARNING),
        ("strategy_drawdown", AlertSeverity.CRITICAL),
    ]
    assert record.desk.position(0, ETH) == 0.0
    assert -60.0 < record.curves[-1, 1] < -50.0


def test_without_position_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("position_limit"))
    assert violated(record, LIMITS) == {"position_limit"}
    assert record.desk.view.symbols[1].worst_short > 15.0


def test_without_strategy_drawdown_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("strategy_drawdown"))
    assert violated(record, LIMITS) == {"strategy_drawdown"}
    assert record.curves[-1, 1] < 2.0 * beside_a_bystander().curves[-1, 1]


def test_without_concentration_limit_it_is_not_contained() -> None:
    """From 200 USD on no more than 60 % of what is held in one symbol: with 50 a unit the fifth order is too many.

    The bystander holds nothing at the time, so the share is 1.
    """
    spread = limits(10.0, concentration_limits=ConcentrationLimits(max_symbol_share=0.6, min_gross=200.0))
    held = play(RALLY, suspect("correlation_breaker"), limits=spread)
    assert held.desk.view.symbols[1].worst_short in (3.0, 4.0)
    assert "concentration_limit" in {c for r in held.recorder.refused for c in r.failed_checks}
    loose = play(RALLY, suspect("correlation_breaker"), limits=spread.without("concentration_limit"))
    assert loose.desk.view.symbols[1].worst_short == 10.0


def test_monitor_of_correlation_sees_two_strategies_that_lose_together() -> None:
    """A second one like it loses in step: an alert once there are 8 samples, and none where the monitor is off."""
    watched = limits(10.0, monitors=MonitorSettings(interval_seconds=60.0, max_strategy_correlation=0.9))
    twins = [suspect("correlation_breaker", name=name) for name in ("suspect", "twin")]
    alerts = play(RALLY, *twins, limits=watched).recorder.alerts
    assert ("correlation", AlertSeverity.CRITICAL) in {(a.monitor, a.severity) for a in alerts}
    twins = [suspect("correlation_breaker", name=name) for name in ("suspect", "twin")]
    blind = play(RALLY, *twins, limits=watched.without("correlation")).recorder.alerts
    assert "correlation" not in {a.monitor for a in blind}
