"""Frames: four bytes of length, little-endian, then one message as msgpack; and the messages that stay in this package.

Both ends use it. In the engine it takes whatever a hostile process may write, and answers `FrameError` at worst.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Final

import msgspec

from live.messages import Answer, Deliver, Hello, Logged, Raised, Ready, Stop
from live.sandbox.contract import MOST_FRAME_BYTES
from workbench.core.messages import MarketSignal
from workbench.core.signals import MAX_SIGNALS
from workbench.errors import SandboxError

__all__ = [
    "Begun",
    "Dropped",
    "FrameError",
    "FrameReader",
    "FromWorker",
    "Kernel",
    "Refused",
    "ToWorker",
    "decode_from_worker",
    "decode_to_worker",
    "encode",
    "put_frame",
]

HEADER: Final = struct.Struct("<I")


class FrameError(SandboxError):
    """Bytes that are no message; one line, for people."""


class Begun(msgspec.Struct, frozen=True, tag=True):
    """First frame of a process, before any of the strategy's code runs.  address_space: bytes it starts with."""

    address_space: int


class Kernel(msgspec.Struct, frozen=True, tag=True):
    """A compiled function: from the process that compiled it, and to the next one that runs the same source.

    The engine keeps it and never looks inside.
    """

    data: bytes


class Dropped(msgspec.Struct, frozen=True, tag=True):
    """Log lines that were too many.  lines: since the last such message."""

    lines: int


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The strategy's code tried something that a sandbox forbids."""

    text: str


type Value = bool | int | float | str | None
type Plain = Value | list[Value] | dict[str, Value]
"""What metadata and parameters may hold on the wire.  No keys but text: many numbers with one hash take for ever."""


class _Signal(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    timestamp: datetime | None = None
    signal_strength: float = 0.0
    confidence: float = 1.0
    metadata: dict[str, Plain] = {}


class _Answer(msgspec.Struct, frozen=True, tag="Answer"):
    sequence: int
    signals: list[_Signal] = []
    elapsed_ns: int = 0


class _Ready(msgspec.Struct, frozen=True, tag="Ready"):
    name: str
    version: str
    description: str
    parameters: dict[str, Plain]
    sizing: str
    unit: float | dict[str, float]
    symbols: list[str]


type ToWorker = Hello | Deliver | Stop | Kernel
type FromWorker = Ready | Answer | Raised | Logged | Begun | Kernel | Dropped | Refused

encode = msgspec.msgpack.Encoder().encode
decode_to_worker = msgspec.msgpack.Decoder(ToWorker).decode
_decode = msgspec.msgpack.Decoder(
    _Ready | _Answer | Raised | Logged | Begun | Kernel | Dropped | Refused
).decode


def put_frame(buffer: bytearray, payload: bytes) -> None:
    """Append one frame.  Raises FrameError where it is larger than a frame may be."""
    if len(payload) > MOST_FRAME_BYTES:
        raise FrameError(f"a message of {len(payload):,} bytes, allowed {MOST_FRAME_BYTES:,}")
    buffer += HEADER.pack(len(payload))
    buffer += payload


def decode_from_worker(frame: bytes | bytearray | memoryview) -> FromWorker:
    """What a strategy's process said.  Raises FrameError on anything else."""
    try:
        message: FromWorker | _Answer | _Ready = _decode(frame)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:  # bad UTF-8 is a ValueError
        raise FrameError(f"no message: {' '.join(str(error).split())[:200]}") from error
    if isinstance(message, _Answer):
        return _answer(message)
    if isinstance(message, _Ready):
        return Ready(*msgspec.structs.astuple(message))
    return message


def _answer(message: _Answer) -> Answer:
    if not message.signals:
        return Answer(message.sequence, [], message.elapsed_ns)
    if len(message.signals) > MAX_SIGNALS + 1:
        raise FrameError(f"an answer of {len(message.signals):,} signals, allowed {MAX_SIGNALS + 1:,}")
    signals = [
        MarketSignal(s.symbol, s.timestamp, s.signal_strength, s.confidence, s.metadata)
        for s in message.signals
    ]
    return Answer(message.sequence, signals, message.elapsed_ns)


class FrameReader:
    """Bytes in, whole frames out.  `pending`: bytes of a frame that has not come in whole."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def pending(self) -> int:
        return len(self._rest)

    def feed(self, data: bytes) -> list[memoryview]:
        """The frames that `data` completes, in order.  Raises FrameError where one says that it is too large."""
        if self._rest:
            self._rest += data
            if len(self._rest) < HEADER.size or len(self._rest) < self._due(self._rest, 0):
                return []  # not copied for each crumb
            data = bytes(self._rest)
            self._rest.clear()
        view, at, end = memoryview(data), 0, len(data)
        frames: list[memoryview] = []
        while end - at >= HEADER.size:
            stop = at + self._due(data, at)
            if stop > end:
                break
            frames.append(view[at + HEADER.size : stop])
            at = stop
        self._rest += view[at:]
        return frames

    @staticmethod
    def _due(data: bytes | bytearray, at: int) -> int:
        """Bytes of the frame that begins at `at`, header and all."""
        size: int = HEADER.unpack_from(data, at)[0]
        if size > MOST_FRAME_BYTES:
            raise FrameError(f"a frame of {size:,} bytes, allowed {MOST_FRAME_BYTES:,}")
        return HEADER.size + size
