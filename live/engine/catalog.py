"""Strategy scripts that may be started: those in the strategies' folder, and those that were uploaded.

Nothing is executed here: what a script says of itself is read from its syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import Final

import msgspec

from workbench.errors import StrategyLoadError

__all__ = ["LARGEST_SCRIPT", "Catalog", "Script", "read_script"]

LARGEST_SCRIPT: Final = 256 * 1024  # bytes
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\.py")
_SKIPPED: Final = ("__init__.py",)


class Script(msgspec.Struct, frozen=True):
    """One script.  source_hash: SHA-256 (hex) of its text.  chaos: it misbehaves on purpose.

    class_name: of its one strategy class; broken: why it cannot be used, and the rest is then empty.
    """

    name: str
    source: str
    source_hash: str
    class_name: str = ""
    version: str = "1.0.0"
    description: str = ""
    chaos: bool = False
    uploaded: bool = False
    broken: str = ""


def read_script(name: str, data: bytes, *, chaos: bool = False, uploaded: bool = False) -> Script:
    """A script out of its bytes.

    Raises StrategyLoadError: a name that cannot be, not UTF-8, no Python, not exactly one strategy class, too long.
    """
    if not _NAME.fullmatch(name) or unicodedata.normalize("NFKC", name) != name:
        raise StrategyLoadError(
            f"a script's name is lower-case letters, digits and _ and ends in .py, as momentum.py; found {name!r:.100}"
        )
    if len(data) > LARGEST_SCRIPT:
        raise StrategyLoadError(
            f"{name}: a script may have {LARGEST_SCRIPT:,} bytes, found {len(data):,}; move data out of it"
        )
    try:
        source = data.decode("utf-8-sig")
        tree = ast.parse(source, name)
    except UnicodeDecodeError as error:
        raise StrategyLoadError(f"{name}: expected text in UTF-8, found {error.reason}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise StrategyLoadError(f"{name}{where}: expected Python, found {why}") from error
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_strategy(node)]
    if len(found) != 1:
        names = ", ".join(node.name for node in found) or "none"
        raise StrategyLoadError(f"{name}: expected exactly one strategy class, found {names}")
    (node,) = found
    return Script(
        name,
        source,
        hashlib.sha256(source.encode()).hexdigest(),
        node.name,
        _version(node),
        ast.get_docstring(node) or "",
        chaos,
        uploaded,
    )


def _is_strategy(node: ast.ClassDef) -> bool:
    """Whether one of its bases is called a strategy, as TradingStrategy, CompiledStrategy or MisbehavingStrategy."""
    names = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
    return any(name.endswith("Strategy") for name in names)


def _version(node: ast.ClassDef) -> str:
    for statement in node.body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        named = any(isinstance(target, ast.Name) and target.id == "VERSION" for target in targets)
        value = getattr(statement, "value", None)
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return "1.0.0"


class Catalog:
    """Scripts of `folder` (its subfolder chaos holds those that misbehave) and of `uploads`."""

    def __init__(self, folder: Path, uploads: Path) -> None:
        self.folder = folder
        self.uploads = uploads

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
        name = path.name
        try:
            return read_script(name, _bytes_of(path), chaos=chaos, uploaded=uploaded)
        except (StrategyLoadError, OSError) as error:
            return Script(name, "", "", chaos=chaos, uploaded=uploaded, broken=str(error))

    def find(self, wanted: str) -> Script:
        """The script with this file name, class name or source hash (of at least 12 digits); the newest upload first.

        Raises StrategyLoadError: there is none, or it cannot be used.
        """
        scripts = self.scripts()
        for script in reversed(scripts):
            by_hash = len(wanted) >= 12 and script.source_hash.startswith(wanted)
            stem = script.name.removesuffix(".py")
            if by_hash or wanted in (script.name, stem, script.class_name):
                if script.broken:
                    raise StrategyLoadError(script.broken)
                return script
        known = ", ".join(sorted({script.name.removesuffix(".py") for script in scripts}))
        raise StrategyLoadError(f"no strategy {wanted!r:.100} is available; there is: {known}")

    def store(self, name: str, data: bytes) -> Script:
        """Keep an uploaded script under its hash, whole or not at all.  Raises StrategyLoadError."""
        script = read_script(name, data, uploaded=True)
        folder = self.uploads / script.source_hash
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(script.source.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return script


def _bytes_of(path: Path) -> bytes:
    """A regular file's content, at most one byte more than a script may have.  Raises OSError, StrategyLoadError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not os.path.isfile(path):
            raise StrategyLoadError(f"{path.name}: expected a file")
        return file.read(LARGEST_SCRIPT + 1)
