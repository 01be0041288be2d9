"""What a run wrote down: facts in the order in which they happened, sorted by kind."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.core.facts import (
    BreakerReset,
    BreakerTripped,
    Fact,
    MarketNotice,
    OrderAccepted,
    OrderEnded,
    OrderRefused,
    SignalRefused,
    StopTriggered,
)
from workbench.core.messages import MarketSignal, OrderFill, RiskAlert, RiskBreach

__all__ = ["Recorder", "SentSignal", "StrategyErrorNote", "fingerprint"]


class SentSignal(msgspec.Struct, frozen=True, gc=False):
    """A signal as the desk got it."""

    timestamp_ns: int
    strategy_id: str
    signal: MarketSignal


class StrategyErrorNote(NamedTuple):
    """A strategy raised: when, in which call, what, and the innermost line of its script."""

    timestamp_ns: int
    strategy_id: str
    call: str
    error: str


class Recorder:
    """Lists of facts by type; `journal` keeps all of them in order."""

    def __init__(self) -> None:
        self.journal: list[Fact] = []
        self.signals: list[SentSignal] = []
        self.errors: list[StrategyErrorNote] = []
        self._by_type: defaultdict[type, list[Fact]] | None = None

    def _sorted(self) -> defaultdict[type, list[Fact]]:
        if self._by_type is None:
            self._by_type = defaultdict(list)
            for fact in self.journal:
                self._by_type[type(fact)].append(fact)
        return self._by_type

    def of[T](self, kind: type[T]) -> list[T]:
        """All facts of one type, in order; to be asked once the run is over."""
        return self._sorted()[kind]  # type: ignore[return-value]  # the key is the type of the list's items

    @property
    def fills(self) -> list[OrderFill]:
        return self.of(OrderFill)

    @property
    def accepted(self) -> list[OrderAccepted]:
        return self.of(OrderAccepted)

    @property
    def refused(self) -> list[OrderRefused]:
        return self.of(OrderRefused)

    @property
    def ended(self) -> list[OrderEnded]:
        return self.of(OrderEnded)

    @property
    def triggered(self) -> list[StopTriggered]:
        return self.of(StopTriggered)

    @property
    def signals_refused(self) -> list[SignalRefused]:
        return self.of(SignalRefused)

    @property
    def breaches(self) -> list[RiskBreach]:
        return self.of(RiskBreach)

    @property
    def alerts(self) -> list[RiskAlert]:
        return self.of(RiskAlert)

    @property
    def trips(self) -> list[BreakerTripped]:
        return self.of(BreakerTripped)

    @property
    def resets(self) -> list[BreakerReset]:
        return self.of(BreakerReset)

    @property
    def notices(self) -> list[MarketNotice]:
        return self.of(MarketNotice)


def fingerprint(fills: Iterable[OrderFill], equity: npt.NDArray[np.float64]) -> str:
    """SHA-256 over fills and equity: equal where two runs did the same, bit for bit.

    Of each fill: time, strategy, symbol, venue, then quantity, price and fee as IEEE doubles.  equity: float64[n],
    one value per price update.  Negative zero counts as zero.
    """
    digest = hashlib.sha256()
    for fill in fills:
        names = f"{fill.timestamp_ns}|{fill.strategy_id}|{fill.symbol}|{fill.venue}|".encode()
        digest.update(names)
        digest.update(np.array([fill.quantity, fill.price, fill.fee], dtype="<f8").tobytes())
    digest.update((equity + 0.0).astype("<f8").tobytes())
    return digest.hexdigest()
