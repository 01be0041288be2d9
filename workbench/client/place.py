"""A reader's place in the stream of events, kept over broken connections.  No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from workbench.client.answers import Event
from workbench.client.exchange import problem_of
from workbench.errors import RequestError

__all__ = ["LARGEST_EVENT", "Place"]

LARGEST_EVENT: Final = 4 << 20
_STALE: Final = "stale"
_LOST: Final = "not kept"


class Place:
    """Where a reader is.

    after: sequence of the newest event that was seen.  run: of the engine; it changes when that is started anew.
    """

    def __init__(self, kinds: Sequence[str], after: int | None) -> None:
        self.after = after
        self.run = ""
        self._kinds = tuple(kinds)
        self._lost = ""

    @property
    def path(self) -> str:
        """Path and query that go on from here."""
        query: dict[str, object] = {}
        if self._kinds:
            query["kinds"] = ",".join(self._kinds)
        if self.after is not None:
            query["after"] = self.after
            if self.run:
                query["run"] = self.run
        return f"/api/v1/stream?{urlencode(query)}"

    def take(self, message: str | bytes) -> Event | None:
        """The event to be shown, or None where the message was about the stream itself.  Raises RequestError."""
        try:
            event = msgspec.json.decode(message, type=Event)
        except msgspec.DecodeError as error:
            raise RequestError(f"expected an event, found something else: {error}", "malformed") from error
        if event.kind == "hello":
            return self._greeted(event)
        if event.kind == "dropped":
            reason = str(event.body.get("reason", ""))
            if _LOST in reason:
                self._begin_anew(reason)
            return None
        self.after = event.sequence
        return event

    def _greeted(self, hello: Event) -> Event | None:
        self.run = str(hello.body.get("run", ""))
        if self.after is None:
            self.after = hello.sequence
        if not self._lost:
            return None
        gap = Event(hello.sequence, "gap", hello.ns, {"reason": self._lost})
        self._lost = ""
        return gap

    def refused(self, status: int, body: bytes, retry_after: str = "") -> RequestError:
        """Why the engine lets nobody read from here; begins anew where only the place was wrong."""
        error = problem_of(status, body, retry_after)
        if error.kind == _STALE:
            self._begin_anew(str(error))
            return RequestError(str(error), "unavailable")  # asking again is worth while
        return error

    def _begin_anew(self, why: str) -> None:
        self._lost, self.after, self.run = why, None, ""
