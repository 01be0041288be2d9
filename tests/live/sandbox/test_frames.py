"""Frames: whatever bytes come, there is a message or a FrameError, in little time and little memory."""

from __future__ import annotations

import struct
import time
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.messages import Answer, Logged, Raised, Ready
from live.sandbox.contract import MOST_FRAME_BYTES
from live.sandbox.frames import Begun, FrameError, FrameReader, decode_from_worker, encode, put_frame
from workbench.core.messages import MarketSignal
from workbench.core.signals import MAX_SIGNALS

SIGNAL = MarketSignal(
    "BTC-USD",
    datetime(2024, 1, 2, tzinfo=UTC),
    0.5,
    1.0,
    {"limit_price": 99.5, "post_only": True, "notes": ["a", 1, None], "scores": {"x": 0.1}},
)
MESSAGES = [
    Answer(3, [SIGNAL], 17),
    Answer(4),
    Raised(1, "on_market_data", "ValueError: no"),
    Logged("info", "line"),
    Ready("Mine", "1.0", "", {"fast": 3, "pairs": ["a", "b"]}, "order", {"BTC-USD": 2.0}, ["BTC-USD"]),
    Begun(5),
]


def frame(payload: bytes) -> bytes:
    buffer = bytearray()
    put_frame(buffer, payload)
    return bytes(buffer)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_comes_back_as_it_went(message: msgspec.Struct) -> None:
    assert decode_from_worker(encode(message)) == message


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_whole_however_they_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(payload) for payload in payloads)
    reader, found, at, turn = FrameReader(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += [bytes(part) for part in reader.feed(stream[at : at + size])]
        at, turn = at + size, turn + 1
    assert found == payloads
    assert reader.pending == 0


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_frame_error(data: bytes) -> None:
    for part in (data, encode(Answer(1, [SIGNAL]))[:20] + data, encode(Logged("info", "x"))[:-1] + data):
        with suppress(FrameError):
            decode_from_worker(part)


def test_a_frame_that_says_it_is_too_large_is_refused_before_it_comes() -> None:
    with pytest.raises(FrameError, match="1,048,577 bytes, allowed 1,048,576"):
        FrameReader().feed(struct.pack("<I", MOST_FRAME_BYTES + 1))
    with pytest.raises(FrameError, match="allowed 1,048,576"):
        put_frame(bytearray(), bytes(MOST_FRAME_BYTES + 1))


def test_crumbs_of_a_large_frame_are_not_copied_again_and_again() -> None:
    stream = frame(bytes(MOST_FRAME_BYTES))
    reader, began = FrameReader(), time.perf_counter()
    for at in range(0, len(stream), 64):
        found = reader.feed(stream[at : at + 64])
    assert len(found) == 1
    assert time.perf_counter() - began < 2.0  # 16,000 pieces; copying each time would be 8 GB


ANSWER = b"\x83\xa4type\xa6Answer\xa8sequence\x01\xa7signals"
METADATA = ANSWER + b"\x91\x82\xa6symbol\xa1x\xa8metadata"
NASTY = {
    "nothing": b"",
    "not a map": b"\xc0",
    "another type": b"\x81\xa4type\xa4Nope",
    "text that is no UTF-8": b"\x82\xa4type\xa6Logged\xa5level\xa2\xff\xff",
    "cut off": encode(Answer(1, [SIGNAL]))[:-3],
    "four billion signals": ANSWER + b"\xdd\xff\xff\xff\xff",
    "four billion keys": METADATA + b"\xdf\xff\xff\xff\xff",
    "four gigabytes of text": METADATA + b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "nested without end": METADATA + b"\x81\xa1a" * 300_000,
    "lists without end": METADATA + b"\x81\xa1a" + b"\x91" * 900_000,
    "a number for a key": METADATA + b"\x81\xa1a\x81\x01\x01",
    "a list for a key": METADATA + b"\x81\xa1a\x81\x91\x01\x01",
    "an extension type": METADATA + b"\x81\xa1a\xd4\x05\x00",
    "binary": METADATA + b"\x81\xa1a\xc4\x01\x00",
    "a time that never was": ANSWER + b"\x91\x82\xa6symbol\xa1x\xa9timestamp\xc7\x0c\xff" + b"\xff" * 12,
    "a text for a number": ANSWER + b"\x91\x82\xa6symbol\xa1x\xafsignal_strength\xa31.0",
    "no symbol": ANSWER + b"\x91\x80",
    "more signals than a desk looks at": encode(Answer(1, [MarketSignal("x")] * (MAX_SIGNALS + 2))),
}


@pytest.mark.parametrize("payload", NASTY.values(), ids=NASTY.keys())
def test_what_is_no_message_is_refused_quickly(payload: bytes) -> None:
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(FrameError):
        decode_from_worker(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.perf_counter() - began < 1.0
    assert peak < 16 << 20


def test_numbers_with_one_hash_cannot_be_keys() -> None:
    """All multiples of 2**61 - 1 hash to 0: a dictionary of 100,000 of them takes a minute to build."""
    keys = {number * (2**61 - 1): 0 for number in range(8)}
    payload = METADATA + b"\x81\xa1a" + msgspec.msgpack.encode(keys)
    with pytest.raises(FrameError, match="Expected `str`"):
        decode_from_worker(payload)
