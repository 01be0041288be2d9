"""What there is to choose from: prices and strategies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from workbench.data.catalog import load
from workbench.data.prices import Prices
from workbench.data.samples import samples
from workbench.data.store import Catalog
from workbench.data.synthetic import synthetic
from workbench.errors import DataError, StrategyLoadError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.folders import strategy_scripts
from workbench.strategy.loader import load_strategy

__all__ = [
    "CATALOG",
    "Choice",
    "load_prices",
    "never_change",
    "price_choices",
    "round_figure",
    "strategy_choices",
    "unit_for",
    "usual_values",
]

CATALOG: Final = "data"
"""Folder of prices that were kept with `workbench.data.Catalog`, below where the dashboards were started."""

_TRADED: Final = 100_000.0  # quote currency: a position of a tenth of the usual capital
_MADE_UP: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "synthetic-minutes": (
        "Made-up BTC and ETH, minutes at two exchanges",
        {"bars": 10_000, "interval": "1min", "seed": 7},
    ),
    "synthetic-hours": (
        "Made-up BTC, hours with trends",
        {
            "symbols": ["BTC-USD"],
            "venues": ["exchange-1"],
            "bars": 8_760,
            "interval": "1h",
            "seed": 7,
            "trend": 1.0,
        },
    ),
}
_SAMPLE_NAMES: Final = {
    "sp500": "S&P 500, days",
    "nasdaq": "NASDAQ Composite, days",
    "wti": "WTI crude oil, days",
}


def price_choices(folder: Path) -> dict[str, str]:
    """Name of each set of prices by what a person reads.  folder: where a catalog may be, see `CATALOG`."""
    found = {_SAMPLE_NAMES.get(name, name): name for name in samples()}
    found |= {label: name for name, (label, _) in _MADE_UP.items()}
    if (folder / CATALOG).is_dir():
        found |= {f"{name} (catalog)": f"catalog:{name}" for name in Catalog(folder / CATALOG).names()}
    return found


def load_prices(name: str, folder: Path) -> Prices:
    """Prices of a name in `price_choices`.  Raises DataError."""
    kind, mark, stored = name.partition(":")
    if mark and kind == "catalog":
        return Catalog(folder / CATALOG).load(stored)
    return _built_in(name)


def never_change(name: str) -> bool:
    """Whether prices of this name are the same whenever they are loaded: those of a catalog may be kept anew."""
    return ":" not in name


@lru_cache(maxsize=8)
def _built_in(name: str) -> Prices:
    if name in _MADE_UP:
        return synthetic(**_MADE_UP[name][1])
    if name not in samples():
        raise DataError(f"no prices {name!r}; there are {', '.join([*samples(), *_MADE_UP])}")
    return load(name)


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy script.  kind: its class.  broken: why it cannot be used; the class is then missing."""

    name: str
    path: Path
    kind: type[TradingStrategy] | None = None
    broken: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def compiled(self) -> bool:
        """Whether it runs at sweep speed, and so in a campaign."""
        return self.kind is not None and issubclass(self.kind, CompiledStrategy)

    @property
    def numbers(self) -> dict[str, float]:
        """Parameters that a grid can vary, with their defaults."""
        return {
            name: v
            for name, v in self.parameters.items()
            if isinstance(v, int | float) and not isinstance(v, bool)
        }

    @property
    def says(self) -> str:
        """The first line of what its author wrote."""
        return (self.kind.__doc__ or "").strip().partition("\n")[0] if self.kind else self.broken


def strategy_choices() -> dict[str, Choice]:
    """Scripts of strategies/ that sweep, by name; those that misbehave on purpose are for the chaos lab's own faults.

    Raises ConfigError where there is no such folder.
    """
    scripts = {name: path for name, path in strategy_scripts().items() if path.parent.name != "chaos"}
    return {name: _read(name, path, path.stat().st_mtime_ns) for name, path in scripts.items()}


@lru_cache(maxsize=128)
def _read(name: str, path: Path, changed_ns: int) -> Choice:
    """changed_ns: of the file, so that a script is read again once it has been written again."""
    del changed_ns
    try:
        kind = load_strategy(path)
    except StrategyLoadError as error:
        return Choice(name, path, broken=str(error))
    return Choice(name, path, kind, parameters=dict(kind.PARAMETERS or {}))


def usual_values(default: float, count: int = 10) -> tuple[float, float, int]:
    """Lowest, highest and how many: a first range round the default of a parameter, whole where that is."""
    if isinstance(default, int):
        return float(max(1, default // 2)), float(max(default * 3, default + count)), count
    if default == 0.0:
        return 0.0, 1.0, count
    low, high = sorted((default * 0.5, default * 1.5))
    return round_figure(low), round_figure(high), count


def round_figure(value: float) -> float:
    """The nearest number with two figures."""
    if value == 0.0 or not np.isfinite(value):
        return value
    return float(f"{value:.2g}")


def unit_for(prices: Prices) -> float:
    """A size of position worth about a tenth of the usual capital in the dearest instrument, 1, 2 or 5 times a
    power of ten.
    """
    dearest = max(float(prices.frame(name)["close"].dropna().iloc[-1]) for name in prices.names)
    wanted = _TRADED / dearest
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(f"{power * max(step for step in (1, 2, 5) if step * power <= wanted * (1 + 1e-9)):.6g}")
