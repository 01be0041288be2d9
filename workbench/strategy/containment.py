"""What counts as a strategy's failure, and how it is told: the same for a backtest and for the live engine."""

from __future__ import annotations

import sys
import traceback
from itertools import islice
from typing import Any, Final

from workbench.core.messages import MarketSignal
from workbench.core.signals import MAX_SIGNALS
from workbench.strategy.contract import TradingStrategy

__all__ = ["RAISED", "are_signals", "failure_text", "no_signals"]

RAISED: Final = (Exception, SystemExit)  # what counts against a strategy; an interrupt is the user's
_LISTS: Final = (list, tuple)


def are_signals(answer: Any) -> bool:
    """Whether a strategy's answer is what the contract says, as far as the desk will look."""
    if not isinstance(answer, _LISTS):
        return False
    for signal in islice(answer, MAX_SIGNALS):  # noqa: SIM110 - all() with a generator costs three times as much
        if not isinstance(signal, MarketSignal):
            return False
    return True


def no_signals(answer: Any) -> TypeError:
    """The failure of a strategy whose answer is something else."""
    return TypeError(f"expected a list of MarketSignal, found {answer!r:.80}")


def failure_text(error: BaseException, strategy: TradingStrategy) -> str:
    """One line: type, message, and the innermost line of the strategy's script."""
    return " ".join(f"{type(error).__name__}: {error}{_where(error, strategy)}".split())


def _where(error: BaseException, strategy: TradingStrategy) -> str:
    """Innermost line of the strategy's own script, or of whatever raised; "" where nothing was raised."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    script = getattr(sys.modules.get(type(strategy).__module__), "__file__", None)
    inside = [place for place in places if place[0] == script] or places[1:]  # the first is the runner's own
    return f" ({inside[-1][0]}:{inside[-1][1]})" if inside else ""
