"""Tables of the journal, version by version; a database is only ever carried forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from workbench.errors import JournalError

__all__ = [
    "NEWEST",
    "VERSIONS",
    "ends",
    "migrate",
    "pruned",
    "records",
    "snapshots",
    "version_of",
    "versions",
]

_META: Final = sa.MetaData()
# What SQLite calls INTEGER PRIMARY KEY is the row id itself: one tree, in order of sequence.
_Big: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

versions: Final = sa.Table(
    "journal_versions",
    _META,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("applied_ns", sa.BigInteger, nullable=False),
)
records: Final = sa.Table(
    "journal_records",
    _META,
    sa.Column("sequence", _Big, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ns", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
)
snapshots: Final = sa.Table(
    "journal_snapshots",
    _META,
    sa.Column("sequence", _Big, primary_key=True, autoincrement=False),
    sa.Column("ns", sa.BigInteger, nullable=False),
    sa.Column("meta", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)
# At most one row: the newest record that was dropped, where the chain of what is left begins.
pruned: Final = sa.Table(
    "journal_pruned",
    _META,
    sa.Column("sequence", _Big, primary_key=True, autoincrement=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
)
# At most one row: the newest record when an engine last ended in order, in a database without a lock file beside it.
ends: Final = sa.Table(
    "journal_ends",
    _META,
    sa.Column("sequence", _Big, primary_key=True, autoincrement=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
)


def _first(connection: sa.Connection) -> None:
    _META.create_all(connection, [versions, records, snapshots], checkfirst=False)


def _retention(connection: sa.Connection) -> None:
    _META.create_all(connection, [pruned], checkfirst=False)


def _orderly_ends(connection: sa.Connection) -> None:
    _META.create_all(connection, [ends], checkfirst=False)


# What makes version n out of n - 1.  A step that has been released is never changed: add the next one.
VERSIONS: Final[tuple[Callable[[sa.Connection], None], ...]] = (_first, _retention, _orderly_ends)
NEWEST: Final = len(VERSIONS)


def version_of(connection: sa.Connection) -> int:
    """Version of the database's tables; 0 for none yet."""
    if not sa.inspect(connection).has_table(versions.name):
        return 0
    return int(connection.execute(sa.select(sa.func.max(versions.c.version))).scalar() or 0)


def migrate(connection: sa.Connection, shown: str) -> None:
    """Carry the tables forward to NEWEST, inside the caller's transaction.

    Raises JournalError where they are of a version that this program does not know.
    """
    found = version_of(connection)
    if found > NEWEST:
        raise JournalError(
            f"{shown}: expected a journal of version {NEWEST} or before, found version {found}; "
            "use the newer program that wrote it"
        )
    for version in range(found, NEWEST):
        VERSIONS[version](connection)
        connection.execute(versions.insert().values(version=version + 1, applied_ns=time.time_ns()))
