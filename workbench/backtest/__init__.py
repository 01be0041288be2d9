"""Backtests: event replay of any Python strategy, and what came of it.

This package can be called: `wb.backtest(strategy, prices, ...)` is `api.backtest`. A function of the package's name in
`workbench` would hide the package from `import workbench.backtest.replay as replay`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workbench.backtest.performance import StrategyPerformance
    from workbench.backtest.result import BacktestResult

__all__ = ["BacktestResult", "StrategyPerformance"]

_HOME: Final = {"BacktestResult": "result", "StrategyPerformance": "performance"}


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

    def __call__(self, *args: Any, **kwargs: Any) -> BacktestResult:
        """Replay prices to strategies; see `workbench.backtest.api.backtest`."""
        from workbench.backtest.api import backtest

        return backtest(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        from workbench.backtest.api import backtest

        return signature(backtest)


sys.modules[__name__].__class__ = _CallablePackage
