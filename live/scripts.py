"""A strategy script as text: what it says of itself is read from its syntax tree; nothing is executed.

`python -m live.scripts NAME <FILE` does that in a process of its own, with little time and memory, for text that nobody
vouches for: a quarter of a megabyte can keep the parser busy for seconds.
"""

from __future__ import annotations

import ast
import hashlib
import re
import resource
import sys
import unicodedata
from typing import Final

import msgspec

from workbench.errors import StrategyLoadError

__all__ = ["LARGEST_SCRIPT", "Script", "constant_of", "read_script"]

LARGEST_SCRIPT: Final = 256 * 1024  # bytes
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\.py")


class Script(msgspec.Struct, frozen=True):
    """One script.  source_hash: SHA-256 (hex) of its text.

    chaos: it misbehaves on purpose: it lies among those that do, or its class says how (chaos_type).
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
    chaos_type: str = ""


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
    chaos_type = _text(node, "CHAOS_TYPE", "")
    return Script(
        name,
        source,
        hashlib.sha256(source.encode()).hexdigest(),
        node.name,
        _text(node, "VERSION", "1.0.0"),
        ast.get_docstring(node) or "",
        chaos or bool(chaos_type),
        uploaded,
        chaos_type=chaos_type or (name.removesuffix(".py") if chaos else ""),
    )


def _is_strategy(node: ast.ClassDef) -> bool:
    """Whether one of its bases is called a strategy, as TradingStrategy, CompiledStrategy or MisbehavingStrategy."""
    names = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
    return any(name.endswith("Strategy") for name in names)


def constant_of(source: str, class_name: str, name: str) -> object:
    """What a class of a script sets `name` to, where that is written as a constant; None elsewhere."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return _constant(node, name)
    return None


def _text(node: ast.ClassDef, name: str, usual: str) -> str:
    value = _constant(node, name)
    return value if isinstance(value, str) else usual


def _constant(node: ast.ClassDef, name: str) -> object:
    for statement in node.body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        value = getattr(statement, "value", None)
        if isinstance(value, ast.expr) and any(getattr(target, "id", "") == name for target in targets):
            try:
                return ast.literal_eval(value)
            except (ValueError, TypeError, MemoryError, RecursionError):  # worked out, not written down
                return None
    return None


_CPU_S: Final = 10
_MEMORY: Final = 1 << 30  # bytes of address space
_REFUSED: Final = 3


def _main() -> int:
    """Write the script on standard input as JSON, its text left out; or why it cannot be used, and leave with 3."""
    for limit, most in (
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        script = read_script(sys.argv[-1], sys.stdin.buffer.read(LARGEST_SCRIPT + 1), uploaded=True)
    except StrategyLoadError as error:
        sys.stdout.write(str(error))
        return _REFUSED
    sys.stdout.buffer.write(msgspec.json.encode(msgspec.structs.replace(script, source="")))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
