"""Chance encounters: three misbehaving strategies, up to five random faults, random limits and costs, by seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.chaos.arena import Bystander, bystander, limits, play, suspect
from tests.chaos.books import books_agree
from tests.chaos.verdict import violated
from workbench.backtest.replay import ReplayRecord
from workbench.chaos.kinds import ChaosKind
from workbench.chaos.market_faults import randomised
from workbench.core.costs import Costs
from workbench.core.limits import (
    CircuitBreakers,
    NotionalLimits,
    OrderLimits,
    PerStrategyLimits,
    RepeatedExecution,
    RiskLimits,
)
from workbench.data.synthetic import synthetic

SCRIPTS = (
    "runaway",
    "risk_ignorant",
    "volatility_amplifier",
    "correlation_breaker",
    "slow_leak",
    "nan_signals",
    "cancel_flood",
    "stale_price",
    "fat_finger",
    "knight_replay",
    "wash_trade",
)
# What a strategy may lose in a gap, or until a thin market lets it out, has no bound; and where reports come late,
# orders that the venue has filled already look as if they could still meet others.
NO_BOUND = {"single_strategy_loss", "strategy_drawdown", "signal_out_of_range"}
LATE = {"self_trade_prevention"}


def draw_limits(draw: np.random.Generator) -> RiskLimits:
    gross = float(draw.choice([800.0, 20_000.0]))
    return limits(
        float(draw.choice([5.0, 25.0])),
        notional_limits=NotionalLimits(per_strategy=gross, total_portfolio=2.0 * gross),
        circuit_breakers=CircuitBreakers(
            portfolio_loss_pct=-0.5,
            single_strategy_loss=float(draw.choice([-50.0, -20_000.0])),
            rapid_drawdown_rate=-0.5,
            liquidate=bool(draw.random() < 0.7),
        ),
        self_trade_prevention=str(draw.choice(["cancel_newest", "cancel_oldest", "cancel_both"])),
        per_strategy=PerStrategyLimits(max_daily_trades=float(draw.choice([20.0, 1_000.0]))),
        order_limits=OrderLimits(max_order_value=500.0),
        repeated_execution=RepeatedExecution(float(draw.choice([20.0, 200.0])), 600.0),
    )


def encounter(seed: int) -> tuple[ReplayRecord, RiskLimits, set[str]]:
    """The run of a seed, its limits, and the controls that it cannot be held to."""
    draw = np.random.default_rng(seed)
    prices: dict[str, Any] = {"start_prices": {"BTC-USD": 100.0, "ETH-USD": 50.0}, "bars": 60, "seed": seed}
    volatility, jumps = float(draw.choice([0.6, 5.0, 30.0])), float(draw.choice([0.0, 5e4]))
    feed = synthetic(volatility=volatility, jumps_per_year=jumps, **prices).to_feed(2.0)
    controls = draw_limits(draw)
    faults = randomised(None, feed, int(draw.integers(0, 6)), seed)
    participation = float(draw.choice([math.inf, 0.1, 1e-4]))
    costs = Costs(2.0, 2.0, 5.0, 1.0, 10.0, participation, float(draw.choice([0.0, 90.0])))
    players = [suspect(str(script), name=str(script)) for script in draw.choice(SCRIPTS, 3, replace=False)]
    record = play(
        feed, *players, bystander(), limits=controls, costs=costs, chaos=faults, contain_errors=True
    )
    late = any(fault.kind is ChaosKind.OUT_OF_ORDER_FILLS for fault in faults)
    return record, controls, NO_BOUND | (LATE if late else set())


@pytest.mark.parametrize("seed", range(16))
def test_limits_and_ledger_hold_in_every_encounter(seed: int) -> None:
    record, controls, exempt = encounter(seed)
    assert violated(record, controls) - exempt == set()
    books_agree(record)
    last = record.players[-1].strategy
    assert isinstance(last, Bystander)
    assert last.updates == len(record.feed)


def test_same_seed_same_encounter() -> None:
    assert encounter(3)[0].fingerprint == encounter(3)[0].fingerprint
