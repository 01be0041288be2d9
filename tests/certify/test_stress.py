"""Stress: each scenario has a strategy that does not get over it, and does once the flaw is gone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.certify.subjects import BTC, named, silent, subject, trending
from workbench.certify.checks import Subject
from workbench.certify.conduct import _share
from workbench.certify.crisis_windows import crises_of, crisis_loss, crisis_run
from workbench.certify.scenarios import replay_scenario, scenario_names, scenarios
from workbench.certify.stage import stage_of
from workbench.certify.stress import historical_crises, made_up_stress
from workbench.core.limits import RiskLimits
from workbench.errors import ConfigError

UNLIMITED = RiskLimits.unlimited()
LARGE: dict[str, Any] = {"config": {"unit": 40.0}, "limits": UNLIMITED}  # 1.2 times the capital
NAMES = [
    "crash",
    "flash_crash",
    "gap_down",
    "gap_up",
    "volatility",
    "spread",
    "liquidity",
    "correlation",
    "message_rate",
    "trade_volume",
]


def failed(asked: Subject) -> set[str]:
    return {check.name for check in made_up_stress(asked, silent) if not check.passed}


def test_every_scenario_has_a_line_and_a_strategy_in_order_gets_over_all() -> None:
    found = made_up_stress(subject(), silent)
    assert [check.name for check in found] == NAMES
    assert [check.name for check in found if not check.passed] == []
    assert named(found, "correlation").note == "the prices have one symbol alone"
    assert all(0.0 < (check.value or 0.0) < 0.1 for check in found if not check.note)


def test_what_is_too_large_loses_too_much_in_each_fall() -> None:
    assert failed(subject(**LARGE)) >= {
        "crash",
        "flash_crash",
        "gap_down",
        "gap_up",
        "volatility",
        "trade_volume",
    }
    line = named(made_up_stress(subject(**LARGE), silent), "gap_down")
    assert "of its capital lost" in line.measured
    assert line.required.startswith("inside limits, 20% refused or less")


@pytest.mark.parametrize(
    ("name", "flaw", "options", "mended"),
    [
        # It trades each hour: ten times the spread is what ends it.
        ("spread", "churns", {"limits": UNLIMITED}, {"limits": UNLIMITED}),
        # A day has room for as many orders as it sends, and half a day has not.
        (
            "message_rate",
            "churns",
            {"config": {"unit": 0.2}, "limits": {"per_strategy": {"max_daily_trades": 25}}},
            {"config": {"unit": 0.2}, "limits": {"per_strategy": {"max_daily_trades": 60}}},
        ),
        # Twice its size is more than it may hold.
        (
            "trade_volume",
            "",
            {"limits": {"position_limits": {BTC: {"max_long": 3, "max_short": -3}}}},
            {"limits": {"position_limits": {BTC: {"max_long": 5, "max_short": -5}}}},
        ),
        # Volumes that fall to a tenth leave its position where it was.
        ("liquidity", "churns", {"config": {"unit": 60.0}, "limits": UNLIMITED}, {"limits": UNLIMITED}),
        ("gap_down", "raises when it is told of a breach", {}, {}),
        ("crash", "out of range", {}, {}),
    ],
)
def test_a_flaw_is_caught_and_its_twin_without_it_is_not(
    name: str, flaw: str, options: dict[str, Any], mended: dict[str, Any]
) -> None:
    assert name in failed(subject(flaw, **options))
    same = flaw if name == "message_rate" else ""
    assert name not in failed(subject(same, **mended))


def test_symbols_that_move_as_one() -> None:
    apart = trending(1_500, symbols=(BTC, "ETH-USD"))
    config = {"fast": 10, "slow": 48, "unit": {BTC: 2.0, "ETH-USD": 30.0}}
    asked = Subject.of("strategies/sma_cross.py", apart, config=config)
    calm, one = (replay_scenario(asked, name) for name in ("calm", "correlation"))
    assert calm.fingerprint != one.fingerprint
    line = named(made_up_stress(asked, silent), "correlation")
    assert (line.passed, line.note) == (True, "")


def test_nothing_that_is_held_cannot_be_stressed() -> None:
    (line,) = made_up_stress(subject("idle"), silent)
    assert (line.passed, line.name) == (False, "made_up_stress")
    assert line.measured == "nothing held in the last 1,500 update times, so nothing could be stressed"


def test_stress_strikes_when_the_most_is_held_on_the_wrong_side() -> None:
    stage = stage_of(subject(), 4_000)
    fills = stage.calm.position_history
    for at, sign in ((stage.long_at, 1.0), (stage.short_at, -1.0)):
        before = fills[fills["timestamp"] <= at].iloc[-1]
        assert before["quantity"] == sign * 2.0
    index = stage.calm.times_ns
    for at in (stage.at, stage.long_at, stage.short_at):
        assert 0.2 < np.searchsorted(index, at.value) / len(index) < 0.8
    # One that a breaker stops early holds later what it would have held.
    assert stage_of(subject("trades the wrong way"), 4_000).at > stage.calm.start + pd.Timedelta("10D")


def test_a_scenario_can_be_run_again_by_its_name() -> None:
    mine = subject()
    assert scenario_names(mine) == ["calm", *NAMES]
    assert replay_scenario(mine, "calm").fingerprint == mine.backtest().fingerprint
    again = [replay_scenario(mine, name).fingerprint for name in ("crash", "crash", "spread")]
    assert again[0] == again[1] != again[2]
    with pytest.raises(ConfigError, match="no scenario 'crsh'; there is: calm, crash"):
        replay_scenario(mine, "crsh")
    assert all(scenario.what for scenario in scenarios(mine))


# -- crises ----------------------------------------------------------------------------------------------------------


def of_index(unit: float, **options: Any) -> Subject:
    return Subject.of("strategies/sma_cross.py", "sp500", config={"unit": unit}, **options)


def test_crises_that_the_prices_hold() -> None:
    names = [crisis.name for crisis in crises_of(of_index(1.0))]
    assert names[:2] == ["dotcom_2000", "september_11_2001"]
    assert {"lehman_2008", "credit_crisis_2008", "euro_2010", "downgrade_2011", "china_2015"} < set(names)
    assert not {"black_monday_1987", "ltcm_1998", "covid_2020"} & set(names)


def test_a_crisis_is_lost_by_what_is_too_large() -> None:
    small, large = (historical_crises(of_index(unit, limits=UNLIMITED), silent) for unit in (100.0, 2_000.0))
    assert small.passed
    assert small.measured.startswith("11 crises, worst loss")
    assert not large.passed
    assert "of its capital lost" in large.measured
    assert (large.value or 0.0) > 0.2 >= (small.value or 1.0)


def test_a_crisis_is_measured_from_the_close_before_it() -> None:
    """One who buys at the first price and holds loses what the index loses: 12.9 % from 22 July to 8 August 2011."""
    (crisis,) = [c for c in crises_of(of_index(1.0)) if c.name == "downgrade_2011"]
    prices = of_index(1.0).prices
    asked = Subject.of(
        "tests.certify.subjects:Follower",
        prices,
        config={"flaw": "doubles while it loses", "window": 1, "unit": 1.0, "sizing": "order"},
        limits={"position_limits": {"SPX": {"max_long": 1}}},
        costs={"spread_bps": 0.0, "taker_bps": 0.0, "slippage_bps": 0.0, "impact_bps": 0.0},
        initial_cash=10_000.0,
    )
    closes = prices.frame("SPX")["close"]
    fall = float(closes["2011-07-22"] - closes["2011-07-23":"2011-08-08"].min())
    assert crisis_loss(crisis_run(asked, crisis), crisis) == pytest.approx(fall / 10_000.0)


def test_prices_without_a_crisis() -> None:
    line = historical_crises(subject(), silent)
    assert (line.passed, line.note) == (True, "the prices hold none of the crises of the past")


@pytest.mark.parametrize(
    ("value", "limit", "share"),
    [
        (math.nan, 10.0, math.inf),
        (math.nan, math.inf, math.inf),
        (5.0, 10.0, 0.5),
        (-5.0, 10.0, 0.0),
        (5.0, 0.0, 0.0),
    ],
)
def test_an_exposure_that_is_no_number_is_inside_no_limit(value: float, limit: float, share: float) -> None:
    assert _share(value, limit) == share
