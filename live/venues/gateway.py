"""The way out of an exchange: latency, and the faults that befall reports and prices on it."""

from __future__ import annotations

import heapq
import math
from typing import Final

import msgspec

from live.messages import ExecutionReport, VenueEvent
from live.venues.account import AccountBook
from live.venues.faults import FaultPlan
from workbench.core.messages import PriceUpdate

__all__ = ["Gateway"]

_SECOND: Final = 1_000_000_000


class Gateway:
    """Puts events into the outboxes of accounts that are connected, at once or when they are due."""

    def __init__(self, plan: FaultPlan, latency_ns: int) -> None:
        self._plan = plan
        self._latency_ns = latency_ns
        self._count = 0

    def latency_ns(self) -> int:
        """One way, now."""
        spike = self._plan.active.get("latency_spike", 0.0) if self._plan.active else 0.0
        return self._latency_ns + int(spike * _SECOND)

    def report(self, account: AccountBook, report: ExecutionReport) -> None:
        """Send a report, which the account has logged."""
        if not account.connected:
            return
        if not (self._plan.active or self._latency_ns or account.delayed):
            account.outbox.append(report)
            return
        plan = self._plan
        if "blackhole" in plan.active:
            return
        late = 0
        if report.kind == "acknowledged":
            if plan.happens("lost_ack"):
                return
            late = int(plan.active.get("late_ack", 0.0) * _SECOND)
        if "out_of_order" in plan.active:
            account.gathered.append(report)
            if len(account.gathered) >= max(plan.active["out_of_order"], 2.0):
                self.ungather(account)
            return
        self._send(account, report, late, report.timestamp_ns)
        if report.kind == "filled" and plan.happens("duplicate_fill"):
            self._send(account, report, late, report.timestamp_ns)

    def price(self, accounts: list[AccountBook], update: PriceUpdate) -> None:
        """Send a price to all who are connected."""
        active = self._plan.active
        if active:
            if "blackhole" in active or "frozen_feed" in active or self._plan.happens("sequence_gap"):
                return
            update = self._bend(update)
        for account in accounts:
            if account.connected:
                self._send(account, update, 0, update.timestamp_ns)

    def ungather(self, account: AccountBook) -> None:
        """Send the reports that were held back, the newest first."""
        held, account.gathered = account.gathered[::-1], []
        for report in held:
            self._send(account, report, 0, report.timestamp_ns)

    def release(self, account: AccountBook, now_ns: int) -> None:
        """Move what is due into the outbox."""
        while account.delayed and account.delayed[0][0] <= now_ns:
            account.outbox.append(heapq.heappop(account.delayed)[2])

    def _send(self, account: AccountBook, event: VenueEvent, late_ns: int, now_ns: int) -> None:
        due = now_ns + self.latency_ns()
        if due <= now_ns and not late_ns and not account.delayed:
            account.outbox.append(event)
            return
        account.leaving_ns = max(account.leaving_ns, due)  # nothing overtakes, but what is made late itself
        self._count += 1
        heapq.heappush(account.delayed, (account.leaving_ns + late_ns, self._count, event))

    def _bend(self, update: PriceUpdate) -> PriceUpdate:
        """The price as faults show it."""
        if self._plan.happens("bad_tick"):
            wrong = self._plan.random.choice((1000.0, 0.0, -1.0, math.nan))
            return msgspec.structs.replace(
                update, bid=update.bid * wrong, ask=update.ask * wrong, last=update.last * wrong
            )
        if self._plan.happens("crossed_book"):
            return msgspec.structs.replace(update, bid=update.ask, ask=update.bid)
        return update
