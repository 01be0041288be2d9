"""`Metrics`: looks at the engine once in a while, and writes what it saw for Prometheus."""

from __future__ import annotations

import asyncio
import platform
import time
from collections import deque
from collections.abc import Iterable
from importlib.metadata import version
from itertools import takewhile
from typing import Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from live.engine import Engine
from live.engine.tracing import ALERTS
from live.metrics.families import ALERT_BOUNDS, CHECK_BOUNDS
from live.metrics.processes import Processes
from live.metrics.reconciled import ReconciledFile
from live.metrics.service import read_engine, read_journal, read_venues
from live.metrics.sheet import Names, Sheet, Tally
from live.metrics.trading import read_chaos, read_portfolio, read_risk, read_strategies

__all__ = ["MOST_KINDS", "MOST_STRATEGIES", "MOST_SYMBOLS", "Metrics"]

MOST_STRATEGIES: Final = 100
MOST_SYMBOLS: Final = 50
MOST_KINDS: Final = 50  # of chaos
_RUNNING: Final = ("running", "paused", "starting", "validating", "draining")


class Metrics:
    """What Prometheus sees of an engine that was started; called in the engine's event loop.

    registry: the engine's own; nothing of the client's global one is in it.
    """

    def __init__(
        self, engine: Engine, *, most_strategies: int = MOST_STRATEGIES, most_symbols: int = MOST_SYMBOLS
    ) -> None:
        """most_strategies, most_symbols: that have labels of their own; the rest is told as `other`."""
        self.registry = CollectorRegistry(auto_describe=False)
        self._engine = engine
        self._strategies = Names(most_strategies)
        self._symbols = Names(most_symbols)
        self._kinds = Names(MOST_KINDS)
        self._processes = Processes()
        self._reconciled = ReconciledFile(engine.settings.data)
        self._checks = Tally(CHECK_BOUNDS)
        self._after_trades = Tally(CHECK_BOUNDS)
        self._alerts = {kind: Tally(ALERT_BOUNDS) for kind in ALERTS}
        self._last_check: tuple[float, int] | None = None
        self._accepted = int(engine.machine.desk.book.accepted)
        self._updated = time.perf_counter()
        self._loop_lag = 0.0
        self._build = (version("trading-workbench"), platform.python_version())
        self._sheet = Sheet()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Shown(self))
        self.update()

    def update(self) -> None:
        """Look at the engine."""
        begun = time.perf_counter()
        engine, machine, sheet = self._engine, self._engine.machine, Sheet()
        self._admit()
        read_strategies(sheet, machine, self._strategies)
        read_risk(sheet, machine, self._strategies, self._symbols)
        read_portfolio(sheet, machine)
        read_chaos(sheet, machine, self._strategies, self._kinds)
        read_engine(sheet, engine)
        read_journal(sheet, engine)
        read_venues(sheet, engine)
        self._processes.read(sheet, engine.strategies, self._strategies)
        self._reconciled.read(sheet, self._strategies)
        self._take_checks(engine.pump.check_seconds)
        self._after_trades.add(engine.pump.post_seconds)
        engine.pump.post_seconds.clear()
        sheet.tallies["trading_engine_risk_check_latency"] = {
            "pre_trade": self._checks,
            "post_trade": self._after_trades,
        }
        self._take_alerts(engine.tracer.alert_seconds)
        sheet.tallies["trading_risk_alert_latency_seconds"] = self._alerts
        self._tell_rates(sheet, begun)
        for name, names in self._folding():
            sheet.put("trading_engine_names_folded", names.folded, name)
        sheet.put("trading_engine_build_info", 1.0, *self._build)
        sheet.put("trading_engine_metrics_update_seconds", time.perf_counter() - begun)
        self._sheet = sheet

    def render(self) -> tuple[bytes, str]:
        """The last update in Prometheus' text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    async def run(self) -> None:
        """Update each METRICS_PUBLISH_INTERVAL_MS until it is cancelled."""
        interval = self._engine.settings.metrics_publish_interval_ms / 1e3
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + interval
            await asyncio.sleep(interval)
            self._loop_lag = max(0.0, loop.time() - due)
            self.update()

    def families(self) -> Iterable[Metric]:
        """What was last seen."""
        return self._sheet

    def _admit(self) -> None:
        """Let what runs have labels before what once ran, as long as there are some left."""
        for strategy_id, record in self._engine.machine.strategies.items():
            if record.state in _RUNNING:
                self._strategies.of(strategy_id)

    def _take_checks(self, times: deque[tuple[float, int]]) -> None:
        """Count what the writer has measured since; the time of an answer is shared by its signals.

        Others read the same measurements, so they stay where they are.
        """
        last = self._last_check
        fresh = list(takewhile(lambda check: check is not last, reversed(times)))
        if fresh:
            self._last_check = fresh[0]
        self._checks.add((seconds / max(count, 1) for seconds, count in fresh), (count for _, count in fresh))

    def _take_alerts(self, told: deque[tuple[str, float]]) -> None:
        """Count how long alerts have taken since."""
        fresh: dict[str, list[float]] = {}
        while told:
            kind, seconds = told.popleft()
            fresh.setdefault(kind, []).append(seconds)
        for kind, times in fresh.items():
            self._alerts[kind].add(times)

    def _tell_rates(self, sheet: Sheet, now: float) -> None:
        accepted = int(self._engine.machine.desk.book.accepted)
        passed = now - self._updated
        rate = (accepted - self._accepted) / passed if passed > 0.0 else 0.0
        sheet.put("trading_engine_orders_per_second", rate)
        sheet.put("trading_engine_loop_lag_seconds", self._loop_lag)
        self._accepted, self._updated = accepted, now

    def _folding(self) -> tuple[tuple[str, Names], ...]:
        return ("chaos_type", self._kinds), ("strategy", self._strategies), ("symbol", self._symbols)


class _Shown(Collector):
    """Lets a registry ask for the last update."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics.families()
