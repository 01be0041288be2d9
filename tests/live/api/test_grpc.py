"""gRPC, asked over loopback: answers, roles, errors, limits, keys, health, reflection, and slow readers."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from live.api import grpc_server, grpc_services, grpc_stream, views
from live.api.generated import trading_pb2 as pb
from live.api.roles import Role
from tests.live.api.grpc_use import Asked, called, reason_of, serving
from tests.live.engine.desk import until

OK, DENIED = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED
Calls = dict[str, tuple[Callable[[Asked], Any], Any, str]]

# Call: its method, a request that changes nothing, and the lowest role that gets so far.
CALLS: Calls = {
    "StartStrategy": (lambda a: a.trading.StartStrategy, pb.StartStrategyRequest(script="none.py"), "trader"),
    "StopStrategy": (lambda a: a.trading.StopStrategy, pb.StopStrategyRequest(strategy_id="none"), "trader"),
    "GetStrategyStatus": (
        lambda a: a.trading.GetStrategyStatus,
        pb.StrategyStatusRequest(strategy_id="none"),
        "viewer",
    ),
    "ListActiveStrategies": (
        lambda a: a.trading.ListActiveStrategies,
        pb.ListStrategiesRequest(),
        "viewer",
    ),
    "GetPositions": (lambda a: a.trading.GetPositions, pb.GetPositionsRequest(), "viewer"),
    "GetPortfolio": (lambda a: a.trading.GetPortfolio, pb.GetPortfolioRequest(), "viewer"),
    "SetRiskLimits": (lambda a: a.risk.SetRiskLimits, pb.RiskLimitsRequest(), "risk"),
    "GetRiskStatus": (lambda a: a.risk.GetRiskStatus, pb.RiskStatusRequest(), "viewer"),
    "ForcePositionClose": (
        lambda a: a.risk.ForcePositionClose,
        pb.ForceCloseRequest(reason="a test", strategy_id="none"),
        "risk",
    ),
    "trip": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(action="trip", reason="a test", strategy_id="none"),
        "trader",
    ),
    "reset": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(action="reset", reason="a test", strategy_id="none"),
        "risk",
    ),
    "enable": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(action="enable", reason="a test"),
        "risk",
    ),
    "disable": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(action="disable", reason="a test", strategy_id="none"),
        "admin",
    ),
}


def run(tmp_path: Path, work: Callable[[Asked], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with serving(tmp_path, **settings) as asked:
            await work(asked)

    asyncio.run(whole())


def test_a_strategy_is_started_read_and_stopped(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        request = pb.StartStrategyRequest(script="momentum.py", strategy_id="m-1")
        request.config.update({"lookback": 20, "unit": {"BTC-USD": 0.01}})
        answer = await a.trading.StartStrategy(request, metadata=a.by("trader"))
        assert (answer.strategy_id, answer.strategy_name, answer.state) == (
            "m-1",
            "MomentumStrategy",
            "running",
        )
        status = await a.trading.GetStrategyStatus(
            pb.StrategyStatusRequest(strategy_id="m-1"), metadata=a.by("viewer")
        )
        assert (status.state, status.person, status.source_hash) == (
            "running",
            "trader person",
            answer.source_hash,
        )
        assert a.engine.machine.strategies["m-1"].config["lookback"] == 20
        assert isinstance(a.engine.machine.strategies["m-1"].config["lookback"], int)
        listed = await a.trading.ListActiveStrategies(pb.ListStrategiesRequest(), metadata=a.by("viewer"))
        assert [one.strategy_id for one in listed.strategies] == ["m-1"]
        stop = pb.StopStrategyRequest(strategy_id="m-1", reason="enough")
        answer = await a.trading.StopStrategy(stop, metadata=a.by("trader"))
        assert (answer.state, answer.message) == ("stopped", "enough")
        listed = await a.trading.ListActiveStrategies(pb.ListStrategiesRequest(), metadata=a.by("viewer"))
        assert not listed.strategies

    run(tmp_path, work)


def test_every_call_asks_for_its_role(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        for name, (method, request, lowest) in CALLS.items():
            for role in Role:
                code, _ = await called(method(a)(request, metadata=a.by(role.name.lower())))
                assert (code == DENIED) == (role < Role[lowest.upper()]), (name, role, code)
            code, _ = await called(method(a)(request))
            assert code == grpc.StatusCode.UNAUTHENTICATED, name
        services = pb.DESCRIPTOR.services_by_name.values()
        calls = {method.name for service in services for method in service.methods}
        assert calls - set(CALLS) == {"StreamEvents", "EnableCircuitBreaker"}

    run(tmp_path, work)


def test_denied_calls_are_in_the_audit_log(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        await called(a.risk.SetRiskLimits(pb.RiskLimitsRequest(), metadata=a.by("viewer")))
        await until(lambda: a.engine.machine.audit)
        line = a.engine.machine.audit[-1]
        assert (line.person, line.action, line.outcome) == ("viewer person", "risk.limits", "denied")

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "found none"),
        ("Basic abc", "another scheme"),
        ("Bearer wrong", "found another"),
        ("Bearer", "found another"),
    ],
)
def test_a_caller_without_a_good_token_is_told_so(tmp_path: Path, header: str, says: str) -> None:
    async def work(a: Asked) -> None:
        metadata = (("authorization", header),) if header else ()
        call = a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=metadata)
        code, text = await called(call)
        assert code == grpc.StatusCode.UNAUTHENTICATED
        assert says in text

    run(tmp_path, work)


def test_guessing_tokens_is_slowed_down_and_the_right_one_still_gets_in(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        wrong = (("authorization", "Bearer wrong"),)
        codes = [
            (await called(a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=wrong)))[0]
            for _ in range(15)
        ]
        assert codes[0] == grpc.StatusCode.UNAUTHENTICATED
        assert codes[-1] == grpc.StatusCode.RESOURCE_EXHAUSTED
        good = a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=a.by("viewer"))
        assert (await called(good))[0] == OK

    run(tmp_path, work)


def test_too_many_calls_are_turned_away_with_the_time_to_wait(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        calls = [a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=a.by("viewer")) for _ in range(30)]
        codes = [(await called(call))[0] for call in calls]
        assert OK in codes
        assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes
        late = next(call for call, code in zip(calls, codes, strict=True) if code != OK)
        assert await reason_of(late) == "TOO_MANY"
        assert (await called(a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=a.by("risk"))))[
            0
        ] == OK

    run(tmp_path, work, requests_per_second=5.0)


def _limits(**limits: Any) -> pb.RiskLimitsRequest:
    request = pb.RiskLimitsRequest(reason="a test")
    request.limits.update(limits)
    return request


def _start(script: str, **config: Any) -> pb.StartStrategyRequest:
    request = pb.StartStrategyRequest(script=script)
    request.config.update(config)
    return request


ERRORS: dict[str, tuple[Callable[[Asked], Any], Any, grpc.StatusCode, str, str]] = {
    "unknown strategy": (
        lambda a: a.trading.GetStrategyStatus,
        pb.StrategyStatusRequest(strategy_id="x"),
        grpc.StatusCode.NOT_FOUND,
        "UNKNOWN",
        "no strategy 'x' was started",
    ),
    "no script": (
        lambda a: a.trading.StartStrategy,
        pb.StartStrategyRequest(),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "script",
    ),
    "no such script": (
        lambda a: a.trading.StartStrategy,
        _start("none.py"),
        grpc.StatusCode.NOT_FOUND,
        "UNKNOWN",
        "no strategy 'none.py' is available",
    ),
    "a parameter that there is not": (
        lambda a: a.trading.StartStrategy,
        _start("momentum.py", speed=3),
        grpc.StatusCode.FAILED_PRECONDITION,
        "CONFLICT",
        "speed",
    ),
    "no number": (
        lambda a: a.trading.StartStrategy,
        _start("momentum.py", entry=math.nan),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "config.entry: expected a finite number",
    ),
    "neither hold nor flatten": (
        lambda a: a.trading.StartStrategy,
        pb.StartStrategyRequest(script="momentum.py", on_failure="panic"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "panic",
    ),
    "no action": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(reason="a test"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "action",
    ),
    "no reason": (
        lambda a: a.risk.EnableCircuitBreaker,
        pb.CircuitBreakerRequest(action="trip"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "expected a reason",
    ),
    "a limit of the wrong sign": (
        lambda a: a.risk.SetRiskLimits,
        _limits(drawdown_limits={"daily_loss": 5}),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "daily_loss",
    ),
    "a limit that there is not": (
        lambda a: a.risk.SetRiskLimits,
        _limits(max_fun=5),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID",
        "max_fun",
    ),
    "limits that were changed since": (
        lambda a: a.risk.SetRiskLimits,
        pb.RiskLimitsRequest(tag="0000"),
        grpc.StatusCode.ABORTED,
        "STALE",
        "read them again",
    ),
    "a market that there is not": (
        lambda a: a.risk.ForcePositionClose,
        pb.ForceCloseRequest(symbol="DOGE-USD", reason="a test"),
        grpc.StatusCode.NOT_FOUND,
        "UNKNOWN",
        "DOGE-USD",
    ),
}


def test_errors_have_a_code_a_reason_and_one_line(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        for name, (method, request, code, reason, says) in ERRORS.items():
            call = method(a)(request, metadata=a.by("admin"))
            found, text = await called(call)
            assert (found, await reason_of(call)) == (code, reason), (name, text)
            assert says in text, name
            assert "\n" not in text

    run(tmp_path, work)


def test_the_same_key_is_carried_out_once_and_another_request_is_a_conflict(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        request = _limits(notional_limits={"per_strategy": 50_000})
        one = await a.risk.SetRiskLimits(request, metadata=a.by("risk", "k-1"))
        two = await a.risk.SetRiskLimits(request, metadata=a.by("risk", "k-1"))
        assert one == two
        assert list(one.changed) == ["notional_limits.per_strategy"]
        other = _limits(notional_limits={"per_strategy": 60_000})
        call = a.risk.SetRiskLimits(other, metadata=a.by("risk", "k-1"))
        assert (await called(call))[0] == grpc.StatusCode.FAILED_PRECONDITION
        done = [line for line in a.engine.machine.audit if line.action == "risk.limits"]
        assert [line.outcome for line in done] == ["done"]
        bad = a.risk.SetRiskLimits(request, metadata=a.by("risk", "x" * 200))
        assert (await called(bad))[0] == grpc.StatusCode.INVALID_ARGUMENT

    run(tmp_path, work)


def test_breakers_are_tripped_and_reset(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        trip = pb.CircuitBreakerRequest(action="trip", reason="a test")
        answer = await a.risk.EnableCircuitBreaker(trip, metadata=a.by("trader"))
        assert list(answer.halted) == ["manual"]
        status = await a.risk.GetRiskStatus(pb.RiskStatusRequest(), metadata=a.by("viewer"))
        assert (status.status, list(status.halted)) == ("halted", ["manual"])
        reset = pb.CircuitBreakerRequest(action="reset", reason="looked into")
        answer = await a.risk.EnableCircuitBreaker(reset, metadata=a.by("risk"))
        assert not answer.halted
        off = pb.CircuitBreakerRequest(action="disable", reason="a drill")
        assert not (await a.risk.EnableCircuitBreaker(off, metadata=a.by("admin"))).enabled
        assert not a.engine.machine.desk.limits.enable_circuit_breakers

    run(tmp_path, work)


def test_positions_are_closed_by_force(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        await a.trading.StartStrategy(_start("momentum.py", lookback=5, entry=0.1), metadata=a.by("trader"))

        async def positions() -> Any:
            request = pb.GetPositionsRequest(strategy_id="momentum")
            return (await a.trading.GetPositions(request, metadata=a.by("viewer"))).positions

        async with asyncio.timeout(20):
            while not await positions():
                await asyncio.sleep(0.02)
        await a.trading.StopStrategy(pb.StopStrategyRequest(strategy_id="momentum"), metadata=a.by("trader"))
        held = await positions()
        close = pb.ForceCloseRequest(strategy_id="momentum", reason="a test")
        answer = await a.risk.ForcePositionClose(close, metadata=a.by("risk"))
        assert len(answer.orders) == len(held) > 0
        async with asyncio.timeout(10):
            while await positions():
                await asyncio.sleep(0.02)

    run(tmp_path, work)


def test_requests_of_more_than_a_bound_are_turned_away(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        large = pb.StopStrategyRequest(strategy_id="x", reason="y" * (grpc_server.LARGEST_REQUEST + 1))
        code, _ = await called(a.trading.StopStrategy(large, metadata=a.by("trader")))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        long = pb.StopStrategyRequest(strategy_id="x", reason="y" * 2000)
        code, _ = await called(a.trading.StopStrategy(long, metadata=a.by("trader")))
        assert code == grpc.StatusCode.INVALID_ARGUMENT

    run(tmp_path, work)


def test_a_deadline_ends_the_wait_and_not_the_command(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        start = _start("momentum.py")
        call = a.trading.StartStrategy(start, metadata=a.by("trader", "once"), timeout=0.001)
        assert (await called(call))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
        answer = await a.trading.StartStrategy(start, metadata=a.by("trader", "once"))
        assert answer.state == "running"
        starts = [line for line in a.engine.machine.audit if line.action == "strategy.start"]
        assert len(starts) == 1

    run(tmp_path, work)


def test_who_sets_no_deadline_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_services, "LONGEST_CALL_S", 0.2)

    async def work(a: Asked) -> None:
        async def never(*_: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(a.commands, "start", never)
        call = a.trading.StartStrategy(_start("momentum.py"), metadata=a.by("trader"))
        assert (await called(call))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
        assert await reason_of(call) == "SLOW"

    run(tmp_path, work)


def test_a_mistake_of_the_engine_is_told_without_its_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(a: Asked) -> None:
        def broken(_: object) -> None:
            raise ZeroDivisionError("secret 42")

        monkeypatch.setattr(views, "portfolio", broken)
        call = a.trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=a.by("viewer"))
        code, text = await called(call)
        assert code == grpc.StatusCode.INTERNAL
        assert "secret" not in text
        assert await reason_of(call) == "FAULT"

    run(tmp_path, work)


# --- health and reflection -------------------------------------------------------------------------------------------


def test_health_says_whether_the_engine_records(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        stub = health_pb2_grpc.HealthStub(a.channel)
        request = health_pb2.HealthCheckRequest(service="trading.v1.TradingService")
        assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        a.engine._halted("the disk is full")
        async with asyncio.timeout(5):
            while (await stub.Check(request)).status != health_pb2.HealthCheckResponse.NOT_SERVING:
                await asyncio.sleep(0.05)
        unknown = stub.Check(health_pb2.HealthCheckRequest(service="trading.v1.None"))
        assert (await called(unknown))[0] == grpc.StatusCode.NOT_FOUND

    run(tmp_path, work)


def test_reflection_lists_the_services(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        stub = reflection_pb2_grpc.ServerReflectionStub(a.channel)

        async def ask() -> AsyncIterator[Any]:
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            yield reflection_pb2.ServerReflectionRequest(file_containing_symbol="trading.v1.RiskService")

        answers = [answer async for answer in stub.ServerReflectionInfo(ask())]
        names = {service.name for service in answers[0].list_services_response.service}
        assert names >= {"trading.v1.TradingService", "trading.v1.RiskService", "grpc.health.v1.Health"}
        assert answers[1].file_descriptor_response.file_descriptor_proto

    run(tmp_path, work)


# --- events ----------------------------------------------------------------------------------------------------------


def test_events_come_numbered_and_go_on_where_a_reader_left(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        call = a.trading.StreamEvents(pb.StreamEventsRequest(kinds=["prices"]), metadata=a.by("viewer"))
        hello = await call.read()
        assert hello.kind == "hello"
        first = [await call.read() for _ in range(5)]
        call.cancel()
        assert {event.kind for event in first} == {"prices"}
        assert json.loads(first[0].body).keys() >= {"symbol", "venue", "bid", "ask", "timestamp_ns"}
        await asyncio.sleep(0.2)
        again = pb.StreamEventsRequest(
            kinds=["prices"], after=first[-1].sequence, run=json.loads(hello.body)["run"]
        )
        call = a.trading.StreamEvents(again, metadata=a.by("viewer"))
        await call.read()
        rest = [await call.read() for _ in range(5)]
        call.cancel()
        numbers = [event.sequence for event in (*first, *rest)]
        assert numbers == list(range(numbers[0], numbers[0] + 10))
        await until(lambda: a.engine.events.readers == 0)

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pb.StreamEventsRequest(kinds=["gossip"]), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.StreamEventsRequest(after=-1), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.StreamEventsRequest(after=10**9), grpc.StatusCode.OUT_OF_RANGE),
        (pb.StreamEventsRequest(after=0, run="yesterday"), grpc.StatusCode.ABORTED),
    ],
    ids=["no such kind", "before the first", "not there yet", "another run"],
)
def test_a_place_that_cannot_be_is_refused(
    tmp_path: Path, request_: pb.StreamEventsRequest, code: grpc.StatusCode
) -> None:
    async def work(a: Asked) -> None:
        call = a.trading.StreamEvents(request_, metadata=a.by("viewer"))
        with pytest.raises(grpc.aio.AioRpcError) as told:
            async for _ in call:
                pass
        assert told.value.code() == code

    run(tmp_path, work)


def test_a_reader_without_a_token_gets_no_events(tmp_path: Path) -> None:
    async def work(a: Asked) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await a.trading.StreamEvents(pb.StreamEventsRequest()).read()
        assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert a.engine.events.readers == 0

    run(tmp_path, work)


def test_a_token_that_is_revoked_ends_its_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_stream, "LOOK_S", 0.1)

    async def work(a: Asked) -> None:
        call = a.trading.StreamEvents(pb.StreamEventsRequest(), metadata=a.by("viewer"))
        events = aiter(call)
        await anext(events)
        (mine,) = (token.id for token in a.keys.all() if token.person == "viewer person")
        a.keys.revoke(mine)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            async for _ in events:
                pass
        assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED

    run(tmp_path, work)


def test_a_slow_reader_is_let_go_with_a_reason_and_the_others_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_stream, "STALLED_S", 1.0)

    async def work(a: Asked) -> None:
        slow = aiter(
            a.trading.StreamEvents(pb.StreamEventsRequest(kinds=["alerts"]), metadata=a.by("viewer"))
        )
        await anext(slow)
        quick = aiter(a.trading.StreamEvents(pb.StreamEventsRequest(kinds=["alerts"]), metadata=a.by("risk")))
        await anext(quick)
        seen = 0

        async def read_on() -> None:
            nonlocal seen
            async for event in quick:
                seen = event.sequence

        reading = asyncio.create_task(read_on())
        text, begun = "x" * 4000, time.monotonic()
        while a.engine.events.readers == 2:
            assert time.monotonic() - begun < 30, "a reader that does not read was never let go"
            for _ in range(20):
                a.engine.events.publish("alerts", 1, {"alert": text})
            await asyncio.sleep(0.02)
        a.engine.events.publish("alerts", 1, {"alert": "the last"})
        newest = a.engine.events.sequence
        await until(lambda: seen >= newest)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            async for _ in slow:
                pass
        assert told.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert re.search("events behind|nothing was taken in", told.value.details() or "")
        reading.cancel()

    run(tmp_path, work)


def test_a_reader_who_takes_in_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_stream, "STALLED_S", 0.5)

    async def work(a: Asked) -> None:
        call = aiter(
            a.trading.StreamEvents(pb.StreamEventsRequest(kinds=["alerts"]), metadata=a.by("viewer"))
        )
        await anext(call)
        begun = time.monotonic()
        while a.engine.events.readers:
            assert time.monotonic() - begun < 20
            a.engine.events.publish("alerts", 1, {"alert": "x" * 100_000})
            await asyncio.sleep(0.02)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            async for _ in call:
                pass
        assert told.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    run(tmp_path, work)
