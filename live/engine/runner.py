"""One process of one version of a strategy: what it has been told, and what it has still to answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from live.engine.shown import Shown
from live.messages import Answer, Deliver
from live.sandbox import Worker
from workbench.core.messages import OrderFill, PriceUpdate, RiskBreach
from workbench.errors import WorkerBehind

__all__ = ["LAUNCH_BITS", "Runner", "correlation_name"]

LAUNCH_BITS: Final = 40  # of a correlation; below them is the delivery
_MOST_UNANSWERED: Final = 256  # deliveries; from there on prices are conflated
_LATENCIES: Final = 10_000


def correlation_name(strategy_id: str, correlation: int) -> str:
    """The thread from price to fill as people see it, such as `momentum-3-000017`; "" for none."""
    if correlation == 0:
        return ""
    return f"{strategy_id}-{correlation >> LAUNCH_BITS}-{correlation & (1 << LAUNCH_BITS) - 1:06d}"


class Runner:
    """Deliveries to one worker.

    Prices wait, the newest of each instrument alone, while too much is unanswered; fills and breaches never are
    left out. conflated: prices that were replaced by a newer one before they could be sent.
    """

    def __init__(
        self,
        strategy_id: str,
        launch: int,
        symbols: frozenset[str],
        metrics: Callable[[], Mapping[str, float]],
        shown: Shown,
    ) -> None:
        self.strategy_id = strategy_id
        self.launch = launch
        self.symbols = symbols
        self.worker: Worker | None = None
        self.sequence = 0
        self.conflated = 0
        self.answered = 0
        self.signals = 0
        self.silent = False  # what it answers from now on is not used
        self.raised = ""  # the newest error of its code
        self.seconds: deque[float] = deque(maxlen=_LATENCIES)  # from price sent to answer received
        self.own_seconds: deque[float] = deque(maxlen=_LATENCIES)  # in the strategy's code
        self._metrics = metrics
        self._shown = shown
        self._told: Mapping[str, float] = {}
        self._sent: deque[tuple[int, float, bool]] = deque()
        self._fills: list[OrderFill] = []
        self._breaches: list[RiskBreach] = []
        self._positions: dict[str, float] = {}
        self._prices: dict[tuple[str, str], PriceUpdate] = {}

    @property
    def unanswered(self) -> int:
        return len(self._sent)

    @property
    def waiting(self) -> int:
        """Prices that wait to be sent."""
        return len(self._prices)

    @property
    def quiet(self) -> bool:
        """Nothing is on its way to it, nor from it."""
        return not (self._sent or self._prices or self._fills or self._breaches)

    def fill(self, fill: OrderFill, position: float) -> None:
        self._fills.append(fill)
        self._positions[fill.symbol] = position

    def breach(self, breach: RiskBreach) -> None:
        self._breaches.append(breach)

    def position(self, symbol: str, units: float) -> None:
        """Tell it what it holds, before the first price."""
        self._positions[symbol] = units

    def price(self, update: PriceUpdate, *, silent: bool = False) -> None:
        """Send a price, or keep it while the process is behind."""
        if update.symbol not in self.symbols or self.worker is None:
            return
        silent = silent or self.silent
        if not silent and (self._prices or len(self._sent) >= _MOST_UNANSWERED):
            key = (update.symbol, update.venue)
            self.conflated += key in self._prices
            self._prices.pop(key, None)  # the newest of all goes last
            self._prices[key] = update
            self._shown.departed(self.launch, "kept", *key)
        elif not self._send(update, silent):
            self._shown.departed(self.launch, "kept", update.symbol, update.venue)

    def flush(self) -> None:
        """Send what does not wait for a price, and prices that waited, as far as it keeps up."""
        while self._prices and len(self._sent) < _MOST_UNANSWERED:
            if not self._send_kept():
                break
        self._send_facts()

    def finish(self) -> None:
        """Send everything that waits, however far behind the process is: it is told nothing more afterwards."""
        while self._prices and self._send_kept():
            pass
        self._send_facts()

    def _send_kept(self) -> bool:
        price = self._prices.pop(next(iter(self._prices)))
        sent = self._send(price, self.silent)
        if sent:
            self._shown.departed(self.launch, "sent", price.symbol, price.venue)
        return sent

    def _send_facts(self) -> None:
        if not (self._fills or self._breaches):
            return
        at_the_end = (
            self._shown.place > 0
        )  # of a turn, as always; between turns it is what could not be sent then
        sent = self._send(None, self.silent)
        if sent != at_the_end:
            self._shown.departed(self.launch, "told" if sent else "untold")

    def _send(self, price: PriceUpdate | None, silent: bool) -> bool:
        """Send what there is; False where the process cannot take it now."""
        worker = self.worker
        if worker is None:
            return False
        metrics = self._metrics()
        told = {} if metrics == self._told else dict(metrics)
        message = Deliver(
            self.sequence + 1, self._fills, self._breaches, self._positions, told, price, silent
        )
        try:
            worker.send(message)
        except WorkerBehind:
            if price is not None:
                self._prices.setdefault((price.symbol, price.venue), price)
            if len(self._fills) + len(self._breaches) > _MOST_UNANSWERED:
                worker.kill("it takes in less than it is told")
            return False
        self.sequence += 1
        self._told = metrics
        self._sent.append((self.sequence, time.perf_counter(), silent))
        self._fills, self._breaches, self._positions = [], [], {}
        return True

    def answer(self, answer: Answer) -> int | None:
        """Take an answer in: its correlation where it is to be used, None where it is silent.

        The sandbox has seen to it that answers come in order, one for each delivery.
        """
        sequence, sent, silent = self._sent.popleft()
        self.answered += 1
        self.own_seconds.append(answer.elapsed_ns / 1e9)
        if silent:
            return None
        self.seconds.append(time.perf_counter() - sent)
        self.signals += len(answer.signals)
        return (self.launch << LAUNCH_BITS) + sequence
