"""docs/operations.md: its tables are those of the code, and what it says of backups works."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from live.api.auth import Tokens
from live.api.roles import Role
from live.machine import Machine
from live.metrics import FAMILIES, Metrics
from live.settings import Settings, variables
from tests.live.metrics.harness import buys, price, running, samples, started

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "config" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]


def table(first: str) -> list[list[str]]:
    """Rows of the table whose first heading is `first`, without backquotes."""
    _, _, rest = TEXT.partition(f"| {first} |")
    lines = rest.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("| ").split(" | ")] for line in lines]


def _default(name: str) -> str:
    value: object = Settings.model_fields[name].default
    match value:
        case SecretStr():
            return str(value.get_secret_value())
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
        case None:
            return ""
    return str(value)


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = table("setting")
    assert {row[0]: row[1] for row in rows} == {name: _default(field) for name, field in variables().items()}
    assert all(len(row) == 3 and len(row[2]) > 10 for row in rows)


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    wanted = [[f.name, f.kind, ", ".join(f.labels), f.help.replace("`", "")] for f in FAMILIES]
    assert table("metric") == wanted


def test_the_table_of_alerts_is_that_of_the_file() -> None:
    wanted = [[rule["alert"], rule["labels"]["severity"], rule["annotations"]["action"]] for rule in ALERTS]
    assert table("alert") == [[cell.replace("`", "") for cell in row] for row in wanted]


def _command(marker: str) -> str:
    """The one line of a shell block that holds `marker`."""
    lines: list[str] = [
        line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
    ]
    (line,) = [line for line in lines if marker in line]
    return line


def test_the_token_for_prometheus_may_read_and_no_more(tmp_path: Path) -> None:
    Tokens(tmp_path)  # the engine has been started there
    command = _command("token add prometheus").partition(" > ")[0]
    command = command.removeprefix("docker compose exec -T trading-engine ")
    command = command.replace("workbench", f"{Path(sys.executable).parent}/workbench", 1)
    where = os.environ | {"TRADING_ENGINE_DATA": str(tmp_path)}  # as the image has it
    made = subprocess.run(
        command, shell=True, check=True, capture_output=True, text=True, cwd=ROOT, env=where
    )
    caller = Tokens(tmp_path).check(made.stdout.strip())
    assert (caller.person, caller.role) == ("prometheus", Role.VIEWER)


def test_a_backup_of_a_running_engine_starts_where_it_was_made(tmp_path: Path) -> None:
    """Backed up with the documented command while the engine trades; restored into a new data folder."""
    copy = tmp_path / "journal.sqlite"
    command = _command("VACUUM INTO")
    command = command.replace(".venv/bin/python", sys.executable).replace("backup/journal.sqlite", str(copy))
    command = command.replace("var/engine/journal.sqlite", str(tmp_path / "data" / "journal.sqlite"))

    def state(machine: Machine) -> tuple[float, int, float]:
        book = machine.desk.book
        return float(book.equity), int(book.fills), machine.desk.position(0, "BTC-USD")

    async def trade() -> tuple[float, int, float]:
        async with running(tmp_path) as engine:
            await started(engine, "s")
            for item in (price(1, 100.0), buys("s", 2), price(2, 100.0), price(3, 110.0)):
                await engine.ask(item)
            then = state(engine.machine)
            await asyncio.to_thread(subprocess.run, command, shell=True, check=True)
            for item in (buys("s", 5), price(4, 90.0)):
                await engine.ask(item)
            assert state(engine.machine) != then
            return then

    async def again() -> tuple[float, int, float]:
        async with running(tmp_path) as engine:
            return state(engine.machine)

    then = asyncio.run(trade())
    shutil.rmtree(tmp_path / "data")  # as the document says: into an empty folder
    (tmp_path / "data").mkdir()
    shutil.copy(copy, tmp_path / "data" / "journal.sqlite")
    assert asyncio.run(again()) == then == (1_000_020.0, 1, 2.0)


def test_a_backup_beside_the_old_lock_file_is_told_to_have_lost_records(tmp_path: Path) -> None:
    """Why the document says an empty folder: the lock file knows of records that the backup does not have."""

    async def trade(*items: Any) -> int:
        async with running(tmp_path) as engine:
            for item in items:
                await engine.ask(item)
            body, _ = Metrics(engine).render()
            return int(samples(body)["trading_engine_journal_warnings", ()])

    journal = tmp_path / "data" / "journal.sqlite"
    assert asyncio.run(trade(price(1, 100.0))) == 0
    old = shutil.copy(journal, tmp_path / "old.sqlite")
    assert asyncio.run(trade(price(2, 100.0), price(3, 100.0))) == 0
    shutil.copy(old, journal)
    assert asyncio.run(trade()) == 1
