"""Strategies from files, dotted names, classes and notebook cells, each checked before it is handed out.

Every failure is a StrategyLoadError of one line that begins with file and line, as in
`strategies/mine.py:12: NameError: name 'np' is not defined`.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import linecache
import os
import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType, TracebackType
from typing import Any

from workbench.errors import StrategyLoadError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.folders import script_named

__all__ = ["StrategyInfo", "available", "load_source", "load_strategy", "source_hash"]

_HASH_ATTRIBUTE = "__strategy_source_hash__"
_NAMES = 1024  # module names for loads of equal content; beyond them the newest takes the last name over


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """One script of a folder; `broken` says in one line why it cannot be used, and the rest is then empty."""

    name: str
    path: Path
    class_name: str = ""
    version: str = ""
    description: str = ""
    parameters: Mapping[str, Any] = MappingProxyType({})
    sizing: str = ""
    source_hash: str = ""
    broken: str | None = None


def load_strategy(
    source: str | os.PathLike[str] | type[TradingStrategy], name: str | None = None
) -> type[TradingStrategy]:
    """The strategy class of a script (path of a .py file, or its name in strategies/, such as "sma_cross"), of
    `package.module:Class`, or `source` if a class.

    A script is executed anew at each call, in a module of its own named after its content: versions of one file
    live side by side, and no state of an earlier load is seen. Objects of its classes can be pickled; another process
    can read them once it has loaded the same content.
    name: which class, where there are several.  Raises StrategyLoadError.
    """
    if isinstance(source, type):
        return _usable(source, f"{source.__module__}.{source.__qualname__}")
    text = os.fspath(source)
    if isinstance(source, str) and _is_dotted(text):
        return _load_dotted(text, name)
    if isinstance(source, str) and text.isidentifier() and not Path(text).exists():
        text = str(script_named(text))
    return _from_code(_read(Path(text)), text, text, name)


def load_source(code: str, filename: str = "<cell>", name: str | None = None) -> type[TradingStrategy]:
    """The strategy class that `code` defines, such as the text of a notebook cell.

    filename: what errors and tracebacks call it.  name: which class, where there are several.
    Raises StrategyLoadError.
    """
    # Cells share a name; the text of each must stay findable for the tracebacks of its own version.
    unnamed = filename.startswith("<") and filename.endswith(">")
    key = f"{filename[:-1]} {_digest(code)[:8]}>" if unnamed else filename
    return _from_code(code, filename, key, name)


def source_hash(strategy: type[TradingStrategy]) -> str:
    """SHA-256 (hex) of the whole source text that `strategy` was loaded from: the identity of a version.

    Raises StrategyLoadError where there is no source text, as for a class typed into a console.
    """
    module = sys.modules.get(strategy.__module__)
    kept: str | None = getattr(strategy, _HASH_ATTRIBUTE, None) if _HASH_ATTRIBUTE in vars(strategy) else None
    if kept is not None:
        return kept
    try:
        if module is None or module.__name__ == "__main__":
            return _digest(inspect.getsource(strategy))
        return _digest(inspect.getsource(module))
    except (OSError, TypeError) as error:
        raise StrategyLoadError(
            f"{strategy.__module__}.{strategy.__qualname__}: its source text cannot be found; save it as a .py file "
            "and load that, or load the text with load_source"
        ) from error


def available(folder: str | os.PathLike[str]) -> list[StrategyInfo]:
    """The scripts of `folder` in order of name, broken ones with their reason, names beginning with `_` left out.

    Each script is executed, so ask this only of folders whose scripts may run in this process.
    Raises StrategyLoadError if there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise StrategyLoadError(f"{root}: no such folder; expected one with strategy scripts (.py)")
    return [_describe(path) for path in sorted(root.glob("*.py")) if not path.name.startswith("_")]


def _describe(path: Path) -> StrategyInfo:
    try:
        strategy = load_strategy(path)
    except StrategyLoadError as error:
        return StrategyInfo(name=path.stem, path=path, broken=str(error))
    sys.modules.pop(strategy.__module__)  # a listing, asked for again and again, must not use up the names
    return StrategyInfo(
        name=path.stem,
        path=path,
        class_name=strategy.__name__,
        version=str(strategy.VERSION),
        description=(inspect.getdoc(strategy) or "").partition("\n")[0],
        parameters=MappingProxyType(dict(strategy.PARAMETERS or {})),
        sizing=strategy.SIZING,
        source_hash=source_hash(strategy),
    )


