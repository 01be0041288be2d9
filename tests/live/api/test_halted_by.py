"""A strategy that runs and may not trade says so, and by what it is kept from it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from live.api.commands import Commands
from live.api.generated import trading_pb2 as pb
from live.api.generated.trading_pb2_grpc import TradingServiceStub
from live.api.grpc_server import GrpcServer
from tests.live.api.server import Served

EVERYTHING = {"scope": "all", "reason": "a drill"}


@pytest.fixture(scope="module", autouse=True)
def runs(served: Served) -> None:
    answer = served.client.post("/api/v1/strategies/start", json={"script": "quiet", "strategy_id": "m"})
    assert answer.status_code == 200, answer.text


def told(served: Served) -> tuple[str, str]:
    """State of `m` and what keeps it from trading, which its status and the list say alike."""
    status = served.client.get("/api/v1/strategies/m/status").json()
    (line,) = served.client.get("/api/v1/strategies/active").json()["strategies"]
    shown = [(found["state"], found["halted_by"]) for found in (status, line)]
    assert shown[0] == shown[1]
    return shown[0]


def post(served: Served, path: str, body: dict[str, Any]) -> None:
    answer = served.client.post(f"/api/v1/risk/{path}", json=body)
    assert answer.status_code == 200, answer.text


def test_what_trades_is_kept_by_nothing(served: Served) -> None:
    assert told(served) == ("running", "")


def test_a_kill_of_everything_is_told_by_each_strategy(served: Served) -> None:
    post(served, "kill", EVERYTHING)
    assert told(served) == ("running", "kill switch (everything)")
    post(served, "kill/reset", EVERYTHING)
    assert told(served) == ("running", "")


def test_breakers_of_the_portfolio_and_its_own_are_told_apart(served: Served) -> None:
    for strategy_id in ("m", ""):
        trip = {"action": "trip", "reason": "a drill", "strategy_id": strategy_id}
        post(served, "circuit-breaker", trip)
    post(served, "kill", {"scope": "strategy", "target": "m", "reason": "a drill"})
    assert told(served) == ("running", "kill switch, manual, manual (everything)")
    post(served, "circuit-breaker", {"action": "reset", "reason": "looked into"})  # of strategies as well
    assert told(served) == ("running", "kill switch")
    post(served, "kill/reset", {"scope": "strategy", "target": "m", "reason": "looked into"})
    assert told(served) == ("running", "")


def test_a_venue_that_is_killed_is_told(served: Served) -> None:
    venue = next(iter(served.engine.sessions.venues))
    post(served, "kill", {"scope": "venue", "target": venue, "reason": "a drill"})
    assert told(served) == ("running", f"venue {venue} is halted")
    post(served, "kill/reset", {"scope": "venue", "target": venue, "reason": "looked into"})
    assert told(served) == ("running", "")


def test_a_halted_engine_trades_for_nobody(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.engine, "state", "halted")
    assert told(served) == ("running", "the engine is halted")


def test_grpc_says_it_too(served: Served) -> None:
    async def ask() -> tuple[str, str]:
        commands = Commands(served.engine)
        server = GrpcServer(served.engine, commands, served.tokens)
        port = await server.start()
        who = (("authorization", f"Bearer {served.admin}"),)
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = TradingServiceStub(channel)
                status = await stub.GetStrategyStatus(pb.StrategyStatusRequest(strategy_id="m"), metadata=who)
                listed = await stub.ListActiveStrategies(pb.ListStrategiesRequest(), metadata=who)
                return status.halted_by, listed.strategies[0].halted_by
        finally:
            await asyncio.gather(server.stop(0.5), commands.finish())

    post(served, "kill", EVERYTHING)
    assert served.call(ask()) == ("kill switch (everything)", "kill switch (everything)")
    post(served, "kill/reset", EVERYTHING)
