"""What people do at a desk that runs: stop and let go on, close positions, accept a price, look again at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import post_trade
from workbench.core.codes import EventKind, VenueReason
from workbench.core.jit import jit
from workbench.core.latches import reset, trip
from workbench.core.liquidation import liquidate, place_emergency
from workbench.core.native import open_desk
from workbench.core.orders import EVERY, cancel_working
from workbench.core.quotes import ACCEPTED
from workbench.core.record import note
from workbench.core.state import NONE

__all__ = [
    "accept_price",
    "close_positions",
    "halt_venue",
    "reset_breaker",
    "review",
    "trip_breaker",
]

VENUE_HALTED = int(EventKind.VENUE_HALTED)
VENUE_RESUMED = int(EventKind.VENUE_RESUMED)
REQUESTED = int(VenueReason.REQUESTED)


@jit
def trip_breaker(buffer: npt.NDArray[np.uint8], strategy: int, reason: int) -> None:
    """A person stops one strategy, or everything (NONE)."""
    desk = open_desk(buffer)
    trip(desk, strategy, reason, 0.0, 0.0)
    if desk.limits[0].liquidate:
        liquidate(desk)


@jit
def reset_breaker(buffer: npt.NDArray[np.uint8], strategy: int, kill: bool) -> int:
    """A person resets breakers, or (kill) ends a kill, of one strategy or of everything (NONE); the bits unlatched."""
    return reset(open_desk(buffer), strategy, kill)


@jit
def halt_venue(buffer: npt.NDArray[np.uint8], venue: int, halted: int) -> int:
    """A person stops trading at a venue (1: all is cancelled there, only reducing orders pass) or allows it again.

    How many events wait.  Closing orders are cancelled as well, each time that it is stopped.
    """
    desk = open_desk(buffer)
    row = desk.venues[venue]
    if row.halted != halted:
        row.halted = halted
        note(desk, VENUE_HALTED if halted else VENUE_RESUMED, NONE, NONE, venue, 0.0, 0.0)
    if halted:
        cancel_working(desk, NONE, NONE, venue, 0, REQUESTED, EVERY)
    return desk.books[0].event_count


@jit
def close_positions(buffer: npt.NDArray[np.uint8], strategy: int, instrument: int, patient: int) -> None:
    """Close the positions that match (NONE matches all) by reduce-only market orders.

    patient: 1 waits where a venue has just refused to close them, 0 asks at once.
    """
    desk = open_desk(buffer)
    for s in range(desk.head[0].strategies):
        for k in range(desk.head[0].instruments):
            if strategy in (NONE, s) and instrument in (NONE, k):
                place_emergency(desk, s, k, patient)


@jit
def accept_price(buffer: npt.NDArray[np.uint8], instrument: int) -> None:
    """A person takes the next price of an instrument for true, however far it has jumped."""
    open_desk(buffer).instruments[instrument].suspect_count = ACCEPTED


@jit
def review(buffer: npt.NDArray[np.uint8]) -> None:
    """Look at everything again after a change of limits, without waiting for a price."""
    desk = open_desk(buffer)
    book = desk.books[0]
    book.changed = 1
    due = book.now_ns + desk.limits[0].interval_ns
    book.sample_ns = due if due < book.sample_ns else book.sample_ns
    post_trade(desk)
    if book.trips and desk.limits[0].liquidate:
        liquidate(desk)
