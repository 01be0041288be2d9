"""config/strategies.yaml names scripts that are there and parameters that they take."""

from __future__ import annotations

from pathlib import Path

from workbench.configuration.strategies import load_strategies_config
from workbench.strategy.loader import available, load_strategy

PROJECT = Path(__file__).parents[2]
CONFIG = load_strategies_config(PROJECT / "config" / "strategies.yaml")


def test_every_script_is_configured_once_and_takes_its_parameters() -> None:
    scripts = {info.class_name: info.path for info in available(PROJECT / "strategies")}
    assert sorted(entry.strategy_class for entry in CONFIG.default_strategies) == sorted(scripts)
    for entry in CONFIG.default_strategies:
        strategy = load_strategy(scripts[entry.strategy_class])(entry.config)
        assert set(strategy.PARAMETERS or {}) <= set(entry.config), f"{entry.name} leaves a parameter unsaid"


def test_the_file_shows_the_defaults_of_the_scripts() -> None:
    scripts = {info.class_name: info for info in available(PROJECT / "strategies")}
    for entry in CONFIG.default_strategies:
        shown = {key: value for key, value in entry.config.items() if key not in {"unit", "venue"}}
        default = {
            key: value for key, value in scripts[entry.strategy_class].parameters.items() if key != "venue"
        }
        assert shown == default, entry.name


def test_every_chaos_script_has_a_trigger() -> None:
    scripts = [info.class_name for info in available(PROJECT / "strategies" / "chaos")]
    assert sorted(entry.strategy_class for entry in CONFIG.chaos_strategies) == sorted(scripts)
