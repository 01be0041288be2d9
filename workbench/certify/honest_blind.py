"""Does a strategy know the prices from elsewhere?  On mirrored prices one that does says the same, and is right on the
true ones: however the knowledge is hidden, a file, a table, a cipher, it does not come out of what was shown.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_trace import Said, mirrored_after, sampled_feed, trace
from workbench.core.feed import LAST, Feed

__all__ = ["hit_rate", "reads_its_prices"]

FEWEST: Final = 20  # signals of which one can say how often they are right
CERTAIN: Final = 3.7  # standard deviations of a fair coin: 1 in 10,000


def reads_its_prices(subject: Subject, progress: Progress) -> Check:
    """Signals that do not depend on the prices shown may not be right about them more often than a calendar could."""
    progress("prices known from elsewhere")
    most = subject.thresholds.honest.max_blind_hit_rate
    plan = subject.plan()
    feed = sampled_feed(subject, plan, 2, latest=True)
    true = trace(plan, feed)
    mirrored = trace(plan, mirrored_after(feed, 1), strategy=subject.make())
    blind = sorted(set(map(_kept, true.said)) & set(map(_kept, mirrored.said)))
    share = len(blind) / len(true.said) if true.said else 0.0
    right, asked = hit_rate(blind, feed)
    rate = right / asked if asked else 0.0
    certain = asked >= FEWEST and right - asked / 2.0 > CERTAIN * math.sqrt(asked) / 2.0
    passed = not true.raised and (not certain or rate <= most)
    measured = f"{share:.0%} of its {len(true.said)} signals are the same on mirrored prices"
    if asked:
        measured += f"; {rate:.0%} of {asked} such signals are right about the next true move"
    return Check(
        name="reads_its_prices",
        family="honest",
        passed=passed,
        measured=true.raised or measured,
        required=f"of the signals that do not change with the prices at most {most:.0%} right, but for chance",
        look_closer=subject.backtest_code(".signals"),
        value=rate if certain else 0.0,
        threshold=most,
    )


def _kept(said: Said) -> tuple[int, str, float, str]:
    time, symbol, strength, _, rest = said
    return time, symbol, strength, rest


def hit_rate(said: list[tuple[int, str, float, str]], feed: Feed) -> tuple[int, int]:
    """How many signals have the sign of the next move of their symbol, and how many have a sign and a move at all."""
    right, asked = 0, 0
    for symbol in {each[1] for each in said}:
        k = next((k for k, i in enumerate(feed.instruments) if i.symbol == symbol), None)
        if k is None:
            continue
        mine = np.flatnonzero(feed.instrument == k)
        times, prices = feed.timestamp_ns[mine], feed.quotes[mine, LAST]
        for time, _, strength, _ in (each for each in said if each[1] == symbol):
            row = int(np.searchsorted(times, time, side="right")) - 1
            if 0 <= row < len(prices) - 1 and strength * (prices[row + 1] - prices[row]) != 0.0:
                asked += 1
                right += strength * (prices[row + 1] - prices[row]) > 0.0
    return right, asked
