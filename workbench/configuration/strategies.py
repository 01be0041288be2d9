"""strategies.yaml: which strategies run with what parameters, chaos strategies, and the limits they run
under.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from workbench.configuration.chaos import class_name, parameter_table, read_chaos_list, strategy_name
from workbench.configuration.chaos_settings import ChaosStrategyConfig
from workbench.configuration.limits import read_limits
from workbench.configuration.located import Located, load_yaml
from workbench.configuration.reading import check_keys, flag, items, required, table
from workbench.core.limits import RiskLimits

__all__ = ["StrategiesConfig", "StrategyConfig", "load_strategies_config"]


class StrategyConfig(msgspec.Struct, frozen=True):
    """One well-behaved strategy.  config: its parameters, plain values."""

    name: str
    strategy_class: str = msgspec.field(name="class")
    enabled: bool = True
    config: dict[str, Any] = {}


class StrategiesConfig(msgspec.Struct, frozen=True):
    """What a strategies.yaml says.  risk_limits: None where the file has none."""

    default_strategies: tuple[StrategyConfig, ...] = ()
    chaos_strategies: tuple[ChaosStrategyConfig, ...] = ()
    risk_limits: RiskLimits | None = None


def load_strategies_config(path: Path | str) -> StrategiesConfig:
    """The strategies of a file with the top keys `default_strategies`, `chaos_strategies` and `risk_limits`,
    each optional. Raises ConfigError (LimitsError for a limit), which names file, line and key.
    """
    tree = load_yaml(path)
    check_keys(tree, ("default_strategies", "chaos_strategies", "risk_limits"))
    entries = table(tree)
    _refuse_same_names(entries)
    strategies = items(entries["default_strategies"]) if "default_strategies" in entries else ()
    return StrategiesConfig(
        tuple(_read_strategy(entry) for entry in strategies),
        read_chaos_list(entries["chaos_strategies"]) if "chaos_strategies" in entries else (),
        read_limits(entries["risk_limits"]) if "risk_limits" in entries else None,
    )


def _read_strategy(node: Located) -> StrategyConfig:
    check_keys(node, ("name", "class", "enabled", "config"))
    entries = table(node)
    return StrategyConfig(
        strategy_name(required(node, "name")),
        class_name(required(node, "class")),
        flag(entries["enabled"]) if "enabled" in entries else True,
        parameter_table(entries["config"]) if "config" in entries else {},
    )


def _refuse_same_names(entries: dict[str, Located]) -> None:
    """Names are ids: refuse one that stands twice, in either list."""
    seen: dict[str, int] = {}
    for section in ("default_strategies", "chaos_strategies"):
        for entry in items(entries[section]) if section in entries else ():
            name = required(entry, "name")
            if name.text in seen:
                raise name.error(
                    f"expected each name once, found {name.text!r} again after line {seen[name.text]}"
                )
            seen[name.text] = name.line
