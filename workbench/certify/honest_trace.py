"""What a strategy said in a run, in a form that can be compared; and markets that end earlier, or go on differently."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import RunPlan
from workbench.backtest.recorder import fingerprint
from workbench.backtest.replay import Replay
from workbench.backtest.seating import Player
from workbench.certify.checks import Subject
from workbench.core.feed import ASK, BID, CHANGE_PCT, LAST, VOLUME, Feed
from workbench.errors import StrategyFailure
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.seating import seat_of

__all__ = [
    "Trace",
    "cut_rows",
    "first_difference",
    "first_rows",
    "last_rows",
    "mirrored_after",
    "moment",
    "places_to_look",
    "sampled_feed",
    "shuffled_after",
    "trace",
]

GOLDEN: Final = 0.6180339887498949  # its multiples, less their whole part, fall on no grid of days or hours
WINDOWED: Final = 200  # plain updates that cost as much as one of a function of columns

type Said = tuple[int, str, float, float, str]
"""Time (UTC ns), symbol, strength, confidence, and the rest of a signal."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a strategy said, in order; what came of it; and what it raised, "" for nothing.

    signals: times of those in `said`, int64[m].  pnl: of the strategy at the end.  feed: what was played.
    """

    said: list[Said]
    fingerprint: str
    pnl: float
    raised: str
    feed: Feed

    @property
    def times(self) -> npt.NDArray[np.int64]:
        return np.array([each[0] for each in self.said], dtype=np.int64)

    @property
    def digest(self) -> str:
        """Equal where two runs said the same and came to the same, bit for bit."""
        return hashlib.sha256(repr((self.said, self.fingerprint, self.raised)).encode()).hexdigest()

    def until(self, time_ns: int) -> list[Said]:
        """What was said up to a time, that included."""
        return self.said[: int(np.searchsorted(self.times, time_ns, side="right"))]


def trace(
    plan: RunPlan,
    feed: Feed | None = None,
    *,
    strategy: TradingStrategy | None = None,
    bend: Callable[[TradingStrategy], object] | None = None,
) -> Trace:
    """Play `plan`.  feed: in place of its own.  strategy: an instance in place of the plan's, which can play once.

    bend: called with the strategy before the first price.
    """
    player = plan.players[0]
    if strategy is not None:
        player = Player(strategy, *seat_of(player.seat.strategy_id, strategy, player.symbols))
    if bend is not None:
        bend(player.strategy)
    played = plan.feed if feed is None else feed
    run = Replay(played, [player], limits=plan.limits, costs=plan.costs, initial_cash=plan.initial_cash)
    raised, equity, pnl = "", np.zeros(0), 0.0
    try:
        record = run.run()
    except StrategyFailure as error:
        raised = str(error)
    else:
        equity, pnl = record.curves[:, 0], float(record.curves[-1, 1])
    said = [_said(sent.timestamp_ns, sent.signal) for sent in run.recorder.signals]
    return Trace(said, fingerprint(run.recorder.fills, equity), pnl, raised, played)


def _said(time_ns: int, signal: Any) -> Said:
    rest = repr((signal.timestamp, sorted(dict(signal.metadata or {}).items(), key=repr)))
    return time_ns, str(signal.symbol), signal.signal_strength, signal.confidence, rest


def first_difference(a: Sequence[Said], b: Sequence[Said]) -> int | None:
    """Time of the first signal that is in one and not in the other; None where both say the same."""
    for one, other in zip(a, b, strict=False):
        if one != other and repr(one) != repr(other):  # a strength of NaN equals itself here
            return min(one[0], other[0])
    longer = a if len(a) > len(b) else b
    return None if len(a) == len(b) else longer[min(len(a), len(b))][0]


def moment(time_ns: int) -> str:
    """A time for a person."""
    text = str(np.datetime64(time_ns, "ns"))
    return text.replace("T", " ").rstrip("0").rstrip(".").removesuffix(" 00:00:") + " UTC"


# -- markets -----------------------------------------------------------------------------------------------------


def first_rows(feed: Feed, rows: int) -> Feed:
    """The first so many updates."""
    return _taken(feed, slice(0, rows))


def last_rows(feed: Feed, first: int) -> Feed:
    """The updates from number `first` on."""
    return _taken(feed, slice(first, None))


def _taken(feed: Feed, rows: Any) -> Feed:
    return replace(
        feed,
        timestamp_ns=feed.timestamp_ns[rows],
        instrument=feed.instrument[rows],
        quotes=feed.quotes[rows],
        sequence=feed.sequence[rows],
    )


def shuffled_after(feed: Feed, row: int, generator: np.random.Generator) -> Feed:
    """The same up to `row` rows; then each instrument's moves and volumes, in another order."""

    def reorder(moves: Any, volumes: Any) -> tuple[Any, Any]:
        order = generator.permutation(len(moves))
        return moves[order], volumes[order]

    return _otherwise_after(feed, row, reorder)


