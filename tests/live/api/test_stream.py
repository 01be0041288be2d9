"""The event stream: in order, without a gap, resumable; and a reader that is slow costs nobody else anything."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from live.api.roles import Role
from tests.live.api.server import Served


@pytest.fixture(scope="module", autouse=True)
def trading(served: Served) -> Iterator[None]:
    served.client.post("/api/v1/strategies/start", json={"script": "trader"})
    yield
    served.client.post("/api/v1/strategies/stop", json={"strategy_id": "trader"})


def _open(served: Served, query: str = "", token: str | None = None, **options: Any) -> ClientConnection:
    headers = {"Authorization": f"Bearer {served.admin if token is None else token}"}
    address = f"ws://127.0.0.1:{served.rest.port}/api/v1/stream{query}"
    stream: ClientConnection = connect(
        address, additional_headers=headers, proxy=None, close_timeout=1.0, **options
    )
    return stream


def _events(stream: ClientConnection, count: int) -> list[dict[str, Any]]:
    return [json.loads(stream.recv(timeout=20.0)) for _ in range(count)]


def _first(stream: ClientConnection, kind: str) -> dict[str, Any]:
    for _ in range(2_000):
        event: dict[str, Any] = json.loads(stream.recv(timeout=20.0))
        if event["kind"] == kind:
            return event
    raise AssertionError(f"no {kind} came")


def test_the_first_message_says_where_the_stream_is_and_the_rest_has_no_gap(served: Served) -> None:
    with _open(served) as stream:
        hello, *events = _events(stream, 100)
    assert hello["kind"] == "hello"
    assert hello["body"]["run"] == str(served.engine.started_ns)
    numbers = [event["sequence"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {event["kind"] for event in events} >= {"prices", "signals"}


def test_each_kind_comes_and_only_what_was_asked_for(served: Served) -> None:
    with _open(served, "?kinds=fills,orders") as stream:
        _, *events = _events(stream, 20)
    assert {event["kind"] for event in events} <= {"fills", "orders"}
    fill = next(event for event in events if event["kind"] == "fills")
    assert fill["body"]["correlation_id"].startswith("trader-")
    with _open(served, "?kinds=strategies,alerts") as stream:
        served.client.post("/api/v1/strategies/start", json={"script": "quiet"})
        assert _first(stream, "strategies")["body"]["strategy_id"] == "quiet"
        served.client.post(
            "/api/v1/risk/circuit-breaker", json={"action": "trip", "reason": "x", "strategy_id": "quiet"}
        )
        assert _first(stream, "alerts")["body"]["strategy_id"] == "quiet"


def test_prices_that_are_not_known_are_null(served: Served) -> None:
    with _open(served, "?kinds=orders") as stream:
        while (event := json.loads(stream.recv(timeout=20.0)))["body"].get("type") != "OrderAccepted":
            pass
    assert event["body"]["limit_price"] is None


def test_a_reader_that_was_cut_off_goes_on_where_it_was(served: Served) -> None:
    with _open(served) as stream:
        *_, last = _events(stream, 30)
    time.sleep(0.5)
    with _open(served, f"?after={last['sequence']}&run={served.engine.started_ns}") as stream:
        _, *events = _events(stream, 51)
    assert [event["sequence"] for event in events] == list(range(last["sequence"] + 1, last["sequence"] + 51))


def test_what_happened_while_nobody_watched_for_long_is_a_hole_that_is_told(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _open(served) as stream:
        *_, last = _events(stream, 10)
    _all_gone(served)
    monkeypatch.setattr("live.engine.events._LINGER_S", 0.0)
    time.sleep(0.5)
    with _open(served, f"?after={last['sequence']}") as stream:
        assert _first(stream, "dropped")["body"]["reason"].startswith(
            f"events behind {last['sequence']} are not kept"
        )


def test_what_is_not_kept_any_more_is_said_and_not_skipped(served: Served) -> None:
    with _open(served, "?after=999999999") as stream:
        stream.recv()
        dropped = json.loads(stream.recv())
        assert dropped["kind"] == "dropped"
        assert "not kept" in dropped["body"]["reason"]
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?kinds=odd", 422),
        ("?after=-1", 422),
        ("?after=x", 422),
        ("?after=" + "9" * 25, 422),
        ("?after=1&run=1", 412),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_before_the_stream_begins(
    served: Served, query: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        _open(served, query)
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body)["status"] == status


def test_without_a_good_token_there_is_no_stream(served: Served) -> None:
    for token in ("", "wrong", "wb_0000000000000000_" + "A" * 43):
        with pytest.raises(InvalidStatus) as refused:
            _open(served, token=token)
        assert refused.value.response.status_code in (401, 429)
    with _open(served, token=served.tokens.issue("watcher", Role.VIEWER)) as stream:
        assert json.loads(stream.recv())["kind"] == "hello"


def test_a_token_that_is_taken_back_ends_the_stream(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.api.stream._LOOK_S", 0.1)
    token = served.tokens.issue("leaver", Role.VIEWER)
    with _open(served, "?kinds=strategies", token=token) as stream:
        stream.recv()
        served.tokens.revoke(token.split("_")[1])
        assert json.loads(stream.recv(timeout=5.0))["kind"] == "dropped"
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(timeout=5.0)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def _to_the_end(stream: ClientConnection, reasons: list[str]) -> int:
    """Read until the other side closes; its code.  reasons: why it said that it drops us."""
    with suppress(ConnectionClosed):
        while True:
            event = json.loads(stream.recv(timeout=20.0))
            if event["kind"] == "dropped":
                reasons.append(event["body"]["reason"])
    assert stream.close_code is not None
    return stream.close_code


async def _flood(served: Served, count: int) -> None:
    for number in range(count):
        served.engine.events.publish("alerts", number, {"alert": "flood", "text": "x" * 1000})
        if number % 100 == 0:
            await asyncio.sleep(0)


def test_a_slow_reader_is_dropped_with_a_reason_and_a_quick_one_sees_everything(served: Served) -> None:
    with (
        _open(served, "?kinds=alerts", max_queue=1) as slow,
        _open(served, "?kinds=alerts", max_queue=None) as quick,
    ):
        slow.recv()
        quick.recv()
        count, seen = 30_000, 0
        for _ in range(count // 1_000):
            served.call(_flood(served, 1_000))
            seen += len(_events(quick, 1_000))
        assert seen == count
        reasons: list[str] = []
        code = _to_the_end(slow, reasons)
    assert (code, reasons) == (1013, ["more than 2000 events behind"])
    _all_gone(served)


def test_a_reader_that_is_deaf_is_cut_off_and_the_engine_goes_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.api.gate._SEND_S", 0.5)
    with _deaf(served):
        served.call(_flood(served, 20_000))
        inputs = served.client.get("/health").json()["inputs"]
        _all_gone(served)
        assert served.client.get("/health").json()["inputs"] > inputs


def _deaf(served: Served) -> socket.socket:
    """A stream whose client never reads a byte after the handshake was sent."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", served.rest.port))
    deaf.sendall(
        b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Authorization: Bearer " + served.admin.encode() + b"\r\n\r\n"
    )
    return deaf


def _all_gone(served: Served) -> None:
    deadline = time.monotonic() + 15.0
    while served.engine.events.readers:
        assert time.monotonic() < deadline, "a reader is held for ever"
        time.sleep(0.05)
    assert served.rest.app.state.services.streams == 0


def test_what_a_client_says_is_not_listened_to(served: Served) -> None:
    with _open(served, "?kinds=prices") as stream:
        for _ in range(200):
            stream.send("x" * 10_000)
        assert _events(stream, 10)
        stream.send("x" * 200_000)  # more than a message may have
        assert _to_the_end(stream, []) == 1009


def test_there_are_so_many_streams_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    _all_gone(served)
    monkeypatch.setattr("live.api.stream.MOST_STREAMS", 1)
    with _open(served) as stream:
        stream.recv()
        with pytest.raises(InvalidStatus) as refused:
            _open(served)
        assert refused.value.response.status_code == 429
