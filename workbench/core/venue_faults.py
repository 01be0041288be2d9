"""Faults of a venue, switched on and off by a schedule in event time.

Chance is a pure function of seed and order number, so that every runner draws the same.
"""

from __future__ import annotations

from enum import IntEnum

from workbench.core.codes import EventKind, VenueReason
from workbench.core.executions import release_held
from workbench.core.jit import jit
from workbench.core.orders import EVERY, cancel_working
from workbench.core.record import note
from workbench.core.state import NEVER, NONE, SECOND_NS, Desk

__all__ = ["VenueFault", "chance", "refresh_faults"]


class VenueFault(IntEnum):
    """What `Fault.kind` says; the unit of its intensity."""

    DISCONNECT = 1  # nothing reaches the venue; it cancels what works there
    REJECT_STORM = 2  # probability that an order is rejected
    LATENCY_SPIKE = 3  # seconds added
    PARTIAL_FILLS = 4  # share of the normal participation
    DUPLICATE_FILLS = 5  # every report comes twice
    OUT_OF_ORDER_FILLS = 6  # reports come with the next update, newest first


DISCONNECT = int(VenueFault.DISCONNECT)
REJECT_STORM = int(VenueFault.REJECT_STORM)
LATENCY_SPIKE = int(VenueFault.LATENCY_SPIKE)
PARTIAL_FILLS = int(VenueFault.PARTIAL_FILLS)
DUPLICATE_FILLS = int(VenueFault.DUPLICATE_FILLS)
OUT_OF_ORDER_FILLS = int(VenueFault.OUT_OF_ORDER_FILLS)
VENUE_DOWN = int(EventKind.VENUE_DOWN)
VENUE_UP = int(EventKind.VENUE_UP)
BY_DISCONNECT = int(VenueReason.DISCONNECT)
MODULUS = 2_147_483_647  # 2^31 - 1, prime
MULTIPLIER = 48_271  # Park, Miller, Stockmeyer 1993


@jit
def chance(seed: int, number: int) -> float:
    """A number in 0..1 that depends on `seed` and `number` alone: three steps of the minimal standard generator."""
    x = (seed * 69_621 + number * 16_807 + 12_345) % MODULUS + 1
    for _ in range(3):
        x = (x * MULTIPLIER) % MODULUS
    return x / MODULUS


@jit
def refresh_faults(desk: Desk) -> None:
    """Set every venue's condition from the schedule and note when it next changes."""
    book = desk.books[0]
    now = book.now_ns
    change = NEVER
    for v in range(desk.head[0].venues):
        venue = desk.venues[v]
        if venue.remote:  # it has faults of its own
            continue
        up = 1
        venue.reject_probability = 0.0
        venue.extra_latency_ns = 0
        venue.fill_share = 1.0
        venue.duplicate = 0
        reorder = 0
        for f in range(desk.head[0].faults):
            fault = desk.faults[f]
            if fault.kind == 0 or fault.venue not in (NONE, v):
                continue
            if now < fault.start_ns:
                change = fault.start_ns if fault.start_ns < change else change
                continue
            if now >= fault.end_ns:
                continue
            change = fault.end_ns if fault.end_ns < change else change
            if fault.kind == DISCONNECT:
                up = 0
            elif fault.kind == REJECT_STORM:
                venue.reject_probability = fault.intensity
                venue.seed = fault.seed
            elif fault.kind == LATENCY_SPIKE:
                venue.extra_latency_ns = int(fault.intensity * SECOND_NS)
            elif fault.kind == PARTIAL_FILLS:
                venue.fill_share = fault.intensity
            elif fault.kind == DUPLICATE_FILLS:
                venue.duplicate = 1
            elif fault.kind == OUT_OF_ORDER_FILLS:
                reorder = 1
        if venue.up == 1 and up == 0:
            note(desk, VENUE_DOWN, NONE, NONE, v, 0.0, 0.0)
            cancel_working(desk, NONE, NONE, v, 0, BY_DISCONNECT, EVERY)
        elif venue.up == 0 and up == 1:
            note(desk, VENUE_UP, NONE, NONE, v, 0.0, 0.0)
        venue.up = up
        if venue.reorder == 1 and reorder == 0:
            release_held(desk)
        venue.reorder = reorder
    book.fault_ns = change
