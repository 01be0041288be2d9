"""Risk limits from YAML or plain values, and back.

One file holds both forms of the `risk_limits` table: position_limits, notional_limits, drawdown_limits and
circuit_breakers, and global and per_strategy; the further tables are those of `workbench.core.limits`. What a
file leaves out keeps the house default, and where two settings limit the same thing the tighter one is
reached first.

To switch a limit off, write `off`, `null` or `unlimited`, or `inf` where the limit may be infinite. Settings
that are needed for the arithmetic (windows, intervals) cannot be off and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from workbench.configuration.located import Located, load_yaml, locate
from workbench.configuration.reading import check_keys, flag, items, number, table, text, word
from workbench.core.limit_bounds import Bound, Words
from workbench.core.limit_rules import rule_of, symbol_problem
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.errors import ConfigError, LimitsError

__all__ = ["dump_limits", "load_limits", "read_limits"]

_TOP: Final = "risk_limits"
_COMPANIONS: Final = ("default_strategies", "chaos_strategies")  # may stand in the same file
_FIELDS: Final = {field.encode_name: field for field in msgspec.structs.fields(RiskLimits)}
_ELSEWHERE: Final[Mapping[str, str]] = {
    setting.encode_name: name
    for name, field in _FIELDS.items()
    if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    for setting in msgspec.structs.fields(field.type)
}


def load_limits(source: Path | str | Mapping[str, Any] | RiskLimits | None) -> RiskLimits:
    """Risk limits from a YAML file, from a mapping (with or without the top key `risk_limits`), or None for
    the defaults.

    Limits that are given as such are checked and returned. Raises LimitsError, which names file, line and
    key, says what was expected and found, and how to mend it.
    """
    if source is None:
        return RiskLimits()
    if isinstance(source, RiskLimits):
        return source.checked()
    with _as_limits_error():
        if isinstance(source, Mapping):
            tree = locate(source)
            return read_limits(table(tree)[_TOP] if _TOP in source else tree)
        if not isinstance(source, Path | str):
            raise ConfigError(f"expected a YAML file, a mapping or RiskLimits, found {type(source).__name__}")
        tree = load_yaml(source)
        misplaced = [name for name in table(tree) if name in _FIELDS]
        if _TOP not in table(tree) and misplaced:
            raise tree.error(
                f"expected the top key {_TOP!r}, found {misplaced[0]!r}; put all below `{_TOP}:`, indented"
            )
        check_keys(tree, (_TOP, *_COMPANIONS))
        if _TOP not in table(tree):
            raise tree.error(
                f"expected the top key {_TOP!r}, found none; add `{_TOP}:` and the limits below it"
            )
        return read_limits(table(tree)[_TOP])


def dump_limits(limits: RiskLimits) -> str:
    """`limits` as YAML text that `load_limits` reads back as equal limits; every setting is written out."""
    return yaml.safe_dump({_TOP: msgspec.to_builtins(limits)}, sort_keys=False, allow_unicode=True)


def read_limits(node: Located) -> RiskLimits:
    """The limits in a `risk_limits` table; raises LimitsError."""
    with _as_limits_error():
        check_keys(node, _FIELDS, _ELSEWHERE)
        values = {_FIELDS[name].name: _read_field(name, entry) for name, entry in table(node).items()}
        return RiskLimits(**values).checked()


@contextmanager
def _as_limits_error() -> Iterator[None]:
    try:
        yield
    except LimitsError:
        raise
    except ConfigError as error:
        raise LimitsError(str(error)) from None


def _read_field(name: str, node: Located) -> Any:
    """One entry of the `risk_limits` table."""
    if name == "position_limits":
        return {symbol: _read_position_limit(symbol, entry) for symbol, entry in table(node).items()}
    if name == "permitted_instruments":
        return {strategy: _read_symbols(entry) for strategy, entry in table(node).items()}
    if name == "restricted_list":
        return _read_symbols(node)
    kind = _FIELDS[name].type
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _read_table(name, kind, node)
    return _read_setting(name, node, kind)


def _read_position_limit(symbol: str, node: Located) -> PositionLimit:
    reason = symbol_problem(symbol)
    if reason is None and "@" in symbol:
        reason = f"expected a symbol over all venues, found {symbol!r}; write {symbol.partition('@')[0]}"
    if reason is not None:
        raise node.error(reason)
    return _read_table("position_limits.*", PositionLimit, node)


def _read_table[T: msgspec.Struct](name: str, kind: type[T], node: Located) -> T:
    """A table of settings as the Struct `kind`; what it leaves out keeps the default."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    table(node, "; fill it in, or take the line away to keep the defaults" if node.value is None else "")
    check_keys(node, fields, _ELSEWHERE)
    entries = table(node).items()
    return kind(
        **{
            fields[key].name: _read_setting(f"{name}.{key}", entry, fields[key].type)
            for key, entry in entries
        }
    )


def _read_setting(key: str, node: Located, kind: Any) -> float | str | bool:
    rule = rule_of(key)
    if isinstance(rule, Bound):
        value = number(node, rule)
        return int(value) if kind is int else value
    return word(node, rule) if isinstance(rule, Words) else flag(node)


def _read_symbols(node: Located) -> list[str]:
    symbols = []
    for entry in items(node):
        symbol = text(entry, "a symbol such as BTC-USD")
        reason = symbol_problem(symbol)
        if reason is not None:
            raise entry.error(reason)
        symbols.append(symbol)
    return symbols
