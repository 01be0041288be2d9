"""How long snapshots and records are kept, and what stands in the way of dropping them.

Records go only up to a snapshot that was read back and found sound, that is not the newest, and from which the days
that are to be kept can be carried through again. So what is left always begins with a state.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from live.journal.store import Store, StoredSnapshot
from live.journal.verify import sound_snapshot
from workbench.errors import JournalError, JournalFailed

__all__ = ["Retention", "kept_snapshots", "prunable"]

DAY_NS: Final = 86_400 * 1_000_000_000
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """snapshots: how many of the newest are kept, at least.

    days: whole days (UTC) before the present one whose records are kept; what is older is dropped.  0 keeps all.
    needs: keys of a snapshot's meta without which it does not stand for the records before it.
    """

    snapshots: int = 3
    days: int = 0
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.snapshots < 2:
            raise ValueError(
                f"snapshots: expected 2 or more, so that a damaged one costs nothing, found {self.snapshots}"
            )
        if self.days < 0:
            raise ValueError(f"days: expected 0 (keep all) or more, found {self.days}")

    def since_ns(self, now_ns: int) -> int:
        """Midnight (UTC) with which the oldest day that is kept begins."""
        return (now_ns // DAY_NS - self.days) * DAY_NS


def kept_snapshots(found: Sequence[tuple[int, int]], retain: Retention) -> set[int]:
    """Sequences of the snapshots that stay.  found: (sequence, ns), newest first.

    With `days` these are besides the newest ones: the last of each day that is kept, and the last one before them.
    """
    kept = {sequence for sequence, _ in found[: retain.snapshots]}
    if not (retain.days and found):
        return kept
    since = retain.since_ns(found[0][1])
    days: set[int] = set()
    for sequence, ns in found:
        day = max(ns, since - 1) // DAY_NS  # all before the first day that is kept count as one
        if day not in days:
            days.add(day)
            kept.add(sequence)
    return kept


def prunable(store: Store, retain: Retention, now_ns: int) -> int:
    """Sequence up to which records may be dropped; 0 for none.  Reads snapshots back only where there is something."""
    if not retain.days:
        return 0
    since = retain.since_ns(now_ns)
    try:
        base = store.base().sequence
        listed = store.snapshots_listed()
        if not any(ns < since and sequence > base for sequence, ns in listed[1:]):
            return 0
        sound = 0
        for sequence, ns in listed:
            if sequence <= base:
                return 0
            if sound and ns >= since:
                continue  # one newer than what is left to begin with is enough
            stored = store.snapshot(sequence)
            if stored is None or not _stands_alone(stored, retain.needs):
                continue
            sound += 1
            if sound > 1 and ns < since:
                return sequence
    except JournalFailed:
        raise
    except JournalError as error:  # what cannot be read stays
        _log.error("%s: nothing is dropped: %s", store.shown, error)
    return 0


def _stands_alone(stored: StoredSnapshot, needs: tuple[str, ...]) -> bool:
    if not sound_snapshot(stored):
        return False
    meta = json.loads(stored[2])
    return all(key in meta for key in needs)
