"""A strategy at work in its own process: loads it, keeps what the contract promises up to date, calls it, answers.

The order of things is that of `workbench.backtest.replay`: live and replay must not differ in what a strategy sees.
"""

from __future__ import annotations

from time import perf_counter_ns
from types import MappingProxyType
from typing import Any, Final

from live.messages import Answer, Deliver, Hello, Ready
from live.sandbox.frames import FrameError
from live.sandbox.plain import plain_mapping, plain_signals
from live.sandbox.voice import MOST_TEXT, Voice
from workbench.core.build import Seat
from workbench.core.messages import OrderFill, PriceUpdate
from workbench.errors import StrategyLoadError
from workbench.strategy.compiled import CompiledStrategy, parameter_rows, ready
from workbench.strategy.containment import RAISED, are_signals, failure_text, no_signals
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_source
from workbench.strategy.runner import Runner
from workbench.strategy.seating import configured, seat_of

__all__ = ["METRICS", "Player"]

METRICS: Final = (
    "total_pnl",
    "realised_pnl",
    "unrealised_pnl",
    "fees",
    "drawdown",
    "trade_count",
    "risk_breach_count",
)
"""Keys of `performance_metrics`, in the order of `workbench.core.performance_view.PerformanceView`."""


def _warm(strategy: TradingStrategy) -> None:
    """Compile what the first price would have to wait for."""
    if isinstance(strategy, CompiledStrategy):
        kind = type(strategy)
        count = None if kind.SCOPE == "instrument" else 1
        Runner(ready(kind), parameter_rows(kind, [strategy.config])[0], count)


def _introduced(strategy: TradingStrategy, seat: Seat, shown: frozenset[str]) -> Ready:
    info = strategy.get_strategy_info()
    return Ready(
        name=str(info.get("name", type(strategy).__name__))[:MOST_TEXT],
        version=str(info.get("version", strategy.VERSION))[:MOST_TEXT],
        description=str(info.get("description") or "")[:MOST_TEXT],
        parameters=plain_mapping(info.get("parameters") or {}),
        sizing=seat.sizing.name.lower(),
        unit=seat.unit,
        symbols=sorted(shown),
    )


class Player:
    """One strategy.  `out_of_memory`: it raised MemoryError, and more will follow: whoever runs it should end it."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._strategy: TradingStrategy
        self._metrics = dict.fromkeys(METRICS, 0.0)
        self._spent_ns = 0
        self.out_of_memory = False

    def load(self, hello: Hello) -> Ready | None:
        """Load and start the strategy; None, and Raised is said, where that fails."""
        call = "load"
        try:
            kind = load_source(hello.source, hello.filename, hello.class_name or None)
            strategy = self._strategy = configured(kind, hello.config, hello.seed)
            seat, shown = seat_of(hello.strategy_id, strategy, (i.symbol for i in hello.instruments))
            instruments = [i for i in hello.instruments if i.symbol in shown]
            for instrument in instruments:
                strategy.active_symbols.add(instrument.symbol)
                strategy.price_cache.setdefault(instrument.symbol, {})
            strategy.performance_metrics = MappingProxyType(self._metrics)
            call = "on_start"
            strategy.on_start(instruments)
            call = "load"
            _warm(strategy)
            return _introduced(strategy, seat, shown)
        except RAISED as error:
            self._voice.raised(0, call, self._why(error))
            return None

    def deliver(self, delivery: Deliver) -> None:
        """Tell the strategy what happened, ask it about the price, and answer."""
        self._spent_ns = 0
        strategy, number = self._strategy, delivery.sequence
        if delivery.metrics:
            self._metrics.update(delivery.metrics)
        if delivery.positions:
            told = {fill.symbol for fill in delivery.fills}
            for symbol, quantity in delivery.positions.items():
                if symbol not in told:
                    strategy.positions[symbol] = quantity
        for fill in delivery.fills:
            self._tell_fill(number, fill, delivery.positions)
        for breach in delivery.breaches:
            self._call(number, "on_risk_breach", strategy.on_risk_breach, breach)
        signals = [] if delivery.price is None else self._ask(number, delivery.price)
        self._answer(number, signals)

    def _tell_fill(self, number: int, fill: OrderFill, positions: dict[str, float]) -> None:
        quantity = positions.get(fill.symbol)
        if quantity is not None:
            self._strategy.positions[fill.symbol] = quantity
        self._call(number, "on_order_fill", self._strategy.on_order_fill, fill)

    def _ask(self, number: int, price: PriceUpdate) -> list[Any]:
        cache = self._strategy.price_cache.setdefault(price.symbol, {})
        cache[price.venue] = price.last
        answer = self._call(number, "on_market_data", self._strategy.on_market_data, price)
        if answer is None:
            return []
        try:
            if not answer:
                return []
            if not are_signals(answer):
                raise no_signals(answer)
            return plain_signals(answer)
        except RAISED as error:  # objects of the strategy's may raise at any touch
            self._voice.raised(number, "on_market_data", self._why(error))
        return []

    def _call(self, number: int, name: str, method: Any, argument: Any) -> Any:
        """Call the strategy; what it raises is told, and None is the answer."""
        began = perf_counter_ns()
        try:
            return method(argument)
        except RAISED as error:
            self._voice.raised(number, name, self._why(error))
            return None
        finally:
            self._spent_ns += perf_counter_ns() - began

    def _answer(self, number: int, signals: list[Any]) -> None:
        try:
            self._voice.say(Answer(number, signals, self._spent_ns))
        except (FrameError, ValueError, TypeError) as error:  # too large; half a Unicode character
            self._voice.raised(number, "on_market_data", f"the answer cannot be sent: {error}")
            self._voice.say(Answer(number, [], self._spent_ns))

    def _why(self, error: BaseException) -> str:
        """What happened, in one line, even where the error itself cannot be printed."""
        self.out_of_memory |= isinstance(error, MemoryError)
        try:
            if isinstance(error, StrategyLoadError) or not hasattr(self, "_strategy"):
                return " ".join(f"{error}".split()) or type(error).__name__
            return failure_text(error, self._strategy)
        except RAISED as another:
            return f"{type(error).__name__}, which raised {type(another).__name__} when it was printed"
