"""An engine that is asked to use the kill switch, and kills itself at a boundary of the journal.  Run as a process.

python -m tests.live.api.doomed_command FOLDER POINT [apart]

POINT: what is about to happen: record_act, act_durable, record_line, line_durable; the act is the kill in the desk,
the line the one in the audit log.  apart: the two are written one after the other, which shows what that would do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live.api.carrying import Ending
from live.api.commands import Commands
from live.api.requests import KillRequest
from live.api.roles import Caller, Role
from live.engine.pump import Block, Pump
from live.machine import AuditLine, Input, KillSwitch
from tests.live.engine.desk import open_engine, paper_market, settings_for
from workbench.core.facts import Fact

CALLER = Caller("ana", Role.ADMIN)
REQUEST = KillRequest(reason="a drill", scope="all")
KEY = "the-one"


def has(block: Block, what: str) -> bool:
    if what == "act":
        return any(isinstance(item, KillSwitch) for item in block.inputs)
    return any(isinstance(item, AuditLine) and item.key == KEY for item in block.inputs)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doom(point: str) -> None:
    record: Callable[..., None] = Pump._record
    durable: Callable[..., None] = Pump._durable

    def recorded(self: Pump, block: Block) -> None:
        if point.startswith("record_") and has(block, point.removeprefix("record_")):
            die()
        record(self, block)

    def made_durable(self: Pump, sequence: int) -> None:
        what = point.removesuffix("_durable")
        if what != point and any(block.sequence <= sequence and has(block, what) for block in self._pending):
            die()
        durable(self, sequence)

    Pump._record = recorded  # type: ignore[method-assign]
    Pump._durable = made_durable  # type: ignore[method-assign]


def write_apart() -> None:
    async def act(self: Ending, item: Input, respond: Callable[[list[Fact]], Any]) -> Any:
        return respond(await self._engine.ask(item))

    Ending.act = act  # type: ignore[method-assign]


async def main(folder: Path) -> None:
    async with open_engine(settings_for(folder), paper_market(50.0)) as engine:
        await Commands(engine).kill(CALLER, REQUEST, KEY)


if __name__ == "__main__":
    doom(sys.argv[2])
    if sys.argv[3:] == ["apart"]:
        write_apart()
    asyncio.run(main(Path(sys.argv[1])))
