"""The whole state of a trading desk as rows in one flat buffer.

A desk is one `uint8` array: a snapshot is a copy of it, two desks are equal when their bytes are, and a compiled call
unpacks one argument instead of twenty (each array argument costs about 50 ns). `Desk` is the set of views that plain
code works on; compiled code sees the same names through `native.open_desk`. The row layouts are in `rows`.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from workbench.core.codes import Check
from workbench.core.rows import (
    BOOK,
    EVENT,
    EXECUTION,
    FAULT,
    HEADER,
    INSTRUMENT,
    LIMIT,
    ORDER,
    POSITION,
    RECENT_ROW,
    STRATEGY,
    SYMBOL,
    USE,
    VENUE,
    Book,
    Event,
    Execution,
    Fault,
    Header,
    InstrumentRow,
    LimitRow,
    OrderRow,
    PositionRow,
    Recent,
    StrategyRow,
    SymbolRow,
    Use,
    VenueRow,
)

__all__ = [
    "BUCKETS",
    "CHECKS",
    "DAY_NS",
    "FAILURES",
    "NEVER",
    "NONE",
    "RECENT",
    "SECOND_NS",
    "SEEN",
    "Desk",
    "Rows",
    "allocate",
    "desk_views",
    "sections",
]

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
NONE: Final = -1
NEVER: Final = 2**62  # a time that does not come; -NEVER is before all others
CHECKS: Final = len(Check)
RECENT: Final = 64  # orders of one strategy that the duplicate check looks back on
BUCKETS: Final = 20  # steps that the rapid-drawdown window is divided into
FAILURES: Final = 64  # failures of one strategy that its breaker looks back on
SEEN: Final = 1024  # execution numbers of one venue that are remembered
FLOAT: Final = np.dtype(np.float64)
INTEGER: Final = np.dtype(np.int64)


class Rows[T](Protocol):
    """A one-dimensional array of rows."""

    def __getitem__(self, index: int, /) -> T: ...
    def __setitem__(self, index: int, row: T, /) -> None: ...
    def __len__(self) -> int: ...


class Desk(NamedTuple):
    """Views into one buffer; writing to a row writes to the desk."""

    head: Rows[Header]
    limits: Rows[LimitRow]
    books: Rows[Book]
    symbols: Rows[SymbolRow]
    venues: Rows[VenueRow]
    instruments: Rows[InstrumentRow]
    strategies: Rows[StrategyRow]
    positions: Rows[PositionRow]  # [strategy * instruments + instrument]
    orders: Rows[OrderRow]
    events: Rows[Event]
    uses: Rows[Use]  # [Check]
    recent: Rows[Recent]  # [strategy * RECENT + i], a ring
    faults: Rows[Fault]
    held: Rows[Execution]  # [orders]
    bucket_peaks: npt.NDArray[np.float64]  # [BUCKETS], highest equity of each step
    bucket_steps: npt.NDArray[np.int64]  # [BUCKETS], which step it was
    seen: npt.NDArray[np.int64]  # [venue * SEEN + i]
    executed: npt.NDArray[np.int64]  # [(position * 2 + sold) * executions + i], times, a ring
    returns: npt.NDArray[np.float64]  # [window, instruments], sampled
    results: npt.NDArray[np.float64]  # [window, strategies], sampled P&L changes
    scratch: npt.NDArray[np.float64]  # [window + instruments]
    failures: npt.NDArray[np.int64]  # [strategy * FAILURES + i], times, a ring


type Shape = tuple[int, ...]


def sections(head: Header) -> dict[str, tuple[np.dtype[Any], Shape]]:
    """Element type and shape of each section of a buffer of this size, in the order in which they lie."""
    cells = head.strategies * head.instruments
    return {
        "limits": (LIMIT, (1,)),
        "books": (BOOK, (1,)),
        "symbols": (SYMBOL, (head.symbols,)),
        "venues": (VENUE, (head.venues,)),
        "instruments": (INSTRUMENT, (head.instruments,)),
        "strategies": (STRATEGY, (head.strategies,)),
        "positions": (POSITION, (cells,)),
        "orders": (ORDER, (head.orders,)),
        "events": (EVENT, (head.events,)),
        "uses": (USE, (CHECKS,)),
        "recent": (RECENT_ROW, (head.strategies * RECENT,)),
        "faults": (FAULT, (head.faults,)),
        "held": (EXECUTION, (head.orders,)),
        "bucket_peaks": (FLOAT, (BUCKETS,)),
        "bucket_steps": (INTEGER, (BUCKETS,)),
        "seen": (INTEGER, (head.venues * SEEN,)),
        "executed": (INTEGER, (cells * 2 * head.executions,)),
        "returns": (FLOAT, (head.window, head.instruments)),
        "results": (FLOAT, (head.window, head.strategies)),
        "scratch": (FLOAT, (head.window + head.instruments,)),
        "failures": (INTEGER, (head.strategies * FAILURES,)),
    }


def allocate(
    *,
    strategies: int,
    instruments: int,
    venues: int,
    symbols: int,
    orders: int,
    queue: int,
    events: int,
    faults: int,
    window: int,
    executions: int,
) -> npt.NDArray[np.uint8]:
    """A zeroed buffer for a desk of this size, with its header filled."""
    header = np.zeros(1, dtype=HEADER)
    head: Header = header[0]
    head.strategies = strategies
    head.instruments = instruments
    head.venues = venues
    head.symbols = symbols
    head.orders = orders
    head.queue = queue
    head.events = events
    head.faults = faults
    head.window = window
    head.executions = executions
    end = HEADER.itemsize
    for name, (dtype, shape) in sections(head).items():
        setattr(head, f"at_{name}", end)
        end += dtype.itemsize * math.prod(shape)
    buffer = np.zeros(end, dtype=np.uint8)
    buffer[: HEADER.itemsize] = header.view(np.uint8)
    return buffer


def desk_views(buffer: npt.NDArray[np.uint8]) -> Desk:
    """The views of a desk into its buffer, for plain code: rows are records with attributes."""
    header = buffer[: HEADER.itemsize].view(HEADER)
    views: list[Any] = [header]
    for name, (dtype, shape) in sections(header[0]).items():
        start = int(getattr(header[0], f"at_{name}"))
        views.append(buffer[start : start + dtype.itemsize * math.prod(shape)].view(dtype).reshape(shape))
    return Desk(*views)
