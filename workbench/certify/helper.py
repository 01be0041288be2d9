"""A second process that takes measures, while the first takes others.

The process is our own: it does not import the caller's script again, so a script needs no guard and a notebook works;
Ctrl-C is not its; and should it die, the first process takes its measures itself.  Messages are those of
`sweeps.worker`: eight bytes of length and a pickle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.families import Task, take
from workbench.errors import StrategyError
from workbench.sweeps.payload import pack, unpack
from workbench.sweeps.worker import read_message, write_message

__all__ = ["Hello", "Helper", "HelperGone", "helper_for", "main"]

START: Final = "import sys; sys.path[:] = {path}; from workbench.certify.helper import main; main()"
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class HelperGone(Exception):
    """The process is no more, or could not do what it was asked for."""


class Hello(NamedTuple):
    """path: where modules are looked for.  main: file of the caller's script, "" for none.  subject: packed."""

    path: tuple[str, ...]
    main: str
    subject: bytes


class Helper:
    """A process that takes measures of one subject.  Raises StrategyError where that cannot leave its process."""

    def __init__(self, subject: Subject) -> None:
        main_file = getattr(sys.modules.get("__main__"), "__file__", None) or ""
        path = tuple(str(path) for path in sys.path)
        self._hello = Hello(path, str(main_file), pack(subject, f"the certification of {subject.name}"))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(path=list(path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**dict.fromkeys(THREADS, "1"), **os.environ},
            process_group=0,  # Ctrl-C in a terminal goes to the whole group of the caller
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._outbox: IO[bytes] = self._process.stdin
        self._inbox: IO[bytes] = self._process.stdout
        self._greeted = False

    def take(self, task: Task, progress: Progress) -> tuple[Check, ...]:
        """What a measure finds there; blocks.  Raises HelperGone."""
        try:
            if not self._greeted:
                write_message(self._outbox, self._hello)
                self._greeted = True
            write_message(self._outbox, task)
            while True:
                answer = read_message(self._inbox)
                if not isinstance(answer, str):
                    break
                progress(answer)
        except (OSError, EOFError, ValueError) as error:
            raise HelperGone(str(error)) from error
        if answer is None:
            raise HelperGone(f"{task.family} {task.place}: something else than a WorkbenchError was raised")
        found: tuple[Check, ...] = answer
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._outbox.close()
        self._inbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def main() -> None:
    """Serve until the end of stdin.  A text is progress, a tuple the checks of a task, None what could not be done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = _channels()
    with suppress(EOFError, BrokenPipeError):
        hello: Hello = read_message(inbox)
        sys.path.extend(path for path in hello.path if path not in sys.path)
        # Where a strategy raised is told by the line of its own script, and that is looked for here.
        sys.modules["__main__"].__file__ = hello.main or None
        try:
            subject: Subject | None = unpack(hello.subject)
        except Exception:  # noqa: BLE001 - whatever the import of its modules raises; the caller does the work itself
            subject = None
        while True:
            task: Task = read_message(inbox)
            write_message(outbox, _answer(subject, task, lambda text: write_message(outbox, text)))


def _answer(subject: Subject | None, task: Task, progress: Progress) -> tuple[Check, ...] | None:
    if subject is None:
        return None
    try:
        return take(subject, task, progress)
    except Exception:  # noqa: BLE001 - the caller takes the measure again, and raises it where a person sees it
        return None


def _channels() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout as they are now; what a strategy prints goes to stderr from here on, and it reads nothing."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def helper_for(subject: Subject, tasks: Sequence[Task]) -> Helper | None:
    """A helper, where there is something to share and a second core; None otherwise."""
    if len(tasks) < 2 or (os.process_cpu_count() or 1) < 2:
        return None
    try:
        return Helper(subject)
    except StrategyError:  # it cannot leave this process, and so all is done here
        return None
