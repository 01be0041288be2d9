"""One look at the engine: what changes fast each time, what changes slowly now and then."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from workbench.dashboards.state.desk_view import Known
from workbench.dashboards.state.notices import Breaches, notices
from workbench.dashboards.state.rows import newest, next_cursor
from workbench.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.client import AsyncEngineClient
    from workbench.client.answers import Portfolio, RiskStatus, StrategyStatus

__all__ = ["MOST_ROWS", "Look"]

MOST_ROWS: Final = 200
"""Rows of orders, and of fills, that a page has; the engine's journal has them all."""
_SECOND_S: Final = 1.0
_SLOW_S: Final = 5.0
_POINTS: Final = 3_000
_RATE_S: Final = 5.0
_MOST_DOWN: Final = 30


class Look:
    """Looks at one engine, over one connection; the next connection begins anew, since it may be another engine."""

    def __init__(self, client: AsyncEngineClient, before: Known | None) -> None:
        """before: what was known when the former connection was lost; its equity is shown on."""
        self._client = client
        self._orders: pd.DataFrame | None = None
        self._fills: pd.DataFrame | None = None
        self._order_cursor = self._fill_cursor = 0
        self._breaches = Breaches()
        self._slow: dict[str, tuple[float, Any]] = {}
        self._points: deque[tuple[int, float, float, float]] = deque(maxlen=_POINTS)
        self._before = before
        self._ticks: deque[tuple[float, int]] = deque()
        self._changes = 0
        self._down: dict[str, StrategyStatus] = {}

    async def take(self) -> Known:
        """Ask.  Raises RequestError."""
        client = self._client
        risk, portfolio, exposures, positions, _, _ = await asyncio.gather(
            client.risk(),
            client.portfolio(),
            client.exposures(),
            client.positions(),
            self._more_orders(),
            self._more_fills(),
        )
        health = await self._now_and_then("health", _SECOND_S, client.health)
        strategies = await self._now_and_then("strategies", _SECOND_S, client.strategies)
        correlations = await self._now_and_then("correlations", _SLOW_S, client.correlations)
        scripts = await self._now_and_then("scripts", _SLOW_S, client.scripts)
        down = await self._now_and_then(
            "down", _SECOND_S, lambda: self._not_running(portfolio, risk, set(strategies.index))
        )
        assert self._orders is not None
        assert self._fills is not None
        failed = {name: found.reason for name, found in down.items() if found.state == "failed"}
        return Known(
            health,
            risk,
            portfolio,
            exposures,
            correlations,
            positions,
            self._orders,
            self._fills,
            await self._curve(portfolio),
            strategies,
            scripts,
            down,
            notices(risk, exposures, health, failed, self._breaches.see(risk)),
            self._rate(),
        )

    async def _now_and_then(self, name: str, every_s: float, ask: Any) -> Any:
        at, found = self._slow.get(name, (0.0, None))
        if found is None or time.monotonic() - at >= every_s:
            found = await ask()
            self._slow[name] = (time.monotonic(), found)
        return found

    async def _more_orders(self) -> None:
        page = await self._client.orders(after=self._order_cursor)
        self._changes += len(page) if self._orders is not None else 0
        self._orders = newest(self._orders, page, MOST_ROWS)
        self._order_cursor = next_cursor(self._orders, self._order_cursor)

    async def _more_fills(self) -> None:
        page = await self._client.fills(after=self._fill_cursor)
        self._changes += len(page) if self._fills is not None else 0
        self._fills = newest(self._fills, page, MOST_ROWS)
        self._fill_cursor = next_cursor(self._fills, self._fill_cursor)

    async def _not_running(
        self, portfolio: Portfolio, risk: RiskStatus, running: set[str]
    ) -> dict[str, StrategyStatus]:
        """What ran once: it has money, or a latch, and is not among those that run."""
        names = dict.fromkeys([line.strategy_id for line in portfolio.strategies])
        names |= dict.fromkeys(risk.halted_strategies)
        found: dict[str, StrategyStatus] = {}
        for name in [name for name in names if name not in running][-_MOST_DOWN:]:
            try:
                found[name] = await self._client.strategy(name)
            except RequestError as error:
                if error.kind != "unknown":  # one that the journal has forgotten but for its money
                    raise
        return found

    async def _curve(self, portfolio: Portfolio) -> pd.DataFrame:
        """Equity by time: what the engine kept, what was seen before, and what is seen now."""
        import pandas as pd

        if not self._points:
            kept = await self._client.equity()
            if self._before is not None:
                earlier = self._before.curve
                kept = pd.concat([earlier[earlier.index < kept.index.min()] if len(kept) else earlier, kept])
            times = pd.DatetimeIndex(kept.index).as_unit("ns").asi8.tolist()
            self._points.extend(
                zip(times, kept["equity"], kept["drawdown"], kept["gross_exposure"], strict=True)
            )
        point = (portfolio.timestamp_ns, portfolio.equity, portfolio.drawdown, portfolio.gross_exposure)
        if not self._points or point[0] - self._points[-1][0] >= 1_000_000_000:
            self._points.append(point)
            self._slow.pop("curve", None)

        async def framed() -> pd.DataFrame:
            rows = list(self._points)
            index = pd.to_datetime([row[0] for row in rows], utc=True)
            return pd.DataFrame(
                [row[1:] for row in rows], index=index, columns=["equity", "drawdown", "gross_exposure"]
            )

        found: pd.DataFrame = await self._now_and_then("curve", 60.0, framed)
        return found

    def _rate(self) -> float:
        """Rows that came in the last seconds, a second."""
        now = time.monotonic()
        self._ticks.append((now, self._changes))
        while len(self._ticks) > 2 and now - self._ticks[0][0] > _RATE_S:
            self._ticks.popleft()
        (begun, before), (last, after) = self._ticks[0], self._ticks[-1]
        return (after - before) / (last - begun) if last - begun > 0.5 else 0.0
