"""What an exchange keeps of one session: orders, positions, and the reports it has made, numbered without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from live.messages import ExecutionReport, NewOrder, VenueEvent
from live.venues.book_side import FOK, GTC, IOC, NO_PRICE, BookOrder

__all__ = ["AccountBook", "SeenIds", "VenueOrder"]

_BITS: Final = 4_096  # ids in one block
_BLOCKS: Final = 4_096  # blocks kept: 16 million ids in 2 MB
_TIF: Final = {"GTC": GTC, "DAY": GTC, "IOC": IOC, "FOK": FOK}


class SeenIds:
    """Which order ids have been seen, one bit each; of ids that rise, as an engine's do, the newest 16 million.

    An id below all that are kept counts as seen.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, bytearray] = {}
        self.changed: set[int] = set()  # blocks, until somebody who writes them down clears it
        self._floor = -1  # newest block that was given up

    def add(self, number: int) -> bool:
        """Note an id; False where it has been seen before."""
        place, bit = divmod(number, _BITS)
        block = self.blocks.get(place)
        if block is None:
            if place <= self._floor:
                return False
            block = self.blocks[place] = bytearray(_BITS // 8)
            if len(self.blocks) > _BLOCKS:
                self._floor = min(self.blocks)
                del self.blocks[self._floor]
                self.changed.discard(self._floor)
        mask = 1 << (bit & 7)
        if block[bit >> 3] & mask:
            return False
        block[bit >> 3] |= mask
        self.changed.add(place)
        return True

    def __contains__(self, number: int) -> bool:
        place, bit = divmod(number, _BITS)
        block = self.blocks.get(place)
        if block is None:
            return place <= self._floor
        return bool(block[bit >> 3] & (1 << (bit & 7)))


class VenueOrder(BookOrder):
    """An order of a session.  place: of its instrument at the venue.  request: as it was sent."""

    __slots__ = ("account", "day", "place", "request")

    def __init__(
        self,
        account: AccountBook,
        place: int,
        request: NewOrder,
        lots: int,
        limit: int = NO_PRICE,
        stop: int = NO_PRICE,
    ) -> None:
        super().__init__(
            request.order_id,
            account.number,
            request.side,
            lots,
            limit,
            stop,
            _TIF[request.time_in_force],
            request.post_only,
        )
        self.account = account
        self.place = place
        self.request = request
        self.day = request.time_in_force == "DAY"


class AccountBook:
    """One session's account.

    number: from 1, the owner of its orders in the books.  lots: signed position by instrument.  open: working orders
    by id.  outbox: events on their way to the session.  copies: outboxes of drop copies.  connected: whether anybody
    listens.  cancel_on_disconnect: whether working orders are cancelled when the session is lost.
    Where accounts are `recorded`: fresh, touched: reports, and ids of orders, that are not written down yet; unsaved:
    whether anything is not.
    """

    def __init__(self, name: str, number: int, instruments: int, keep: int, recorded: bool) -> None:
        self.name: Final = name
        self.number: Final = number
        self.lots = [0] * instruments
        self.open: dict[int, VenueOrder] = {}
        self.seen = SeenIds()
        self.last_report_id = 0
        self.last_execution_id = -1
        self.connected = False
        self.outbox: list[VenueEvent] = []
        self.delayed: list[tuple[int, int, VenueEvent]] = []  # heap by due time
        self.leaving_ns = self.arrival_ns = 0  # when the newest event leaves, and the newest orders arrive
        self.gathered: list[ExecutionReport] = []  # held back to be delivered newest first
        self.copies: list[list[ExecutionReport]] = []
        self.fresh: list[ExecutionReport] = []
        self.touched: set[int] = set()
        self.unsaved = False
        self.cancel_on_disconnect = True
        self.recorded: Final = recorded
        self._keep = keep
        self._log: list[ExecutionReport] = []  # of consecutive numbers, the newest last_report_id

    def log(self, report: ExecutionReport) -> None:
        """Keep a report, whose number is `last_report_id`."""
        log = self._log
        log.append(report)
        if len(log) >= 2 * self._keep:
            del log[: self._keep]
        if self.recorded:
            self.fresh.append(report)
            self.touched.add(report.order_id)
            self.unsaved = True
        for copy in self.copies:
            copy.append(report)

    def restore(self, reports: Sequence[ExecutionReport]) -> None:
        """Put back the newest reports, rising by one."""
        self._log = list(reports)

    def reports(self, after: int) -> list[ExecutionReport]:
        """Reports with a number above `after`, as far back as they are kept."""
        missing = self.last_report_id - after
        return self._log[-missing:] if missing > 0 else []
