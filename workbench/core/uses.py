"""What one pre-trade check sees of an order, and how it tells.

Every check reports a use: value after the order / limit. 1 is at the limit, more is refused, and so is NaN: an
unknown never passes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.core.codes import Side
from workbench.core.jit import jit
from workbench.core.rows import PositionRow
from workbench.core.state import Desk

__all__ = ["TOLERANCE", "Intent", "reduces", "see"]

TOLERANCE = 1.0 + 1e-9  # sums of binary fractions may overshoot a limit that was met exactly by this much
INF = math.inf
BUY = int(Side.BUY)


class Intent(NamedTuple):
    """An order before it is one.

    quantity: units > 0.  limit, stop: NaN where the type has none.  expected: price it is valued at.
    client: id of the sender's choice, 0 for none.
    """

    strategy: int
    instrument: int
    side: int
    quantity: float
    type: int
    tif: int
    reduce_only: int
    post_only: int
    limit: float
    stop: float
    expected: float
    client: int


@jit
def reduces(position: PositionRow, side: int, quantity: float) -> bool:
    """Whether an order, with all that works on its side, can only bring the position nearer to zero."""
    if side == BUY:
        return position.working_buy + quantity <= -position.quantity * TOLERANCE
    return position.working_sell + quantity <= position.quantity * TOLERANCE


@jit
def see(desk: Desk, check: int, value: float, limit: float) -> None:
    """Note `value` against `limit` if it is the fullest use that this check has seen.

    An infinite limit is off. NaN, of the value or of the limit, counts as infinite use.
    """
    use = 0.0
    if value != value or limit != limit:
        use = INF
    elif limit < INF and value > 0.0:
        use = value / limit if limit > 0.0 and value < INF else INF
    row = desk.uses[check]
    if use >= row.use:
        row.use = use
        row.value = value
        row.limit = limit
