"""The scenarios of a stress test: what each does to a run, by name, so that a person can run any of them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import Subject
from workbench.certify.crisis_windows import crises_of, crisis_run
from workbench.certify.markets import correlated, crash, flash_crash, gap, hurried, thinned, widened
from workbench.certify.normal_capacity import grown, has_volumes
from workbench.certify.stage import Stage, stage_of
from workbench.chaos.events import ChaosEvent
from workbench.errors import ConfigError

__all__ = ["CALM", "Scenario", "replay_scenario", "scenario_names", "scenarios"]

CALM: Final = "calm"
CRASH_BARS: Final = 10
BURST_SHARE: Final = 4  # a burst of volatility lasts this part of the stage


class Scenario(NamedTuple):
    """One way to stress a run.

    what: in words.  changes: arguments of `backtest`, out of a stage.  missing: why it says nothing of these prices, or
    "".
    """

    name: str
    what: str
    changes: Callable[[Stage], Mapping[str, Any]]
    missing: str = ""


def scenarios(subject: Subject) -> list[Scenario]:
    """Every scenario that is made up, in the order of the scorecard."""
    return [*_falls(subject), *_markets(subject), *_rates(subject)]


def scenario_names(subject: Subject) -> list[str]:
    """What `replay_scenario` knows: "calm", the made-up scenarios, and the crises that the prices hold."""
    made_up = [scenario.name for scenario in scenarios(subject)]
    return [CALM, *made_up, *(crisis.name for crisis in crises_of(subject))]


def replay_scenario(subject: Subject, name: str) -> BacktestResult:
    """Run a scenario again: one of `scenarios`, the name of a crisis, or "calm" for the same prices without stress.

    Raises ConfigError for a name that is none.
    """
    if name not in scenario_names(subject):
        raise ConfigError(f"no scenario {name!r}; there is: {', '.join(scenario_names(subject))}")
    for crisis in crises_of(subject):
        if crisis.name == name:
            return crisis_run(subject, crisis)
    stage = stage_of(subject, subject.thresholds.stress.moments)
    if name == CALM:
        return stage.calm
    (scenario,) = [scenario for scenario in scenarios(subject) if scenario.name == name]
    return stage.subject.backtest(**{"on_error": "contain", **scenario.changes(stage)})


def _falls(subject: Subject) -> list[Scenario]:
    """Prices that fall, or jump, when the strategy is the most on the wrong side."""
    rules = subject.thresholds.stress
    return [
        Scenario(
            "crash",
            f"all prices fall by {rules.crash:.0%} in {CRASH_BARS} bars and stay there",
            lambda stage: {"prices": crash(stage.subject.prices, stage.long_at, rules.crash, CRASH_BARS)},
        ),
        Scenario(
            "flash_crash",
            f"all prices fall by {rules.crash:.0%} in {CRASH_BARS} bars and are back in as many",
            lambda stage: {
                "prices": flash_crash(stage.subject.prices, stage.long_at, rules.crash, CRASH_BARS)
            },
        ),
        Scenario(
            "gap_down",
            f"all prices open {rules.gap:.0%} lower",
            lambda stage: {"prices": gap(stage.subject.prices, stage.long_at, -rules.gap)},
        ),
        Scenario(
            "gap_up",
            f"all prices open {rules.gap:.0%} higher",
            lambda stage: {"prices": gap(stage.subject.prices, stage.short_at, rules.gap)},
        ),
    ]


def _markets(subject: Subject) -> list[Scenario]:
    """Markets that are harder to trade in."""
    rules = subject.thresholds.stress
    several = len(subject.prices.symbols) > 1
    return [
        Scenario("volatility", f"returns grow to {rules.volatility_factor:g} times", _burst),
        Scenario("spread", f"the spread grows to {rules.spread_factor:g} times", _spread),
        Scenario(
            "liquidity",
            f"volumes shrink to a part in {rules.liquidity_divisor:g}",
            lambda stage: {"prices": thinned(stage.subject.prices, rules.liquidity_divisor)},
            "" if has_volumes(subject) else "the prices have no volumes to take away",
        ),
        Scenario(
            "correlation",
            "all symbols move as one",
            lambda stage: {"prices": correlated(stage.subject.prices)},
            "" if several else "the prices have one symbol alone",
        ),
    ]


def _rates(subject: Subject) -> list[Scenario]:
    """Twice the messages, and twice the trades, of the busiest time (RTS 6 article 10)."""
    factor = subject.thresholds.stress.message_factor
    return [
        Scenario(
            "message_rate",
            f"all comes {factor:g} times as fast (RTS 6 article 10(a))",
            lambda stage: {"prices": hurried(stage.subject.prices, factor)},
        ),
        Scenario(
            "trade_volume",
            f"it trades {factor:g} times as much (RTS 6 article 10(b))",
            lambda stage: {"config": grown(stage.subject, factor)},
        ),
    ]


def _burst(stage: Stage) -> Mapping[str, Any]:
    """A burst of volatility from the largest holding on, so early that it ends before the prices do."""
    prices, factor = stage.subject.prices, stage.subject.thresholds.stress.volatility_factor
    part = (prices.end - prices.start) / BURST_SHARE
    length: timedelta = part.to_pytimedelta()
    start = min(stage.at, prices.end - 2 * part)
    return {"chaos": [ChaosEvent("volatility_burst", start.to_pydatetime(), length, factor - 1.0)]}


def _spread(stage: Stage) -> Mapping[str, Any]:
    """The spread that costs put round a bar, and that of quotes."""
    factor = stage.subject.thresholds.stress.spread_factor
    costs = {
        venue: msgspec.structs.replace(each, spread_bps=each.spread_bps * factor)
        for venue, each in stage.subject.costs.items()
    }
    return {"prices": widened(stage.subject.prices, factor), "costs": costs}
