"""`Engine`: journal, machine, venues and strategies, put together and taken apart in the right order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from live.admission import ProjectFiles
from live.engine.breaking import BreakerWatch
from live.engine.budget import BudgetWatch
from live.engine.catalog import Catalog
from live.engine.chaos import ChaosTriggering, plan_chaos
from live.engine.clock_watch import ClockWatch
from live.engine.events import EventStream
from live.engine.flooding import FloodWatch
from live.engine.gating import Expiry, check_gate, open_gate
from live.engine.market import open_market
from live.engine.parts import load_rulebook, newest_prices, sandbox_settings, setup_of
from live.engine.pump import SETUP, Block, Pump, Then
from live.engine.reconcile import our_account, strangers_text
from live.engine.recovery import Recovered, recover
from live.engine.sessions import Sessions
from live.engine.shown import Opened
from live.engine.stepping import Stepper
from live.engine.strategies import Strategies
from live.engine.tracing import Tracer
from live.engine.watching import Watcher
from live.journal import Journal, Retention
from live.machine import Input, LimitsConfigured, Machine, Setup
from live.sandbox import Sandbox
from live.settings import Settings
from live.tasks import Tasks
from live.venues.clock import Clock
from live.venues.contract import Venue
from live.venues.opening import in_lock_step, lock_step, open_venues
from live.venues.venue_settings import VenuesConfig
from workbench.core.facts import Fact
from workbench.core.limits import RiskLimits
from workbench.core.messages import PriceUpdate
from workbench.errors import JournalFailed

__all__ = ["Engine"]

_UNKNOWN: Final = "unknown_execution"  # the breaker

_log = structlog.get_logger("live.engine")


class Engine:
    """A trading engine.  `start` it, `ask` it, read from it; all in one event loop.

    machine: its state, to be read and never written.  strategies, sessions, events: what works round it.
    tasks: what goes on beside, and how it does.
    state: starting, running, halted (nothing can be recorded), stopping, stopped.
    """

    def __init__(
        self,
        settings: Settings,
        venues: VenuesConfig,
        clock: Clock,
        *,
        limits: RiskLimits,
    ) -> None:
        """venues: what venues.yaml says; recorded prices whose speed is off are played in lock step (see `play`).

        Raises ConfigError where some venues are in lock step and others not, or certificates are not required and a
        venue is real.
        """
        self.settings = settings
        self.clock = clock
        check_gate(settings, venues)
        self.state = "starting"
        self.reason = ""
        self.events = EventStream()
        self.tracer = Tracer(self.events, clock.now_ns)
        self.config = venues
        self.venues: tuple[Venue, ...] = ()
        self.limits = limits
        self.catalog = Catalog(settings.strategies_path, settings.data / "uploads")
        self.chaos_plan = plan_chaos(settings, self.catalog)
        self.started_ns = clock.now_ns()
        self.tasks = Tasks()
        self._stepped = in_lock_step(venues)
        self._stepping: asyncio.Task[None] | None = None
        self._ticks: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Recover, reconcile, and run.  Raises WorkbenchError of one line where that cannot be; nothing stays open."""
        self.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        async with AsyncExitStack() as opened:
            await self._open(opened)
            opened.pop_all()
        self.state = "running"
        _log.info(
            "engine_started",
            inputs_recovered=self.recovered.inputs,
            recovery_seconds=round(self.recovered.seconds, 3),
            isolation=str(self.sandbox.level.name).lower(),
        )
        try:
            await self._take_limits()
            await self.sessions.start()
            if not self._stepped:
                self._ticks = self.tasks.keep("clock", self._tick)
            await self.strategies.resume_after_restart()
            await self.chaos.start()
            self.watcher.start()
        except BaseException:
            await self.stop()
            raise

    async def _open(self, opened: AsyncExitStack) -> None:
        """Open the journal, recover what it holds, and build what works on that.  opened: what is to be closed."""
        settings = self.settings
        self.journal = Journal.open(
            settings.journal,
            commit_interval_ms=settings.commit_interval_ms,
            retain=Retention(days=settings.journal_keep_days, needs=(SETUP,)),
            mark=settings.data / "journal.mark",
        )
        opened.callback(self.journal.close)
        files = ProjectFiles()
        await asyncio.to_thread(load_rulebook)
        self.recovered: Recovered = recover(self.journal, self.setup(), self.clock.now_ns())
        self.venues = open_venues(self.config, self.clock, newest_prices(self.recovered.machine), self.tasks)
        self.sandbox = Sandbox(sandbox_settings(settings))
        await self.sandbox.start()
        opened.push_async_callback(self.sandbox.close)
        self.pump = Pump(
            self.recovered.machine,
            self.journal,
            self.clock,
            route=self._route,
            release=self._release,
            turned=self._turned,
            halted=self._halted,
            ticking=not self._stepped,
            timeout_s=settings.risk_check_timeout_ms / 1000.0,
            snapshot_events=settings.snapshot_events,
        )
        self.pump.shown.note(Opened(0, self._stepped))
        self.market = open_market(settings, self.machine.setup.instruments, self.journal, self.events)
        if self.market is not None:
            opened.push_async_callback(self.market.close)
        self.gate = open_gate(settings, files, self.journal, self.machine, self.clock, stepped=self._stepped)
        self.strategies = Strategies(
            self.pump, self.sandbox, self.catalog, settings, self.clock, self.gate, self.tasks
        )
        self.chaos = ChaosTriggering(
            self.chaos_plan, self.strategies, self.pump, self.events, self.journal, self.tasks
        )
        self.floods = FloodWatch(self.pump)
        self.breakers = BreakerWatch(self.strategies)
        self.watcher = Watcher(
            self.strategies, self.events, self.clock, self.tasks, auto_swap=settings.strategy_auto_swap
        )
        self.sessions = Sessions(self.venues, self.pump, self.tasks)
        for venue in self.venues:
            if not self.recovered.new:
                venue.restore(our_account(self.machine, venue.name, self.clock.now_ns()))

    async def _take_limits(self) -> None:
        """Put the configured limits in force where they are not those of the last start; else the journal's stay."""
        if self.limits != self.machine.configured:
            await self.pump.ask(LimitsConfigured(self.limits))
            _log.warning("limits_configured", reason="file or environment have changed since the last start")

    async def _tick(self) -> None:
        """Time goes on for limits and breakers, also where no price comes."""
        watch = ClockWatch(self.clock, self.events)
        expiry = Expiry(self.gate, self.strategies, self.events)
        budgets = BudgetWatch(self.strategies, self.pump, self.settings.strategy_soft_ms / 1e3)
        while True:
            await asyncio.sleep(1.0)
            self.pump.wake()
            watch.look()
            expiry.look()
            budgets.look()

    def setup(self) -> Setup:
        """What the machine is built from, by the settings."""
        return setup_of(self.settings, self.config, self.limits)

    @property
    def machine(self) -> Machine:
        return self.pump.machine

    async def ask(self, item: Input, then: Then | None = None) -> list[Fact]:
        """Have an input carried through, see Pump.ask.  Raises EngineError, JournalFailed."""
        return await self.pump.ask(item, then)

    def play(self) -> asyncio.Task[None]:
        """Begin to play the recorded prices in lock step; the task ends with them."""
        if not self._stepped:
            raise RuntimeError("the engine has no prices to be played in lock step")
        if self._stepping is None:
            stepper = Stepper(self.pump, self.strategies, lock_step(self.config), self.chaos.settled)
            self._stepping = self.tasks.once("lock step", stepper.run())
        return self._stepping

    def _route(self, item: Input, facts: list[Fact]) -> None:
        if facts:
            self.strategies.processes.facts(facts)
            if not self._stepped:  # a replay of the same prices has nobody who watches
                self.floods.see(facts)
                self.breakers.see(item)
        self.chaos.see(item, facts)
        if isinstance(item, PriceUpdate) and not self._stepped:
            self.strategies.processes.price(item)

    def _turned(self) -> None:
        self.strategies.processes.turned()

    def _release(self, block: Block) -> None:
        self.sessions.release(block)
        self.tracer.block(self.machine, block)
        if self.market is not None:
            self.market.block(block)

    def _halted(self, reason: str) -> None:
        """Nothing can be recorded: nothing is traded."""
        self.state, self.reason = "halted", reason
        _log.critical("engine_halted", reason=reason)
        self.events.publish("alerts", self.clock.now_ns(), {"alert": "engine_halted", "reason": reason})

    async def resume(self) -> None:
        """Go on after the journal failed, as a person asks for once there is room again, or the database is back.

        Raises JournalFailed where only a new start helps, or it still cannot be written.
        """
        if self.state != "halted":
            return
        await self.pump.resume()
        self.sessions.resumed()
        self.strategies.deaths.resumed()
        self.strategies.processes.relist()
        self.state, self.reason = "running", ""
        _log.warning("engine_resumed")

    @property
    def problems(self) -> dict[str, str]:
        """Why the engine does not trade, or not everywhere; empty where all is well."""
        found: dict[str, str] = {}
        if self.state != "running":
            found["engine"] = f"{self.state}: {self.reason}" if self.reason else self.state
        found.update({f"venue {name}": why for name, why in self.sessions.problems.items()})
        if _UNKNOWN in self.machine.desk.halted():
            found["fills"] = strangers_text(self.sessions.strangers)
        found.update({f"task {kind}": why for kind, why in self.tasks.problems.items()})
        return found

    async def stop(self) -> None:
        """Let go of strategies and venues, save the state, close the journal.  Stopping twice changes nothing."""
        if self.state == "stopped":
            return
        self.state = "stopping"
        tasks = [task for task in (self._stepping, self._ticks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.watcher.close()
        await self.chaos.close()
        await self.strategies.close()
        await self.sandbox.close()
        await self.sessions.stop()
        await self.tasks.close()
        try:
            await self._last_snapshot()
        finally:
            if self.market is not None:
                await self.market.close()
            self.journal.close()
            self.state = "stopped"
        _log.info("engine_stopped")

    async def _last_snapshot(self) -> None:
        """Save the state, so that the next start has nothing to carry through again; it can do without."""
        while self.pump.waiting and self.pump.failure is None:
            await asyncio.sleep(0)
        try:
            if self.pump.failure is None:
                self.pump.snapshot()
                await self.journal.wait(self.journal.appended)
            while self.pump.unsaved and self.pump.failure is None:
                await asyncio.sleep(0)  # what is durable is still to be let go
        except JournalFailed as error:
            _log.error("no_last_snapshot", error=str(error))

    def info(self) -> dict[str, Any]:
        """For /health: what it is, and how it does."""
        return {
            "state": self.state,
            "problems": self.problems,
            "uptime_seconds": (self.clock.now_ns() - self.started_ns) / 1e9,
            "journal": self.journal.info(),
            "isolation": self.sandbox.level.name.lower(),
            "inputs": self.machine.applied,
        }
