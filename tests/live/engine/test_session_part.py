"""Where a part of a session ends: before what the next morning brings, price or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from live.engine.pump import BLOCK
from live.engine.recovery import recover
from live.journal import Journal
from live.machine import Input, encode_block
from live.session import read_session
from tests.live.engine.test_retention import DAY, HOUR, RULES, inputs_of
from tests.live.journal.use import wait_durable
from workbench.core.facts import BreakerReset, BreakerTripped
from workbench.core.intents import ClockTick, ResetBreaker, TripBreaker

BEFORE_DAWN = DAY + 5 * HOUR
ABOUT = (BreakerTripped, BreakerReset)


def lived(url: str, blocks: list[tuple[int, list[Input]]]) -> None:
    """Through the first day, these blocks, and the second day."""
    journal = Journal.open(url)
    machine = recover(journal, RULES, 0).machine
    hours = [(0, [item]) for item in inputs_of(0)]
    for ns, items in [*hours, *blocks, *((DAY, [item]) for item in inputs_of(1))]:
        for item in items:
            machine.apply(item)
        journal.append(BLOCK, ns, encode_block(items))
    wait_durable(journal)
    journal.close()


@pytest.mark.parametrize(
    "blocks",
    [
        [(DAY - HOUR // 2, [ClockTick(DAY - HOUR // 2)]), (BEFORE_DAWN, [TripBreaker("ana", "early", "s")])],
        [(BEFORE_DAWN, [ClockTick(BEFORE_DAWN)]), (BEFORE_DAWN, [TripBreaker("ana", "early", "s")])],
    ],
    ids=["by the time of its block", "behind a tick"],
)
def test_what_happens_before_the_first_price_of_a_day_is_not_of_the_day_before(
    tmp_path: Path, blocks: list[tuple[int, list[Input]]]
) -> None:
    url = f"sqlite:///{tmp_path}/journal.sqlite"
    lived(url, [*blocks, (BEFORE_DAWN, [ResetBreaker("ana", "seen", "s")])])
    first, both = read_session(url, 0, DAY), read_session(url, 0, 2 * DAY)
    assert [type(fact) for fact in both.facts if isinstance(fact, ABOUT)] != []
    assert [fact for fact in first.facts if isinstance(fact, ABOUT)] == []
    assert len(first.feed) == 24
    assert first.machine.desk.book.now_ns < DAY


def test_in_lock_step_the_clock_of_the_engine_says_nothing_of_the_time_of_its_prices(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.sqlite"
    lived(url, [(9_000 * DAY, [TripBreaker("ana", "late", "s")])])
    first = read_session(url, 0, DAY)
    assert any(isinstance(fact, BreakerTripped) for fact in first.facts)
