"""The exchange as its own process: what it keeps when clients, the network, or it itself are lost.

Real processes, sockets and signals; a proxy in between makes the network worse.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from live.messages import Account, CancelOrder, NewOrder
from live.venues.contract import ReplaceOrder, Venue
from tests.live.venues.kit import SYMBOL
from tests.live.venues.processes import Exchange, Proxy, gapless, run
from workbench.errors import VenueError


def test_orders_go_and_reports_and_prices_come(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, exchange.client() as client:
            assert isinstance(client.venue, Venue)
            client.rest(1)
            client.take(2)
            await client.seen(2, "filled")
            client.venue.send([ReplaceOrder(1, 2.0, 61.0), CancelOrder(99)])
            await client.seen(99, "cancel_rejected")
            await client.until(lambda: len(client.prices) > 3)
            assert gapless(client.numbers)
            assert [(r.order_id, r.kind) for r in client.reports] == [
                (1, "acknowledged"),
                (2, "acknowledged"),
                (2, "filled"),
                (1, "replaced"),
                (99, "cancel_rejected"),
            ]
            account = await client.venue.account()
            assert account.positions == {SYMBOL: -0.01}
            assert [(o.order_id, o.leaves, o.limit_price) for o in account.open_orders] == [(1, 2.0, 61.0)]
            assert await client.venue.reports(3) == client.reports[3:]
            assert [s.up for s in client.sessions] == [True]
            assert await exchange.end(signal.SIGTERM) == 0
            await client.until(lambda: not client.venue.status().up)
            assert client.sessions[-1].reason == "the exchange stops"

    run(scenario)


def test_it_is_killed_and_comes_back_with_everything(tmp_path: Path) -> None:
    """kill -9 while orders stream: positions, reports and numbers are those of all that was acknowledged."""

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, exchange.client() as client:
            number = 0
            for _ in range(3):
                for _ in range(20):
                    client.take(*range(number + 1, number + 11))
                    number += 10
                    await asyncio.sleep(0.002)
                client.rest(number + 1)
                number += 1
                await exchange.end(signal.SIGKILL)
                await client.until(lambda: not client.venue.status().up)
                await exchange.begin()
                await client.until(lambda: client.venue.status().up)
                await client.ended(number)
            assert gapless(client.numbers), "each report exactly once, and none missing"
            fills = [r for r in client.reports if r.kind == "filled"]
            assert gapless([r.execution_id + 1 for r in fills])
            account = await client.venue.account()
            assert account.positions.get(SYMBOL, 0.0) == pytest.approx(
                sum(r.side * r.quantity for r in fills)
            )
            assert account.open_orders == []  # cancelled as the session was lost
            assert account.last_report_id == len(client.numbers)
            assert await client.venue.reports(0) == [r for r in client.reports if r.report_id]

    run(scenario)


def test_orders_outlive_client_and_exchange_where_they_are_not_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path, cancel_on_disconnect=False) as exchange:
            async with exchange.client() as client:
                client.rest(1, 60.0)
                client.rest(2, 61.0)
                client.send(NewOrder(3, SYMBOL, -1, 1.0, "stop_limit", "GTC", 70.0, 71.0))
                client.venue.send([ReplaceOrder(1, 0.5)])
                await client.seen(1, "replaced")
                before = await client.venue.account()
            await exchange.end(signal.SIGKILL)
            await exchange.begin()
            async with exchange.client() as client:
                after = await client.venue.account()
                assert after.open_orders == before.open_orders
                assert [(o.order_id, o.leaves) for o in after.open_orders] == [(1, 0.5), (2, 1.0), (3, 1.0)]
                client.send(NewOrder(2, SYMBOL, 1, 1.0, "limit", "GTC", 61.0))  # sent again
                client.venue.send([CancelOrder(2)])
                await client.seen(2, "cancelled")
                assert [r.kind for r in client.reports if r.order_id == 2] == ["acknowledged", "cancelled"]

    run(scenario)


def test_cancel_on_disconnect_and_a_new_client_that_learns_of_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            async with exchange.client() as client:
                client.rest(1)
                await client.seen(1, "acknowledged")
            again = exchange.client()
            again.venue.restore(Account("x", {}, [], 1, -1, 0))
            async with again:
                await again.seen(1, "cancelled")
                assert again.numbers == [2]
                assert again.sessions[0] is again.events[0]

    run(scenario)


def test_prices_go_on_where_they_were(tmp_path: Path) -> None:
    """The made-up market does not jump back to its start: here it is moved by writing another price down."""

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            async with exchange.client() as client:
                await client.until(lambda: len(client.prices) > 15)  # prices are written down each second
                last = client.prices[-1].last
            await exchange.end(signal.SIGTERM)
            with closing(sqlite3.connect(tmp_path / "store" / "exchange.sqlite")) as database, database:
                database.execute("update price set price = ?", (last + 50.0,))
            await exchange.begin()
            async with exchange.client() as client:
                await client.until(lambda: len(client.prices) > 2)
                assert client.prices[-1].last == pytest.approx(last + 50.0, rel=0.01)

    run(scenario)


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_a_reset_connection_comes_back_and_settles_every_order(tmp_path: Path, delay: float) -> None:
    """Orders that were under way either have reports, or are told never to have arrived."""

    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, Proxy(exchange.port) as proxy:
            proxy.delay = delay
            async with exchange.client(proxy.port) as client:
                number = 0
                for _ in range(5):
                    for _ in range(10):
                        client.take(*range(number + 1, number + 6))
                        number += 5
                        await asyncio.sleep(0.003)
                    proxy.reset()
                    await client.until(lambda: not client.venue.status().up)
                    await client.until(lambda: client.venue.status().up)
                await client.ended(number)
                assert gapless(client.numbers)
                assert client.venue.status().reconnects == 5
                known = {r.order_id for r in client.reports if r.report_id}
                lost = {r.order_id for r in client.reports if not r.report_id}
                assert not known & lost
                account = await client.venue.account()
                assert account.last_report_id == len(client.numbers)

    run(scenario)


def test_a_silent_network_is_noticed_and_what_was_missed_is_delivered_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Exchange(tmp_path) as exchange,
            Proxy(exchange.port) as proxy,
            exchange.client(proxy.port) as client,
        ):
            client.rest(1)
            await client.seen(1, "acknowledged")
            proxy.hole = True
            client.rest(2)
            await client.until(lambda: not client.venue.status().up, 5.0)
            client.rest(3)
            await client.seen(3, "rejected")
            with pytest.raises(VenueError, match="down"):
                await client.venue.account()
            proxy.hole = False
            await client.until(lambda: client.venue.status().up)
            await client.seen(1, "cancelled")
            await client.seen(2, "rejected")
            assert client.numbers == [1, 2]
            assert next(r.reason for r in client.reports if r.order_id == 2).startswith("never_arrived")

    run(scenario)


def test_a_report_behind_a_gap_is_not_delivered_again(tmp_path: Path) -> None:
    """Number 1 was lost on its way and 2 came: after a reset 1 is delivered, and 2 is not."""

    async def scenario() -> None:
        async with (
            Exchange(tmp_path, "--faults") as exchange,
            Proxy(exchange.port) as proxy,
            exchange.client(proxy.port) as client,
        ):
            await client.venue.inject("lost_ack")
            client.take(1)
            await client.seen(1, "filled")
            assert client.numbers == [2]
            proxy.reset()
            await client.seen(1, "acknowledged")
            await client.venue.account()  # whatever else was sent before the answer has come
            assert client.numbers == [2, 1]

    run(scenario)


def test_a_network_that_takes_nothing_is_noticed_too(tmp_path: Path) -> None:
    """Megabytes of orders pile up in front of the signs of life; none of them is worked twice or lost sight of."""

    async def scenario() -> None:
        async with (
            Exchange(tmp_path) as exchange,
            Proxy(exchange.port) as proxy,
            exchange.client(proxy.port) as client,
        ):
            proxy.stuck = True
            for start in range(1, 60_001, 1_000):
                client.take(*range(start, start + 1_000))
            await client.until(lambda: not client.venue.status().up, 5.0)
            proxy.reset()
            proxy.stuck = False
            await client.until(lambda: client.venue.status().up)
            await client.ended(60_000)
            assert gapless(client.numbers)
            known = {r.order_id for r in client.reports if r.report_id}
            assert not known & {r.order_id for r in client.reports if not r.report_id}

    run(scenario)


def test_the_drop_copy_answers_while_the_session_is_silent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path, "--faults") as exchange, exchange.client() as client:
            client.rest(1)
            await client.seen(1, "acknowledged")
            await client.until(lambda: client.venue._copy is not None and client.venue._copy.live)
            await client.venue.inject("blackhole")
            client.rest(2)
            await asyncio.sleep(0.3)
            account = await client.venue.account()
            assert [o.order_id for o in account.open_orders] == [1]
            await client.venue.clear_faults()
            with pytest.raises(VenueError, match="earthquake"):
                await client.venue.inject("earthquake")

    run(scenario)


def test_faults_of_the_exchange_reach_the_client(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path, "--faults") as exchange, exchange.client() as client:
            await client.venue.inject("duplicate_fill")
            client.take(1)
            await client.until(lambda: len(client.reports) == 3)
            assert client.numbers == [1, 2, 2]
            await client.venue.clear_faults()
            await client.venue.inject("lost_ack")
            client.take(2)
            await client.seen(2, "filled")
            assert client.numbers == [1, 2, 2, 4]
            assert [r.report_id for r in await client.venue.reports(2)] == [3, 4]
            await client.venue.clear_faults()
            await client.venue.inject("disconnect", seconds=0.5)
            await client.until(lambda: not client.venue.status().up)
            assert "disconnect" in client.sessions[-1].reason
            await client.until(lambda: client.venue.status().up)
            assert client.numbers == [1, 2, 2, 4]

    run(scenario)


def test_faults_by_command_are_refused_where_they_were_not_allowed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange, exchange.client() as client:
            with pytest.raises(VenueError, match="--faults"):
                await client.venue.inject("blackhole")

    run(scenario)


def test_a_second_client_takes_the_session_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Exchange(tmp_path) as exchange,
            exchange.client(link={"backoff_seconds": 100, "backoff_most_seconds": 100}) as first,
        ):
            first.rest(1)
            await first.seen(1, "acknowledged")
            async with exchange.client() as second:
                await first.until(lambda: not first.venue.status().up)
                assert "taken over" in first.sessions[-1].reason
                second.take(2)
                await second.seen(2, "filled")
                assert [r.kind for r in second.reports if r.order_id == 1] == ["acknowledged", "cancelled"]

    run(scenario)


def test_an_exchange_that_has_lost_its_memory_is_not_traded_at(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            client = exchange.client()
            client.venue.restore(Account("x", {SYMBOL: 1.0}, [], 500, 20, 0))
            await client.venue.start(client.events.extend)
            await client.down("lost its store")
            assert client.events == []
            client.take(1)
            await client.seen(1, "rejected")
            await client.venue.stop()

    run(scenario)


def test_other_instruments_than_the_exchanges_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Exchange(tmp_path) as exchange:
            client = exchange.client(instruments={SYMBOL: {"tick": 0.5, "lot": 0.001}})
            await client.venue.start(client.events.extend)
            await client.down("give both the same venues.yaml")
            await client.venue.stop()

    run(scenario)


def test_the_secret_is_asked_for(tmp_path: Path) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text("open sesame\n")
    wrong.write_text("please\n")

    async def scenario() -> None:
        async with Exchange(tmp_path, "--secret-file", str(secret)) as exchange:
            async with exchange.client(link={"secret_file": str(secret)}) as client:
                assert client.venue.status().up
            for path, reason in (
                (wrong, "expected this exchange's secret"),
                (tmp_path / "none", "secret_file"),
            ):
                client = exchange.client(link={"secret_file": str(path)})
                await client.venue.start(client.events.extend)
                await client.down(reason)
                await client.venue.stop()

    run(scenario)
