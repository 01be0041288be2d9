"""A connection to an exchange process that comes back by itself: login, signs of life, back-off, questions.

What is done with frames is for its owner; a link holds no orders and no reports.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from live.venues.protocol import (
    VERSION,
    AccountAnswer,
    AskAccount,
    AskKnown,
    AskReports,
    FaultDone,
    FromClient,
    FromServer,
    InjectFault,
    KnownAnswer,
    Live,
    Login,
    Problem,
    ReportsAnswer,
    decode_server,
    encode,
)
from live.venues.venue_settings import VenueSettings
from workbench.errors import VenueError

__all__ = ["Link"]

type Answer = AccountAnswer | ReportsAnswer | KnownAnswer | FaultDone
type Question = AskAccount | AskReports | AskKnown | InjectFault

_MOST_WAITING: Final = 8 << 20  # bytes that wait to be sent; a link that is further behind is cut
_MOST_ANSWER: Final = 64 << 20  # bytes of one frame from the exchange


class Link:
    """One channel of one session.

    after: asked at each login, the newest report there is.  on_frame: each frame that is no answer, in order, from
    Welcome on; it may raise VenueError, which ends the connection.  on_loss: once for each connection that had got as
    far as Live.  live: questions and orders can be sent.
    """

    def __init__(
        self,
        settings: VenueSettings,
        channel: str,
        *,
        prices: bool,
        after: Callable[[], int],
        on_frame: Callable[[FromServer], None],
        on_loss: Callable[[str], None],
    ) -> None:
        self.live = False
        self.reason = "not connected yet"
        self._told = ""  # by the exchange, of the present connection
        self._settings = settings
        self._link = settings.link
        self._channel = channel
        self._prices = prices
        self._after = after
        self._on_frame = on_frame
        self._on_loss = on_loss
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._bell = asyncio.Event()
        self._questions: dict[int, asyncio.Future[Answer]] = {}
        self._count = 0
        self._random = random.Random()  # jitter: clients of one exchange must not come back all at once

    async def run(self) -> None:
        """Connect, and connect again, for ever."""
        attempts = 0
        while True:
            try:
                async with connect(
                    self._link.url,
                    compression=None,
                    proxy=None,
                    open_timeout=self._link.timeout_seconds,
                    ping_interval=self._link.heartbeat_seconds,
                    ping_timeout=3 * self._link.heartbeat_seconds,
                    close_timeout=1.0,
                    max_size=_MOST_ANSWER,
                    max_queue=64,
                ) as socket:
                    await self._converse(socket)
                reason = "the connection was closed"
            except ConnectionClosed as error:
                reason = _why(error)
            except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
                reason = f"{self._link.url} cannot be reached: {str(error) or type(error).__name__}"
            except VenueError as error:
                reason = str(error)
            attempts = 1 if self.live else attempts + 1
            self._lost(reason)
            await asyncio.sleep(self._pause(attempts))

    async def _converse(self, socket: ClientConnection) -> None:
        """One connection until it ends."""
        self._waiting.clear()
        self._bytes = 0
        self._told = ""
        await socket.send(encode(self._login()))
        writer = asyncio.create_task(self._write(socket))
        try:
            async for data in socket:
                self._take(decode_server(data))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _login(self) -> Login:
        settings = self._settings
        return Login(
            VERSION,
            settings.name,
            self._link.session,
            _secret(self._link.secret_file),
            self._channel,
            self._after(),
            settings.cancel_on_disconnect,
            self._prices,
        )

    def _take(self, frame: FromServer) -> None:
        match frame:
            case AccountAnswer() | ReportsAnswer() | KnownAnswer() | FaultDone():
                future = self._questions.pop(frame.question, None)
                if future is not None and not future.done():
                    future.set_result(frame)
            case Problem():
                self._told = frame.reason
                self._on_frame(frame)
            case _:
                if isinstance(frame, Live):
                    self.live, self.reason, self._told = True, "", ""
                self._on_frame(frame)

    async def _write(self, socket: ClientConnection) -> None:
        """Send what is queued, and cut a connection that takes nothing: signs of life wait behind what is queued."""
        try:
            while True:
                while not self._waiting:
                    self._bell.clear()
                    await self._bell.wait()
                data = self._waiting.popleft()
                async with asyncio.timeout(3 * self._link.heartbeat_seconds):
                    await socket.send(data)
                self._bytes -= len(data)
        except ConnectionClosed:
            return
        except TimeoutError:
            self._told = "the exchange takes nothing any more"
            socket.transport.abort()

    def _lost(self, reason: str) -> None:
        """Forget what belongs to the connection that has ended."""
        was_live, self.live = self.live, False
        self.reason = reason = self._told or reason
        self._told = ""
        self._waiting.clear()
        for future in self._questions.values():
            if not future.done():
                future.set_exception(VenueError(f"venue {self._settings.name}: {reason}"))
        self._questions.clear()
        if was_live:
            self._on_loss(reason)

    def _pause(self, attempts: int) -> float:
        """Seconds until the next attempt: doubled each time up to the most, and half of it at random."""
        longest = min(
            self._link.backoff_seconds * 2.0 ** min(attempts - 1, 30), self._link.backoff_most_seconds
        )
        return longest * (0.5 + 0.5 * self._random.random())

    def post(self, frame: FromClient) -> bool:
        """Queue a frame; False where it cannot leave, as the link is down or too far behind."""
        if not self.live or self._bytes > _MOST_WAITING:
            return False
        data = encode(frame)
        self._bytes += len(data)
        self._waiting.append(data)
        self._bell.set()
        return True

    async def ask(self, make: Callable[[int], Question]) -> Answer:
        """The answer to a question.  Raises VenueError where none comes in time."""
        self._count += 1
        number = self._count
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self.post(make(number)):
            raise VenueError(f"venue {self._settings.name}: the session is down ({self.reason})")
        self._questions[number] = future
        try:
            async with asyncio.timeout(self._link.timeout_seconds):
                return await future
        except TimeoutError:
            seconds = self._link.timeout_seconds
            raise VenueError(f"venue {self._settings.name}: no answer within {seconds:g} seconds") from None
        finally:
            self._questions.pop(number, None)


def _why(error: ConnectionClosed) -> str:
    """The close reason that the other side gave, or what happened to the connection."""
    if error.rcvd is not None and error.rcvd.reason:
        return error.rcvd.reason
    if error.sent is not None and error.sent.reason:
        return error.sent.reason
    return "the connection was lost"


def _secret(path: str) -> str:
    """Read anew at each login, so that it can be changed.  Raises VenueError where it cannot be read."""
    if not path:
        return ""
    try:
        return Path(path).read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VenueError(f"secret_file: expected a text file, found: {error}") from None
