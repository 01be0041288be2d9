"""What a journal holds: records chained by checksum, snapshots, and how long either is kept."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

__all__ = ["Record", "Retention", "Snapshot", "chain"]

_HEADER: Final = struct.Struct("<IqqqI")


class Record(NamedTuple):
    """One block of inputs.

    sequence: from 1 without gaps.  kind: chosen by the engine, 1 to 32 characters.  ns: UTC nanoseconds.
    count: inputs in it.  payload: opaque here.
    """

    sequence: int
    kind: str
    ns: int
    count: int
    payload: bytes


class Snapshot(NamedTuple):
    """State after record `sequence` and before the next one.  meta: what JSON can say."""

    sequence: int
    ns: int
    blob: bytes
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Retention:
    """snapshots: how many of the newest are kept.  prune_records: drop records that the oldest kept snapshot covers."""

    snapshots: int = 3
    prune_records: bool = False

    def __post_init__(self) -> None:
        if self.snapshots < 2:
            raise ValueError(
                f"snapshots: expected 2 or more, so that a damaged one costs nothing, found {self.snapshots}"
            )


def chain(previous: int, sequence: int, kind: str, ns: int, count: int, payload: bytes) -> int:
    """CRC32 of a record, carried on from the one before it: a changed, missing or moved record breaks it."""
    name = kind.encode()
    header = _HEADER.pack(previous, sequence, ns, count, len(name))
    return zlib.crc32(payload, zlib.crc32(header + name))
