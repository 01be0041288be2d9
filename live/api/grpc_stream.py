"""Events over gRPC: one reader, who is written to as fast as he reads, and let go where he does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
import msgspec

from live.api.generated import trading_pb2 as pb
from live.api.stream import KINDS, MOST_STREAMS
from live.engine import Engine, Event
from workbench.errors import RequestError

__all__ = ["EventWriter", "Streams", "code_of"]

LOOK_S: Final = 5.0  # between two looks whether a token is still good
STALLED_S: Final = 10.0  # a reader who takes in nothing for so long is let go
_GONE: Final = "not kept"


class Streams:
    """Streams that are open, those included whose end is not taken in."""

    def __init__(self) -> None:
        self.open = 0

    def __enter__(self) -> None:
        """Raises RequestError where there are too many."""
        if self.open >= MOST_STREAMS:
            raise RequestError(f"{MOST_STREAMS} streams are read already, which is the most", "too_many", 5.0)
        self.open += 1

    def __exit__(self, *_: object) -> None:
        self.open -= 1


class EventWriter:
    """Writes events into one call.

    A write that was begun is never given up, since nothing, not even the reason, can be written behind it then: who
    does not read is taken off the stream at once, and finds the reason when he does.
    """

    def __init__(
        self, engine: Engine, request: pb.StreamEventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        """Raises RequestError for kinds that there are not, and for a place that cannot be."""
        if unknown := sorted(set(request.kinds) - set(KINDS)):
            raise RequestError(
                f"kinds: expected some of {', '.join(KINDS)}, found {unknown[0]!r:.40}", "invalid"
            )
        after = request.after if request.HasField("after") else None
        if after is not None and after < 0:
            raise RequestError(f"after: expected a sequence, found {after}", "invalid")
        if after is not None and request.run not in ("", str(engine.started_ns)):
            raise RequestError("the engine was started anew since; begin again without after", "stale")
        self._engine, self._context = engine, context
        self._reader = engine.events.subscribe(request.kinds, after)
        self._why: RequestError | None = None

    async def run(self, still: Callable[[], None]) -> None:
        """Write until the reader goes.

        still: raises RequestError where he may read no more.  Raises RequestError with why he was let go.
        """
        watching = asyncio.create_task(self._watch(still))
        try:
            await self._write_all()
        finally:
            watching.cancel()
            self._engine.events.leave(self._reader)

    async def _watch(self, still: Callable[[], None]) -> None:
        while self._why is None:
            await asyncio.sleep(LOOK_S)
            try:
                still()
            except RequestError as error:
                self._let_go(error)

    def _let_go(self, why: RequestError) -> None:
        self._why = why
        self._engine.events.leave(self._reader)
        self._reader.drop(str(why))

    async def _write_all(self) -> None:
        engine, reader = self._engine, self._reader
        hello = {"run": str(engine.started_ns), "kinds": sorted(reader.kinds) or list(KINDS)}
        events = [Event(engine.events.sequence, "hello", engine.clock.now_ns(), hello)]
        while True:
            for event in events:
                if reader.dropped:
                    break
                await self._write(event)
            if reader.dropped:
                raise self._why or RequestError(reader.dropped, "too_many")
            events = await reader.next()

    async def _write(self, event: Event) -> None:
        body = msgspec.json.encode(event.body).decode()
        message = pb.Event(sequence=event.sequence, kind=event.kind, ns=event.ns, body=body)
        writing = asyncio.ensure_future(self._context.write(message))
        done, _ = await asyncio.wait([writing], timeout=STALLED_S)
        if not done:
            self._let_go(RequestError(f"nothing was taken in for {STALLED_S:g} s", "too_many"))
        await writing


def code_of(error: RequestError) -> grpc.StatusCode | None:
    """Another code than the kind of the error has, for a place in the stream that is gone."""
    return grpc.StatusCode.OUT_OF_RANGE if _GONE in str(error) else None
