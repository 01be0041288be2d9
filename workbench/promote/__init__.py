"""Promotion: certify a strategy, hand it to the live engine, and hold it while it trades.

This package can be called, as `wb.backtest` can: `wb.promote(strategy, ...)` is `api.promote`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workbench.promote.handle import Handle

__all__ = ["Handle"]

_HOME: Final = {"Handle": "handle"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _CallablePackage(ModuleType):
    """This package as the function of the same name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Handle:
        """Certify a strategy where that is not done, and put it on trial; see `workbench.promote.api.promote`."""
        from workbench.promote.api import promote

        return promote(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        from workbench.promote.api import promote

        return signature(promote)


sys.modules[__name__].__class__ = _CallablePackage
