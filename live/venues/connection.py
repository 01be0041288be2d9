"""One client's connection to an exchange process: what is sent to it waits in a bounded queue."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from live.messages import ExecutionReport, SessionState, VenueEvent
from live.venues.protocol import PART, FromServer, Prices, Problem, Reports, encode
from workbench.core.messages import PriceUpdate

__all__ = ["Connection"]

_MOST_WAITING: Final = 32 << 20  # bytes; a client that is further behind is dropped
_STALL_S: Final = 5.0  # in which a client must take something, or say goodbye
_REASON_BYTES: Final = 120  # of a WebSocket close frame

_log = logging.getLogger(__name__)


class Connection:
    """session, channel, prices: from its login.  ended: no frame of it counts any more.

    copied: reports that wait to be handed on, where it is a drop copy.
    """

    def __init__(self, socket: ServerConnection, session: str, channel: str, prices: bool) -> None:
        self.session: Final = session
        self.channel: Final = channel
        self.prices: Final = prices
        self.ended = False
        self.copied: list[ExecutionReport] = []
        self._socket = socket
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._bell = asyncio.Event()
        self._goodbye: tuple[int, str] | None = None
        self._writer = asyncio.create_task(self._write())

    def post(self, frame: FromServer) -> None:
        """Queue a frame; never blocks.  A client that is too far behind is dropped."""
        if self.ended:
            return
        data = encode(frame)
        self._bytes += len(data)
        if self._bytes > _MOST_WAITING:
            self._waiting.clear()
            self.end(1008, f"slow reader: more than {_MOST_WAITING >> 20} MB wait for it")
            _log.warning("%s: a slow reader was dropped: too much waits for it", self.session)
            return
        self._waiting.append(data)
        self._bell.set()

    def post_events(self, events: Sequence[VenueEvent]) -> None:
        """Queue prices and reports, in order, in frames of one kind."""
        prices: list[PriceUpdate] = []
        reports: list[ExecutionReport] = []
        for event in events:
            if isinstance(event, ExecutionReport):
                if prices or len(reports) == PART:
                    self._post_parts(prices, reports)
                reports.append(event)
            elif not isinstance(event, SessionState) and self.prices:
                if reports or len(prices) == PART:
                    self._post_parts(prices, reports)
                prices.append(event)
        self._post_parts(prices, reports)

    def _post_parts(self, prices: list[PriceUpdate], reports: list[ExecutionReport]) -> None:
        if prices:
            self.post(Prices(prices))
        if reports:
            self.post(Reports(reports))
        prices.clear()
        reports.clear()

    def end(self, code: int, reason: str) -> None:
        """Close the connection with a reason once what is queued has been sent; does not wait for that."""
        if self.ended:
            return
        self.ended = True
        self._waiting.append(encode(Problem(reason)))
        self._goodbye = (code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
        self._bell.set()

    async def closed(self) -> None:
        """Until the client is gone: at once where it left by itself, else after its goodbye."""
        if self._goodbye is None:
            self.ended = True
            self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        """Send what is queued until the connection ends; a client that takes nothing for long is cut off.

        The library's signs of life wait behind what is queued, so that they do not notice such a client.
        """
        try:
            while not self.ended or self._waiting:
                if not self._waiting:
                    self._bell.clear()
                    await self._bell.wait()
                    continue
                data = self._waiting.popleft()
                async with asyncio.timeout(_STALL_S):
                    await self._socket.send(data)
                self._bytes -= len(data)
            if self._goodbye is not None:
                async with asyncio.timeout(_STALL_S):
                    await self._socket.close(*self._goodbye)
        except ConnectionClosed:
            self.ended = True
        except TimeoutError:
            self.ended = True
            self._socket.transport.abort()
            _log.warning(
                "%s: a slow reader was dropped: it took nothing for %g seconds", self.session, _STALL_S
            )
