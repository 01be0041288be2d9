"""Normal conditions: each check has a strategy that fails it, and passes once the flaw is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.certify.subjects import Follower, named, silent, subject, trending
from workbench.certify.checks import Check, Subject
from workbench.certify.conduct import conduct_of
from workbench.certify.markets import thinned
from workbench.certify.normal import normal_replay, purpose
from workbench.certify.normal_capacity import capacity, sizes
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.strategy.folders import strategy_scripts


def line(name: str, asked: Subject) -> Check:
    measure = capacity if name in ("capacity", "participation") else normal_replay
    return named(measure(asked, silent), name)


LARGE: dict[str, Any] = {"config": {"unit": 25.0}, "limits": RiskLimits.unlimited()}
THIN = thinned(trending(), 20.0)
FLAWED: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    ("sample", "idle", {}, {}, "1,500 updates of each instrument, 0 closed trades"),
    ("sample", "", {"prices": trending(150)}, {}, "150 updates of each instrument"),
    ("conduct", "out of range", {}, {}, "ran into a rule (signal_out_of_range"),
    ("conduct", "trades the wrong way", {}, {}, "breakers: single_strategy_loss"),
    ("total_return", "trades the wrong way", {}, {}, "-5."),
    ("sharpe_ratio", "trades the wrong way", {}, {}, "a year after costs"),
    ("sharpe_ratio", "idle", {}, {}, "no return differs from the others"),
    (
        "max_drawdown",
        "",
        LARGE,
        {"config": {"unit": 5.0}, "limits": RiskLimits.unlimited()},
        "of equity from its peak",
    ),
    (
        "order_rate",
        "in many pieces",
        {"config": {"orders": 60}},
        {"config": {"orders": 6}},
        "at most 60 orders in a second",
    ),
    (
        "turnover",
        "churns",
        {"config": {"unit": 5.0}, "limits": RiskLimits.unlimited()},
        {},
        "times the capital a year",
    ),
    ("time_in_market", "idle", {}, {}, "a position after 0.0% of the updates"),
    ("capacity", "trades the wrong way", {}, {}, "P&L per unit of its own size: x1 -"),
    ("participation", "", {"prices": THIN}, {}, "of an update's volume at its own size"),
]


@pytest.mark.parametrize(
    ("name", "flaw", "options", "mended", "said"),
    FLAWED,
    ids=[f"{row[0]}: {row[1] or 'settings'}" for row in FLAWED],
)
def test_a_flaw_is_caught_and_its_twin_without_it_is_not(
    name: str, flaw: str, options: dict[str, Any], mended: dict[str, Any], said: str
) -> None:
    bad = line(name, subject(flaw, **options))
    assert not bad.passed
    assert said in bad.measured
    same = flaw if "orders" in str(mended) else ""
    assert line(name, subject(same, **mended)).passed


def test_what_is_made_to_misbehave_does_not_pass_for_behaving() -> None:
    for name, script in strategy_scripts().items():
        found = purpose(Subject.of(script, trending(100, symbols=("BTC-USD", "ETH-USD"))), silent)
        assert found.passed == ("chaos" not in str(script)), name


def test_capacity_is_measured_by_runs_at_their_size() -> None:
    """At a tenth of the volume what is filled falls behind what was asked for, and costs more."""
    own, larger = sizes(subject(prices=THIN), (1.0, 10.0), silent)
    deep = sizes(subject(), (1.0,), silent)[0]
    assert own.participation > 4.0 * deep.participation
    assert larger.pnl < own.pnl
    assert own.pnl == pytest.approx(
        subject(prices=THIN, limits=RiskLimits.unlimited()).backtest().final_equity - 1e6
    )


def test_prices_without_volumes_say_nothing_of_capacity() -> None:
    closes = trending(300).closes()
    for found in capacity(Subject.of("strategies/sma_cross.py", closes), silent):
        assert (found.passed, found.measured) == (True, "not measured")
        assert "no volumes" in found.note


# -- conduct ---------------------------------------------------------------------------------------------------------


def test_conduct_worked_by_hand() -> None:
    """Ten orders of one BTC where three may be held: seven refused; the most that was held is left."""

    class Buyer(Follower):
        def _wanted(self, side: float, price: float) -> list[float]:
            del side, price
            self._said += 1.0
            return [1.0] if self._said <= 10.0 else []

    asked = Subject.of(
        Buyer,
        trending(100),
        config={"unit": 1.0, "sizing": "order"},
        limits={"position_limits": {"BTC-USD": {"max_long": 3}}},
    )
    assert asked.limits.position_limits == {"BTC-USD": PositionLimit(max_long=3.0)}
    found = conduct_of(asked.backtest().record, "Buyer")
    assert (found.asked, found.unheard, found.orders, dict(found.refused)) == (
        10,
        0,
        3,
        {"position_limit": 7},
    )
    assert found.refused_share == 0.7
    assert (found.held, found.left, found.flat) == (
        {"BTC-USD@exchange-1": 3.0},
        {"BTC-USD@exchange-1": 3.0},
        False,
    )
    assert found.exposure == 1.0
    assert (found.trips, found.errors) == ((), 0)


def test_a_loss_on_more_than_is_usual_is_its_own_fault() -> None:
    """It buys two more BTC at each fall until a breaker ends it: a fault where two are usual, and none where 99 are."""
    run = subject("doubles while it loses").backtest().record
    small, large = (conduct_of(run, "Follower", {"BTC-USD@exchange-1": units}) for units in (2.0, 99.0))
    assert [trip.reason for trip in small.trips] == ["single_strategy_loss"]
    assert small.held["BTC-USD@exchange-1"] > 4.0
    assert (small.faults, large.faults) == (small.trips, ())
    assert conduct_of(run, "Follower", {"BTC-USD@exchange-1": 2.0}, growth=50.0).faults == ()
