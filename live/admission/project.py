"""The project's own files that strategies import: they must be those that were certified, and those that are loaded.

The processes of strategies come from a host that has loaded much of the project when the engine began. So a file counts
only as long as it has not been touched since: who edits one has to start the engine again, even where he puts it back.
Whoever may write the engine's files may do anything; this is for edits and upgrades that nobody has certified.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from workbench.certificates import PROJECT, project_file
from workbench.errors import CertificateError

__all__ = ["ProjectFiles"]

_ROOMS: Final = ("workbench", "live")


class _State(NamedTuple):
    """What changes with any write: inode, size, and the times of the content and of the inode."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


class ProjectFiles:
    """States of all files of the project, as of now."""

    def __init__(self) -> None:
        self._began: dict[Path, _State] = {}
        for room in _ROOMS:
            for folder, _, names in os.walk(PROJECT / room):
                for name in names:
                    if name.endswith(".py"):
                        path = Path(folder, name)
                        self._began[path] = _state(path)

    def check(self, sources: Mapping[str, str], script: str, beside: Path | None) -> None:
        """Raise CertificateError where a file is not the certified one, or not what may be loaded already.

        sources: SHA-256 (hex) by name, of a certificate.  script: the one among them that is no file here.
        beside: the folder that the script lies in; None for one that was sent.
        """
        for name, certified in sources.items():
            if name != script:
                self._check(name, certified, beside)

    def _check(self, name: str, certified: str, beside: Path | None) -> None:
        path = project_file(name)
        if path is None:
            path = self._beside(name, beside)
        before = self._untouched(name, path)
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise CertificateError(f"{name}, which it imports, is not here: {error.strerror}") from error
        if self._untouched(name, path) != before:
            raise CertificateError(f"{name}, which it imports, changed while it was looked at")
        if found != certified:
            raise CertificateError(
                f"{name}, which it imports, is not what was certified (SHA-256 {found[:12]}, certified "
                f"{certified[:12]}); certify again"
            )

    def _beside(self, name: str, beside: Path | None) -> Path:
        inside = name.removeprefix("./")
        if beside is None or name == inside or ".." in inside.split("/"):
            raise CertificateError(
                f"it imports {name}, which this engine does not have; write it into the script"
            )
        return beside / inside

    def _untouched(self, name: str, path: Path) -> _State | None:
        """The state of a file, if it may be known: that of the beginning.  Raises CertificateError."""
        try:
            state = _state(path)
        except OSError as error:
            raise CertificateError(f"{name}, which it imports, is not here: {error.strerror}") from error
        began = (
            self._began.setdefault(path, state)
            if PROJECT not in path.parents
            else self._began.get(path, state)
        )
        if began != state:
            raise CertificateError(
                f"{name}, which it imports, was touched since the engine began, so what runs may be another; "
                "start the engine again"
            )
        return state


def _state(path: Path) -> _State:
    found = path.stat()
    return _State(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
