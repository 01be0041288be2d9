"""Bodies of requests: so many bytes, in time, of the right type, and what they say."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect

from workbench.errors import RequestError

__all__ = ["LARGEST", "media_of", "read_body", "read_bytes"]

LARGEST: Final = 64 * 1024  # bytes of an ordinary body
_BODY_S: Final = 10.0


async def read_body[T](request: Request, kind: type[T], largest: int = LARGEST) -> T:
    """The body as `kind`.  Raises RequestError."""
    media = media_of(request)
    if media != "application/json":
        raise RequestError(
            f"expected a body of type application/json, found {media or 'none'!r:.80}", "media"
        )
    data = await read_bytes(request, largest)
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise RequestError(f"{error}", "invalid") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"expected JSON in UTF-8, found something else: {error}", "malformed") from error


def media_of(request: Request) -> str:
    """The media type of the body, in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_bytes(request: Request, largest: int) -> bytes:
    """The body's bytes.  Raises RequestError where it is packed, too large or too slow."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError("a packed body is not read; send it as it is", "media")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:18]) > largest:
        raise _too_large(largest)
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                data += part
                if len(data) > largest:
                    raise _too_large(largest)
    except TimeoutError as error:
        raise RequestError(f"the body was not there within {_BODY_S:g} s", "slow") from error
    except ClientDisconnect as error:
        raise RequestError("the body ended too early", "malformed") from error
    return bytes(data)


def _too_large(largest: int) -> RequestError:
    return RequestError(f"a body may have {largest:,} bytes here, found more", "too_large")
