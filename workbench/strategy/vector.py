"""Signal functions: columns of prices in, a column of targets out, and a strategy made of them for every runner.

A function `signals(prices, **params)` is called with one instrument at a time. `prices` is a DataFrame, one row per
price update, indexed by the time of the update (UTC), with float64 columns close, volume (units, NaN where unknown),
bid and ask. The answer is a Series or an array of as many targets: -1 (full short) to 1 (full long), NaN for nothing to
say. A signal is sent where the target differs from the last one that was sent, which is 0 at the start; the desk clips
what is beyond 1 and counts a breach, as for any strategy.

    def signals(prices, fast=10, slow=50):
        close = prices["close"]
        return np.sign(close.rolling(fast).mean() - close.rolling(slow).mean())

    wb.sweep(signals, prices, {"fast": range(5, 20), "slow": [50, 100]})
    wb.backtest(wb.from_signals(signals, lookback=100), prices, config={"fast": 7, "unit": 20})

A sweep shows the function all prices at once. That is the same as trading only if no answer depends on later rows, so
`Signals.check` asks it again with the later rows cut off.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import ParameterError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.signal_functions import SignalFunction, Signals

__all__ = ["SignalStrategy", "from_signals", "price_frame", "signal_strategy", "to_say"]

type Floats = npt.NDArray[np.float64]

COLUMNS: Final = pd.Index(["close", "volume", "bid", "ask"])
FIRST_ROOM: Final = 64


class SignalStrategy(TradingStrategy):
    """What `from_signals` makes: the function is called at each update with the last WINDOW ones of its instrument."""

    SIZING: ClassVar[str] = "target"
    SIGNALS: ClassVar[Signals]
    WINDOW: ClassVar[int | None] = None

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._params = self.SIGNALS.parameters(self.config)
        self._windows: dict[tuple[str, str], _Window] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Call the function with what has been seen so far; its last target is sent where it is a new one."""
        key = (price_update.symbol, price_update.venue)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(self.WINDOW)
        window.add(price_update)
        target = float(self.SIGNALS.call(window.frame(), self._params)[-1])
        if target != target or target == window.sent:
            return []
        window.sent = target
        return [MarketSignal(key[0], None, target, 1.0, {"venue": key[1]})]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)


def from_signals(
    function: SignalFunction, /, lookback: int | None = 500, **defaults: Any
) -> type[TradingStrategy]:
    """A strategy for backtests, sweeps and live trading out of `function`, which is described in this module.

    lookback: updates of an instrument that the function is shown, as many as its answer for the last one depends on
    (None: all since the start, which takes ever longer).  Before there are as many it is shown fewer, from one on, and
    has to answer NaN where they are too few.
    defaults: of parameters, in place of those that the function gives itself, or where it gives none.

    Raises StrategyError for what is no such function, ParameterError for a parameter that it does not have, or that has
    no default, and for a look-back below 1.
    """
    return signal_strategy(function, lookback, defaults)


def signal_strategy(
    function: SignalFunction,
    lookback: int | None,
    defaults: Mapping[str, Any],
    spare: Mapping[str, Any] | None = None,
) -> type[SignalStrategy]:
    """`from_signals` with the defaults as a mapping.  spare: defaults for parameters that have none otherwise."""
    signals = Signals.of(function, defaults, spare or {})
    whole = isinstance(lookback, int) and not isinstance(lookback, bool)
    if lookback is not None and not (whole and lookback >= 1):
        raise ParameterError(
            f"{signals.name}: lookback must be a whole number of updates from 1, or None for all, found {lookback!r}"
        )
    names = {
        "__module__": getattr(function, "__module__", None) or __name__,
        # By the plain name pickle would find the function.
        "__qualname__": f"from_signals.<locals>.{signals.name}",
        "__doc__": inspect.getdoc(function),
        "PARAMETERS": dict(signals.defaults),
        "SIGNALS": signals,
        "WINDOW": lookback,
    }
    return type(signals.name, (SignalStrategy,), names)


def price_frame(times_ns: npt.NDArray[np.int64], rows: Floats) -> pd.DataFrame:
    """What a signal function is shown; a copy.  times_ns: int64[n], UTC.  rows: float64[n, 4], in order of COLUMNS."""
    times = np.array(times_ns).view("datetime64[ns]")
    index = pd.DatetimeIndex(times, tz="UTC", name="timestamp", copy=False)
    # Each column in one piece: sums over strided memory are slower, and may differ in their last bits.
    return pd.DataFrame(np.array(rows, order="F"), index, COLUMNS, copy=False)


def to_say(targets: Floats) -> Floats:
    """float64[n]: each target that differs from the last one before it (0 at the start), NaN for nothing to say."""
    said = np.full(len(targets), np.nan)
    rows = np.flatnonzero(targets == targets)
    given = targets[rows]
    fresh = given != np.concatenate([[0.0], given[:-1]])
    said[rows[fresh]] = given[fresh]
    return said


class _Window:
    """The last updates of one instrument, and the last target that was sent for it."""

    __slots__ = ("_length", "_rows", "_stop", "_times", "sent")

    def __init__(self, length: int | None) -> None:
        room = FIRST_ROOM if length is None else 2 * length
        self.sent = 0.0
        self._length, self._stop = length, 0
        self._times = np.empty(room, dtype=np.int64)
        self._rows = np.empty((room, len(COLUMNS)))

    def add(self, u: PriceUpdate) -> None:
        if self._stop == len(self._times):
            self._make_room()
        self._times[self._stop] = u.timestamp_ns
        self._rows[self._stop] = (u.last, u.volume, u.bid, u.ask)
        self._stop += 1

    def _make_room(self) -> None:
        if self._length is None:
            self._times = np.concatenate([self._times, np.empty_like(self._times)])
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            return
        kept = self._length - 1
        self._times[:kept] = self._times[self._stop - kept :]
        self._rows[:kept] = self._rows[self._stop - kept :]
        self._stop = kept

    def frame(self) -> pd.DataFrame:
        """The look-back, the present update last; a copy, so that the function may keep it."""
        first = 0 if self._length is None else max(0, self._stop - self._length)
        return price_frame(self._times[first : self._stop], self._rows[first : self._stop])
