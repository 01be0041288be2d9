"""Names, labels and types are what dashboards and alerts of others count on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import prometheus_client
import pytest

from live.engine import Engine
from live.engine.reconciled import RECONCILED, Reconciled
from live.machine import ChaosNoted
from live.metrics import FAMILIES, Family, Metrics
from tests.live.metrics.harness import Samples, buys, price, see, started
from tests.live.metrics.prometheus import program
from workbench.core.intents import StrategyFailed

PROMISED = {
    "trading_strategy_pnl": ("gauge", ("strategy_name", "strategy_version")),
    "trading_strategy_trades_total": ("counter", ("strategy_name", "side")),
    "trading_strategy_win_rate": ("gauge", ("strategy_name",)),
    "trading_strategy_sharpe_ratio": ("gauge", ("strategy_name",)),
    "trading_risk_position_size": ("gauge", ("symbol", "strategy")),
    "trading_risk_drawdown": ("gauge", ("strategy",)),
    "trading_risk_limit_breaches_total": ("counter", ("limit_type", "strategy")),
    "trading_risk_circuit_breaker_triggered": ("gauge", ("reason",)),
    "trading_chaos_strategy_active": ("gauge", ("chaos_type", "strategy")),
    "trading_chaos_recovery_time_seconds": ("gauge", ("chaos_type", "strategy")),
    "trading_chaos_damage_usd": ("gauge", ("chaos_type", "strategy")),
    "trading_engine_orders_per_second": ("gauge", ()),
    "trading_engine_strategy_execution_time": ("histogram", ("strategy",)),
    "trading_engine_risk_check_latency": ("histogram", ("check_type",)),
}
ON_THE_WIRE: dict[str, tuple[str, ...]] = {"histogram": ("_bucket", "_count", "_sum")}


async def _everything(engine: Engine, metrics: Metrics) -> None:
    """Something of each family."""
    await started(engine, "calm")
    await started(engine, "wild", "spammer")
    for item in (price(1, 100.0), buys("calm", 1), price(2, 101.0), StrategyFailed("calm", "no")):
        await engine.ask(item)
    line = Reconciled(1, 0, 1, None, 0.0, 0.0, 0, ok=False)
    (engine.settings.data / RECONCILED).write_bytes(msgspec.json.encode({"calm": line}))
    metrics.update()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return see(tmp_path_factory.mktemp("engine"), _everything)


def test_the_promised_families_have_their_names_types_and_labels() -> None:
    found = {family.name: (family.kind, family.labels) for family in FAMILIES}
    assert {name: found.get(name) for name in PROMISED} == PROMISED


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_is_on_the_wire_as_it_stands_in_the_list(shown: Samples, family: Family) -> None:
    name = family.name
    for suffix in ON_THE_WIRE.get(family.kind, ("",)):
        wanted = set(family.labels) | ({"le"} if suffix == "_bucket" else set())
        seen = [{key for key, _ in pairs} for series, pairs in shown if series == name + suffix]
        assert seen, f"{name}{suffix} is not shown"
        assert all(keys == wanted for keys in seen)


def test_nothing_else_is_on_the_wire(shown: Samples) -> None:
    known = {f.name + s for f in FAMILIES for s in ON_THE_WIRE.get(f.kind, ("",))}
    assert {name for name, _ in shown if name not in known and not name.startswith("process_")} == set()


def test_types_are_told_to_prometheus(tmp_path: Path) -> None:
    lines: list[str] = []

    async def note(engine: Engine, metrics: Metrics) -> None:
        await _everything(engine, metrics)
        body, content_type = metrics.render()
        assert content_type.startswith("text/plain; version=")
        lines.extend(body.decode().splitlines())

    see(tmp_path, note)
    for family in FAMILIES:
        assert f"# TYPE {family.name} {family.kind}" in lines
        assert any(line.startswith(f"# HELP {family.name} ") for line in lines)


def test_prometheus_own_check_finds_nothing_to_say(tmp_path: Path) -> None:
    promtool = program("promtool")

    async def check(engine: Engine, metrics: Metrics) -> None:
        await _everything(engine, metrics)
        await engine.ask(ChaosNoted("calm", 'a "quoted"\\ one\nof two lines', active=True))
        metrics.update()
        told = subprocess.run(
            [promtool, "check", "metrics"], input=metrics.render()[0], capture_output=True, check=False
        )
        assert (told.returncode, told.stdout + told.stderr) == (0, b"")

    see(tmp_path, check)


def test_the_registry_is_the_engines_own(shown: Samples) -> None:
    ours = {
        metric.name for metric in prometheus_client.REGISTRY.collect() if metric.name.startswith("trading_")
    }
    assert (len(shown) > 0, ours) == (True, set())
