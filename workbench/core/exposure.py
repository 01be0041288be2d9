"""Gross and net notional of the desk, working orders included, always at the mark."""

from __future__ import annotations

import math

from workbench.core.codes import Side
from workbench.core.jit import jit
from workbench.core.state import NONE, Desk

__all__ = [
    "gross_of_instrument",
    "gross_of_portfolio",
    "gross_of_strategy",
    "gross_of_symbol",
    "gross_of_venue",
    "net_worst",
    "units_worst",
]

BUY = int(Side.BUY)


@jit
def gross_of_strategy(desk: Desk, strategy: int) -> float:
    """Sum of a strategy's position exposures; kept until one of them changes."""
    row = desk.strategies[strategy]
    if row.dirty:
        first = strategy * desk.head[0].instruments
        gross = 0.0
        for cell in range(first, first + desk.head[0].instruments):
            gross += desk.positions[cell].exposure
        row.gross = gross
        row.dirty = 0
    return row.gross


@jit
def gross_of_portfolio(desk: Desk) -> float:
    """Sum over all strategies."""
    gross = 0.0
    for strategy in range(desk.head[0].strategies):
        gross += gross_of_strategy(desk, strategy)
    return gross


@jit
def gross_of_instrument(desk: Desk, instrument: int) -> float:
    """Sum over all strategies for one instrument."""
    instruments = desk.head[0].instruments
    gross = 0.0
    for strategy in range(desk.head[0].strategies):
        gross += desk.positions[strategy * instruments + instrument].exposure
    return gross


@jit
def gross_of_symbol(desk: Desk, symbol: int) -> float:
    """Sum over all strategies and venues for one symbol."""
    gross = 0.0
    for instrument in range(desk.head[0].instruments):
        if desk.instruments[instrument].symbol == symbol:
            gross += gross_of_instrument(desk, instrument)
    return gross


@jit
def gross_of_venue(desk: Desk, venue: int) -> float:
    """Sum over all strategies and instruments of one venue."""
    gross = 0.0
    for instrument in range(desk.head[0].instruments):
        if desk.instruments[instrument].venue == venue:
            gross += gross_of_instrument(desk, instrument)
    return gross


@jit
def net_worst(desk: Desk, strategy: int, side: int) -> float:
    """Signed notional if every working order on `side` filled, times `side`; NONE for all strategies."""
    instruments = desk.head[0].instruments
    net = 0.0
    for owner in range(desk.head[0].strategies):
        if strategy not in (NONE, owner):
            continue
        for k in range(instruments):
            position = desk.positions[owner * instruments + k]
            units = position.quantity
            units += position.working_buy if side == BUY else -position.working_sell
            if units != 0.0:
                row = desk.instruments[k]
                net += units * (row.mark if math.isfinite(row.mark) else 0.0) * row.multiplier
    return net * side


@jit
def units_worst(desk: Desk, strategy: int, symbol: int, side: int) -> float:
    """Units of a symbol, times `side`, that a strategy holds over all venues once all its orders there fill."""
    first = strategy * desk.head[0].instruments
    units = 0.0
    for k in range(desk.head[0].instruments):
        if desk.instruments[k].symbol == symbol:
            position = desk.positions[first + k]
            units += (
                position.quantity + position.working_buy
                if side == BUY
                else position.working_sell - position.quantity
            )
    return units