def mirrored_after(feed: Feed, row: int) -> Feed:
    """The same up to `row` rows; then each rise is the fall that takes as much, and each fall the rise."""
    return _otherwise_after(feed, row, lambda moves, volumes: (-moves, volumes))


def _otherwise_after(feed: Feed, row: int, change: Callable[[Any, Any], tuple[Any, Any]]) -> Feed:
    """change: of log moves, float64[m], and volumes, float64[m], of each instrument after `row`."""
    quotes = feed.quotes.copy()
    for k in range(len(feed.instruments)):
        mine = np.flatnonzero(feed.instrument == k)
        before, after = mine[mine < row], mine[mine >= row]
        if not len(after):
            continue
        prices = feed.quotes[after, LAST]
        anchor = feed.quotes[before[-1], LAST] if len(before) else prices[0]
        moves = np.diff(np.log(np.concatenate([[anchor], prices])))
        moves[~np.isfinite(moves)] = 0.0
        moves, volumes = change(moves, feed.quotes[after, VOLUME])
        last = anchor * np.exp(np.cumsum(moves))
        factor = (last / prices)[:, np.newaxis]
        quotes[after[:, np.newaxis], [BID, ASK]] = feed.quotes[after[:, np.newaxis], [BID, ASK]] * factor
        quotes[after, LAST], quotes[after, VOLUME] = last, volumes
        quotes[after, CHANGE_PCT] = np.expm1(moves)
    return replace(feed, quotes=quotes)


def sampled_feed(subject: Subject, plan: RunPlan, runs: int, *, latest: bool = False) -> Feed:
    """As much of the plan's feed as can be played `runs` times within the thresholds' number of updates.

    latest: its end, not its beginning; between them the checks look at both.
    """
    budget = subject.thresholds.honest.replayed_updates
    if subject.form == "vector":
        budget //= WINDOWED
    rows = max(200, budget // max(1, runs))
    if latest and rows < len(plan.feed):
        times = plan.feed.timestamp_ns
        return last_rows(plan.feed, int(np.searchsorted(times, times[len(times) - rows])))
    return first_rows(plan.feed, cut_rows(plan.feed, rows))


def cut_rows(feed: Feed, rows: int) -> int:
    """`rows` or some more, so that no two updates of one time are parted."""
    if rows >= len(feed):
        return len(feed)
    return int(np.searchsorted(feed.timestamp_ns, feed.timestamp_ns[rows - 1], side="right"))


def places_to_look(feed: Feed, times: npt.NDArray[np.int64], number: int) -> list[int]:
    """Numbers of rows to leave: half of them end with an update at which something was said, the others anywhere.

    times: of what was said.  A strategy that knows one price more than it was shown gives itself away at the very
    update at which it speaks, and hardly anywhere else.
    """
    spoken = np.unique(np.searchsorted(feed.timestamp_ns, times, side="right"))
    wanted = min(len(spoken), (number + 1) // 2)
    chosen = (
        set(spoken[np.linspace(0, len(spoken) - 1, wanted).astype(np.int64)].tolist()) if wanted else set()
    )
    for k in range(1, number + 1):
        if len(chosen) >= number:
            break
        chosen.add(cut_rows(feed, max(1, int(len(feed) * (k * GOLDEN % 1.0)))))
    return sorted(rows for rows in chosen if 0 < rows < len(feed))
