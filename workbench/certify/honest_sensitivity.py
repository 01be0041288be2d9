"""What is left of the P&L when things are a little worse: signals late, costs higher, updates missing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_trace import trace
from workbench.core.feed import CHANGE_PCT, LAST, Feed
from workbench.core.messages import PriceUpdate
from workbench.strategy.contract import TradingStrategy

__all__ = ["kept", "survives_costs", "survives_delay", "survives_missing_updates", "without"]


def survives_delay(subject: Subject, progress: Progress) -> Check:
    """Each answer is held back until the next update of the same instrument."""
    progress("sensitivity: one update late")
    plan = subject.plan()
    base = trace(plan)
    late = trace(plan, strategy=subject.make(), bend=_one_update_late)
    return _judged(
        "survives_delay",
        base.pnl,
        late.pnl,
        "one update late",
        subject.thresholds.honest.min_kept_when_late,
        base.raised or late.raised,
        subject.backtest_code(".stats()", costs=f"{{'latency_seconds': {_seconds(subject):g}}}"),
    )


def survives_costs(subject: Subject, progress: Progress) -> Check:
    """Spread, fees, slippage and impact, times a factor."""
    progress("sensitivity: higher costs")
    rules = subject.thresholds.honest
    base = trace(subject.plan())
    dear = trace(
        subject.plan(costs={venue: each.scaled(rules.cost_factor) for venue, each in subject.costs.items()})
    )
    costs = next(iter(subject.costs.values())) if len({*subject.costs.values()}) == 1 else None
    return _judged(
        "survives_costs",
        base.pnl,
        dear.pnl,
        f"at {rules.cost_factor:g} times the costs",
        rules.min_kept_at_costs,
        base.raised or dear.raised,
        subject.backtest_code(
            ".stats()",
            costs=f"wb.{costs!r}.scaled({rules.cost_factor:g})"
            if costs
            else f"wb.Costs().scaled({rules.cost_factor:g})",
        ),
    )


def survives_missing_updates(subject: Subject, progress: Progress) -> Check:
    """Some updates never come; the median of several draws."""
    progress("sensitivity: updates missing")
    rules = subject.thresholds.honest
    plan = subject.plan()
    base = trace(plan)
    generator = np.random.default_rng(subject.seed)
    found, raised = [], base.raised
    for _ in range(rules.dropped_runs):
        feed = without(plan.feed, generator.random(len(plan.feed)) < rules.dropped_share)
        run = trace(plan, feed, strategy=subject.make())
        found.append(run.pnl)
        raised = raised or run.raised
    return _judged(
        "survives_missing_updates",
        base.pnl,
        float(np.median(found)),
        f"with {rules.dropped_share:.0%} of the updates missing (median of {rules.dropped_runs} runs)",
        rules.min_kept_when_dropped,
        raised,
        subject.backtest_code(".stats()"),
    )


def kept(base: float, changed: float) -> float:
    """Share of a profit that is left; 0 where there was none.

    A loss that became smaller is no share of a profit: -200 to -100 is no half, and -100 to 50 no improvement that
    anybody should count on.
    """
    return max(changed / base, 0.0) if base > 0.0 and math.isfinite(changed) else 0.0


def _judged(
    name: str, base: float, changed: float, how: str, least: float, raised: str, closer: str
) -> Check:
    share = kept(base, changed)
    if raised:
        measured = raised
    elif base > 0.0:
        measured = f"P&L {changed:,.2f} {how}, against {base:,.2f}: {share:.0%} is left"
    else:
        measured = (
            f"P&L {base:,.2f}, {changed:,.2f} {how}: there was no profit of which anything could be left"
        )
    return Check(
        name=name,
        family="honest",
        passed=not raised and base > 0.0 and changed > 0.0 and share >= least,
        measured=measured,
        required=f"a profit to begin with, and at least {least:.0%} of it left {how}",
        look_closer=closer,
        value=share,
        threshold=least,
    )


def _one_update_late(strategy: TradingStrategy) -> None:
    """Have `strategy` answer each update with what it said to the one before, of the same instrument."""
    waiting: dict[tuple[str, str], deque[Any]] = {}
    answer = strategy.on_market_data

    def late(update: PriceUpdate) -> Any:
        queue = waiting.setdefault((update.symbol, update.venue), deque([[]]))
        queue.append(answer(update))
        return queue.popleft()

    strategy.on_market_data = late  # type: ignore[method-assign,assignment]  # of this one instance


def without(feed: Feed, lost: Any) -> Feed:
    """`feed` without the rows that `lost` (bool[n]) names; the first of each instrument always comes."""
    keep = ~lost
    for k in range(len(feed.instruments)):
        keep[np.argmax(feed.instrument == k)] = True
    quotes = feed.quotes[keep].copy()
    instrument = feed.instrument[keep]
    for k in range(len(feed.instruments)):
        mine = np.flatnonzero(instrument == k)
        last = quotes[mine, LAST]
        quotes[mine[1:], CHANGE_PCT] = last[1:] / last[:-1] - 1.0
    return replace(
        feed,
        timestamp_ns=feed.timestamp_ns[keep],
        instrument=instrument,
        quotes=quotes,
        sequence=feed.sequence[keep],
    )


def _seconds(subject: Subject) -> float:
    """A delay of one bar, as a setting of the costs has it; a second where prices have no bars."""
    return max(subject.prices.interval.total_seconds(), 1.0)
