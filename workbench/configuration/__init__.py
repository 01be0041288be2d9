"""Configuration files, read with errors that name file, line and key."""

from workbench.configuration.chaos import ChaosConfig, load_chaos_strategies
from workbench.configuration.chaos_settings import (
    ChaosStrategyConfig,
    MarketCondition,
    MarketThresholds,
    TriggerCondition,
    TriggerSettings,
)
from workbench.configuration.limits import dump_limits, load_limits, read_limits
from workbench.configuration.located import Located, load_yaml, locate
from workbench.configuration.strategies import StrategiesConfig, StrategyConfig, load_strategies_config

__all__ = [
    "ChaosConfig",
    "ChaosStrategyConfig",
    "Located",
    "MarketCondition",
    "MarketThresholds",
    "StrategiesConfig",
    "StrategyConfig",
    "TriggerCondition",
    "TriggerSettings",
    "dump_limits",
    "load_chaos_strategies",
    "load_limits",
    "load_strategies_config",
    "load_yaml",
    "locate",
    "read_limits",
]
