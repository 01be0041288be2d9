"""`TradingDesk.process(intent) -> facts`: the same desk for replay and live engine, over the compiled core.

The desk knows names, the core knows indices (`names`); here each intent is carried to the entry point that it is for.
It does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.build import Seat, VenueFaultWindow, build_state
from workbench.core.codes import Breaker, Liquidity, Report
from workbench.core.costs import Costs
from workbench.core.decode import Decoder, breaker_labels
from workbench.core.facts import Fact
from workbench.core.feed import QUOTE_COLUMNS
from workbench.core.grow import change_seat, with_seat
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    Intents,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    Signals,
    StrategyFailed,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.interventions import (
    accept_price,
    close_positions,
    halt_venue,
    reset_breaker,
    review,
    trip_breaker,
)
from workbench.core.limit_row import set_limits
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate
from workbench.core.names import Names
from workbench.core.reports import on_report, on_session, on_tick
from workbench.core.rows import Book, PositionRow
from workbench.core.signals import take_signals
from workbench.core.state import NONE, desk_views
from workbench.core.step import cancel, count_error, on_row, risk_value
from workbench.errors import EngineError

__all__ = ["TradingDesk"]


class TradingDesk:
    """Positions, orders, limits and breakers of several strategies over several instruments.

    One writer: whoever owns the desk calls it from one thread. `state` is the whole of it; a copy is a snapshot.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        seats: Sequence[Seat],
        *,
        limits: RiskLimits | None = None,
        costs: Costs | Mapping[str, Costs] | None = None,
        initial_cash: float = 1_000_000.0,
        faults: Sequence[VenueFaultWindow] = (),
        remote: Collection[str] = (),
        order_capacity: int = 10_000,
        state: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """remote: venues that match and report by themselves, instead of being matched here.

        state: a desk that was built from the same things, to go on with; it is not copied.
        """
        self.instruments = tuple(instruments)
        self.seats = tuple(seats)
        self.limits = (RiskLimits() if limits is None else limits).checked()
        if state is None:
            state = build_state(
                self.instruments,
                self.seats,
                limits=self.limits,
                costs=Costs() if costs is None else costs,
                initial_cash=initial_cash,
                faults=faults,
                remote=remote,
                order_capacity=order_capacity,
            )
        # A price is a feed of one row: a second entry point would be a second half a minute of compilation.
        self._quote = np.empty((1, QUOTE_COLUMNS))
        self._key = np.empty((1, 3), dtype=np.int64)
        self._take_over(state)

    def _take_over(self, state: npt.NDArray[np.uint8]) -> None:
        """Work on this state from now on; everything that looks into it is made anew."""
        self.state = state
        self.view = desk_views(self.state)
        self.book: Book = self.view.books[0]
        self._names = names = Names(self.instruments, [seat.strategy_id for seat in self.seats])
        self.strategies, self.symbols, self.venues = names.strategies, names.symbols, names.venues
        self._decoder = Decoder(self.instruments, self.strategies, self.venues)
        self._events: npt.NDArray[Any] = np.asarray(self.view.events)
        self._curve = np.empty((1, 1 + len(self.strategies)))
        # Columns instead of records: this is read after every call, and a record's attribute costs a microsecond.
        books: npt.NDArray[Any] = np.asarray(self.view.books)
        self._event_count, self._events_lost = books["event_count"], books["events_lost"]
        self._quantities: npt.NDArray[np.float64] = np.asarray(self.view.positions)["quantity"]

    def process(self, intent: Intents) -> list[Fact]:
        """Carry one intent through the one order of operations; what happened, in order.

        Raises EngineError on a name that the desk does not know.
        """
        match intent:
            case PriceUpdate():
                return self._price(intent)
            case Signals():
                self.submit(self.strategy_index(intent.strategy_id), intent.signals)
            case StrategyFailed():
                count_error(self.state, self.strategy_index(intent.strategy_id))
            case CancelOrders():
                self._cancel(intent)
            case ClosePositions():
                self._close(intent)
            case TripBreaker():
                why = Breaker.KILL_SWITCH if intent.kill else Breaker.MANUAL
                trip_breaker(self.state, self._names.scope(intent.strategy_id), int(why))
            case HaltVenue():
                _answered_for(intent, "a venue is halted and resumed")
                halt_venue(self.state, self._names.venue(intent.venue), int(intent.halted))
            case ResetBreaker():
                _answered_for(intent, "a breaker is reset")
                reset_breaker(self.state, self._names.scope(intent.strategy_id), intent.kill)
            case ClockTick():
                on_tick(self.state, intent.timestamp_ns)
            case VenueReport():
                self._report(intent)
            case VenueSession():
                on_session(self.state, self._names.venue(intent.venue), int(intent.up))
            case SeatStrategy():
                self._seat(intent.seat)
            case SetLimits():
                self._set_limits(intent.limits.checked())
            case AcceptPrice():
                _answered_for(intent, "a price is accepted")
                if not intent.symbol:
                    raise EngineError("a price is accepted for one symbol; it is empty")
                for k in self._names.instruments_of(intent.symbol):
                    if intent.venue in ("", self.instruments[k].venue):
                        accept_price(self.state, k)
        return self.drain()

    def _set_limits(self, limits: RiskLimits) -> None:
        window = int(self.view.head[0].window)
        if int(limits.monitors.window) != window:
            raise EngineError(
                f"monitors.window must stay {window} while the desk runs, found {limits.monitors.window}"
            )
        self.limits = limits
        set_limits(self.state, limits, self.instruments, self.strategies)
        review(self.state)

    def _seat(self, seat: Seat) -> None:
        s = self._names.seat_of.get(seat.strategy_id)
        if s is not None:
            change_seat(self.state, s, seat, self.instruments)
            self.seats = (*self.seats[:s], seat, *self.seats[s + 1 :])
            return
        capital = float(self.book.initial_cash) / (len(self.seats) + 1)
        grown = with_seat(self.state, seat, self.instruments, self.limits, capital)
        self.seats = (*self.seats, seat)
        self._take_over(grown)

    def _report(self, report: VenueReport) -> None:
        k = self._names.place_of.get((report.symbol, report.venue))
        if k is None or report.kind.upper() not in Report.__members__:
            raise EngineError(
                f"no report {report.kind!r} of {report.symbol}@{report.venue} can be taken at this desk"
            )
        on_report(
            self.state,
            int(Report[report.kind.upper()]),
            self._names.seat_of.get(report.strategy_id, NONE),
            k,
            report.side,
            report.order_id,
            report.client_order_id,
            report.execution_id,
            report.quantity,
            report.price,
            int(Liquidity.MAKER if report.liquidity == "maker" else Liquidity.TAKER),
        )

    def _price(self, update: PriceUpdate) -> list[Fact]:
        u = update
        k = self._names.instrument(u.symbol, u.venue)
        self._quote[0] = (u.bid, u.ask, u.last, u.volume, u.bid_size, u.ask_size, u.change_pct)
        self._key[0] = (u.timestamp_ns, k, u.sequence)
        waiting = on_row(self.state, self._quote, self._key, self._curve, 0)
        return self.drain() if waiting else []

    def drain(self) -> list[Fact]:
        """Facts that wait in the event buffer, taken out of it.

        Raises EngineError where the buffer ran over, since a lost fact is a lost order.
        """
        count = int(self._event_count[0])
        if count == 0:
            return []
        if self._events_lost[0]:
            lost, size = int(self._events_lost[0]), len(self._events)
            raise EngineError(f"{lost} facts were lost: the event buffer of {size} is too small")
        rows = self._events[:count].tolist()
        self._event_count[0] = 0
        return self._decoder.facts(rows)

    def submit(self, strategy: int, signals: Sequence[MarketSignal]) -> None:
        """Take the signals of the strategy with index `strategy`; facts wait in the event buffer."""
        take_signals(self.state, self._names, strategy, signals)

    def _close(self, intent: ClosePositions) -> None:
        scope = self._names.scope(intent.strategy_id)
        if not intent.venue:
            for k in self._names.instruments_of(intent.symbol):
                close_positions(self.state, scope, k, int(intent.patient))
            return
        venue = self.venues[self._names.venue(intent.venue)]
        for k, instrument in enumerate(self.instruments):
            if instrument.venue == venue and intent.symbol in ("", instrument.symbol):
                close_positions(self.state, scope, k, int(intent.patient))

    def _cancel(self, intent: CancelOrders) -> None:
        venue = self._names.venue(intent.venue) if intent.venue else NONE
        for k in self._names.instruments_of(intent.symbol):
            cancel(self.state, self._names.scope(intent.strategy_id), k, venue, 0, 1)

    def strategy_index(self, strategy_id: str) -> int:
        """Row of a strategy; raises EngineError naming those there are."""
        return self._names.strategy(strategy_id)

    @property
    def value_at_risk(self) -> float:
        """One-day value at risk as of the last sample, quote currency; NaN before there are enough samples."""
        return float(risk_value(self.state))

    def position(self, strategy: int, symbol: str) -> float:
        """Signed units that a strategy holds of a symbol over all venues."""
        first = strategy * len(self.instruments)
        held = 0.0
        for k in self._names.of_symbol[symbol]:
            held += float(self._quantities[first + k])
        return held

    def holds(self, strategy: int) -> bool:
        """Whether a strategy holds anything."""
        first = strategy * len(self.instruments)
        return bool(self._quantities[first : first + len(self.instruments)].any())

    def positions(self) -> Iterator[tuple[str, Instrument, PositionRow]]:
        """Strategy, instrument and ledger row of every position that was ever traded."""
        for s, strategy in enumerate(self.strategies):
            for k, instrument in enumerate(self.instruments):
                row = self.view.positions[s * len(self.instruments) + k]
                if row.traded > 0.0:
                    yield strategy, instrument, row

    def halted(self, strategy_id: str = "") -> tuple[str, ...]:
        """Reasons for which a strategy, or ("") the whole portfolio, is stopped."""
        if not strategy_id:
            return breaker_labels(int(self.book.halted))
        return breaker_labels(int(self.view.strategies[self.strategy_index(strategy_id)].halted))


def _answered_for(intent: HaltVenue | ResetBreaker | AcceptPrice, what: str) -> None:
    """Raises EngineError where nobody answers for what only a person may do."""
    if not intent.person.strip() or not intent.reason.strip():
        raise EngineError(f"{what} by a named person with a reason; one of them is empty")
