"""From a signal to an order quantity: strength x confidence x unit, rounded toward zero to the lot."""

from __future__ import annotations

import math

import numpy as np

from workbench.core.codes import OrderType, Side
from workbench.core.jit import jit
from workbench.core.ledger import settle
from workbench.core.rows import InstrumentRow, PositionRow

__all__ = ["expected_price", "signed_quantity", "to_lot", "to_tick", "wanted_change"]

GRID_SLACK = (
    1e-9  # 0.3 / 0.1 is 2.9999999999999996; a grid step short of whole by less than this counts as whole
)
BUY = int(Side.BUY)
MARKET = int(OrderType.MARKET)
STOP = int(OrderType.STOP)


@jit
def to_lot(quantity: float, lot: float) -> float:
    """`quantity` rounded toward zero to a multiple of `lot` (0 for no grid); sign kept."""
    if lot <= 0.0:
        return quantity
    units: float = np.floor(abs(quantity) / lot + GRID_SLACK) * lot
    return units if quantity > 0.0 else -units


@jit
def to_tick(price: float, tick: float, side: int) -> float:
    """`price` rounded to the tick against the trader: up for a buy, down for a sell; never to zero."""
    if tick <= 0.0:
        return price
    if side == BUY:
        return float(np.ceil(price / tick - GRID_SLACK) * tick)
    rounded = np.floor(price / tick + GRID_SLACK) * tick
    return float(rounded) if rounded > 0.0 else price


@jit
def signed_quantity(strength: float, confidence: float, unit: float, lot: float) -> float:
    """Signed units of one signal.  strength: -1..1, confidence: 0..1, unit: units at full strength, >= 0."""
    return to_lot(strength * confidence * unit, lot)


@jit
def wanted_change(wanted: float, position: PositionRow, lot: float) -> float:
    """Signed units that bring position and working orders together to `wanted` units; rounding dust is no order."""
    held = settle(settle(position.quantity, position.working_buy), -position.working_sell)
    return to_lot(settle(wanted, -held), lot)


@jit
def expected_price(instrument: InstrumentRow, side: int, order_type: int, limit: float, stop: float) -> float:
    """The price that an order is checked and valued at before it is sent; NaN where there is none."""
    if order_type == MARKET:
        touch = instrument.ask if side == BUY else instrument.bid
        return touch * (1.0 + side * instrument.slippage)
    if order_type == STOP:
        return stop
    return limit if math.isfinite(limit) else math.nan
