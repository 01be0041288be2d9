"""Typed reading of Located values: each function returns a fit value or raises a ConfigError with the remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from math import inf, isfinite
from typing import Any, Final

from workbench.configuration.located import Located
from workbench.core.limit_bounds import Bound, Words

__all__ = ["check_keys", "flag", "items", "number", "parameters", "required", "table", "text", "word"]

_OFF_WORDS: Final = ("off", "unlimited")
_SPELT: Final[Mapping[str, float]] = {"inf": inf, "+inf": inf, "-inf": -inf, "nan": float("nan")}
_YES_NO: Final[Mapping[str, bool]] = {"yes": True, "on": True, "no": False, "off": False}


def table(node: Located, hint: str = "") -> dict[str, Located]:
    """The entries of a table."""
    if not isinstance(node.value, dict):
        raise node.error(f"expected a table of `key: value` lines, found {node.found()}{hint}")
    return node.value


def items(node: Located) -> tuple[Located, ...]:
    """The entries of a list."""
    if not isinstance(node.value, tuple):
        raise node.error(f"expected a list such as [a, b], found {node.found()}")
    return node.value


def check_keys(node: Located, known: Collection[str], elsewhere: Mapping[str, str] | None = None) -> None:
    """Refuse a key that is not `known`, with the nearest one; `elsewhere`: the table where a key belongs."""
    for name, entry in table(node).items():
        if name in known:
            continue
        by_lower = {key.lower(): key for key in known}
        near = get_close_matches(name.lower(), by_lower, 1)
        if near:
            hint = f"did you mean {by_lower[near[0]]!r}?"
        elif elsewhere and name in elsewhere:
            hint = f"it belongs under {elsewhere[name]!r}"
        else:
            hint = f"take it out; known here: {', '.join(known)}"
        raise entry.error(f"expected a known key, found {name!r}; {hint}")


def required(node: Located, name: str) -> Located:
    """The entry `name` of a table."""
    entries = table(node)
    if name not in entries:
        raise node.error(f"expected the key {name!r}, found none; add `{name}: ...`")
    return entries[name]


def number(node: Located, rule: Bound) -> float:
    """A number that obeys `rule`.

    null, off and unlimited give the value that switches the limit off; inf (or .inf) does so on either side
    of zero, where the rule knows an infinite limit.
    """
    value = node.value
    if isinstance(value, str):
        value = _SPELT.get(value.strip().lower(), value)
    if value is None or (isinstance(value, str) and value.strip().lower() in _OFF_WORDS):
        if rule.off is None:
            raise node.error(
                f"expected {rule.expected}, found {node.found()}; this one cannot be switched off"
            )
        return rule.off
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise node.error(f"expected {rule.expected}, found {node.found()}{_remedy(node)}")
    result = float(value) + 0.0  # no negative zero
    if result == inf and rule.off == -inf:
        result = -inf
    problem = rule.problem(result)
    if problem is not None:
        raise node.error(problem)
    return result


def word(node: Located, rule: Words) -> str:
    """One of the words of `rule`; a false from code is read as `off`, which YAML readers turn into it."""
    value = "off" if node.value is False and not node.line else node.value
    problem = rule.problem(value)
    if problem is not None or not isinstance(value, str):
        near = get_close_matches(str(value), rule.ranks, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise node.error(f"expected {rule.expected}, found {node.found()}{hint}")
    return value


def flag(node: Located) -> bool:
    """true or false; yes, no, on and off are understood."""
    value = node.value
    if isinstance(value, str) and not node.quoted:
        value = _YES_NO.get(value.lower(), value)
    if not isinstance(value, bool):
        raise node.error(f"expected true or false, found {node.found()}")
    return value


def text(node: Located, what: str = "text") -> str:
    """Text as it was written: an unquoted NO or 0700 is the name NO or 0700."""
    from_code = not node.line and not isinstance(node.value, str)
    if node.value is None or isinstance(node.value, tuple | dict) or from_code or not node.text.strip():
        raise node.error(f"expected {what}, found {node.found() if node.text.strip() else 'nothing'}")
    return node.text


def parameters(node: Located) -> Any:
    """Plain values of a free table, for a strategy; NaN and infinities are refused."""
    if isinstance(node.value, dict):
        return {name: parameters(entry) for name, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [parameters(entry) for entry in node.value]
    if isinstance(node.value, float) and not isfinite(node.value):
        raise node.error(f"expected a finite number, found {node.text}")
    return node.value


def _remedy(node: Located) -> str:
    """How to mend a text that stands where a number should."""
    written = node.text.strip()
    bare = written.replace(",", "").replace("$", "").replace("%", "").replace("'", "").replace(" ", "")
    try:
        value = float(bare)
    except ValueError:
        return ""
    if not isfinite(value) or isinstance(node.value, bool):
        return ""
    if "%" in written:
        return f"; write {value / 100.0!r}"
    if node.quoted and bare == written:
        return "; take the quotes away"
    return f"; write {int(value) if value == int(value) else value!r}"
