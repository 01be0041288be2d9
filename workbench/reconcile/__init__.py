"""Live against replay: a session run again with the code that ran in it, and every fill that differs with its cause.

This package can be called, as `wb.backtest` can: `wb.reconcile(journal, ...)` is `api.reconcile`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workbench.reconcile.result import Reconciliation

__all__ = ["Reconciliation"]

_HOME: Final = {"Reconciliation": "result"}


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

    def __call__(self, *args: Any, **kwargs: Any) -> Reconciliation:
        """Run a live session again and list what differs; see `workbench.reconcile.api.reconcile`."""
        from workbench.reconcile.api import reconcile

        return reconcile(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        from workbench.reconcile.api import reconcile

        return signature(reconcile)


sys.modules[__name__].__class__ = _CallablePackage
