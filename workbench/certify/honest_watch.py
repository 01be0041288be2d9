"""Inside a process of its own: what a strategy reaches for beside its prices, and a clock that can be set.

Audit hooks (PEP 578) cannot be taken off again, and the clock is changed for everybody: this is for a process that ends
after it.  What counts as the strategy's doing: its own code, or that of a module of its project, stands on the
stack, and no import is between it and what happened.
"""

from __future__ import annotations

import datetime as datetimes
import os
import site
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

__all__ = ["Watch", "from_elsewhere", "own_place"]

type Event = tuple[str, str]
"""What it was (clock, network, files, processes, environment, frames), and in words with file and line."""

NETWORK: Final = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.bind",
        "socket.sendto",
        "urllib.Request",
    }
)
PROCESSES: Final = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "pty.spawn",
    }
)
FILES: Final = frozenset(
    {
        "open",
        "os.listdir",
        "os.scandir",
        "os.remove",
        "os.rename",
        "os.mkdir",
        "shutil.copyfile",
        "sqlite3.connect",
    }
)
FRAMES: Final = frozenset(
    {"sys._getframe", "sys._current_frames", "gc.get_objects", "gc.get_referrers", "gc.get_referents"}
)
KINDS: Final = {
    **dict.fromkeys(NETWORK, "network"),
    **dict.fromkeys(PROCESSES, "processes"),
    **dict.fromkeys(FILES, "files"),
    **dict.fromkeys(FRAMES, "frames"),
}
CLOCKS: Final = (
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "localtime",
    "gmtime",
)
SOURCES: Final = (".py", ".pyc")  # that are read for tracebacks, and to be compiled
MOST_EVENTS: Final = 50
DEEPEST: Final = 80
IMPORTERS: Final = ("<frozen importlib", "<frozen zipimport")
WORKBENCH: Final = f"{Path(__file__).parents[1]}{os.sep}"


