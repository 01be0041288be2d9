"""Whatever stands in a message's fields, a call ends in an answer or an error that was foreseen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.api.generated import trading_pb2 as pb
from tests.live.api.grpc_use import Asked, called, serving

UNFORESEEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
WORDS = st.sampled_from(
    ["", "momentum.py", "momentum", "m-1", "BTC-USD", "a", "b", "hold", "flatten", "trip", "reset", "enable"]
)
TEXTS = WORDS | st.text(max_size=200) | st.text(min_size=900, max_size=1100)
NUMBERS = st.floats() | st.integers(-(2**63), 2**64).map(float)
LIMITS = st.sampled_from(
    [
        "notional_limits",
        "position_limits",
        "drawdown_limits",
        "global",
        "risk_limits",
        "restricted_list",
        "unit",
    ]
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.builds(Value, number_value=NUMBERS)
    | st.builds(Value, string_value=TEXTS)
    | st.builds(Value, bool_value=st.booleans())
    | st.just(Value(null_value=NULL_VALUE))
    | st.just(Value()),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda found: Value(list_value=ListValue(values=found)))
        | st.dictionaries(LIMITS | TEXTS, inner, max_size=4).map(
            lambda found: Value(struct_value=Struct(fields=found))
        )
    ),
    max_leaves=8,
)
STRUCTS = st.dictionaries(LIMITS | TEXTS, VALUES, max_size=5).map(lambda found: Struct(fields=found))


def _field(field: Any) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return STRUCTS
    if field.type == FieldDescriptor.TYPE_STRING:
        return st.lists(TEXTS, max_size=3) if field.is_repeated else TEXTS
    return st.booleans() if field.type == FieldDescriptor.TYPE_BOOL else st.integers(-(2**63), 2**63 - 1)


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Messages of a kind, each field there or not."""
    optional = {field.name: _field(field) for field in kind.DESCRIPTOR.fields}
    return st.fixed_dictionaries({}, optional=optional).map(lambda given: kind(**given))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, asyncio.AbstractEventLoop]]:
    """One engine for all examples, in a loop of its own thread."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    ready: list[Asked] = []
    there, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(folder, requests_per_second=1e6, max_concurrent_strategies=3) as found:
            ready.append(found)
            there.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert there.wait(60)
    yield ready[0], loop
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()


CALLS = {
    "StartStrategy": pb.StartStrategyRequest,
    "StopStrategy": pb.StopStrategyRequest,
    "GetStrategyStatus": pb.StrategyStatusRequest,
    "GetPositions": pb.GetPositionsRequest,
    "SetRiskLimits": pb.RiskLimitsRequest,
    "ForcePositionClose": pb.ForceCloseRequest,
    "EnableCircuitBreaker": pb.CircuitBreakerRequest,
}


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_message_surprises_a_call(
    asked: tuple[Asked, asyncio.AbstractEventLoop], name: str, data: st.DataObject
) -> None:
    a, loop = asked
    request = data.draw(messages(CALLS[name]))
    key = data.draw(st.sampled_from(["", "k", "another"]))

    async def ask() -> tuple[grpc.StatusCode, str]:
        stub: Any = a.trading if hasattr(a.trading, name) else a.risk
        return await called(getattr(stub, name)(request, metadata=a.by("admin", key), timeout=60))

    code, text = asyncio.run_coroutine_threadsafe(ask(), loop).result(90)
    assert code not in UNFORESEEN, text
    assert "\n" not in text
    assert a.engine.state == "running"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request_=messages(pb.StreamEventsRequest))
def test_no_message_surprises_the_stream(
    asked: tuple[Asked, asyncio.AbstractEventLoop], request_: pb.StreamEventsRequest
) -> None:
    a, loop = asked

    async def ask() -> grpc.StatusCode:
        call = a.trading.StreamEvents(request_, metadata=a.by("viewer"))
        try:
            await call.read()
            call.cancel()
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    assert asyncio.run_coroutine_threadsafe(ask(), loop).result(30) not in UNFORESEEN
