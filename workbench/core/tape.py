"""The market as every column of a sweep sees it: what a desk makes of each price before any position comes into it.

Whether a price is believed, the clock, the day, the average volume and the sampled returns depend on the feed and the
limits alone. So a desk without positions takes in the feed once, by the same `price` as everybody, and what it holds
after each row is kept. Columns then copy instead of working it out again.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import anybody_samples
from workbench.core.drawdown_window import bucket_step
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME, Feed
from workbench.core.jit import jit
from workbench.core.native import open_desk
from workbench.core.rows import row_type
from workbench.core.state import Rows, desk_views
from workbench.core.step import price

__all__ = ["DAY", "ROUGH", "SAMPLE", "TAPE_ROW", "Tape", "TapeRow", "build_tape", "row_at"]

ROUGH: Final = 1  # something is told of this price, or it is an instrument's first: no shortcut
DAY: Final = 2  # the first row of a UTC day
SAMPLE: Final = 4  # the monitors take a sample


class TapeRow:
    """One price, and what stands after it.

    bid .. ask_size: as they came.  stop: the first row from this one on that has a flag.  ends: distinct times that are
    over before this row.  step: of the rapid-drawdown window.  samples: taken up to this row.  day_row: first row of
    the day.
    """

    ns: int
    instrument: int
    sequence: int
    bid: float
    ask: float
    last: float
    volume: float
    bid_size: float
    ask_size: float
    change: float
    average_volume: float
    updates: int
    flags: int
    stop: int
    ends: int
    closes: int  # whether the next row has another time
    step: int
    samples: int
    day_row: int


TAPE_ROW: Final = row_type(TapeRow)


class Tape(NamedTuple):
    """rows: TAPE_ROW[n + 1], the last one only closes `stop` and `ends`.

    marks: float64[n], the last prices.  times: int64[n].  Both stand in the rows too; by themselves they fit the cache.
    alone: int64[1], whether every row has a time of its own.
    sampled: float64[samples, 3 k]; of each instrument the return, the farthest return of the window, and the mark.
    """

    rows: Rows[TapeRow]
    marks: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]
    alone: npt.NDArray[np.int64]
    sampled: npt.NDArray[np.float64]


@jit
def _play(
    buffer: npt.NDArray[np.uint8],
    quotes: npt.NDArray[np.float64],
    keys: npt.NDArray[np.int64],
    rows: Rows[TapeRow],
    sampled: npt.NDArray[np.float64],
) -> int:
    """Fill `rows` and `sampled` from a desk that holds nothing; how many samples there were."""
    desk = open_desk(buffer)
    book = desk.books[0]
    count = len(quotes)
    window = desk.head[0].window
    instruments = desk.head[0].instruments
    samples = 0
    day_row = 0
    for i in range(count):
        row = rows[i]
        day, taken, k = book.day, book.sample, keys[i, 1]
        book.event_count = 0
        price(
            desk,
            k,
            keys[i, 0],
            quotes[i, BID],
            quotes[i, ASK],
            quotes[i, LAST],
            quotes[i, VOLUME],
            quotes[i, BID_SIZE],
            quotes[i, ASK_SIZE],
            keys[i, 2],
        )
        row.ns = keys[i, 0]
        row.instrument = k
        row.sequence = keys[i, 2]
        row.bid = quotes[i, BID]
        row.ask = quotes[i, ASK]
        row.last = quotes[i, LAST]
        row.volume = quotes[i, VOLUME]
        row.bid_size = quotes[i, BID_SIZE]
        row.ask_size = quotes[i, ASK_SIZE]
        row.change = quotes[i, CHANGE_PCT]
        row.average_volume = desk.instruments[k].average_volume
        row.updates = desk.instruments[k].updates
        row.step = bucket_step(desk)
        flags = 0
        if book.event_count > 0 or row.updates == 1:
            flags = ROUGH
        if book.day != day:
            flags |= DAY
            day_row = i
        row.day_row = day_row
        if book.sample != taken:
            flags |= SAMPLE
            for j in range(instruments):
                sampled[samples, 3 * j] = desk.returns[taken % window, j]
                sampled[samples, 3 * j + 1] = desk.instruments[j].reach
                sampled[samples, 3 * j + 2] = desk.instruments[j].sampled
            samples += 1
        row.samples = samples
        row.flags = flags
        row.closes = 1 if i == count - 1 or keys[i + 1, 0] != keys[i, 0] else 0
    return samples


@jit
def _link(rows: Rows[TapeRow], count: int, plain: int, rough: int) -> None:
    """Turn flags that nobody needs (`plain`) off and others (`rough`) into ROUGH; fill `stop` and `ends`."""
    ends = 0
    for i in range(count):
        row = rows[i]
        if row.flags & rough:
            row.flags |= ROUGH
        row.flags &= ~plain
        row.ends = ends
        ends += row.closes
    rows[count].ends = ends
    stop = count
    rows[count].stop = stop
    for i in range(count - 1, -1, -1):
        if rows[i].flags:
            stop = i
        rows[i].stop = stop


@jit
def _needs(buffer: npt.NDArray[np.uint8]) -> tuple[bool, bool]:
    """Whether a limit counts by the day, and whether a sampled monitor beside value at risk is on."""
    desk = open_desk(buffer)
    limits = desk.limits[0]
    days = limits.daily_loss < np.inf or limits.daily_orders < np.inf
    held = limits.held_share < 1.0 or limits.holding_correlation < 1.0
    return days, anybody_samples(desk) and (held or limits.strategy_correlation < 1.0)


@jit
def row_at(tape: Tape, ns: int, first: int, last: int) -> int:
    """The first of rows first..last that is not before `ns`; row `last`, which is one of them, must not be."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if tape.rows[middle].ns < ns:
            low = middle + 1
        else:
            high = middle
    return low


def build_tape(feed: Feed, template: npt.NDArray[np.uint8]) -> Tape:
    """The tape of `feed` for columns that start as copies of `template`, a desk that has not seen a price."""
    count, instruments = len(feed), len(feed.instruments)
    keys = np.column_stack([feed.timestamp_ns, feed.instrument, feed.sequence]).astype(np.int64, order="C")
    quotes = np.ascontiguousarray(feed.quotes, dtype=np.float64)
    rows: Any = np.zeros(count + 1, dtype=TAPE_ROW)
    sampled = np.zeros((count, 3 * instruments))
    buffer = template.copy()
    found = int(_play(buffer, quotes, keys, rows, sampled))
    days, others = _needs(buffer)
    # With one instrument the start of a day can be told from the row; see `coast`.
    _link(rows, count, DAY if instruments == 1 and not days else 0, SAMPLE if others else 0)
    lost = int(desk_views(buffer).books[0].events_lost)
    assert lost == 0, "a price alone cannot fill the event buffer"
    times = keys[:, 0].copy()
    alone = np.array([int((np.diff(times) != 0).all())])
    return Tape(rows, quotes[:, LAST].copy(), times, alone, sampled[:found].copy())
