"""What goes out: files written whole or not at all, JSON, and the two consoles."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["answer_console", "check_writable", "print_json", "progress_bar", "say", "write_whole"]

WIDE: Final = 150  # columns of a table where nothing says how wide the page is


def check_writable(path: Path | None) -> None:
    """Raise ConfigError, before any work is done, if a file could not be written at `path`."""
    if path is None:
        return
    folder = path.absolute().parent
    if path.is_dir():
        raise ConfigError(f"{path}: expected a file to write, found a folder")
    if not folder.is_dir():
        raise ConfigError(f"{path}: no folder {folder} to write it in; make it first")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"{path}: the folder {folder} cannot be written")


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` in one step: a reader sees the old file or the new one, never half of one.

    Raises ConfigError where it cannot be written; then `path` is as it was.
    """
    check_writable(path)
    try:
        # Not NamedTemporaryFile: its files are private, and this one takes the place of an ordinary one.
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            part.chmod(0o666 & ~_umask())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def print_json(value: Any) -> None:
    """`value` as JSON on stdout; what is no number is null."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def answer_console() -> Console:
    """Where answers go: stdout, in the width of the terminal, or wide where there is none."""
    from rich.console import Console

    tied = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if tied else max(WIDE, shutil.get_terminal_size().columns), highlight=False)


def say(text: str) -> None:
    """One line to whoever waits, on stderr."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress_bar(shown: bool | None = None) -> Iterator[Progress]:
    """A progress bar on stderr that leaves nothing behind; None shows it where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    visible = console.is_terminal if shown is None else shown
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not visible) as progress:
        yield progress
