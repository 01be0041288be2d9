"""What routes work with, and who is asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.equity_history import Curve
from live.api.memory import LONGEST_KEY
from live.api.roles import NEEDS, Caller, allow
from live.engine import Engine
from live.metrics import Metrics
from workbench.errors import RequestError

__all__ = ["KeyHeader", "Served", "Services", "caller_of", "engine_of", "needs", "reply", "services_of"]


class Services:
    """One of each for an API.  streams: event streams that are open.  curve: of the equity, as far as it is run."""

    def __init__(self, engine: Engine, tokens: Tokens, commands: Commands, metrics: Metrics) -> None:
        self.engine, self.tokens, self.commands, self.metrics = engine, tokens, commands, metrics
        self.streams = 0
        self.curve = Curve(engine)


def services_of(connection: HTTPConnection) -> Services:
    found: Services = connection.app.state.services
    return found


def engine_of(connection: HTTPConnection) -> Engine:
    return services_of(connection).engine


def caller_of(connection: HTTPConnection) -> Caller:
    """Who asks.  Raises RequestError where nobody known does."""
    state = connection.scope["state"]
    if state["denied"] is not None:
        raise state["denied"]
    caller: Caller | None = state["caller"]
    if caller is None:
        raise RequestError("expected Authorization: Bearer TOKEN, found none", "unauthenticated")
    return caller


def needs(action: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, who may do `action`; who may not is written down."""
    assert action in NEEDS

    async def check(request: Request) -> Caller:
        caller = caller_of(request)
        try:
            allow(caller, action)
        except RequestError as error:
            where = f"{request.method} {request.url.path:.100}"
            services_of(request).commands.denials.note(
                caller.person, caller.role.name.lower(), where, str(error)
            )
            raise
        return caller

    check.__dict__["action"] = action
    return check


async def _served(request: Request) -> Services:
    return services_of(request)


Served = Annotated[Services, Depends(_served)]
KeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=LONGEST_KEY,
        description="The same key again gets the first answer, for 24 hours; with another body, 409.",
    ),
]

_encode = msgspec.json.Encoder().encode


def reply(view: Any, status: int = 200) -> Response:
    """An answer as JSON, in which NaN and infinity are null."""
    return Response(_encode(view), status, media_type="application/json")
