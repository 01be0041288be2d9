"""Which files count as a strategy's source: the script, and what it imports from the project, and so on.

What counts, and is named in a certificate:

- the script, by its file name;
- files beside the script that it imports, as `./helpers.py`;
- modules of `workbench`, `strategies` and `live` that it imports, as `workbench/strategy/compiled.py`, with the
  `__init__.py` of each package on the way; names that such a package loads on demand count with their module;
- what all of these import, in turn.

What does not count: other packages (their versions stand in the certificate), and what is imported for type checkers
alone. An import by a name that is made up at run time cannot be followed: a script that does it is refused.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from workbench.errors import CertificateError

__all__ = ["PROJECT", "closure_of", "project_file", "source_closure"]

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The folder that `workbench` lies in."""
_TOPS: Final = ("workbench", "strategies", "live")
_BESIDE: Final = "./"
_MADE_UP: Final = ("__import__", "exec", "eval", "compile", "__builtins__", "__loader__", "__spec__")
_IMPORTERS: Final = ("importlib", "runpy", "imp", "pkgutil", "builtins", "marshal")
_INSIDE: Final = ("__import__", "exec", "import_module", "load_module", "exec_module")  # of whatever object
_ALL: Final = "*"


class _Asked(NamedTuple):
    """A module by its dotted name, and a name that is taken out of it ("" for the module itself)."""

    module: str
    name: str = ""
    beside: str = ""  # prefix of the folder that is looked into first; "" for the project alone


def source_closure(path: Path | str) -> dict[str, str]:
    """SHA-256 (hex) of a script's text and of the files of the project that it imports, by name; the script first.

    Raises CertificateError where a file cannot be read or followed.
    """
    script = Path(path)
    return closure_of(script.name, _text(script), script.parent)


def closure_of(name: str, source: str, folder: Path | None = None) -> dict[str, str]:
    """The same for the text of a script.  folder: beside which it lies; None for that of a notebook cell."""
    walk = _Walk(folder)
    walk.found[name] = hashlib.sha256(source.encode()).hexdigest()
    walk.follow(_parsed(name, source), "", _BESIDE if folder is not None else "", own=True)
    walk.finish()
    head, *rest = walk.found
    return {key: walk.found[key] for key in (head, *sorted(rest))}


def project_file(name: str) -> Path | None:
    """The file of the project that a closure calls `name`; None for one beside the script, or no such name."""
    parts = name.split("/")
    if parts[0] not in _TOPS or not name.endswith(".py") or {"", ".", ".."} & set(parts):
        return None
    return PROJECT / name


class _Walk:
    """found: hash by name.  _done: what has been asked of which module."""

    def __init__(self, folder: Path | None) -> None:
        self.found: dict[str, str] = {}
        self._folder = folder
        self._trees: dict[str, ast.Module] = {}
        self._done: set[_Asked] = set()
        self._waiting: list[_Asked] = []

    def finish(self) -> None:
        while self._waiting:
            self._take(self._waiting.pop())

    def follow(self, tree: ast.Module, package: str, beside: str, *, own: bool) -> None:
        """Ask for what a module imports.  package: for its relative imports.  own: nothing may be made up in it."""
        aliases: dict[str, str] = {}
        for node in _running(tree):
            if own:
                _check_followed(node)
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._ask(_Asked(alias.name, "", beside))
                    aliases[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                module = _absolute(node, package)
                for alias in node.names:
                    self._ask(_Asked(module, alias.name, beside))
                    aliases[alias.asname or alias.name] = f"{module}.{alias.name}"
        for node in _running(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in aliases
            ):
                self._ask(_Asked(aliases[node.value.id], node.attr, beside))

    def _ask(self, asked: _Asked) -> None:
        if asked.module and asked not in self._done:
            self._done.add(asked)
            self._waiting.append(asked)

    def _take(self, asked: _Asked) -> None:
        """Count the module that is asked for, and the packages that it lies in; and where its name comes from."""
        parts = asked.module.split(".")
        for depth in range(1, len(parts)):
            self._count(".".join(parts[:depth]), asked.beside)
        tree = self._count(asked.module, asked.beside)
        if not asked.name:
            return
        inner = f"{asked.module}.{asked.name}"
        if self._path(inner, asked.beside) is not None:
            self._ask(_Asked(inner, "", asked.beside))
        elif tree is not None:
            self._on_demand(tree, asked)

    def _on_demand(self, tree: ast.Module, asked: _Asked) -> None:
        """A package that loads names when they are asked for says where they are to type checkers alone."""
        for node in _for_type_checkers(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if asked.name in (alias.asname or alias.name, _ALL):
                        self._ask(_Asked(_absolute(node, asked.module), alias.name))

    def _count(self, module: str, beside: str) -> ast.Module | None:
        """Hash a module of the project and follow it; its tree, or None where it is none of the project's."""
        found = self._path(module, beside)
        if found is None:
            return None
        name, path = found
        if name not in self._trees:
            text = _text(path)
            self.found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            self._trees[name] = _parsed(name, text)
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            near = name.startswith(_BESIDE)
            self.follow(self._trees[name], package, _BESIDE if near else "", own=near)
        return self._trees[name]

    def _path(self, module: str, beside: str) -> tuple[str, Path] | None:
        stem = module.replace(".", "/")
        if not all(part.isidentifier() for part in module.split(".")):
            return None
        for tail in (f"{stem}/__init__.py", f"{stem}.py"):
            if beside and self._folder is not None and (self._folder / tail).is_file():
                return f"{_BESIDE}{tail}", self._folder / tail
            if module.split(".")[0] in _TOPS and (PROJECT / tail).is_file():
                return tail, PROJECT / tail
        return None


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _check_followed(node: ast.AST) -> None:
    """Raises CertificateError where code is imported or made in a way that cannot be followed."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [a.name for a in node.names if a.name.partition(".")[0] in _IMPORTERS]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""] if (node.module or "").partition(".")[0] in _IMPORTERS else []
    elif isinstance(node, ast.Name) and node.id in _MADE_UP:
        names = [node.id]
    elif isinstance(node, ast.Attribute) and node.attr in _INSIDE:
        names = [node.attr]
    if names:
        raise CertificateError(
            f"line {getattr(node, 'lineno', 1)}: {names[0]} brings in code that a certificate cannot name; "
            "write import statements"
        )


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _checks_types(node):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _for_type_checkers(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _checks_types(node):
            for statement in node.body:
                yield from ast.walk(statement)


def _checks_types(node: ast.If) -> bool:
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _parsed(name: str, text: str) -> ast.Module:
    try:
        return ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CertificateError(f"{name}: expected Python, found {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CertificateError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CertificateError(f"{path}: expected text in UTF-8, found {error.reason}") from error
