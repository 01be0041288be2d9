"""Durable prices, handed to the recorder of market data; what a crash kept from it is taken from the journal."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from live.engine.events import EventStream
from live.engine.pump import BLOCK, Block
from live.journal import Journal
from live.journal.market import MarketRecorder, Rolling
from live.machine import Input, decode_block
from live.settings import Settings
from workbench.core.messages import Instrument, PriceUpdate
from workbench.errors import JournalError

__all__ = ["MARKET_FOLDER", "MarketTap", "open_market"]

MARKET_FOLDER: Final = "market"  # in the data folder
_MOST_MISSED: Final = 50_000  # records that are read again at a start; a crash leaves fewer

_log = structlog.get_logger("live.market")


def open_market(
    settings: Settings, instruments: tuple[Instrument, ...], journal: Journal, events: EventStream
) -> MarketTap | None:
    """A recorder by the settings; None where nothing is to be recorded, or its folder cannot be used (see the log)."""
    if not settings.record_market:
        return None
    folder, rolling = settings.data / MARKET_FOLDER, Rolling(keep_days=settings.market_days)
    try:
        tap = MarketTap(MarketRecorder(folder, instruments, rolling), events)
        tap.catch_up(journal)
    except JournalError as error:
        _log.error("market_not_recorded", reason=str(error))
        return None
    return tap


class MarketTap:
    """Feeds a recorder, and never stands in the way of trading: the journal has it all.

    failure: why nothing is recorded any more; "" while all is well.
    """

    def __init__(self, recorder: MarketRecorder, events: EventStream) -> None:
        self.failure = ""
        self._recorder, self._events = recorder, events

    def catch_up(self, journal: Journal) -> None:
        """Record what is behind the newest recorded price in the journal, as after a crash.  Raises JournalError."""
        recorder = self._recorder
        after = max(recorder.recorded, journal.pruned)
        if after >= journal.head:
            return
        if journal.head - after > _MOST_MISSED:
            _log.warning("market_gap", after=after, until=journal.head)
            return
        for record in journal.read(after=after, kinds=[BLOCK]):
            recorder.record(_prices(decode_block(record.payload)), record.sequence)

    def block(self, block: Block) -> None:
        """Take the prices of a durable block."""
        recorder = self._recorder
        recorder.record(_prices(block.inputs), block.sequence)
        if recorder.failure is not None and not self.failure:
            self.failure = recorder.failure  # the recorder has logged it
            self._events.publish("alerts", block.ns, {"alert": "market_not_recorded", "reason": self.failure})

    def info(self) -> dict[str, Any]:
        """As MarketRecorder.info."""
        return self._recorder.info()

    async def close(self) -> None:
        """Write what waits."""
        await asyncio.to_thread(self._recorder.close)


def _prices(inputs: list[Input]) -> list[PriceUpdate]:
    return [item for item in inputs if type(item) is PriceUpdate]
