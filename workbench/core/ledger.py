"""Average-cost accounting per strategy and instrument.

Identity, always: equity = initial cash + realised + unrealised - fees.
"""

from __future__ import annotations

from workbench.core.jit import jit
from workbench.core.rows import Book, PositionRow
from workbench.core.state import Desk

__all__ = ["add_fill", "average_cost", "net_gain", "open_gain", "revalue", "settle"]

DUST = 1e-12  # what rounding leaves of a quantity that is really zero, as a share of what was traded


@jit
def settle(quantity: float, change: float) -> float:
    """`quantity + change`, with the dust of binary fractions (0.1 + 0.2 - 0.3) taken as zero."""
    total = quantity + change
    if abs(total) <= DUST * (abs(quantity) + abs(change)):
        return 0.0
    return total


@jit
def average_cost(quantity: float, average: float, fill: float, price: float) -> tuple[float, float, float]:
    """Quantity, average price and realised price difference x units after one fill.

    quantity, fill: signed units, fill non-zero.  price: quote currency per unit, finite.
    A fill that adds moves the average; one that reduces realises (price - average) on the closed units;
    a flip realises the closed part and restarts the average at `price`.  Never raises.
    """
    after = settle(quantity, fill)
    if quantity == 0.0 or (quantity > 0.0) == (fill > 0.0):  # their product could underflow to zero
        cost = average * abs(quantity) + price * abs(fill)
        return after, cost / abs(after), 0.0
    if abs(fill) < abs(quantity) and after != 0.0:
        return after, average, (average - price) * fill
    realised = (price - average) * quantity
    if after == 0.0:
        return 0.0, 0.0, realised
    return after, price, realised


@jit
def open_gain(mark: float, average: float, quantity: float, multiplier: float) -> float:
    """Unrealised P&L of `quantity` signed units."""
    return (mark - average) * quantity * multiplier


@jit
def net_gain(realised: float, fees: float, unrealised: float) -> float:
    """P&L of one position, after fees."""
    return realised - fees + unrealised


@jit
def add_fill(
    position: PositionRow, fill: float, price: float, fee: float, multiplier: float, mark: float
) -> None:
    """Apply one fill to `position` in place and revalue it at `mark`.

    fill: signed units, non-zero.  fee: quote currency, >= 0 (a rebate is negative).
    """
    quantity, average, realised = average_cost(position.quantity, position.average, fill, price)
    position.quantity = quantity
    position.average = average
    position.realised += realised * multiplier
    position.fees += fee
    position.traded += abs(fill) * price * multiplier
    position.unrealised = open_gain(mark, average, quantity, multiplier)


@jit
def revalue(desk: Desk, strategy: int) -> None:
    """Sum a strategy's P&L over its instruments, then the portfolio's equity over its strategies.

    Both sums run in index order, so every runner gets the same last bit.
    """
    instruments = desk.head[0].instruments
    first = strategy * instruments
    pnl = 0.0
    for cell in range(first, first + instruments):
        position = desk.positions[cell]
        pnl += net_gain(position.realised, position.fees, position.unrealised)
    desk.strategies[strategy].pnl = pnl
    book: Book = desk.books[0]
    equity = book.initial_cash
    for other in range(desk.head[0].strategies):
        equity += desk.strategies[other].pnl
    book.equity = equity
    book.changed = 1
