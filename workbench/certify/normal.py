"""Normal conditions: the given prices, with costs and all rules on."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

import numpy as np

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import Check, Measure, Progress, Subject
from workbench.certify.conduct import Conduct, conduct_of, show_reasons
from workbench.certify.normal_capacity import capacity
from workbench.chaos.misbehaving import MisbehavingStrategy
from workbench.chaos.triggered import TriggeredStrategy

__all__ = ["MEASURES", "normal_replay", "purpose"]

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS


def purpose(subject: Subject, _progress: Progress) -> Check:
    """Whether the strategy is one that is made to misbehave: it could behave for as long as it is tested."""
    chaotic = issubclass(subject.strategy, MisbehavingStrategy | TriggeredStrategy)
    return Check(
        "purpose",
        "normal",
        passed=not chaotic,
        measured=f"{subject.name} is {'' if not chaotic else 'a chaos strategy, '}"
        f"{'made to trade' if not chaotic else 'made to misbehave'}",
        required="made to trade",
        look_closer=f"print(wb.load_strategy({subject.strategy_code}).__mro__)",
    )


def normal_replay(subject: Subject, progress: Progress) -> tuple[Check, ...]:
    """One replay of the subject's prices, and what it shows."""
    progress("replay with costs")
    result = subject.backtest(on_error="contain")
    conduct = conduct_of(result.record, subject.name)
    return (
        _sample(subject, result),
        _conduct(subject, conduct),
        *_performance(subject, result),
        _order_rate(subject, result),
        _turnover(subject, result),
        _time_in_market(subject, result),
    )


def _sample(subject: Subject, result: BacktestResult) -> Check:
    rules = subject.thresholds.normal
    feed = result.record.feed
    updates = int(np.bincount(feed.instrument, minlength=len(feed.instruments)).min())
    trades = int(result.stats()["trades"])
    return Check(
        "sample",
        "normal",
        passed=updates >= rules.min_updates and trades >= rules.min_trades,
        measured=f"{updates:,} updates of each instrument, {trades:,} closed trades",
        required=f"{rules.min_updates:,} updates and {rules.min_trades:,} trades or more",
        look_closer=subject.backtest_code(".trades"),
        value=float(trades),
        threshold=float(rules.min_trades),
    )


def _conduct(subject: Subject, conduct: Conduct) -> Check:
    rules = subject.thresholds.normal
    orderly = not (conduct.trips or conduct.errors)
    why = f" ({show_reasons(conduct.refused)})" if conduct.refused else ""
    stops = ", ".join(dict.fromkeys(trip.reason for trip in conduct.trips)) or "none"
    return Check(
        "conduct",
        "normal",
        passed=orderly and conduct.refused_share <= rules.max_refused_share,
        measured=f"{conduct.refused_share:.1%} of {conduct.asked:,} signals ran into a rule{why}; breakers: {stops}; "
        f"errors raised: {conduct.errors:,}",
        required=f"{rules.max_refused_share:.0%} or less, no breaker, no error",
        look_closer=subject.backtest_code(
            ".breaches" if conduct.refused else ".alerts", on_error="'contain'"
        ),
        value=conduct.refused_share,
        threshold=rules.max_refused_share,
    )


def _performance(subject: Subject, result: BacktestResult) -> tuple[Check, ...]:
    rules, stats = subject.thresholds.normal, result.stats()
    found, ratio = float(stats["total_return"]), float(stats["sharpe_ratio"])
    fall = -float(stats["max_drawdown"])
    closer = subject.backtest_code(".stats()", on_error="'contain'")
    return (
        Check(
            "total_return",
            "normal",
            passed=found > rules.min_return,
            measured=f"{found:+.2%} after costs, fees {float(stats['fees']):,.0f}",
            required=f"above {rules.min_return:+.2%}",
            look_closer=closer,
            value=found,
            threshold=rules.min_return,
        ),
        Check(
            "sharpe_ratio",
            "normal",
            passed=ratio >= rules.min_sharpe,
            measured="no return differs from the others"
            if math.isnan(ratio)
            else f"{ratio:.2f} a year after costs",
            required=f"{rules.min_sharpe:.2f} or more",
            look_closer=closer,
            value=None if math.isnan(ratio) else ratio,
            threshold=rules.min_sharpe,
        ),
        Check(
            "max_drawdown",
            "normal",
            passed=fall <= rules.max_drawdown,
            measured=f"{fall:.2%} of equity from its peak",
            required=f"{rules.max_drawdown:.0%} or less",
            look_closer=subject.backtest_code(".drawdown", on_error="'contain'"),
            value=fall,
            threshold=rules.max_drawdown,
        ),
    )


def _order_rate(subject: Subject, result: BacktestResult) -> Check:
    """The busiest second against the message rate, and the busiest day against the number of orders of a day."""
    rules, limits = subject.thresholds.normal, subject.limits
    recorder = result.record.recorder
    sent = [order.timestamp_ns for order in recorder.accepted]
    sent += [order.timestamp_ns for order in recorder.refused]
    times = np.sort(np.array(sent, dtype=np.int64))
    second = (
        int((np.searchsorted(times, times + SECOND_NS) - np.arange(len(times))).max()) if len(times) else 0
    )
    day = max(Counter((times // DAY_NS).tolist()).values(), default=0)
    burst = limits.message_rate.per_strategy_burst * (1.0 - limits.message_rate.cancel_reserve)
    share = max(second / burst, day / limits.per_strategy.max_daily_trades)
    return Check(
        "order_rate",
        "normal",
        passed=share <= rules.max_message_share,
        measured=f"at most {second:,} orders in a second and {day:,} in a day, {share:.1%} of what the limits allow",
        required=f"{rules.max_message_share:.0%} or less",
        look_closer=subject.backtest_code(".orders", on_error="'contain'"),
        value=share,
        threshold=rules.max_message_share,
    )


def _turnover(subject: Subject, result: BacktestResult) -> Check:
    rules, stats = subject.thresholds.normal, result.stats()
    years = max((result.end - result.start).total_seconds() / (365.25 * 86_400.0), 1e-9)
    turnover = float(stats["turnover"]) / result.initial_cash / years
    return Check(
        "turnover",
        "normal",
        passed=turnover <= rules.max_turnover,
        measured=f"{turnover:,.1f} times the capital a year",
        required=f"{rules.max_turnover:,.0f} or less",
        look_closer=subject.backtest_code(".fills", on_error="'contain'"),
        value=turnover,
        threshold=rules.max_turnover,
    )


def _time_in_market(subject: Subject, result: BacktestResult) -> Check:
    rules, share = subject.thresholds.normal, float(result.stats()["exposure_time"])
    return Check(
        "time_in_market",
        "normal",
        passed=share >= rules.min_time_in_market,
        measured=f"a position after {share:.1%} of the updates",
        required=f"{rules.min_time_in_market:.0%} or more",
        look_closer=subject.backtest_code(".position_history", on_error="'contain'"),
        value=share,
        threshold=rules.min_time_in_market,
    )


MEASURES: Final[tuple[Measure, ...]] = (purpose, normal_replay, capacity)
