"""Chaos strategies that start by themselves: silent until a trigger, acting while it lasts, the same in each run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.backtest.result import BacktestResult
from workbench.chaos.triggered import TriggeredStrategy, triggered_strategies
from workbench.cli.app import run
from workbench.core.limits import RiskLimits
from workbench.core.messages import PriceUpdate, RiskBreach
from workbench.errors import ChaosError, ConfigError, ParameterError, StrategyLoadError

type Quote = Callable[..., PriceUpdate]
type Build = Callable[..., dict[str, Any]]

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "strategies" / "chaos"
SMA = ROOT / "strategies" / "sma_cross.py"
HOUSE = ROOT / "config" / "chaos_strategies.yaml"
QUIET = "trigger_conditions: [{market_condition: low_volatility, duration_minutes: 5}]"
EACH_MINUTE = "evaluation_interval_minutes: 1\nstrategies:\n"


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """build(entries, seed): the classes of entries written as `name: {...}`, evaluated every minute."""

    def write(*entries: str, seed: int = 0, head: str = EACH_MINUTE) -> dict[str, Any]:
        path = tmp_path / "chaos.yaml"
        path.write_text(head + "".join(f"  {entry}\n" for entry in entries))
        return dict(triggered_strategies(path, SCRIPTS, seed))

    return write


def entry(
    name: str = "wild", kind: str = "RunawayStrategy", parameters: str = "intensity: 3", rest: str = QUIET
) -> str:
    return f"{name}: {{class: {kind}, parameters: {{{parameters}}}, {rest}}}"


def breach(kind: str = "position_limit") -> RiskBreach:
    return RiskBreach(kind, "wild", "BTC-USD", "exchange-1", 2.0, 1.0, 0)


def play(strategy: TriggeredStrategy, quote: Quote, minutes: Iterable[int]) -> dict[int, int]:
    """Signals sent in each minute of a market that stands still; minutes without any left out."""
    sent = {minute: len(strategy.on_market_data(quote(minute))) for minute in minutes}
    return {minute: count for minute, count in sent.items() if count}


class TestWhenItActs:
    def test_acts_from_its_condition_until_its_time_is_over_and_again(
        self, build: Build, quote: Quote
    ) -> None:
        # The gauge knows volatility from eight returns on: minute 8. Five minutes later it stops, rests for the
        # update that ended it, and starts again at the next, since the chance is 1.
        strategy = build(entry())["wild"]({})
        assert play(strategy, quote, range(18)) == dict.fromkeys([8, 9, 10, 11, 12, 14, 15, 16, 17], 3)
        told = [(event.kind, event.cause) for event in strategy.trigger_events]
        assert told == [
            ("started", "low_volatility"),
            ("stopped", "low_volatility"),
            ("started", "low_volatility"),
        ]

    def test_longest_run_bounds_the_condition(self, build: Build, quote: Quote) -> None:
        strategy = build(entry(rest=f"{QUIET}, max_duration_minutes: 2"))["wild"]({})
        assert play(strategy, quote, range(11)) == {8: 3, 9: 3}
        assert not strategy.chaos_active

    def test_chaos_active_follows_the_triggers(self, build: Build, quote: Quote) -> None:
        strategy = build(entry())["wild"]({})
        seen = []
        for minute in range(15):
            strategy.on_market_data(quote(minute))
            seen.append(strategy.chaos_active)
        assert seen == [False] * 8 + [True] * 5 + [False, True]

    def test_condition_that_does_not_hold_starts_nothing(self, build: Build, quote: Quote) -> None:
        strategy = build(entry(rest=QUIET.replace("low", "high")))["wild"]({})
        assert play(strategy, quote, range(100)) == {}

    def test_no_chance_per_hour_never_and_full_chance_at_the_second_evaluation(
        self, build: Build, quote: Quote
    ) -> None:
        never = build(entry(rest="trigger_probability: 0.0"))["wild"]({})
        assert play(never, quote, range(0, 100_000, 50)) == {}
        always = build(entry(rest="trigger_probability: 1.0, max_duration_minutes: 2"))["wild"]({})
        assert play(always, quote, range(4)) == {1: 3, 2: 3}  # the first update only opens the count

    def test_market_is_that_of_the_first_instrument(self, build: Build, quote: Quote) -> None:
        strategy = build(entry())["wild"]({})
        for minute in range(10):
            assert len(strategy.on_market_data(quote(minute))) == (
                3 if minute >= 8 else 0
            )  # BTC-USD is quiet,
            strategy.on_market_data(
                quote(minute, 100.0 * 2.0 ** (minute % 2), symbol="ETH-USD")
            )  # ETH-USD not

    def test_same_seed_starts_at_the_same_minutes_and_another_at_others(
        self, build: Build, quote: Quote
    ) -> None:
        lucky = entry(rest="trigger_probability: 0.5, max_duration_minutes: 3")
        runs = [play(build(lucky, seed=seed)["wild"]({}), quote, range(600)) for seed in (1, 1, 2)]
        assert runs[0] == runs[1] != runs[2]
        assert 0 < len(runs[0]) < 300


class TestBreaches:
    RULE = "trigger_conditions: [{risk_breach_count: 3, escalation_factor: 2.0}], max_duration_minutes: 4"

    def test_starts_at_the_count_and_grows_with_each_further_breach(self, build: Build, quote: Quote) -> None:
        strategy = build(entry(rest=self.RULE))["wild"]({})
        sent = []
        for minute, breaches in enumerate([2, 0, 1, 1, 2, 0, 0, 2, 1]):
            for _ in range(breaches):
                strategy.on_risk_breach(breach())
            sent.append(len(strategy.on_market_data(quote(minute))))
        # Third breach: 3 orders; the fourth doubles; two more make it 8 times; minute 6 ends it, and three
        # breaches after that start it anew at the intensity of the file.
        assert sent == [0, 0, 3, 6, 24, 24, 0, 0, 3]

    def test_breaches_between_two_updates_count_at_the_start(self, build: Build, quote: Quote) -> None:
        strategy = build(entry(rest=self.RULE))["wild"]({})
        for _ in range(5):
            strategy.on_risk_breach(breach())
        assert play(strategy, quote, [0]) == {0: 12}  # 3 x 2^2
        assert strategy.trigger_events[0].intensity == 4.0

    def test_growth_forgets_nothing_and_a_new_start_does(self, build: Build, quote: Quote) -> None:
        # RiskIgnorantStrategy sends one order, and `intensity` times as many after each breach that it hears of.
        parameters = "intensity: 2.0, max_orders_per_update: 1000"
        strategy = build(entry(kind="RiskIgnorantStrategy", parameters=parameters, rest=self.RULE))["wild"](
            {}
        )
        for _ in range(3):
            strategy.on_risk_breach(breach("notional_limit"))
        counts = []
        for minute in range(3):
            counts.append(len(strategy.on_market_data(quote(minute))))
            strategy.on_risk_breach(breach("notional_limit"))
        # One; one breach at growth 2; then the escalation has made its growth 4: 1, 1 x 2, 2 x 4.
        assert counts == [1, 2, 8]
        assert strategy.on_market_data(quote(10)) == []
        for _ in range(3):
            strategy.on_risk_breach(breach("notional_limit"))
        assert len(strategy.on_market_data(quote(11))) == 1

    def test_intensity_stays_within_what_the_script_allows(self, build: Build) -> None:
        rule = self.RULE.replace("2.0", "100.0")
        made = build(
            entry("typist", "FatFingerStrategy", "intensity: 0.5", rule),
            entry("garbage", "NaNSignalStrategy", "intensity: 1", rule.replace("100.0", "1.5")),
        )
        assert made["typist"]({})._fresh(100.0).config["intensity"] == 1.0
        assert made["garbage"]({})._fresh(1.5).config["intensity"] == 2  # a whole number of signals


class TestEntries:
    def test_entries_that_tests_may_not_start_are_left_out(self, build: Build) -> None:
        made = build(entry("one"), entry("two", rest="enabled_in_test: false"))
        assert list(made) == ["one"]

    def test_class_takes_name_parameters_and_sizing_from_entry_and_script(self, build: Build) -> None:
        made = build(entry("leak", "SlowLeakStrategy", "degradation_rate: 0.25, seed: 7"))["leak"]
        assert (made.__name__, made.SIZING, made.PARAMETERS["slow"]) == ("leak", "target", 50)
        strategy = made({"seed": 1, "slow": 20})
        assert (strategy.config["degradation_rate"], strategy.config["slow"]) == (0.25, 20)
        assert strategy._fresh(1.0).config["seed"] == 7  # the file names one

    def test_the_house_file_fits_its_scripts(self) -> None:
        made = wb.triggered_strategies(HOUSE, SCRIPTS)
        assert len(made) == 11
        assert made["fat_finger"].__mro__[1] is TriggeredStrategy

    @pytest.mark.parametrize(
        ("wrong", "error", "text"),
        [
            (entry(kind="NoSuch"), ChaosError, "wild: no script has a class 'NoSuch'; there is: CancelFlood"),
            (
                entry(parameters="strength: 3"),
                ChaosError,
                "wild: wild has no parameter 'strength'; it has: duration_minutes, int",
            ),
            (entry(parameters="intensity: -1"), ChaosError, "intensity must be from 0"),
            (entry(kind="no_such_package.Wild"), StrategyLoadError, "cannot be imported"),
            (entry(rest="trigger_probability: 2"), ConfigError, "trigger_probability"),
        ],
    )
    def test_wrong_entry_is_refused_before_a_run(
        self, build: Build, wrong: str, error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error, match=text) as caught:
            build(wrong)
        assert "\n" not in str(caught.value)

    def test_dotted_class_and_negative_seed(self, build: Build) -> None:
        made = build(entry(kind="strategies.chaos.runaway.RunawayStrategy"))["wild"]
        assert made.SCRIPT.__name__ == "RunawayStrategy"
        with pytest.raises(ChaosError, match="seed of 0 or above"):
            build(entry(), seed=-1)

    def test_unknown_parameter_of_a_run_is_refused(self, build: Build) -> None:
        with pytest.raises(ParameterError, match="has no parameter 'size'"):
            build(entry())["wild"]({"size": 2})


class TestInABacktest:
    PRICES = wb.synthetic(["BTC-USD"], ["exchange-1"], bars=240, seed=5, volatility=0.1, jumps_per_year=0.0)

    def run(self, made: dict[str, Any], limits: RiskLimits) -> BacktestResult:
        return wb.backtest(
            {"sma": SMA, **made},
            self.PRICES,
            config={"sma": {"unit": 0.1}, "wild": {"unit": 1.0}},
            limits=limits,
            progress=False,
        )

    def test_same_seed_same_run_beside_a_strategy_that_behaves(self, build: Build) -> None:
        lucky = entry(rest="trigger_probability: 0.9, max_duration_minutes: 3")
        seeds = (1, 1, 2)
        runs = [self.run(build(lucky, seed=seed), RiskLimits.unlimited()) for seed in seeds]
        assert runs[0].strategies == ("sma", "wild")
        assert runs[0].fingerprint == runs[1].fingerprint != runs[2].fingerprint
        decisions = [
            [note for note in run.record.recorder.signals if note.strategy_id == "sma"] for run in runs
        ]
        assert decisions[0] == decisions[2]  # they share a portfolio, not a mind
        assert decisions[0]

    def test_sends_only_between_start_and_stop(self, build: Build) -> None:
        made = build(entry(rest=QUIET))
        result = self.run(made, RiskLimits.unlimited())
        wild = result.record.players[1].strategy
        assert isinstance(wild, TriggeredStrategy)
        spans, start = [], 0
        for event in wild.trigger_events:
            if event.kind == "started":
                start = event.timestamp_ns
            else:
                spans.append((start, event.timestamp_ns))
        sent = [note.timestamp_ns for note in result.record.recorder.signals if note.strategy_id == "wild"]
        assert len(spans) > 5
        inside = [any(start <= now < stop for start, stop in spans) for now in sent if now < spans[-1][1]]
        assert inside
        assert all(inside)

    def test_house_limits_contain_it(self, build: Build) -> None:
        made = build(entry(parameters="intensity: 100"))
        free, held = self.run(made, RiskLimits.unlimited()), self.run(made, RiskLimits())
        most = {}
        for name, result in (("free", free), ("held", held)):
            position, most[name] = 0.0, 0.0
            for fill in result.record.recorder.fills:
                if fill.strategy_id == "wild":
                    position += fill.quantity
                    most[name] = max(most[name], abs(position))
        # notional_limit lets one strategy hold 1,000,000: 33 units at about 30,000.
        assert most["held"] == 33.0
        assert most["free"] > 99.0
        reasons = set(held.breaches.query("strategy_id == 'wild'")["breach_type"])
        assert reasons == {"notional_limit", "strategy_limit", "duplicate_order", "message_rate"}


def test_example_of_the_guide_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "chaos_guide.md").read_text(), re.MULTILINE | re.DOTALL
    )
    [code] = [block for block in blocks if "triggered_strategies" in block]
    monkeypatch.chdir(ROOT)
    exec(code, {})  # noqa: S102 - the guide's own example
    assert "runaway_buying ['started', 'stopped'" in capsys.readouterr().out


def test_command_line_runs_the_strategies_of_a_file_beside_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chaos.yaml"
    path.write_text(EACH_MINUTE + f"  {entry(rest='trigger_probability: 1.0')}\n")
    words = ["backtest", str(SMA), "--prices", "sp500", "--start", "2003", "--end", "2003", "-c", "fast=5"]
    assert run([*words, "--chaos-strategies", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["strategies"] == ["SmaCrossStrategy", "wild"]
