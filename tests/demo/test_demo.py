"""The demo: every script takes part, controls hold what they should, and what is shown is what was measured."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from workbench.cli.app import run
from workbench.cli.demo.page import page
from workbench.cli.demo.runs import Demo, IncidentResult, run_demo, steps
from workbench.cli.demo.scenes import INCIDENTS, LOSS_STOP, STAGES, WELL_BEHAVED, limits_of
from workbench.cli.demo.tables import FULL_WIDTH, as_json, show, stopped_by, summary
from workbench.configuration import load_limits

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "strategies"
FILE = ROOT / "config" / "risk_limits.yaml"
HARMLESS = {"cancel_flood"}  # it loads the venue and trades nothing


class Played:
    """A demo that was played, and what was said before each of its runs."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.demo: Demo = run_demo(SCRIPTS, load_limits(FILE), "config/risk_limits.yaml", self.said.append)


@pytest.fixture(scope="session")
def played() -> Played:
    return Played()


@pytest.fixture(scope="session")
def demo(played: Played) -> Demo:
    return played.demo


def incident(demo: Demo, script: str) -> IncidentResult:
    return next(one for one in demo.incidents if one.incident.script == script)


# -- who takes part ---------------------------------------------------------------------------------------------


def test_every_script_takes_part() -> None:
    assert {part.script for _, part in WELL_BEHAVED} == {path.stem for path in SCRIPTS.glob("*.py")}
    assert {one.script for one in INCIDENTS} == {path.stem for path in SCRIPTS.glob("chaos/*.py")}


def test_all_that_can_runs_on_real_prices() -> None:
    assert sum(STAGES[stage].real for stage, _ in WELL_BEHAVED) == 8
    assert {one.script for one in INCIDENTS if not STAGES[one.stage].real} == {
        "slow_leak",
        "knight_replay",
        "nan_signals",
        "cancel_flood",
        "wash_trade",
    }


def test_each_run_is_told_before_it_begins(played: Played) -> None:
    assert len(played.said) == steps()
    assert played.said[0] == "sma_cross"
    assert "runaway, controls on" in played.said
    assert "runaway, controls off" in played.said


# -- what is measured -------------------------------------------------------------------------------------------


def test_damage_is_what_the_curves_say(demo: Demo) -> None:
    for one in demo.incidents:
        gap = one.normal.equity[-1] - one.controlled.curve.equity[-1]
        assert one.controlled.damage_usd == pytest.approx(gap, abs=1e-6)


def test_without_controls_every_position_is_beyond_its_limit(demo: Demo) -> None:
    beyond = {one.incident.script for one in demo.incidents if one.uncontrolled.limit_use > 1.5}
    # what is no number is refused even then, so nan_signals only trades what is left of its signals
    assert beyond == {one.script for one in INCIDENTS} - HARMLESS - {"nan_signals"}


@pytest.mark.parametrize("script", [one.script for one in INCIDENTS])
def test_with_controls_the_limit_holds_and_others_are_unharmed(demo: Demo, script: str) -> None:
    one = incident(demo, script)
    assert one.controlled.limit_use <= 1.0 + 1e-9
    assert one.controlled.neighbour_usd == 0.0
    assert one.controlled.refused > 0
    assert one.controlled.recovery_seconds is not None


@pytest.mark.parametrize("script", sorted({one.script for one in INCIDENTS} - HARMLESS))
def test_controls_save_most_of_the_damage(demo: Demo, script: str) -> None:
    one = incident(demo, script)
    assert one.controlled.damage_usd < 0.6 * one.uncontrolled.damage_usd
    assert one.controlled.damage_usd < 2.5 * -LOSS_STOP  # a stop on daily prices is a day late
    assert not one.uncontrolled.trips
    assert one.uncontrolled.refused == 0 or script == "nan_signals"  # garbage is refused in any case


def test_a_flood_of_cancels_reaches_the_venue_only_without_controls(demo: Demo) -> None:
    # Two venues, 120 minutes, an order and 100 cancels each; 90 messages a venue and minute pass, less the reserve.
    one = incident(demo, "cancel_flood")
    assert one.controlled.sent == one.uncontrolled.sent == 2 * 120 * 101
    assert one.uncontrolled.refused == 0
    assert one.controlled.sent - one.controlled.refused == 120 * 90
    assert one.controlled.damage_usd == one.uncontrolled.damage_usd == 0.0


