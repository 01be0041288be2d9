"""A venue that brings prices and nothing else: the desk's rulebook matches what is sent there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from live.messages import Account, ExecutionReport, SessionState
from live.tasks import Tasks
from live.venues.clock import Clock
from live.venues.contract import Delivery, Order, VenueStatus
from live.venues.feeds import PriceSource
from live.venues.venue_settings import VenueSettings
from workbench.core.costs import Costs
from workbench.core.messages import Instrument

__all__ = ["PaperVenue"]


class PaperVenue:
    """Prices of `source` at the pace of `clock`; None: in lock step, where the engine takes the prices itself."""

    def __init__(
        self, settings: VenueSettings, clock: Clock, source: PriceSource | None, tasks: Tasks
    ) -> None:
        self._settings = settings
        self._clock, self._tasks = clock, tasks
        self._source = source
        self._deliver: Delivery | None = None
        self._task: asyncio.Task[None] | None = None
        self._status = VenueStatus(settings.name, settings.kind, False, "not started", clock.now_ns())
        self._prices = self._last_ns = self._orders = 0

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
        """Nothing to restore: the desk has it all."""

    async def start(self, deliver: Delivery) -> None:
        self._deliver = deliver
        self._tell(True, "")
        if self._source is not None:
            bring = partial(self._run, self._source, deliver)
            self._task = self._tasks.keep(f"venue {self.name}", bring)

    async def stop(self) -> None:
        self._deliver = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._note(False, "stopped")

    def send(self, orders: Sequence[Order]) -> None:
        """Nothing leaves: the rulebook has the order already, and matches it against the next price."""
        self._orders += len(orders)

    async def account(self) -> Account:
        """Empty: positions are where the matching is, in the desk."""
        return Account(self.name, {}, [], 0, -1, self._clock.now_ns())

    async def reports(self, after: int) -> list[ExecutionReport]:  # noqa: ARG002 - the contract's
        return []

    def status(self) -> VenueStatus:
        known = self._status
        return VenueStatus(
            known.name,
            known.kind,
            known.up,
            known.reason,
            known.since_ns,
            last_event_ns=self._last_ns,
            orders=self._orders,
            prices=self._prices,
        )

    async def _run(self, source: PriceSource, deliver: Delivery) -> None:
        while (due := source.next_ns()) is not None:
            await self._clock.wait_until(due)
            updates = source.take(self._clock.now_ns())
            if updates:
                self._prices += len(updates)
                self._last_ns = updates[-1].timestamp_ns
                deliver(updates)
        self._tell(False, "the recorded prices have come to their end")

    def _tell(self, up: bool, reason: str) -> None:
        self._note(up, reason)
        if self._deliver is not None:
            self._deliver((SessionState(self.name, up, self._status.since_ns, reason),))

    def _note(self, up: bool, reason: str) -> None:
        self._status = VenueStatus(self.name, self.kind, up, reason, self._clock.now_ns())
