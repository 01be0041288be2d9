"""The engine's end of a socket to a strategy's process: never waits, takes what comes in by the batch."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from live.sandbox.frames import FrameError, FrameReader, put_frame
from workbench.errors import WorkerBehind

__all__ = ["Channel"]

_READ_BYTES: Final = 1 << 18
_MOST_CRUMBS: Final = 256  # reads in a row that complete no frame; the largest frame takes some 32


class Channel:
    """Frames out, frames in.

    on_frames: called with all whole frames of one read.  on_end: called once, when nothing more will come; with ""
    where the other end was closed, else with what was wrong.
    """

    def __init__(
        self,
        connection: socket.socket,
        most_bytes: int,
        on_frames: Callable[[list[memoryview]], None],
        on_end: Callable[[str], None],
    ) -> None:
        connection.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._socket, self._most = connection, most_bytes
        self._on_frames, self._on_end = on_frames, on_end
        self._reader, self._crumbs = FrameReader(), 0
        self._outgoing = bytearray()
        self._flushing = self._writing = self._ended = False
        self._loop.add_reader(connection, self._read)

    @property
    def waiting(self) -> int:
        """Bytes that the other end's socket had no room for, or that go out at the end of this turn."""
        return len(self._outgoing)

    def put(self, payload: bytes, *, bounded: bool = True) -> None:
        """Send one frame; it leaves at the end of this turn of the loop.

        Raises WorkerBehind where more would wait than may (with `bounded`), or the frame is too large.
        """
        if self._ended:
            return
        if bounded and len(self._outgoing) + len(payload) > self._most:
            raise WorkerBehind(
                f"{len(self._outgoing):,} bytes are waiting to be taken in, and {len(payload):,} more would "
                f"exceed {self._most:,}; send less, or stop it"
            )
        try:
            put_frame(self._outgoing, payload)
        except FrameError as error:
            raise WorkerBehind(str(error)) from error
        if not (self._flushing or self._writing):
            self._flushing = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand to the kernel what it has room for; the rest follows when there is room again."""
        self._flushing = False
        if self._ended or not self._outgoing:
            return
        try:
            sent = self._socket.send(self._outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:  # the other end is gone; reading says so, after what it had still to say
            sent = len(self._outgoing)
        del self._outgoing[:sent]
        if bool(self._outgoing) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._socket, self.flush)
            else:
                self._loop.remove_writer(self._socket)

    def _read(self) -> bool:
        """One read; False where there was nothing (more) to be read."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:  # reset, with frames of ours unread: as good as closed
            self._end("" if isinstance(error, ConnectionError) else str(error))
            return False
        if not data:
            self._end(
                ""
                if not self._reader.pending
                else f"the last frame lacks bytes ({self._reader.pending} came)"
            )
            return False
        try:
            frames = self._reader.feed(data)
            self._crumbs = 0 if frames else self._crumbs + 1
            if self._crumbs > _MOST_CRUMBS:
                raise FrameError(f"a frame in more than {_MOST_CRUMBS} pieces")
        except FrameError as error:
            self._end(str(error))
            return False
        if frames:
            self._on_frames(frames)
        return not self._ended

    def drain(self, most_bytes: int = 1 << 24) -> None:
        """Take in all that lies in the socket by now, in this turn."""
        for _ in range(most_bytes // _READ_BYTES):
            if self._ended or not self._read():
                return

    def _end(self, problem: str) -> None:
        if not self._ended:
            self.close()
            self._on_end(problem)

    def close(self) -> None:
        """Send and read no more."""
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._outgoing.clear()
        self._socket.close()
