"""From a strategy class and its config to a seat at a desk: the same for a backtest and for the live engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.errors import ParameterError, UnknownInstrumentError
from workbench.strategy.contract import TradingStrategy

__all__ = ["configured", "seat_of", "unit_name"]


def configured(kind: type[TradingStrategy], config: Mapping[str, Any], seed: int) -> TradingStrategy:
    """An instance of `kind`.  seed: for a parameter `seed` that `config` leaves open."""
    if "seed" in (kind.PARAMETERS or {}) and "seed" not in config:
        config = {**config, "seed": seed}
    return kind(dict(config))


def unit_name(settings: Mapping[str, Any]) -> str:
    """The setting that says how many units a signal of full strength asks for."""
    return "unit" if "unit" in settings else "max_position_size"


def seat_of(name: str, strategy: TradingStrategy, symbols: Iterable[str]) -> tuple[Seat, frozenset[str]]:
    """How a configured strategy is seated under `name`, and which of `symbols` it is shown.

    Raises UnknownInstrumentError for a symbol that is not there, ParameterError for a sizing that does not exist.
    """
    kind, settings, present = type(strategy), strategy.config, frozenset(symbols)
    own_symbols = "symbols" in (
        kind.PARAMETERS or {}
    )  # a parameter of the strategy's own is no setting of ours
    shown = present if own_symbols else frozenset(settings.get("symbols") or present)
    unknown = sorted(shown - present)
    if unknown:
        raise UnknownInstrumentError(
            f"{name}: the prices have no {', '.join(unknown)}; they have: {', '.join(sorted(present))}"
        )
    unit = settings.get(unit_name(settings), 1.0)
    sizing = str(settings.get("sizing", kind.SIZING)).upper()
    if sizing not in Sizing.__members__:
        raise ParameterError(f"{name}: sizing must be 'order' or 'target', found {settings.get('sizing')!r}")
    return Seat(name, Sizing[sizing], dict(unit) if isinstance(unit, Mapping) else float(unit)), shown
