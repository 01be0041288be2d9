"""A command and its line in the audit log are durable together, whenever the engine dies."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from live.api.commands import Commands
from live.api.requests import KillResponse, LimitsRequest
from live.engine import Engine
from live.journal import Journal
from live.machine import AuditLine, KillSwitch, decode_block
from tests.live.api.doomed_command import CALLER, KEY, REQUEST
from tests.live.engine.desk import open_engine, paper_market, settings_for
from workbench.errors import JournalFailed, RequestError


def kill_at(folder: Path, point: str, *more: str) -> tuple[int, list[AuditLine]]:
    """Run the doomed engine; what it has left in its journal."""
    command = [sys.executable, "-m", "tests.live.api.doomed_command", str(folder), point, *more]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert child.returncode == -signal.SIGKILL, child.stderr[-2000:]
    return left(folder)


def left(folder: Path) -> tuple[int, list[AuditLine]]:
    """How often the kill switch was used, and the lines of the audit log that say so."""
    journal = Journal.open(f"sqlite:///{folder / 'data' / 'journal.sqlite'}", read_only=True)
    try:
        items = [item for record in journal.read(kinds=["block"]) for item in decode_block(record.payload)]
    finally:
        journal.close()
    lines = [item for item in items if isinstance(item, AuditLine) and item.outcome == "done"]
    return sum(isinstance(item, KillSwitch) for item in items), lines


def ask_again(folder: Path) -> KillResponse:
    async def main() -> KillResponse:
        async with open_engine(settings_for(folder), paper_market(50.0)) as engine:
            return await Commands(engine).kill(CALLER, REQUEST, KEY)

    return asyncio.run(main())


@pytest.mark.parametrize("point", ["record_line", "act_durable"])
def test_a_repeated_key_does_nothing_twice_wherever_the_engine_died(tmp_path: Path, point: str) -> None:
    acts, lines = kill_at(tmp_path, point)
    assert (acts, len(lines)) == ((1, 1) if point.endswith("durable") else (0, 0))
    answer = ask_again(tmp_path)
    assert answer.scope == "all"
    if lines:
        assert answer == msgspec.json.decode(lines[0].answer, type=KillResponse)  # the first one
    acts, lines = left(tmp_path)
    assert (acts, len(lines)) == (1, 1)


def test_written_apart_the_same_death_would_have_it_done_twice(tmp_path: Path) -> None:
    acts, lines = kill_at(tmp_path, "record_line", "apart")
    assert (acts, len(lines)) == (1, 0)
    ask_again(tmp_path)
    assert left(tmp_path)[0] == 2


class Journals:
    """A journal that fails at the next commit, until `mended`."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mended = False
        store = engine.journal._store
        original = store.append

        def append(rows: Any) -> None:
            if not self.mended:
                raise JournalFailed("the disk is full", "full", final=False)
            original(rows)

        monkeypatch.setattr(store, "append", append)


def test_an_answer_that_became_durable_late_is_the_answer_once_the_journal_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with open_engine(settings_for(tmp_path), paper_market(50.0)) as engine:
            commands = Commands(engine)
            journal = Journals(engine, monkeypatch)
            for _ in range(2):  # not the second time either, and it is not done again
                with pytest.raises(RequestError) as refused:
                    await commands.kill(CALLER, REQUEST, KEY)
                assert refused.value.kind == "unavailable"
            journal.mended = True
            await engine.resume()
            assert (await commands.kill(CALLER, REQUEST, KEY)).scope == "all"

    asyncio.run(main())
    acts, lines = left(tmp_path)
    assert (acts, len(lines)) == (1, 1)


def test_what_was_answered_at_length_is_not_done_again_either(tmp_path: Path) -> None:
    """The second time, and after a restart."""
    permitted = {f"a_strategy_with_a_rather_long_name_{i:04}": ["BTC-USD"] for i in range(400)}
    request = LimitsRequest({"permitted_instruments": permitted})

    async def main(first: bool) -> int:
        async with open_engine(settings_for(tmp_path), paper_market(50.0)) as engine:
            commands = Commands(engine)
            if first:
                answer = await commands.set_limits(CALLER, request, "long")
                assert len(msgspec.json.encode(answer)) > 16_384
                back = LimitsRequest({"permitted_instruments": {}})
                await commands.set_limits(CALLER, back)
            with pytest.raises(RequestError, match="was carried out, but its answer was too long") as refused:
                await commands.set_limits(CALLER, request, "long")
            assert refused.value.kind == "conflict"
            assert not engine.machine.limits.permitted_instruments
            with pytest.raises(RequestError, match="came before, with another request"):
                await commands.set_limits(CALLER, LimitsRequest({}), "long")
            return len(engine.machine.audit)

    assert asyncio.run(main(first=True)) == asyncio.run(main(first=False))
