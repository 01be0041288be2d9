"""JSON that has exactly one way to be written: bytes are signed, and two readers must not see two things in them.

Keys in order of their code points, no space, ASCII with escapes, the shortest digits of a float, no NaN or infinity.
Who reads takes nothing else: a key given twice, bytes behind the end, another spelling of a number are all refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from workbench.errors import CertificateError

__all__ = ["LARGEST", "canonical", "read_canonical", "storable"]

LARGEST: Final = 1_000_000  # bytes
_DEEPEST: Final = 32


def canonical(value: Any) -> bytes:
    """The one way to write plain values or msgspec Structs.  Raises CertificateError on what JSON cannot hold."""
    try:
        plain = msgspec.to_builtins(value)
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise CertificateError(f"expected plain values that JSON can hold, found others: {error}") from error
    return text.encode("ascii")


def read_canonical[T](data: bytes, kind: type[T]) -> T:
    """What `canonical` wrote, as `kind`.  Raises CertificateError on bytes that it would not have written."""
    if len(data) > LARGEST:
        raise CertificateError(f"a certificate has up to {LARGEST:,} bytes, found {len(data):,}")
    try:
        found = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CertificateError(f"expected a certificate, found something else: {error}") from error
    if canonical(found) != data:
        raise CertificateError(
            "expected a certificate as it was issued, found its values written in another way (spaces, a key twice, "
            "bytes behind the end, another spelling of a number); use the file as it was saved"
        )
    return found


def storable(value: Any, place: str = "", *, words: bool = True, depth: int = 0) -> Any:
    """`value` as plain JSON values: tuples become lists, numbers of numpy plain ones.

    words: figures that are not finite become words ("inf"); else they are refused.
    Raises CertificateError naming the place of what cannot be held.
    """
    if depth > _DEEPEST:
        raise CertificateError(f"{place}: expected at most {_DEEPEST} levels, found more")
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of numpy
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        if words:
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        raise CertificateError(f"{place}: expected a finite number, found {value}")
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise CertificateError(f"{place}: expected text as key, found {wrong[0]!r:.60}")
        return {
            key: storable(part, f"{place}.{key}", words=words, depth=depth + 1) for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [storable(part, f"{place}[{i}]", words=words, depth=depth + 1) for i, part in enumerate(value)]
    raise CertificateError(f"{place}: expected a plain value, found a {type(value).__name__}; write it out")
