"""Events as they happen, over a WebSocket: numbered, resumable, and never waiting for a slow reader.

Each message is one JSON object {sequence, kind, ns, body}.  The first is of kind `hello`: the newest sequence, and
`run`, which is another after a restart of the engine, whose sequences begin anew.  The last may be of kind `dropped`,
with a reason; whoever wants to go on connects again with ?after= the last sequence seen.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from live.api.problems import problem_of
from live.api.roles import Caller, allow
from live.api.services import caller_of, engine_of, services_of
from live.engine import Event, Subscription
from workbench.errors import RequestError

__all__ = ["KINDS", "router"]

KINDS: Final = ("prices", "signals", "orders", "fills", "alerts", "strategies")
MOST_STREAMS: Final = 64
_LOOK_S: Final = 5.0  # between two looks whether the token is still good
_POLICY, _SLOW, _RESTART = 1008, 1013, 1012
_encode = msgspec.json.Encoder().encode

router = APIRouter()


@router.websocket("/api/v1/stream")
async def stream(socket: WebSocket) -> None:
    try:
        allow(caller_of(socket), "read")
        kinds, after = _wanted(socket)
        if services_of(socket).streams >= MOST_STREAMS:
            raise RequestError(f"{MOST_STREAMS} streams are read already, which is the most", "too_many", 5.0)
    except RequestError as error:
        await socket.send_denial_response(problem_of(error, socket.url.path))
        return
    services = services_of(socket)
    services.streams += 1
    events = engine_of(socket).events
    await socket.accept()
    reader = events.subscribe(kinds, after)
    try:
        await _serve(socket, reader)
    finally:
        events.leave(reader)
        services.streams -= 1


def _wanted(socket: WebSocket) -> tuple[tuple[str, ...], int | None]:
    """Kinds and `after` out of the query.  Raises RequestError (invalid)."""
    query = socket.query_params
    kinds = tuple(word for word in query.get("kinds", "").split(",") if word)
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise RequestError(f"kinds: expected some of {', '.join(KINDS)}, found {unknown[0]!r:.40}", "invalid")
    after = query.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise RequestError(f"after: expected a sequence, found {after!r:.40}", "invalid")
    run = query.get("run", "")
    if after and run and run != str(engine_of(socket).started_ns):
        raise RequestError("the engine was started anew since; begin again without after", "stale")
    return kinds, int(after) if after else None


async def _serve(socket: WebSocket, reader: Subscription) -> None:
    engine = engine_of(socket)
    hello = {"run": str(engine.started_ns), "kinds": sorted(reader.kinds) or list(KINDS)}
    await _send(socket, Event(engine.events.sequence, "hello", engine.clock.now_ns(), hello))
    tasks = [
        asyncio.create_task(_write(socket, reader)),
        asyncio.create_task(_listen(socket)),
        asyncio.create_task(_still_allowed(socket, caller_of(socket))),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    code, reason = next((said for said in ended if isinstance(said, tuple)), (_RESTART, "the engine stops"))
    fault = next((said for said in ended if isinstance(said, Exception) and not _gone(said)), None)
    await _farewell(socket, code, reason)
    if fault is not None:
        raise fault


def _gone(error: BaseException) -> bool:
    """The other side went away, or does not read."""
    return isinstance(error, WebSocketDisconnect | TimeoutError | OSError)


async def _write(socket: WebSocket, reader: Subscription) -> tuple[int, str]:
    """Send until the reader is let go; why it was."""
    while True:
        for event in await reader.next():
            if reader.dropped:
                break
            await _send(socket, event)
        if reader.dropped:
            return _SLOW, reader.dropped


async def _listen(socket: WebSocket) -> tuple[int, str]:
    """Until the client goes; what it says is not looked at."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    return 1000, ""


async def _still_allowed(socket: WebSocket, caller: Caller) -> tuple[int, str]:
    header = socket.headers.get("authorization", "")
    tokens = services_of(socket).tokens
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            if tokens.check(header.partition(" ")[2].strip()).person != caller.person:
                return _POLICY, "the token is somebody else's now"
        except RequestError as error:
            return _POLICY, str(error)


async def _farewell(socket: WebSocket, code: int, reason: str) -> None:
    if socket.client_state is WebSocketState.DISCONNECTED:
        return
    try:
        if reason:
            engine = engine_of(socket)
            said = {"reason": reason}
            await _send(socket, Event(engine.events.sequence, "dropped", engine.clock.now_ns(), said))
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))
    except (WebSocketDisconnect, TimeoutError, RuntimeError, OSError):
        socket.scope["state"]["abort"]()


async def _send(socket: WebSocket, event: Event) -> None:
    await socket.send_text(_encode(event).decode())
