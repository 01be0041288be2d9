"""Prices: read, checked, merged, made up, and turned into the feed that every runner plays back.

Nothing heavy is imported before it is used. `synthetic.synthetic`, `samples.samples` and `fetch.fetch` are had from
their modules: a function of the same name here would hide the module, or the module the function.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from workbench.data.catalog import as_prices, load, merge
    from workbench.data.market_model import Regimes
    from workbench.data.prices import Prices
    from workbench.data.store import Catalog

__all__ = ["Catalog", "Prices", "Regimes", "as_prices", "load", "merge"]

_HOME: Final = {
    "Catalog": "store",
    "Prices": "prices",
    "Regimes": "market_model",
    "as_prices": "catalog",
    "load": "catalog",
    "merge": "catalog",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
