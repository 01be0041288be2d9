"""What an engine has called durable, noted on its own machine: a server that has lost the end is found out."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from workbench.errors import JournalError, JournalFailed

__all__ = ["Mark"]


class Mark:
    """A file with a journal's name, as a hash, and its newest durable record.

    It is not synced: after a power cut of the engine's machine it may lag behind, and never runs ahead.
    """

    def __init__(self, path: Path, journal: str) -> None:
        """journal: its url, without a password.  Raises JournalError where the file cannot be used."""
        self._name = hashlib.sha256(journal.encode()).hexdigest()[:16]
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(
                f"{path}: expected a file that can be written, found {error.strerror}"
            ) from error

    def read(self) -> int:
        """The newest record that was called durable; 0 for none, or where the file is another journal's."""
        name, _, sequence = os.pread(self._handle, 64, 0).decode(errors="replace").strip().partition(" ")
        return int(sequence) if name == self._name and sequence.strip().isdigit() else 0

    def write(self, sequence: int) -> None:
        """Note that records up to `sequence` are durable.  Raises JournalFailed (not final) where that fails."""
        try:
            self._write(sequence)
        except OSError as error:
            raise JournalFailed(
                f"{self._path}: cannot be written: {error.strerror}; make room, then have the journal resumed",
                "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "gone",
                final=False,
            ) from error

    def _write(self, sequence: int) -> None:
        os.pwrite(self._handle, b"%s %20d\n" % (self._name.encode(), sequence), 0)

    def close(self) -> None:
        """Closing twice changes nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
