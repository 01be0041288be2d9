"""strategies.yaml and chaos_strategies.yaml: the documented forms, and one clear line for everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.chaos.triggers import ChaosTriggers
from workbench.configuration import (
    ChaosStrategyConfig,
    MarketCondition,
    MarketThresholds,
    StrategyConfig,
    TriggerCondition,
    TriggerSettings,
    load_chaos_strategies,
    load_limits,
    load_strategies_config,
    load_yaml,
    locate,
)
from workbench.errors import ConfigError, LimitsError
from workbench.strategy.loader import load_strategy

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "chaos_strategies.yaml"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text): a file `strategies.yaml` with that text."""

    def written(text: str) -> Path:
        path = tmp_path / "strategies.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


STRATEGIES = """\
default_strategies:
  - name: "arbitrage"
    class: "ArbitrageStrategy"
    enabled: true
    config:
      min_spread_bps: 10
      max_position_size: 1.0
      venues: ["exchange-1", "exchange-2"]
  - {name: idle, class: my.module.Idle, enabled: no}

chaos_strategies:
  - name: "runaway"
    class: "RunawayStrategy"
    enabled_in_test: true
    trigger_probability: 0.05  # 5% chance per hour
    max_duration_minutes: 10

risk_limits:
  global:
    max_portfolio_value: 10000000
    max_daily_loss: 500000
    max_drawdown: 0.20
  per_strategy:
    max_position_notional: 1000000
    max_daily_trades: 1000
    stop_loss_pct: 0.10
"""

CHAOS = """\
strategies:
  runaway_buying:
    class: "RunawayStrategy"
    trigger_conditions:
      - market_condition: "low_volatility"
        probability: 0.1
        duration_minutes: 5

  risk_ignoring:
    class: "RiskIgnorantStrategy"
    trigger_conditions:
      - risk_breach_count: 3
        escalation_factor: 2.0

  volatility_amplifier:
    class: "VolatilityAmplifierStrategy"
    parameters:
      momentum_threshold: 0.02
      amplification_factor: 2.0
      max_duration_minutes: 30
"""


class TestStrategies:
    def test_the_documented_file(self, write: Write) -> None:
        config = load_strategies_config(write(STRATEGIES))
        assert config.default_strategies == (
            StrategyConfig(
                "arbitrage",
                "ArbitrageStrategy",
                config={
                    "min_spread_bps": 10,
                    "max_position_size": 1.0,
                    "venues": ["exchange-1", "exchange-2"],
                },
            ),
            StrategyConfig("idle", "my.module.Idle", enabled=False),
        )
        assert config.chaos_strategies == (
            ChaosStrategyConfig(
                "runaway", "RunawayStrategy", trigger_probability=0.05, max_duration_minutes=10.0
            ),
        )
        assert config.risk_limits is not None
        assert config.risk_limits.global_limits.max_daily_loss == 500_000.0

    def test_its_limits_can_be_loaded_alone(self, write: Write) -> None:
        path = write(STRATEGIES)
        assert load_limits(path) == load_strategies_config(path).risk_limits

    def test_every_section_may_be_left_out(self, write: Write) -> None:
        config = load_strategies_config(write("default_strategies: []\n"))
        assert (config.default_strategies, config.chaos_strategies, config.risk_limits) == ((), (), None)

    @pytest.mark.parametrize(
        ("text", "line", "rest"),
        [
            ("strategies: []\n", 1, "strategies: expected a known key, found 'strategies'; did you mean"),
            ("default_strategies: {}\n", 1, "default_strategies: expected a list such as [a, b], found a table"),
            ("default_strategies:\n  - class: A\n", 2, "default_strategies[0]: expected the key 'name', found none"),
            ("default_strategies:\n  - name: a\n", 2, "default_strategies[0]: expected the key 'class', found none"),
            (
                "default_strategies:\n  - name: a\n    class: A\n    enable: true\n",
                4,
                "default_strategies[0].enable: expected a known key, found 'enable'; did you mean 'enabled'?",
            ),
            (
                "default_strategies:\n  - name: a\n    class: A\n    enabled: 1\n",
                4,
                "default_strategies[0].enabled: expected true or false, found 1",
            ),
            (
                "default_strategies:\n  - name: a b\n    class: A\n",
                2,
                "default_strategies[0].name: expected a name of letters, digits, _ . and -, at most 64, found 'a b'",
            ),
            (
                "default_strategies:\n  - name: ../../etc\n    class: A\n",
                2,
                "default_strategies[0].name: expected a name of letters",
            ),
            (
                "default_strategies:\n  - name: a\n    class: A-B\n",
                3,
                "default_strategies[0].class: expected the name of a strategy class such as RunawayStrategy",
            ),
            (
                "default_strategies:\n  - name: a\n    class:\n",
                3,
                "default_strategies[0].class: expected the name of a class, found nothing",
            ),
            (
                "default_strategies:\n  - name: a\n    class: A\n    config:\n      deep: {x: [1, .nan]}\n",
                5,
                "default_strategies[0].config.deep.x[1]: expected a finite number, found .nan",
            ),
            (
                "default_strategies:\n  - name: a\n    class: A\n    config: [1]\n",
                4,
                "default_strategies[0].config: expected a table",
            ),
            (
                "default_strategies:\n  - {name: a, class: A}\nchaos_strategies:\n  - {name: a, class: B}\n",
                4,
                "chaos_strategies[0].name: expected each name once, found 'a' again after line 2",
            ),
            (
                "chaos_strategies:\n  - name: a\n    class: A\n    trigger_probability: 5\n",
                4,
                "chaos_strategies[0].trigger_probability: expected a probability from 0 to 1, found 5: percent",
            ),
            (
                "chaos_strategies:\n  - name: a\n    class: A\n    max_duration_minutes: 0\n",
                4,
                "chaos_strategies[0].max_duration_minutes: expected minutes above 0, at most 525600, found 0",
            ),
        ],
    )  # fmt: skip
    def test_a_bad_file_gives_one_line(self, write: Write, text: str, line: int, rest: str) -> None:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load_strategies_config(path)
        assert str(caught.value).startswith(f"{path}:{line}: {rest}")
        assert "\n" not in str(caught.value)

    def test_a_bad_limit_is_a_limits_error(self, write: Write) -> None:
        text = STRATEGIES.replace("max_daily_loss: 500000", "max_daily_loss: -500000")
        with pytest.raises(
            LimitsError, match=r"strategies\.yaml:21: risk_limits\.global\.max_daily_loss: expected"
        ):
            load_strategies_config(write(text))


