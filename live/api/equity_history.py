"""The way of the equity since the engine was started, looked at once a second, for those who open a page later."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import numpy as np

from live.api.desk_answers import EquityHistory, EquityPoint
from live.engine import Engine

__all__ = ["Curve"]

_SECONDS: Final = 900
_MINUTES: Final = 1_440
_MINUTE_NS: Final = 60_000_000_000


class Curve:
    """Points of the last quarter of an hour, and what leaves those thinned to one a minute for a day."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fine: deque[EquityPoint] = deque()
        self._coarse: deque[EquityPoint] = deque(maxlen=_MINUTES)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(1.0)

    def look(self) -> None:
        """Note the present point, where time has gone on."""
        desk = self._engine.machine.desk
        book, ns = desk.book, int(desk.book.now_ns)
        if self._fine and ns <= self._fine[-1].ns:
            return
        cells = np.asarray(desk.view.positions)["quantity"].reshape(-1, len(desk.instruments))
        market = np.asarray(desk.view.instruments)
        held = np.abs(cells).sum(axis=0)
        traded = held > 0.0
        gross = float((held * market["mark"] * market["multiplier"])[traded].sum())
        self._fine.append(EquityPoint(ns, float(book.equity), float(book.drawdown), gross))
        if len(self._fine) > _SECONDS:
            oldest = self._fine.popleft()
            if not self._coarse or oldest.ns - self._coarse[-1].ns >= _MINUTE_NS:
                self._coarse.append(oldest)

    def view(self) -> EquityHistory:
        return EquityHistory((*self._coarse, *self._fine))
