"""One client's connection to an exchange process: what is sent to it waits in a bounded queue."""

from __future__ import annotations

import asyncio
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
_REASON_BYTES: Final = 120  # of a WebSocket close frame


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
        self._closing: asyncio.Task[None] | None = None

    def post(self, frame: FromServer) -> None:
        """Queue a frame; never blocks.  A client that is too far behind is dropped."""
        if self.ended:
            return
        data = encode(frame)
        self._bytes += len(data)
        if self._bytes > _MOST_WAITING:
            self._waiting.clear()
            self.end(1008, f"slow reader: more than {_MOST_WAITING >> 20} MB wait for it")
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
        """Close the connection with a reason, without waiting for the client."""
        if self.ended:
            return
        if not self._waiting:
            self.post(Problem(reason))
        self.ended = True
        self._bell.set()
        text = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        self._closing = asyncio.create_task(self._socket.close(code, text))

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        try:
            while not self.ended or self._waiting:
                if not self._waiting:
                    self._bell.clear()
                    await self._bell.wait()
                    continue
                data = self._waiting.popleft()
                await self._socket.send(data)
                self._bytes -= len(data)
        except ConnectionClosed:
            self.ended = True

    async def closed(self) -> None:
        """Until the closing that was begun is done."""
        if self._closing is not None:
            await asyncio.gather(self._closing, return_exceptions=True)
