"""Errors as people and programs get them over HTTP: problem documents (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from live.api.answers import ErrorView
from live.api.carrying import request_error
from workbench.errors import RequestError, WorkbenchError

__all__ = ["PROBLEM", "STATUS", "install", "problem", "problem_of"]

PROBLEM: Final = "application/problem+json"
STATUS: Final = {
    "malformed": 400,
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "unknown": 404,
    "conflict": 409,
    "stale": 412,
    "too_large": 413,
    "media": 415,
    "too_many": 429,
    "slow": 408,
    "unavailable": 503,
}
"""HTTP status of each kind of RequestError."""

_UNREAD: Final = ("too_large", "slow", "media")  # the rest of the body is not waited for
_TYPE: Final = "urn:workbench:problem:"
_log = structlog.get_logger("live.api")


def problem(
    status: int, kind: str, detail: str, path: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """A problem document."""
    title = HTTPStatus(status).phrase
    view = ErrorView(f"{_TYPE}{kind}", title, status, detail, path)
    return Response(msgspec.json.encode(view), status, headers=dict(headers or {}), media_type=PROBLEM)


def problem_of(error: RequestError, path: str = "") -> Response:
    """What a refused request is answered."""
    headers = {}
    if error.kind == "unauthenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="trading-engine"'
    if error.kind in _UNREAD:
        headers["Connection"] = "close"
    if error.kind == "too_many":
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_s)))
    return problem(STATUS[error.kind], error.kind, str(error), path, headers)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, WorkbenchError)
        return problem_of(request_error(error), request.url.path)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        headers = dict(error.headers or {})
        return problem(error.status_code, kind, _http_detail(request, error), request.url.path, headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(422, "invalid", f"{where}: {first['msg']}", request.url.path)

    async def fault(request: Request, error: Exception) -> Response:
        _log.error("request_failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
        return problem(
            500, "fault", "the engine could not answer this; its log has the reason", request.url.path
        )

    app.add_exception_handler(WorkbenchError, told)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, fault)


def _http_detail(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path:.200}; /docs lists what there is"
    if error.status_code == 405:
        return f"{request.method} is not possible here"
    return str(error.detail)
