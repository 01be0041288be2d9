"""An exchange process against clients that are slow, broken or hostile, and against a disk that is full."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from live.messages import NewOrder
from live.venues.protocol import (
    DROP_COPY,
    ORDERS,
    VERSION,
    AskReports,
    FromServer,
    Live,
    Login,
    Orders,
    Problem,
    Reports,
    ReportsAnswer,
    decode_server,
    encode,
)
from tests.live.venues.kit import SYMBOL
from tests.live.venues.processes import ROOT, Exchange, gapless, run, venues


def login(session: str = "raw", *, prices: bool = False, version: int = VERSION, venue: str = "x") -> bytes:
    return encode(Login(version, venue, session, "", ORDERS, 0, True, prices))


def raw(exchange: Exchange) -> connect:
    return connect(
        f"ws://127.0.0.1:{exchange.port}", compression=None, proxy=None, ping_interval=None, close_timeout=1
    )


async def frames(connection: ClientConnection, last: type[FromServer] | None = None) -> list[FromServer]:
    """Frames until one of a kind, or until the connection is closed."""
    found: list[FromServer] = []
    try:
        async with asyncio.timeout(10):
            while not found or type(found[-1]) is not last:
                found.append(decode_server(await connection.recv()))
    except ConnectionClosed:
        assert last is None, "closed before that"
    return found


async def is_well(exchange: Exchange) -> None:
    """A good client is served as if nothing had been."""
    async with exchange.client() as client:
        client.take(1)
        await client.until(lambda: bool(client.reports))
    assert exchange.process is not None
    assert exchange.process.returncode is None
    assert "Traceback" not in exchange.errors.read_text()


GARBAGE: dict[str, str | bytes] = {
    "empty": b"",
    "noise": bytes(random.Random(1).randbytes(5_000)),
    "text": "hello",
    "unknown kind": msgspec.msgpack.encode({"type": "DropTables"}),
    "wrong type": msgspec.msgpack.encode({"type": "Orders", "orders": "all"}),
    "truncated": encode(Orders([NewOrder(1, SYMBOL, 1, 1.0, "market", "IOC")]))[:-5],
    "deep": b"\x91" * 100_000,
    "second login": login(),
    "huge number": msgspec.msgpack.encode({"type": "AskReports", "question": 1, "after": 1e300}),
}


@pytest.mark.timeout(120)
def test_frames_that_cannot_be_read_are_answered_and_then_end_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            async with raw(exchange) as connection:
                await connection.send(login())
                await frames(connection, Live)
                for frame in GARBAGE.values():
                    await connection.send(frame)
                    (problem,) = await frames(connection, Problem)
                    assert isinstance(problem, Problem)
                    assert "expected" in problem.reason
                await connection.send(encode(AskReports(1, -(2**63))))
                (answer,) = await frames(connection, ReportsAnswer)
                assert isinstance(answer, ReportsAnswer)
                assert answer.reports == []
            async with raw(exchange) as connection:
                await connection.send(login())
                await frames(connection, Live)
                for _ in range(10):
                    await connection.send(b"x")
                assert len(await frames(connection)) == 11  # one for each, and the last word
                assert connection.close_code == 1008
            await is_well(exchange)

    run(scenario, 100)


@pytest.mark.timeout(120)
def test_connections_that_do_not_log_in_properly_are_closed_with_a_reason(tmp_path: Path) -> None:
    cases: list[tuple[str | bytes, str]] = [
        (b"garbage", "expected a msgpack frame"),
        (encode(Orders([])), "expected a login first, found Orders"),
        (login(version=99), "expected version 1"),
        (login(venue="nowhere"), "expected one of x, found 'nowhere'"),
        (login(session="../../etc"), "expected a session of letters"),
        ("text", "found text"),
    ]

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            for frame, reason in cases:
                async with raw(exchange) as connection:
                    await connection.send(frame)
                    (problem,) = await frames(connection)
                    assert isinstance(problem, Problem)
                    assert reason in problem.reason
                    assert connection.close_code == 1008
            async with raw(exchange) as connection:  # says nothing
                assert "within 5 seconds" in str(await frames(connection))
            await is_well(exchange)

    run(scenario, 100)


@pytest.mark.timeout(120)
def test_bytes_that_are_no_websocket_and_frames_that_are_too_large(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            for data in (b"\x00" * 1_000, b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 200_000, b""):
                with socket.create_connection(("127.0.0.1", exchange.port), timeout=5) as plain:
                    plain.sendall(data)
            async with raw(exchange) as connection:
                await connection.send(login())
                await frames(connection, Live)
                with suppress(ConnectionClosed):
                    await connection.send(b"\x00" * (2 << 20))
                assert await frames(connection) == []
                assert connection.close_code == 1009
            await is_well(exchange)

    run(scenario, 100)


@pytest.mark.timeout(180)
def test_a_slow_reader_is_dropped_and_the_others_are_served(tmp_path: Path) -> None:
    """It sends orders for ever and reads nothing: its connection ends, the exchange's memory stays bounded."""

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, exchange.client() as good:
            before = exchange.memory_mb()
            _, writer = await asyncio.open_connection("127.0.0.1", exchange.port, limit=1_024)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            writer.write(masked(login("slow", prices=True)))
            number, asked = 0, 0
            try:
                async with asyncio.timeout(30):
                    while asked < 4_000:
                        orders = [
                            NewOrder(n, SYMBOL, 1, 1e-9, "market", "IOC") for n in range(number, number + 200)
                        ]
                        number += 200
                        writer.write(masked(encode(Orders(list(orders)))))
                        writer.write(b"".join(masked(encode(AskReports(k, 0))) for k in range(20)))
                        asked += 20
                        await writer.drain()
                    while True:  # until the write is refused
                        await asyncio.sleep(0.2)
                        writer.write(masked(b"x"))
                        await writer.drain()
            except (ConnectionError, TimeoutError):
                pass
            assert writer.transport.is_closing(), "it was not dropped"
            writer.transport.abort()
            assert exchange.memory_mb() - before < 250.0
            good.take(1)
            await good.until(lambda: bool(good.reports))
            assert good.venue.status().up
            assert good.venue.status().reconnects == 0
            assert "Traceback" not in exchange.errors.read_text()

    run(scenario, 150)


