"""How it is asked: from a shell, by the engine's own processes, in a notebook; and what the metrics show of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import workbench as wb
from live.engine.reconciled import RECONCILED, read_reconciled
from live.metrics import Metrics
from tests.live.metrics.harness import running, samples
from tests.reconcile.sessions import TURNS, compared, in_lock_step, scripts
from workbench.cli.app import run
from workbench.errors import ConfigError, JournalError
from workbench.reconcile.__main__ import main
from workbench.reconcile.publishing import publish_result
from workbench.reconcile.result import Reconciliation

EDITED = TURNS.replace("held > 0", "held >= 0")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_lock_step(tmp_path_factory.mktemp("session"), "turning", "steady", bars=40)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripts(tmp_path_factory.mktemp("edited"), turning=EDITED)


def test_a_shell_hears_by_the_exit_status(
    data: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = ["reconcile", str(data), "--isolation", "thread", "--minimum", "none"]
    assert run(shell) == 0
    assert "ok: all" in capsys.readouterr().out
    page = tmp_path / "page.html"
    assert run([*shell, "--json", "--code", str(edited), "--html", str(page)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert f"{said['different']:,} fills differ, live or in replay" in page.read_text()
    assert said["causes"]["logic"]["fills"] == said["different"] > 0
    assert said["strategies"]["turning"]["ok"] is False
    assert said["strategies"]["steady"]["unexplained_bps"] == 0.0
    text = page.read_text()
    assert "logic" in text
    assert "http" not in text
    assert run([*shell[:1], str(tmp_path / "nowhere")]) == 2
    assert "found nothing at" in capsys.readouterr().err


def test_the_engine_asks_a_process(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{data / 'journal.sqlite'}"
    asked = ["--journal", url, "--strategy", "steady", "--isolation", "thread", "--minimum", "none", "--json"]
    command = [sys.executable, "-m", "workbench.reconcile", *asked, "--start", "2024-01-01T00:10:00Z"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    said = json.loads(process.stdout)
    assert (said["ok"], said["unexplained_bps"], list(said["strategies"])) == (True, 0.0, ["steady"])
    assert main(["--journal", str(data / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_in_a_notebook(data: Path, edited: Path) -> None:
    async def cell() -> Reconciliation:
        return wb.reconcile(data, isolation="thread", code=edited)  # where a loop runs already

    found = asyncio.run(cell())
    assert repr(found).startswith("live against replay: NOT OK")
    html = found._repr_html_()
    assert "the code answers otherwise" in html
    assert "<script" not in html
    assert list(found.fills.columns[:4]) == ["strategy", "symbol", "venue", "cause"]
    assert str(found.fills["live_timestamp"].dtype).startswith("datetime64")


def test_what_came_from_a_journal_is_escaped(data: Path) -> None:
    found = compared(data)
    found.problems = {"turning": "<script>alert(1)</script>"}
    assert "<script" not in found._repr_html_()


def test_what_makes_no_sense_is_one_clear_line(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a date, or start and end"):
        compared(data, date="2024-01-01", start="2024-01-01")
    with pytest.raises(ConfigError, match="no such venue; there is: v"):
        compared(data, costs={"w": wb.Costs()})
    with pytest.raises(JournalError, match="found nothing"):
        compared(tmp_path)
    with pytest.raises(ConfigError, match="data folder"):
        publish_result(None, compared(data))


def test_the_metrics_show_the_newest_result(data: Path, edited: Path, tmp_path: Path) -> None:
    async def look() -> None:
        async with running(tmp_path) as engine:
            folder, metrics = engine.settings.data, Metrics(engine)

            def shown(name: str) -> dict[str, float]:
                metrics.update()
                found = samples(metrics.render()[0])
                return {labels[0][1]: value for (series, labels), value in found.items() if series == name}

            assert shown("trading_reconciliation_unexplained_bps") == {}
            publish_result(folder, compared(data))
            assert shown("trading_reconciliation_unexplained_bps") == {"steady": 0.0, "turning": 0.0}
            assert shown("trading_reconciliation_failed") == {"steady": 0.0, "turning": 0.0}
            bad = compared(data, code=edited, strategy="turning", attribute=False)
            publish_result(folder, bad)  # the other's stays
            assert shown("trading_reconciliation_unexplained_bps") == {
                "steady": 0.0,
                "turning": pytest.approx(bad.unexplained_bps),
            }
            assert bad.unexplained_bps > 0.0
            assert shown("trading_reconciliation_failed") == {"steady": 0.0, "turning": 1.0}
            assert set(shown("trading_reconciliation_time_seconds")) == {"steady", "turning"}
            (folder / RECONCILED).write_text("{")
            assert shown("trading_reconciliation_failed") == {}
            publish_result(folder, bad)  # in place of what cannot be read
            assert set(read_reconciled(folder)) == {"turning"}

    asyncio.run(look())


def found_of(name: str) -> Reconciliation:
    """A comparison of one strategy in which nothing differs."""
    return Reconciliation(
        journal="",
        span_ns=(0, 1),
        prices=1,
        live_fills={name: (1, 100.0)},
        differences=(),
        effects={},
        problems={},
        logic={},
        notes=(),
    )


def test_results_that_are_put_there_at_once_are_all_there(tmp_path: Path) -> None:
    names = [f"s{number:02}" for number in range(48)]
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda name: publish_result(tmp_path, found_of(name)), names))
    assert sorted(read_reconciled(tmp_path)) == names
    assert [path.name for path in tmp_path.iterdir()] == [RECONCILED]
