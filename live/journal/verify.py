"""Records read back in order, each held against the chain of checksums."""

from __future__ import annotations

import json
import logging
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from live.journal.records import Row, Snapshot, Tail, chain
from live.journal.store import CHUNK, Store, StoredSnapshot
from workbench.errors import JournalDamaged

__all__ = ["newest_snapshot", "oldest_snapshot", "pack_snapshot", "rows_after", "sound_snapshot", "verify"]

_log: Final = logging.getLogger(__name__)
_MEND: Final = "restore the journal from a copy, or have it looked at before anything trades on it"


def rows_after(store: Store, start: Tail, until: int) -> Iterator[Row]:
    """Rows after `start` up to sequence `until`, verified.  Raises JournalDamaged naming the first wrong one."""
    sequence, crc = start
    while sequence < until:
        chunk = _chunk(store, sequence, until)
        for row in chunk:
            sequence += 1
            crc = _checked(store.shown, row, sequence, crc)
            yield row


def verify(store: Store, start: Tail, until: int) -> Tail:
    """The newest record, after all from `start` to `until` were found to be right.  Raises JournalDamaged."""
    tail = start
    for row in rows_after(store, start, until):
        tail = Tail(row[0], row[5])
    return tail


def _chunk(store: Store, sequence: int, until: int) -> list[Row]:
    try:
        chunk = store.rows(sequence, until)
    except JournalDamaged:
        chunk = _up_to_damage(store, sequence, until)
    if not chunk:
        raise JournalDamaged(f"{store.shown}: expected record {sequence + 1}, found none; {_MEND}")
    return chunk


def _up_to_damage(store: Store, sequence: int, until: int) -> list[Row]:
    """Of rows that cannot be read together, those that can be before the first that can't; JournalDamaged on that."""
    chunk: list[Row] = []
    while len(chunk) < CHUNK:
        at = sequence + len(chunk)
        try:
            row = store.rows(at, until, 1)
        except JournalDamaged as error:
            if chunk:
                break
            raise JournalDamaged(f"{error}; record {at + 1} cannot be read; {_MEND}") from error
        if not row:
            break
        chunk += row
    return chunk


def _checked(shown: str, row: Row, sequence: int, previous: int) -> int:
    found, kind, ns, count, payload, crc = row
    if found != sequence:
        raise JournalDamaged(f"{shown}: expected record {sequence}, found {found}; {_MEND}")
    try:
        right = chain(previous, sequence, kind, ns, count, payload) == crc
    except (
        TypeError,
        AttributeError,
        struct.error,
        UnicodeError,
    ):  # SQLite gives what stands there, of any type
        right = False
    if not right:
        raise JournalDamaged(
            f"{shown}: record {sequence} is not what was written, or does not follow the one before it; {_MEND}"
        )
    return crc


def pack_snapshot(snapshot: Snapshot) -> StoredSnapshot:
    """`snapshot` compressed, with a checksum over all of it."""
    meta = json.dumps(snapshot.meta, separators=(",", ":"), sort_keys=True)
    blob = zlib.compress(snapshot.blob, 1)
    crc = _snapshot_crc(snapshot.sequence, snapshot.ns, meta, len(snapshot.blob), blob)
    return snapshot.sequence, snapshot.ns, meta, len(snapshot.blob), crc, blob


def newest_snapshot(store: Store, upto: int) -> Snapshot | None:
    """The newest sound snapshot up to `upto`; damaged ones are told in the log and passed over."""
    return _first_sound(store, store.snapshot_sequences(upto), "before")


def oldest_snapshot(store: Store, since: int, upto: int) -> Snapshot | None:
    """The oldest sound snapshot of since <= sequence <= upto; damaged ones are told in the log and passed over."""
    sequences = [sequence for sequence in store.snapshot_sequences(upto) if sequence >= since]
    return _first_sound(store, sequences[::-1], "after")


def _first_sound(store: Store, sequences: list[int], direction: str) -> Snapshot | None:
    for sequence in sequences:
        try:
            stored = store.snapshot(sequence)
            if stored is not None:
                return _unpacked(stored)
        except (JournalDamaged, ValueError, TypeError, AttributeError, struct.error, zlib.error) as error:
            told = (
                f"{store.shown}: the snapshot after record {sequence} is damaged ({error}); "
                f"using the one {direction}"
            )
            _log.critical("%s", told)
            store.warnings.append(told)
    return None


def sound_snapshot(stored: StoredSnapshot) -> bool:
    """Whether the checksum is right; what stands there may be of any type."""
    sequence, ns, meta, size, crc, blob = stored
    try:
        return _snapshot_crc(sequence, ns, meta, size, blob) == crc
    except (TypeError, AttributeError, struct.error, UnicodeError):
        return False


def _unpacked(stored: StoredSnapshot) -> Snapshot:
    sequence, ns, meta, size, _, blob = stored
    if not sound_snapshot(stored):
        raise ValueError("its checksum is wrong")
    return Snapshot(sequence, ns, zlib.decompress(blob, bufsize=max(size, 1)), json.loads(meta))


def _snapshot_crc(sequence: int, ns: int, meta: str, size: int, blob: bytes) -> int:
    return zlib.crc32(blob, zlib.crc32(meta.encode(), zlib.crc32(struct.pack("<qqq", sequence, ns, size))))