def _is_dotted(text: str) -> bool:
    return ":" in text and not text.endswith(".py") and "/" not in text and os.sep not in text


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> str:
    """The text of a script; raises StrategyLoadError."""
    if not path.exists():
        raise StrategyLoadError(
            f"{path}: no such file; expected the path of a strategy script (.py) or package.module:Class"
        )
    if path.suffix != ".py" or not path.is_file():
        kind = "a folder" if path.is_dir() else f"a {path.suffix or 'nameless'} file"
        raise StrategyLoadError(f"{path}: expected a Python script (.py), found {kind}")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StrategyLoadError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise StrategyLoadError(
            f"{path}:{line}: not UTF-8 text (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        ) from error


def _from_code(code: str, shown: str, key: str, name: str | None) -> type[TradingStrategy]:
    """Execute `code` in a fresh module and pick its strategy class.

    shown: the file name in messages.  key: the file name in tracebacks.
    """
    compiled = _compile(code, shown, key)
    digest = _digest(code)
    stem = re.sub(r"\W+", "_", Path(shown).stem).strip("_")
    module = ModuleType(_free_name(f"strategy_{stem}_{digest[:16]}"))
    module.__file__ = key
    linecache.cache[key] = (len(code), None, code.splitlines(keepends=True), key)
    previous = sys.modules.get(module.__name__)
    # Dataclasses and pickle look a class's module up here, the former while the body runs.
    sys.modules[module.__name__] = module
    try:
        _execute(compiled, module, shown, key)
        strategy = _only_strategy(module, shown, name)
    except BaseException:
        _put_back(module.__name__, previous)
        raise
    setattr(strategy, _HASH_ATTRIBUTE, digest)
    return strategy


def _free_name(base: str) -> str:
    """`base`, or a numbered form of it while an earlier load of the same content holds that name."""
    names = [base, *(f"{base}_{number}" for number in range(2, _NAMES + 1))]
    return next((name for name in names if name not in sys.modules), names[-1])


def _put_back(module_name: str, module: ModuleType | None) -> None:
    if module is None:
        sys.modules.pop(module_name, None)
    else:
        sys.modules[module_name] = module


def _compile(code: str, shown: str, key: str) -> CodeType:
    try:
        return compile(code, key, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or code.count("\n", 0, max(code.find("\0"), 0)) + 1
        raise StrategyLoadError(f"{shown}:{line}: does not parse: {error.msg}") from error
    except (RecursionError, MemoryError, OverflowError, ValueError) as error:
        raise StrategyLoadError(f"{shown}:1: does not parse: {_one_line(error)}") from error


def _execute(compiled: CodeType, module: ModuleType, shown: str, key: str) -> None:
    """Run the body of a script; what it raises, SystemExit too, becomes one line with the line in this script."""
    try:
        exec(compiled, vars(module))  # noqa: S102 - running the script is what a loader is for
    except (Exception, SystemExit) as error:
        line = _innermost_line(error.__traceback__, key) or 1
        raise StrategyLoadError(f"{shown}:{line}: {_one_line(error)}") from error


def _innermost_line(trace: TracebackType | None, key: str) -> int | None:
    lines = [number for frame, number in traceback.walk_tb(trace) if frame.f_code.co_filename == key]
    return lines[-1] if lines else None


def _one_line(error: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(error)[-1:]).split())


def _load_dotted(text: str, name: str | None) -> type[TradingStrategy]:
    """The class of `package.module:Class`, by an ordinary import (once per process, unlike a script)."""
    module_name, _, class_name = text.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        frames = [(f.f_code.co_filename, n) for f, n in traceback.walk_tb(error.__traceback__)]
        inside = [place for place in frames if "importlib" not in place[0] and place[0] != __file__]
        where = f"{inside[-1][0]}:{inside[-1][1]}: " if inside else ""
        raise StrategyLoadError(f"{where}{text} cannot be imported: {_one_line(error)}") from error
    shown = getattr(module, "__file__", None) or module_name
    if not class_name:
        return _only_strategy(module, shown, name)
    found = getattr(module, class_name, None)
    if found is None:
        raise StrategyLoadError(f"{shown}:1: no class {class_name!r}; {_listed(_defined(module))}")
    return _usable(found, f"{shown}:{_line(found)}: {class_name}")


def _defined(module: ModuleType) -> list[type[TradingStrategy]]:
    """The strategy classes written in this very module, in order of line; imported ones do not count."""
    classes = {v for v in vars(module).values() if isinstance(v, type) and issubclass(v, TradingStrategy)}
    own = [strategy for strategy in classes if strategy.__module__ == module.__name__]
    return sorted(own, key=lambda strategy: (_line(strategy), strategy.__qualname__))


def _only_strategy(module: ModuleType, shown: str, name: str | None) -> type[TradingStrategy]:
    classes = _defined(module)
    if name is not None:
        named = [strategy for strategy in classes if strategy.__name__ == name]
        if not named:
            raise StrategyLoadError(f"{shown}:1: no strategy class {name!r}; {_listed(classes)}")
        return _usable(named[0], f"{shown}:{_line(named[0])}: {name}")
    if not classes:
        raise StrategyLoadError(
            f"{shown}:1: no strategy class; expected one `class Mine(TradingStrategy)` written in this file"
        )
    complete = [strategy for strategy in classes if not inspect.isabstract(strategy)]
    if len(complete) > 1:
        names = " and ".join(f"{strategy.__name__} (line {_line(strategy)})" for strategy in complete)
        count = "two" if len(complete) == 2 else str(len(complete))
        raise StrategyLoadError(
            f"{shown}:{_line(complete[1])}: {count} strategy classes, {names}; keep one or choose with name="
        )
    chosen = complete[0] if complete else classes[0]
    return _usable(chosen, f"{shown}:{_line(chosen)}: {chosen.__name__}")


def _listed(classes: list[type[TradingStrategy]]) -> str:
    return f"it has: {', '.join(strategy.__name__ for strategy in classes) or 'none'}"


def _line(found: object) -> int:
    return int(getattr(found, "__firstlineno__", 1))


def _usable(found: object, label: str) -> type[TradingStrategy]:
    """`found` if it is a strategy class that can be instantiated; raises StrategyLoadError."""
    if not isinstance(found, type) or not issubclass(found, TradingStrategy):
        raise StrategyLoadError(f"{label} is not a strategy; expected a subclass of TradingStrategy")
    missing = sorted(found.__abstractmethods__)
    if missing:
        raise StrategyLoadError(f"{label} does not define {', '.join(missing)}; a strategy must")
    return found
