"""Positions, P&L and exposure as the engine answers.  Units: see `answers`."""

from __future__ import annotations

import msgspec

__all__ = [
    "ExposureLine",
    "Portfolio",
    "Position",
    "Positions",
    "StrategyPnl",
]


class Position(msgspec.Struct, frozen=True):
    """What one strategy holds of one instrument.

    quantity: signed.  notional: quantity x mark x multiplier, signed.  mark_ns: when the mark was made.
    working_buy, working_sell: units of working orders.
    """

    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    average_price: float
    mark: float
    mark_ns: int
    notional: float
    unrealised_pnl: float
    realised_pnl: float
    fees: float
    working_buy: float
    working_sell: float


class Positions(msgspec.Struct, frozen=True):
    """Positions that are not flat, at event time `timestamp_ns`."""

    positions: tuple[Position, ...]
    timestamp_ns: int


class StrategyPnl(msgspec.Struct, frozen=True):
    """total_pnl = realised_pnl + unrealised_pnl - fees.  drawdown: share of its peak, positive."""

    strategy_id: str
    capital: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    drawdown: float


class ExposureLine(msgspec.Struct, frozen=True):
    """One symbol over all strategies and venues, without working orders.  net: signed notional.

    total_pnl: realised + unrealised - fees.
    """

    symbol: str
    quantity: float
    net: float
    gross: float
    total_pnl: float


class Portfolio(msgspec.Struct, frozen=True):
    """All strategies together.

    day_pnl: since 00:00 UTC.  drawdown: share of the peak, positive.  value_at_risk: one day, NaN before there are
    samples enough.  gross_exposure, net_exposure: notional of positions.
    """

    timestamp_ns: int
    initial_cash: float
    equity: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    day_pnl: float
    peak_equity: float
    drawdown: float
    gross_exposure: float
    net_exposure: float
    value_at_risk: float
    strategies: tuple[StrategyPnl, ...]
    exposures: tuple[ExposureLine, ...]
