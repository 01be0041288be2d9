"""Which venue an order goes to when it names none."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.codes import Sizing
from workbench.core.jit import jit
from workbench.core.native import open_desk
from workbench.core.state import NONE, Desk

__all__ = ["route", "route_of"]

TARGET = int(Sizing.TARGET)


@jit
def route(desk: Desk, strategy: int, symbol: int, strength: float, reduce_only: int) -> int:
    """The instrument of `symbol` with the best price for an order; a target is meant for the first one.

    A reduce-only order goes where there is something to reduce.
    """
    instruments = desk.head[0].instruments
    first = NONE
    reducible = 0
    for k in range(instruments):
        if desk.instruments[k].symbol == symbol:
            first = k if first == NONE else first
            held = desk.positions[strategy * instruments + k].quantity
            reducible += held < 0.0 if strength > 0.0 else held > 0.0
    if not reduce_only and desk.strategies[strategy].sizing == TARGET:
        return first
    best = NONE
    best_price = math.nan
    for k in range(instruments):
        row = desk.instruments[k]
        if row.symbol != symbol:
            continue
        if reduce_only and reducible:
            held = desk.positions[strategy * instruments + k].quantity
            if not (held < 0.0 if strength > 0.0 else held > 0.0):
                continue
        best = k if best == NONE else best
        price = row.ask if strength > 0.0 else -row.bid
        if row.good and not price >= best_price:
            best = k
            best_price = price
    return best


@jit
def route_of(
    buffer: npt.NDArray[np.uint8], strategy: int, symbol: int, strength: float, reduce_only: int
) -> int:
    """`route` for plain code."""
    return route(open_desk(buffer), strategy, symbol, strength, reduce_only)