def masked(payload: bytes) -> bytes:
    """A binary WebSocket frame from a client (RFC 6455), with a mask of zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    if size >= 1 << 16:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return b"\x82" + length + b"\x00" * 4 + payload


@pytest.mark.timeout(120)
def test_a_full_disk_stops_the_exchange_and_nothing_that_was_told_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, exchange.client() as client:
            client.take(*range(1, 51))
            await client.ended(50)
            assert exchange.process is not None
            files = [tmp_path / "store" / f"exchange.sqlite{suffix}" for suffix in ("", "-wal")]
            full = max(path.stat().st_size for path in files) + 40_000
            resource.prlimit(exchange.process.pid, resource.RLIMIT_FSIZE, (full, full))
            number = 50
            while exchange.process.returncode is None:
                client.take(*range(number + 1, number + 21))
                number += 20
                await asyncio.sleep(0.005)
            assert exchange.process.returncode == 2
            assert "the exchange's store cannot be written" in exchange.errors.read_text()
            await client.until(lambda: not client.venue.status().up)
            told = list(client.reports)
            await exchange.begin()
            await client.until(lambda: client.venue.status().up)
            await client.ended(number)
            assert gapless(client.numbers)
            kept = {r.report_id: r for r in await client.venue.reports(0)}
            assert all(kept[r.report_id] == r for r in told if r.report_id)

    run(scenario, 100)


def test_two_exchanges_on_one_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            assert exchange.port
            second = await asyncio.to_thread(
                command, "--config", str(venues(tmp_path, 0)), "--store", str(tmp_path / "store")
            )
            assert second.returncode == 2
            assert "found another exchange on it" in second.stderr

    run(scenario)


def command(*options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "live.venues.server", "--port", "0", *options]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--config", "nowhere.yaml"), "nowhere.yaml: expected a YAML file, found no such file"),
        (("--host", "0.0.0.0"), "expected a secret where other machines can connect"),
        (("--venue", "exchange-9"), "expected one of exchange-1, exchange-2, found 'exchange-9'"),
        (("--secret-file", "nowhere"), "--secret-file: expected a text file"),
    ],
)
def test_what_cannot_be_started_says_so_in_one_line(
    tmp_path: Path, options: tuple[str, ...], error: str
) -> None:
    found = command("--store", str(tmp_path / "store"), *options)
    assert found.returncode == 2
    assert found.stderr.startswith("exchange: ")
    assert error in found.stderr
    assert found.stderr.count("\n") == 1


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            assert await exchange.end(signal.SIGINT) == 0
            assert exchange.errors.read_text() == ""
            assert os.listdir(tmp_path / "store")

    run(scenario)


def test_a_drop_copy_sees_every_report_and_may_not_trade(tmp_path: Path) -> None:
    """Also those that a fault keeps from the session itself."""

    async def scenario() -> None:
        async with (
            Exchange(tmp_path, "--faults") as exchange,
            exchange.client() as client,
            raw(exchange) as copy,
        ):
            await copy.send(encode(Login(VERSION, "x", "engine", "", DROP_COPY, 0, True, False)))
            await frames(copy, Live)
            await client.venue.inject("lost_ack")
            client.take(1)
            await client.seen(1, "filled")
            (told,) = await frames(copy, Reports)
            assert isinstance(told, Reports)
            assert [(r.report_id, r.kind) for r in told.reports] == [(1, "acknowledged"), (2, "filled")]
            await copy.send(encode(Orders([NewOrder(2, SYMBOL, 1, 1.0, "market", "IOC")])))
            (problem,) = await frames(copy, Problem)
            assert "found orders" in str(problem)
            assert (await client.venue.account()).last_report_id == 2

    run(scenario)


def test_reports_come_in_parts_and_all_of_them(tmp_path: Path) -> None:
    """A session that missed thousands of reports gets them in frames of a thousand."""

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            async with exchange.client(link={"session": "raw"}) as client:
                client.take(*range(1, 2_501))
                await client.ended(2_500)
                count = len(client.numbers)
            async with raw(exchange) as connection:
                await connection.send(login())
                found = await frames(connection, Live)
                sizes = [len(frame.reports) for frame in found if hasattr(frame, "reports")]
                assert sum(sizes) == count
                assert max(sizes) == 1_000
                assert not any(isinstance(frame, Reports) for frame in found)

    run(scenario)
