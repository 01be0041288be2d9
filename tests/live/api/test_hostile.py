"""What malformed, huge and slow requests meet: a refusal, no 500, no growth, and an engine that answers others."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from live.api import connections
from live.api.connections import QuietServer
from tests.live.api.server import Served

START = "/api/v1/strategies/start"
JSON = {"Content-Type": "application/json"}


def _resident() -> int:
    """Bytes of memory of this process, which the engine is in."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _raw(served: Served, data: bytes, seconds: float = 5.0) -> bytes:
    with socket.create_connection(("127.0.0.1", served.rest.port), timeout=seconds) as connection:
        connection.sendall(data)
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except (TimeoutError, ConnectionResetError):
            pass
        return b"".join(parts)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"nonsense", 400),
        (b'{"script": "\xff\xfe"}', 400),
        (b'{"script": "\\ud800"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b'{"script": NaN}', 400),
        (b'{"script": "quiet", "config": ' + b"[" * 30_000 + b"}", 422),
        (b'{"script": "quiet", "config": {"a": ' + b"[" * 30_000 + b"}", 400),
        (b'{"script": "quiet", "config": {"a": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}", 422),
        (b'{"script": "quiet", "config": {"a": 123456789012345678901234567890}}', 422),
        (b'{"script": "quiet", "config": {"a": 1e999}}', 422),
        (b'{"script": "quiet", "config": {"a": ' + b"9" * 5000 + b"}}", 422),
        (b'{"script": 5}', 422),
        (b'{"script": ""}', 422),
        (b'{"script": "quiet", "surplus": 1}', 422),
        (b'{"script": "quiet", "on_failure": "explode"}', 422),
        (b"[]", 422),
        (b"null", 422),
    ],
)
def test_a_malformed_body_is_refused_in_one_line(served: Served, body: bytes, status: int) -> None:
    answer = served.client.post(START, content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "\n" not in answer.json()["detail"]
    assert served.client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("media", ["", "text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_a_body_of_another_type_is_415(served: Served, media: str) -> None:
    headers = {"Content-Type": media} if media else {}
    assert served.client.post(START, content=b"{}", headers=headers).status_code == 415


def test_a_packed_body_is_not_unpacked(served: Served) -> None:
    answer = served.client.post(START, content=b"x" * 100, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_huge_body_is_refused_before_it_is_read(served: Served) -> None:
    answer = _raw(
        served,
        b"POST /api/v1/strategies/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer "
        + served.admin.encode()
        + b"\r\nContent-Length: 10000000000\r\n\r\n"
        + b"x" * 1000,
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_hundreds_of_megabytes_in_pieces_leave_memory_flat(served: Served) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(3_000):
            yield b"x" * 65_536

    before = _resident()
    for _ in range(3):
        try:
            answer = served.client.post(START, content=pieces(), headers=JSON)
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # the engine hung up on it, which it may
    assert _resident() - before < 30e6
    assert served.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\n no header\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%fe/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(served: Served, request_line: bytes) -> None:
    answer = _raw(served, request_line, 1.0)
    assert answer.split(b" ")[1].startswith(b"4") if answer else True
    assert b" 500 " not in answer[:20]
    assert served.client.get("/health").status_code == 200


def test_a_head_that_never_ends_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 0.5)
    with socket.create_connection(("127.0.0.1", served.rest.port), timeout=5.0) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\n")
        begun = time.monotonic()
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):  # noqa: PT012 - whichever of the two notices first
            while time.monotonic() - begun < 5.0:
                slow.sendall(b"X-Drip: 1\r\n")
                time.sleep(0.05)
        assert time.monotonic() - begun < 2.0


def test_a_drip_without_the_deadline_would_hold_on(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 1e6)
    with socket.create_connection(("127.0.0.1", served.rest.port), timeout=5.0) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\n")
        for _ in range(30):
            slow.sendall(b"X-Drip: 1\r\n")
            time.sleep(0.05)
        slow.sendall(b"Host: x\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")


def test_a_body_that_drips_is_408(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.api.bodies._BODY_S", 0.3)
    with socket.create_connection(("127.0.0.1", served.rest.port), timeout=5.0) as slow:
        slow.sendall(
            b"POST /api/v1/strategies/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + served.admin.encode() + b"\r\nContent-Length: 1000\r\n\r\n{"
        )
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_too_many_connections_are_turned_away_and_leave_room_afterwards(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 20)
    many = [socket.create_connection(("127.0.0.1", served.rest.port), timeout=5.0) for _ in range(60)]
    try:
        time.sleep(0.3)
        assert len(served.rest._server.server_state.connections) <= 21  # type: ignore[union-attr]  # it runs
    finally:
        for one in many:
            one.close()
    time.sleep(0.3)
    assert httpx.get(f"{served.address}/health").status_code == 200


def test_who_does_not_read_an_answer_is_let_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.api.gate._SEND_S", 0.5)
    server = served.rest._server
    assert server is not None
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", served.rest.port))
        port = deaf.getsockname()[1]
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000)  # more than any buffer holds
        time.sleep(0.2)
        assert _holds(server, port)
        deadline = time.monotonic() + 20.0
        while _holds(server, port):
            assert time.monotonic() < deadline, "it is held for ever"
            time.sleep(0.1)
    assert served.client.get("/health").status_code == 200


def _holds(server: QuietServer, port: int) -> bool:
    """Whether the server has a connection with a client of this port."""
    clients = [getattr(one, "client", None) for one in set(server.server_state.connections)]
    return any(client and client[1] == port for client in clients)


def test_others_are_answered_while_many_are_slow(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.rest.port)) for _ in range(100)]
    stop = threading.Event()

    def drip() -> None:
        while not stop.is_set():
            for one in slow:
                try:
                    one.sendall(b"G")
                except OSError:
                    continue
            time.sleep(0.1)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        times = []
        for _ in range(20):
            begun = time.monotonic()
            assert served.client.get("/health").status_code == 200
            times.append(time.monotonic() - begun)
        assert sorted(times)[10] < 0.5
    finally:
        stop.set()
        thread.join()
        for one in slow:
            one.close()


def test_unknown_paths_and_methods_are_problems_too(served: Served) -> None:
    missing = served.client.get("/api/v1/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    wrong = served.client.delete("/api/v1/orders")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert set(wrong.json()) == {"type", "title", "status", "detail", "instance"}
