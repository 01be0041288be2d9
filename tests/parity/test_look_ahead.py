"""No run sees the future: what comes after a moment never changes what was filled before it."""

from dataclasses import replace as changed
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.seating import seat_strategies
from workbench.core.feed import ASK, BID, LAST, Feed
from workbench.core.limits import RiskLimits
from workbench.data.synthetic import synthetic

SCRIPTS = sorted(p for p in (Path(__file__).parents[2] / "strategies").glob("*.py"))
FEED = synthetic(
    symbols=("BTC-USD", "ETH-USD"), venues=("exchange-1", "exchange-2"), bars=150, seed=9
).to_feed(2.0)


def run(script: Path, feed: Feed) -> ReplayRecord:
    players = seat_strategies(script, {"unit": 0.1}, feed.instruments, seed=1)
    return replay(feed, players, limits=RiskLimits(), progress=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
@given(st.integers(50, 590), st.floats(0.9, 1.1), st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_other_prices_later_leave_earlier_fills_as_they_were(
    script: Path, row: int, factor: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(0.0, 0.01, len(FEED) - row)
    quotes = FEED.quotes.copy()
    quotes[row:, [BID, ASK, LAST]] *= (factor * np.exp(noise))[:, None]
    before, after = run(script, FEED), run(script, changed(FEED, quotes=quotes))
    moment = int(FEED.timestamp_ns[row])
    early = [f for f in before.recorder.fills if f.timestamp_ns < moment]
    assert early == [f for f in after.recorder.fills if f.timestamp_ns < moment]
    assert np.array_equal(before.curves[:row], after.curves[:row])


def test_a_strategy_that_peeks_is_seen_by_this_test() -> None:
    """The control of the test above: with the future at hand, earlier fills do change."""
    script = SCRIPTS[0]
    quotes = FEED.quotes.copy()
    quotes[100:, [BID, ASK, LAST]] *= 1.05
    shifted = np.roll(quotes, -50, axis=0), np.roll(FEED.quotes, -50, axis=0)
    changed_run, plain_run = (run(script, changed(FEED, quotes=q)) for q in shifted)
    assert not np.array_equal(changed_run.curves[:100], plain_run.curves[:100])
