"""The simulated exchange inside the engine's process, with one session."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from live.messages import Account, ExecutionReport, NewOrder, SessionState, VenueEvent
from live.tasks import Tasks
from live.venues.clock import Clock, sleep_until
from live.venues.contract import Delivery, Order, VenueStatus
from live.venues.exchange import SimulatedExchange
from workbench.core.costs import Costs
from workbench.core.messages import Instrument
from workbench.errors import VenueError

__all__ = ["EmbeddedVenue", "refusals"]

_SESSION: Final = "engine"
_TIMEOUT_NS: Final = 5_000_000_000  # after which a question into a blackhole is given up


class EmbeddedVenue:
    """Drives `exchange` by `clock`; orders are worked while `send` runs, and what comes of it is delivered soon after.

    An engine that starts again hands in what it knows with `restore`, as this exchange ended with the process.
    """

    def __init__(self, exchange: SimulatedExchange, clock: Clock, tasks: Tasks) -> None:
        self._exchange = exchange
        self._settings = exchange.settings
        self._clock, self._tasks = clock, tasks
        self._account = exchange.open_account(_SESSION)
        self._deliver: Delivery | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._flushing = False
        self._due_ns = 0  # when the task wakes by itself
        self._up = False
        self._reason = "not started"
        self._since_ns = clock.now_ns()
        self._refused: list[ExecutionReport] = []
        self._last_report_id = self._last_ns = 0
        self._orders = self._prices = self._reports = self._connects = 0

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def kind(self) -> str:
        return self._settings.kind

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return self._settings.instruments

    @property
    def costs(self) -> Costs:
        return self._settings.costs

    def restore(self, known: Account) -> None:
        """See Venue.  Raises VenueError for a position in a symbol that is not traded here."""
        self._exchange.restore(_SESSION, known)
        self._last_report_id = known.last_report_id

    async def start(self, deliver: Delivery) -> None:
        self._deliver = deliver
        self._flush()
        self._task = self._tasks.keep(f"venue {self.name}", self._run)

    async def stop(self) -> None:
        self._deliver = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._account.connected:
            self._exchange.disconnect(_SESSION, self._clock.now_ns())
        self._note(False, "stopped")

    def send(self, orders: Sequence[Order]) -> None:
        now = self._clock.now_ns()
        self._orders += len(orders)
        self._exchange.advance(now)
        if self._account.connected:
            self._exchange.submit(_SESSION, orders, now)
        else:
            self._refused += refusals(self.name, orders, now, self._exchange.down or self._reason)
        self._flush_soon()

    async def account(self) -> Account:
        await self._answered()
        return self._exchange.account(_SESSION, self._clock.now_ns())

    async def reports(self, after: int) -> list[ExecutionReport]:
        await self._answered()
        return self._exchange.reports(_SESSION, after)

    async def _answered(self) -> None:
        """Wait as long as a question would take; raises VenueError where no answer would come."""
        now = self._clock.now_ns()
        exchange = self._exchange
        exchange.advance(now)
        if exchange.down:
            raise VenueError(f"venue {self.name}: the session is down ({exchange.down})")
        if "blackhole" in exchange.faults.active:
            await self._clock.wait_until(now + _TIMEOUT_NS)
            raise VenueError(f"venue {self.name}: no answer within {_TIMEOUT_NS / 1e9:g} seconds")
        delay = 2 * exchange.latency_ns()
        if delay:
            await self._clock.wait_until(now + delay)
            exchange.advance(self._clock.now_ns())

    def inject(self, kind: str, intensity: float | None = None, seconds: float = math.inf) -> None:
        """Begin a fault (see FAULT_KINDS), for so long or until `clear_faults`.  ConfigError for an unknown kind."""
        self._exchange.inject(kind, self._clock.now_ns(), intensity, seconds)
        self._flush_soon()

    def clear_faults(self, kind: str = "") -> None:
        """End one fault, or ("") all."""
        self._exchange.clear_faults(self._clock.now_ns(), kind)
        self._flush_soon()

    def status(self) -> VenueStatus:
        return VenueStatus(
            self.name,
            self.kind,
            self._up,
            self._reason,
            self._since_ns,
            self._last_ns,
            self._orders,
            self._prices,
            self._reports,
            self._last_report_id,
            max(self._connects - 1, 0),
            faults=tuple(self._exchange.faults.active),
        )

    async def _run(self) -> None:
        while True:
            self._due_ns = self._exchange.next_ns()
            await sleep_until(self._clock, self._due_ns, self._wake)
            self._flush()

    def _flush_soon(self) -> None:
        """Deliver in the loop's next turn, never inside a call of the engine's."""
        if not self._flushing and self._deliver is not None:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Bring the exchange to now, follow its session up and down, and deliver what has come out."""
        self._flushing = False
        if self._deliver is None:
            return
        now = self._clock.now_ns()
        exchange = self._exchange
        exchange.advance(now)
        events: list[VenueEvent] = list(exchange.take(_SESSION, now))
        self._last_report_id = max(
            (event.report_id for event in events if type(event) is ExecutionReport),
            default=self._last_report_id,
        )
        if self._up and not self._account.connected:
            self._note(False, exchange.down)
            events.append(SessionState(self.name, False, now, exchange.down))
        if not self._account.connected and not exchange.down:
            missed = exchange.connect(_SESSION, self._last_report_id, now)
            self._connects += 1
            self._note(True, "")
            events.append(SessionState(self.name, True, now))
            events += missed
        events += self._refused
        self._refused.clear()
        if events:
            self._count(events)
            self._deliver(events)
        if exchange.next_ns() < self._due_ns:
            self._wake.set()

    def _count(self, events: list[VenueEvent]) -> None:
        for event in events:
            if type(event) is ExecutionReport:
                self._reports += 1
                self._last_report_id = max(self._last_report_id, event.report_id)
            elif type(event) is not SessionState:
                self._prices += 1
        self._last_ns = events[-1].timestamp_ns

    def _note(self, up: bool, reason: str) -> None:
        self._up, self._reason, self._since_ns = up, reason, self._clock.now_ns()


def refusals(venue: str, orders: Sequence[Order], now_ns: int, reason: str) -> list[ExecutionReport]:
    """Answers to orders that never left; their report_id is 0."""
    why = f"venue_down: {reason}"
    return [
        ExecutionReport(venue, "rejected", 0, order.order_id, order.symbol, order.side, now_ns, reason=why)
        if isinstance(order, NewOrder)
        else ExecutionReport(venue, "cancel_rejected", 0, order.order_id, "", 0, now_ns, reason=why)
        for order in orders
    ]
