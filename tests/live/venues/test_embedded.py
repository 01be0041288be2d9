"""The exchange inside the engine's process: batches, its session up and down, and an engine that starts again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from live.messages import Account, ExecutionReport, NewOrder, SessionState, VenueEvent
from live.venues.clock import SimulatedClock
from live.venues.contract import Venue
from live.venues.embedded import EmbeddedVenue
from live.venues.opening import open_venues
from tests.live.venues.kit import SECOND, START, SYMBOL, config
from workbench.core.messages import PriceUpdate
from workbench.errors import VenueError


class Run:
    """A venue, its clock, and what it has delivered."""

    def __init__(self, clock: SimulatedClock, venue: EmbeddedVenue) -> None:
        self.clock = clock
        self.venue = venue
        self.batches: list[Sequence[VenueEvent]] = []
        self.sending = False

    def deliver(self, events: Sequence[VenueEvent]) -> None:
        assert not self.sending, "delivered inside a call of the engine's"
        assert events
        self.batches.append(list(events))

    def send(self, *orders: NewOrder) -> None:
        self.sending = True
        self.venue.send(orders)
        self.sending = False

    async def wait(self, seconds: float) -> None:
        await self.clock.run_until(self.clock.now_ns() + int(seconds * SECOND))

    @property
    def told(self) -> list[VenueEvent]:
        """Everything but prices."""
        return [event for batch in self.batches for event in batch if not isinstance(event, PriceUpdate)]


def play(scenario: Callable[[Run], Awaitable[None]], known: Account | None = None, **venue: Any) -> Run:
    async def main() -> Run:
        clock = SimulatedClock(START)
        (embedded,) = open_venues(config(**venue), clock)
        assert isinstance(embedded, EmbeddedVenue)
        assert isinstance(embedded, Venue)
        run = Run(clock, embedded)
        if known is not None:
            embedded.restore(known)
        await embedded.start(run.deliver)
        await scenario(run)
        await embedded.stop()
        count = len(run.batches)
        await run.wait(1)
        assert len(run.batches) == count, "delivered after it was stopped"
        await embedded.stop()
        return run

    return asyncio.run(main())


def order(number: int, side: int = 1, quantity: float = 1.0, limit: float | None = None) -> NewOrder:
    return NewOrder(number, SYMBOL, side, quantity, "market" if limit is None else "limit", "GTC", limit)


def test_the_session_comes_up_first_then_prices_and_reports() -> None:
    async def scenario(run: Run) -> None:
        await run.wait(1)
        run.send(order(1), order(2, -1))
        await run.wait(0)
        assert (await run.venue.account()).last_report_id == 4
        assert [r.report_id for r in await run.venue.reports(2)] == [3, 4]

    run = play(scenario)
    first = run.batches[0][0]
    assert isinstance(first, SessionState)
    assert first.up
    assert [r.kind for r in run.told[1:] if isinstance(r, ExecutionReport)] == ["acknowledged", "filled"] * 2
    assert {type(event) for event in run.batches[-1]} == {ExecutionReport, PriceUpdate}
    status = run.venue.status()
    assert (status.orders, status.reports, status.last_report_id, status.up, status.reason) == (
        2,
        4,
        4,
        False,
        "stopped",
    )
    assert status.prices > 20


def test_a_disconnect_is_told_refuses_orders_and_ends_with_what_was_missed() -> None:
    async def scenario(run: Run) -> None:
        await run.wait(1)
        run.send(order(1, limit=60.0))
        await run.wait(0.5)
        run.venue.inject("disconnect", seconds=2.0)
        await run.wait(0)
        assert not run.venue.status().up
        run.send(order(2))
        with pytest.raises(VenueError, match="disconnect"):
            await run.venue.account()
        await run.wait(3)
        assert run.venue.status().reconnects == 1
        run.send(order(3))
        await run.wait(0)

    told = play(scenario).told
    plain = [
        ("up" if e.up else "down") if isinstance(e, SessionState) else (e.report_id, e.order_id, e.kind)  # type: ignore[union-attr]
        for e in told
    ]
    assert plain == [
        "up",
        (1, 1, "acknowledged"),
        "down",
        (0, 2, "rejected"),
        "up",
        (2, 1, "cancelled"),
        (3, 3, "acknowledged"),
        (4, 3, "filled"),
    ]
    downs = [e for e in told if isinstance(e, SessionState)]
    assert downs[2].timestamp_ns - downs[1].timestamp_ns == 2 * SECOND


def test_a_blackhole_is_no_answer_in_time() -> None:
    async def scenario(run: Run) -> None:
        run.venue.inject("blackhole")
        question = asyncio.create_task(run.venue.account())
        await run.wait(6)
        with pytest.raises(VenueError, match="no answer within 5 seconds"):
            await question
        assert run.venue.status().faults == ("blackhole",)
        run.venue.clear_faults()
        assert (await run.venue.account()).last_report_id == 0

    play(scenario)


def test_answers_take_as_long_as_reports_do() -> None:
    async def scenario(run: Run) -> None:
        question = asyncio.create_task(run.venue.account())
        await run.wait(0.079)
        assert not question.done()
        await run.wait(0.001)
        assert question.done()
        run.send(order(1))
        await run.wait(0.08)
        assert [r.kind for r in run.told[1:]] == ["acknowledged", "filled"]  # type: ignore[union-attr]

    play(scenario, latency_ms=40)


def test_an_engine_that_starts_again_hands_in_what_it_knows() -> None:
    async def scenario(run: Run) -> None:
        await run.wait(0.2)
        run.send(order(101, -1, 0.5))
        await run.wait(0)
        account = await run.venue.account()
        assert (account.positions, account.last_report_id, account.last_execution_id) == (
            {SYMBOL: 1.0},
            12,
            4,
        )

    run = play(scenario, Account("x", {SYMBOL: 1.5}, [], 10, 3, START))
    assert [r.report_id for r in run.told if isinstance(r, ExecutionReport)] == [11, 12]


def test_stop_cancels_what_works() -> None:
    async def scenario(run: Run) -> None:
        run.send(order(1, limit=60.0))
        await run.wait(0)
        await run.venue.stop()
        assert run.venue._exchange.account("engine", START).open_orders == []

    play(scenario)
