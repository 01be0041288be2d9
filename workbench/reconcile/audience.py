"""The processes of a session's strategies in a run: who listens, who is told of what, as the journal notes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from live.engine.shown import Begun, Departed, Listened, Note, Opened, Warmed
from live.machine import Machine
from workbench.core.facts import Fact
from workbench.core.messages import OrderFill, PriceUpdate, RiskBreach
from workbench.reconcile.processes import Process, Processes

__all__ = ["Audience"]

_WARM_UP: Final = 2_000  # prices that an engine keeps for who comes

type Shown = tuple[PriceUpdate, int]


class Audience:
    """listening: launches that are shown prices, in order.  stepped: in lock step.  newest: prices, with their numbers.

    begun: all launches.  ended: time and number of the newest price when a launch ended.  strategies: whose code is
    run; None for all.
    """

    def __init__(self, machine: Machine, processes: Processes, strategies: Collection[str] | None) -> None:
        self.listening: list[int] = []
        self.stepped = False
        self.newest: deque[Shown] = deque(maxlen=_WARM_UP)
        self.begun: dict[int, Begun] = {}
        self.ended: dict[int, tuple[int, int]] = {}
        self._machine, self._processes, self._strategies = machine, processes, strategies
        self._known: dict[int, Process] = {}
        self._told: list[int] = []
        self._kept: dict[tuple[int, str, str], Shown] = {}

    def process(self, launch: int) -> Process | None:
        """None where its code is not run."""
        return self._known.get(launch)

    def processes(self) -> list[Process]:
        return list(self._known.values())

    def wants(self, strategy_id: str) -> bool:
        """Whether a strategy is looked at."""
        return self._strategies is None or strategy_id in self._strategies

    def tell(self, facts: list[Fact]) -> None:
        """Have strategies hear of their fills and breaches with what they are sent next."""
        desk = self._machine.desk
        for fact in facts:
            if isinstance(fact, OrderFill):
                held = desk.position(desk.strategy_index(fact.strategy_id), fact.symbol)
                for process in self._of(fact.strategy_id):
                    process.runner.fill(fact, held)
            elif isinstance(fact, RiskBreach):
                for process in self._of(fact.strategy_id):
                    if not process.warming:
                        process.runner.breach(fact)

    def _of(self, strategy_id: str) -> list[Process]:
        found = [self._known.get(launch) for launch in self._told]
        return [p for p in found if p is not None and p.begun.strategy_id == strategy_id]

    def flush(self, but: Collection[int] = ()) -> None:
        """Send what does not wait for a price."""
        for launch in self.listening:
            process = self._known.get(launch)
            if process is not None and launch not in but and not process.dead:
                process.runner.flush()

    async def heed(self, note: Note, now_ns: int) -> None:
        """Take a note, but for departures."""
        match note:
            case Opened():
                self._end([launch for launch in self.begun if launch not in self.ended], now_ns)
                self.listening, self._told, self.stepped = [], [], note.stepped
                self.newest.clear()
            case Begun():
                await self._begin(note)
            case Warmed():
                await self._warm(note)
            case Listened():
                await self._listen(note, now_ns)

    async def _begin(self, begun: Begun) -> None:
        self.begun[begun.launch] = begun
        if not begun.candidate:
            others = [p.begun.launch for p in self._of(begun.strategy_id)]
            self._told = [launch for launch in self._told if launch not in others]
        self._told.append(begun.launch)
        process = await self._processes.start(begun, self._machine) if self.wants(begun.strategy_id) else None
        if process is None:
            return
        self._known[begun.launch] = process
        desk = self._machine.desk
        s = desk.strategy_index(begun.strategy_id)
        for symbol in desk.symbols:
            held = desk.position(s, symbol)
            if held:
                process.runner.position(symbol, held)
        process.runner.silent = begun.candidate

    async def _warm(self, note: Warmed) -> None:
        process = self._known.get(note.launch)
        if process is None or not note.prices:
            return
        for price, number in list(self.newest)[-note.prices :]:
            await process.keeps_up()
            process.show(price, number, silent=True)
        await process.keeps_up(0)

    async def _listen(self, note: Listened, now_ns: int) -> None:
        self.listening = [launch for launch, _ in note.listeners]
        for launch, used in note.listeners:
            process = self._known.get(launch)
            if process is not None:
                if process.runner.silent and used:
                    await process.keeps_up(0)
                process.runner.silent = not used
                process.warming = process.warming and not used
        self._told = list(note.told)
        self._end([launch for launch in self.begun if launch not in {*note.told, *self.ended}], now_ns)

    def _end(self, launches: list[int], now_ns: int) -> None:
        last = self.newest[-1][1] if self.newest else -1
        for launch in launches:
            self.ended[launch] = now_ns, last
            process = self._known.get(launch)
            if process is not None:
                self._processes.let_go(process)

    def keep(self, launch: int, price: PriceUpdate, number: int) -> None:
        """It is behind: this price waits, and takes the place of one that does."""
        self._kept[launch, price.symbol, price.venue] = price, number

    def kept(self, note: Departed) -> Shown | None:
        """The price that is sent now."""
        return self._kept.pop((note.launch, note.symbol, note.venue), None)
