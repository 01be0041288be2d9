"""Chaos: each family of faults has a strategy that does not survive it, and does once the flaw is gone."""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.certify.subjects import named, silent, subject, trending
from workbench.certify import chaos_neighbours
from workbench.certify.chaos import chaos_names, faults, neighbours, replay_chaos
from workbench.certify.chaos_cases import case_events, drill_of, fault_cases, replay_case
from workbench.certify.chaos_neighbours import misbehaving
from workbench.certify.checks import Check, Subject
from workbench.certify.conduct import Conduct
from workbench.certify.normal import normal_replay
from workbench.certify.stress import problems_of
from workbench.chaos.kinds import ChaosKind, Family
from workbench.configuration.certification import load_thresholds
from workbench.errors import ConfigError
from workbench.strategy.folders import find_folder

MARKET = trending(800)
FLOODED = {"message_rate": {"per_venue_per_second": 0.001, "per_venue_burst": 10}}


def of_faults(flaw: str = "", **options: Any) -> tuple[Check, ...]:
    return faults(subject(flaw, MARKET, **options), silent)


def test_a_strategy_in_order_survives_every_fault() -> None:
    found = of_faults()
    assert [(check.name, check.passed) for check in found] == [
        ("signal_faults", True),
        ("market_faults", True),
        ("venue_faults", True),
    ]
    assert "10 cases" in found[0].measured  # five kinds, each at both ends of what is typical of it


@pytest.mark.parametrize(
    ("name", "flaw", "said"),
    [
        ("market_faults", "raises on a bad price", "first bad_tick of intensity 0.05: it raised"),
        ("signal_faults", "raises when it is told of a breach", "first runaway of intensity 0.2: it raised"),
        ("venue_faults", "raises when a fill does not come", "it raised"),
    ],
)
def test_a_flaw_is_caught_and_its_twin_without_it_is_not(name: str, flaw: str, said: str) -> None:
    line = named(of_faults(flaw), name)
    assert not line.passed, line.measured
    assert said in line.measured
    assert named(of_faults(), name).passed


def test_damage_beyond_its_bound_is_caught() -> None:
    tight = of_faults(thresholds={"chaos": {"max_damage": 0.001}})
    assert not named(tight, "market_faults").passed
    assert "of its capital lost" in named(tight, "market_faults").measured


def test_a_campaign_and_replays_find_the_same() -> None:
    """The cases of a compiled strategy, by the campaign and one by one."""
    compiled = drill_of(Subject.of("strategies/sma_cross.py", MARKET, config={"unit": 2.0}))
    cases = fault_cases(compiled, silent)
    assert {case.name: case.event for case in cases} == case_events(compiled)
    assert {case.event.kind for case in cases} == set(ChaosKind) - {ChaosKind.CORRELATION_BREAK}
    calm = compiled.calm.fingerprint
    for case in cases[::9]:
        again = replay_case(compiled, case.event)
        assert case.changed or again.fingerprint == calm, case.name


def test_faults_strike_when_the_strategy_trades_the_most() -> None:
    drill = drill_of(subject("", MARKET))
    first, second = drill.starts
    assert (second - first) >= drill.duration
    orders = drill.calm.orders["created"]
    inside = [int(((orders >= start) & (orders < start + drill.duration)).sum()) for start in drill.starts]
    mean = len(orders) * drill.duration / (drill.calm.end - drill.calm.start)
    assert min(inside) > mean


# -- neighbours --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def beside() -> tuple[Check, Check]:
    return neighbours(subject("", MARKET, thresholds={"chaos": {"moments": 400}}), silent)


def test_a_strategy_in_order_is_not_harmed_and_harms_nobody(beside: tuple[Check, Check]) -> None:
    assert [(check.name, check.passed) for check in beside] == [
        ("misbehaving_neighbours", True),
        ("harm_to_neighbours", True),
    ]
    assert "beside each of 11" in beside[0].measured


