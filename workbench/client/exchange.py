"""What both clients share: headers, errors out of problem documents, when to ask again.  No I/O here."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workbench.client.address import Address
from workbench.client.calls import Call
from workbench.errors import ConfigError, RequestError

if TYPE_CHECKING:
    import httpx

__all__ = ["Attempts", "answer_of", "broken", "httpx_settings", "needed", "problem_of", "request_of", "trust"]

_PROBLEM: Final = "urn:workbench:problem:"
_CHANGES_S: Final = 150.0  # a strategy may take a minute to load
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 2.0


def needed(package: str) -> ConfigError:
    """What to say where a package of the extra `live` is missing."""
    return ConfigError(
        f"the client needs {package}, which is not installed: pip install 'trading-workbench[live]'"
    )


def trust(address: Address) -> ssl.SSLContext | None:
    """How certificates are checked: by the engine's own one where it is on this machine, None for the usual way."""
    if not address.certificate:
        return None
    try:
        return ssl.create_default_context(cafile=address.certificate)
    except OSError as error:
        raise ConfigError(f"{address.certificate}: expected the engine's certificate: {error}") from error


def httpx_settings(address: Address, timeout_s: float) -> dict[str, Any]:
    """Arguments of httpx.Client and AsyncClient; proxies of the environment are for other machines."""
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    return {
        "base_url": address.url,
        "headers": headers,
        "timeout": timeout_s,
        "verify": trust(address) or True,
        "trust_env": False,
    }


def request_of(call: Call[Any], timeout_s: float) -> dict[str, Any]:
    """Arguments of httpx's `request`; made once, so that each attempt has the same idempotency key."""
    found: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.query)}
    if call.body is not None:
        try:
            found["content"] = json.dumps(call.body, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise RequestError(
                f"expected plain values, as JSON has them, in the request: {error}", "invalid"
            ) from error
        found["headers"] = {"Content-Type": "application/json"}
    if call.changes:
        found.setdefault("headers", {})["Idempotency-Key"] = uuid.uuid4().hex
        found["timeout"] = max(timeout_s, _CHANGES_S)
    return found


def answer_of[T](call: Call[T], response: httpx.Response) -> T:
    """The answer.  Raises RequestError where it is a problem, or makes no sense."""
    if response.is_success or (call.health and response.status_code == 503):
        try:
            return call.read(response.json())
        except (ValueError, KeyError, msgspec.ValidationError) as error:
            raise RequestError(
                f"{call.path}: the engine answered something that this client cannot read ({error}); "
                "are both of one version?",
                "malformed",
            ) from error
    raise problem_of(response.status_code, response.content, response.headers.get("retry-after", ""))


def problem_of(status: int, body: bytes, retry_after: str = "") -> RequestError:
    """The error that a problem document tells of."""
    try:
        found = json.loads(body)
        kind, detail = str(found["type"]), str(found["detail"])
    except (ValueError, KeyError, TypeError):
        kind, detail = "malformed", f"expected an engine's answer, found status {status} of something else"
    detail = " ".join(detail.split())
    if status == 401:
        detail += "; give token=, or WORKBENCH_ENGINE_TOKEN, or data= with the engine's data folder"
    retry_s = float(retry_after) if retry_after.isdigit() else 0.0
    return RequestError(detail, kind.removeprefix(_PROBLEM), retry_s)


def broken(address: Address, error: Exception) -> RequestError:
    """What to say where no answer came."""
    why = " ".join(str(error).split()) or type(error).__name__
    return RequestError(
        f"no engine answers at {address.url} ({why}); is it running? `workbench live` starts one",
        "unavailable",
    )


class Attempts:
    """How often one request is asked again: as long as `seconds` last, with longer and longer waits."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._wait = _FIRST_WAIT_S

    def pause(self, error: RequestError) -> float:
        """Seconds to wait before the next attempt.  Raises `error` where there is none."""
        wait = max(self._wait, error.retry_s)
        if error.kind not in ("unavailable", "too_many") or time.monotonic() + wait > self._deadline:
            raise error
        self._wait = min(2.0 * self._wait, _LONGEST_WAIT_S)
        return wait
