"""What the commands answer, as tables and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cli.conftest import GOOD, Call
from workbench.backtest.api import backtest
from workbench.chaos.kinds import ChaosKind
from workbench.data import load
from workbench.data.prices import Prices


def answer_of(text: str) -> Any:
    return json.loads(text)


# -- backtest ---------------------------------------------------------------------------------------------------


def test_a_backtest_answers_what_the_library_does(call: Call, folder: Path) -> None:
    status, out, err = call(
        *[
            "backtest",
            "sma_cross",
            "--prices",
            "BTC.csv",
            "-c",
            "fast=3",
            "-c",
            "slow=8",
            "--costs",
            "taker_bps=1",
            "--seed",
            "4",
            "--json",
        ]
    )
    expected = backtest(
        folder / "strategies" / "sma_cross.py",
        load("BTC.csv"),
        config={"fast": 3, "slow": 8},
        costs={"taker_bps": 1.0},
        seed=4,
    )
    answer = answer_of(out)
    assert (status, err) == (0, "")
    assert answer["fingerprint"] == expected.fingerprint
    assert answer["stats"]["final_equity"] == expected.final_equity
    assert answer["stats"]["fills"] == len(expected.fills) > 0
    assert answer["stats"]["start"] == "2024-01-01T00:00:00+00:00"
    assert answer["stats"]["duration"] == 300 * 60.0
    assert answer["performance"][0]["strategy_name"] == "SmaCrossStrategy"
    assert answer["instruments"] == ["BTC@exchange-1"]


def test_parameters_come_as_pairs_and_as_json_and_the_last_counts(call: Call) -> None:
    pairs = call(*["backtest", "sma_cross", "-p", "BTC.csv", "-c", "fast=3", "-c", "slow=8", "--json"])
    mixed = call(
        *["backtest", "sma_cross", "-p", "BTC.csv", "-c", "slow=90", "--json"], "-c", '{"fast": 3, "slow": 8}'
    )
    assert answer_of(pairs.out)["fingerprint"] == answer_of(mixed.out)["fingerprint"]


def test_a_backtest_shows_a_screen_of_figures(call: Call) -> None:
    status, out, _ = call(*["backtest", "sma_cross", "-p", "BTC.csv", "-c", "fast=3", "-c", "slow=8"])
    assert status == 0
    assert "SmaCrossStrategy on BTC@exchange-1" in out
    assert "sharpe_ratio" in out


def test_dates_cash_and_limits_reach_the_run(call: Call, folder: Path) -> None:
    (folder / "limits.yaml").write_text("risk_limits:\n  order_limits:\n    max_order_value: 1\n")
    cut = "backtest sma_cross -p BTC.csv -c fast=3 -c slow=8 --start 2024-01-01T01:00 --end 2024-01-01T01:59 --json"
    stats = answer_of(call(*cut.split(), "--cash", "5000").out)["stats"]
    assert (stats["updates"], stats["initial_cash"]) == (60, 5_000.0)
    assert stats["orders_refused"] == 0
    limited = answer_of(call(*cut.split(), "--limits", "limits.yaml").out)["stats"]
    assert limited["orders_sent"] == 0
    assert limited["orders_refused"] == stats["orders_sent"] + stats["orders_refused"] > 0
    free = answer_of(call(*cut.split(), "--limits", "off").out)["stats"]
    assert free["orders_refused"] == 0


def test_several_files_are_merged(call: Call) -> None:
    out = call(
        *["backtest", "sma_cross", "-p", "sp500", "-p", "wti", "--start", "2008", "--end", "2008", "--json"]
    ).out
    assert answer_of(out)["instruments"] == ["SPX@US", "WTI@CUSHING"]


def test_a_file_without_names_is_called_as_asked(call: Call) -> None:
    out = call(
        *["backtest", "sma_cross", "-p", "BTC.csv", "--symbol", "XBT", "--venue", "desk", "--json"]
    ).out
    assert answer_of(out)["instruments"] == ["XBT@desk"]


def test_a_page_is_written_beside_the_answer(call: Call, folder: Path) -> None:
    status, out, err = call(
        *["backtest", "sma_cross", "-p", "BTC.csv", "-c", "fast=3", "-c", "slow=8", "--html", "page.html"]
    )
    text = (folder / "page.html").read_text()
    assert status == 0
    assert "SmaCrossStrategy" in out
    assert err == "page written to page.html\n"
    assert text.startswith("<!DOCTYPE html>")
    assert "http" not in text.replace("http://www.w3.org", "")


def test_a_class_of_a_script_with_several(call: Call, folder: Path) -> None:
    (folder / "two.py").write_text(GOOD.format(name="One") + GOOD.format(name="Two"))
    status, out, _ = call(*["backtest", "two.py:Two", "-p", "BTC.csv", "--json"])
    assert status == 0
    assert answer_of(out)["strategies"] == ["Two"]


# -- chaos ------------------------------------------------------------------------------------------------------

TREND = "chaos sma_cross -p BTC.csv -c fast=3 -c slow=8"


def test_events_of_the_command_line_and_of_a_file_are_the_same(call: Call, folder: Path) -> None:
    (folder / "events.yaml").write_text(
        "- {kind: reject_storm, start: 2024-01-01T01:00, duration: 1h, intensity: 1.0}\n"
        "- {kind: price_gap, start: 2024-01-01T03:00, duration_minutes: 60, intensity: -0.1}\n"
    )
    given = (
        f"{TREND} --kind reject_storm --start 2024-01-01T01:00 --intensity 1 --kind price_gap "
        "--start 2024-01-01T03:00 --intensity -0.1 --duration 1h --json"
    )
    typed, read = call(*given.split()), call(*f"{TREND} --events events.yaml --json".split())
    assert typed.status == read.status == 0
    assert answer_of(typed.out) == answer_of(read.out)
    storm, gap = answer_of(typed.out)["events"]
    assert (storm["kind"], storm["start"], storm["end"]) == (
        "reject_storm",
        "2024-01-01T01:00:00Z",
        "2024-01-01T02:00:00Z",
    )
    assert storm["damage_usd"] != 0.0  # orders that the storm ate
    assert gap["worst_damage_usd"] > 0.0


def test_without_events_each_kind_is_tried_in_turn(call: Call) -> None:
    status, out, _ = call(*f"{TREND} --json".split())
    events = answer_of(out)["events"]
    assert status == 0
    assert [event["kind"] for event in events] == [str(kind) for kind in ChaosKind]
    assert {event["start"] for event in events} == {"2024-01-01T01:40:00Z"}  # a third of 300 minutes
    assert {event["end"] for event in events} == {"2024-01-01T01:55:00Z"}  # a twentieth


def test_the_table_of_chaos_has_a_line_per_event(call: Call) -> None:
    given = f"{TREND} -k reject_storm --start 2024-01-01T01:00 --duration 30min --target exchange-1"
    status, out, _ = call(*given.split())
    assert status == 0
    (line,) = [line for line in out.splitlines() if "reject_storm" in line]
    assert "reject_storm on exchange-1" in line
    assert "2024-01-01 01:00" in line
    assert "30 min" in line


def test_chaos_can_be_kept_to_a_part_of_the_prices(call: Call) -> None:
    given = f"{TREND} -k runaway --from 2024-01-01T02:00 --to 2024-01-01T02:59 --json"
    (event,) = answer_of(call(*given.split()).out)["events"]
    assert (event["start"], event["end"]) == ("2024-01-01T02:20:00Z", "2024-01-01T02:30:00Z")


# -- strategies and data ----------------------------------------------------------------------------------------


def test_strategies_lists_both_kinds_with_parameters(call: Call, folder: Path) -> None:
    rows = {row["name"]: row for row in answer_of(call("strategies", "--json").out)}
    scripts = {path.stem for path in (folder / "strategies").rglob("*.py")}
    assert set(rows) == scripts >= {"sma_cross", "runaway"}
    assert rows["sma_cross"]["parameters"] == {"fast": 10, "slow": 50}
    assert rows["runaway"]["class"] == "RunawayStrategy"
    assert all(row["broken"] is None for row in rows.values())


def test_a_broken_script_is_listed_with_its_reason(call: Call, folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "good.py").write_text(GOOD.format(name="Good"))
    (folder / "mine" / "bad.py").write_text("def f(:\n")
    status, out, _ = call("strategies", "mine")
    assert status == 0
    assert "Does nothing." in out
    assert "broken: mine/bad.py:1: does not parse" in out
    bad = answer_of(call("strategies", "mine", "--json").out)[0]
    assert bad["name"] == "bad"
    assert "does not parse" in bad["broken"]


def test_samples_are_listed(call: Call) -> None:
    assert set(answer_of(call("data", "list", "--json").out)) == {"sp500", "nasdaq", "wti"}
    assert "S&P 500 index" in call("data", "list").out


def test_gaps_are_shown_and_not_filled(call: Call, folder: Path) -> None:
    lines = (folder / "BTC.csv").read_text().splitlines()
    (folder / "gappy.csv").write_text(
        "\n".join(lines[:101] + lines[106:]) + "\n"
    )  # minutes 100 to 104 are gone
    status, out, _ = call("data", "show", "gappy.csv")
    assert status == 0
    assert "the 1 longest of 1 gaps" in out
    answer = answer_of(call("data", "show", "gappy.csv", "--json").out)
    assert answer["instruments"][0]["missing_bars"] == 5
    (gap,) = answer["gaps"]
    assert (gap["start"], gap["end"]) == ("2024-01-01 01:39:00+00:00", "2024-01-01 01:45:00+00:00")
    assert "no bars are missing" in call("data", "show", "BTC.csv").out


def test_fetch_hands_its_options_over(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def fetch(*arguments: Any, progress: Any) -> Prices:
        progress(pd.Timestamp("2024-01-02", tz="UTC"))
        seen.extend(arguments)
        return load("BTC.csv")

    monkeypatch.setattr("workbench.data.fetch.fetch", fetch)
    status, out, err = call(
        *[
            "data",
            "fetch",
            "kraken",
            "BTC/USD",
            "--start",
            "2024-01-01",
            "--end",
            "2024-01-02",
            "--interval",
            "5m",
            "--out",
            "b.parquet",
        ]
    )
    assert (status, out) == (0, "")
    assert seen == ["kraken", "BTC/USD", "2024-01-01", "2024-01-02", "5m", Path("b.parquet")]
    assert err.endswith("written to b.parquet\n")
