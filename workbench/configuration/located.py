"""Configuration files as a tree in which every value knows its file, line and dotted key.

YAML is read from its node graph, not into plain dicts: line numbers stay exact, duplicate keys are seen, and
words such as `NO` or `off` stay what they are until the field that they belong to says what they mean. Tags,
merge keys and anything of absurd size are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isinf
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from workbench.errors import ConfigError

__all__ = ["Located", "Scalar", "load_yaml", "locate"]

Scalar = None | bool | int | float | str

_MAX_BYTES: Final = 1_000_000
_MAX_VALUES: Final = 20_000
_MAX_DEPTH: Final = 16
_NUMBER: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, Scalar]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".nan": float("nan"),
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
}


@dataclass(frozen=True, slots=True)
class Located:
    """One value of a configuration: a scalar, a list or a table, and where it stands.

    value: None, bool, int, float or str; a tuple of Located; a dict of Located in the order of the file.
    key: dotted path from the top.  source: the file as it was named, "" for values from code.  line: from 1,
    0 for values from code.  text: a scalar as it was written.  quoted: whether it stood in quotes.
    """

    value: Scalar | tuple[Located, ...] | dict[str, Located]
    key: str = ""
    source: str = ""
    line: int = 0
    text: str = ""
    quoted: bool = False

    def error(self, message: str) -> ConfigError:
        """A ConfigError that names file, line and key."""
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ConfigError(": ".join(part for part in (place, self.key, message) if part))

    def found(self) -> str:
        """What stands here, in words for an error."""
        if isinstance(self.value, dict):
            return "a table"
        if isinstance(self.value, tuple):
            return "a list"
        if self.value is None:
            return "nothing"
        return f"the text {self.value!r}" if isinstance(self.value, str) else self.text


class _Loader(yaml.SafeLoader):
    """Composes nodes without tags, and stops at absurd depth before Python's own stack ends."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it untyped
        tag = getattr(event, "tag", None)
        if tag is not None:
            problem = f"expected a plain value, found the YAML tag {tag!r}; leave it out"
            raise yaml.composer.ComposerError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > _MAX_DEPTH + 1:
            problem = f"expected at most {_MAX_DEPTH} levels of nesting, found more"
            raise yaml.composer.ComposerError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def load_yaml(path: Path | str) -> Located:
    """The one document of a YAML file; raises ConfigError, with the line, for what cannot be trusted."""
    source = str(path)
    text = _read(Path(path), source)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _syntax_error(error, text, source) from None
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        raise ConfigError(
            f"{source}: expected a YAML table, found an empty file; fill it in, or leave it out"
        )
    return _Walk(source).node(node, "", node.start_mark.line + 1, 0)


def locate(value: object) -> Located:
    """The same tree from plain values of code: mappings, lists, scalars and msgspec Structs."""
    return _Walk("").plain(value, "", 0)


def _read(path: Path, source: str) -> str:
    try:
        if path.is_dir():
            raise ConfigError(f"{source}: expected a YAML file, found a folder")
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                f"{source}: expected a configuration of at most {_MAX_BYTES} bytes, found a larger file"
            )
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{source}: expected a YAML file, found no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source}: expected a readable file, found: {error}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{source}:{line}: expected UTF-8 text, found the byte 0x{raw[error.start]:02x}"
        ) from None


def _syntax_error(error: yaml.YAMLError, text: str, source: str) -> ConfigError:
    """What PyYAML says about a broken file, on one line and with the line of the file."""
    line, problem = 0, str(error).replace("\n", " ")
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        problem = ", ".join(part for part in (error.context, error.problem) if part)
    elif isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{ord(text[error.position]):04X} is not allowed"
    hint = "; indent with spaces" if "'\\t'" in problem else ""
    if not problem.startswith("expected "):
        problem = f"expected YAML, found a syntax error: {problem}"
    return ConfigError(f"{source}:{line}: {problem}{hint}")


class _Walk:
    """Turns nodes or plain values into Located ones, and stops at an absurd number of them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.count = 0

    def _enter(self, at: Located, depth: int) -> None:
        self.count += 1
        if self.count > _MAX_VALUES or depth > _MAX_DEPTH:
            limit = f"{_MAX_VALUES} values" if depth <= _MAX_DEPTH else f"{_MAX_DEPTH} levels of nesting"
            raise at.error(f"expected at most {limit}, found more; aliases (*name) count in full")

    def node(self, node: yaml.Node, key: str, line: int, depth: int) -> Located:
        """A YAML node and all below it; `line` is that of its key."""
        at = Located(None, key, self.source, line)
        self._enter(at, depth)
        if isinstance(node, yaml.MappingNode):
            return Located(self._table(node, key, depth), key, self.source, line)
        if isinstance(node, yaml.SequenceNode):
            items = (
                self.node(item, f"{key}[{i}]", item.start_mark.line + 1, depth + 1)
                for i, item in enumerate(node.value)
            )
            return Located(tuple(items), key, self.source, line)
        quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
        value = node.value if quoted else _plain_scalar(node.value, at)
        return Located(value, key, self.source, line, node.value, quoted)

    def _table(self, node: yaml.MappingNode, key: str, depth: int) -> dict[str, Located]:
        table: dict[str, Located] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                raise Located(None, key, self.source, line).error(
                    "expected a name as key, found a list or table"
                )
            name = name_node.value
            here = f"{key}.{name}" if key else name
            at = Located(None, here, self.source, line)
            if name == "<<" and name_node.style is None:
                raise at.error("expected a name as key, found the merge key <<; write the keys out")
            if name in table:
                raise at.error(
                    f"expected each key once, found it again after line {table[name].line}; keep one"
                )
            table[name] = self.node(value_node, here, line, depth + 1)
        return table

    def plain(self, value: object, key: str, depth: int) -> Located:
        """A plain value and all below it."""
        at = Located(None, key)
        self._enter(at, depth)
        if isinstance(value, msgspec.Struct):
            value = msgspec.to_builtins(value)
        if isinstance(value, Mapping):
            table: dict[str, Located] = {}
            for name, item in value.items():
                if not isinstance(name, str):
                    raise at.error(f"expected text as key, found {name!r}")
                table[name] = self.plain(item, f"{key}.{name}" if key else name, depth + 1)
            return Located(table, key)
        if isinstance(value, list | tuple):
            return Located(
                tuple(self.plain(item, f"{key}[{i}]", depth + 1) for i, item in enumerate(value)), key
            )
        return Located(_code_scalar(value, at), key, text=str(value))


def _plain_scalar(text: str, at: Located) -> Scalar:
    """The value of an unquoted YAML scalar: null, true, false, a decimal number, or text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text) is None:
        return text
    value: int | float = float(text)
    if isinf(value) or len(text) > 400:
        raise at.error(f"expected a number that fits a double, found {text[:40]}")
    return value if any(mark in text for mark in ".eE") else int(text)


def _code_scalar(value: Any, at: Located) -> Scalar:
    """A scalar from code; numpy's numbers become Python's."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral) and abs(int(value)) < 10**300:
        return int(value)
    if isinstance(value, Real) and not isinstance(value, Integral):
        return float(value)
    raise at.error(
        f"expected text, a number, true, false, None, a list or a mapping, found {str(value)[:80]!r}"
    )
