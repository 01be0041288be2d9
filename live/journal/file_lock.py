"""One engine per journal file: a lock of the operating system beside it, which dies with its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from workbench.errors import JournalError, JournalLocked

__all__ = ["FileLock"]

# Locks of one process do not exclude each other, so it keeps a list of its own.
_held: Final[set[str]] = set()


class FileLock:
    """The file holds two numbers: the holder's process id, and the newest record that it has called durable.

    The second is not synced: it may lag behind after a power cut, but a journal that ends before it has lost records.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1
        self._inode = -1
        self._left = 0

    def acquire(self) -> int:
        """Lock, and return the number that the holder before has left.  Raises JournalLocked naming the holder."""
        if self._handle >= 0:
            return self._left
        name = str(self.path)
        if name in _held:
            raise JournalLocked(self._refusal(str(os.getpid())))
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(
                f"{self.path}: expected a file that can be written, found {error.strerror}; a journal is locked by it"
            ) from error
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 64, 0).decode(errors="replace").split()
            os.close(handle)
            raise JournalLocked(self._refusal(holder[0] if holder else "unknown")) from error
        self._handle, self._inode = handle, os.fstat(handle).st_ino
        _held.add(name)
        left = os.pread(handle, 64, 0).split()
        self._left = int(left[1]) if len(left) == 2 and left[1].isdigit() else 0
        self.mark(self._left)
        return self._left

    def mark(self, sequence: int) -> None:
        """Note that records up to `sequence` are durable."""
        os.pwrite(self._handle, b"%10d %20d\n" % (os.getpid(), sequence), 0)

    def held(self) -> bool:
        """Whether the locked file is still the one at its path."""
        try:
            return os.stat(self.path).st_ino == self._inode
        except OSError:
            return False

    def release(self) -> None:
        """Give the lock back.  The file stays: removing it would let two engines lock two files."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            _held.discard(str(self.path))

    def _refusal(self, holder: str) -> str:
        journal = str(self.path).removesuffix(".lock")
        return f"{journal}: in use by the engine of process {holder}; stop that one, or name another journal"
