"""One strategy looked at closely: its status and log each second, its certificate and history now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import param

from workbench.errors import RequestError, WorkbenchError

if TYPE_CHECKING:
    from workbench.client import AsyncEngineClient
    from workbench.client.answers import LogLine
    from workbench.dashboards.state.viewer import Viewer

__all__ = ["CloseUp"]

_OFTEN_S: Final = 1.0
_SLOWLY_S: Final = 5.0
_LOG_LINES: Final = 200
_HISTORY_LINES: Final = 50


class CloseUp(param.Parameterized):
    """What one page sees of the strategy that it looks at; nothing of another one is ever shown under its name."""

    strategy_id = param.String()
    status = param.Parameter(default=None, doc="StrategyStatus; None: not known (yet).")
    logs = param.ClassSelector(class_=tuple, default=(), doc="LogLines, newest last.")
    logs_trouble = param.String(doc="Why its log is not shown.")
    certificate = param.Parameter(default=None, doc="CertificateView; None: it has none.")
    certificate_known = param.Boolean(default=False, doc="It was asked for, and answered.")
    trial = param.Parameter(default=None, doc="TrialView; None: it had none.")
    history = param.Parameter(default=None, doc="Frame, oldest first; None: not known (yet).")

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._viewer = viewer
        self._often = self._slowly = -1e9
        self._busy = False

    def choose(self, strategy_id: str) -> None:
        """Look at this one from now on."""
        if strategy_id == self.strategy_id:
            return
        self.again()
        self.param.update(
            strategy_id=strategy_id,
            status=None,
            logs=(),
            logs_trouble="",
            certificate=None,
            certificate_known=False,
            trial=None,
            history=None,
        )

    def again(self) -> None:
        """Ask at the next occasion, as after a command."""
        self._often = self._slowly = -1e9

    async def look(self, now: float | None = None) -> None:
        """Ask, where the last time is long enough ago.  Trouble with the engine is for the page's link to tell."""
        now = time.monotonic() if now is None else now
        name = self.strategy_id
        if self._busy or not name or now - self._often < _OFTEN_S:
            return
        slowly = now - self._slowly >= _SLOWLY_S
        self._busy, self._often = True, now
        self._slowly = now if slowly else self._slowly
        try:
            status, logs = await asyncio.gather(self._found(lambda c: c.strategy(name)), self._logs(name))
            if name == self.strategy_id:
                self.param.update(status=status, logs=logs[0], logs_trouble=logs[1])
            if slowly:
                await self._look_slowly(name)
        finally:
            self._busy = False

    async def _look_slowly(self, name: str) -> None:
        certificate, trial, history = await asyncio.gather(
            self._found(lambda client: client.certificate(name)),
            self._found(lambda client: client.trial(name)),
            self._found(lambda client: client.history(name, limit=_HISTORY_LINES)),
        )
        if name == self.strategy_id:
            self.param.update(certificate=certificate, certificate_known=True, trial=trial, history=history)

    async def _found[T](self, work: Callable[[AsyncEngineClient], Awaitable[T]]) -> T | None:
        try:
            return await self._viewer.ask(work)
        except WorkbenchError:
            return None  # there is none; or nobody answers, which the page's link tells

    async def _logs(self, name: str) -> tuple[tuple[LogLine, ...], str]:
        if not self._viewer.allows("inspect"):
            return (), "A strategy's log needs the role trader."
        try:
            found = await self._viewer.ask(lambda client: client.logs(name, _LOG_LINES))
        except WorkbenchError as error:
            unknown = isinstance(error, RequestError) and error.kind == "unknown"
            return (), "" if unknown else " ".join(str(error).split())
        return tuple(found), ""
