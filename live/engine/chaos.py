"""Strategies that misbehave by themselves: the triggers of chaos_strategies.yaml, asked with each price.

They are asked as in a replay (`workbench.chaos.TriggerWatch`): the same seed, prices and names give the same starts and
stops. Where the triggers stand is journaled with each change, so that a restart goes on. What differs: a process is
started and ended for each run, so orders that still work are cancelled at the stop, and growth is a hot swap.

A strategy that a person has started is that person's: no trigger swaps or stops it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import msgspec
import structlog

from live.engine.catalog import Catalog, Script
from live.engine.events import EventStream
from live.engine.gauging import newest_prices
from live.engine.pump import Pump
from live.engine.slots import StartRequest
from live.engine.strategies import Strategies
from live.journal import Journal
from live.machine import ChaosTriggered, Input, Machine
from live.scripts import constant_of
from live.settings import Settings
from live.tasks import Tasks
from workbench.chaos.trigger_watch import TriggerWatch, scaled_intensity
from workbench.chaos.triggers import TriggerEvent, TriggerEventKind, TriggerState, interval_ns
from workbench.configuration.chaos import load_chaos_strategies
from workbench.configuration.chaos_settings import ChaosStrategyConfig, TriggerSettings
from workbench.core.facts import Fact
from workbench.core.messages import PriceUpdate, RiskBreach
from workbench.errors import ChaosError, StrategyError, WorkbenchError

__all__ = ["PERSON", "ChaosPlan", "ChaosTriggering", "plan_chaos"]

PERSON: Final = "chaos trigger"
_KEPT: Final = 1_000

_log = structlog.get_logger("live.chaos")


class ChaosPlan(msgspec.Struct, frozen=True):
    """What may come by itself.  entries: each with its script."""

    entries: tuple[tuple[ChaosStrategyConfig, Script], ...] = ()
    settings: TriggerSettings = TriggerSettings()
    seed: int = 0


def plan_chaos(settings: Settings, catalog: Catalog) -> ChaosPlan:
    """The plan by the settings; an empty one where triggers are off.

    Raises ConfigError (the file), ChaosError where an entry names a class that no script has.
    """
    if not settings.enable_chaos_triggers:
        return ChaosPlan()
    config = load_chaos_strategies(settings.chaos_file)
    scripts = {s.class_name: s for s in catalog.scripts() if s.chaos and not s.uploaded and not s.broken}
    for entry in config.in_test():
        if entry.strategy_class not in scripts:
            raise ChaosError(
                f"{settings.chaos_file}: {entry.name}: no script of {catalog.folder}/chaos has a class "
                f"{entry.strategy_class!r}; there is: {', '.join(sorted(scripts)) or 'none'}"
            )
    entries = tuple((entry, scripts[entry.strategy_class]) for entry in config.in_test())
    return ChaosPlan(entries, config.settings, settings.chaos_seed)


class _Watched:
    """One entry: its triggers, its script, how often it ran into a rule, and the slot that its trigger has started."""

    def __init__(self, watch: TriggerWatch, script: Script, breaches: int) -> None:
        self.watch = watch
        self.script = script
        self.breaches = breaches
        self.symbols = frozenset(watch.entry.parameters.get("symbols", ()))
        self.slot: Any = None

    @property
    def name(self) -> str:
        return self.watch.entry.name

    def config(self, intensity: float) -> dict[str, Any]:
        """Parameters of the file, its intensity scaled."""
        found = dict(self.watch.entry.parameters)
        if intensity == 1.0:
            return found
        usual, bounds = (
            constant_of(self.script.source, self.script.class_name, name) for name in ("PARAMETERS", "BOUNDS")
        )
        own = usual.get("intensity") if isinstance(usual, dict) else None
        value = found.get("intensity", own)
        if isinstance(value, int | float):
            known = bounds if isinstance(bounds, dict) else {}
            found["intensity"] = scaled_intensity(value, intensity, known, value if own is None else own)
        return found


class ChaosTriggering:
    """Asks the triggers and does what they say.  happened: starts, growth and stops of this process, newest last."""

    def __init__(
        self,
        plan: ChaosPlan,
        strategies: Strategies,
        pump: Pump,
        events: EventStream,
        journal: Journal,
        tasks: Tasks,
    ) -> None:
        """journal: of which the newest prices are measured."""
        self.happened: deque[TriggerEvent] = deque(maxlen=_KEPT)
        self._strategies, self._pump, self._events, self._tasks = strategies, pump, events, tasks
        self._watched = {entry.name: _resumed(pump.machine, plan, entry, s) for entry, s in plan.entries}
        self._orders: deque[TriggerEvent] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._measure(journal)

    def _measure(self, journal: Journal) -> None:
        """Have the markets measured as before the restart."""
        markets = {one.watch.market for one in self._watched.values() if one.watch.market is not None}
        for price in newest_prices(journal, markets):
            for one in self._watched.values():
                if one.watch.market == (price.symbol, price.venue):
                    one.watch.gauge.see(price.timestamp_ns, price.bid, price.ask)

    # --- what the writer calls ------------------------------------------------------------------------------------

    def see(self, item: Input, facts: list[Fact]) -> None:
        """Take what was carried through."""
        for fact in facts:
            if isinstance(fact, RiskBreach) and fact.strategy_id in self._watched:
                self._watched[fact.strategy_id].breaches += 1
        if isinstance(item, PriceUpdate):
            for one in self._watched.values():
                if not one.symbols or item.symbol in one.symbols:
                    self._price(one, item)

    def _price(self, one: _Watched, price: PriceUpdate) -> None:
        first = one.watch.market is None
        changes = one.watch.update(price, one.breaches)
        if changes or first:
            self._post(one)
        for event in changes:
            self.happened.append(event)
            self._orders.append(event)
            self._idle.clear()
            self._wake.set()

    def _post(self, one: _Watched) -> None:
        market = "@".join(one.watch.market or ())
        self._pump.post(ChaosTriggered(one.name, market, one.watch.state))

    # --- doing it ---------------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Until all that was triggered so far is done."""
        await self._idle.wait()

    async def start(self) -> None:
        """Go on where the journal ends: what a trigger had started and not ended runs, and nothing else of theirs."""
        for name, state in list(self._pump.machine.triggers.items()):
            if name not in self._watched and state.state.active:
                over = msgspec.structs.replace(state.state, intensity=0.0)
                self._pump.post(ChaosTriggered(name, state.market, over))
                await self._stop(name, self._strategies.slots.get(name), "triggers are switched off")
        for one in self._watched.values():
            await self._go_on(one)
        if self._watched:
            self._task = self._tasks.keep("chaos triggers", self._run)

    async def _go_on(self, one: _Watched) -> None:
        slot = self._strategies.slots.get(one.name)
        runs = slot is not None and slot.runner is not None
        ours = slot is None or slot.record.person == PERSON
        if not one.watch.state.active:
            if runs and ours:
                await self._stop(one.name, slot, "its time is over")
        elif runs and ours:
            one.slot = slot
        elif ours and (slot is None or slot.record.state == "stopped"):
            await self._start(one, one.watch.state.intensity)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            if not self._orders:  # some may be left, where one before them had failed
                await self._wake.wait()
            self._wake.clear()
            while self._orders:
                event = self._orders.popleft()
                try:
                    await self._obey(event)
                except WorkbenchError as error:  # a journal that has failed, which the engine tells by itself
                    _log.error("chaos_trigger_failed", strategy_name=event.name, error=str(error))
            self._idle.set()

    async def _obey(self, event: TriggerEvent) -> None:
        one = self._watched[event.name]
        _log.warning(
            "chaos_trigger",
            strategy_name=event.name,
            kind=str(event.kind),
            cause=event.cause,
            intensity=event.intensity,
        )
        if event.kind is TriggerEventKind.STARTED:
            await self._start(one, event.intensity)
        elif event.kind is TriggerEventKind.STOPPED:
            slot, one.slot = one.slot, None
            await self._stop(event.name, slot, f"{event.cause}: its time is over")
        elif not any(later.name == event.name for later in self._orders):  # only the newest growth counts
            if one.slot is not None and one.slot.record.state == "running":
                await self._start(one, event.intensity)

    async def _start(self, one: _Watched, intensity: float) -> None:
        running = self._strategies.slots.get(one.name)
        if running is not None and running.runner is not None and running is not one.slot:
            _log.info("chaos_left_alone", strategy_name=one.name, person=running.record.person)
            return
        request = StartRequest(
            one.script.source_hash, one.name, one.config(intensity), warm_up=False, person=PERSON
        )
        try:
            await self._strategies.start(request)
        except StrategyError as error:
            _log.warning("chaos_not_started", strategy_name=one.name, reason=str(error))
            body = {"alert": "chaos_not_started", "strategy_id": one.name, "reason": str(error)}
            self._events.publish("alerts", int(self._pump.machine.desk.book.now_ns), body)
        else:
            one.slot = self._strategies.slots[one.name]

    async def _stop(self, name: str, slot: Any, reason: str) -> None:
        """End what a trigger has started, unless somebody has started it anew since."""
        if slot is not None and self._strategies.slots.get(name) is slot:
            await self._strategies.stop(name, PERSON, reason=reason)


def _resumed(machine: Machine, plan: ChaosPlan, entry: ChaosStrategyConfig, script: Script) -> _Watched:
    """An entry as the journal left it: intervals up to its newest price have been looked at."""
    breaches = sum(count for (_, strategy), count in machine.breaches.items() if strategy == entry.name)
    known = machine.triggers.get(entry.name)
    if known is None:
        state, market = TriggerState(breaches_from=breaches), None
    else:
        slot = max(known.state.slot, int(machine.desk.book.now_ns) // interval_ns(plan.settings))
        state = msgspec.structs.replace(known.state, slot=slot)
        symbol, _, venue = known.market.partition("@")
        market = (symbol, venue) if known.market else None
    if state.place >= len(entry.trigger_conditions):  # the file has changed since
        state = TriggerState(slot=state.slot, breaches_from=breaches)
    return _Watched(TriggerWatch(entry, plan.settings, plan.seed, state, market), script, breaches)
