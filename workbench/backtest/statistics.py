"""The figures of a whole run as one Series, and as one screen of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from workbench.backtest.performance import StrategyPerformance
from workbench.backtest.roundtrips import exposed
from workbench.core.feed import LAST
from workbench.performance.equity import curve_figures
from workbench.performance.trades import trade_figures

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = [
    "PORTFOLIO",
    "long_enough",
    "portfolio_stats",
    "show",
    "shown",
    "span_text",
    "strategy_performance",
    "text_summary",
    "too_short",
    "top_reasons",
]

PORTFOLIO: Final = "portfolio"
"""Name of all strategies together."""

_TOP: Final = 3
_A_YEAR: Final = frozenset({"cagr", "calmar_ratio"})
_ANNUALISED: Final = frozenset({"volatility", "sharpe_ratio", "sortino_ratio"})
_WHOLE_YEAR_DAYS: Final = 364.0
_LEAST_DAYS, _LEAST_UPDATES = 30.0, 30
_SIGNED: Final = frozenset({"total_return", "buy_and_hold_return", "cagr"})
_SHARES: Final = _SIGNED | {"volatility", "max_drawdown", "win_rate", "exposure_time"}
_MONEY: Final = frozenset({"initial_cash", "final_equity", "total_pnl", "avg_trade_pnl", "turnover", "fees"})


def portfolio_stats(result: BacktestResult, per_year: float) -> pd.Series[Any]:
    """See `BacktestResult.stats`."""
    recorder = result.record.recorder
    cash, equity = result.curve_of(None)
    curve = curve_figures(result.times_ns, equity, cash, result.start.value, per_year)
    trades, positions = trade_figures(result.trades), result.positions
    return pd.Series(
        {
            "start": result.start,
            "end": result.end,
            "duration": result.end - result.start,
            "updates": len(result.record.feed),
            "periods_per_year": per_year,
            "initial_cash": result.initial_cash,
            "final_equity": result.final_equity,
            "total_pnl": result.final_equity - result.initial_cash,
            "total_return": curve.total_return,
            "buy_and_hold_return": _buy_and_hold(result),
            "cagr": curve.cagr,
            "volatility": curve.volatility,
            "sharpe_ratio": curve.sharpe_ratio,
            "sortino_ratio": curve.sortino_ratio,
            "calmar_ratio": curve.calmar_ratio,
            "max_drawdown": curve.max_drawdown,
            "longest_drawdown": pd.Timedelta(curve.longest_drawdown_ns, unit="ns"),
            "trades": trades.trades,
            "win_rate": trades.win_rate,
            "avg_trade_pnl": trades.avg_trade_pnl,
            "profit_factor": trades.profit_factor,
            "exposure_time": exposed(result.position_history, result.times_ns, None),
            "fills": len(recorder.fills),
            "turnover": float(positions["traded_notional"].sum()),
            "fees": float(positions["fees"].sum()),
            "signals": len(recorder.signals),
            "signals_refused": len(recorder.signals_refused),
            "orders_sent": len(recorder.accepted),
            "orders_refused": len(recorder.refused),
            "refusal_reasons": top_reasons(result),
            "orders_rejected_by_venue": sum(e.state == "rejected_by_venue" for e in recorder.ended),
            "breaches": len(recorder.breaches),
            "alerts": len(recorder.alerts),
            "breaker_trips": len(recorder.trips),
            "bad_ticks": sum(n.kind == "bad_tick" for n in recorder.notices),
            "strategy_errors": len(recorder.errors),
            "chaos_events": len(result.chaos),
        },
        dtype=object,
        name=", ".join(result.strategies),
    )


def _buy_and_hold(result: BacktestResult) -> float:
    """Mean over the instruments of last over first price, minus 1: what equal amounts in each would have returned."""
    feed = result.record.feed
    returns = []
    for k in range(len(feed.instruments)):
        last = feed.quotes[feed.instrument == k, LAST]
        prices = last[np.isfinite(last) & (last > 0.0)]
        if len(prices):
            returns.append(float(prices[-1] / prices[0]) - 1.0)
    return sum(returns) / len(returns) if returns else math.nan


def strategy_performance(
    result: BacktestResult, strategy_id: str | None, per_year: float, chaos_recovery_time: float | None
) -> StrategyPerformance:
    """See `BacktestResult.performance`."""
    name = result.strategies[0] if strategy_id is None and len(result.strategies) == 1 else strategy_id
    capital, equity = result.curve_of(name)
    curve = curve_figures(result.times_ns, equity, capital, result.start.value, per_year)
    mine = result.trades if name is None else result.trades[result.trades["strategy_id"] == name]
    trades = trade_figures(mine)
    days = (result.end - result.start) / pd.Timedelta(days=1)
    recorder = result.record.recorder
    return StrategyPerformance(
        strategy_name=PORTFOLIO if name is None else name,
        total_pnl=float(equity[-1]) - capital if len(equity) else 0.0,
        sharpe_ratio=curve.sharpe_ratio,
        max_drawdown=curve.max_drawdown,
        win_rate=trades.win_rate,
        avg_trade_pnl=trades.avg_trade_pnl,
        trades_per_day=trades.trades / days if days else math.nan,
        risk_adjusted_return=curve.total_return / -curve.max_drawdown if curve.max_drawdown else math.nan,
        chaos_recovery_time=chaos_recovery_time,
        risk_breach_count=len(recorder.breaches) if name is None else result.breach_counts[name],
        emergency_stops=sum(name is None or trip.strategy_id in ("", name) for trip in recorder.trips),
    )


def top_reasons(result: BacktestResult) -> str:
    """The most frequent reasons of refused orders over all strategies, with their numbers; "" without any."""
    refused = result.refusals
    orders = refused[refused["what"] == "order"].groupby("reason", sort=False)["count"].sum()
    top = orders.sort_values(ascending=False, kind="stable").head(_TOP)
    return ", ".join(f"{reason} {count:,}" for reason, count in top.items())


def show(name: str, value: Any) -> str:
    """One figure as a person reads it."""
    match value:
        case pd.Timestamp():
            return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
        case pd.Timedelta():
            return span_text(value)
        case float() if math.isnan(value):
            return "-"
        case float() if name in _SHARES:
            return f"{value:+.2%}" if name in _SIGNED else f"{value:.2%}"
        case float() if name in _MONEY:
            return f"{value:,.2f}"
        case float():
            return f"{value:,.0f}" if name == "periods_per_year" and value >= 100 else f"{value:,.2f}"
        case int():
            return f"{value:,}"
    return str(value) or "-"


def shown(stats: pd.Series[Any], name: str) -> str:
    """A figure of `stats` as a person reads it; "-" where the run is too short for it, as `too_short` then says."""
    return show(name, stats[name]) if long_enough(stats, name) else "-"


def long_enough(stats: pd.Series[Any], name: str) -> bool:
    """False for a figure that is annualised, where the run is too short for it."""
    days, enough = _length(stats)
    return not ((name in _ANNUALISED and not enough) or (name in _A_YEAR and days < _WHOLE_YEAR_DAYS))


def too_short(stats: pd.Series[Any]) -> str:
    """Why figures of `stats` that are annualised are not shown; "" where they are.

    By the rule of GIPS a return of less than a year is not annualised: two good days would be 10^9 percent. A
    deviation, and a ratio to it, is where there are 30 days and more than 30 updates.
    """
    days, enough = _length(stats)
    if not enough:
        return f"too short for figures a year: {stats['updates']:,} updates in {span_text(stats['duration'])}"
    return "shorter than a year, so no cagr and no calmar_ratio" if days < _WHOLE_YEAR_DAYS else ""


def _length(stats: pd.Series[Any]) -> tuple[float, bool]:
    """Days, and whether they and the updates are enough for a deviation a year."""
    days = stats["duration"] / pd.Timedelta(days=1)
    return days, days >= _LEAST_DAYS and stats["updates"] > _LEAST_UPDATES


def span_text(span: pd.Timedelta) -> str:
    """A length of time as a person says it, cut to its two largest units."""
    if span < pd.Timedelta(seconds=1):
        return f"{span.total_seconds():g} s"
    seconds = int(span.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days:,} d {hours} h" if hours and days < 100 else f"{days:,} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


_LEFT: Final = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown",
    "longest_drawdown",
    "exposure_time",
)
_RIGHT: Final = (
    "trades",
    "win_rate",
    "profit_factor",
    "fills",
    "fees",
    "orders_sent",
    "orders_refused",
    "breaches",
    "breaker_trips",
)


def text_summary(result: BacktestResult) -> str:
    """One screen: what ran, what came of it, and what stopped it."""
    stats = result.stats()
    lines = [
        f"BacktestResult: {', '.join(result.strategies)} on {_names(result.instruments)}",
        f"{show('start', stats['start'])} to {show('end', stats['end'])} UTC, {stats['updates']:,} updates",
        f"equity {stats['initial_cash']:,.2f} -> {stats['final_equity']:,.2f}",
        "",
    ]
    for left, right in zip(_LEFT, _RIGHT, strict=True):
        lines.append(f"{left:<18}{shown(stats, left):>14}    {right:<16}{show(right, stats[right]):>14}")
    if short := too_short(stats):
        lines.append(f"not annualised    {short}")
    if not stats["signals"]:
        names = _names(tuple(result.instruments))
        lines.append(
            f"no signal          in {stats['updates']:,} updates of {names}: do the strategy's names fit?"
        )
    if stats["orders_refused"]:
        lines.append(f"refused by        {stats['refusal_reasons']}")
    lines.extend(
        f"stopped           {trip['message']} ({trip['timestamp']:%Y-%m-%d %H:%M})"
        for _, trip in result.alerts[result.alerts["kind"] == "breaker_tripped"].head(3).iterrows()
    )
    if len(result.errors):
        first = result.errors.iloc[0]
        lines.append(f"errors            {len(result.errors):,}, first: {first['call']} {first['error']}")
    lines.append(f"fingerprint       {result.fingerprint[:16]}")
    return "\n".join(lines)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
