"""Making the state of a new desk from what people write: instruments, costs, limits, seats."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.limit_row import set_limits
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.core.rows import Fault
from workbench.core.state import DAY_NS, NEVER, NONE, SECOND_NS, allocate, desk_views
from workbench.core.venue_faults import VenueFault
from workbench.errors import EngineError, UnknownInstrumentError

__all__ = [
    "EXECUTIONS_KEPT",
    "Seat",
    "VenueFaultWindow",
    "build_state",
    "fill_seat",
    "set_unit",
]

EXECUTIONS_KEPT = 256
BASIS_POINT = 1e-4


class Seat(msgspec.Struct, frozen=True):
    """One strategy's place at the desk.

    unit: units of a full-strength signal, one number or one per symbol.  capital: the base of its drawdown and stop
    loss, quote currency; an equal share of the cash when left out.
    """

    strategy_id: str
    sizing: Sizing = Sizing.ORDER
    unit: float | dict[str, float] = 1.0
    capital: float | None = None


class VenueFaultWindow(msgspec.Struct, frozen=True):
    """A fault of one venue ("" for all) from `start_ns` until `end_ns`; intensity in the unit of its kind."""

    kind: VenueFault
    start_ns: int
    end_ns: int
    venue: str = ""
    intensity: float = 1.0
    seed: int = 0


def build_state(
    instruments: Sequence[Instrument],
    seats: Sequence[Seat],
    *,
    limits: RiskLimits,
    costs: Costs | Mapping[str, Costs],
    initial_cash: float,
    faults: Sequence[VenueFaultWindow] = (),
    remote: Collection[str] = (),
    order_capacity: int = 10_000,
    room: int | None = None,
    event_room: int | None = None,
) -> npt.NDArray[np.uint8]:
    """The buffer of a desk that has not seen a price yet.

    initial_cash: quote currency, > 0.  remote: venues that match and report by themselves; they are down until a
    session comes up.  order_capacity: working orders at once (ORDER_QUEUE_SIZE).
    room, event_room: orders and events that there is memory for; by default enough for every order of the queue. With
    less, `Book.starved` and `Book.events_lost` say that the run has to be done again with more.
    Raises EngineError on an empty or doubled set of names, UnknownInstrumentError on a venue without costs.
    """
    _check(instruments, seats, initial_cash, order_capacity)
    venues = list(dict.fromkeys(i.venue for i in instruments))
    symbols = list(dict.fromkeys(i.symbol for i in instruments))
    room = order_capacity if room is None else min(room, order_capacity)
    buffer = allocate(
        strategies=len(seats),
        instruments=len(instruments),
        venues=len(venues),
        symbols=len(symbols),
        orders=room,
        queue=order_capacity,
        events=4 * room + 1024 if event_room is None else event_room,
        faults=max(1, len(faults)),
        window=int(limits.monitors.window),
        executions=EXECUTIONS_KEPT,
    )
    desk = desk_views(buffer)
    _fill_book(buffer, initial_cash, room)
    for v, venue in enumerate(venues):
        desk.venues[v].remote = int(venue in remote)
        desk.venues[v].up = 1 - desk.venues[v].remote
        desk.venues[v].fill_share = 1.0
        desk.venues[v].last_execution = NONE
        desk.venues[v].tokens_ns = -NEVER
    for k, instrument in enumerate(instruments):
        _fill_instrument(buffer, k, instrument, _costs_at(costs, instrument.venue), symbols, venues)
    for s, seat in enumerate(seats):
        fill_seat(buffer, s, seat, instruments, initial_cash / len(seats))
    for f, window in enumerate(faults):
        _fill_fault(desk.faults[f], window, venues)
    set_limits(buffer, limits, instruments, [seat.strategy_id for seat in seats])
    for v in range(len(venues)):
        desk.venues[v].tokens = limits.message_rate.per_venue_burst
    for s in range(len(seats)):
        desk.strategies[s].tokens = limits.message_rate.per_strategy_burst
    return buffer


def _check(
    instruments: Sequence[Instrument], seats: Sequence[Seat], initial_cash: float, order_capacity: int
) -> None:
    if not instruments:
        raise EngineError("a desk needs at least one instrument")
    for what, names in (
        ("instrument", [i.name for i in instruments]),
        ("strategy", [s.strategy_id for s in seats]),
    ):
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise EngineError(f"each {what} needs a name of its own; twice: {', '.join(doubled)}")
    if not (math.isfinite(initial_cash) and initial_cash > 0.0):
        raise EngineError(f"initial_cash must be a finite amount above 0, found {initial_cash!r}")
    if order_capacity < 1:
        raise EngineError(f"order_capacity must be at least 1, found {order_capacity!r}")


def _costs_at(costs: Costs | Mapping[str, Costs], venue: str) -> Costs:
    if isinstance(costs, Costs):
        return costs.checked()
    if venue not in costs:
        raise UnknownInstrumentError(f"costs name no venue {venue!r}; they name: {', '.join(costs)}")
    return costs[venue].checked()


def _fill_book(buffer: npt.NDArray[np.uint8], cash: float, orders: int) -> None:
    desk = desk_views(buffer)
    book = desk.books[0]
    book.initial_cash = book.equity = book.peak = book.base_equity = book.day_equity = cash
    book.now_ns = -NEVER
    book.day = -NEVER // DAY_NS
    book.value_at_risk = math.nan
    book.fault_ns = -NEVER
    slots = np.asarray(desk.orders)
    slots["next"] = np.arange(1, orders + 1)
    slots["next"][-1] = NONE
    book.sample_ns = -NEVER
    desk.bucket_steps[:] = -NEVER


def _fill_instrument(
    buffer: npt.NDArray[np.uint8],
    k: int,
    instrument: Instrument,
    costs: Costs,
    symbols: Sequence[str],
    venues: Sequence[str],
) -> None:
    row = desk_views(buffer).instruments[k]
    row.symbol = symbols.index(instrument.symbol)
    row.venue = venues.index(instrument.venue)
    row.tick = instrument.tick
    row.lot = instrument.lot
    row.min_notional = instrument.min_notional
    row.multiplier = instrument.multiplier
    row.maker = costs.maker_bps * BASIS_POINT
    row.taker = costs.taker_bps * BASIS_POINT
    row.slippage = costs.slippage_bps * BASIS_POINT
    row.impact = costs.impact_bps * BASIS_POINT
    row.participation = costs.participation
    row.latency_ns = round(costs.latency_seconds * SECOND_NS)
    row.mark = row.last = row.bid = row.ask = row.sampled = math.nan
    row.sequence = row.first = row.final = NONE


def fill_seat(
    buffer: npt.NDArray[np.uint8], s: int, seat: Seat, instruments: Sequence[Instrument], share: float
) -> None:
    """Seat a strategy in the empty row `s`.  share: its capital where the seat names none.  Raises EngineError."""
    row = desk_views(buffer).strategies[s]
    row.capital = row.peak = share if seat.capital is None else seat.capital
    row.sizing = int(seat.sizing)
    row.tokens_ns = -NEVER
    set_unit(buffer, s, seat, instruments)


def set_unit(buffer: npt.NDArray[np.uint8], s: int, seat: Seat, instruments: Sequence[Instrument]) -> None:
    """Units of a full-strength signal of strategy `s`.  Raises EngineError on one that is no number >= 0."""
    desk = desk_views(buffer)
    for k, instrument in enumerate(instruments):
        unit = seat.unit if isinstance(seat.unit, int | float) else seat.unit.get(instrument.symbol, 1.0)
        if not (math.isfinite(unit) and unit >= 0.0):
            raise EngineError(f"{seat.strategy_id}: unit must be a finite number >= 0, found {unit!r}")
        desk.positions[s * len(instruments) + k].unit = unit


def _fill_fault(row: Fault, window: VenueFaultWindow, venues: Sequence[str]) -> None:
    if window.venue and window.venue not in venues:
        raise UnknownInstrumentError(f"no venue {window.venue!r}; there is: {', '.join(venues)}")
    row.kind = int(window.kind)
    row.start_ns = window.start_ns
    row.end_ns = window.end_ns
    row.venue = venues.index(window.venue) if window.venue else NONE
    row.intensity = window.intensity
    row.seed = window.seed % 2**31
