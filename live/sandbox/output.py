"""What a process writes to its standard output and error behind Python's back: crash reports, C libraries."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

__all__ = ["Output"]

_READ_BYTES: Final = 1 << 16
_MOST_LINE: Final = 2_000
_KEPT: Final = 8_000  # characters of the end, among which the reason of an exit is looked for
_REASON: Final = 600


class Output:
    """descriptor: of a pipe, closed with this object.  on_line: called for each line."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor, self._on_line = descriptor, on_line
        self._loop = asyncio.get_running_loop()
        self._rest = ""
        self._kept = ""
        self._loop.add_reader(descriptor, self._read)

    @property
    def last(self) -> str:
        """What it wrote last, in one line; of an interpreter that crashed the calls, innermost first."""
        told, crash, where = self._kept.rpartition("Fatal Python error")
        if not crash:
            return " ".join(told.split() or where.split())[-_REASON:]
        return " ".join((crash + where.partition("Extension modules")[0]).split())[:_REASON]

    def _read(self) -> bool:
        """One read; False where there was nothing (more)."""
        if self._descriptor < 0:
            return False
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._descriptor)
            return False
        text = data.decode("utf-8", "replace")
        self._kept = (self._kept + text)[-_KEPT:]
        *lines, rest = (self._rest + text).split("\n")
        self._rest = rest[-_MOST_LINE:]
        for line in lines:
            if line.strip():
                self._on_line(line)
        return True

    def drain(self) -> None:
        for _ in range(16):
            if not self._read():
                break
        if self._rest.strip():
            self._on_line(self._rest)
            self._rest = ""

    def close(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
