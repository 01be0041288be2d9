"""PostTradeRisk: the monitors over a portfolio in hand agree with those of a desk, and an alert can stop trading."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest

from tests.risk.bench import ACCEPTED, Bench, alerts, house, only, trips
from workbench.core.intents import CancelOrders
from workbench.core.limits import CircuitBreakers, DrawdownLimits, GlobalLimits, MonitorSettings, RiskLimits
from workbench.core.messages import Instrument, RiskAlert
from workbench.core.risk import (
    AlertSeverity,
    ConcentrationMonitor,
    CorrelationMonitor,
    DrawdownMonitor,
    Holding,
    Portfolio,
    PostTradeRisk,
    StrategyState,
    VARCalculator,
    portfolio_var,
)
from workbench.errors import EngineError

HOUR = 3_600.0
BTC, ETH = Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x")
TWO = (StrategyState("alpha", 10_000.0, 0.0, 10_000.0), StrategyState("beta", 10_000.0, 0.0, 10_000.0))


def told(found: list[RiskAlert]) -> list[tuple[str, str, str]]:
    return [(a.monitor, a.severity.name, a.strategy_id) for a in found]


# ---- DrawdownMonitor


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        (1_000_000.0, []),
        (920_001.0, []),
        (920_000.0, [("daily_loss", "WARNING", "")]),
        (900_000.0, [("daily_loss", "CRITICAL", "")]),
        (839_999.0, [("max_drawdown", "WARNING", ""), ("daily_loss", "CRITICAL", "")]),
        (800_000.0, [("max_drawdown", "CRITICAL", ""), ("daily_loss", "CRITICAL", "")]),
        (nan, [("max_drawdown", "CRITICAL", ""), ("daily_loss", "CRITICAL", "")]),
    ],
)
def test_drawdown_monitor_at_the_house_limits(equity: float, expected: list[tuple[str, str, str]]) -> None:
    """100,000 a day, 20 % from the peak."""
    assert told(DrawdownMonitor().check(Portfolio(equity, 1_000_000.0, 1_000_000.0))) == expected


@pytest.mark.parametrize(
    ("pnl", "expected"),
    [
        (-899.0, []),
        (-1_250.0, [("strategy_drawdown", "WARNING", "alpha"), ("stop_loss", "CRITICAL", "alpha")]),
        (-1_500.0, [("strategy_drawdown", "CRITICAL", "alpha"), ("stop_loss", "CRITICAL", "alpha")]),
    ],
)
def test_drawdown_monitor_names_the_strategy(pnl: float, expected: list[tuple[str, str, str]]) -> None:
    """15 % from a peak of 10,000; stop loss at 10 % of 10,000, of which 400 were gained before a reset."""
    base = -400.0 if pnl == -899.0 else 0.0
    states = (StrategyState("alpha", 10_000.0, pnl, 10_000.0, base), TWO[1])
    portfolio = Portfolio(1_000_000.0, 1_000_000.0, 1_000_000.0, strategies=states)
    assert told(DrawdownMonitor().check(portfolio)) == expected


def test_an_alert_tells_value_limit_and_time() -> None:
    (alert,) = DrawdownMonitor().check(Portfolio(900_000.0, 1e6, 1e6, timestamp_ns=10**18))
    assert (alert.value, alert.limit, alert.timestamp_ns) == (100_000.0, 100_000.0, 10**18)
    assert "daily_loss" in alert.message


# ---- ConcentrationMonitor


@pytest.mark.parametrize(("limit", "level"), [(0.75, "CRITICAL"), (0.76, "WARNING"), (0.94, None)])
def test_concentration_monitor(limit: float, level: str | None) -> None:
    """1,500 of 2,000 are BTC, a working order of 5 units among it."""
    holdings = (
        Holding("alpha", "BTC-USD", "x", -10.0, 100.0, working_sell=5.0),
        Holding("beta", "ETH-USD", "x", 5.0, 100.0),
    )
    portfolio = Portfolio(1e6, 1e6, 1e6, holdings, TWO, (BTC, ETH))
    monitor = ConcentrationMonitor(house(monitors=MonitorSettings(max_symbol_share=limit)))
    assert told(monitor.check(portfolio)) == ([("concentration", level, "")] if level else [])


# ---- CorrelationMonitor: a correlation of exactly 0.6

X = np.array([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0])
Z = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])  # across X
PAIR = np.column_stack([X, 0.6 * X + 0.8 * Z])


@pytest.mark.parametrize(("limit", "level"), [(0.59, "CRITICAL"), (0.61, "WARNING"), (0.76, None)])
def test_correlation_of_strategies_results(limit: float, level: str | None) -> None:
    monitor = CorrelationMonitor(house(monitors=MonitorSettings(max_strategy_correlation=limit)))
    expected = [("correlation", level, "")] if level else []
    for results in (PAIR, PAIR * [1.0, -1.0]):  # for strategies the sign does not matter
        portfolio = Portfolio(1e6, 1e6, 1e6, strategies=TWO, results=results)
        assert told(monitor.check(portfolio)) == expected


@pytest.mark.parametrize(
    ("limit", "eth", "level"),
    [(0.59, 5.0, "CRITICAL"), (0.61, 5.0, "WARNING"), (0.76, 5.0, None), (0.59, -5.0, None)],
)
def test_correlation_of_holdings(limit: float, eth: float, level: str | None) -> None:
    holdings = (
        Holding("alpha", "BTC-USD", "x", 10.0, 100.0),
        Holding("beta", "ETH-USD", "x", eth, 100.0),
    )
    portfolio = Portfolio(1e6, 1e6, 1e6, holdings, TWO, (BTC, ETH), returns=0.01 * PAIR)
    monitor = CorrelationMonitor(house(monitors=MonitorSettings(max_holding_correlation=limit)))
    assert told(monitor.check(portfolio)) == ([("holding_correlation", level, "")] if level else [])


# ---- VARCalculator: 100 units at 100, hourly returns


def held(returns: list[float], seconds: float = HOUR) -> Portfolio:
    holdings = (Holding("alpha", "BTC-USD", "x", 100.0, 100.0),)
    sampled = np.array(returns).reshape(-1, 1)
    return Portfolio(1e6, 1e6, 1e6, holdings, TWO, (BTC,), returns=sampled, sample_seconds=seconds)


def test_var_of_twenty_hours() -> None:
    """The worst of 20 hours loses 5 % of 10,000, the second worst 3 %; a day is 24 hours."""
    hours = [0.01] * 18 + [-0.05, -0.03]
    assert portfolio_var(held(hours)) == pytest.approx(500.0 * 24.0**0.5)
    assert portfolio_var(held(hours), confidence=0.95) == pytest.approx(300.0 * 24.0**0.5)
    assert portfolio_var(held(hours, seconds=86_400.0)) == pytest.approx(500.0)
    assert portfolio_var(held(hours, seconds=10 * 86_400.0)) == pytest.approx(500.0)  # never scaled down


def test_var_needs_eight_samples() -> None:
    assert isnan(portfolio_var(held([-0.05] * 7)))
    assert portfolio_var(held([-0.05] * 8, seconds=86_400.0)) == pytest.approx(500.0)


@pytest.mark.parametrize(("limit", "level"), [(500.0, "CRITICAL"), (600.0, "WARNING"), (626.0, None)])
def test_var_calculator(limit: float, level: str | None) -> None:
    limits = house(drawdown_limits=DrawdownLimits(portfolio_var=limit))
    portfolio = held([-0.05] + [0.0] * 9, seconds=86_400.0)
    assert told(VARCalculator(limits).check(portfolio)) == ([("portfolio_var", level, "")] if level else [])
    assert VARCalculator(limits).value_at_risk(portfolio) == pytest.approx(500.0)


def test_var_of_nan_units_is_critical() -> None:
    holdings = (Holding("alpha", "BTC-USD", "x", nan, 100.0),)
    portfolio = Portfolio(1e6, 1e6, 1e6, holdings, TWO, (BTC,), returns=np.zeros((9, 1)))
    assert told(VARCalculator().check(portfolio)) == [("portfolio_var", "CRITICAL", "")]
    assert portfolio_var(portfolio) == inf


# ---- Portfolio


def busy_desk(limits: RiskLimits) -> Bench:
    bench = Bench(limits, strategies=("alpha", "beta"), instruments=(BTC, ETH))
    bench.hold(40.0)
    bench.hold(-20.0, symbol="ETH-USD", strategy="beta")
    for hour, (btc, eth) in enumerate([(99, 103), (97, 101), (98, 105), (95, 99), (96, 104)] * 2, start=1):
        bench.price(float(eth), symbol="ETH-USD", at=hour * HOUR - 1.0)
        bench.price(float(btc), at=hour * HOUR)
    return bench


SMALL = house(
    monitors=MonitorSettings(HOUR, 8, 0.99, 0.5, 0.5, 0.5, 0.8),
    drawdown_limits=DrawdownLimits(daily_loss=-100.0, portfolio_var=100.0),
    global_limits=GlobalLimits(max_drawdown=0.0001),
    circuit_breakers=CircuitBreakers(liquidate=False),
)


def test_a_portfolio_of_a_desk_has_the_same_figures() -> None:
    bench = busy_desk(SMALL)
    portfolio = Portfolio.of(bench.desk)
    assert (portfolio.equity, portfolio.peak) == (bench.equity, 1_000_000.0)
    assert [(h.strategy_id, h.symbol, h.quantity, h.mark) for h in portfolio.holdings] == [
        ("alpha", "BTC-USD", 40.0, 96.0),
        ("beta", "ETH-USD", -20.0, 104.0),
    ]
    assert portfolio.returns.shape == portfolio.results.shape == (8, 2)
    measured = bench.desk.value_at_risk
    assert VARCalculator(SMALL).value_at_risk(portfolio) == pytest.approx(measured, rel=1e-12)


def test_the_samples_stand_oldest_first() -> None:
    bench = busy_desk(SMALL)
    assert list(Portfolio.of(bench.desk).results[-3:, 0]) == [40.0, -120.0, 40.0]
    bench.price(99.0, at=11 * HOUR)
    assert list(Portfolio.of(bench.desk).results[-3:, 0]) == [-120.0, 40.0, 120.0]


def test_the_monitors_say_what_the_desk_said() -> None:
    bench = busy_desk(SMALL)
    standing = set(alerts(bench.facts))
    found = set(told(PostTradeRisk(desk=bench.desk).monitor_portfolio(Portfolio.of(bench.desk))))
    assert ("portfolio_var", "CRITICAL", "") in found
    assert found <= standing


def test_a_portfolio_does_not_move_with_its_desk() -> None:
    bench = busy_desk(SMALL)
    portfolio = Portfolio.of(bench.desk)
    before = (portfolio.equity, portfolio.returns.tobytes(), portfolio.holdings)
    bench.price(50.0, at=20 * HOUR)
    assert (portfolio.equity, portfolio.returns.tobytes(), portfolio.holdings) == before


def test_a_fresh_desk_has_nothing_to_say() -> None:
    bench = Bench(house(), last=None)
    assert PostTradeRisk(desk=bench.desk).monitor_portfolio(Portfolio.of(bench.desk)) == []
    bench.price(100.0)
    assert PostTradeRisk().monitor_portfolio(Portfolio.of(bench.desk)) == []


@pytest.mark.parametrize(
    "portfolio",
    [
        Portfolio(1.0, 1.0, 1.0, (Holding("gamma", "BTC-USD", "x", 1.0, 1.0),), TWO, (BTC,)),
        Portfolio(1.0, 1.0, 1.0, (Holding("alpha", "ETH-USD", "x", 1.0, 1.0),), TWO, (BTC,)),
        Portfolio(1.0, 1.0, 1.0, (), TWO, (BTC,), returns=np.zeros((9, 2))),
        Portfolio(1.0, 1.0, 1.0, (), TWO, (BTC,), results=np.zeros((9, 1))),
    ],
    ids=["strategy", "instrument", "returns", "results"],
)
def test_parts_that_do_not_fit_together_are_an_error(portfolio: Portfolio) -> None:
    with pytest.raises(EngineError, match=r"strategies|instruments|samples of shape"):
        PostTradeRisk().monitor_portfolio(portfolio)


# ---- PostTradeRisk


class Gloomy:
    def check(self, portfolio: Portfolio) -> list[RiskAlert]:
        return [alert_of(AlertSeverity.EMERGENCY, value=portfolio.equity)]


def alert_of(
    severity: AlertSeverity, monitor: str = "daily_loss", strategy: str = "", value: float = 1.0
) -> RiskAlert:
    return RiskAlert(monitor, severity, strategy, value, 1.0, 0)


def test_monitors_of_ones_own() -> None:
    risk = PostTradeRisk([Gloomy(), DrawdownMonitor()])
    assert told(risk.monitor_portfolio(Portfolio(5.0, 5.0, 5.0))) == [("daily_loss", "EMERGENCY", "")]


@pytest.mark.parametrize(
    ("severity", "stops"),
    [
        (AlertSeverity.INFO, False),
        (AlertSeverity.WARNING, False),
        (AlertSeverity.CRITICAL, True),
        (AlertSeverity.EMERGENCY, True),
    ],
)
def test_a_critical_alert_stops_and_liquidates(severity: AlertSeverity, stops: bool) -> None:
    bench = Bench(only(circuit_breakers=CircuitBreakers(-inf, -inf, -inf, liquidate=True)))
    bench.hold(10.0)
    bench.order("buy", 1.0, order_type="limit", limit_price=50.0)
    assert PostTradeRisk(desk=bench.desk).trigger_circuit_breaker(alert_of(severity)) is stops
    facts = bench.tell(CancelOrders("alpha", venue="x"))  # the facts had waited for whoever drains them
    assert trips(facts) == ([("daily_loss", "")] if stops else [])
    assert bench.desk.halted() == (("daily_loss",) if stops else ())
    assert bench.order("buy", 1.0) == (("circuit_breaker",) if stops else ACCEPTED)
    bench.price(100.0)
    assert bench.position() == (0.0 if stops else 11.0)


@pytest.mark.parametrize(
    ("monitor", "reason"),
    [("stop_loss", "stop_loss"), ("strategy_drawdown", "strategy_drawdown"), ("correlation", "manual")],
)
def test_an_alert_of_one_strategy_stops_that_one(monitor: str, reason: str) -> None:
    bench = Bench(only(), strategies=("alpha", "beta"))
    risk = PostTradeRisk(desk=bench.desk)
    assert risk.trigger_circuit_breaker(alert_of(AlertSeverity.CRITICAL, monitor, "beta"))
    assert bench.desk.halted("beta") == (reason,)
    assert bench.desk.halted() == bench.desk.halted("alpha") == ()


def test_emergency_liquidation_closes_without_latching() -> None:
    bench = Bench(only(), strategies=("alpha", "beta"))
    bench.hold(10.0)
    bench.hold(5.0, strategy="beta")
    PostTradeRisk(desk=bench.desk).emergency_liquidation("alpha")
    bench.price(100.0)
    assert (bench.position("alpha"), bench.position("beta")) == (0.0, 5.0)
    assert bench.desk.halted("alpha") == ()


def test_without_a_desk_there_is_nothing_to_stop() -> None:
    risk = PostTradeRisk()
    assert not risk.trigger_circuit_breaker(alert_of(AlertSeverity.WARNING))
    with pytest.raises(EngineError, match="expected a desk"):
        risk.trigger_circuit_breaker(alert_of(AlertSeverity.CRITICAL))
