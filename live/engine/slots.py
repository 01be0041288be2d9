"""What the engine keeps of a strategy that runs, or is about to."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from live.engine.catalog import Script
from live.engine.runner import Runner
from live.machine import Machine, StrategyRecord
from workbench.core.performance_view import PerformanceView
from workbench.errors import StrategyError

__all__ = ["RUNNING", "Metrics", "Slot", "StartRequest", "check_id"]

RUNNING: Final = ("running", "paused", "starting", "validating", "draining")


class StartRequest(msgspec.Struct, frozen=True):
    """What is to run.

    script: file name, class or source hash of a script in the catalog.  strategy_id: the script's stem where empty.
    on_failure: hold or flatten.  warm_up: shown the newest prices before it starts.  person: who asks.
    certificate: id of the one that it is to run under; "" for any that holds.
    """

    script: str
    strategy_id: str = ""
    config: dict[str, Any] = {}
    on_failure: str = "hold"
    warm_up: bool = True
    person: str = ""
    certificate: str = ""


class Slot:
    """A strategy that runs, or is about to."""

    def __init__(self, record: StrategyRecord, script: Script) -> None:
        self.record = record
        self.script = script
        self.runner: Runner | None = None
        self.candidate: Runner | None = None
        self.draining: list[Runner] = []
        self.stopping = False
        self.restart: asyncio.Task[None] | None = None
        self.busy = asyncio.Lock()
        self.errors: deque[str] = deque(maxlen=50)
        self.log: deque[tuple[int, str, str]] = deque(maxlen=500)


def check_id(strategy_id: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", strategy_id):
        raise StrategyError(
            "a strategy's id is 1 to 64 letters, digits, _ and - and begins with a letter; "
            f"found {strategy_id!r:.100}"
        )


class Metrics:
    """performance_metrics of a strategy, as the replay shows them: read from the ledger, remembered while equal."""

    def __init__(self, machine: Machine, strategy_id: str) -> None:
        self._machine, self._strategy_id = machine, strategy_id
        self._key: tuple[float, ...] = ()
        self._seen: dict[str, float] = {}

    def __call__(self) -> Mapping[str, float]:
        desk = self._machine.desk
        s = desk.strategy_index(self._strategy_id)
        row = desk.view.strategies[s]
        key = (row.pnl, row.fills, row.breaches, row.drawdown)
        if key != self._key:
            self._key = key
            self._seen = dict(PerformanceView(desk, s))
        return self._seen
