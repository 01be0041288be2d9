"""A market, a desk and a strategy, made ready for columns: what they share, and what each thread has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import RunPlan
from workbench.backtest.recorder import Recorder, SentSignal
from workbench.backtest.replay import ReplayRecord, venue_windows
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import ChaosKind, Family
from workbench.chaos.market_faults import apply_market_faults
from workbench.core.build import build_state
from workbench.core.column import GROUP_COLUMNS, SENT, SENT_COLUMNS, Column, Groups, Work
from workbench.core.desk import TradingDesk
from workbench.core.feed import Feed
from workbench.core.glide import Glide
from workbench.core.messages import Instrument, MarketSignal
from workbench.core.signal_faults import FAULT_PLAN, MOST_WISHES, RUNAWAY, WISH_ROW
from workbench.core.state import NONE
from workbench.core.tally import TALLY, TRIP
from workbench.core.tape import Tape, build_tape
from workbench.strategy.compiled import CompiledStrategy, Kernels, groups_of, kernels

__all__ = ["FULL", "ROOMS", "Room", "Setting", "bent_feed", "make_groups"]

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]

QUEUE: Final = 10_000  # working orders that a replay's desk allows
_FAULTS: Final = {kind.code: str(kind) for kind in ChaosKind if kind.family is Family.SIGNAL}


@dataclass(frozen=True, slots=True)
class Room:
    """Memory of one column: working orders and waiting events; whether it is written down for a person to see, with as
    many signals as there may be events.
    """

    orders: int
    events: int
    recorded: bool = False


ROOMS: Final = (Room(256, 6_144), Room(QUEUE, 4 * QUEUE + 1_024))
"""Most columns do with the first; one that does not is run again in the second, which is that of a replay."""
FULL: Final = Room(QUEUE, 2**20, recorded=True)
_PAGES: Final = 2**16  # bytes


def _copied(template: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A copy that takes memory for what is written in it alone: most of a recorded room is empty, and stays so."""
    copy = np.zeros(len(template), dtype=np.uint8)  # zeros_like would write each of them
    for start in range(0, len(template), _PAGES):
        part = template[start : start + _PAGES]
        if part.any():
            copy[start : start + _PAGES] = part
    return copy


def bent_feed(feed: Feed, events: Sequence[ChaosEvent]) -> tuple[Feed, Integers]:
    """The feed with the market faults among `events` in it, and the row of `feed` that each of its rows was."""
    faults = [event for event in events if event.family is Family.MARKET]
    if not faults:
        return feed, np.arange(len(feed), dtype=np.int64)
    return apply_market_faults(feed, faults)


def make_groups(feed: Feed, groups: Sequence[Sequence[int]], listens: Sequence[bool]) -> Groups:
    """Rows of `feed` by group of instruments; listens: of which instruments the strategy hears at all."""
    most = max(1, *(len(group) for group in groups))
    members = np.full((len(groups), most), NONE, dtype=np.int64)
    rows, places = [], []
    for g, group in enumerate(groups):
        members[g, : len(group)] = group
        place_of = np.full(len(feed.instruments), NONE, dtype=np.int64)
        place_of[list(group)] = np.arange(len(group))
        place = place_of[feed.instrument]
        rows.append(np.flatnonzero(place != NONE))
        places.append(place[rows[-1]])
    all_rows = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    return Groups(
        quotes=np.ascontiguousarray(feed.quotes[all_rows]),
        rows=all_rows,
        times=feed.timestamp_ns[all_rows].copy(),
        places=np.concatenate(places) if places else np.zeros(0, dtype=np.int64),
        starts=np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64),
        members=members,
        sizes=np.array([len(group) for group in groups], dtype=np.int64),
        listens=np.array(listens, dtype=np.int64),
    )


def _plans(events: Sequence[ChaosEvent], strategy_id: str) -> Any:
    """The signal faults that strike this strategy, as the core takes them."""
    mine = [e for e in events if e.family is Family.SIGNAL and e.target in ("", strategy_id)]
    plans: Any = np.zeros(len(mine), dtype=FAULT_PLAN)
    for plan, event in zip(plans, mine, strict=True):
        plan.kind, plan.intensity, plan.seed = event.kind.code, event.intensity, event.seed % 2**31
        plan.start_ns, plan.end_ns = event.start_ns, event.end_ns
    return plans


