"""Each known flaw is caught by the check that is meant for it, and its mended twin is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.certify.flawed_markets import bounces, market, noise
from workbench.certify.checks import Check, Measure, Subject
from workbench.certify.honest_blind import reads_its_prices
from workbench.certify.honest_carried import carries_future_prices
from workbench.certify.honest_leak import runs_are_apart
from workbench.certify.honest_look_ahead import look_ahead_future, look_ahead_prefix
from workbench.certify.honest_outside import outside_world
from workbench.certify.honest_sensitivity import survives_costs, survives_delay
from workbench.certify.normal import normal_replay
from workbench.certify.significant import not_overfitted, not_the_best_of_many
from workbench.data.prices import Prices
from workbench.strategy.loader import load_strategy
from workbench.sweeps.api import sweep

FLAWED = Path(__file__).parent / "flawed"


class Flaw(NamedTuple):
    """A script (its twin is called script_mended), the prices, the check meant for it, and its name on the card."""

    script: str
    prices: Callable[[], Prices]
    measure: Measure
    check: str
    config: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it
    mended: str = ""


def judged(
    script: str, prices: Prices, measure: Measure, check: str, config: dict[str, Any], trials: Any = None
) -> Check:
    subject = Subject.of(FLAWED / f"{script}.py", prices, config=config, trials=trials, seed=3)
    found = measure(subject, lambda _: None)
    lines = found if isinstance(found, tuple) else (found,)
    return next(line for line in lines if line.name == check)


def hours() -> Prices:
    return market(interval="1h", bars=1_000)


def drift() -> Prices:
    return market(slow=0.25)


def thin() -> Prices:
    """An echo that is worth somewhat more than it costs to trade it."""
    return market(volatility=0.003, slow=0.35, fast=0.6)


def sides() -> list[float]:
    """Which way each bar of `drift` will go."""
    closes = drift().frame("MADE@UP")["close"].to_numpy()
    return [float(side) for side in np.sign(np.diff(closes))]


FLAWS = (
    Flaw("look_ahead_one_bar", noise, look_ahead_prefix, "look_ahead_prefix", {"unit": 10}),
    Flaw("look_ahead_one_bar", noise, look_ahead_future, "look_ahead_future", {"unit": 10}),
    Flaw("look_ahead_resampling", hours, look_ahead_future, "look_ahead_future", {"unit": 10}),
    Flaw("look_ahead_resampling", hours, look_ahead_prefix, "look_ahead_prefix", {"unit": 10}),
    Flaw("unseeded_random", noise, outside_world, "determinism", {"unit": 10}),
    Flaw("latency_fragile", bounces, survives_delay, "survives_delay", {"unit": 100}),
    Flaw("cost_fragile", thin, survives_costs, "survives_costs", {"unit": 100}),
    Flaw("limit_breaking", noise, normal_replay, "conduct"),
    Flaw("state_leak", noise, runs_are_apart, "runs_are_apart", {"unit": 10}),
    Flaw("wall_clock", noise, outside_world, "wall_clock", {"unit": 10}),
    Flaw(
        "future_table", drift, carries_future_prices, "carries_future_prices", {"unit": 10}, "future_mended"
    ),
    Flaw("future_frames", drift, look_ahead_future, "look_ahead_future", {"unit": 10}, "future_mended"),
)


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: f"{flaw.script}-{flaw.check}")
def test_a_flaw_is_caught_by_its_check_and_its_mended_twin_is_not(flaw: Flaw) -> None:
    prices = flaw.prices()
    caught = judged(flaw.script, prices, flaw.measure, flaw.check, flaw.config)
    mended = judged(flaw.mended or f"{flaw.script}_mended", prices, flaw.measure, flaw.check, flaw.config)
    assert (caught.passed, mended.passed) == (False, True), f"{caught.measured}\n{mended.measured}"
    if flaw.check.startswith("survives"):
        assert "is left" in caught.measured  # there was a profit, and it is gone


def test_a_table_of_directions_in_the_config_is_seen_before_the_first_price_and_in_what_it_says() -> None:
    config = {"unit": 10, "sides": sides()}
    carried = judged("future_config", drift(), carries_future_prices, "carries_future_prices", config)
    blind = judged("future_config", drift(), reads_its_prices, "reads_its_prices", config)
    assert not carried.passed
    assert "has directions to come of MADE@UP, before the first price" in carried.measured
    assert not blind.passed
    assert "100% of its 1500 signals are the same on mirrored prices" in blind.measured
    honest = {"unit": 10, "sides": np.random.default_rng(3).choice([-1.0, 1.0], 1_500).tolist()}
    for measure, check in (
        (carries_future_prices, "carries_future_prices"),
        (reads_its_prices, "reads_its_prices"),
    ):
        line = judged("future_config", drift(), measure, check, honest)
        assert line.passed, line.measured


def test_prices_that_it_reads_from_a_file_are_seen_in_the_process_and_in_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "closes.txt"
    file.write_text("\n".join(map(str, drift().frame("MADE@UP")["close"])))
    config = {"unit": 10, "file": str(file)}
    files = judged("future_file", drift(), outside_world, "files", config)
    assert not files.passed
    assert "future_file.py:" in files.measured
    blind = judged("future_file", drift(), reads_its_prices, "reads_its_prices", config)
    assert not blind.passed, blind.measured


def test_the_best_of_many_patterns_is_overfitted_and_a_window_on_a_drift_is_not() -> None:
    for script, prices, grid, expected in (
        ("overfit", noise(seed=8), {"pattern": range(300)}, False),
        ("overfit_mended", market(slow=0.3, seed=5), {"window": range(10, 45, 5)}, True),
    ):
        kind = load_strategy(FLAWED / f"{script}.py")
        found = sweep(kind, prices, grid, config={"unit": 100}, progress=False)
        best = int(found.best("sharpe_ratio", 1).index[0])
        config = {"unit": 100, next(iter(grid)): best}
        subject = Subject.of(kind, prices, config=config, trials=found)
        deflated, overfitted = (m(subject, lambda _: None) for m in (not_the_best_of_many, not_overfitted))
        assert isinstance(deflated, Check)
        assert isinstance(overfitted, Check)
        assert deflated.passed is expected, deflated.measured
        assert overfitted.passed is expected, overfitted.measured
