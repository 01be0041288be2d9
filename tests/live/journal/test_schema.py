"""Journals of older versions are carried forward with all they hold.

The tables of each released version are written out here as that version made them, and stay as they are.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from live.journal import Journal
from live.journal.records import chain
from live.journal.schema import NEWEST, version_of
from tests.live.journal.use import change, fill, payload, whole
from workbench.errors import JournalError

SQLITE_1 = (
    "CREATE TABLE journal_versions (version INTEGER NOT NULL, applied_ns BIGINT NOT NULL, PRIMARY KEY (version))",
    """CREATE TABLE journal_records (sequence INTEGER NOT NULL, kind TEXT NOT NULL, ns BIGINT NOT NULL,
    count INTEGER NOT NULL, payload BLOB NOT NULL, crc BIGINT NOT NULL, PRIMARY KEY (sequence))""",
    """CREATE TABLE journal_snapshots (sequence INTEGER NOT NULL, ns BIGINT NOT NULL, meta TEXT NOT NULL,
    size BIGINT NOT NULL, crc BIGINT NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (sequence))""",
    "INSERT INTO journal_versions VALUES (1, 0)",
)
POSTGRES_1 = tuple(
    statement.replace("sequence INTEGER", "sequence BIGINT").replace("BLOB", "BYTEA")
    for statement in SQLITE_1
)


def make_version_1(url: str, count: int) -> None:
    change(url, *(SQLITE_1 if url.startswith("sqlite") else POSTGRES_1))
    crc, rows = 0, []
    for sequence in range(1, count + 1):
        kind = "block" if sequence % 3 else "command"
        fields = (sequence, kind, sequence * 10, sequence % 5, payload(sequence))
        crc = chain(crc, *fields)
        rows.append((*fields, crc))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    mark = "?" if url.startswith("sqlite") else "%s"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO journal_records VALUES ({', '.join([mark] * 6)})", rows)


def test_version_1_is_carried_forward(url: str) -> None:
    make_version_1(url, 40)
    for _ in range(2):
        journal = Journal.open(url)
        newest = fill(journal, 5)
        assert whole(journal) == newest
        journal.close()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert version_of(connection) == NEWEST == 3
        applied = connection.execute(
            sa.text("SELECT version FROM journal_versions ORDER BY version")
        ).scalars()
        assert list(applied) == [1, 2, 3]


def test_a_reader_does_not_carry_it_forward(url: str) -> None:
    make_version_1(url, 3)
    with pytest.raises(
        JournalError, match="expected a journal of version 3, found version 1; an engine makes it one"
    ):
        Journal.open(url, read_only=True)


def test_checksums_stay_what_they_are() -> None:
    """Another formula would call every journal damaged that there is."""
    assert chain(0, 1, "block", 1_700_000_000_000_000_000, 3, b"payload") == 0x4F77A069
    assert chain(0xFFFFFFFF, 2**63 - 1, "größe", -(2**63), 2**31 - 1, b"") == 0x3AA7E9EE
