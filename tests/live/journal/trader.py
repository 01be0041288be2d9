"""A process that writes a journal until it is killed or the journal fails, and says what it was promised.

    python -m tests.live.journal.trader URL [MOST]

Lines on standard output: "durable N" as often as it is told, "failed CAUSE FINAL N" with the newest durable one.
"""

from __future__ import annotations

import asyncio
import os
import sys

from live.journal import Journal
from tests.live.journal.use import payload
from workbench.errors import JournalFailed


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def trade(journal: Journal, most: int) -> None:
    journal.on_durable(lambda sequence: say(f"durable {sequence}"))
    failed = asyncio.Event()

    def tell(error: JournalFailed) -> None:
        say(f"failed {error.cause} {error.final} {journal.head}")
        failed.set()

    journal.on_failure(tell)
    try:
        while journal.appended < most:
            for _ in range(1 + journal.appended % 7):
                sequence = journal.appended + 1
                kind = "block" if sequence % 3 else "command"
                journal.append(kind, sequence * 10, payload(sequence), sequence % 5)
            await asyncio.sleep(0 if journal.backlog < 500 else 0.001)
        await journal.wait(journal.appended)
    except JournalFailed:
        await failed.wait()


def main() -> None:
    url, most = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10**9
    journal = Journal.open(url, commit_interval_ms=1.0)
    say(f"durable {journal.head}")
    asyncio.run(trade(journal, most))
    journal.close()
    say("closed")


if __name__ == "__main__":
    main()
