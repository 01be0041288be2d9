"""One reader of the engine for all pages of this process, in a thread of its own.

It asks a few times a second, by cursor: whatever happened in between comes as one answer, so that neither the engine
nor a browser has more to do when a thousand orders change in a second than when ten do.  Nobody who looks is waited
for: each look ends in an immutable view that takes the place of the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from dataclasses import replace
from importlib import import_module
from typing import Final

from workbench.client import AsyncEngineClient
from workbench.dashboards.state.desk_view import NOTHING, DeskView
from workbench.dashboards.state.link import CONNECTING, Link, lost
from workbench.dashboards.state.look import Look
from workbench.errors import WorkbenchError

__all__ = ["EVERY_S", "EngineReader", "reader_of"]

EVERY_S: Final = 0.25
_LINGER_S: Final = 20.0  # nobody has looked for so long: the engine is left in peace
_TIMEOUT_S: Final = 5.0

_readers: dict[tuple[str | None, str | None], EngineReader] = {}
_lock = threading.Lock()
_log = logging.getLogger(__name__)


def reader_of(url: str | None, data: str | None = None) -> EngineReader:
    """The reader of this engine; the same one for everybody who asks.  url, data: as `EngineClient` has them."""
    with _lock:
        found = _readers.get((url, data))
        if found is None:
            found = _readers[url, data] = EngineReader(url, data=data)
        return found


def _load() -> None:
    """Import what the thread will use, where it is asked for.

    While a page is made, Panel looks through the modules that have come since; one that a thread tries to import and
    does not get (httpcore has such) is gone before it is looked at, and the page with it.
    """
    with contextlib.suppress(ImportError):  # of the extra `live`; the client says so
        for name in ("httpcore", "httpx", "pandas", "websockets"):
            import_module(name)


class EngineReader:
    """Reads while somebody looks at `view`, and for a while after; tries again for ever where nobody answers."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        data: str | None = None,
        every_s: float = EVERY_S,
        linger_s: float = _LINGER_S,
    ) -> None:
        """url, token, data: as `EngineClient` has them; looked up anew for each connection."""
        self._where = (url, token, data)
        self._every_s, self._linger_s = every_s, linger_s
        self._view = NOTHING
        self._looked = 0.0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._ended = threading.Event()
        self._bell: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def view(self) -> DeskView:
        """The newest; asking for it keeps the reader at work."""
        self._looked = time.monotonic()
        if self._thread is None:
            self._start()
        return self._view

    def nudge(self) -> None:
        """Look now and not in a moment, as after a command; or try to connect at once."""
        loop, bell = self._loop, self._bell
        if loop is not None and bell is not None:
            with contextlib.suppress(RuntimeError):  # its loop has just ended
                loop.call_soon_threadsafe(bell.set)

    def close(self) -> None:
        """End at once, as at the end of a test."""
        self._ended.set()
        self.nudge()
        thread = self._thread
        if thread is not None:
            thread.join(10.0)

    def _start(self) -> None:
        _load()
        with self._starting:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="engine-reader", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._thread = None

    def _unwatched(self) -> bool:
        return self._ended.is_set() or time.monotonic() - self._looked > self._linger_s

    async def _main(self) -> None:
        self._loop, self._bell = asyncio.get_running_loop(), asyncio.Event()
        attempts = 0
        while not self._unwatched():
            heard = self._view.read_at
            url = self._where[0] or ""
            try:
                async with self._client() as client:
                    url = client.address.url
                    await self._follow(client)
                self._put(link=CONNECTING)  # nobody looks; whoever comes next waits a moment
            except Exception as error:  # noqa: BLE001 - the edge: the page tells, and it is tried again
                if not isinstance(error, WorkbenchError):
                    _log.exception("an engine's answer could not be read")
                attempts = 0 if self._view.read_at > heard else attempts
                link = lost(error, url, attempts, time.monotonic())
                attempts += 1
                self._put(link=link)
                await self._rest(link.retry_at - time.monotonic())

    def _client(self) -> AsyncEngineClient:
        url, token, data = self._where
        return AsyncEngineClient(url, token, data=data, timeout_s=_TIMEOUT_S, retry_s=0.0)

    async def _follow(self, client: AsyncEngineClient) -> None:
        """Look again and again; ends by an error, or when nobody looks any more."""
        look, live = Look(client, self._view.known), Link("live", client.address.url)
        while not self._unwatched():
            begun = time.monotonic()
            known = await look.take()
            self._put(link=live, known=known, read_at=begun)
            await self._rest(self._every_s - (time.monotonic() - begun))

    def _put(self, **changes: object) -> None:
        self._view = replace(self._view, frame=self._view.frame + 1, **changes)  # type: ignore[arg-type]

    async def _rest(self, seconds: float) -> None:
        """Until then, or the bell; never without a moment for others."""
        assert self._bell is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.02)):
                await self._bell.wait()
        self._bell.clear()
