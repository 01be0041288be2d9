"""Event-driven replay: a recorded or synthetic market, any Python strategy, the desk of the live engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.backtest.compiling import is_watched
from workbench.backtest.recorder import Recorder, SentSignal, StrategyErrorNote, fingerprint
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent, check_inside, match_target
from workbench.chaos.kinds import ChaosKind, Family
from workbench.chaos.market_faults import apply_market_faults
from workbench.chaos.signal_faults import SignalFaults
from workbench.core.build import VenueFaultWindow
from workbench.core.codes import Breaker
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import Fact
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME, Feed
from workbench.core.limits import RiskLimits
from workbench.core.messages import OrderFill, PriceUpdate, RiskBreach
from workbench.core.performance_view import PerformanceView
from workbench.core.signals import MAX_SIGNALS
from workbench.core.step import count_error, deliver_held, on_row
from workbench.core.venue_faults import VenueFault
from workbench.errors import StrategyFailure
from workbench.strategy.containment import RAISED, are_signals, failure_text, no_signals

__all__ = ["Replay", "ReplayRecord", "replay", "venue_windows"]

CHUNK: Final = 8_192  # rows that are turned into updates at once
LONG_RUN: Final = 150_000  # updates from which on a bar is shown; half a second and more
_ERROR_BIT: Final = 1 << int(Breaker.STRATEGY_ERROR)
_VENUE_FAULTS: Final[Mapping[ChaosKind, VenueFault]] = {
    ChaosKind.VENUE_DISCONNECT: VenueFault.DISCONNECT,
    ChaosKind.REJECT_STORM: VenueFault.REJECT_STORM,
    ChaosKind.LATENCY_SPIKE: VenueFault.LATENCY_SPIKE,
    ChaosKind.PARTIAL_FILLS: VenueFault.PARTIAL_FILLS,
    ChaosKind.DUPLICATE_FILLS: VenueFault.DUPLICATE_FILLS,
    ChaosKind.OUT_OF_ORDER_FILLS: VenueFault.OUT_OF_ORDER_FILLS,
}


type Listener = tuple[int, Callable[[PriceUpdate], Any], dict[str, float], bool]
"""Strategy index, its on_market_data, its price cache of the symbol (by venue), whether faults bend its signals."""


class ReplayRecord(NamedTuple):
    """A finished run.

    feed: what was played, faults included.  origin: int64[n], row of the feed without faults, -1 where there is none.
    curves: float64[n, 1 + strategies], equity of the portfolio, then P&L of each strategy, after each update.
    """

    feed: Feed
    origin: npt.NDArray[np.int64]
    curves: npt.NDArray[np.float64]
    desk: TradingDesk
    players: tuple[Player, ...]
    recorder: Recorder

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.recorder.fills, self.curves[:, 0])


def venue_windows(events: Iterable[ChaosEvent], feed: Feed) -> list[VenueFaultWindow]:
    """Venue faults as the core takes them; a target that is a symbol means the venues that trade it."""
    venues = list(dict.fromkeys(i.venue for i in feed.instruments))
    windows: list[VenueFaultWindow] = []
    for event in events:
        if event.family is not Family.VENUE:
            continue
        hit = {feed.instruments[k].venue for k in match_target(event.target, feed.instruments)}
        struck = [v for v in venues if v in hit] if event.target else [""]
        windows.extend(
            VenueFaultWindow(
                _VENUE_FAULTS[event.kind], event.start_ns, event.end_ns, v, event.intensity, event.seed
            )
            for v in struck
        )
    return windows


class Replay:
    """One run, from the first row to the last; `run` may be called once."""

    def __init__(
        self,
        feed: Feed,
        players: Sequence[Player],
        *,
        limits: RiskLimits | None = None,
        costs: Costs | Mapping[str, Costs] | None = None,
        initial_cash: float = 1_000_000.0,
        chaos: Sequence[ChaosEvent] = (),
        contain_errors: bool = False,
    ) -> None:
        check_inside(chaos, int(feed.timestamp_ns[0]), int(feed.timestamp_ns[-1]))
        market_faults = [e for e in chaos if e.family is Family.MARKET]
        self.origin: npt.NDArray[np.int64] = np.arange(len(feed), dtype=np.int64)
        self.feed = feed
        if market_faults:
            self.feed, self.origin = apply_market_faults(feed, market_faults)
        self.players = tuple(players)
        self.desk = TradingDesk(
            feed.instruments,
            [p.seat for p in players],
            limits=limits,
            costs=costs,
            initial_cash=initial_cash,
            faults=venue_windows(chaos, feed),
        )
        self.recorder = Recorder()
        self.contain_errors = contain_errors
        self._now = 0
        self._stopped = [False] * len(players)
        self._index = {p.seat.strategy_id: s for s, p in enumerate(players)}
        self._faults = [
            SignalFaults(chaos, p.seat.strategy_id, self.desk.symbols, self._units(p)) for p in players
        ]
        self._listeners = self._who_listens()
        for s, player in enumerate(players):
            player.strategy.performance_metrics = PerformanceView(self.desk, s)
            player.strategy.on_start([i for i in feed.instruments if i.symbol in player.symbols])

    def _units(self, player: Player) -> dict[str, float]:
        unit = player.seat.unit
        return {y: unit.get(y, 1.0) if isinstance(unit, dict) else unit for y in self.desk.symbols}

    def run(self, progress: Callable[[int], object] | None = None) -> ReplayRecord:
        """Play every row.  progress: called with the number of rows after each chunk.

        Raises StrategyFailure, the cause chained, where a strategy raises and errors are not contained.
        """
        feed = self.feed
        keys = np.column_stack([feed.timestamp_ns, feed.instrument, feed.sequence]).astype(
            np.int64, order="C"
        )
        quotes = np.ascontiguousarray(feed.quotes, dtype=np.float64)
        curves = np.empty((len(feed), 1 + len(self.players)))
        for start in range(0, len(feed), CHUNK):
            stop = min(start + CHUNK, len(feed))
            self._play(start, stop, quotes, keys, curves)
            if progress is not None:
                progress(stop - start)
        if deliver_held(self.desk.state):
            self._deliver(self.desk.drain())
            curves[-1, 0] = self.desk.book.equity
            curves[-1, 1:] = np.asarray(self.desk.view.strategies)["pnl"]
        return ReplayRecord(feed, self.origin, curves, self.desk, self.players, self.recorder)

    def _updates(self, start: int, stop: int) -> Iterable[PriceUpdate]:
        feed = self.feed
        symbols = [i.symbol for i in feed.instruments]
        venues = [i.venue for i in feed.instruments]
        which = feed.instrument[start:stop].tolist()
        columns = (BID, ASK, LAST, VOLUME, BID_SIZE, ASK_SIZE, CHANGE_PCT)
        return map(
            PriceUpdate,
            [symbols[k] for k in which],
            [venues[k] for k in which],
            feed.timestamp_ns[start:stop].tolist(),
            *(feed.quotes[start:stop, column].tolist() for column in columns),
            feed.sequence[start:stop].tolist(),
        )

    def _play(
        self,
        start: int,
        stop: int,
        quotes: npt.NDArray[np.float64],
        keys: npt.NDArray[np.int64],
        curves: npt.NDArray[np.float64],
    ) -> None:
        """The loop; every name is local, since this is where a long run spends its time."""
        state, listeners = self.desk.state, self._listeners
        row, deliver, answer, drain = on_row, self._deliver, self._answer, self.desk.drain
        which = keys[start:stop, 1].tolist()
        for i, (k, update) in enumerate(zip(which, self._updates(start, stop), strict=True), start):
            if row(state, quotes, keys, curves, i):
                self._now = update.timestamp_ns
                deliver(drain())
            last = update.last
            venue = update.venue
            for s, call, venues, faulty in listeners[k]:
                venues[venue] = last
                try:
                    signals = call(update)
                except RAISED as error:
                    self._failed(s, "on_market_data", error, update.timestamp_ns)
                    continue
                if signals or faulty:
                    answer(s, update, signals)

    def _who_listens(self) -> list[list[Listener]]:
        """For each instrument who is called with its updates."""
        listeners: list[list[Listener]] = []
        for instrument in self.feed.instruments:
            symbol = instrument.symbol
            called: list[Listener] = []
            for s, player in enumerate(self.players):
                if symbol in player.symbols and not self._stopped[s]:
                    strategy = player.strategy
                    strategy.active_symbols.add(symbol)
                    venues = strategy.price_cache.setdefault(symbol, {})
                    called.append((s, strategy.on_market_data, venues, bool(self._faults[s])))
            listeners.append(called)
        return listeners

    def _answer(self, s: int, update: PriceUpdate, signals: Any) -> None:
        """Hand what strategy `s` answered to the desk."""
        if self._stopped[s]:
            return
        if not are_signals(signals):
            if signals is not None:
                self._failed(s, "on_market_data", no_signals(signals), update.timestamp_ns)
                return
            signals = ()
        if self._faults[s]:
            signals = self._faults[s].apply(update, signals)
        if not signals:
            return
        self._now = update.timestamp_ns
        name = self.desk.strategies[s]
        for signal in islice(signals, MAX_SIGNALS):
            self.recorder.signals.append(SentSignal(update.timestamp_ns, name, signal))
        self.desk.submit(s, signals)
        self._deliver(self.desk.drain())

    def _deliver(self, facts: list[Fact]) -> None:
        """Record facts and tell the strategies of theirs."""
        self.recorder.journal.extend(facts)
        for fact in facts:
            kind = type(fact)
            if kind is OrderFill:
                self._tell_fill(fact)  # type: ignore[arg-type]  # narrowed by its exact type, which is faster
            elif kind is RiskBreach:
                self._tell_breach(fact)  # type: ignore[arg-type]

    def _tell_fill(self, fill: OrderFill) -> None:
        s = self._index[fill.strategy_id]
        strategy = self.players[s].strategy
        strategy.positions[fill.symbol] = self.desk.position(s, fill.symbol)
        if self._stopped[s]:
            return
        try:
            strategy.on_order_fill(fill)
        except RAISED as error:
            self._failed(s, "on_order_fill", error, fill.timestamp_ns)

    def _tell_breach(self, breach: RiskBreach) -> None:
        s = self._index.get(breach.strategy_id)
        if s is None or self._stopped[s]:
            return
        if self._faults[s]:
            self._faults[s].heard_breach(breach.timestamp_ns)
        try:
            self.players[s].strategy.on_risk_breach(breach)
        except RAISED as error:
            self._failed(s, "on_risk_breach", error, breach.timestamp_ns)

    def _failed(self, s: int, call: str, error: Exception | SystemExit, timestamp_ns: int) -> None:
        """A strategy raised: end the run, or count it and stop calling the strategy once its breaker has tripped."""
        name = self.desk.strategies[s]
        text = failure_text(error, self.players[s].strategy)
        if not self.contain_errors:
            raise StrategyFailure(f"{name}.{call} raised {text}") from error
        self.recorder.errors.append(StrategyErrorNote(timestamp_ns, name, call, text))
        if count_error(self.desk.state, s) & _ERROR_BIT:
            self._stopped[s] = True
            self._listeners[:] = self._who_listens()
        facts = self.desk.drain()
        if call == "on_risk_breach":
            self.recorder.journal.extend(
                facts
            )  # telling it of its own failure would fail the same way, for ever
        else:
            self._deliver(facts)


def replay(
    feed: Feed,
    players: Sequence[Player],
    *,
    limits: RiskLimits | None = None,
    costs: Costs | Mapping[str, Costs] | None = None,
    initial_cash: float = 1_000_000.0,
    chaos: Sequence[ChaosEvent] = (),
    contain_errors: bool = False,
    progress: bool | None = None,
) -> ReplayRecord:
    """Play `feed` to `players`; see `Replay`.  progress: a bar; None shows one on long runs where somebody looks."""
    run = Replay(
        feed,
        players,
        limits=limits,
        costs=costs,
        initial_cash=initial_cash,
        chaos=chaos,
        contain_errors=contain_errors,
    )
    if not (len(feed) > LONG_RUN and is_watched() if progress is None else progress):
        return run.run()
    from tqdm.auto import tqdm

    with tqdm(total=len(run.feed), unit="update", desc="replay", leave=False) as bar:
        return run.run(bar.update)
