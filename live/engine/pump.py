"""The one writer: takes in what comes, carries it through the machine, and lets effects go once they are durable."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import structlog

from live.engine.block import BLOCK, SETUP, Block, Done
from live.engine.shown import SHOWN, Shown
from live.journal import Journal
from live.machine import Answered, Input, LateSignals, Machine, encode_input, join_block, write_setup
from live.venues.clock import Clock
from workbench.core.facts import Fact
from workbench.core.intents import ClockTick, VenueReport
from workbench.core.messages import PriceUpdate
from workbench.errors import JournalFailed, WorkbenchError

__all__ = ["BLOCK", "SETUP", "Block", "Pump", "Then"]

_MOST_INPUTS: Final = 512  # of one turn, so that the loop gets round to everybody
_MOST_SECONDS: Final = 0.004
_BEHIND_NS: Final = 1_000_000_000  # event time may be so far behind the clock before a tick moves it
_POST_TRADE: Final = (PriceUpdate, VenueReport)
_LAG_NS: Final = 500_000_000  # a tick stays so far behind, since prices come a little late

_log = structlog.get_logger("live.pump")

type Then = Callable[[list[Fact]], Input]


class Pump:
    """Owns the machine and the journal.

    shown: what strategies are shown, which is recorded before the block that it belongs to.
    route: called with each input and its facts, at once; nothing that it does may leave the process.
    release: called with each block that has become durable, in order.
    """

    def __init__(
        self,
        machine: Machine,
        journal: Journal,
        clock: Clock,
        *,
        route: Callable[[Input, list[Fact]], None],
        release: Callable[[Block], None],
        turned: Callable[[], None],
        halted: Callable[[str], None],
        ticking: bool,
        timeout_s: float,
        snapshot_events: int,
    ) -> None:
        """turned: called at the end of each turn.  halted: once, when nothing can be recorded any more.

        ticking: event time follows the clock where prices are silent.  timeout_s: signals that have waited longer for
        their check are refused.
        """
        self.machine = machine
        self.journal = journal
        self.failure: JournalFailed | None = None
        self.shown = Shown()
        self.refused_late = 0
        self.unfit = 0  # inputs that nobody waited for and the machine could not act on
        self.check_seconds: deque[tuple[float, int]] = deque(
            maxlen=10_000
        )  # seconds of a check of so many signals
        self.post_seconds: deque[float] = deque(
            maxlen=20_000
        )  # of a price or report with all that it leads to
        self._clock = clock
        self._route, self._release, self._turned, self._tell_halted = route, release, turned, halted
        self._ticking = ticking
        self._timeout_s = timeout_s
        self._snapshot_events = snapshot_events
        self._snapshot_at = machine.applied
        self._inbox: deque[tuple[Input, float, Done | None, Then | None]] = deque()
        self._pending: deque[Block] = deque()
        self._scheduled = self._held = False
        journal.on_durable(self._durable)
        journal.on_failure(self._failed)

    @property
    def waiting(self) -> int:
        """Inputs that wait for the writer."""
        return len(self._inbox)

    @property
    def unsaved(self) -> int:
        """Blocks that are carried through and not yet durable."""
        return len(self._pending)

    def post(self, item: Input) -> None:
        """Take an input in; nobody waits for it."""
        self._put(item, None)

    async def ask(self, item: Input, then: Then | None = None) -> list[Fact]:
        """Take an input in and wait until it is durable; the facts that it led to.

        then: makes another input out of those facts, which stands in the same record: either both are durable or none.
        Raises EngineError where the machine cannot act on it, JournalFailed where it cannot be recorded.
        """
        done: Done = asyncio.get_running_loop().create_future()
        self._put(item, done, then)
        return await done

    def _put(self, item: Input, done: Done | None, then: Then | None = None) -> None:
        if self.failure is not None:
            if done is not None:
                done.set_exception(self.failure)
            return
        self._inbox.append((item, time.perf_counter(), done, then))
        self.wake()

    def wake(self) -> None:
        """Have a turn soon, also where nothing has come: time goes on."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    @contextmanager
    def held(self) -> Iterator[None]:
        """No turns meanwhile: what comes waits, and only what is given to `carry` goes on."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._inbox:
                self.wake()

    def _turn(self) -> None:
        self._scheduled = False
        if self.failure is not None or self._held:
            return
        block = Block(0, self._clock.now_ns(), [], [], [], [])
        try:
            self._take(block)
        except Exception as error:  # noqa: BLE001 - the state is of no use any more, whatever it was
            self._broke(error, block)
            return
        if self._inbox:
            self.wake()

    def _take(self, block: Block) -> None:
        """Carry what waits through, as one block, and record it."""
        started = time.perf_counter()
        inbox = self._inbox
        while inbox and len(block.inputs) < _MOST_INPUTS:
            item, posted, done, then = inbox.popleft()
            if isinstance(item, Answered) and started - posted > self._timeout_s:
                self.refused_late += 1
                item = LateSignals(item.strategy_id, len(item.signals))
            elif self._ticking and isinstance(item, PriceUpdate):
                item = self._in_time(item)
            self._carry(item, done, block, then)
            if time.perf_counter() - started > _MOST_SECONDS:
                break
        if self._ticking and not inbox and 0 < int(self.machine.desk.book.now_ns) < block.ns - _BEHIND_NS:
            self._carry(ClockTick(block.ns - _LAG_NS), None, block)
        self._turned()
        if block.inputs:
            self._record(block)

    def _in_time(self, price: PriceUpdate) -> PriceUpdate:
        """Venues' clocks differ a little: a price that is up to a second late counts as of the desk's time."""
        now = int(self.machine.desk.book.now_ns)
        if 0 < now - price.timestamp_ns <= _BEHIND_NS:
            return msgspec.structs.replace(price, timestamp_ns=now)
        return price

    def _carry(self, item: Input, done: Done | None, block: Block, then: Then | None = None) -> None:
        begun = time.perf_counter()
        try:
            written = encode_input(item)  # before it changes anything: what cannot be recorded may not happen
            facts = self.machine.apply(item)
        except WorkbenchError as error:  # changed nothing, so it is not recorded
            if done is None:
                self.unfit += 1
                _log.error("input_refused", input=type(item).__name__, error=str(error))
            elif not done.done():  # whoever asked may have gone
                done.set_exception(error)
            return
        except Exception:
            if done is not None:
                block.waiting.append((done, []))  # is told what becomes of the block
            raise
        if isinstance(item, Answered):
            self.check_seconds.append((time.perf_counter() - begun, len(item.signals)))
        elif isinstance(item, _POST_TRADE):
            self.post_seconds.append(time.perf_counter() - begun)
        block.inputs.append(item)
        block.written.append(written)
        block.facts += facts
        if done is not None:
            block.waiting.append((done, facts))
        self.shown.place = len(block.inputs)
        self._route(item, facts)
        if then is not None:
            self._carry_follower(then, facts, done, block)

    def _carry_follower(self, then: Then, facts: list[Fact], done: Done | None, block: Block) -> None:
        try:
            item = then(facts)
        except Exception as error:  # noqa: BLE001 - what it follows has happened, and is recorded all the same
            _log.critical("follower_failed", error=repr(error), exc_info=error)
            if done is not None and not done.done():
                done.set_exception(error)
            return
        self._carry(item, None, block)

    def carry(self, item: Input) -> list[Fact]:
        """Carry one input through at once and record it, as a run in lock step does; its facts."""
        if self.failure is not None:
            raise self.failure
        block = Block(0, self._clock.now_ns(), [], [], [], [])
        try:
            self._carry(item, None, block)
            if block.inputs:
                self._record(block)
        except Exception as error:
            self._broke(error, block)
            raise
        return block.facts

    def _record(self, block: Block) -> None:
        self.shown.place = 0
        try:
            shown = self.shown.take()
            if shown is not None:
                self.journal.append(SHOWN, block.ns, shown, 0)
            block.sequence = self.journal.append(
                BLOCK, block.ns, join_block(block.written), len(block.inputs)
            )
        except JournalFailed as error:
            self._pending.append(block)
            self._failed(error)
            return
        self._pending.append(block)
        if self.machine.applied - self._snapshot_at >= self._snapshot_events:
            self.snapshot()

    def snapshot(self) -> None:
        """Save the state after the newest block."""
        self._snapshot_at = self.machine.applied
        self.journal.save_snapshot(
            self.journal.appended,
            self._clock.now_ns(),
            self.machine.dump(),
            {"applied": self.machine.applied, SETUP: write_setup(self.machine.setup)},
        )

    def _durable(self, sequence: int) -> None:
        if self.failure is not None:
            return  # what stale blocks lead to would be dropped; `resume` lets them go
        pending = self._pending
        while pending and pending[0].sequence <= sequence:
            block = pending.popleft()
            for done, facts in block.waiting:
                if not done.done():
                    done.set_result(facts)
            try:
                self._release(block)
            except Exception as error:  # noqa: BLE001 - what had to leave has not, or in part
                self._broke(error)
                return

    def _broke(self, error: Exception, block: Block | None = None) -> None:
        """An error that nobody had foreseen, in the middle of a block: what the machine is now stands nowhere.

        Nothing goes on; a new start begins with what is recorded.
        """
        _log.critical("writer_failed", error=repr(error), exc_info=error)
        if block is not None:
            block.sequence = 0
            self._pending.append(block)
        why = f"an unforeseen error in the engine's writer ({type(error).__name__}: {error}); start anew"
        self._failed(JournalFailed(why, "bug", final=True))

    def _failed(self, error: JournalFailed) -> None:
        """Nothing that is not recorded may have an effect: everything that waits is told so, and nothing goes on."""
        if self.failure is not None:
            return
        self.failure = error
        for block in self._pending:
            block.stale = True
            for done, _ in block.waiting:
                if not done.done():
                    done.set_exception(error)
            block.waiting.clear()
        for _, _, waiting, _ in self._inbox:
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
        self._inbox.clear()
        self._tell_halted(str(error))

    async def resume(self) -> None:
        """Go on after a failure that was not final, once what waits is durable.  Raises JournalFailed."""
        if self.failure is None:
            return
        if self.failure.final or any(block.sequence == 0 for block in self._pending):
            raise self.failure
        await self.journal.resume()
        await self.journal.wait(self.journal.appended)
        self.failure = None
        self._durable(self.journal.durable)
