"""Errors as gRPC has them: a status code, one line, and details that a program can read."""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status.rpc_status import to_status

from workbench.errors import RequestError

__all__ = ["CODES", "DOMAIN", "rich_status"]

DOMAIN: Final = "trading-engine"
_LONGEST: Final = 1_000  # characters: trailing metadata have a bound, and the message goes there twice

CODES: Final = {
    "malformed": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "forbidden": grpc.StatusCode.PERMISSION_DENIED,
    "unknown": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.FAILED_PRECONDITION,
    "stale": grpc.StatusCode.ABORTED,
    "too_large": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "media": grpc.StatusCode.INVALID_ARGUMENT,
    "too_many": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "slow": grpc.StatusCode.DEADLINE_EXCEEDED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
}
"""Status code of each kind of RequestError."""


def rich_status(error: RequestError, code: grpc.StatusCode | None = None, **metadata: str) -> grpc.Status:
    """The status of an error, with its kind as the reason of an ErrorInfo; code: another one than its kind has."""
    found = CODES[error.kind] if code is None else code
    number: int = found.value[0]  # pairs of number and name
    details: list[Message] = [ErrorInfo(reason=error.kind.upper(), domain=DOMAIN, metadata=metadata)]
    if error.retry_s > 0.0:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(max(1, round(error.retry_s * 1000)))
        details.append(retry)
    text = "".join(sign if sign.isprintable() else "?" for sign in str(error)[:_LONGEST])
    status = Status(code=number, message=text)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    answer: grpc.Status = to_status(status)
    return answer
