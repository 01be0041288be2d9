"""Post-trade risk as monitors over a portfolio, and the way from an alert to a breaker.

A desk watches itself on every update; this is for whoever holds a portfolio in hand: a notebook, a report, an API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from workbench.core.codes import AlertSeverity, Breaker, Monitor, label
from workbench.core.desk import TradingDesk
from workbench.core.interventions import close_positions, trip_breaker
from workbench.core.limits import RiskLimits
from workbench.core.messages import RiskAlert
from workbench.core.portfolio import Portfolio, monitor_alerts, portfolio_var
from workbench.core.pre_trade import limits_of
from workbench.core.state import NONE
from workbench.errors import EngineError

__all__ = [
    "ConcentrationMonitor",
    "CorrelationMonitor",
    "DrawdownMonitor",
    "PortfolioMonitor",
    "PostTradeRisk",
    "VARCalculator",
]

_BREAKER_OF: Final = {
    label(Monitor.DAILY_LOSS): Breaker.DAILY_LOSS,
    label(Monitor.STRATEGY_DRAWDOWN): Breaker.STRATEGY_DRAWDOWN,
    label(Monitor.MAX_DRAWDOWN): Breaker.MAX_DRAWDOWN,
    label(Monitor.STOP_LOSS): Breaker.STOP_LOSS,
}


class PortfolioMonitor(Protocol):
    """Anything that looks at a portfolio and says what is wrong with it."""

    def check(self, portfolio: Portfolio) -> list[RiskAlert]: ...


class _Monitor:
    WATCHES: ClassVar[frozenset[Monitor]]

    def __init__(self, limits: RiskLimits | Mapping[str, Any] | None = None) -> None:
        self.limits = limits_of(RiskLimits() if limits is None else limits)

    def check(self, portfolio: Portfolio) -> list[RiskAlert]:
        """Alerts: WARNING from `monitors.warn_at` of the limit, CRITICAL at it; nothing where the limit is off."""
        return monitor_alerts(portfolio, self.limits, self.WATCHES)


class DrawdownMonitor(_Monitor):
    """Losses: of the day, from the portfolio's peak, from each strategy's peak, and each strategy's stop loss."""

    WATCHES = frozenset(
        {Monitor.DAILY_LOSS, Monitor.MAX_DRAWDOWN, Monitor.STRATEGY_DRAWDOWN, Monitor.STOP_LOSS}
    )


class ConcentrationMonitor(_Monitor):
    """The largest share of gross exposure, working orders included, in one symbol."""

    WATCHES = frozenset({Monitor.CONCENTRATION})


class CorrelationMonitor(_Monitor):
    """The closest pair: of strategies' results, and of holdings that gain and lose together."""

    WATCHES = frozenset({Monitor.CORRELATION, Monitor.HOLDING_CORRELATION})


class VARCalculator(_Monitor):
    """One-day value at risk of the holdings by historical simulation."""

    WATCHES = frozenset({Monitor.PORTFOLIO_VAR})

    def value_at_risk(self, portfolio: Portfolio) -> float:
        """Quote currency, at the limits' confidence; NaN below 8 samples."""
        return portfolio_var(portfolio, self.limits.monitors.var_confidence)


class PostTradeRisk:
    """Monitors over a portfolio, and the breakers of a desk.

    monitors: the four of this module where left out.  limits: theirs; the desk's, or the house defaults, where left
    out.  desk: whose breakers `trigger_circuit_breaker` trips.
    """

    def __init__(
        self,
        monitors: Sequence[PortfolioMonitor] | None = None,
        limits: RiskLimits | Mapping[str, Any] | None = None,
        desk: TradingDesk | None = None,
    ) -> None:
        if limits is None and desk is not None:
            limits = desk.limits
        self.desk = desk
        self.risk_monitors: tuple[PortfolioMonitor, ...] = (
            tuple(monitors)
            if monitors is not None
            else (
                DrawdownMonitor(limits),
                ConcentrationMonitor(limits),
                CorrelationMonitor(limits),
                VARCalculator(limits),
            )
        )

    def monitor_portfolio(self, portfolio: Portfolio) -> list[RiskAlert]:
        """The alerts of all monitors."""
        return [alert for monitor in self.risk_monitors for alert in monitor.check(portfolio)]

    def trigger_circuit_breaker(self, alert: RiskAlert) -> bool:
        """Stop what a CRITICAL alert is about, a strategy or the portfolio; whether it was critical.

        The breaker latches, cancels working orders and, where the limits say so, liquidates. The facts wait in the
        desk's event buffer for whoever drains it. An alert of another kind than a loss latches as `manual`.
        Raises EngineError without a desk.
        """
        if alert.severity < AlertSeverity.CRITICAL:
            return False
        desk = self._its_desk()
        strategy = desk.strategy_index(alert.strategy_id) if alert.strategy_id else NONE
        trip_breaker(desk.state, strategy, int(_BREAKER_OF.get(alert.monitor, Breaker.MANUAL)))
        return True

    def emergency_liquidation(self, strategy_id: str = "") -> None:
        """Close every position of a strategy, or ("") of all, by reduce-only market orders; latches nothing."""
        desk = self._its_desk()
        strategy = desk.strategy_index(strategy_id) if strategy_id else NONE
        close_positions(desk.state, strategy, NONE, 0)

    def _its_desk(self) -> TradingDesk:
        if self.desk is None:
            raise EngineError("expected a desk whose breakers to trip, found none; PostTradeRisk(desk=...)")
        return self.desk
