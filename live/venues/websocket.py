"""An exchange in its own process, reached over WebSocket.

Two links: one for orders, prices and reports, and a drop copy, which goes on answering questions when the first is
lost or silent. After a loss, reports that were missed are delivered exactly once, and each order that was on its way is
settled: either its reports come, or the exchange says that it never saw it, and it is rejected with report_id 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from live.messages import Account, ExecutionReport, NewOrder, SessionState, VenueEvent
from live.tasks import Tasks
from live.venues.clock import Clock
from live.venues.contract import Delivery, Order, VenueStatus
from live.venues.embedded import refusals
from live.venues.link import Answer, Link, Question
from live.venues.protocol import (
    DROP_COPY,
    ORDERS,
    PART,
    AccountAnswer,
    AskAccount,
    AskKnown,
    AskReports,
    FaultDone,
    FromServer,
    InjectFault,
    KnownAnswer,
    Live,
    Prices,
    Problem,
    Reports,
    ReportsAnswer,
    Resumed,
    Welcome,
)
from live.venues.protocol import Orders as OrdersFrame
from live.venues.received import ReceivedReports
from live.venues.venue_settings import VenueSettings
from workbench.core.costs import Costs
from workbench.core.messages import Instrument
from workbench.errors import VenueError

__all__ = ["WebSocketVenue"]

_NEVER_ARRIVED: Final = "never_arrived: the connection was lost before the order reached the venue"


class WebSocketVenue:
    """The contract's Venue; `clock` stamps what does not come from the exchange itself."""

    def __init__(self, settings: VenueSettings, clock: Clock, tasks: Tasks) -> None:
        self._settings = settings
        self._clock, self._keeper = clock, tasks
        self._deliver: Delivery | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._received = ReceivedReports()
        self._under_way: dict[int, NewOrder] = {}  # sent, and nothing heard of
        self._refused: list[ExecutionReport] = []
        self._resumed: list[ExecutionReport] = []  # missed, and not handed on before the session stands
        self._settling: asyncio.Task[None] | None = None
        self._up = False
        self._reason = "not started"
        self._since_ns = clock.now_ns()
        self._orders = self._prices = self._reports = self._connects = self._last_ns = 0
        self._link: Link | None = None
        self._copy: Link | None = None

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
        """See Venue."""
        self._received = ReceivedReports(known.last_report_id)

    async def start(self, deliver: Delivery) -> None:
        self._deliver = deliver
        settings = self._settings
        self._link = Link(
            settings,
            ORDERS,
            prices=True,
            after=lambda: self._received.through,
            on_frame=self._on_frame,
            on_loss=self._on_loss,
        )
        self._copy = Link(
            settings,
            DROP_COPY,
            prices=False,
            after=lambda: -1,
            on_frame=lambda frame: None,  # noqa: ARG005 - its reports are the same
            on_loss=lambda reason: None,  # noqa: ARG005
        )
        self._reason = self._link.reason
        self._tasks = [
            self._keeper.keep(f"venue {self.name} {what}", link.run)
            for link, what in ((self._link, ORDERS), (self._copy, DROP_COPY))
        ]

    async def stop(self) -> None:
        self._deliver = None
        tasks = [*self._tasks, *([self._settling] if self._settling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks, self._settling = [], None
        self._note(False, "stopped")
        self._link = self._copy = None

    def send(self, orders: Sequence[Order]) -> None:
        self._orders += len(orders)
        for start in range(0, len(orders), PART):
            part = list(orders[start : start + PART])
            if self._up and self._link is not None and self._link.post(OrdersFrame(part)):
                self._under_way.update((o.order_id, o) for o in part if isinstance(o, NewOrder))
            else:
                why = "too much waits to be sent" if self._up else self._reason
                self._refused += refusals(self.name, part, self._clock.now_ns(), why)
        if self._refused:
            asyncio.get_running_loop().call_soon(self._tell_refused)

    async def account(self) -> Account:
        answer = await self._ask(AskAccount)
        assert isinstance(answer, AccountAnswer)
        return answer.account

    async def reports(self, after: int) -> list[ExecutionReport]:
        found: list[ExecutionReport] = []
        while True:
            newest = found[-1].report_id if found else after
            answer = await self._ask(partial(AskReports, after=newest))
            assert isinstance(answer, ReportsAnswer)
            found += answer.reports
            self._received.note(answer.reports)
            self._arrived(answer.reports)
            if not answer.reports or answer.reports[-1].report_id >= answer.last_report_id:
                return found

    async def _ask(self, make: Callable[[int], Question]) -> Answer:
        """Ask over the drop copy, or over the session where that is down."""
        link = self._copy if self._copy is not None and self._copy.live else self._link
        if link is None:
            raise VenueError(f"venue {self.name}: expected one that was started, found it stopped")
        return await link.ask(make)

    async def inject(self, kind: str, intensity: float | None = None, seconds: float = 1e9) -> None:
        """Begin a fault at the exchange (see FAULT_KINDS).  Raises VenueError where it does not take it."""
        await self._fault(kind, intensity, seconds, clear=False)

    async def clear_faults(self, kind: str = "") -> None:
        """End one fault, or ("") all."""
        await self._fault(kind, None, 0.0, clear=True)

    async def _fault(self, kind: str, intensity: float | None, seconds: float, *, clear: bool) -> None:
        answer = await self._ask(lambda question: InjectFault(question, kind, intensity, seconds, clear))
        if isinstance(answer, FaultDone) and answer.error:
            raise VenueError(f"venue {self.name}: {answer.error}")

    def status(self) -> VenueStatus:
        return VenueStatus(
            self.name,
            self.kind,
            self._up,
            self._reason if self._up or self._link is None else self._link.reason,
            self._since_ns,
            self._last_ns,
            self._orders,
            self._prices,
            self._reports,
            self._received.newest,
            max(self._connects - 1, 0),
        )

    # -- from the exchange --------------------------------------------------------------------------------------

    def _on_frame(self, frame: FromServer) -> None:
        match frame:
            case Prices():
                self._prices += len(frame.prices)
                self._pass_on(frame.prices)
            case Reports():
                self._received.note(frame.reports)
                self._pass_reports(frame.reports)
            case Welcome():
                self._check(frame)
                self._resumed = []
            case Resumed():
                self._resumed += frame.reports
            case Live():
                self._connects += 1
                self._note(True, "")
                self._pass_on([SessionState(self.name, True, self._since_ns)])
                self._pass_reports(self._received.note(self._resumed))
                self._resumed = []
                if self._under_way:
                    self._settling = self._keeper.once(
                        f"venue {self.name} orders under way", self._settle(list(self._under_way))
                    )
            case Problem():
                if self._up:  # told of one frame, while the session stands
                    self._reason = frame.reason

    def _check(self, welcome: Welcome) -> None:
        """Raises VenueError where the exchange is not the one that is configured, or has lost its memory."""
        ours = {instrument.name: instrument for instrument in self.instruments}
        theirs = {instrument.name: instrument for instrument in welcome.instruments}
        for name, instrument in ours.items():
            if theirs.get(name) != instrument:
                raise VenueError(
                    f"venue {self.name}: expected {instrument}, found {theirs.get(name)} at the exchange; "
                    "give both the same venues.yaml"
                )
        if welcome.last_report_id < self._received.through:
            raise VenueError(
                f"venue {self.name}: expected reports up to {self._received.through} or more, found the exchange at "
                f"{welcome.last_report_id}: it has lost its store, or it is another one"
            )

    def _pass_reports(self, reports: Sequence[ExecutionReport]) -> None:
        self._reports += len(reports)
        self._arrived(reports)
        self._pass_on(reports)

    def _arrived(self, reports: Sequence[ExecutionReport]) -> None:
        for report in reports:
            self._under_way.pop(report.order_id, None)

    async def _settle(self, order_ids: list[int]) -> None:
        """Find out which orders never arrived before the connection was lost, and tell that."""
        link = self._link
        for start in range(0, len(order_ids), PART):
            part = order_ids[start : start + PART]
            if link is None:
                return
            try:
                answer = await link.ask(partial(AskKnown, order_ids=part))
            except VenueError:
                return  # lost again: asked again after the next login
            assert isinstance(answer, KnownAnswer)
            now = self._clock.now_ns()
            missing = [self._under_way.pop(number, None) for number in answer.unknown]
            self._pass_on(
                [
                    ExecutionReport(
                        self.name,
                        "rejected",
                        0,
                        order.order_id,
                        order.symbol,
                        order.side,
                        now,
                        reason=_NEVER_ARRIVED,
                    )
                    for order in missing
                    if order is not None
                ]
            )
            for number in part:
                self._under_way.pop(number, None)  # known there: its reports have come, or can be asked for

    def _on_loss(self, reason: str) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        self._note(False, reason)
        self._pass_on([SessionState(self.name, False, self._since_ns, reason)])

    def _tell_refused(self) -> None:
        refused, self._refused = self._refused, []
        self._pass_on(refused)

    def _pass_on(self, events: Sequence[VenueEvent]) -> None:
        if events and self._deliver is not None:
            self._last_ns = events[-1].timestamp_ns
            self._deliver(events)

    def _note(self, up: bool, reason: str) -> None:
        self._up, self._reason, self._since_ns = up, reason, self._clock.now_ns()
