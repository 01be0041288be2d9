"""What the words behind a magic mean: strategies, prices and parameters, by name, path or variable of the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.configuration.arguments import read_parameters
from workbench.errors import ConfigError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.folders import find_strategy

if TYPE_CHECKING:
    from workbench.data.catalog import PriceLike

__all__ = ["limits_named", "parameters_named", "prices_named", "strategy_named"]


def strategy_named(word: str, variables: Mapping[str, Any]) -> Any:
    """A strategy class of the notebook, else what `find_strategy` knows by that word."""
    found = variables.get(word)
    if isinstance(found, type) and issubclass(found, TradingStrategy):
        return found
    return find_strategy(word)


def prices_named(word: str, variables: Mapping[str, Any]) -> PriceLike:
    """Prices, a frame or a series of the notebook, else a sample or file of that name."""
    found = variables.get(word)
    return word if found is None else found


def parameters_named(given: list[str] | None, variables: Mapping[str, Any]) -> dict[str, Any]:
    """`fast=10`, a JSON object, or the name of a mapping of the notebook."""
    found: dict[str, Any] = {}
    for entry in given or ():
        named = variables.get(entry)
        found |= dict(named) if isinstance(named, Mapping) else read_parameters([entry], "-c")
    return found


def limits_named(word: str | None, variables: Mapping[str, Any]) -> Any:
    """Limits of the notebook, a file of them, "off" for none at all, None for the house's."""
    if word is None:
        return None
    if word == "off":
        from workbench.core.limits import RiskLimits

        return RiskLimits.unlimited()
    if word in variables:
        return variables[word]
    if not Path(word).is_file():
        raise ConfigError(f"--limits: expected a file, a variable of this notebook or off, found {word!r}")
    return Path(word)
