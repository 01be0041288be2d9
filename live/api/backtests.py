"""Backtests that people start: a few at a time, each in a process of its own, results kept in files."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from live.api.backtest_process import run_job
from live.api.backtest_requests import BacktestRequest, BacktestResponse, BacktestView
from live.api.limit_changes import merged
from live.engine import Engine, Script
from live.files import off_loop
from workbench.errors import RequestError, WorkbenchError

__all__ = ["Backtests"]

AT_ONCE: Final = 1
MOST_WAITING: Final = 8
KEPT: Final = 200
_MOST_ROWS: Final = 2_000_000  # bars x symbols x venues
_ID: Final = re.compile(r"[0-9a-f]{16}")

_log = structlog.get_logger("live.backtests")


class Backtests:
    """Backtests of one engine, in files below its data folder.  One event loop owns it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._folder = engine.settings.data / "backtests"
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._open: dict[str, BacktestView] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, person: str, request: BacktestRequest) -> BacktestResponse:
        """Queue a backtest.  Raises RequestError, StrategyError, LimitsError."""
        script = await off_loop(self._engine.catalog.find, request.script)
        if len(self._open) >= AT_ONCE + MOST_WAITING:
            raise RequestError(
                f"{len(self._open)} backtests run or wait, which is the most", "too_many", 30.0
            )
        job = self._job(request, script)
        view = BacktestView(
            secrets.token_hex(8),
            "queued",
            person,
            script.class_name,
            script.source_hash,
            self._engine.clock.now_ns(),
            request,
        )
        self._open[view.backtest_id] = view
        try:
            await off_loop(self._keep, view)
        except OSError:
            self._open.pop(view.backtest_id, None)
            raise
        task = asyncio.create_task(self._run(view, job), name=f"backtest {view.backtest_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return BacktestResponse(view.backtest_id, view.state)

    def find(self, backtest_id: str) -> BacktestView:
        """A backtest that is kept.  Raises RequestError (unknown)."""
        found = self._open.get(backtest_id)
        if found is not None:
            return found
        path = self._folder / f"{backtest_id}.json"
        if not _ID.fullmatch(backtest_id) or not path.is_file():
            raise RequestError(f"no backtest {backtest_id!r:.60} is kept", "unknown")
        view = msgspec.json.decode(path.read_bytes(), type=BacktestView)
        if view.state in ("queued", "running"):
            return msgspec.structs.replace(view, state="failed", error="the engine ended before it was done")
        return view

    def _job(self, request: BacktestRequest, script: Script) -> dict[str, Any]:
        wanted = request.prices
        if wanted.source != "synthetic":
            from workbench.data.samples import (
                samples,  # with pandas, 60 MB that the engine needs for nothing else
            )

            if wanted.source not in samples():
                names = ", ".join(("synthetic", *samples()))
                raise RequestError(
                    f"prices.source: expected one of {names}, found {wanted.source!r:.60}", "invalid"
                )
        rows = wanted.bars * len(wanted.symbols or "ab") * len(wanted.venues)
        if wanted.source == "synthetic" and rows > _MOST_ROWS:
            raise RequestError(
                f"prices: bars x symbols x venues may be {_MOST_ROWS:,}, found {rows:,}", "invalid"
            )
        limits = merged(self._engine.machine.desk.limits, request.limits)
        return {
            "strategy_id": script.name.removesuffix(".py"),
            "source": script.source,
            "filename": script.name,
            "class_name": script.class_name,
            "config": request.config,
            "prices": msgspec.to_builtins(wanted),
            "limits": msgspec.to_builtins(limits),
            "costs": request.costs,
            "chaos": request.chaos,
            "seed": request.seed,
            "initial_cash": request.initial_cash,
        }

    async def _run(self, view: BacktestView, job: dict[str, Any]) -> None:
        clock = self._engine.clock
        try:
            async with self._turns:
                view = await self._change(view, state="running", started_ns=clock.now_ns())
                try:
                    answer = await run_job(self._engine.settings, job)
                except WorkbenchError as error:
                    answer = {"error": str(error)}
            why = str(answer.get("error", ""))
            state = "failed" if why else "done"
            view = await self._change(
                view, state=state, finished_ns=clock.now_ns(), error=why, result=answer.get("result")
            )
            _log.info("backtest_ended", backtest_id=view.backtest_id, state=state, error=why)
        except OSError as error:
            _log.error("backtest_not_kept", backtest_id=view.backtest_id, error=str(error))
        finally:
            self._open.pop(view.backtest_id, None)

    async def _change(self, view: BacktestView, **changes: Any) -> BacktestView:
        view = msgspec.structs.replace(view, **changes)
        self._open[view.backtest_id] = view
        await off_loop(self._keep, view)
        return view

    def _keep(self, view: BacktestView) -> None:
        """Write a view, whole or not at all, and let go of the oldest."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(view))
        Path(temporary).replace(self._folder / f"{view.backtest_id}.json")
        if view.state == "queued":
            kept = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            for path in kept[:-KEPT]:
                path.unlink(missing_ok=True)

    async def close(self) -> None:
        """End those that run."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
