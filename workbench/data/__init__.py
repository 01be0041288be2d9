"""Prices: read, checked, merged, made up, and turned into the feed that every runner plays back.

Nothing heavy is imported before it is used. `synthetic.synthetic`, `samples.samples` and `fetch.fetch` are had from
their modules: a function of the same name here would hide the module, or the module the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.lazy import on_demand

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

__getattr__, __dir__ = on_demand(__name__, _HOME, __all__)
