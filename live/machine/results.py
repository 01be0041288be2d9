"""How each strategy has done, kept up to date fill by fill and sample by sample; event time, quote currency."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from workbench.core.ledger import average_cost

__all__ = ["Performance", "Results"]

SAMPLE_NS: Final = 60_000_000_000
SAMPLES_PER_YEAR: Final = 365 * 24 * 60  # exchanges that never close


class Performance(msgspec.Struct, frozen=True):
    """Figures of a strategy.  Money is quote currency.

    sharpe_ratio: of changes of P&L per minute over capital, times the root of 525,600 (Sharpe 1994, risk-free rate 0);
    NaN before two samples.  max_drawdown: largest fall from a peak of capital + P&L, a fraction <= 0.
    win_rate: share of closing fills that gained; NaN before the first.  risk_adjusted_return: P&L over the largest
    fall in money; NaN where there was none.  chaos_recovery_time: seconds, None where no chaos was recovered from.
    """

    strategy_name: str
    total_pnl: float
    sharpe_ratio: float
    max_drawdown: float
    win_rate: float
    avg_trade_pnl: float
    trades_per_day: float
    risk_adjusted_return: float
    trades: int
    fees: float
    chaos_recovery_time: float | None
    risk_breach_count: int
    emergency_stops: int


class _Result(msgspec.Struct):
    """Running figures of one strategy; averages by Welford (1962)."""

    capital: float
    bought: int = 0
    sold: int = 0
    closed: int = 0
    won: int = 0
    realised: float = 0.0
    fees: float = 0.0
    first_ns: int = 0
    last_ns: int = 0
    sampled_ns: int = 0
    sampled_pnl: float = 0.0
    samples: int = 0
    mean: float = 0.0
    spread: float = 0.0
    peak: float = 0.0
    fall: float = 0.0
    worst: float = 0.0
    breaches: int = 0
    stops: int = 0
    positions: dict[str, tuple[float, float]] = {}


class Results:
    """Results of all strategies by id."""

    def __init__(self) -> None:
        self._of: dict[str, _Result] = {}

    def seat(self, strategy_id: str, capital: float) -> None:
        self._of.setdefault(strategy_id, _Result(capital, peak=capital))

    def fill(
        self,
        strategy_id: str,
        instrument: str,
        quantity: float,
        price: float,
        fee: float,
        ns: int,
        multiplier: float,
    ) -> float:
        """Count a fill (average cost, as the ledger); the P&L that it closed, before its fee."""
        result = self._of[strategy_id]
        if quantity > 0.0:
            result.bought += 1
        else:
            result.sold += 1
        result.fees += fee
        result.first_ns = result.first_ns or ns
        result.last_ns = ns
        held, average = result.positions.get(instrument, (0.0, 0.0))
        after, average_after, realised = average_cost(held, average, float(quantity), float(price))
        closed = float(realised) * multiplier
        if held * quantity < 0.0:
            result.closed += 1
            result.won += closed > 0.0
            result.realised += closed
        result.positions[instrument] = (float(after), float(average_after))
        return closed

    def breach(self, strategy_id: str) -> None:
        if strategy_id in self._of:
            self._of[strategy_id].breaches += 1

    def stop(self, strategy_id: str) -> None:
        for name in [strategy_id] if strategy_id else list(self._of):
            self._of[name].stops += 1

    def sample(self, strategy_id: str, pnl: float, ns: int) -> None:
        """See the P&L of a strategy; once a minute it counts for the Sharpe ratio."""
        result = self._of[strategy_id]
        equity = result.capital + pnl
        if equity > result.peak:
            result.peak = equity
        fall = result.peak - equity
        if fall > result.fall:
            result.fall = fall
            result.worst = fall / result.peak if result.peak > 0.0 else 0.0
        if ns - result.sampled_ns < SAMPLE_NS:
            return
        if result.sampled_ns:
            change = (pnl - result.sampled_pnl) / result.capital
            result.samples += 1
            step = change - result.mean
            result.mean += step / result.samples
            result.spread += step * (change - result.mean)
        result.sampled_ns, result.sampled_pnl = ns, pnl

    def trades(self, strategy_id: str) -> tuple[int, int]:
        """Fills bought and sold."""
        result = self._of[strategy_id]
        return result.bought, result.sold

    def performance(self, strategy_id: str, pnl: float, recovery: float | None) -> Performance:
        """Figures as of now.  pnl: total, from the ledger.  recovery: seconds after chaos, or None."""
        result = self._of[strategy_id]
        nan = math.nan
        sharpe = nan
        if result.samples > 1 and result.spread > 0.0:
            deviation = math.sqrt(result.spread / (result.samples - 1))
            sharpe = result.mean / deviation * math.sqrt(SAMPLES_PER_YEAR)
        days = (result.last_ns - result.first_ns) / 86_400e9
        trades = result.bought + result.sold
        return Performance(
            strategy_id,
            pnl,
            sharpe,
            -result.worst,
            result.won / result.closed if result.closed else nan,
            result.realised / result.closed if result.closed else nan,
            trades / days if days > 0.0 else float(trades),
            pnl / result.fall if result.fall > 0.0 else nan,
            trades,
            result.fees,
            recovery,
            result.breaches,
            result.stops,
        )

    def dump(self) -> dict[str, Any]:
        return dict(self._of)

    def load(self, dumped: dict[str, Any]) -> None:
        self._of = msgspec.convert(dumped, dict[str, _Result])
