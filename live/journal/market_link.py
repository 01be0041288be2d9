"""What the engine and the process that writes its recorded prices say to each other, over a pipe, and the engine's end.

A message is four bytes of its length, then itself; each is answered before the next.  pyarrow takes 60 MB of memory and
is loaded over there alone.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

import msgspec

from workbench.core.messages import Instrument, PriceUpdate

__all__ = ["MarketProcess", "Opening", "Prices", "Rolling", "Told", "packed", "received"]

_HEAD: Final = 4  # bytes
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Rolling:
    """flush_s, flush_rows: how much a crash may lose here (the journal has it).  roll_s, roll_rows: size of a file.

    keep_days: files are removed when their newest price is so much older than the newest of all; None: never.
    """

    flush_s: float = 10.0
    flush_rows: int = 50_000
    roll_s: float = 3600.0
    roll_rows: int = 2_000_000
    keep_days: float | None = None


class Opening(msgspec.Struct, frozen=True):
    """The first message: go on in `folder`.  instruments: what is known of them is noted in the files.

    patience_s: for another process that writes there, as that of a killed engine does until its file is whole.
    """

    folder: str
    instruments: list[Instrument]
    rolling: Rolling
    patience_s: float = 10.0


class Prices(msgspec.Struct, frozen=True):
    """Prices to be written, each block with its record of the journal.  closing: join the open files into one."""

    blocks: Sequence[tuple[int, Sequence[PriceUpdate]]]
    closing: bool


class Told(msgspec.Struct, frozen=True):
    """An answer.  recorded: newest record of the journal on the disk.  error: why nothing more is written, or ""."""

    recorded: int = 0
    rows: int = 0
    files: int = 0
    error: str = ""


def packed(message: msgspec.Struct) -> bytes:
    """A message as it goes through the pipe."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_HEAD) + body


def received[T: msgspec.Struct](pipe: IO[bytes], kind: type[T]) -> T | None:
    """The next message; None where the other side has ended.  Blocks.  Raises ValueError for something else."""
    head = pipe.read(_HEAD)
    size = int.from_bytes(head)
    body = pipe.read(size) if len(head) == _HEAD else b""
    if len(head) < _HEAD or len(body) < size:
        return None
    return msgspec.msgpack.decode(body, type=kind)


class MarketProcess:
    """The process that writes; it ends with its pipe, whatever becomes of this one.

    told: its newest answer.  pid: its number.
    """

    def __init__(self, opening: Opening) -> None:
        """Start it, and wait for what it finds in the folder.  Raises OSError, ValueError."""
        program = (
            f"import sys; sys.path[:] = {sys.path!r}; from live.journal.market_process import main; main()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},  # its owner's has passwords, perhaps
            start_new_session=True,  # a Ctrl-C is for the engine, which then has the rest written
        )
        self.pid = self._process.pid
        try:
            self.told = self._asked(opening)
        except BaseException:
            self.close()
            raise

    def write(self, blocks: Sequence[tuple[int, Sequence[PriceUpdate]]], closing: bool) -> None:
        """Have prices written; they are on the disk at the return.  Raises OSError, ValueError."""
        self.told = self._asked(Prices(blocks, closing))

    def close(self) -> None:
        """Let it end.  May be called twice."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; what it had not read is known to be lost
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _asked(self, message: msgspec.Struct) -> Told:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(packed(message))
            self._process.stdin.flush()
            told = received(self._process.stdout, Told)
        except BrokenPipeError:
            told = None
        if told is None:
            self.close()
            raise OSError(f"the process that writes them has ended with status {self._process.returncode}")
        if told.error:
            raise OSError(told.error)
        return told
