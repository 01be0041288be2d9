"""Each alert fires when it should, and is silent on an engine that is well: asked of promtool, on our own files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.metrics import FAMILIES
from tests.live.metrics.expressions import metric_names
from tests.live.metrics.prometheus import program

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((CONFIG / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
ENGINE = 'job="trading-engine", instance="e:8083"'
MINUTES = 20
RISE = f"0+1000x{MINUTES * 6}"  # by a thousand each ten seconds
STILL = f"x{MINUTES * 6}"


def series(name: str, values: str, *labels: str) -> tuple[str, str]:
    return f"{name}{{{', '.join((ENGINE, *labels))}}}", values


# What a well engine shows of everything that any alert looks at.
WELL = (
    series("up", "1" + STILL),
    series("process_resident_memory_bytes", "2e8" + STILL),
    series("trading_engine_halted", "0" + STILL),
    series("trading_engine_problems", "0" + STILL),
    series("trading_engine_start_time_seconds", "1" + STILL),
    series("trading_engine_recovery_seconds", "0.5" + STILL),
    series("trading_engine_inbox_inputs", "3" + STILL),
    series("trading_engine_late_signals_total", "0" + STILL),
    series("trading_engine_loop_lag_seconds", "0.002" + STILL),
    series("trading_engine_risk_check_latency_bucket", RISE, 'check_type="pre_trade"', 'le="0.0001"'),
    series("trading_engine_risk_check_latency_bucket", RISE, 'check_type="pre_trade"', 'le="0.01"'),
    series("trading_engine_risk_check_latency_bucket", RISE, 'check_type="pre_trade"', 'le="+Inf"'),
    series("trading_engine_risk_check_latency_bucket", "0" + STILL, 'check_type="post_trade"', 'le="0.0001"'),
    series("trading_engine_risk_check_latency_bucket", RISE, 'check_type="post_trade"', 'le="0.01"'),
    series("trading_engine_risk_check_latency_bucket", RISE, 'check_type="post_trade"', 'le="+Inf"'),
    series("trading_risk_alert_latency_seconds_bucket", RISE, 'kind="risk_breach"', 'le="0.05"'),
    series("trading_risk_alert_latency_seconds_bucket", RISE, 'kind="risk_breach"', 'le="10.0"'),
    series("trading_risk_alert_latency_seconds_bucket", RISE, 'kind="risk_breach"', 'le="+Inf"'),
    series("trading_engine_sandbox_level", "3" + STILL),
    series("trading_engine_uncertified_allowed", "0" + STILL),
    series("trading_engine_names_folded", "0" + STILL, 'label="strategy"'),
    series("trading_engine_journal_commit_latency_seconds", "0.002" + STILL),
    series("trading_engine_journal_lag_seconds", "0.003" + STILL),
    series("trading_engine_journal_backlog_records", "2" + STILL),
    series("trading_engine_journal_warnings", "0" + STILL),
    series("trading_risk_kill_switch_active", "0" + STILL, 'scope="all"'),
    series("trading_risk_circuit_breaker_triggered", "0" + STILL, 'reason="daily_loss"'),
    series("trading_portfolio_drawdown", "0.02" + STILL),
    series("trading_portfolio_daily_pnl", "-100" + STILL),
    series("trading_portfolio_gross_exposure", "1000" + STILL),
    series("trading_portfolio_value_at_risk", "1000" + STILL),
    series("trading_risk_drawdown", "0.02" + STILL, 'strategy="s"'),
    series("trading_risk_limit", "0.2" + STILL, 'limit_type="max_drawdown"'),
    series("trading_risk_limit", "0.1" + STILL, 'limit_type="strategy_drawdown"'),
    series("trading_risk_limit", "5000" + STILL, 'limit_type="daily_loss"'),
    series("trading_risk_limit", "1e300" + STILL, 'limit_type="portfolio_gross"'),
    series("trading_risk_limit", "500000" + STILL, 'limit_type="portfolio_var"'),
    series("trading_risk_limit_breaches_total", "50" + STILL, 'limit_type="message_rate"', 'strategy="s"'),
    series("trading_chaos_strategy_active", "0" + STILL, 'chaos_type="runaway"', 'strategy="c"'),
    series("trading_chaos_recovering", "0" + STILL, 'chaos_type="runaway"', 'strategy="c"'),
    series("trading_chaos_damage_usd", "90000" + STILL, 'chaos_type="runaway"', 'strategy="c"'),
    series("trading_engine_strategies", "0" + STILL, 'state="failed"'),
    series("trading_strategy_restarts", "0" + STILL, 'strategy_name="s"'),
    series("trading_reconciliation_failed", "0" + STILL, 'strategy="s"'),
    series("trading_engine_late_answers_total", "7" + STILL, 'strategy="s"'),
    series("trading_engine_conflated_prices_total", "7" + STILL, 'strategy="s"'),
    series("trading_venue_up", "1" + STILL, 'venue="v"'),
    series("trading_venue_problem", "0" + STILL, 'venue="v"'),
    series("trading_venue_halted", "0" + STILL, 'venue="v"'),
    series("trading_venue_last_event_time_seconds", RISE, 'venue="v"'),
    series("trading_venue_reconnects_total", "2" + STILL, 'venue="v"'),
    series("trading_venue_events_dropped_total", "2" + STILL, 'venue="v"'),
)

# What makes each alert fire, in place of the same series above.
CHAOS = ('chaos_type="runaway"', 'strategy="c"')
FIRES: dict[str, tuple[tuple[str, str], ...]] = {
    "EngineDown": (series("up", "0" + STILL),),
    "EngineHalted": (series("trading_engine_halted", "1" + STILL),),
    "EngineHasProblems": (series("trading_engine_problems", "2" + STILL),),
    "EngineRestartsOften": (series("trading_engine_start_time_seconds", f"0+5x{MINUTES * 6}"),),
    "RecoverySlow": (series("trading_engine_recovery_seconds", "11" + STILL),),
    "WriterBehind": (series("trading_engine_late_signals_total", RISE),),
    "EventLoopSlow": (series("trading_engine_loop_lag_seconds", "0.3" + STILL),),
    "RiskChecksSlow": (
        series(
            "trading_engine_risk_check_latency_bucket", "0" + STILL, 'check_type="pre_trade"', 'le="0.0001"'
        ),
    ),
    "AlertsLate": (
        series("trading_risk_alert_latency_seconds_bucket", "0" + STILL, 'kind="risk_breach"', 'le="0.05"'),
    ),
    "UncertifiedAllowed": (series("trading_engine_uncertified_allowed", "1" + STILL),),
    "SandboxWeak": (series("trading_engine_sandbox_level", "1" + STILL),),
    "MemoryHigh": (series("process_resident_memory_bytes", "2e9" + STILL),),
    "NamesFolded": (series("trading_engine_names_folded", "3" + STILL, 'label="strategy"'),),
    "JournalSlow": (series("trading_engine_journal_lag_seconds", "0.5" + STILL),),
    "JournalBacklog": (series("trading_engine_journal_backlog_records", "20000" + STILL),),
    "JournalWarnings": (series("trading_engine_journal_warnings", "1" + STILL),),
    "KillSwitchActive": (series("trading_risk_kill_switch_active", "1" + STILL, 'scope="all"'),),
    "BreakerTripped": (series("trading_risk_circuit_breaker_triggered", "1" + STILL, 'reason="daily_loss"'),),
    "DrawdownNearLimit": (series("trading_portfolio_drawdown", "0.17" + STILL),),
    "StrategyDrawdownNearLimit": (series("trading_risk_drawdown", "0.09" + STILL, 'strategy="s"'),),
    "DailyLossNearLimit": (series("trading_portfolio_daily_pnl", "-4500" + STILL),),
    "ExposureNearLimit": (series("trading_risk_limit", "1050" + STILL, 'limit_type="portfolio_gross"'),),
    "ValueAtRiskNearLimit": (series("trading_portfolio_value_at_risk", "480000" + STILL),),
    "BreachesMany": (
        series("trading_risk_limit_breaches_total", RISE, 'limit_type="message_rate"', 'strategy="s"'),
    ),
    "ChaosActive": (series("trading_chaos_strategy_active", "1" + STILL, *CHAOS),),
    "ChaosNotRecovered": (
        series("trading_chaos_recovering", "1" + STILL, *CHAOS),
        series("trading_chaos_damage_usd", "1" + STILL, *CHAOS),
    ),
    "ChaosDamage": (
        series("trading_chaos_recovering", "1" + STILL, *CHAOS),
        series("trading_chaos_strategy_active", "1" + STILL, *CHAOS),
    ),
    "StrategyFailed": (series("trading_engine_strategies", "1" + STILL, 'state="failed"'),),
    "StrategyRestarts": (series("trading_strategy_restarts", "2" + STILL, 'strategy_name="s"'),),
    "LiveDiffersFromReplay": (series("trading_reconciliation_failed", "1" + STILL, 'strategy="s"'),),
    "StrategySlow": (series("trading_engine_conflated_prices_total", RISE, 'strategy="s"'),),
    "VenueDown": (
        series("trading_venue_up", "0" + STILL, 'venue="v"'),
        series("trading_venue_problem", "1" + STILL, 'venue="v"'),
    ),
    "VenueDisagrees": (series("trading_venue_problem", "1" + STILL, 'venue="v"'),),
    "VenueHalted": (series("trading_venue_halted", "1" + STILL, 'venue="v"'),),
    "VenueSilent": (series("trading_venue_last_event_time_seconds", "5" + STILL, 'venue="v"'),),
    "VenueFlapping": (series("trading_venue_reconnects_total", RISE, 'venue="v"'),),
    "VenueEventsDropped": (series("trading_venue_events_dropped_total", RISE, 'venue="v"'),),
}
ALSO = {"ChaosDamage": {"ChaosActive"}}  # what rightly fires with it


def firing(folder: Path, shown: dict[str, str]) -> set[str]:
    """Names of the alerts that promtool sees fire at the end of `MINUTES`."""
    test = {
        "rule_files": [str(CONFIG / "alerts.yml")],
        "evaluation_interval": "10s",
        "tests": [
            {
                "interval": "10s",
                "input_series": [{"series": name, "values": values} for name, values in shown.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{MINUTES - 1}m",
                        "exp_samples": [{"labels": "nothing", "value": -1.0}],
                    }
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    told = subprocess.run(
        [program("promtool"), "test", "rules", str(folder / "test.yml")],
        env={**os.environ, "TMPDIR": str(folder)},  # it leaves its storage behind
        capture_output=True,
        text=True,
        check=False,
    )
    output = told.stdout + told.stderr
    _, found, got = output.partition("got:")  # it always differs from what was asked for, and says what it is
    assert found, output
    return {name for name in FIRES if f'alertname="{name}"' in got}


def test_every_alert_is_tried_below() -> None:
    assert [rule["alert"] for rule in RULES] == list(FIRES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "action"}
    assert all(len(text) > 20 for text in rule["annotations"].values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_looks_at_metrics_that_exist(rule: dict[str, Any]) -> None:
    ours = {f"{family.name}_bucket" if family.kind == "histogram" else family.name for family in FAMILIES}
    assert metric_names(rule["expr"]) <= ours | {"up", "process_resident_memory_bytes"}


def test_an_engine_that_is_well_is_silent(tmp_path: Path) -> None:
    assert firing(tmp_path, dict(WELL)) == set()


@pytest.mark.parametrize("name", FIRES)
def test_an_alert_fires_alone(tmp_path: Path, name: str) -> None:
    assert firing(tmp_path, dict(WELL) | dict(FIRES[name])) == {name} | ALSO.get(name, set())


@pytest.mark.parametrize("what", [("config", "prometheus.yml"), ("rules", "alerts.yml")])
def test_promtool_accepts_our_files(what: tuple[str, str], tmp_path: Path) -> None:
    kind, name = what
    token_file = tmp_path / "token"
    token_file.write_text("a token")  # it looks whether there is one
    shutil.copy(CONFIG / "alerts.yml", tmp_path)
    text = (CONFIG / name).read_text().replace("/run/secrets/metrics_token", str(token_file))
    (tmp_path / name).write_text(text)
    told = subprocess.run(
        [program("promtool"), "check", kind, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
