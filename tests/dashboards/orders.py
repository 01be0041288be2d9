"""Orders to which anything happens that can, in any order: what a blotter is told."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from live.machine.blotter import Blotter
from workbench.core.facts import CancelRequested, OrderAccepted, OrderAcknowledged, OrderEnded
from workbench.core.messages import OrderFill

__all__ = ["Happening", "carry_out", "happenings"]

SIZE = 4.0  # units of each order


class Happening(NamedTuple):
    """what: accept, acknowledge, fill, ask back, keep (that is refused), end.  order: its number.  share: to fill."""

    what: str
    order: int
    share: float
    ns: int


def happenings() -> st.SearchStrategy[list[Happening]]:
    """Up to 24 of them, of up to 4 orders."""
    kinds = st.sampled_from(["accept", "accept", "acknowledge", "fill", "fill", "ask back", "keep", "end"])
    parts = st.tuples(kinds, st.integers(1, 4), st.sampled_from([0.25, 0.5, 1.0]))
    return st.lists(parts, max_size=24).map(
        lambda rows: [Happening(what, order, share, 1_000 + k) for k, (what, order, share) in enumerate(rows)]
    )


def carry_out(blotter: Blotter, event: Happening) -> None:
    """Tell the blotter; what cannot be (an order is accepted twice, or filled before) is left out."""
    order, about = event.order, (event.order, "s", "BTC-USD", "v", 1)
    line = blotter.working.get(order)
    if event.what == "accept":
        if blotter.find(order) is None:
            blotter.accepted(
                OrderAccepted(order, *about, SIZE, "limit", "GTC", 100.0, float("nan"), event.ns)
            )
        return
    if line is None:
        return
    left = SIZE - line.filled
    if event.what == "fill":
        units = min(left, event.share * SIZE)
        fill = OrderFill(
            order, order, 0, "s", "BTC-USD", "v", units, 100.0, 0.1, left - units, "maker", event.ns
        )
        blotter.filled(fill, 0.0)
    elif event.what == "acknowledge":
        blotter.changed(OrderAcknowledged(order, *about, left, event.ns))
    elif event.what == "ask back":
        blotter.changed(CancelRequested(order, *about, left, "requested", event.ns))
    elif event.what == "keep":
        blotter.refused_cancel(order, event.ns)
    else:
        blotter.changed(OrderEnded(order, *about, left, "cancelled", "requested", event.ns))
