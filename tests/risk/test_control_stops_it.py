"""Each control is what stops its scenario: stopped under limits that have it, not stopped with it alone switched off.

All other controls stand at the house defaults, so nothing but the named one holds the scenario back.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import msgspec
import pytest

from tests.risk.bench import ACCEPTED, Bench, alerts, house, trips
from workbench.core.codes import Breaker, Check, Monitor, label
from workbench.core.facts import Fact
from workbench.core.intents import Signals, StrategyFailed
from workbench.core.limit_controls import ALWAYS_ON, CONTROLS
from workbench.core.limits import (
    BuyingPower,
    CircuitBreakers,
    ConcentrationLimits,
    DrawdownLimits,
    DuplicateOrder,
    GlobalLimits,
    MessageRate,
    MonitorSettings,
    NotionalLimits,
    OrderLimits,
    PerStrategyLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
    StrategyErrors,
)
from workbench.core.messages import Instrument, MarketSignal

HOUR = 3_600.0
TWO_SYMBOLS = (Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x"))
TWO = ("alpha", "beta")
type Scenario = Callable[[RiskLimits], bool]
"""Plays the scenario under the limits; whether it was stopped."""


def refused(bench: Bench, side: str, quantity: float, **terms: object) -> bool:
    return bench.order(side, quantity, **terms) != ACCEPTED


def one_order(side: str = "buy", quantity: float = 10.0, **terms: object) -> Scenario:
    return lambda limits: refused(Bench(limits), side, quantity, **terms)


def same_order_again(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.order("buy", 1.0, client_order_id=7)
    return refused(bench, "buy", 1.0, client_order_id=7)


def second_message(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.order("buy", 1.0)
    return refused(bench, "buy", 2.0)


def meets_a_sister(limits: RiskLimits) -> bool:
    bench = Bench(limits, strategies=TWO)
    bench.order("sell", 1.0, strategy="beta", order_type="limit", limit_price=101.0)
    return refused(bench, "buy", 1.0, order_type="limit", limit_price=101.0)


def second_execution(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.hold(1.0)
    return refused(bench, "buy", 1.0)


def one_symbol_only(limits: RiskLimits) -> bool:
    return refused(Bench(limits, instruments=TWO_SYMBOLS), "buy", 10.0)


def price_jumps(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.hold(10.0)
    bench.price(140.0)
    return bench.equity == 1_000_000.0


def hundred_units_fall_to(price: float, reason: str, capital: float | None = None) -> Scenario:
    def play(limits: RiskLimits) -> bool:
        bench = Bench(limits, cash=100_000.0, capital=capital)
        bench.hold(100.0)
        return any(name == reason for name, _ in trips(bench.price(price)))

    return play


def alert_of(monitor: str, *holds: tuple[str, str, float]) -> Scenario:
    """Ten hours in which BTC-USD and ETH-USD rise and fall by 1 together."""

    def play(limits: RiskLimits) -> bool:
        bench = Bench(limits, strategies=TWO, instruments=TWO_SYMBOLS)
        for strategy, symbol, units in holds:
            bench.hold(units, strategy=strategy, symbol=symbol)
        for hour in range(1, 11):
            bench.price(100.0 + hour % 2, symbol="ETH-USD", at=hour * HOUR - 1.0)
            bench.price(100.0 + hour % 2, at=hour * HOUR)
        return (monitor, "CRITICAL", "") in alerts(bench.facts)

    return play


def adds_at_high_var(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.hold(100.0)
    for hour in range(1, 11):
        bench.price(100.0 + hour % 2, at=hour * HOUR)
    return refused(bench, "buy", 1.0)


def trades_on_after_a_loss(limits: RiskLimits) -> bool:
    bench = Bench(limits, cash=100_000.0)
    bench.hold(100.0)
    bench.price(95.0)
    return refused(bench, "buy", 1.0)


def fails_once(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    bench.tell(StrategyFailed("alpha", "ZeroDivisionError"))
    return refused(bench, "buy", 1.0)


def strength_of_two(limits: RiskLimits) -> bool:
    bench = Bench(limits)
    facts: list[Fact] = bench.tell(Signals("alpha", [MarketSignal("BTC-USD", None, 2.0, 1.0)]))
    return not any(getattr(f, "quantity", nan) == 2.0 for f in facts)


def breakers(**figures: float) -> CircuitBreakers:
    return msgspec.structs.replace(CircuitBreakers(-inf, -inf, -inf), **figures)


def monitored(**settings: float) -> MonitorSettings:
    return msgspec.structs.replace(MonitorSettings(interval_seconds=HOUR), **settings)


TOGETHER = (("alpha", "BTC-USD", 10.0), ("beta", "ETH-USD", 10.0))
SCENARIOS: dict[str, tuple[RiskLimits, Scenario]] = {
    "position_limit": (house(position_limits={"BTC-USD": PositionLimit(9.9)}), one_order()),
    "notional_limit": (house(notional_limits=NotionalLimits(per_strategy=999.0)), one_order()),
    "concentration_limit": (
        house(concentration_limits=ConcentrationLimits(0.9, min_gross=0.0)),
        one_symbol_only,
    ),
    "strategy_limit": (house(per_strategy=PerStrategyLimits(max_position_notional=999.0)), one_order()),
    "price_collar": (
        house(order_limits=OrderLimits(price_collar_pct=0.05)),
        one_order(order_type="limit", limit_price=106.0),
    ),
    "bad_tick": (house(order_limits=OrderLimits(bad_tick_pct=0.20)), price_jumps),
    "max_order_value": (house(order_limits=OrderLimits(max_order_value=999.0)), one_order()),
    "max_order_volume": (house(order_limits=OrderLimits(max_order_volume=9.9)), one_order()),
    "message_rate": (house(message_rate=MessageRate(1.0, 1.0, 500.0, 1_000.0, 0.0)), second_message),
    "repeated_execution_throttle": (house(repeated_execution=RepeatedExecution(1, 60.0)), second_execution),
    "repeated_execution": (house(repeated_execution=RepeatedExecution(1, 60.0)), second_execution),
    "duplicate_order": (house(duplicate_order=DuplicateOrder(1.0, 10)), same_order_again),
    "self_trade_prevention": (house(self_trade_prevention="cancel_newest"), meets_a_sister),
    "permitted_instruments": (house(permitted_instruments={"alpha": ["ETH-USD"]}), one_order()),
    "restricted_list": (house(restricted_list=["BTC-USD"]), one_order()),
    "buying_power": (house(buying_power=BuyingPower("margin", 0.0009)), one_order()),
    "circuit_breaker": (
        house(circuit_breakers=breakers(single_strategy_loss=-500.0)),
        trades_on_after_a_loss,
    ),
    "portfolio_var": (house(drawdown_limits=DrawdownLimits(portfolio_var=10.0)), adds_at_high_var),
    "daily_loss": (
        house(drawdown_limits=DrawdownLimits(daily_loss=-500.0), circuit_breakers=breakers()),
        hundred_units_fall_to(95.0, "daily_loss"),
    ),
    "strategy_drawdown": (
        house(drawdown_limits=DrawdownLimits(strategy_drawdown=-0.05)),
        hundred_units_fall_to(95.0, "strategy_drawdown", capital=10_000.0),
    ),
    "max_drawdown": (
        house(global_limits=GlobalLimits(max_drawdown=0.005)),
        hundred_units_fall_to(95.0, "max_drawdown"),
    ),
    "correlation": (
        house(monitors=monitored(max_strategy_correlation=0.9)),
        alert_of("correlation", *TOGETHER),
    ),
    "holding_correlation": (
        house(monitors=monitored(max_holding_correlation=0.9)),
        alert_of("holding_correlation", *TOGETHER),
    ),
    "concentration": (
        house(monitors=monitored(max_symbol_share=0.9)),
        alert_of("concentration", ("alpha", "BTC-USD", 10.0)),
    ),
    "stop_loss": (
        house(per_strategy=PerStrategyLimits(stop_loss_pct=0.05)),
        hundred_units_fall_to(95.0, "stop_loss", capital=10_000.0),
    ),
    "portfolio_loss_pct": (
        house(circuit_breakers=breakers(portfolio_loss_pct=-0.005)),
        hundred_units_fall_to(95.0, "portfolio_loss_pct"),
    ),
    "single_strategy_loss": (
        house(circuit_breakers=breakers(single_strategy_loss=-500.0)),
        hundred_units_fall_to(95.0, "single_strategy_loss"),
    ),
    "rapid_drawdown_rate": (
        house(circuit_breakers=breakers(rapid_drawdown_rate=-0.005)),
        hundred_units_fall_to(95.0, "rapid_drawdown_rate"),
    ),
    "strategy_error": (house(strategy_errors=StrategyErrors(1, 60.0)), fails_once),
    "signal_out_of_range": (house(signal_out_of_range="clip"), strength_of_two),
}


@pytest.mark.parametrize("control", SCENARIOS)
def test_the_control_is_what_stops_it(control: str) -> None:
    limits, play = SCENARIOS[control]
    assert play(limits.checked())
    assert not play(limits.without(control))


def test_every_control_has_its_scenario() -> None:
    assert set(SCENARIOS) == set(CONTROLS)
    codes = {label(code) for kind in (Check, Monitor, Breaker) for code in kind}
    assert codes <= set(SCENARIOS) | set(ALWAYS_ON)
