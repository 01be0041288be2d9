"""What the strategy desk shows and does: strategies, one of them looked at closely, and commands about it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import param

from workbench.dashboards.state.acting import Acting
from workbench.dashboards.state.close_up import CloseUp
from workbench.dashboards.state.kill_switch import KillSwitch, Latch, Release, latches
from workbench.dashboards.state.link import CONNECTING, Link
from workbench.dashboards.state.risk_desk import heard, status_words
from workbench.dashboards.state.starting import Starting

if TYPE_CHECKING:
    from workbench.client import AsyncEngineClient
    from workbench.client.answers import StrategyResponse, StrategyStatus
    from workbench.dashboards.state.desk_view import Known
    from workbench.dashboards.state.reader import EngineReader
    from workbench.dashboards.state.viewer import Viewer

__all__ = ["Line", "StrategyDesk"]

_RUNS: Final = ("running", "paused", "starting", "validating", "draining")


class Line(NamedTuple):
    """A strategy in the list.  tone: good, warn, bad or none, of its state.  stopped: a breaker or a kill holds it."""

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    tone: str
    stopped: bool
    why: str
    pnl: float
    gross: float
    fills: int


class StrategyDesk(Acting):
    """State of one page."""

    link = param.ClassSelector(class_=Link, default=CONNECTING)
    live = param.Boolean(default=False)
    stale = param.Boolean(default=False)
    heard = param.String()
    status = param.Tuple(default=("", "", ""))
    lines = param.ClassSelector(class_=tuple, default=())
    latches = param.ClassSelector(class_=tuple, default=())
    chosen = param.String(doc="Id of the strategy that is looked at.")
    lax = param.Boolean(default=False, doc="The engine starts strategies that nobody has certified.")
    scripts = param.Parameter(default=None, doc="Frame of scripts that can be started.")
    flatten = param.Boolean(default=False, doc="A stop also closes positions.")
    stopping = param.Boolean(default=False, doc="The question before a stop is open.")
    reason = param.String(doc="Of the stop.")

    def __init__(self, reader: EngineReader, viewer: Viewer) -> None:
        super().__init__(reader, viewer)
        self.kill_switch = KillSwitch(reader, viewer)
        self.release = Release(reader, viewer)
        self.starting = Starting(reader, viewer)
        self.close_up = CloseUp(viewer)
        self._shown: Known | None = None

    def refresh(self, now: float | None = None) -> None:
        """Take over what the reader has read since."""
        view, now = self.reader.view, time.monotonic() if now is None else now
        with param.parameterized.batch_call_watchers(self):
            self.param.update(link=view.link, stale=view.stale(now), heard=heard(view.age(now)))
            known = view.known
            if known is None or known is self._shown:
                return
            self._shown = known
            lines = _lines(known)
            found: dict[str, Any] = {
                "live": True,
                "status": status_words(known),
                "lines": lines,
                "latches": latches(known.risk),
                "lax": not known.health.certificates_required,
            }
            if self.scripts is None or not known.scripts.equals(self.scripts):
                found["scripts"] = known.scripts
            if not any(line.strategy_id == self.chosen for line in lines):
                found["chosen"] = lines[0].strategy_id if lines else ""
            self.param.update(
                **{name: value for name, value in found.items() if getattr(self, name) is not value}
            )
        self.starting.see(known)

    async def look_closely(self) -> None:
        """Ask about the chosen strategy, while the engine answers."""
        if self.link.state == "live":
            await self.close_up.look()

    @param.depends("chosen", watch=True)
    def _another(self) -> None:
        self.close_up.choose(self.chosen)
        self.param.update(stopping=False, reason="", said="", tone="")

    # --- commands ----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the chosen strategy runs, or is about to."""
        return any(line.strategy_id == self.chosen and line.state in _RUNS for line in self.lines)

    @property
    def paused(self) -> bool:
        return any(line.strategy_id == self.chosen and line.state == "paused" for line in self.lines)

    async def pause(self) -> bool:
        """Show it no more prices."""
        name = self.chosen
        return await self._settle(lambda client: client.pause(name))

    async def resume(self) -> bool:
        """Show it prices again."""
        name = self.chosen
        return await self._settle(lambda client: client.resume(name))

    async def stop(self) -> bool:
        """Stop it, once the question before it has been answered."""
        if not self.stopping:
            self.tell("not done: it has to be asked for first", "bad")
            return False
        name, flatten, reason = self.chosen, self.flatten, self.reason.strip()
        stopped = await self._settle(lambda client: client.stop(name, flatten=flatten, reason=reason))
        if stopped:
            self.stopping = False
        return stopped

    async def _settle(self, work: Callable[[AsyncEngineClient], Awaitable[StrategyResponse]]) -> bool:
        done = await self.carry_out(work, lambda answer: f"{answer.strategy_id} is {answer.state}")
        self.close_up.again()
        return done

    def swap(self) -> None:
        """Open the form with what the chosen strategy runs with, to start another version or other parameters."""
        status: StrategyStatus | None = self.close_up.status
        if status is not None:
            self.starting.prepare_swap(status)

    def latch(self, key: str) -> Latch | None:
        """What is latched now under this key."""
        return next((latch for latch in self.latches if latch.key == key), None)


def _lines(known: Known) -> tuple[Line, ...]:
    """Those that run first, then those that did."""
    pnl = {line.strategy_id: line.total_pnl for line in known.portfolio.strategies}
    found = []
    for name, row in known.strategies.iterrows():
        tone, why = _tone(row["state"], row["halted_by"], row["reason"])
        gain = pnl.get(str(name), float(row["pnl"]))
        found.append(
            Line(
                str(name),
                row["strategy_name"],
                row["version"],
                row["state"],
                tone,
                bool(row["halted_by"]),
                why,
                gain,
                float(row["gross_exposure"]),
                int(row["fills"]),
            )
        )
    for name, status in known.down.items():
        tone, why = _tone(status.state, status.halted_by, status.reason)
        gain = pnl.get(name, status.pnl)
        found.append(
            Line(
                name,
                status.strategy_name,
                status.version,
                status.state,
                tone,
                bool(status.halted_by),
                why,
                gain,
                status.gross_exposure,
                status.fills,
            )
        )
    return tuple(found)


def _tone(state: str, halted_by: str, reason: str) -> tuple[str, str]:
    tone = {"failed": "bad", "running": "good"}.get(state, "warn" if state in _RUNS else "")
    return tone, halted_by or ("" if state == "running" else reason)
