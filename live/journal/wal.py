"""What stands in SQLite's write-ahead log, read before SQLite drops from it what it does not believe.

https://www.sqlite.org/fileformat2.html#the_write_ahead_log: a header of 32 bytes, then frames of 24 bytes and a page.
Frames whose salts are those of the header belong to the present round; checksums run on from frame to frame, so
that one bad byte makes SQLite pass over everything after it, without a word.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Wal", "survey"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_BIG_ENDIAN: Final = 0x377F0683
_LITTLE_ENDIAN: Final = 0x377F0682


class Wal(NamedTuple):
    """sound: the header's own checksum is right.

    commits: for each frame, whether it is of the present round and ends a transaction (None: of another round).
    cut: bytes after the last whole frame.
    """

    sound: bool
    commits: list[bool | None]
    cut: int

    def lost(self, valid: int) -> tuple[int, int]:
        """Frames of this round after the first `valid` ones, and the transactions that they end."""
        rest = [mark for mark in self.commits[valid:] if mark is not None]
        return len(rest), sum(rest)


def survey(path: Path) -> Wal | None:
    """What the log at `path` holds; None where there is none or an empty one."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(handle).st_size
        head = os.pread(handle, _HEADER.size, 0)
        if not head:
            return None
        if len(head) < _HEADER.size:
            return Wal(False, [], size)
        magic, _, page, _, salt_1, salt_2, sum_1, sum_2 = _HEADER.unpack(head)
        if magic not in {_BIG_ENDIAN, _LITTLE_ENDIAN} or _checksum(head[:24], magic) != (sum_1, sum_2):
            return Wal(False, [], 0)
        step = _FRAME.size + page
        commits: list[bool | None] = []
        for at in range(_HEADER.size, size - step + 1, step):
            _, database_size, one, two, _, _ = _FRAME.unpack(os.pread(handle, _FRAME.size, at))
            commits.append(database_size != 0 if (one, two) == (salt_1, salt_2) else None)
        return Wal(True, commits, (size - _HEADER.size) % step)
    finally:
        os.close(handle)


def _checksum(data: bytes, magic: int) -> tuple[int, int]:
    words = struct.unpack(f"{'>' if magic == _BIG_ENDIAN else '<'}{len(data) // 4}I", data)
    first = second = 0
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
