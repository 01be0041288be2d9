"""From what a quant passes as a strategy to strategies seated at a desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.core.build import Seat
from workbench.core.messages import Instrument
from workbench.errors import ParameterError, StrategyError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.strategy.seating import configured, seat_of

__all__ = ["Player", "StrategyLike", "StrategySource", "seat_strategies"]

type StrategySource = type[TradingStrategy] | str | Path
type StrategyLike = StrategySource | Sequence[StrategySource] | Mapping[str, StrategySource]


class Player(NamedTuple):
    """A strategy with its seat and the symbols that it is shown."""

    strategy: TradingStrategy
    seat: Seat
    symbols: frozenset[str]


def seat_strategies(
    strategy: StrategyLike,
    config: Mapping[str, Any] | None,
    instruments: Sequence[Instrument],
    seed: int,
) -> list[Player]:
    """Load, configure and seat one or several strategies.

    strategy: a class, a script's path or a dotted name; a list of them; or a mapping from strategy id to them.
    config: the parameters; with several strategies a mapping from strategy id to parameters.
    seed: given to every strategy that has a parameter `seed` and no value for it.
    """
    classes = _classes(strategy)
    configs = _configs(classes, config)
    symbols = frozenset(i.symbol for i in instruments)
    return [_player(name, classes[name], configs[name], symbols, seed) for name in classes]


def _classes(strategy: StrategyLike) -> dict[str, type[TradingStrategy]]:
    if isinstance(strategy, Mapping):
        return {name: load_strategy(source) for name, source in strategy.items()}
    sources = [strategy] if isinstance(strategy, str | Path | type) else list(strategy)
    found: dict[str, type[TradingStrategy]] = {}
    for source in sources:
        loaded = load_strategy(source)
        name = loaded.__name__
        if name in found:
            raise StrategyError(
                f"two strategies are called {name}; give them ids: {{'one': ..., 'two': ...}}"
            )
        found[name] = loaded
    if not found:
        raise StrategyError("expected at least one strategy, found none")
    return found


def _configs(
    classes: Mapping[str, type[TradingStrategy]], config: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    given = dict(config or {})
    if given and set(given) <= set(classes) and all(isinstance(value, Mapping) for value in given.values()):
        return {name: dict(given.get(name, {})) for name in classes}
    if len(classes) > 1 and given:
        ids = ", ".join(classes)
        raise ParameterError(f"several strategies need a config of their own each, by strategy id: {ids}")
    return dict.fromkeys(classes, given)


def _player(
    name: str, kind: type[TradingStrategy], config: dict[str, Any], symbols: frozenset[str], seed: int
) -> Player:
    strategy = configured(kind, config, seed)
    return Player(strategy, *seat_of(name, strategy, symbols))