def test_where_all_share_one_message_rate_a_flood_is_harm() -> None:
    tight = {"moments": 400, "max_neighbour_harm": 0.00001}
    found = neighbours(subject("", MARKET, limits=FLOODED, thresholds={"chaos": tight}), silent)
    assert [check.passed for check in found] == [False, False]
    assert "of the capital lost to it" in found[0].measured


def test_every_script_that_misbehaves_is_a_neighbour() -> None:
    assert [info.name for info in misbehaving()] == sorted(
        path.stem for path in (find_folder("strategies") / "chaos").glob("*.py")
    )


@pytest.mark.parametrize("name", [info.name for info in misbehaving()])
def test_no_chaos_strategy_behaves(name: str) -> None:
    """Each fails for what it does, not only for what it is."""
    bars = 1_500 if name in ("slow_leak", "stale_price") else 400  # these do harm a little at a time
    small = trending(bars, symbols=("BTC-USD", "ETH-USD"))
    config = {"unit": {"BTC-USD": 0.5, "ETH-USD": 7.0}}
    asked = Subject.of(find_folder("strategies") / "chaos" / f"{name}.py", small, config=config)
    assert not all(check.passed for check in normal_replay(asked, silent))


# -- by name -----------------------------------------------------------------------------------------------------------


def test_a_case_can_be_run_again_by_its_name() -> None:
    mine = subject("", MARKET)
    names = chaos_names(mine)
    assert {"runaway", "bad_tick", "venue_disconnect", "beside runaway", "bystander of runaway"} < set(names)
    assert "correlation_break" not in names
    bent = replay_chaos(mine, "runaway")
    assert [(event.kind, event.intensity, event.target) for event in bent.chaos] == [
        (ChaosKind.RUNAWAY, 2.0, "Follower")
    ]
    assert bent.chaos[0].family is Family.SIGNAL
    assert replay_chaos(mine, "beside fat_finger").strategies == ("Follower", "FatFingerStrategy")
    assert replay_chaos(mine, "bystander of runaway").strategies == ("Follower", "bystander")
    mild = replay_chaos(mine, "partial_fills 1.1")
    assert [(event.kind, event.intensity) for event in mild.chaos] == [(ChaosKind.PARTIAL_FILLS, 0.01)]
    with pytest.raises(ConfigError, match="no chaos 'runawy'; there is: runaway"):
        replay_chaos(mine, "runawy")
    with pytest.raises(
        ConfigError, match=r"no chaos 'runaway 9.9'; there is: runaway 1.1, runaway 2.1, runaway"
    ):
        replay_chaos(mine, "runaway 9.9")


def test_nothing_that_trades_cannot_be_struck() -> None:
    for check in (*of_faults("idle"), *neighbours(subject("idle", MARKET), silent)):
        assert not check.passed
        assert "nothing traded in the last 800 update times" in check.measured


def test_what_is_no_number_is_neither_a_small_loss_nor_a_small_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = Conduct(
        5, 0, 5, Counter(), 0, (), stopped=False, faults=(), held={}, left={}, exposure=0.5, loss=0.1, pnl=1.0
    )
    rules = load_thresholds(None).stress
    assert problems_of(calm, rules, {}) == []
    assert problems_of(calm._replace(loss=math.nan), rules, {}) == ["nan% of its capital lost"]
    assert problems_of(calm._replace(exposure=math.nan), rules, {}) == ["nan times a limit held"]
    monkeypatch.setattr(chaos_neighbours, "conduct_of", lambda *_: calm)

    def run(*equity: float) -> Any:
        return SimpleNamespace(record=None, curve_of=lambda _: (10.0, np.array(equity)))

    normal = run(10.0, 11.0)
    assert chaos_neighbours._harm("x", run(10.0, 10.0), normal, "s").harm == pytest.approx(0.1)
    assert math.isnan(chaos_neighbours._harm("x", run(10.0, math.nan), normal, "s").harm)
