"""Figures of a column out of its tally, under the names that `BacktestResult.stats` uses, for all columns at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.errors import ConfigError
from workbench.performance.arithmetic import FLAT
from workbench.performance.calendar import DAY_NS, YEAR_DAYS

__all__ = ["DEFAULT_METRICS", "LOWER_IS_BETTER", "METRICS", "Context", "check_metrics", "figures"]

type Floats = npt.NDArray[np.float64]

DEFAULT_METRICS: Final = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown",
    "trades",
    "win_rate",
    "profit_factor",
    "exposure_time",
    "turnover",
    "fees",
)
LOWER_IS_BETTER: Final = frozenset(
    {
        "volatility",
        "fees",
        "turnover",
        "breaches",
        "breaker_trips",
        "orders_refused",
        "signals_refused",
        "alerts",
    }
    | {"longest_drawdown", "worst_use", "worst_gross", "bad_ticks", "strategy_errors"}
)
"""Everything else is better when higher; a drawdown is a fraction <= 0."""


class Context(NamedTuple):
    """What is the same for all columns: cash at the start, periods per year, first and last time (UTC ns)."""

    cash: float
    per_year: float
    begin_ns: int
    end_ns: int


class _Moments(NamedTuple):
    mean: Floats
    deviation: Floats
    downside: Floats


def _moments(t: Any) -> _Moments:
    """As in the performance room: mean, deviation (n - 1) and downside deviation of the returns."""
    count = t["moments"] - 1.0
    usable = (t["moments"] >= 3) & (t["broken"] == 0)
    safe = np.where(usable, count, np.nan)
    mean = t["sum_r"] / safe
    variance = np.maximum(t["sum_square"] - safe * mean * mean, 0.0) / (safe - 1.0)
    deviation = np.sqrt(variance)
    # What is left of squares that cancel is no deviation.
    rounding = FLAT * np.abs(mean) + np.sqrt(np.finfo(np.float64).eps * t["sum_square"] / safe) * 1e-3
    deviation = np.where(deviation <= rounding, 0.0, deviation)
    return _Moments(mean, deviation, np.sqrt(t["sum_down"] / safe))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0.0))


def _cagr(t: Any, c: Context) -> Floats:
    years = (c.end_ns - c.begin_ns) / (YEAR_DAYS * DAY_NS)
    factor = t["final_equity"] / c.cash
    if years <= 0.0:
        return np.full(len(t), np.nan)
    positive = np.where(factor > 0.0, factor, 1.0)
    return np.where(factor > 0.0, np.expm1(np.log(positive) / years), -1.0)


def _calmar(t: Any, c: Context) -> Floats:
    return _ratio(_cagr(t, c), -t["worst"])


def _profit_factor(t: Any, _: Context) -> Floats:
    factor = _ratio(t["gained"], t["lost"])
    return np.where((t["lost"] == 0.0) & (t["gained"] > 0.0), np.inf, factor)


def _plain(name: str) -> Callable[[Any, Context], Any]:
    return lambda t, _: t[name].copy()


METRICS: Final[Mapping[str, Callable[[Any, Context], Any]]] = {
    "final_equity": _plain("final_equity"),
    "total_pnl": lambda t, c: t["final_equity"] - c.cash,
    "total_return": lambda t, c: t["final_equity"] / c.cash - 1.0,
    "cagr": _cagr,
    "volatility": lambda t, c: _moments(t).deviation * np.sqrt(c.per_year),
    "sharpe_ratio": lambda t, c: _ratio(_moments(t).mean, _moments(t).deviation) * np.sqrt(c.per_year),
    "sortino_ratio": lambda t, c: _ratio(_moments(t).mean, _moments(t).downside) * np.sqrt(c.per_year),
    "calmar_ratio": _calmar,
    "max_drawdown": _plain("worst"),
    "longest_drawdown": lambda t, _: t["longest_ns"].astype("timedelta64[ns]"),
    "trades": _plain("trades"),
    "win_rate": lambda t, _: _ratio(t["won"].astype(float), t["trades"].astype(float)),
    "avg_trade_pnl": lambda t, _: _ratio(t["sum_pnl"], t["trades"].astype(float)),
    "profit_factor": _profit_factor,
    "exposure_time": lambda t, _: t["held"] / np.maximum(t["moments"], 1),
    "fills": _plain("fills"),
    "turnover": _plain("turnover"),
    "fees": _plain("fees"),
    "signals": _plain("signals"),
    "signals_refused": _plain("refused_signals"),
    "orders_sent": _plain("orders"),
    "orders_refused": _plain("refused_orders"),
    "orders_rejected_by_venue": _plain("rejected"),
    "breaches": _plain("breaches"),
    "alerts": _plain("alerts"),
    "breaker_trips": _plain("trips"),
    "bad_ticks": _plain("bad_ticks"),
    "worst_gross": _plain("worst_gross"),
    "worst_use": _plain("worst_use"),
    "strategy_errors": lambda t, _: np.zeros(len(t), dtype=np.int64),  # compiled code cannot raise
}


def check_metrics(metrics: Sequence[str] | str | None) -> tuple[str, ...]:
    """Names of the metrics that are wanted; None for the usual ones.  Raises ConfigError for one that there is not."""
    if metrics is None:
        return DEFAULT_METRICS
    given: object = metrics
    if not isinstance(given, Iterable):
        raise ConfigError(f"metrics must be names, such as ['sharpe_ratio', 'trades'], found {given!r:.80}")
    names: tuple[Any, ...] = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not isinstance(name, str) or name not in METRICS:
            close = difflib.get_close_matches(str(name), METRICS, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(METRICS)}"
            raise ConfigError(f"no metric {name!r}; {hint}")
    if not names:
        raise ConfigError(f"metrics must name at least one; there is: {', '.join(METRICS)}")
    return names


def figures(tallies: Any, context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Arrays by name of metric, one value per tally.  tallies: TALLY[columns]."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return {name: METRICS[name](tallies, context) for name in names}
