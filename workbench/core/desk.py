"""`TradingDesk.process(intent) -> facts`: the same desk for replay and live engine, over the compiled core.

The desk knows names, the core knows indices; this file is the seam. It does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.build import Seat, VenueFaultWindow, build_state, set_limits
from workbench.core.codes import Breaker, Liquidity, Refusal, Report
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
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate
from workbench.core.reports import halt_venue, on_report, on_session, on_tick
from workbench.core.routing import route_of
from workbench.core.rows import Book, PositionRow, StrategyRow
from workbench.core.signal_faults import MOST_WISHES
from workbench.core.state import NONE, desk_views
from workbench.core.step import (
    accept_price,
    cancel,
    close_positions,
    count_error,
    on_row,
    on_wish,
    refuse,
    reset_breaker,
    review,
    risk_value,
    trip_breaker,
)
from workbench.core.terms import DEFAULT_TERMS, Terms, as_number, read_terms
from workbench.errors import EngineError

__all__ = ["MAX_SIGNALS", "PerformanceView", "TradingDesk"]

MAX_SIGNALS = MOST_WISHES - 1  # signals of one call that are looked at; a flood beyond is one more refusal
BUY = 1
_BAD_METADATA = int(Refusal.BAD_METADATA)
_INVALID = int(Refusal.INVALID_SIGNAL)
_UNKNOWN_SYMBOL = int(Refusal.UNKNOWN_SYMBOL)
_RATE_LIMITED = int(Refusal.RATE_LIMITED)
_UNKNOWN_ORDER = int(Refusal.UNKNOWN_ORDER)


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
        self.venues = tuple(dict.fromkeys(i.venue for i in instruments))
        self.symbols = tuple(dict.fromkeys(i.symbol for i in instruments))
        self._by_symbol = {
            y: [k for k, i in enumerate(self.instruments) if i.symbol == y] for y in self.symbols
        }
        self._by_name = {(i.symbol, i.venue): k for k, i in enumerate(self.instruments)}
        # A price is a feed of one row: a second entry point would be a second half a minute of compilation.
        self._quote = np.empty((1, QUOTE_COLUMNS))
        self._key = np.empty((1, 3), dtype=np.int64)
        self._take_over(state)

    def _take_over(self, state: npt.NDArray[np.uint8]) -> None:
        """Work on this state from now on; everything that looks into it is made anew."""
        self.state = state
        self.view = desk_views(self.state)
        self.book: Book = self.view.books[0]
        self.strategies = tuple(seat.strategy_id for seat in self.seats)
        self._strategy_index = {name: s for s, name in enumerate(self.strategies)}
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
                trip_breaker(self.state, self._scope(intent.strategy_id), int(why))
            case HaltVenue():
                if not intent.person.strip() or not intent.reason.strip():
                    raise EngineError(
                        "a venue is halted and resumed by a named person with a reason; one of them is empty"
                    )
                halt_venue(self.state, self._venue(intent.venue), int(intent.halted))
            case ResetBreaker():
                if not intent.person.strip() or not intent.reason.strip():
                    raise EngineError(
                        "a breaker is reset by a named person with a reason; one of them is empty"
                    )
                reset_breaker(self.state, self._scope(intent.strategy_id), intent.kill)
            case ClockTick():
                on_tick(self.state, intent.timestamp_ns)
            case VenueReport():
                self._report(intent)
            case VenueSession():
                on_session(self.state, self._venue(intent.venue), int(intent.up))
            case SeatStrategy():
                self._seat(intent.seat)
            case SetLimits():
                self._set_limits(intent.limits.checked())
            case AcceptPrice():
                if not intent.person.strip() or not intent.reason.strip():
                    raise EngineError(
                        "a price is accepted by a named person with a reason; one of them is empty"
                    )
                for k in self._instruments_of(intent.symbol):
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
        s = self._strategy_index.get(seat.strategy_id)
        if s is not None:
            change_seat(self.state, s, seat, self.instruments)
            self.seats = (*self.seats[:s], seat, *self.seats[s + 1 :])
            return
        capital = float(self.book.initial_cash) / (len(self.seats) + 1)
        grown = with_seat(self.state, seat, self.instruments, self.limits, capital)
        self.seats = (*self.seats, seat)
        self._take_over(grown)

    def _venue(self, name: str) -> int:
        if name not in self.venues:
            raise EngineError(f"no venue {name!r} at this desk; there is: {', '.join(self.venues)}")
        return self.venues.index(name)

    def _report(self, report: VenueReport) -> None:
        k = self._by_name.get((report.symbol, report.venue))
        if k is None or report.kind.upper() not in Report.__members__:
            raise EngineError(
                f"no report {report.kind!r} of {report.symbol}@{report.venue} can be taken at this desk"
            )
        on_report(
            self.state,
            int(Report[report.kind.upper()]),
            self._strategy_index.get(report.strategy_id, NONE),
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
        k = self._by_name.get((update.symbol, update.venue))
        if k is None:
            known = ", ".join(i.name for i in self.instruments)
            raise EngineError(f"no instrument {update.symbol}@{update.venue} at this desk; there is: {known}")
        u = update
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
        for place, signal in enumerate(signals):
            if place >= MAX_SIGNALS:
                refuse(self.state, strategy, NONE, _RATE_LIMITED)
                return
            self._signal(strategy, signal)

    def _signal(self, strategy: int, signal: MarketSignal) -> None:
        strength, confidence = as_number(signal.signal_strength), as_number(signal.confidence)
        metadata: Any = signal.metadata  # whatever the strategy put there
        if strength is None or confidence is None or not isinstance(signal.symbol, str):
            return refuse(self.state, strategy, NONE, _INVALID)
        candidates = self._by_symbol.get(signal.symbol)
        if candidates is None:
            return refuse(self.state, strategy, NONE, _UNKNOWN_SYMBOL)
        terms = DEFAULT_TERMS
        if metadata:
            read = read_terms(metadata) if isinstance(metadata, dict) else None
            if read is None:
                return refuse(self.state, strategy, candidates[0], _BAD_METADATA)
            terms = read
        if terms.venue:
            found = self._by_name.get((signal.symbol, terms.venue))
            if found is None:
                return refuse(self.state, strategy, NONE, _UNKNOWN_SYMBOL)
            candidates = [found]
        if terms.action != "order":
            counts = [cancel(self.state, strategy, k, NONE, terms.client, 0) for k in candidates]
            if terms.action == "cancel" or min(counts) < 0:
                return None
            if terms.client and not any(counts):  # filled or gone: sending it anew would double it
                return refuse(self.state, strategy, candidates[0], _UNKNOWN_ORDER)
        k = candidates[0]
        if len(candidates) > 1:
            place = self.symbols.index(signal.symbol)
            k = route_of(self.state, strategy, place, strength, terms.reduce_only)
        self._wish(strategy, k, strength, confidence, terms)
        return None

    def _wish(self, strategy: int, k: int, strength: float, confidence: float, terms: Terms) -> None:
        on_wish(
            self.state,
            strategy,
            k,
            strength,
            confidence,
            terms.type,
            terms.tif,
            terms.reduce_only,
            terms.post_only,
            terms.limit,
            terms.stop,
            terms.quantity,
            terms.client,
        )

    def _close(self, intent: ClosePositions) -> None:
        scope = self._scope(intent.strategy_id)
        if not intent.venue:
            for k in self._instruments_of(intent.symbol):
                close_positions(self.state, scope, k, int(intent.patient))
            return
        venue = self.venues[self._venue(intent.venue)]
        for k, instrument in enumerate(self.instruments):
            if instrument.venue == venue and intent.symbol in ("", instrument.symbol):
                close_positions(self.state, scope, k, int(intent.patient))

    def _cancel(self, intent: CancelOrders) -> None:
        venue = self._venue(intent.venue) if intent.venue else NONE
        for k in self._instruments_of(intent.symbol):
            cancel(self.state, self._scope(intent.strategy_id), k, venue, 0, 1)

    def _instruments_of(self, symbol: str) -> list[int]:
        if not symbol:
            return [NONE]
        if symbol not in self._by_symbol:
            raise EngineError(f"no symbol {symbol!r} at this desk; there is: {', '.join(self.symbols)}")
        return self._by_symbol[symbol]

    def _scope(self, strategy_id: str) -> int:
        return self.strategy_index(strategy_id) if strategy_id else NONE

    def strategy_index(self, strategy_id: str) -> int:
        """Row of a strategy; raises EngineError naming those there are."""
        index = self._strategy_index.get(strategy_id)
        if index is None:
            raise EngineError(
                f"no strategy {strategy_id!r} at this desk; there is: {', '.join(self.strategies)}"
            )
        return index

    @property
    def value_at_risk(self) -> float:
        """One-day value at risk as of the last sample, quote currency; NaN before there are enough samples."""
        return float(risk_value(self.state))

    def position(self, strategy: int, symbol: str) -> float:
        """Signed units that a strategy holds of a symbol over all venues."""
        first = strategy * len(self.instruments)
        held = 0.0
        for k in self._by_symbol[symbol]:
            held += float(self._quantities[first + k])
        return held

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


class PerformanceView(Mapping[str, float]):
    """A strategy's figures, read from the ledger when they are asked for; quote currency."""

    _KEYS = (
        "total_pnl",
        "realised_pnl",
        "unrealised_pnl",
        "fees",
        "drawdown",
        "trade_count",
        "risk_breach_count",
    )

    def __init__(self, desk: TradingDesk, strategy: int) -> None:
        self._row: StrategyRow = desk.view.strategies[strategy]
        count = len(desk.instruments)
        self._cells = np.asarray(desk.view.positions)[strategy * count : (strategy + 1) * count]

    def __getitem__(self, key: str) -> float:
        match key:
            case "total_pnl":
                return float(self._row.pnl)
            case "realised_pnl":
                return float(self._cells["realised"].sum())
            case "unrealised_pnl":
                return float(self._cells["unrealised"].sum())
            case "fees":
                return float(self._cells["fees"].sum())
            case "drawdown":
                return float(self._row.drawdown)
            case "trade_count":
                return float(self._row.fills)
            case "risk_breach_count":
                return float(self._row.breaches)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)
