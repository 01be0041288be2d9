"""Where a session is read from: its journal, up to where it stood when it was opened, and the code that ran in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from live.engine.catalog import Catalog, Script
from live.engine.pump import BLOCK
from live.engine.recovery import Beginning, beginning
from live.engine.shown import SHOWN, Begun, Note, read_notes
from live.journal import Journal
from live.machine import Input, Machine, decode_block
from live.session import journal_url
from workbench.errors import JournalError, StrategyLoadError

__all__ = ["Block", "Source", "open_source"]

_NOWHERE: Final = Path("no-such-folder")


class Block(NamedTuple):
    """Inputs of one turn of the engine's writer, and what is noted of what strategies were shown before and during it.

    record: its sequence in the journal.
    """

    record: int
    inputs: list[Input]
    notes: list[Note]


class Source:
    """A session.  setup: what its machine is built from.  folder: the engine's data; None for a journal on its own."""

    def __init__(self, journal: Journal, begins: Beginning, folder: Path | None, code: Path | None) -> None:
        self.setup = begins.setup
        self.folder = folder
        self._journal, self._begins, self._code = journal, begins, code
        self._head = journal.head
        uploads = (folder or _NOWHERE) / "uploads"
        self._catalog = Catalog(code or _NOWHERE, uploads)

    def machine(self) -> Machine:
        """A machine as it was where the journal begins, or what is left of it."""
        return self._begins.machine()

    def blocks(self) -> Iterator[Block]:
        """All blocks in order, the same ones each time, also where the engine goes on writing."""
        notes: list[Note] = []
        for record in self._journal.read(self._begins.sequence, self._head, [BLOCK, SHOWN]):
            if record.kind == SHOWN:
                # A crash may have kept the block that earlier ones were noted for.
                notes = [note for note in notes if note.place == 0] + read_notes(record.payload)
            else:
                yield Block(record.sequence, decode_block(record.payload), notes)
                notes = []

    def script(self, begun: Begun) -> Script:
        """The code of a process: what ran then, by its hash; or what `code` has under that name now.

        Raises StrategyLoadError where it is not there.
        """
        if self._code is not None:
            return self._catalog.find(begun.script)
        if self.folder is None:
            raise StrategyLoadError(
                f"{begun.script}: a database keeps no code; give the engine's data folder (data=...)"
            )
        return self._catalog.started(begun.source_hash)

    def close(self) -> None:
        self._journal.close()


def open_source(
    journal: str | Path, code: str | Path | None = None, data: str | Path | None = None
) -> Source:
    """A session from a journal's file, URL or data folder; `close` it.

    code: a folder of strategies that is taken in place of what ran then.  data: the engine's data folder, where it is
    not that of the journal, as with a database.  Raises JournalError where there is none, or it is empty or damaged.
    """
    url = journal_url(journal)
    opened = Journal.open(url, read_only=True)
    try:
        begins = beginning(opened)
        if begins is None:
            raise JournalError(f"the journal {journal} is empty: no engine has traded with it")
        folder = _folder(url) if data is None else Path(data)
        return Source(opened, begins, folder, None if code is None else Path(code))
    except BaseException:
        opened.close()
        raise


def _folder(url: str) -> Path | None:
    """Where a journal's file lies; None for a database elsewhere."""
    _, separator, path = url.partition("sqlite:///")
    return Path(path).parent if separator else None
