"""What happens, for those who watch: numbered, with the newest kept for who comes back after a break."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import msgspec

__all__ = ["Event", "EventStream", "Subscription"]

_KEPT: Final = 10_000
_LINGER_S: Final = 60.0
_WAITING: Final = 2_000  # events that one subscriber may be behind


class Event(msgspec.Struct, frozen=True, gc=False):
    """sequence: rising by one since the engine began.  kind: prices, signals, orders, fills, alerts, strategies."""

    sequence: int
    kind: str
    ns: int
    body: Any


class Subscription:
    """One reader.  dropped: why it was let go; "" while all is well."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self.dropped = ""
        self._waiting: deque[Event] = deque()
        self._bell = asyncio.Event()

    def put(self, event: Event) -> None:
        if self.dropped or (self.kinds and event.kind not in self.kinds):
            return
        if len(self._waiting) >= _WAITING:
            self.dropped = f"more than {_WAITING} events behind"
        else:
            self._waiting.append(event)
        self._bell.set()

    def drop(self, why: str) -> None:
        """Let this reader go; it still gets what waits."""
        self.dropped = self.dropped or why
        self._bell.set()

    async def next(self) -> list[Event]:
        """What has come since, at least one; empty once the reader was let go, and has had the rest."""
        while not self._waiting and not self.dropped:
            self._bell.clear()
            await self._bell.wait()
        found = list(self._waiting)
        self._waiting.clear()
        return found


class EventStream:
    """Publishes to any number of readers, and never waits for one."""

    def __init__(self) -> None:
        self.sequence = 0
        self._kept: deque[Event] = deque(maxlen=_KEPT)
        self._readers: set[Subscription] = set()
        self._left = -math.inf

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def watched(self) -> bool:
        """Somebody reads, or did so a moment ago and may come back."""
        return bool(self._readers) or time.monotonic() - self._left < _LINGER_S

    def skip(self, count: int = 1) -> None:
        """Something happened that is not published, as nobody watches: whoever comes back later is told of the hole."""
        self.sequence += count
        self._kept.clear()

    def publish(self, kind: str, ns: int, body: Any) -> None:
        self.sequence += 1
        event = Event(self.sequence, kind, ns, body)
        self._kept.append(event)
        for reader in self._readers:
            reader.put(event)

    def subscribe(self, kinds: Iterable[str] = (), after: int | None = None) -> Subscription:
        """Read from now on, or behind sequence `after` as far as that is kept; kinds: () for all."""
        reader = Subscription(frozenset(kinds))
        if after is not None:
            first = self._kept[0].sequence if self._kept else self.sequence + 1
            if after + 1 < first or after > self.sequence:
                reader.dropped = f"events behind {after} are not kept any more; the oldest is {first}"
                return reader
            for event in islice(self._kept, after + 1 - first, None):
                reader.put(event)
        self._readers.add(reader)
        return reader

    def leave(self, reader: Subscription) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            self._left = time.monotonic()
