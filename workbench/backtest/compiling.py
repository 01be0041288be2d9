"""A line for whoever waits while code is compiled that is not in the cache yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from workbench.core.jit import is_cached
from workbench.core.step import on_row, price
from workbench.strategy.contract import TradingStrategy

__all__ = ["is_watched", "say_compiling"]


def is_watched() -> bool:
    """True where a person sees what is written to stderr: at a terminal, or in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def say_compiling(
    wanted: object = None, strategy: type[TradingStrategy] | None = None, name: str = ""
) -> None:
    """Say on stderr what is compiled before a run, if anything is.

    wanted: what the caller was given as `progress`. False: nothing is said; True: always; else where somebody looks.
    strategy: a CompiledStrategy that runs as columns do; None, and any other one, is run by event replay.
    name: in place of the strategy's.
    """
    if wanted is False or not (wanted is True or is_watched()):
        return
    kernel: Any = on_row
    what = "the trading core"
    if strategy is not None:
        from workbench.strategy.compiled import (
            CompiledStrategy,
            kernels,
        )  # with the compiler, which a replay can spare

        if issubclass(strategy, CompiledStrategy):
            kernel, what = kernels(strategy).run_one, name or strategy.__name__
    if is_cached(kernel) or _in_use(kernel):
        return
    time = "some seconds" if is_cached(price) else "about a minute"
    sys.stderr.write(f"compiling {what} (once for this version, {time}) …\n")
    sys.stderr.flush()


def _in_use(kernel: Callable[..., object]) -> bool:
    """True if this process has compiled it, as it does each time where no cache can be written."""
    return bool(vars(kernel).get("overloads"))
