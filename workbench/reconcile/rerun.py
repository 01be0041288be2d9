"""One run of a session: its inputs in order through the machine, its strategies' own code beside it.

Before the part that is looked at everything is as it was live, so that each day stands for itself; strategies are
shown what they were shown then, and are where they were when the part begins.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Collection
from typing import Final, NamedTuple

import msgspec

from live.engine.runner import LAUNCH_BITS
from live.engine.shown import Asked, Departed, Note
from live.machine import Answered, Input, LateSignals
from live.sandbox import Sandbox
from workbench.core.intents import ClockTick, StrategyFailed, VenueReport, VenueSession
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.errors import WorkbenchError
from workbench.reconcile.audience import Audience
from workbench.reconcile.charging import charge
from workbench.reconcile.fill_book import FillBook
from workbench.reconcile.lost import lost_answers
from workbench.reconcile.processes import Process, Processes
from workbench.reconcile.source import Block, Source
from workbench.reconcile.steps import Ran, Step

__all__ = ["Part", "Rerun"]

_QUOTE: Final = ("bid", "ask", "last", "volume", "bid_size", "ask_size", "change_pct")
_OLDER: Final = (
    "the journal does not say what it was shown: it was started before what is left, or by an older engine"
)


class Part(NamedTuple):
    """From start until before end, UTC nanoseconds."""

    start: int = -(2**63)
    end: int = 2**63 - 1


class Rerun:
    """One run."""

    def __init__(
        self,
        source: Source,
        sandbox: Sandbox,
        step: Step,
        part: Part,
        strategies: Collection[str] | None,
        live: Ran | None = None,
    ) -> None:
        """strategies: whose code is run, None for all; the others answer as they did.

        live: what the run found that is as live was; None for that run itself.
        """
        self._source, self._step, self._part, self._live = source, step, part, live
        self.machine = source.machine()
        self.processes = Processes(source, sandbox)
        self._audience = Audience(self.machine, self.processes, strategies)
        self._book = FillBook()
        self._pending: list[int] = []  # in lock step: who is still to be shown the newest price
        self._fresh = False  # in lock step: nobody has been shown it, and whoever listens then will be
        self._number = -1
        self._first = -1  # number of the first price of the part
        self._inside = self._over = False
        self._sequences: dict[tuple[int, int], int] = {}  # price by launch and delivery, as live counted
        self._placed: dict[tuple[int, int], list[MarketSignal]] = {}
        self._answering: set[str] = set()
        self._late: list[LateSignals] = []
        self._times = array("q")  # of all prices
        self._now = self._delayed = self._kept = self._since_price = 0

    # --- the session -------------------------------------------------------------------------------------------------

    async def run(self) -> Ran:
        """Carry the session through.  Raises JournalError, SandboxError."""
        try:
            if self._part.start == Part().start:
                self._enter()
            for block in self._source.blocks():
                await self._block(block)
                if self._over:
                    break
            await self._show_pending()
            for process in self._audience.processes():
                await process.keeps_up(0)
            return self._ran()
        finally:
            await self.processes.close()

    async def _block(self, block: Block) -> None:
        await self._heed([note for note in block.notes if note.place == 0])
        for place, item in enumerate(block.inputs, 1):
            notes = [note for note in block.notes if note.place == place]
            kept = {n.launch for n in notes if isinstance(n, Departed) and n.what == "kept"}
            await self._input(item, kept)
            if self._over:
                return
            await self._heed(notes)
        lone = len(block.inputs) == 1 and isinstance(block.inputs[0], PriceUpdate | Answered)
        if not (self._audience.stepped and lone):
            self._audience.flush(
                {n.launch for n in block.notes if isinstance(n, Departed) and n.what == "untold"}
            )
        await asyncio.sleep(0)

    async def _input(self, item: Input, kept: Collection[int]) -> None:
        if isinstance(item, PriceUpdate):
            await self._show_pending()
            await self._price(item, kept)
        elif isinstance(item, ClockTick) and item.timestamp_ns >= self._part.end:
            self._over = True
        elif isinstance(item, Answered):
            await self._answered(item)
        elif isinstance(item, StrategyFailed):
            await self._show_pending(item.strategy_id)  # to a price that it raised at
            self._carry(item)
        elif isinstance(item, LateSignals) and self._inside:
            self._late.append(item)
            if not (self._at_once and self._runs(item.strategy_id)):
                self._carry(item)
        elif not (isinstance(item, VenueReport | VenueSession) and self._inside and self._step.rulebook):
            self._carry(item)

    async def _heed(self, notes: list[Note]) -> None:
        for note in notes:
            if isinstance(note, Asked):
                await self._show_pending()
            elif not isinstance(note, Departed):
                await self._audience.heed(note, self._now)
            elif not (self._at_once or self._all_prices):
                await self._depart(note)

    async def _depart(self, note: Departed) -> None:
        process = self._audience.process(note.launch)
        if note.what == "sent" and process is not None:
            kept = self._audience.kept(note)
            if kept is not None:
                await self._put(process, *kept)
        elif note.what == "told" and process is not None and not process.dead:
            process.runner.flush()

    @property
    def _at_once(self) -> bool:
        """Answers are placed before anything else happens; in lock step live did so, in the order of the seats."""
        return self._inside and self._step.at_once and not self._audience.stepped

    @property
    def _all_prices(self) -> bool:
        """Nobody is shown a price late; in lock step nobody was."""
        return self._inside and self._step.all_prices and not self._audience.stepped

    @property
    def _own(self) -> bool:
        """What strategies answer now counts."""
        return self._inside and (self._step.own_answers or self._step.at_once)

    def _runs(self, strategy_id: str) -> bool:
        """Whether its code is run."""
        return self._audience.wants(strategy_id) and strategy_id not in self.processes.problems

    def _enter(self) -> None:
        """The part begins: from here on the step holds."""
        self._inside = True
        self._first = self._number + 1
        desk = self.machine.desk
        if self._step.rulebook:
            for v in range(len(desk.venues)):
                desk.view.venues[v].remote, desk.view.venues[v].up = 0, 1
        if self._step.costs is not None:
            for k, instrument in enumerate(desk.instruments):
                charge(desk.view.instruments[k], self._step.costs[instrument.venue])

    # --- prices ------------------------------------------------------------------------------------------------------

    async def _price(self, item: PriceUpdate, kept: Collection[int]) -> None:
        if item.timestamp_ns >= self._part.end:
            self._over = True
            return
        if not self._inside and item.timestamp_ns >= self._part.start:
            self._enter()
        self._number += 1
        number, self._now = self._number, max(self._now, item.timestamp_ns)
        self._times.append(item.timestamp_ns)
        if self._inside and number in self._step.instead:
            quote = self._step.instead[number]
            if quote is None:
                return
            item = msgspec.structs.replace(item, **dict(zip(_QUOTE, quote, strict=True)))
        self._carry(item)
        self._since_price = 0
        self._audience.newest.append((item, number))
        if self._at_once:
            await self._ask_all(item, number)
        elif self._audience.stepped:
            self._pending, self._fresh = [], True
        else:
            for launch in self._audience.listening:
                await self._show(launch, item, number, kept=launch in kept)

    async def _show(self, launch: int, price: PriceUpdate, number: int, *, kept: bool = False) -> None:
        process = self._audience.process(launch)
        if process is None or price.symbol not in process.runner.symbols:
            return
        if kept and not self._all_prices:
            self._audience.keep(launch, price, number)
            self._kept += self._inside
        else:
            await self._put(process, price, number)

    async def _put(self, process: Process, price: PriceUpdate, number: int) -> None:
        """Show it, and where live has no answer of it, place at once what it answers."""
        await process.keeps_up()
        if not process.show(price, number):
            return
        launch, live = process.begun.launch, self._live
        self._sequences[launch, process.runner.sequence] = number
        if not self._own or live is None or process.runner.silent:
            return
        if (launch, number) not in live.placed and (launch, number) not in live.lost:
            self._answer(launch, number, await process.answer(number))

    async def _show_pending(self, until: str = "") -> None:
        """In lock step: show the price of now to those who are asked before `until`, and to it."""
        if self._fresh:
            self._pending, self._fresh = list(self._audience.listening), False
        if until and not any(self._answers_for(launch, until) for launch in self._pending):
            return  # it has been shown it before
        while self._pending and self._audience.newest:
            launch = self._pending.pop(0)
            await self._show(launch, *self._audience.newest[-1])
            if self._answers_for(launch, until):
                break

    def _answers_for(self, launch: int, strategy_id: str) -> bool:
        """Whether what it answers counts as the answer of that strategy: it does not warm up."""
        process = self._audience.process(launch)
        warming = process is not None and process.warming
        return self._audience.begun[launch].strategy_id == strategy_id and not warming

    async def _ask_all(self, price: PriceUpdate, number: int) -> None:
        """As a replay does: each strategy answers before the next one is asked."""
        for launch in list(self._audience.listening):
            process = self._audience.process(launch)
            if process is None or price.symbol not in process.runner.symbols:
                continue
            await process.keeps_up()
            if process.show(price, number) and not process.runner.silent:
                signals = await process.answer(number)
                if signals:
                    self._answer(launch, number, signals)
                    self._audience.flush()
        self._audience.flush()

    # --- answers -----------------------------------------------------------------------------------------------------

    async def _answered(self, item: Answered) -> None:
        """Place what a strategy answers, where live placed what it answered then."""
        launch, sequence = item.correlation >> LAUNCH_BITS, item.correlation & (1 << LAUNCH_BITS) - 1
        await self._show_pending(item.strategy_id)
        number = (self._sequences if self._live is None else self._live.sequences).get((launch, sequence), -1)
        self._answering.add(item.strategy_id)
        if self._inside and number >= self._first:
            self._placed[launch, number] = item.signals
            apart = self._since_price > 0 or number != self._number
            self._delayed += apart and not self._audience.stepped
        process = self._audience.process(launch)
        if not self._own or process is None or not self._runs(item.strategy_id) or number < self._first:
            self._carry(item, item.strategy_id, number)
        elif not self._at_once:
            self._answer(launch, number, await process.answer(number))

    def _answer(self, launch: int, number: int, signals: list[MarketSignal]) -> None:
        if signals:
            strategy_id = self._audience.begun[launch].strategy_id
            self._carry(Answered(strategy_id, launch << LAUNCH_BITS, signals), strategy_id, number)

    def _carry(self, item: Input, strategy_id: str = "", number: int = -1) -> None:
        """Through the machine, and to those whom it concerns."""
        try:
            facts = self.machine.apply(item)
        except WorkbenchError:  # as it was refused then
            return
        self._since_price += bool(facts)
        wanted = [f for f in facts if self._audience.wants(getattr(f, "strategy_id", ""))]
        self._book.take(wanted, strategy_id, number, keep=self._inside)
        self._audience.tell(facts)

    # --- what came of it ---------------------------------------------------------------------------------------------

    def _ran(self) -> Ran:
        """As of now."""
        said = {
            (process.begun.launch, number): signals
            for process in self._audience.processes()
            for number, signals in process.said().items()
            if number >= self._first >= 0
        }
        begun, problems = self._audience.begun, dict(self.processes.problems)
        for strategy_id in self._answering - {one.strategy_id for one in begun.values()}:
            if self._audience.wants(strategy_id):
                problems.setdefault(strategy_id, _OLDER)
        desk = self.machine.desk
        inside = self._times[self._first :] if self._inside else self._times[:0]
        return Ran(
            fills=self._book.fills,
            marks={i.name: float(desk.view.instruments[k].mark) for k, i in enumerate(desk.instruments)},
            said=said,
            placed=self._placed,
            lost=lost_answers(said, self._placed, self._late, self._audience, self._times, self._now),
            sequences=self._sequences,
            delayed=self._delayed,
            kept=self._kept,
            owners={launch: one.strategy_id for launch, one in begun.items()},
            problems=problems,
            prices=len(inside),
            span=(min(inside, default=0), max(inside, default=0)),
        )
