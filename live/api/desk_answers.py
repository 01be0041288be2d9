"""What a risk desk asks besides: who it is, every limit and what is used of it, correlations, the way of the equity.

Units as in `answers`.
"""

from __future__ import annotations

import msgspec

__all__ = ["Correlations", "EquityHistory", "EquityPoint", "Exposures", "Identity", "LimitLine"]


class Identity(msgspec.Struct, frozen=True):
    """Whose token asks.  may: the actions that its role allows, as `strategy.start` or `risk.kill`."""

    person: str
    role: str
    may: tuple[str, ...]


class LimitLine(msgspec.Struct, frozen=True):
    """One limit and how much of it is used.

    scope: portfolio, strategy, symbol, instrument or venue.  target: which one, "" for the portfolio.
    limit_type: as in risk_limits.yaml.  unit: money, units, share, orders.  use: value / limit.
    Notional and units count working orders, as the checks do.
    """

    scope: str
    target: str
    limit_type: str
    unit: str
    value: float
    limit: float
    use: float


class Exposures(msgspec.Struct, frozen=True):
    """Limits that are on, and what is used of them.  warn_at: the share from which a limit is told as nearly used."""

    timestamp_ns: int
    warn_at: float
    lines: tuple[LimitLine, ...]


class Correlations(msgspec.Struct, frozen=True):
    """Pearson correlations of what the monitors sampled: P&L of strategies, returns of instruments.

    samples: taken so far, of `needed` before anything is told; interval_seconds: between two of them.
    strategies, instruments: names; by_strategy, by_instrument: rows of their matrices, empty before there are samples
    enough.  What does not move has 0 with everything else.
    """

    samples: int
    needed: int
    interval_seconds: float
    strategies: tuple[str, ...]
    by_strategy: tuple[tuple[float, ...], ...]
    instruments: tuple[str, ...]
    by_instrument: tuple[tuple[float, ...], ...]


class EquityPoint(msgspec.Struct, frozen=True, gc=False):
    """The portfolio at one time.  drawdown: share of the peak, positive.  gross_exposure: notional of positions."""

    ns: int
    equity: float
    drawdown: float
    gross_exposure: float


class EquityHistory(msgspec.Struct, frozen=True):
    """Since the engine was started, oldest first: a point a minute of the last day, then one a second of the last
    quarter of an hour."""

    points: tuple[EquityPoint, ...]
