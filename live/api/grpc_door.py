"""Before any call of gRPC: who asks, whether too often, and with what idempotency key."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import grpc

from live.api.auth import Tokens
from live.api.buckets import Throttle
from live.api.denials import Denials
from live.api.memory import check_key
from live.api.roles import Caller, allow
from workbench.errors import RequestError

__all__ = ["Door"]


class Door:
    """The rules of REST's gate: so many calls a second for each person, few wrong tokens for each address."""

    def __init__(self, tokens: Tokens, denials: Denials, throttle: Throttle) -> None:
        self._tokens, self._denials, self._throttle = tokens, denials, throttle

    def enter(self, context: grpc.aio.ServicerContext[Any, Any], call: str) -> tuple[Caller, str]:
        """Who calls, and the idempotency key ("" for none).  Raises RequestError."""
        metadata = _texts(context)
        address = _address(context.peer())
        try:
            caller = self._tokens.check(_bearer(metadata))
        except RequestError as error:
            self._denials.note("", "", call, str(error))
            if "authorization" in metadata and (wait := self._throttle.failures.of(address).take()) > 0.0:
                raise RequestError(
                    "too many wrong tokens from this address; wait", "too_many", wait
                ) from error
            raise
        if (wait := self._throttle.calls.of(f"person {caller.person}").take()) > 0.0:
            raise RequestError("more calls than this engine takes from one caller; wait", "too_many", wait)
        allow(caller, "read")
        return caller, check_key(metadata.get("idempotency-key", ""))

    def still(self, context: grpc.aio.ServicerContext[Any, Any], caller: Caller) -> None:
        """Look again at the token of a call that lasts.  Raises RequestError where it is good no more."""
        if self._tokens.check(_bearer(_texts(context))).person != caller.person:
            raise RequestError("the token is somebody else's now", "unauthenticated")


def _texts(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    """Metadata that are text; where a key comes twice, both are there, and fit for nothing."""
    found: dict[str, str] = {}
    for key, value in context.invocation_metadata() or ():
        if isinstance(value, str):
            found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _bearer(metadata: dict[str, str]) -> str:
    given = metadata.get("authorization", "")
    if not given:
        raise RequestError("expected authorization: Bearer TOKEN, found none", "unauthenticated")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise RequestError("expected authorization: Bearer TOKEN, found another scheme", "unauthenticated")
    return token.strip()


def _address(peer: str) -> str:
    """An address as REST sees it, without kind and port: `ipv4:127.0.0.1:50000`, `ipv6:%5B::1%5D:50000`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")
