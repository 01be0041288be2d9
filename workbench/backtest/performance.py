"""How a strategy did in a backtest; the figures themselves are in `workbench.performance`."""

from __future__ import annotations

import msgspec

from workbench.cells import cell, figure, figures

__all__ = ["StrategyPerformance"]


class StrategyPerformance(msgspec.Struct, frozen=True):
    """How one strategy did on its own capital.

    total_pnl: quote currency, after fees, open positions at their last mark.  sharpe_ratio: annualised.  max_drawdown:
    of capital + P&L, a fraction <= 0.  win_rate: share of closed round trips with a profit after fees.  avg_trade_pnl:
    quote currency per closed round trip.  trades_per_day: closed round trips per calendar day.  risk_adjusted_return:
    total return over the size of the maximum drawdown.  chaos_recovery_time: seconds, None where no chaos was measured.
    risk_breach_count: rules it ran into.  emergency_stops: breakers that stopped it, those of the portfolio included.
    """

    strategy_name: str
    total_pnl: float
    sharpe_ratio: float
    max_drawdown: float
    win_rate: float
    avg_trade_pnl: float
    trades_per_day: float
    risk_adjusted_return: float
    chaos_recovery_time: float | None
    risk_breach_count: int
    emergency_stops: int

    def _repr_html_(self) -> str:
        named = msgspec.structs.asdict(self)
        pairs = [
            (name.replace("_", " "), figure(value))
            for name, value in named.items()
            if name != "strategy_name"
        ]
        return cell(self.strategy_name, "on its own capital", figures(pairs, columns=2))
