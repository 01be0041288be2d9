"""A real Prometheus scrapes what we show, and answers questions about it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from live.engine.reconciled import RECONCILED, Reconciled
from live.metrics import FAMILIES, Metrics
from tests.live.metrics.harness import SECOND, buys, price, running, started
from tests.live.metrics.prometheus import Prometheus, program, scraping, serving
from workbench.core.intents import StrategyFailed

ROOT = Path(__file__).parents[3]


def _config(port: int, token_file: Path) -> str:
    """Our own configuration, asked to look at a port of this machine and more often."""
    text = (ROOT / "config" / "prometheus.yml").read_text()
    text = text.replace("trading-engine:8083", f"127.0.0.1:{port}")
    text = text.replace("/run/secrets/metrics_token", str(token_file))
    text = re.sub(r"(scrape_interval|evaluation_interval): \S+", r"\1: 200ms", text)
    text = re.sub(r"scrape_timeout: \S+", "scrape_timeout: 200ms", text)
    return text.replace("- alerts.yml", f"- {ROOT / 'config' / 'alerts.yml'}")


async def _shown(folder: Path) -> tuple[bytes, str]:
    async with running(folder) as engine:
        metrics = Metrics(engine)
        await started(engine, "calm")
        await started(engine, "wild", "spammer")
        for item in (
            price(1, 100.0),
            buys("calm", 2),
            price(2, 100.0),
            price(3, 103.0),
            StrategyFailed("calm", "no"),
        ):
            await engine.ask(item)
        found = Reconciled(SECOND, 0, SECOND, 0.5, 0.01, 200.0, 1, True)
        (engine.settings.data / RECONCILED).write_bytes(msgspec.json.encode({"calm": found}))
        metrics.update()
        return metrics.render()


def test_prometheus_scrapes_the_engine_and_looks_for_alerts(tmp_path: Path) -> None:
    program("prometheus")
    shown = asyncio.run(_shown(tmp_path))
    token_file = tmp_path / "token"
    token_file.write_text("a token of a viewer\n")
    with (
        serving(lambda: shown, token="a token of a viewer") as port,
        scraping(tmp_path, _config(port, token_file)) as server,
    ):
        server.wait_for(lambda s: _firing(s, "ChaosActive"), "a scrape and an alert")
        (target,) = server.ask("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        assert _value(server, 'trading_strategy_pnl{strategy_name="calm", strategy_version="1.2.0"}') == 6.0
        assert _value(server, 'trading_risk_position_size{symbol="BTC-USD", strategy="calm"}') == 2.0
        assert math.isnan(_value(server, 'trading_strategy_win_rate{strategy_name="calm"}'))
        known = server.ask("metadata?limit=1000")
        for family in FAMILIES:
            assert known[family.name][0]["type"] == family.kind, family.name
        names = set(server.ask("label/__name__/values"))
        assert {family.name for family in FAMILIES if family.kind != "histogram"} <= names
        assert {
            "trading_engine_risk_check_latency_bucket",
            "trading_engine_strategy_execution_time_sum",
        } <= names
        rules = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
        assert all(rule["health"] == "ok" for rule in rules)
        ours = yaml.safe_load((ROOT / "config" / "alerts.yml").read_text())["groups"]
        assert len(rules) == sum(len(group["rules"]) for group in ours)
        for expression in _of_the_dashboard():
            server.query(expression)  # 400 where Prometheus cannot read it


def _of_the_dashboard() -> Iterator[str]:
    dashboard = json.loads((ROOT / "config" / "grafana" / "dashboards" / "trading_engine.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            filled = target["expr"].replace("$instance", ".*").replace("$strategy", ".*")
            yield filled.replace("$__rate_interval", "20s")


def _firing(server: Prometheus, name: str) -> bool:
    return bool(server.query(f'ALERTS{{alertname="{name}", alertstate="firing"}}'))


def _value(server: Prometheus, expression: str) -> float:
    (found,) = server.query(expression)
    return float(found["value"][1])