class TestChaos:
    def test_the_documented_file(self, write: Write) -> None:
        config = load_chaos_strategies(write(CHAOS))
        assert config.settings == TriggerSettings()
        assert config.strategies == (
            ChaosStrategyConfig(
                "runaway_buying",
                "RunawayStrategy",
                trigger_conditions=(
                    TriggerCondition(
                        market_condition=MarketCondition.LOW_VOLATILITY, probability=0.1, duration_minutes=5.0
                    ),
                ),
            ),
            ChaosStrategyConfig(
                "risk_ignoring",
                "RiskIgnorantStrategy",
                trigger_conditions=(TriggerCondition(risk_breach_count=3, escalation_factor=2.0),),
            ),
            ChaosStrategyConfig(
                "volatility_amplifier",
                "VolatilityAmplifierStrategy",
                parameters={
                    "momentum_threshold": 0.02,
                    "amplification_factor": 2.0,
                    "max_duration_minutes": 30,
                },
                max_duration_minutes=30.0,
            ),
        )

    def test_settings_and_switches(self, write: Write) -> None:
        config = load_chaos_strategies(
            write(
                "evaluation_interval_minutes: 5\n"
                "thresholds: {low_volatility: 0.1, trending: 3}\n"
                "strategies:\n"
                "  a:\n"
                "    {class: A, enabled_in_test: no, max_duration_minutes: 7, parameters: {max_duration_minutes: 30}}\n"
                "  b: {class: B, parameters: {max_duration_minutes: 0}}\n"
            )
        )
        assert config.settings == TriggerSettings(
            evaluation_interval_minutes=5.0, thresholds=MarketThresholds(low_volatility=0.1, trending=3.0)
        )
        assert [one.max_duration_minutes for one in config.strategies] == [7.0, 10.0]
        assert [one.name for one in config.in_test()] == ["b"]

    def test_the_shipped_file_names_every_chaos_strategy_with_parameters_that_it_takes(self) -> None:
        config = load_chaos_strategies(SHIPPED)
        ChaosTriggers(config.strategies, 1, config.settings)
        classes = {
            found.__name__: found
            for found in (
                load_strategy(path) for path in sorted((ROOT / "strategies" / "chaos").glob("*.py"))
            )
        }
        assert {one.strategy_class for one in config.strategies} == set(classes)
        for one in config.strategies:
            strategy = classes[one.strategy_class](one.parameters)
            assert strategy.config.items() >= one.parameters.items()
            assert one.trigger_conditions
            assert one.trigger_probability > 0.0
        assert config.settings.thresholds == MarketThresholds()

    @pytest.mark.parametrize(
        ("text", "line", "rest"),
        [
            ("strategy: {}\n", 1, "strategy: expected a known key, found 'strategy'; did you mean 'strategies'?"),
            ("thresholds: {}\n", 1, "expected the key 'strategies', found none; add `strategies: ...`"),
            ("strategies: []\n", 1, "strategies: expected a table"),
            ("strategies:\n  a: {}\n", 2, "strategies.a: expected the key 'class', found none"),
            ("strategies:\n  a b: {class: A}\n", 2, "strategies.a b: expected a name of letters"),
            ("strategies:\n  a: {name: b, class: A}\n", 2, "strategies.a.name: expected a known key, found 'name'"),
            ("strategies:\n  a: {class: A}\n  a: {class: B}\n", 3, "strategies.a: expected each key once"),
            (
                "evaluation_interval_minutes: 0\nstrategies: {}\n",
                1,
                "evaluation_interval_minutes: expected minutes from 0.001 to 525600, found 0",
            ),
            ("thresholds: {calm: 1}\nstrategies: {}\n", 1, "thresholds.calm: expected a known key, found 'calm'"),
            (
                "thresholds:\n  low_volatility: -0.1\nstrategies: {}\n",
                2,
                "thresholds.low_volatility: expected a finite number above 0, found -0.1: typed with the wrong sign?",
            ),
            (
                "strategies: {}\nthresholds:\n  low_volatility: 0.9\n",
                2,
                "thresholds: expected low_volatility at or below high_volatility, found it above",
            ),
        ],
    )  # fmt: skip
    def test_a_bad_file_gives_one_line(self, write: Write, text: str, line: int, rest: str) -> None:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load_chaos_strategies(path)
        assert str(caught.value).startswith(f"{path}:{line}: {rest}")

    @pytest.mark.parametrize(
        ("condition", "rest"),
        [
            ("{}", ": expected either market_condition or risk_breach_count, found neither"),
            (
                "{market_condition: calm, risk_breach_count: 3}",
                ": expected either market_condition or risk_breach_count, found market_condition and risk_breach_count",
            ),
            (
                "{market_condition: low_volatilty}",
                ".market_condition: expected one of low_volatility, high_volatility, trending, calm, wide_spread",
            ),
            ("{market_condition: off}", ".market_condition: expected one of"),
            ("{market_condition: calm, probability: 1.1}", ".probability: expected a probability from 0 to 1"),
            ("{market_condition: calm, probability: off}", ".probability: expected a probability from 0 to 1"),
            ("{market_condition: calm, probability: -0.1}", ".probability: expected a probability from 0 to 1"),
            ("{market_condition: calm, escalation_factor: 2}", ".escalation_factor: expected no escalation_factor"),
            ("{risk_breach_count: 3, probability: 0.5}", ".probability: expected no probability with"),
            ("{risk_breach_count: 0}", ".risk_breach_count: expected a whole number, 1 or above, found 0"),
            ("{risk_breach_count: 2.5}", ".risk_breach_count: expected a whole number, 1 or above, found 2.5; write 2"),
            ("{risk_breach_count: 3, escalation_factor: 0.5}", ".escalation_factor: expected a number from 1 to 100"),
            ("{risk_breach_count: 3, duration_minutes: -5}", ".duration_minutes: expected minutes above 0"),
            ("{risk_breach_count: 3, duration: 5}", ".duration: expected a known key, found 'duration'; did you mean"),
        ],
    )  # fmt: skip
    def test_a_bad_trigger_gives_one_line(self, write: Write, condition: str, rest: str) -> None:
        path = write(f"strategies:\n  a:\n    class: A\n    trigger_conditions:\n      - {condition}\n")
        with pytest.raises(ConfigError) as caught:
            load_chaos_strategies(path)
        assert str(caught.value).startswith(f"{path}:5: strategies.a.trigger_conditions[0]{rest}")