class Setting:
    """One checked run (`plan`), with one compiled strategy, made ready for any number of columns.

    kind: the strategy class.  events: chaos in place of the plan's own.  tape: of the same feed, limits and costs,
    where there is one already.
    """

    def __init__(
        self,
        plan: RunPlan,
        kind: type[CompiledStrategy],
        *,
        events: Sequence[ChaosEvent] | None = None,
        tape: Tape | None = None,
    ) -> None:
        self.plan, self.kind = plan, kind
        self.kernels: Kernels = kernels(kind)
        self.events = plan.events if events is None else tuple(events)
        self.feed, self.origin = bent_feed(plan.feed, self.events)
        self.player: Player = plan.players[0]
        self.instruments: tuple[Instrument, ...] = self.feed.instruments
        self.template = self._state(ROOMS[0])
        self.tape = build_tape(self.feed, self.template) if tape is None else tape
        shown = [k for k, i in enumerate(self.instruments) if i.symbol in self.player.symbols]
        self.shown = [self.instruments[k] for k in shown]
        self.divided = groups_of(kind, self.player.strategy.config, self.shown)
        found = self.divided or [[]]  # nothing to trade on: a group of none, which never says anything
        listens = [k in shown for k in range(len(self.instruments))]
        self.groups = make_groups(self.feed, [[shown[k] for k in group] for group in found], listens)
        self.plans = _plans(self.events, self.player.seat.strategy_id)
        self.begin_ns = plan.begin_ns

    def _state(self, room: Room) -> npt.NDArray[np.uint8]:
        return build_state(
            self.instruments,
            [self.player.seat],
            limits=self.plan.limits,
            costs=self.plan.costs,
            initial_cash=self.plan.initial_cash,
            faults=venue_windows(self.events, self.feed),
            order_capacity=QUEUE,
            room=room.orders,
            event_room=room.events,
        )

    def column(self, room: Room = ROOMS[0], quotes: Floats | None = None, traced: bool = False) -> Column:
        """What one thread needs to run columns.  quotes: in place of the groups' own.  traced: with curves."""
        count, instruments = len(self.feed), len(self.instruments)
        groups = self.groups if quotes is None else self.groups._replace(quotes=quotes)
        width, most = groups.members.shape
        symbols = len({i.symbol for i in self.instruments})
        template = self.template if room == ROOMS[0] else self._state(room)
        rows = count if room.recorded or traced else 0
        glide = Glide(
            value=np.zeros(instruments),
            rows=np.zeros((2, instruments), dtype=np.int64),
            counts=np.zeros(2, dtype=np.int64),
            tally=np.zeros(3, dtype=TALLY),
            trips=np.zeros(instruments + 1, dtype=TRIP),
            curve=np.zeros((rows, 2 + instruments)),
            told=np.zeros((rows, 2), dtype=np.int64),
        )
        work = Work(
            prices=np.zeros((width, most, GROUP_COLUMNS)),
            said=np.zeros((width, most)),
            seen=np.zeros((width, most), dtype=np.int64),
            next_row=np.zeros(width, dtype=np.int64),
            cursor=np.zeros(width, dtype=np.int64),
            wishes=np.zeros(MOST_WISHES, dtype=WISH_ROW),
            units=np.zeros(symbols),
            sent=np.zeros((room.events if room.recorded else 0, SENT_COLUMNS)),
            counts=np.zeros(3, dtype=np.int64),
        )
        return Column(_copied(template), template, self.tape, groups, glide, work, self.plans.copy())

    def play(self, column: Column, params: Any, player: Player, units: Floats | None = None) -> ReplayRecord:
        """Run one column in a recorded room, and write it down as a replay does.

        params: one row.  player: the strategy with the config of this column.  units: float64[symbols], its own.
        """
        if units is not None:
            column.work.units[:] = units
        own = 0 if units is None else len(units)
        self.kernels.run_one(column, params, self.begin_ns, own, 1)
        desk = TradingDesk(
            self.instruments,
            [player.seat],
            limits=self.plan.limits,
            costs=self.plan.costs,
            initial_cash=self.plan.initial_cash,
            state=column.buffer,
        )
        recorder = Recorder()
        recorder.journal.extend(desk.drain())
        recorder.signals.extend(self._sent(column, player.seat.strategy_id))
        curves = np.ascontiguousarray(column.glide.curve[:, :2])
        return ReplayRecord(self.feed, self.origin, curves, desk, (player,), recorder)

    def _sent(self, column: Column, strategy_id: str) -> list[SentSignal]:
        sent = column.work.sent[: int(column.work.counts[SENT])]
        symbols = list(dict.fromkeys(i.symbol for i in self.instruments))
        times = self.feed.timestamp_ns
        found = []
        for row, symbol, place, strength, quantity, fault, made in sent.tolist():
            terms: dict[str, Any] = {} if place == NONE else {"venue": self.instruments[int(place)].venue}
            if quantity == quantity:
                terms["quantity"] = quantity
            if fault:
                terms["chaos_type"] = _FAULTS[int(fault)]
            if made == RUNAWAY:
                terms["order_type"] = "market"
            signal = MarketSignal(symbols[int(symbol)], None, strength, 1.0, terms)
            found.append(SentSignal(int(times[int(row)]), strategy_id, signal))
        return found
