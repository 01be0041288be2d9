"""What OpenAPI says of each route, out of the structs that it takes and answers with."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from live.api.answers import ErrorView
from live.api.problems import PROBLEM, STATUS
from workbench import __version__

__all__ = ["answers", "install", "takes", "text"]

_TEMPLATE: Final = "#/components/schemas/{name}"
_REASONS: Final = {
    400: "The body cannot be read.",
    401: "No token, or one that is not in force.",
    403: "The role of the token is too low.",
    404: "What is named is not there.",
    408: "The body took too long.",
    409: "Not possible as things are, or the idempotency key came with another request.",
    412: "Other limits are in force than those that were read.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "Something is not as it must be.",
    429: "Too many requests; Retry-After says when to come again.",
    503: "The engine cannot do that now.",
}
_ABOUT: Final = """\
The live engine. Money is quote currency, quantities are units, times are UTC nanoseconds, shares are fractions.
A figure that is not known, and a limit that is off, is null. Errors are problem documents (RFC 9457). Requests that
change something take an `Idempotency-Key`. Events come over a WebSocket at `/api/v1/stream`.
"""
_answered: set[type] = {ErrorView}
_taken: set[type] = set()


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def answers(kind: type, *refusals: str, status: int = 200, open_to_all: bool = False) -> dict[str, Any]:
    """Arguments of a route that answers with `kind`, or refuses for one of these kinds of RequestError."""
    _answered.add(kind)
    codes = {STATUS[name] for name in (*refusals, "too_many", "invalid")}
    if not open_to_all:
        codes |= {401, 403}
    problems: dict[int | str, Any] = {
        code: {"description": _REASONS[code], "content": {PROBLEM: {"schema": _ref(ErrorView)}}}
        for code in sorted(codes)
    }
    said = {
        "description": (kind.__doc__ or kind.__name__).strip(),
        "content": {"application/json": {"schema": _ref(kind)}},
    }
    more: dict[str, Any] = {} if open_to_all else {"security": [{"bearer": []}]}
    return {
        "responses": {status: said, **problems},
        "status_code": status,
        "response_model": None,
        "openapi_extra": more,
    }


def text(media: str) -> dict[str, Any]:
    """Arguments of a route that answers with text."""
    found = answers(ErrorView)
    found["responses"][200] = {"description": "Text.", "content": {media: {"schema": {"type": "string"}}}}
    return found


BODY: Final = ("malformed", "too_large", "media", "slow", "unavailable", "conflict")
"""What a route that takes a body may refuse it for."""


def takes(kind: type, answer: type, *refusals: str, status: int = 200) -> dict[str, Any]:
    """Arguments of a route that takes `kind` and answers with `answer`."""
    _taken.add(kind)
    found = answers(answer, *BODY, *refusals, status=status)
    content = {"application/json": {"schema": _ref(kind)}}
    found["openapi_extra"] = {**found["openapi_extra"], "requestBody": {"required": True, "content": content}}
    return found


def install(app: FastAPI) -> None:
    """Let `app` describe itself with these schemas."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(
                get_openapi(title=app.title, version=__version__, description=_ABOUT, routes=app.routes)
            )
            parts = made.setdefault("components", {})
            schemas: dict[str, Any] = {}
            for kinds, nullable in ((_answered, True), (_taken, False)):
                _, found = msgspec.json.schema_components(
                    sorted(kinds, key=lambda k: k.__name__), ref_template=_TEMPLATE
                )
                for name, schema in found.items():
                    schemas.setdefault(name, _nullable(schema) if nullable else schema)
            parts["schemas"] = dict(sorted(schemas.items()))
            parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it


def _nullable(schema: Any) -> Any:
    """Figures of answers may be null."""
    if isinstance(schema, dict):
        changed = {key: _nullable(value) for key, value in schema.items()}
        if changed.get("type") == "number":
            changed["type"] = ["number", "null"]
        return changed
    if isinstance(schema, list):
        return [_nullable(part) for part in schema]
    return schema
