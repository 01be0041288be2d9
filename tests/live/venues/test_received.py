"""Reports are handed on exactly once, in whatever order and however often they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.messages import ExecutionReport
from live.venues.received import ReceivedReports
from tests.live.venues.kit import SYMBOL


def report(number: int) -> ExecutionReport:
    return ExecutionReport("x", "acknowledged", number, 1, SYMBOL, 1, 0)


@given(st.integers(0, 20), st.lists(st.integers(1, 40)))
def test_each_number_once_and_the_gapless_part_is_known(through: int, numbers: list[int]) -> None:
    received = ReceivedReports(through)
    new = [one.report_id for number in numbers for one in received.note([report(number)])]
    assert sorted(new) == sorted({number for number in numbers if number > through})
    known = set(range(1, through + 1)) | set(numbers)
    assert received.through == next(n for n in range(through, 50) if n + 1 not in known)
    assert received.newest == max([through, *numbers])


def test_a_gap_that_is_never_filled_is_given_up() -> None:
    received = ReceivedReports()
    received.note([report(number) for number in range(2, 20_000)])
    assert received.through >= 9_000
    assert len(received._ahead) <= 10_000
    assert received.note([report(1)]) == []
