"""Before any route: who asks, whether too often, and whether the other side still reads."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from live.api.auth import Tokens
from live.api.buckets import Throttle
from live.api.denials import Denials
from live.api.problems import problem_of
from workbench.errors import RequestError

__all__ = ["Gate"]

_SEND_S: Final = 15.0  # in which a client takes in a piece of an answer
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)


class Gate:
    """Puts `caller` (Caller or None) and `denied` (RequestError or None) into a request's state.

    Each person, and each address without a person, may ask as often as `throttle` says; an address that has used up its
    wrong tokens is still let in with the right one.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, denials: Denials, throttle: Throttle) -> None:
        self._app, self._tokens, self._denials, self._throttle = app, tokens, denials, throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        try:
            self._look_at(scope, state)
        except RequestError as error:
            state["denied"] = error
            if scope["type"] == "http":
                await problem_of(error, scope["path"])(scope, receive, self._guarded(state, send))
                return
        await self._app(scope, receive, self._guarded(state, send))

    def _look_at(self, scope: Scope, state: MutableMapping[str, Any]) -> None:
        """Raises RequestError where it goes no further."""
        address = str((scope.get("client") or ("",))[0])
        state["caller"] = state["denied"] = None
        given = Headers(scope=scope).get("authorization", "")
        if given:
            try:
                state["caller"] = self._tokens.check(_bearer(given))
            except RequestError as error:
                state["denied"] = error
                self._denials.note("", "", f"{scope.get('method', 'WS')} {scope['path']:.100}", str(error))
                if (wait := self._throttle.failures.of(address).take()) > 0.0:
                    raise RequestError(
                        "too many wrong tokens from this address; wait", "too_many", wait
                    ) from error
        caller = state["caller"]
        bucket = self._throttle.calls.of(f"person {caller.person}" if caller else f"address {address}")
        if (wait := bucket.take()) > 0.0:
            raise RequestError("more requests than this engine takes from one caller; wait", "too_many", wait)

    def _guarded(self, state: MutableMapping[str, Any], send: Send) -> Send:
        """`send` with our headers, that gives a client up which does not read."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            try:
                async with asyncio.timeout(_SEND_S):
                    await send(message)
            except TimeoutError:
                if abort := state.get("abort"):
                    abort()
                raise

        return guarded


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise RequestError("expected Authorization: Bearer TOKEN, found another scheme", "unauthenticated")
    return token.strip()
