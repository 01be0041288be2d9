"""What a journal holds: records chained by checksum, and snapshots."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["LARGEST_PAYLOAD", "Record", "Row", "Snapshot", "Tail", "chain"]

LARGEST_PAYLOAD: Final = 64 * 1024 * 1024
_HEADER: Final = struct.Struct("<IqqiI")

# A record as it is stored: sequence, kind, ns, count, payload, crc.
type Row = tuple[int, str, int, int, bytes, int]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One block of inputs.

    sequence: from 1 without gaps.  kind: chosen by the engine, 1 to 32 characters.  ns: UTC nanoseconds.
    count: inputs in it.  payload: opaque here, at most LARGEST_PAYLOAD bytes.
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


class Tail(NamedTuple):
    """A record's sequence and checksum, from which the chain goes on; (0, 0) before the first one."""

    sequence: int
    crc: int


def chain(previous: int, sequence: int, kind: str, ns: int, count: int, payload: bytes) -> int:
    """CRC32 of a record, carried on from the one before it: a changed, missing or moved record breaks it.

    Raises struct.error where a number is out of its range (sequence, ns: int64; count: int32).
    """
    name = kind.encode()
    header = _HEADER.pack(previous, sequence, ns, count, len(name))
    return zlib.crc32(payload, zlib.crc32(header + name))