def _installed() -> tuple[str, ...]:
    """Beginnings of the names of files that no strategy wrote."""
    named = sysconfig.get_paths()
    paths = {named[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages()}
    whole = {f"{form}{os.sep}" for path in paths for form in {path, os.path.realpath(path)}}
    return (*whole, WORKBENCH, "<frozen", "<string>", "<__array_function__")


_INSTALLED: Final = _installed()


def from_elsewhere(file: str) -> bool:
    """Whether a file is of Python, of an installed package, or of the workbench."""
    return file.startswith(_INSTALLED)


def own_place(frame: FrameType | None) -> str:
    """File and line of the innermost frame of the strategy's project; "" where none is on the stack, or an import is
    in between, or numba, which reads the source of what it compiles.
    """
    depth = 0
    while frame is not None and depth < DEEPEST:
        file = frame.f_code.co_filename
        if file.startswith(IMPORTERS) or f"{os.sep}numba{os.sep}" in file:
            return ""
        if not file.startswith(_INSTALLED):
            return f"{file}:{frame.f_lineno}"
        frame, depth = frame.f_back, depth + 1
    return ""


def _own_call(frame: FrameType | None) -> str:
    """As `own_place`, of the very caller alone, `inspect` left out of account."""
    while frame is not None and frame.f_code.co_filename.endswith(f"{os.sep}inspect.py"):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(_INSTALLED):
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Watch:
    """Notes what a strategy reaches for, and sets the clock.

    events: what was seen, each once.  shift: seconds that the clock is ahead.  armed: whether anything is noted.
    """

    def __init__(self) -> None:
        self.events: dict[Event, None] = {}
        self.shift = 0.0
        self.armed = False
        self._inside = False

    def install(self) -> None:
        """Watch from here on; once in the life of a process."""
        self._watch_clock()
        self._watch_environment()
        sys.addaudithook(self._heard)

    def note(self, kind: str, what: str, place: str) -> None:
        if place and self.armed and len(self.events) < MOST_EVENTS:
            self.events[kind, f"{what} ({place})"] = None

    # -- audit events --------------------------------------------------------------------------------------------

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        kind = KINDS.get(event)
        if kind is None or not self.armed or self._inside:
            return
        self._inside = True
        try:
            frame = sys._getframe(1)
            place = _own_call(frame) if kind == "frames" else own_place(frame)
        finally:
            self._inside = False
        if not place or (event == "open" and str(arguments[0]).endswith(SOURCES)):
            return
        what = f"{event} {arguments[0]!r:.80}" if arguments and kind != "frames" else event
        self.note(kind, what, place)
        if kind == "network":
            raise PermissionError("a strategy that is being certified has no network")

    # -- the clock -------------------------------------------------------------------------------------------------

    def _watch_clock(self) -> None:
        for name in CLOCKS:
            setattr(time, name, self._shifted(name, getattr(time, name)))
        time.ctime = self._written("ctime", time.ctime, 0)
        time.asctime = self._written("asctime", time.asctime, 0)
        time.strftime = self._written("strftime", time.strftime, 1)
        real = datetimes.datetime
        watch = self

        class Kind(type):
            """Whatever is a time or a day to others is one to the strategy, too."""

            def __instancecheck__(cls, thing: object) -> bool:
                return isinstance(thing, cls.__mro__[1])

            def __subclasscheck__(cls, kind: type) -> bool:
                return issubclass(kind, cls.__mro__[1])

        class ShiftedTime(datetimes.datetime, metaclass=Kind):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                watch.note("clock", "datetime.now", _own_call(sys._getframe(1)))
                return real.now(tz) + datetimes.timedelta(seconds=watch.shift)

            @classmethod
            def utcnow(cls) -> Any:
                watch.note("clock", "datetime.utcnow", _own_call(sys._getframe(1)))
                ahead = datetimes.timedelta(seconds=watch.shift)
                return real.now(datetimes.UTC).replace(tzinfo=None) + ahead

            @classmethod
            def today(cls) -> Any:
                watch.note("clock", "datetime.today", _own_call(sys._getframe(1)))
                return real.now() + datetimes.timedelta(seconds=watch.shift)

        class ShiftedDay(datetimes.date, metaclass=Kind):
            @classmethod
            def today(cls) -> Any:
                watch.note("clock", "date.today", _own_call(sys._getframe(1)))
                return (real.now() + datetimes.timedelta(seconds=watch.shift)).date()

        datetimes.datetime = ShiftedTime  # type: ignore[misc]
        datetimes.date = ShiftedDay  # type: ignore[misc]
        self._watch_pandas()

    def _shifted(self, name: str, clock: Callable[..., Any]) -> Callable[..., Any]:
        unit = 1_000_000_000 if name.endswith("_ns") else 1
        zoned = name in ("localtime", "gmtime")
        now = time.time

        def shifted(*arguments: Any) -> Any:
            if zoned and arguments and arguments[0] is not None:
                return clock(*arguments)
            self.note("clock", f"time.{name}", _own_call(sys._getframe(1)))
            if zoned:
                return clock(now() + self.shift)
            ahead = self.shift * unit
            return clock() + (int(ahead) if unit > 1 else ahead)

        return shifted

    def _written(self, name: str, write: Callable[..., str], before: int) -> Callable[..., str]:
        """A function that writes a time, that of the clock where it is given none.  before: its other arguments."""
        now, local = time.time, time.localtime  # shifted already

        def shifted(*arguments: Any) -> str:
            if len(arguments) > before:
                return write(*arguments)
            self.note("clock", f"time.{name}", _own_call(sys._getframe(1)))
            return write(*arguments, now() if name == "ctime" else local(now()))

        return shifted

    def _watch_pandas(self) -> None:
        import pandas as pd

        for name in ("now", "utcnow", "today"):
            real = getattr(pd.Timestamp, name)

            def shifted(_kind: type, *arguments: Any, _real: Any = real, _name: str = name) -> Any:
                self.note("clock", f"Timestamp.{_name}", _own_call(sys._getframe(1)))
                return _real(*arguments) + pd.Timedelta(seconds=self.shift)

            setattr(pd.Timestamp, name, classmethod(shifted))

    # -- the environment ----------------------------------------------------------------------------------------------

    def _watch_environment(self) -> None:
        kind: Any = type(os.environ)
        real = kind.__getitem__

        def asked(environment: Any, name: str) -> Any:
            if self.armed:
                self.note("environment", f"os.environ[{name!r}]", own_place(sys._getframe(1)))
            return real(environment, name)

        kind.__getitem__ = asked
