"""Notes what a strategy's code tries that a sandbox forbids, by Python's audit hooks.

It tells people, and holds nobody back: the layers do. Code that calls the system without Python is not noted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

__all__ = ["note_attempts"]

_FORBIDDEN: Final = frozenset({
    "_posixsubprocess.fork_exec", "_thread.start_joinable_thread", "_thread.start_new_thread", "os.chmod",
    "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.link", "os.mkdir",
    "os.posix_spawn", "os.remove", "os.rename", "os.rmdir", "os.setxattr", "os.spawn", "os.symlink",
    "os.system", "os.truncate", "resource.prlimit", "resource.setrlimit", "shutil.rmtree", "socket.__new__",
    "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
    "subprocess.Popen",
})  # fmt: skip
_READS: Final = frozenset({"open", "os.listdir", "os.scandir"})
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def note_attempts(readable: Iterable[str], tell: Callable[[str], None]) -> None:
    """From here on, and for good, `tell` hears of each attempt.  readable: paths that may be read."""
    folders = tuple(f"{path}/" for path in readable)
    files = frozenset(readable)
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or not (event in _FORBIDDEN or event in _READS):
            return
        if event in _READS and _may_read(event, arguments, folders, files):
            return
        busy = True
        try:
            tell(f"{event} {', '.join(repr(argument)[:80] for argument in arguments[:3])}")
        finally:
            busy = False

    sys.addaudithook(hook)


def _may_read(
    event: str, arguments: tuple[Any, ...], folders: tuple[str, ...], files: frozenset[str]
) -> bool:
    path = arguments[0]
    if not isinstance(path, str | bytes):
        return True  # a descriptor that it has
    text = os.path.abspath(os.fsdecode(path))
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        return False
    return text in files or f"{text}/".startswith(folders)
