"""Which reports of remote venues were taken: each one counts once, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["ReportNumbers"]


class ReportNumbers:
    """newest: of each venue the number up to which none is missing."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self._beyond: dict[str, set[int]] = {}  # taken behind a gap

    def take(self, venue: str, number: int) -> bool:
        """Whether a report was not taken yet; it counts as taken from now on."""
        last, beyond = self.newest.get(venue, 0), self._beyond.setdefault(venue, set())
        if number <= last or number in beyond:
            return False
        beyond.add(number)
        while last + 1 in beyond:
            last += 1
            beyond.remove(last)
        self.newest[venue] = last
        return True

    def dump(self) -> dict[str, list[int]]:
        """Numbers behind gaps, by venue, for a snapshot; `newest` goes beside it."""
        return {venue: sorted(numbers) for venue, numbers in self._beyond.items()}

    def load(self, newest: Mapping[str, int], beyond: Mapping[str, Sequence[int]]) -> None:
        """Go on from a snapshot."""
        self.newest = dict(newest)
        self._beyond = {venue: set(numbers) for venue, numbers in beyond.items()}
