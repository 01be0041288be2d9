"""Strategy scripts that may be started: those in the strategies' folder, and those that were uploaded.

Nothing is executed here, and a file is parsed once.  May be asked in several threads at once.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from live.scripts import LARGEST_SCRIPT, Script, read_script
from workbench.errors import StrategyLoadError

__all__ = ["LARGEST_SCRIPT", "Catalog", "Script", "read_file", "read_script"]

_SKIPPED: Final = ("__init__.py",)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_ABOUT: Final = "about.json"  # beside an upload: the script, its text left out


class Catalog:
    """Scripts of `folder` (its subfolder chaos holds those that misbehave) and of `uploads`."""

    def __init__(self, folder: Path, uploads: Path) -> None:
        self.folder = folder
        self.uploads = uploads
        self._started = uploads.parent / "started"
        self._seen: dict[Path, tuple[tuple[int, int], Script]] = {}

    def scripts(self) -> list[Script]:
        """All scripts by name, the uploaded ones last; what cannot be used says so in `broken`."""
        found: list[Script] = []
        for folder, chaos in ((self.folder, False), (self.folder / "chaos", True)):
            if folder.is_dir():
                named = (path for path in sorted(folder.glob("*.py")) if path.name not in _SKIPPED)
                found += [self._listed(path, chaos=chaos, uploaded=False) for path in named]
        if self.uploads.is_dir():
            paths = sorted(self.uploads.glob("*/*.py"), key=lambda path: path.stat().st_mtime_ns)
            found += [self._listed(path, chaos=False, uploaded=True) for path in paths]
        return found

    def _listed(self, path: Path, *, chaos: bool, uploaded: bool) -> Script:
        """What is at `path`; read again only where the file has changed."""
        name = path.name
        try:
            status = path.lstat()
            state = status.st_mtime_ns, status.st_size
            known = self._seen.get(path)
            if known is not None and known[0] == state:
                return known[1]
            data = _bytes_of(path)
            script = _about(path, data) if uploaded else None
            script = script or read_script(name, data, chaos=chaos, uploaded=uploaded)
        except (StrategyLoadError, OSError) as error:
            return Script(name, "", "", chaos=chaos, uploaded=uploaded, broken=str(error))
        self._seen[path] = state, script
        return script

    def path_of(self, script: Script) -> Path:
        """Where the script of this name lies in the strategies' folder, or lay."""
        beside = self.folder / "chaos" / script.name
        return beside if script.chaos and beside.exists() else self.folder / script.name

    def find(self, wanted: str) -> Script:
        """The script with this file name, class name or source hash (of at least 12 digits); the newest upload first.

        By its whole hash also what was started once, as what is to run again while its file is another already.
        Raises StrategyLoadError: there is none, or it cannot be used.
        """
        scripts = self.scripts()
        for script in reversed(scripts):
            if _means(script, wanted):
                if script.broken:
                    raise StrategyLoadError(script.broken)
                return script
        if kept := self._once(wanted):
            return kept[0]
        known = ", ".join(sorted({script.name.removesuffix(".py") for script in scripts}))
        raise StrategyLoadError(f"no strategy {wanted!r:.100} is available; there is: {known}")

    def knows(self, wanted: str) -> bool:
        """Whether `find` means a script by this, be it usable or not."""
        return any(_means(script, wanted) for script in self.scripts())

    def store(self, name: str, data: bytes) -> Script:
        """Keep an uploaded script under its hash, whole or not at all.  Raises StrategyLoadError."""
        script = read_script(name, data, uploaded=True)
        self.keep(script)
        return script

    def keep(self, script: Script) -> None:
        """Keep a script that was read before, with what is known of it."""
        self._keep_in(self.uploads, script)

    def keep_started(self, script: Script) -> None:
        """Keep what is being started, so that a restart finds it also where its file has changed since."""
        if not (self._started / script.source_hash / script.name).exists():
            self._keep_in(self._started, script)

    def started(self, source_hash: str, name: str = "") -> Script:
        """The script of this hash and name, from the folders or from those that were started once.

        Another name will do where that is gone, or none is given.  Raises StrategyLoadError.
        """
        for script in self.scripts():
            if (script.source_hash, script.name) == (source_hash, name):
                return script
        kept = self._once(source_hash)
        named = [script for script in kept if script.name == name]
        if named or not self.knows(source_hash):
            found = named or kept
            if found:
                return found[0]
        return self.find(source_hash)

    def _once(self, source_hash: str) -> list[Script]:
        """What was started once, by its whole hash."""
        if not _HASH.fullmatch(source_hash):
            return []
        found = [_started(path) for path in self._started.glob(f"{source_hash}/*.py")]
        return [script for script in found if script is not None]

    @staticmethod
    def _keep_in(place: Path, script: Script) -> None:
        folder = place / script.source_hash
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / _ABOUT, msgspec.json.encode(msgspec.structs.replace(script, source="")))
            _write(folder / script.name, script.source.encode())
        except OSError as error:
            raise StrategyLoadError(f"{script.name} cannot be kept in {place}: {error.strerror}") from error


def _means(script: Script, wanted: str) -> bool:
    by_hash = len(wanted) >= 12 and script.source_hash.startswith(wanted)
    return by_hash or wanted in (script.name, script.name.removesuffix(".py"), script.class_name)


def read_file(path: Path, *, chaos: bool = False) -> Script:
    """The script at `path`; one that cannot be used says so in `broken`."""
    try:
        return read_script(path.name, _bytes_of(path), chaos=chaos)
    except (StrategyLoadError, OSError) as error:
        return Script(path.name, "", "", chaos=chaos, broken=str(error))


def _about(path: Path, data: bytes) -> Script | None:
    """What was kept of an upload beside it, so that nobody parses it anew; None where that is not there or not its."""
    try:
        known = msgspec.json.decode((path.parent / _ABOUT).read_bytes(), type=Script)
        source = data.decode("utf-8")
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    same = known.name == path.name and hashlib.sha256(data).hexdigest() == known.source_hash
    return msgspec.structs.replace(known, source=source) if same else None


def _started(path: Path) -> Script | None:
    """What was started once; None where it cannot be read any more."""
    try:
        return _about(path, _bytes_of(path))
    except (OSError, StrategyLoadError):
        return None


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _bytes_of(path: Path) -> bytes:
    """A regular file's content, at most one byte more than a script may have.  Raises OSError, StrategyLoadError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not os.path.isfile(path):
            raise StrategyLoadError(f"{path.name}: expected a file")
        return file.read(LARGEST_SCRIPT + 1)
