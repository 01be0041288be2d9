"""What strategies' processes have compiled, as bytes that only another process with the same source ever opens."""

from __future__ import annotations

import hashlib
import logging
import sys
from functools import cache
from pathlib import Path
from typing import Final

import numba

import workbench.errors
from live.sandbox.frames import FrameError, FrameReader, put_frame

__all__ = ["KernelStore"]

MOST_BYTES: Final = 32 << 20  # for one source
_log = logging.getLogger(__name__)


@cache
def _version() -> str:
    """Digest of whatever compiled code depends on besides the strategy: the rulebook, the contract, the compiler."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    package = Path(workbench.errors.__file__).parent
    for path in sorted([*(package / "core").rglob("*.py"), *(package / "strategy").rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _name(source: str) -> str:
    return hashlib.sha256(f"{_version()}\n{source}".encode("utf-8", "surrogatepass")).hexdigest()


class KernelStore:
    """folder: where to keep them, made for its owner alone; None for no longer than this object lives."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._kept: dict[str, list[bytes]] = {}

    def of(self, source: str) -> list[bytes]:
        """What is kept for this source."""
        return self._of(_name(source))

    def _of(self, name: str) -> list[bytes]:
        if name not in self._kept:
            self._kept[name] = self._read(name)
        return self._kept[name]

    def keep(self, source: str, data: bytes) -> None:
        """Add one; nothing is added beyond MOST_BYTES."""
        name = _name(source)
        kept = self._of(name)
        if sum(map(len, kept)) + len(data) > MOST_BYTES:
            return
        kept.append(data)
        if self._folder is not None:
            self._write(self._folder / name, data)

    def _read(self, name: str) -> list[bytes]:
        """What the file holds up to the first entry that is not what was written."""
        if self._folder is None:
            return []
        try:
            frames = FrameReader().feed((self._folder / name).read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, FrameError) as error:
            _log.warning("%s: kernels are compiled anew: %s", self._folder / name, error)
            return []
        found: list[bytes] = []
        for frame in frames:
            digest, data = bytes(frame[:32]), bytes(frame[32:])
            if hashlib.sha256(data).digest() != digest:
                break
            found.append(data)
        return found

    def _write(self, path: Path, data: bytes) -> None:
        frame = bytearray()
        try:
            put_frame(frame, hashlib.sha256(data).digest() + data)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(frame)
        except (OSError, FrameError) as error:  # the next start compiles again
            _log.warning("%s: a kernel is not kept: %s", path, error)
