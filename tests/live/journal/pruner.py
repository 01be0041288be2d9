"""A process that drops old records and kills itself, as `kill -9` would, in the middle of that.

    python -m tests.live.journal.pruner URL MOMENT

MOMENT: before, inside or after the second transaction that drops a thousand records.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from live.journal import Journal, Retention
from live.journal.store import Store
from tests.live.journal.use import fill

DAY = 86_400 * 10**9


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doom(moment: str) -> None:
    calls = 0
    prune: Callable[..., bool] = Store.prune

    def doomed(self: Store, upto: int, most: int) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2 and moment == "before":
            die()
        if calls == 2 and moment == "inside":
            self.transaction = dying(self.transaction)  # type: ignore[method-assign]
        more = prune(self, upto, most)
        if calls == 2:
            die()
        return more

    Store.prune = doomed  # type: ignore[method-assign]


def dying(transaction: Callable[..., Any]) -> Callable[..., Any]:
    """The transaction, but the process ends when all is said and nothing is committed."""

    @contextmanager
    def open_ended() -> Any:
        with transaction() as connection:
            yield connection
            die()

    return open_ended


def main() -> None:
    url, moment = sys.argv[1:]
    doom(moment)
    journal = Journal.open(url, retain=Retention(snapshots=2, days=2, needs=("setup",)))
    for count, ns in ((2500, 0), (500, 10 * DAY)):
        fill(journal, count)
        journal.save_snapshot(journal.head, ns, b"state", {"setup": "a desk"})
        while journal.latest_snapshot() is None:
            time.sleep(0.01)
    time.sleep(30)


if __name__ == "__main__":
    main()
