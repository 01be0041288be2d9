"""Does one run of a strategy know of another?  What a class or a module keeps outlives the run that left it there."""

from __future__ import annotations

import inspect
import sys
from typing import Final

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_trace import first_difference, mirrored_after, moment, sampled_feed, trace
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_source, load_strategy

__all__ = ["runs_are_apart"]

RUNS: Final = 6  # as many as are played here, with some to spare


def runs_are_apart(subject: Subject, progress: Progress) -> Check:
    """Three runs of one loaded class, on the prices, on other ones, on the prices again; and the other ones by itself.

    Each run has an instance of its own, as every runner makes it.
    """
    progress("state that is left behind")
    plan = subject.plan()
    feed = sampled_feed(subject, plan, RUNS)
    other = mirrored_after(feed, 1)
    first = trace(plan, feed, strategy=subject.make())
    after = trace(plan, other, strategy=subject.make())
    again = trace(plan, feed, strategy=subject.make())
    alone_kind = _loaded_anew(subject)
    alone = trace(plan, other, strategy=subject.replaced(strategy=alone_kind).make())
    measured, passed = (
        f"the same in a second run, and on other prices in between: {len(first.said)} signals",
        True,
    )
    for one, two, words in (
        (first, again, "its second run differs from the first"),
        (alone, after, "on other prices it differs after a first run from what it says alone"),
    ):
        if one.digest != two.digest:
            time = first_difference(one.said, two.said)
            when = "in its fills" if time is None else f"first at {moment(time)}"
            measured, passed = f"{words}, {when}: {len(one.said)} and {len(two.said)} signals", False
            break
    return Check(
        name="runs_are_apart",
        family="honest",
        passed=passed and not first.raised,
        measured=first.raised or measured,
        required="runs that know nothing of each other: the same signals and fills, bit for bit",
        look_closer=f"[{subject.replaced(strategy_code='kind').backtest_code('.fingerprint')} "
        f"for kind in [wb.load_strategy({subject.strategy_code})] * 2]",
    )


def _loaded_anew(subject: Subject) -> type[TradingStrategy]:
    """The class out of its source again, with nothing in it that a run has left; itself where there is no source."""
    module = sys.modules.get(subject.strategy.__module__)
    if module is None or getattr(module, "__spec__", None) is not None or module.__name__ == "__main__":
        return subject.strategy
    if subject.path is not None:
        return load_strategy(subject.path, subject.name)
    return load_source(inspect.getsource(module), name=subject.name)
