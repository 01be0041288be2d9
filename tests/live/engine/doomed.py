"""An engine that kills itself, as `kill -9` would, at a chosen boundary of its journal.  Run as a process.

python -m tests.live.engine.doomed FOLDER POINT COUNT

POINT: before_append, after_append, at_durable, after_release, or never (then somebody else kills it).
COUNT: how many times the point is passed before it is the last.
Prints `acked N` once the N-th audit line is durable: what was promised to somebody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
import yaml

from live.engine import Engine, StartRequest
from live.engine.pump import Pump
from live.machine import AuditLine
from tests.live.engine.desk import open_engine, paper_market, settings_for
from workbench.core.limits import DuplicateOrder, MessageRate, RiskLimits

LIMITS = RiskLimits(
    duplicate_order=DuplicateOrder(0.001, float("inf")),
    message_rate=MessageRate(1e4, 1e4, 1e4, 1e4),
    repeated_execution=RiskLimits.unlimited().repeated_execution,
    per_strategy=RiskLimits.unlimited().per_strategy,  # fifty lives come to more trades than a day allows
)
LIMIT = 20.0  # seconds, after which it ends by itself


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doom(point: str, count: int) -> None:
    """Have the pump kill the process when it passes `point` for the `count`-th time."""
    passed = 0

    def passes() -> None:
        nonlocal passed
        passed += 1
        if passed >= count:
            die()

    def around(name: str, before: bool) -> None:
        original: Callable[..., Any] = getattr(Pump, name)

        def wrapped(self: Pump, argument: Any) -> Any:
            if before:
                passes()
            result = original(self, argument)
            if not before:
                passes()
            return result

        setattr(Pump, name, wrapped)

    match point:
        case "before_append":
            around("_record", before=True)
        case "after_append":
            around("_record", before=False)
        case "at_durable":
            around("_durable", before=True)
        case "after_release":
            around("_durable", before=False)


async def promise(engine: Engine) -> None:
    """Have something recorded again and again, and say so once it is."""
    for number in range(100_000):
        await engine.ask(AuditLine(number, "ana", "admin", "promise", "", "done"))
        print(f"acked {number}", flush=True)  # noqa: T201 - the parent reads it
        await asyncio.sleep(0.01)


REQUESTS = (
    StartRequest("mean_reversion", "a", {"window": 5, "entry": 0.3, "exit": 0.1}),
    StartRequest("market_making", "b"),
)


async def main(folder: Path) -> None:
    """On the market of FOLDER/venues.yaml with the scripts of FOLDER/scripts where there are such."""
    venues, scripts = folder / "venues.yaml", folder / "scripts"
    given = {"strategies_path": scripts} if scripts.is_dir() else {}
    requests = [StartRequest(p.stem) for p in scripts.glob("*.py")] if scripts.is_dir() else REQUESTS
    settings = settings_for(folder, snapshot_events=1000, **given)
    market = yaml.safe_load(venues.read_text()) if venues.exists() else paper_market(5.0)
    async with open_engine(settings, market, LIMITS) as engine:
        for request in requests:
            if (request.strategy_id or request.script) not in engine.strategies.slots:
                await engine.strategies.start(request)
        print("ready", flush=True)  # noqa: T201
        await asyncio.wait_for(promise(engine), LIMIT)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    doom(sys.argv[2], int(sys.argv[3]))
    asyncio.run(main(Path(sys.argv[1])))