def test_runaway_sends_a_hundred_orders_a_day(demo: Demo) -> None:
    # The window of 5 days has the closes of 4 trading days: 12, 15, 16 and 17 September 2008, told at midnight.
    one = incident(demo, "runaway")
    assert one.controlled.sent == 400
    assert one.uncontrolled.worst_position == 2_000.0  # 400 orders of 5 units
    assert one.controlled.worst_position == 200.0  # ten of a kind at once may pass
    assert stopped_by(one.controlled).startswith("duplicate_order (360)")


def test_knight_is_stopped_by_the_throttle(demo: Demo) -> None:
    assert [reason for _, reason in incident(demo, "knight_replay").controlled.trips] == [
        "repeated_execution"
    ]


def test_the_same_incident_twice_gives_the_same(demo: Demo) -> None:
    from workbench.cli.demo.runs import _incident

    again = _incident(SCRIPTS, load_limits(FILE), INCIDENTS[6], {}, lambda _: None)
    first = demo.incidents[6]
    assert again.uncontrolled.damage_usd == first.uncontrolled.damage_usd
    assert (again.controlled.curve.equity == first.controlled.curve.equity).all()


def test_well_behaved_strategies_are_not_stopped(demo: Demo) -> None:
    assert [one.stats["breaker_trips"] for one in demo.behaved] == [0] * len(WELL_BEHAVED)
    assert all(one.stats["trades"] > 0 for one in demo.behaved)


def test_the_limits_of_the_file_hold_where_the_demo_does_not_say_otherwise() -> None:
    base = load_limits(FILE)
    minutes = limits_of("minutes", base)
    assert minutes.position_limits == base.position_limits
    assert minutes.order_limits == base.order_limits
    assert minutes.circuit_breakers.single_strategy_loss == LOSS_STOP
    assert limits_of("minutes", base, stop=False).circuit_breakers == base.circuit_breakers


# -- what is shown ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, FULL_WIDTH, 150])
def test_the_tables_fit_the_screen_and_name_everyone(demo: Demo, width: int) -> None:
    text = StringIO()
    show(demo, Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in text.getvalue()  # nothing is cut
    for script in [part.script for _, part in WELL_BEHAVED] + [one.script for one in INCIDENTS]:
        assert any(script in line for line in lines), script
    assert "made-up" in text.getvalue()


def test_the_summary_names_the_worst_cases(demo: Demo) -> None:
    worst = max(demo.incidents, key=lambda one: one.uncontrolled.damage_usd)
    assert worst.incident.script == "fat_finger"
    assert f"without: {worst.uncontrolled.damage_usd:,.0f} USD" in summary(demo)


def test_the_page_is_one_file_with_a_marked_chart_per_incident(demo: Demo) -> None:
    text = page(demo)
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
    assert len(charts) == len(INCIDENTS) + 2
    for one, chart in zip(demo.incidents, charts, strict=False):
        root = ElementTree.fromstring(chart)
        assert root.get("aria-label") == one.incident.script
        assert len(root.findall("rect[@class='chaos']")) == 1
        assert [line.get("class") for line in root.findall("polyline")] == [
            "line off",
            "line normal",
            "line on",
        ]
        assert len(root.findall("g[@class='held']")) == len(one.controlled.trips)
    assert "src=" not in text
    assert "http" not in text
    assert "2,000 of 300" in text  # the runaway's position without controls


def test_the_command_writes_the_page_and_answers_json(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("workbench.cli.demo.runs.run_demo", lambda *_: demo)
    assert run(["demo", "--no-live", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["html"] == "demo_report.html"
    assert (tmp_path / "demo_report.html").read_text(encoding="utf-8") == page(demo)
    assert [one["strategy"] for one in answer["chaos"]] == [one.script for one in INCIDENTS]
    runaway = answer["chaos"][0]
    assert runaway["controls_on"]["orders_sent"] == 400
    assert runaway["controls_off"]["recovery_seconds"] is None
    assert answer["behaved"][0]["strategy"] == "sma_cross"
    assert answer == json.loads(
        json.dumps(
            {**as_json(demo), "live": None, "promotion": None, "html": "demo_report.html"}, default=list
        )
    )


def test_the_command_shows_the_tables(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr("workbench.cli.demo.runs.run_demo", lambda *_: demo)
    target = tmp_path / "mine.html"
    assert run(["demo", "--no-live", "--html", str(target)]) == 0
    shown = capsys.readouterr()
    assert "Chaos strategies, with risk controls on and off" in shown.out
    assert shown.err == f"page with charts written to {target}\n"
    assert target.exists()
