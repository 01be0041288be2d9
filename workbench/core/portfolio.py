"""A portfolio at one moment as plain values, and what the monitors make of it.

The figures come from the functions that watch a desk (`breakers`, `monitors`): a portfolio is poured into the state of
a desk that trades nothing, and they look at that. There is no second arithmetic.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.core import monitors
from workbench.core.breakers import watch_equity, watch_samples
from workbench.core.build import Seat, build_state
from workbench.core.codes import Monitor, label
from workbench.core.costs import Costs
from workbench.core.decode import Decoder
from workbench.core.desk import TradingDesk
from workbench.core.jit import jit
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, RiskAlert
from workbench.core.native import open_desk
from workbench.core.orders import touch
from workbench.core.rows import Book
from workbench.core.state import SECOND_NS, Desk, desk_views
from workbench.errors import EngineError

__all__ = ["Holding", "Portfolio", "StrategyState", "monitor_alerts", "portfolio_var"]

NOBODY: Final = "nobody"  # a desk has at least one seat and one instrument
NOTHING: Final = Instrument("nothing", "nowhere")


class Holding(msgspec.Struct, frozen=True):
    """What one strategy has of one instrument.

    quantity: signed units.  mark: quote currency per unit.  working_buy, working_sell: units of working orders.
    """

    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    mark: float
    multiplier: float = 1.0
    working_buy: float = 0.0
    working_sell: float = 0.0


class StrategyState(msgspec.Struct, frozen=True):
    """A strategy's own account, quote currency.

    peak: highest of capital + pnl.  base_pnl: the P&L that its loss is counted from.
    """

    strategy_id: str
    capital: float
    pnl: float
    peak: float
    base_pnl: float = 0.0


def _no_samples() -> npt.NDArray[np.float64]:
    return np.zeros((0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Portfolio:
    """Everything that the post-trade monitors look at; money in quote currency.

    equity, peak, day_start_equity: now, highest so far, at 00:00 UTC.  holdings: what a strategy in `strategies` has
    of an instrument in `instruments`.
    returns: float64[n, instruments], sampled.  results: float64[n, strategies], sampled changes of P&L.
    sample_seconds: mean distance of two samples.
    """

    equity: float
    peak: float
    day_start_equity: float
    holdings: tuple[Holding, ...] = ()
    strategies: tuple[StrategyState, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    returns: npt.NDArray[np.float64] = field(default_factory=_no_samples)
    results: npt.NDArray[np.float64] = field(default_factory=_no_samples)
    sample_seconds: float = 86_400.0
    timestamp_ns: int = 0

    @classmethod
    def of(cls, desk: TradingDesk) -> Portfolio:
        """The portfolio of a desk at this moment; nothing in it changes when the desk goes on."""
        book, view = desk.book, desk.view
        count = len(desk.instruments)
        holdings = []
        for s, strategy in enumerate(desk.strategies):
            for k, instrument in enumerate(desk.instruments):
                row = view.positions[s * count + k]
                if row.quantity != 0.0 or row.working_buy != 0.0 or row.working_sell != 0.0:
                    figures = (row.quantity, view.instruments[k].mark, instrument.multiplier)
                    working = (row.working_buy, row.working_sell)
                    holdings.append(
                        Holding(
                            strategy, instrument.symbol, instrument.venue, *map(float, (*figures, *working))
                        )
                    )
        rows = [view.strategies[s] for s in range(len(desk.strategies))]
        strategies = [
            StrategyState(name, *map(float, (row.capital, row.pnl, row.peak, row.base_pnl)))
            for name, row in zip(desk.strategies, rows, strict=True)
        ]
        return cls(
            float(book.equity),
            float(book.peak),
            float(book.day_equity),
            tuple(holdings),
            tuple(strategies),
            desk.instruments,
            _in_order(view.returns, book),
            _in_order(view.results, book),
            _sample_seconds(desk),
            int(book.now_ns),
        )


def _in_order(ring: npt.NDArray[np.float64], book: Book) -> npt.NDArray[np.float64]:
    """The samples in `ring`, oldest first."""
    taken, window = int(book.sample), len(ring)
    if taken <= window:
        return ring[:taken].copy()
    return np.roll(ring, -(taken % window), axis=0)


def _sample_seconds(desk: TradingDesk) -> float:
    """Mean distance of the samples; the last one was taken when the present step of the grid began."""
    book = desk.book
    if book.sample < 2:
        return desk.limits.monitors.interval_seconds
    last = int(book.sample_ns) - int(desk.view.limits[0].interval_ns)
    return (last - int(book.first_sample_ns)) / (int(book.sample) - 1) / SECOND_NS


@jit
def _expose(desk: Desk) -> None:
    for s in range(desk.head[0].strategies):
        for k in range(desk.head[0].instruments):
            touch(desk, s, k)


@jit
def _watch(buffer: npt.NDArray[np.uint8]) -> int:
    """Let every monitor look; how many alerts wait."""
    desk = open_desk(buffer)
    _expose(desk)
    for k in range(desk.head[0].instruments):
        desk.instruments[k].reach = monitors.farthest(desk.returns, k)
    monitors.note_holdings(desk)
    watch_equity(desk)
    watch_samples(desk)
    return desk.books[0].event_count


@jit
def _value_at_risk(buffer: npt.NDArray[np.uint8]) -> float:
    desk = open_desk(buffer)
    monitors.note_holdings(desk)
    return monitors.portfolio_var(desk)


def _poured(portfolio: Portfolio, limits: RiskLimits) -> tuple[npt.NDArray[np.uint8], Decoder]:
    """State of a desk with these holdings and samples under `limits`, breakers off, and a decoder of its alerts."""
    instruments = portfolio.instruments or (NOTHING,)
    strategies = portfolio.strategies or (StrategyState(NOBODY, 1.0, 0.0, 1.0),)
    samples = len(portfolio.returns) or len(portfolio.results)
    limits = msgspec.structs.replace(
        limits,
        enable_circuit_breakers=False,
        monitors=msgspec.structs.replace(limits.monitors, window=max(samples, 1)),
    )
    buffer = build_state(
        instruments,
        [Seat(s.strategy_id, capital=s.capital) for s in strategies],
        limits=limits,
        costs=Costs.free(),
        initial_cash=1.0,
        order_capacity=1,
    )
    desk = desk_views(buffer)
    book = desk.books[0]
    book.now_ns = portfolio.timestamp_ns
    book.equity, book.peak = portfolio.equity, portfolio.peak
    book.day_equity = portfolio.day_start_equity
    for s, state in enumerate(strategies):
        row = desk.strategies[s]
        row.pnl, row.peak, row.base_pnl = state.pnl, state.peak, state.base_pnl
    _pour_holdings(desk, portfolio)
    book.sample = samples
    book.first_sample_ns = portfolio.timestamp_ns - round(
        portfolio.sample_seconds * SECOND_NS * (samples - 1)
    )
    for place, given in ((desk.returns, portfolio.returns), (desk.results, portfolio.results)):
        if len(given):
            place[:] = _samples(given, place.shape)
    venues = list(dict.fromkeys(i.venue for i in instruments))
    return buffer, Decoder(instruments, [s.strategy_id for s in strategies], venues)


def _samples(given: npt.NDArray[np.float64], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    if given.shape != shape:
        raise EngineError(
            f"expected samples of shape {shape} (one row each, one column per instrument or strategy), "
            f"found {given.shape}"
        )
    return given


def _pour_holdings(desk: Desk, portfolio: Portfolio) -> None:
    seats = {state.strategy_id: s for s, state in enumerate(portfolio.strategies)}
    places = {(i.symbol, i.venue): k for k, i in enumerate(portfolio.instruments)}
    for holding in portfolio.holdings:
        s, k = seats.get(holding.strategy_id), places.get((holding.symbol, holding.venue))
        if s is None or k is None:
            raise EngineError(
                f"the portfolio holds {holding.symbol}@{holding.venue} for {holding.strategy_id!r}, and its "
                f"{'strategies' if s is None else 'instruments'} do not name that"
            )
        row: Any = desk.positions[s * len(places) + k]
        row.quantity = holding.quantity
        row.working_buy, row.working_sell = holding.working_buy, holding.working_sell
        desk.instruments[k].mark = holding.mark
        desk.instruments[k].multiplier = holding.multiplier


def monitor_alerts(portfolio: Portfolio, limits: RiskLimits, wanted: Collection[Monitor]) -> list[RiskAlert]:
    """Alerts of the `wanted` monitors: WARNING from `warn_at` of a limit, CRITICAL at it.

    Raises EngineError where the parts of the portfolio do not fit together.
    """
    buffer, decoder = _poured(portfolio, limits)
    waiting = _watch(buffer)
    rows = np.asarray(desk_views(buffer).events)[:waiting].tolist()
    names = {label(monitor) for monitor in wanted}
    return [f for f in decoder.facts(rows) if isinstance(f, RiskAlert) and f.monitor in names]


def portfolio_var(portfolio: Portfolio, confidence: float = 0.99) -> float:
    """One-day value at risk by historical simulation, quote currency; NaN below 8 samples.  See `monitors`."""
    limits = RiskLimits()
    limits = msgspec.structs.replace(
        limits, monitors=msgspec.structs.replace(limits.monitors, var_confidence=confidence)
    ).checked()
    return float(_value_at_risk(_poured(portfolio, limits)[0]))
