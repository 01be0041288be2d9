"""Chaos strategies and their triggers from YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.configuration.chaos_settings import (
    TRIGGER_RULES,
    ChaosStrategyConfig,
    MarketCondition,
    MarketThresholds,
    TriggerCondition,
    TriggerSettings,
    check_trigger,
)
from workbench.configuration.located import Located, load_yaml
from workbench.configuration.reading import (
    check_keys,
    flag,
    items,
    number,
    parameters,
    required,
    table,
    text,
    word,
)
from workbench.core.limit_bounds import Words
from workbench.errors import ChaosError

__all__ = [
    "ChaosConfig",
    "class_name",
    "load_chaos_strategies",
    "parameter_table",
    "read_chaos_list",
    "strategy_name",
]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CLASS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_CONDITION: Final = Words({str(condition): 0 for condition in MarketCondition})
_STRATEGY_KEYS: Final = tuple(field.encode_name for field in msgspec.structs.fields(ChaosStrategyConfig))
_CONDITION_KEYS: Final = tuple(field.name for field in msgspec.structs.fields(TriggerCondition))


class ChaosConfig(msgspec.Struct, frozen=True):
    """What a chaos_strategies.yaml says: the strategies, and how their triggers are evaluated."""

    strategies: tuple[ChaosStrategyConfig, ...] = ()
    settings: TriggerSettings = TriggerSettings()

    def in_test(self) -> tuple[ChaosStrategyConfig, ...]:
        """The strategies that a test run may start."""
        return tuple(strategy for strategy in self.strategies if strategy.enabled_in_test)


def load_chaos_strategies(path: Path | str) -> ChaosConfig:
    """The chaos strategies of a file with the top key `strategies` (name: table), and, both optional,
    `evaluation_interval_minutes` and `thresholds`. Raises ConfigError, which names file, line and key.
    """
    tree = load_yaml(path)
    check_keys(tree, ("strategies", "evaluation_interval_minutes", "thresholds"))
    settings = _read_settings(tree)
    entries = table(required(tree, "strategies")).items()
    return ChaosConfig(tuple(_read_strategy(name, entry, settings) for name, entry in entries), settings)


def read_chaos_list(node: Located) -> tuple[ChaosStrategyConfig, ...]:
    """The `chaos_strategies` list of a strategies file: the same tables, each with a `name`."""
    return tuple(_read_strategy(None, entry, TriggerSettings()) for entry in items(node))


def strategy_name(node: Located) -> str:
    """A name that may stand in labels, logs and paths."""
    name = text(node, "a name")
    if _NAME.fullmatch(name) is None:
        raise node.error(f"expected a name of letters, digits, _ . and -, at most 64, found {name!r}")
    return name


def class_name(node: Located) -> str:
    """The name of a strategy class, dotted or not."""
    name = text(node, "the name of a class")
    if _CLASS.fullmatch(name) is None:
        raise node.error(f"expected the name of a strategy class such as RunawayStrategy, found {name!r}")
    return name


def parameter_table(node: Located) -> dict[str, Any]:
    """The parameters of a strategy as plain values."""
    return {name: parameters(entry) for name, entry in table(node).items()}


def _read_settings(node: Located) -> TriggerSettings:
    entries = table(node)
    values: dict[str, Any] = {}
    if "evaluation_interval_minutes" in entries:
        values["evaluation_interval_minutes"] = _number(entries, "evaluation_interval_minutes")
    if "thresholds" in entries:
        thresholds = entries["thresholds"]
        names = [field.name for field in msgspec.structs.fields(MarketThresholds)]
        check_keys(thresholds, names)
        values["thresholds"] = MarketThresholds(
            **{name: _number(table(thresholds), name) for name in table(thresholds)}
        )
        if values["thresholds"].low_volatility > values["thresholds"].high_volatility:
            raise thresholds.error("expected low_volatility at or below high_volatility, found it above")
    return TriggerSettings(**values)


def _number(entries: Mapping[str, Located], name: str) -> float:
    return number(entries[name], TRIGGER_RULES[name])


def _read_strategy(name: str | None, node: Located, settings: TriggerSettings) -> ChaosStrategyConfig:
    """One strategy; `name` is None where the table itself names it.

    A `max_duration_minutes` above 0 among the parameters bounds the triggers too, unless the strategy has its
    own.
    """
    check_keys(node, [key for key in _STRATEGY_KEYS if name is None or key != "name"])
    entries = table(node)
    named = required(node, "name") if name is None else Located(name, node.key, node.source, node.line, name)
    own = strategy_name(named)
    values: dict[str, Any] = {"name": own, "strategy_class": class_name(required(node, "class"))}
    if "parameters" in entries:
        values["parameters"] = parameter_table(entries["parameters"])
        longest = values["parameters"].get("max_duration_minutes")
        if longest:
            values["max_duration_minutes"] = _number(table(entries["parameters"]), "max_duration_minutes")
    if "enabled_in_test" in entries:
        values["enabled_in_test"] = flag(entries["enabled_in_test"])
    for key in ("trigger_probability", "max_duration_minutes"):
        if key in entries:
            values[key] = _number(entries, key)
    if "trigger_conditions" in entries:
        conditions = items(entries["trigger_conditions"])
        values["trigger_conditions"] = tuple(_read_condition(entry) for entry in conditions)
    config = ChaosStrategyConfig(**values)
    try:
        check_trigger(config, settings)
    except ChaosError as error:
        raise node.error(str(error)) from None
    return config


def _read_condition(node: Located) -> TriggerCondition:
    """One entry of `trigger_conditions`."""
    check_keys(node, _CONDITION_KEYS)
    entries = table(node)
    kinds = [key for key in ("market_condition", "risk_breach_count") if key in entries]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "neither"
        raise node.error(
            f"expected either market_condition or risk_breach_count, found {found}; split it in two"
        )
    misplaced = {"market_condition": "escalation_factor", "risk_breach_count": "probability"}[kinds[0]]
    if misplaced in entries:
        raise entries[misplaced].error(f"expected no {misplaced} with {kinds[0]}, found one; take it out")
    values: dict[str, Any] = {
        key: _number(entries, key)
        for key in ("probability", "escalation_factor", "duration_minutes", "risk_breach_count")
        if key in entries
    }
    if "risk_breach_count" in values:
        values["risk_breach_count"] = int(values["risk_breach_count"])
    if "market_condition" in entries:
        values["market_condition"] = MarketCondition(word(entries["market_condition"], _CONDITION))
    return TriggerCondition(**values)
