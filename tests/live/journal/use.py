"""How tests use a journal: payloads that tell their sequence, and what is left of them."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import sqlalchemy as sa

from live.journal import Journal, Record
from workbench.errors import JournalFailed

__all__ = ["change", "file_of", "fill", "payload", "wait_durable", "wait_failure", "whole"]


def payload(sequence: int) -> bytes:
    """Of 1 to 400 bytes, another for each sequence."""
    block = hashlib.blake2b(sequence.to_bytes(8)).digest()
    return (block * 7)[: 1 + block[0] + block[1] % 144]


def fill(journal: Journal, count: int) -> int:
    """Append `count` records after the newest; returns the newest sequence when all are durable."""
    for _ in range(count):
        sequence = journal.appended + 1
        assert (
            journal.append(
                "block" if sequence % 3 else "command", sequence * 10, payload(sequence), sequence % 5
            )
            == sequence
        )
    wait_durable(journal)
    return journal.head


def wait_durable(journal: Journal) -> None:
    asyncio.run(asyncio.wait_for(journal.wait(journal.appended), 30))


def wait_failure(journal: Journal, seconds: float = 20.0) -> JournalFailed:
    """The failure that comes within so long."""

    async def listen() -> JournalFailed:
        heard: asyncio.Future[JournalFailed] = asyncio.get_running_loop().create_future()
        journal.on_failure(lambda failure: None if heard.done() else heard.set_result(failure))
        return await asyncio.wait_for(heard, seconds)

    return asyncio.run(listen())


def whole(journal: Journal, after: int = 0) -> int:
    """Newest sequence, after seeing that every record after `after` is what `fill` has written."""
    sequence = after
    for sequence, record in enumerate(journal.read(after), after + 1):
        kind = "block" if sequence % 3 else "command"
        assert record == Record(sequence, kind, sequence * 10, sequence % 5, payload(sequence))
    assert sequence == journal.head
    return sequence


def change(url: str, *statements: str) -> None:
    """Do to the database what no engine does."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
