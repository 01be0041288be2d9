"""The contract between a strategy and whoever runs it: sweep, replay or live engine."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import ParameterError

__all__ = ["RUNNER_SETTINGS", "TradingStrategy", "checked_config"]

RUNNER_SETTINGS = frozenset({"unit", "sizing", "symbols"})
"""Config keys that the runner reads for any strategy: `unit` (units per full-strength signal, a number or one
per symbol), `sizing` ("order" or "target") and `symbols` (what the strategy is shown; all when left out)."""


class TradingStrategy(ABC):
    """A strategy: prices in, signals out.

    The runner keeps these up to date before each call; a strategy may read them and cannot change anything by writing:
    `positions` (symbol -> signed units, all venues), `price_cache` (symbol -> venue -> last price),
    `active_symbols` (symbols seen so far), `performance_metrics` (total_pnl, realised_pnl, unrealised_pnl, fees,
    drawdown, trade_count, risk_breach_count; quote currency).

    `PARAMETERS` names every parameter with its default; another key in `config` is refused, and so is a value of
    another type or a number that is not finite. A subclass without `PARAMETERS` takes any key.
    """

    VERSION: ClassVar[str] = "1.0.0"
    PARAMETERS: ClassVar[Mapping[str, Any] | None] = None
    SIZING: ClassVar[str] = "order"

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = checked_config(type(self).__name__, self.PARAMETERS, config)
        self.positions: dict[str, float] = {}
        self.price_cache: dict[str, dict[str, float]] = {}
        self.active_symbols: set[str] = set()
        self.performance_metrics: Mapping[str, float] = {}
        self.logger = logging.getLogger(f"strategy.{type(self).__name__}")

    def on_start(self, instruments: Sequence[Instrument]) -> None:  # noqa: B027 - most have nothing to do
        """Hear which instruments there are, before the first price; nothing needs to be done about it."""

    @abstractmethod
    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Answer one price update with signals (an empty list for none)."""

    @abstractmethod
    def on_order_fill(self, fill: OrderFill) -> None:
        """Hear of an execution of one of the own orders."""

    @abstractmethod
    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Hear of a rule that stopped one of the own signals or orders, or the strategy itself."""

    def get_strategy_info(self) -> dict[str, Any]:
        """Name, version, description and parameters, as the engine's API shows them."""
        return {
            "name": type(self).__name__,
            "version": self.VERSION,
            "description": type(self).__doc__,
            "parameters": self.config,
        }


def checked_config(
    name: str, parameters: Mapping[str, Any] | None, config: Mapping[str, Any]
) -> dict[str, Any]:
    """`config` over the defaults of `parameters`; raises ParameterError on an unknown key or an unfit value."""
    if parameters is None:
        return dict(config)
    for key, value in config.items():
        if key in RUNNER_SETTINGS and key not in parameters:
            continue
        if key not in parameters:
            known = ", ".join(sorted(parameters)) or "none"
            raise ParameterError(f"{name} has no parameter {key!r}; it has: {known}")
        _check_value(name, key, value, parameters[key])
    return {**parameters, **config}


def _check_value(name: str, key: str, value: Any, default: Any) -> None:
    """Raise ParameterError unless `value` is of the kind that `default` shows."""
    if isinstance(default, bool) or not isinstance(default, int | float):
        kind = list | tuple if isinstance(default, list | tuple) else type(default)
        if default is not None and not isinstance(value, kind):
            raise ParameterError(f"{name}: {key} must be of type {type(default).__name__}, found {value!r}")
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise ParameterError(f"{name}: {key} must be a finite number like {default!r}, found {value!r}")
    if isinstance(default, int) and value != int(value):
        raise ParameterError(f"{name}: {key} must be a whole number like {default!r}, found {value!r}")