def test_a_tree_knows_where_everything_stands(write: Write) -> None:
    tree = load_yaml(write("a:\n  b: [1, two, 'three', null]\n\n  c: yes\n"))
    assert isinstance(tree.value, dict)
    table = tree.value["a"].value
    assert isinstance(table, dict)
    items = table["b"].value
    assert isinstance(items, tuple)
    assert [(item.key, item.line, item.value) for item in items] == [
        ("a.b[0]", 2, 1),
        ("a.b[1]", 2, "two"),
        ("a.b[2]", 2, "three"),
        ("a.b[3]", 2, None),
    ]
    assert (table["c"].line, table["c"].text, items[2].quoted) == (4, "yes", True)
    assert str(table["c"].error("expected a word")) == f"{tree.source}:4: a.c: expected a word"


def test_a_tree_of_plain_values_has_keys_and_no_lines() -> None:
    tree = locate({"a": [{"b": 1.5}]})
    assert isinstance(tree.value, dict)
    items = tree.value["a"].value
    assert isinstance(items, tuple)
    assert isinstance(items[0].value, dict)
    leaf = items[0].value["b"]
    assert (leaf.key, leaf.line, leaf.value) == ("a[0].b", 0, 1.5)
    assert str(leaf.error("expected a word")) == "a[0].b: expected a word"
