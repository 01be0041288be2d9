"""What strategies were shown, beside the inputs: in the journal, so that a session can be run again with their code.

The rule needs no record: each price goes to all listeners, in their order, with what they have not heard of yet; at the
end of a turn fills and breaches go alone. What departs from it is noted: a process begins, others listen, a price was
kept because a process was behind. Notes stand in a record of their own just before the block that they are about.

In lock step a price is shown to one listener after the other, while nothing else happens; that everybody has been shown
it is noted only where something other than the next price follows.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = [
    "SHOWN",
    "Asked",
    "Begun",
    "Departed",
    "Listened",
    "Note",
    "Opened",
    "Shown",
    "Warmed",
    "read_notes",
]

SHOWN: Final = "shown"  # kind of a record that holds notes


class Opened(msgspec.Struct, frozen=True, tag=True):
    """An engine begins: nobody listens.  stepped: prices are played in lock step."""

    place: int
    stepped: bool


class Begun(msgspec.Struct, frozen=True, tag=True):
    """A process is ready and has been told what it holds.

    launch: which of all processes of the engine.  candidate: it warms up beside one that runs.  certified: symbols of
    its certificate, of which it is shown prices; None for all.
    """

    place: int
    launch: int
    strategy_id: str
    class_name: str
    script: str
    source_hash: str
    config: dict[str, Any]
    candidate: bool
    certified: tuple[str, ...] | None = None


class Warmed(msgspec.Struct, frozen=True, tag=True):
    """A process was shown the newest prices of this engine's run, of all instruments together so many, unasked."""

    place: int
    launch: int
    prices: int


class Listened(msgspec.Struct, frozen=True, tag=True):
    """Who is shown prices from here on, in order: (launch, whether its answers are used).

    told: all who hear of fills, listeners or not.
    """

    place: int
    listeners: list[tuple[int, bool]]
    told: list[int]


class Asked(msgspec.Struct, frozen=True, tag=True):
    """In lock step: all who listen have been shown the newest price and have answered it."""

    place: int


class Departed(msgspec.Struct, frozen=True, tag=True):
    """A departure from the rule.

    what: kept (the price of this place was not sent at once), sent (a kept price is sent), untold (fills and breaches
    could not be sent at the end of the turn), told (they are sent now).
    """

    place: int
    launch: int
    what: str
    symbol: str = ""
    venue: str = ""


type Note = Opened | Begun | Warmed | Listened | Asked | Departed


class Shown:
    """Collects notes.

    place: how many inputs of the block under way have been carried through; 0 between blocks.
    asked: in lock step, all have been shown the newest price, and nothing has happened since.
    """

    def __init__(self) -> None:
        self.place = 0
        self.asked = False
        self._notes: list[Note] = []

    def note(self, note: Note) -> None:
        self._note_asked()
        self._notes.append(note)

    def departed(self, launch: int, what: str, symbol: str = "", venue: str = "") -> None:
        self._notes.append(Departed(self.place, launch, what, symbol, venue))

    def take(self) -> bytes | None:
        """What is to be written before the next block; None where there is nothing."""
        self._note_asked()
        if not self._notes:
            return None
        notes, self._notes = self._notes, []
        return msgspec.msgpack.encode(notes)

    def _note_asked(self) -> None:
        if self.asked and self.place == 0:
            self.asked = False
            self._notes.append(Asked(0))


def read_notes(payload: bytes) -> list[Note]:
    """The notes of a record.  Raises msgspec.MsgspecError where it holds none."""
    return msgspec.msgpack.decode(payload, type=list[Note])
