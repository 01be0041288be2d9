"""What a strategy's process says: frames on its channel, what it prints and logs among them, so many a second."""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable
from typing import Final

import msgspec

from live.messages import Logged, Raised
from live.sandbox.contract import MOST_FRAME_BYTES
from live.sandbox.frames import Dropped, Refused, encode, put_frame

__all__ = ["MOST_TEXT", "LineStream", "LogHandler", "Voice"]

MOST_TEXT: Final = 2_000  # characters of a line or an error
_FLUSH_BYTES: Final = 1 << 16
_LEVELS: Final = ("debug", "info", "warning", "error", "critical")


class Voice:
    """Collects frames and writes them; one thread uses it.

    channel: a descriptor; writing waits until the engine has read.  lines_a_second: of logs; at once, four times that.
    """

    def __init__(
        self, channel: int, lines_a_second: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel, self._clock = channel, clock
        self._buffer = bytearray()
        self._rate = lines_a_second
        self._allowed = self._most = 4.0 * lines_a_second
        self._since = clock()
        self._dropped = 0

    def say(self, message: msgspec.Struct) -> None:
        """Put a message into the buffer, which goes out when it is large.  Raises FrameError where it is too large."""
        put_frame(self._buffer, encode(message))
        if len(self._buffer) > _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write all that is waiting.  Raises BrokenPipeError where the engine is gone."""
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            put_frame(self._buffer, encode(Dropped(dropped)))
        view = memoryview(bytes(self._buffer))
        self._buffer.clear()
        while view:
            view = view[os.write(self._channel, view) :]

    def log(self, level: str, text: str) -> None:
        if self._may_log():
            self.say(Logged(level, _short(text)))

    def raised(self, sequence: int, call: str, error: str) -> None:
        self.say(Raised(sequence, call, _short(error)))

    def refused(self, text: str) -> None:
        if self._may_log():
            self.say(Refused(_short(text)))

    def _may_log(self) -> bool:
        now = self._clock()
        self._allowed = min(self._most, self._allowed + (now - self._since) * self._rate)
        self._since = now
        if self._allowed < 1.0:
            self._dropped += 1
            return False
        self._allowed -= 1.0
        return True


def _short(text: str) -> str:
    """At most MOST_TEXT characters, and such as can be sent."""
    return text[:MOST_TEXT].encode("utf-8", "replace").decode()


class LineStream(io.TextIOBase):
    """sys.stdout or sys.stderr of a strategy: each line is logged."""

    encoding = "utf-8"

    def __init__(self, voice: Voice, level: str) -> None:
        super().__init__()
        self._voice, self._level, self._line = voice, level, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (self._line + text[:MOST_FRAME_BYTES]).split("\n")
        for line in lines:
            self._voice.log(self._level, line)
        if len(rest) > MOST_TEXT:  # it may never end
            self._voice.log(self._level, rest)
            rest = ""
        self._line = rest
        return len(text)

    def flush(self) -> None:
        """A line goes out when it is whole."""


class LogHandler(logging.Handler):
    """Whatever is logged in a strategy's process, or in a strategy's thread."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - the message and its arguments are the strategy's
            text = f"{record.name}: a message that cannot be formatted ({type(error).__name__})"
        self._voice.log(level if level in _LEVELS else "info", text)
