"""Which reports have come, so that those that are sent again after a loss are handed on exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from live.messages import ExecutionReport

__all__ = ["ReceivedReports"]

_MOST_AHEAD: Final = (
    10_000  # numbers kept beyond a gap; then the gap is given up, and it is for the engine to ask
)


class ReceivedReports:
    """through: all numbers up to it have come.  newest: the largest that has."""

    def __init__(self, through: int = 0) -> None:
        self.through = self.newest = through
        self._ahead: set[int] = set()

    def note(self, reports: Sequence[ExecutionReport]) -> list[ExecutionReport]:
        """Take reports in; those whose numbers had not come before."""
        return [report for report in reports if self._is_new(report.report_id)]

    def _is_new(self, number: int) -> bool:
        if number <= self.through or number in self._ahead:
            return False
        self.newest = max(self.newest, number)
        if number != self.through + 1:
            self._ahead.add(number)
            if len(self._ahead) > _MOST_AHEAD:
                self.through = min(self._ahead)
                self._ahead.discard(self.through)
        else:
            self.through = number
        while self._ahead and self.through + 1 in self._ahead:
            self.through += 1
            self._ahead.discard(self.through)
        return True
