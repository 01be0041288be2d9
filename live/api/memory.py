"""Answers to commands that came with an idempotency key; out of the audit log, so they outlive a restart."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from live.machine import AuditLine
from workbench.errors import RequestError

__all__ = ["LONGEST_KEY", "Memory", "check_key"]

LONGEST_KEY: Final = 128
_KEPT: Final = 10_000
_KEPT_NS: Final = 24 * 3600 * 1_000_000_000


class _Known(NamedTuple):
    request: str
    answer: str
    ns: int


def check_key(key: str) -> str:
    """The key.  Raises RequestError (invalid) where it cannot be one; "" is none."""
    if len(key) > LONGEST_KEY or not all(" " < sign <= "~" for sign in key):
        raise RequestError(
            f"an idempotency key is 1 to {LONGEST_KEY} visible ASCII characters; found {key!r:.60}", "invalid"
        )
    return key


class Memory:
    """The newest answers of the last 24 hours by person and key, and the commands that are under way."""

    def __init__(self, audit: Iterable[AuditLine]) -> None:
        self.busy: dict[tuple[str, str], tuple[str, asyncio.Future[str]]] = {}
        self._doubtful: dict[tuple[str, str], AuditLine] = {}
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        for line in audit:
            self.keep(line)

    def keep(self, line: AuditLine) -> None:
        """Remember an answer; one without key, or of a failure, is not."""
        if line.key and line.answer:
            self._known[line.person, line.key] = _Known(line.request, line.answer, line.ns)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def doubt(self, line: AuditLine) -> None:
        """An answer that was not durable when the journal failed; it is, if the journal ever goes on."""
        if line.key and line.answer:
            self._doubtful[line.person, line.key] = line

    async def find(
        self, person: str, key: str, request: str, now_ns: int, *, broken: bool = False
    ) -> str | None:
        """The answer that was given, once it is there; None where the command is to be carried out.

        broken: the journal has failed.  Raises RequestError: conflict where the key came with another request,
        unavailable where it is not known whether the command has come to be recorded.
        """
        place = person, key
        if place in self._doubtful:
            if broken:
                raise RequestError(
                    f"whether the command with the key {key!r} is recorded shows when the journal goes on",
                    "unavailable",
                )
            self.keep(self._doubtful.pop(place))
        under_way = self.busy.get(place)
        if under_way is not None:
            _check_same(key, under_way[0], request)
            return await asyncio.shield(under_way[1])
        known = self._known.get(place)
        if known is None or now_ns - known.ns > _KEPT_NS:
            return None
        _check_same(key, known.request, request)
        return known.answer


def _check_same(key: str, known: str, request: str) -> None:
    if known != request:
        raise RequestError(
            f"idempotency key {key!r} came before, with another request; use a new key", "conflict"
        )
