"""Which limits are in force after a restart: those of the file where it has changed, else those that a person set."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.live.engine.desk import open_engine, paper_market, settings_for
from workbench.core.intents import SetLimits
from workbench.core.limits import MonitorSettings, RiskLimits
from workbench.errors import EngineError

FILE = RiskLimits(restricted_list=["A"])
BY_HAND = RiskLimits(restricted_list=["B"])
NEW_FILE = RiskLimits(restricted_list=["C"])


def in_force(tmp_path: Path, configured: RiskLimits, then: RiskLimits | None = None) -> list[str]:
    """Start with these limits; what is restricted then.  then: limits that a person sets before the end."""

    async def run() -> list[str]:
        async with open_engine(settings_for(tmp_path), paper_market(50.0), configured) as engine:
            found = list(engine.machine.desk.limits.restricted_list)
            if then is not None:
                await engine.ask(SetLimits(then))
        return found

    return asyncio.run(run())


def test_what_a_person_set_outlives_a_restart_and_a_changed_file_replaces_it(tmp_path: Path) -> None:
    assert in_force(tmp_path, FILE, then=BY_HAND) == ["A"]
    assert in_force(tmp_path, FILE) == ["B"]
    assert in_force(tmp_path, NEW_FILE) == ["C"]
    assert in_force(tmp_path, NEW_FILE, then=BY_HAND) == ["C"]
    assert in_force(tmp_path, NEW_FILE) == ["B"]


def test_limits_that_a_running_desk_cannot_take_stop_the_start(tmp_path: Path) -> None:
    in_force(tmp_path, FILE)
    wider = msgspec.structs.replace(FILE, monitors=MonitorSettings(window=64))
    with pytest.raises(EngineError, match=r"monitors\.window must stay"):
        in_force(tmp_path, wider)
