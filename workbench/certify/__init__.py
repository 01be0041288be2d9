"""Certification: whether a strategy holds under normal, honest, significant, stressed and chaotic conditions.

This package can be called: `wb.certify(strategy, prices, ...)` is `certification.certify`. A function of its name
in `workbench` would hide it from `import workbench.certify.checks as checks`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workbench.certify.certification import Certification
    from workbench.certify.markets import house_market
    from workbench.certify.tester import StrategyTester, TestResult

__all__ = ["Certification", "StrategyTester", "TestResult", "house_market"]

_HOME: Final = {
    "Certification": "certification",
    "StrategyTester": "tester",
    "TestResult": "tester",
    "house_market": "markets",
}


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

    def __call__(self, *args: Any, **kwargs: Any) -> Certification:
        """Put one strategy through everything; see `workbench.certify.certification.certify`."""
        from workbench.certify.certification import certify

        return certify(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        from workbench.certify.certification import certify

        return signature(certify)


sys.modules[__name__].__class__ = _CallablePackage
