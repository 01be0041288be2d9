"""Venues as the engine trades at them: what they bring goes to the writer, what is durable goes to them, both agree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

from live.engine.pump import Block, Pump
from live.engine.reconcile import Differences, differences, same, strangers_text
from live.machine import KillSwitch
from live.messages import CancelOrder, ExecutionReport, NewOrder, SessionState, VenueEvent
from live.tasks import Tasks
from live.venues.contract import Order, Venue
from workbench.core.facts import CancelRequested, Fact, OrderAccepted
from workbench.core.intents import VenueReport, VenueSession
from workbench.core.messages import PriceUpdate
from workbench.errors import EngineError, VenueError

__all__ = ["Sessions"]

_PAPER: Final = "paper"
_RETRY_S: Final = 1.0
_AGAIN_S: Final = 0.01
_LOOK_S: Final = 5.0  # between two looks at the venue's own view
_SILENT_NS: Final = 3_000_000_000  # an order without an acknowledgement for so long is unknown, and asked for
_TAKEN: Final = ("acknowledged", "filled", "cancelled", "rejected", "expired", "cancel_rejected")

_log = structlog.get_logger("live.venues")


class Sessions:
    """All venues of an engine.

    problems: by venue, why nothing is traded there; empty where all is well.
    strangers: by venue, how many fills it remembers from before this journal began.
    """

    def __init__(self, venues: Sequence[Venue], pump: Pump, tasks: Tasks) -> None:
        self.venues = {venue.name: venue for venue in venues}
        self.problems: dict[str, str] = {}
        self.strangers: dict[str, int] = {}
        self._pump, self._tasks = pump, tasks
        self._remote = {venue.name for venue in venues if venue.kind != _PAPER}
        self._new = {name for name in self._remote if not pump.machine.reports.get(name, 0)}  # to the journal
        self._up: dict[str, bool] = {}
        self._agreeing: dict[str, asyncio.Task[None]] = {}
        self._newest: dict[str, int] = {}  # report numbers handed to the writer
        self._disagreed: dict[str, int] = {}  # looks in a row that have found other positions
        self._accepted: dict[str, dict[str, float]] = {}  # units missing when it was killed for them
        self._orphans: dict[str, frozenset[int]] = {}  # orders that the newest look found at a venue alone
        self._look: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for name in self._remote:
            self.problems[name] = "its session is not up yet"
            self._pump.post(VenueSession(name, up=False))
        for venue in self.venues.values():
            await venue.start(self._deliver)
        if self._remote:
            self._look = self._tasks.keep("drop copy", self._keep_looking)

    async def stop(self) -> None:
        tasks = [task for task in (self._look, *self._agreeing.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for venue in self.venues.values():
            await venue.stop()

    # --- from venues ------------------------------------------------------------------------------------------------

    def _deliver(self, events: Sequence[VenueEvent]) -> None:
        for event in events:
            if isinstance(event, PriceUpdate):
                self._pump.post(event)
            elif isinstance(event, ExecutionReport):
                self._report(event)
            else:
                self._session(event)

    def _session(self, state: SessionState) -> None:
        if state.venue not in self._remote:
            return
        level = logging.DEBUG if state.up else logging.INFO  # once it is up, that it is ready is told
        _log.log(level, "venue_session", venue=state.venue, up=state.up, reason=state.reason)
        self._up[state.venue] = state.up
        task = self._agreeing.pop(state.venue, None)
        if task is not None:
            task.cancel()
        if not state.up:
            self.problems[state.venue] = state.reason or "its session is down"
            self._pump.post(VenueSession(state.venue, up=False))
            return
        self._reconcile(state.venue)

    def _reconcile(self, name: str) -> None:
        self.problems[name] = "being reconciled"
        self._agreeing[name] = self._tasks.keep(f"agreement with {name}", partial(self._agree, name))

    def resumed(self) -> None:
        """What venues brought while nothing could be recorded is lost: tell once more which are up, and ask those."""
        self._newest.clear()
        self._disagreed.clear()
        for name in self._remote:
            task = self._agreeing.pop(name, None)
            if task is not None:
                task.cancel()
            if self._up.get(name):
                self._reconcile(name)
            else:
                self._pump.post(VenueSession(name, up=False))

    def _report(self, report: ExecutionReport) -> None:
        """Hand a report on, and fetch those that it skips; the machine takes none twice."""
        last = self._pump.machine.reports.get(report.venue, 0)
        newest = max(last, self._newest.get(report.venue, 0))
        if report.report_id > newest + 1 and report.venue not in self._agreeing:
            _log.warning("report_gap", venue=report.venue, expected=newest + 1, found=report.report_id)
            self._agreeing[report.venue] = self._tasks.once(
                f"reports of {report.venue}", self._fill_gap(report.venue, newest)
            )
        self._post(report)

    def _post(self, report: ExecutionReport) -> None:
        if report.kind not in _TAKEN:
            return
        if report.report_id > self._newest.get(report.venue, 0):
            self._newest[report.venue] = report.report_id
            known = report.kind != "filled" or self._pump.machine.blotter.find(report.order_id) is not None
            if report.venue in self._new and not known:
                self.strangers[report.venue] = self.strangers.get(report.venue, 0) + 1
        self._pump.post(
            VenueReport(
                report.kind,
                report.venue,
                report.symbol,
                report.order_id,
                report.side,
                "",
                0,
                report.execution_id,
                report.quantity,
                report.price,
                report.liquidity,
                report.report_id,
            )
        )

    async def _fill_gap(self, name: str, after: int) -> None:
        try:
            for report in await self.venues[name].reports(after):
                self._post(report)
        except VenueError as error:
            _log.warning("reports_missing", venue=name, after=after, error=str(error))
        finally:
            if self._agreeing.get(name) is asyncio.current_task():  # else it is another one's, which goes on
                self._agreeing.pop(name)

    # --- agreement --------------------------------------------------------------------------------------------------

    async def _agree(self, name: str) -> None:
        """Catch up with a venue after its session came up, and trade there once both sides see the same."""
        venue = self.venues[name]
        while True:
            try:
                newest = self._pump.machine.reports.get(name, 0)
                for report in await venue.reports(newest):
                    self._post(report)
                    newest = max(newest, report.report_id)
                await self._settled()
                self._first_told(name)
                account = await venue.account()
                if (
                    account.last_report_id > newest
                ):  # more has happened since: an order may be gone as it was filled
                    await asyncio.sleep(_AGAIN_S)
                    continue
                found = differences(self._pump.machine, account)
                for order in found.unknown_here:
                    _log.warning("orphan_order", venue=name, order_id=order)
                venue.send([CancelOrder(order) for order in found.unknown_here])
                for line in found.unknown_there:
                    _log.warning("order_unknown_at_venue", venue=name, order_id=line.order_id)
                    self._pump.post(VenueReport("cancelled", name, line.symbol, line.order_id, line.side))
                if not found.positions:
                    break
                self.problems[name] = found.text
                _log.error("venue_disagrees", venue=name, text=found.text)
            except VenueError as error:
                self.problems[name] = str(error)
            await asyncio.sleep(_RETRY_S)
        await self._pump.ask(VenueSession(name, up=True))
        self.problems.pop(name, None)
        self._agreeing.pop(name, None)
        _log.info("venue_ready", venue=name)

    def _first_told(self, name: str) -> None:
        """A venue has told all that it remembers."""
        if name in self._new:
            self._new.discard(name)
            if name in self.strangers:
                text = strangers_text({name: self.strangers[name]})
                _log.error("venue_remembers_more", venue=name, text=text)

    async def _settled(self) -> None:
        """Until the writer has taken in what was posted."""
        while self._pump.waiting:
            await asyncio.sleep(0)

    async def _keep_looking(self) -> None:
        """Compare with each venue's own view for as long as the engine lives; a lasting difference halts the venue."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for name in self._remote:
                if self._up.get(name) and name not in self._agreeing:
                    try:
                        await self._look_at(name)
                    except (VenueError, EngineError) as error:
                        _log.warning("drop_copy_failed", venue=name, error=str(error))

    async def _look_at(self, name: str) -> None:
        venue, machine = self.venues[name], self._pump.machine
        account = await venue.account()
        newest = machine.reports.get(name, 0)
        if account.last_report_id > newest:
            await self._fill_gap(name, newest)
            await self._settled()
        found = differences(machine, account)
        if account.last_report_id != machine.reports.get(name, 0):
            return  # reports are under way; the next look will tell
        if name in self._agreeing or not self._up.get(name):
            return  # its session was lost meanwhile
        self._cancel_orphans(venue, found.unknown_here)
        now = int(machine.desk.book.now_ns)
        for line in found.unknown_there:
            if now - line.created_ns > _SILENT_NS:
                _log.warning("order_unknown_at_venue", venue=name, order_id=line.order_id)
                self._pump.post(VenueReport("cancelled", name, line.symbol, line.order_id, line.side))
        await self._judge(name, found)

    async def _judge(self, name: str, found: Differences) -> None:
        """Kill a venue that two looks have found to hold something else, and again once that grows or shrinks.

        A kill is latched, for a person to reset as any other; who does accepts the difference as it was.
        """
        if not found.positions:
            if self._accepted.pop(name, None) is not None:
                self.problems.pop(name, None)
                _log.warning("venue_agrees_again", venue=name)
            self._disagreed[name] = 0
            return
        self._disagreed[name] = self._disagreed.get(name, 0) + 1
        if self._disagreed[name] < 2 or same(found.missing, self._accepted.get(name)):
            return
        self._accepted[name] = found.missing
        self.problems[name] = found.text
        _log.error("venue_disagrees", venue=name, text=found.text)
        if ("venue", name) not in self._pump.machine.kills:
            await self._pump.ask(KillSwitch("venue", name, "engine", f"reconciliation: {found.text}"))

    def _cancel_orphans(self, venue: Venue, orders: Sequence[int]) -> None:
        """Take back what works at a venue and not here, once two looks have found it."""
        lasting = self._orphans.get(venue.name, frozenset()) & set(orders)
        for order in lasting:
            _log.warning("orphan_order", venue=venue.name, order_id=order)
        if lasting:
            venue.send([CancelOrder(order) for order in sorted(lasting)])
        self._orphans[venue.name] = frozenset(orders)

    # --- to venues --------------------------------------------------------------------------------------------------

    def release(self, block: Block) -> None:
        """Send the orders of a block that has become durable and still work; those of a stale one never left: ended."""
        if not self._remote:
            return
        if block.stale:
            for fact in block.facts:
                if isinstance(fact, OrderAccepted) and fact.venue in self._remote:
                    self._pump.post(
                        VenueReport("rejected", fact.venue, fact.symbol, fact.order_id, fact.side)
                    )
            return
        orders: dict[str, list[Order]] = {}
        working = self._pump.machine.blotter.working
        for fact in block.facts:
            order = self._order(fact)
            if order is not None and order.order_id in working:  # else it has ended: its session was lost
                orders.setdefault(fact.venue, []).append(order)  # type: ignore[union-attr]  # an order's fact
        for name, batch in orders.items():
            self.venues[name].send(batch)

    def _tag(self, strategy_id: str) -> str:
        """Goes with each order: algorithm by the hash of its source, and who is responsible (RTS 6 article 12)."""
        record = self._pump.machine.strategies.get(strategy_id)
        return strategy_id if record is None else f"{record.source_hash[:16]} {record.person}"

    def _order(self, fact: Fact) -> Order | None:
        if isinstance(fact, OrderAccepted) and fact.venue in self._remote:
            return NewOrder(
                fact.order_id,
                fact.symbol,
                fact.side,
                fact.quantity,
                fact.order_type,
                fact.time_in_force,
                None if fact.limit_price != fact.limit_price else fact.limit_price,
                None if fact.stop_price != fact.stop_price else fact.stop_price,
                tag=self._tag(fact.strategy_id),
            )
        if isinstance(fact, CancelRequested):
            return CancelOrder(fact.order_id)
        return None
