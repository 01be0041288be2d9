"""The folder of scripts is watched: who has changed the script of a running strategy is offered a hot swap.

A file counts once it has been left alone from one look to the next, so that one that is being written is not taken for
a new version; one that is no Python is told once and never swapped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import structlog

from live.engine.catalog import Script, read_file
from live.engine.events import EventStream
from live.engine.slots import StartRequest
from live.engine.strategies import Check, Strategies
from live.machine import StrategyRecord
from live.tasks import Tasks
from live.venues.clock import Clock
from workbench.errors import StrategyError, WorkbenchError

__all__ = ["AUTO_SWAP", "Offer", "Watcher"]

AUTO_SWAP: Final = "STRATEGY_AUTO_SWAP"  # the setting, and the person of what it starts
_WATCHED: Final = ("running", "paused")

type Swap = Callable[[StartRequest, Check], Awaitable[StrategyRecord]]

_log = structlog.get_logger("live.watching")


class Offer(msgspec.Struct, frozen=True):
    """The script of a running strategy has another text than what runs; starting the strategy again swaps it.

    version, class_name: of the new text.  problem: why it did not take over by itself; "" where nothing was tried.
    """

    strategy_id: str
    script: str
    source_hash: str
    version: str
    class_name: str
    running_hash: str
    ns: int
    problem: str = ""


class _Seen(NamedTuple):
    """A file at the last look.  script: its content, once it was left alone from one look to the next."""

    state: tuple[int, int, int]  # inode, modified, size
    script: Script | None


class Watcher:
    """Looks at the scripts of what runs.

    offers: by strategy, those that are open.  swap: has a version take over by itself, on trial where it needs one;
    until somebody sets it, only what needs none does.
    """

    def __init__(
        self,
        strategies: Strategies,
        events: EventStream,
        clock: Clock,
        tasks: Tasks,
        *,
        auto_swap: bool,
        interval_s: float = 1.0,
    ) -> None:
        """auto_swap: what is offered is swapped at once."""
        self.offers: dict[str, Offer] = {}
        self.swap: Swap = self._without_trial
        self._strategies, self._events, self._clock, self._tasks = strategies, events, clock, tasks
        self._auto_swap = auto_swap
        self._interval_s = interval_s
        self._seen: dict[Path, _Seen] = {}
        self._broken: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def swap_alone(self) -> None:
        """Nobody is there any more who puts a version on trial."""
        self.swap = self._without_trial

    def start(self) -> None:
        self._task = self._tasks.keep("scripts", self._run)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look()
            except WorkbenchError as error:  # a journal that has failed, which the engine tells by itself
                _log.error("scripts_not_watched", error=str(error))

    async def look(self) -> None:
        """Look once."""
        watched = self._watched()
        scripts = await asyncio.to_thread(self._read, sorted(set(watched.values())))
        for strategy_id in [name for name in self.offers if name not in watched]:
            del self.offers[strategy_id]
        for strategy_id, path in watched.items():
            script = scripts.get(path)
            if script is None or script.broken:
                self.offers.pop(strategy_id, None)
                if script is not None:
                    self._tell_broken(strategy_id, script)
            else:
                self._compare(strategy_id, script)
        if self._auto_swap:
            for offer in list(self.offers.values()):
                await self._swap(offer)

    def _watched(self) -> dict[str, Path]:
        """File of each strategy that runs a script of the folder."""
        catalog = self._strategies.catalog
        return {
            strategy_id: catalog.path_of(slot.script)
            for strategy_id, slot in self._strategies.slots.items()
            if slot.record.state in _WATCHED and not slot.script.uploaded
        }

    def _read(self, paths: list[Path]) -> dict[Path, Script]:
        """Content of the files that were left alone since the last look; in a thread, since parsing may take long."""
        seen, self._seen = self._seen, {}
        found: dict[Path, Script] = {}
        for path in paths:
            try:
                status = path.stat()
            except OSError:  # taken away: nothing to offer
                continue
            state = status.st_ino, status.st_mtime_ns, status.st_size
            known = seen.get(path)
            script = None
            if known is not None and known.state == state:
                script = known.script or read_file(path)
                found[path] = script
            self._seen[path] = _Seen(state, script)
        return found

    def _tell_broken(self, strategy_id: str, script: Script) -> None:
        if script.broken in self._broken:
            return
        self._broken.add(script.broken)
        _log.warning("strategy_source_broken", strategy_name=strategy_id, reason=script.broken)
        body = {"type": "BrokenSource", "strategy_id": strategy_id, "reason": script.broken}
        self._events.publish("strategies", self._clock.now_ns(), body)

    def _compare(self, strategy_id: str, script: Script) -> None:
        """Offer what is newer; take back what is not."""
        running = self._strategies.slots[strategy_id].record.source_hash
        before = self.offers.get(strategy_id)
        if script.source_hash == running:
            self.offers.pop(strategy_id, None)
        elif before is None or (before.source_hash, before.running_hash) != (script.source_hash, running):
            offer = Offer(
                strategy_id,
                script.name,
                script.source_hash,
                script.version,
                script.class_name,
                running,
                self._clock.now_ns(),
            )
            self.offers[strategy_id] = offer
            self._tell(offer)

    def _tell(self, offer: Offer) -> None:
        about = msgspec.to_builtins(offer)
        self._events.publish("strategies", self._clock.now_ns(), {"type": "NewerSource", **about})
        name = "strategy_newer_source" if not offer.problem else "strategy_not_swapped"
        _log.info(
            name,
            strategy_name=offer.strategy_id,
            strategy_version=offer.version,
            source_hash=offer.source_hash,
            problem=offer.problem,
        )

    async def _swap(self, offer: Offer) -> None:
        """Have it take over; one that cannot stays an open offer and is not tried again before it changes."""
        slot = self._strategies.slots[offer.strategy_id]
        record = slot.record
        if offer.problem or record.state != "running" or slot.busy.locked():
            return
        request = StartRequest(
            offer.source_hash,
            offer.strategy_id,
            dict(record.config),
            record.on_failure,
            person=AUTO_SWAP,
        )

        def still_runs(*_: object) -> None:
            if slot.record.state != "running" or slot.stopping:
                raise StrategyError(f"{offer.strategy_id} does not run any more, so nothing takes over")

        try:
            await self.swap(request, still_runs)
        except StrategyError as error:
            failed = msgspec.structs.replace(offer, problem=str(error))
            self.offers[offer.strategy_id] = failed
            self._tell(failed)
        else:
            self.offers.pop(offer.strategy_id, None)

    async def _without_trial(self, request: StartRequest, check: Check) -> StrategyRecord:
        if self._strategies.gate.required:
            raise StrategyError(
                f"a new version of {request.strategy_id} goes on trial first, and nobody here puts it on one; "
                "promote it (wb.promote, workbench promote)"
            )
        return await self._strategies.start(request, check=check)
