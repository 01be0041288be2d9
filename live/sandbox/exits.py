"""From a wait status to a reason that people understand."""

from __future__ import annotations

import os
import signal
from typing import Final

from live.sandbox.contract import ExitReason
from live.sandbox.serve import EXIT_ENGINE_GONE, EXIT_MEMORY, EXIT_NOT_LOADED, EXIT_UNCONFINED

__all__ = ["why_gone"]

_OURS: Final = {
    EXIT_NOT_LOADED: (ExitReason.NOT_LOADED, "the strategy could not be loaded"),
    EXIT_ENGINE_GONE: (ExitReason.LEFT, "its channel was closed"),
    EXIT_MEMORY: (ExitReason.MEMORY_LIMIT, "it needed more memory than its budget"),
    EXIT_UNCONFINED: (ExitReason.LEFT, "a layer of the sandbox could not be put on"),
}
_OUT_OF_MEMORY: Final = (
    "MemoryError",
    "memory allocation failed",
    "bad_alloc",
    "out of memory",
    "Cannot allocate memory",
)
_OUTSIDE: Final = (signal.SIGKILL, signal.SIGTERM)


def why_gone(
    status: int | None, cause: tuple[ExitReason, str] | None, last: str, *, stopping: bool
) -> tuple[ExitReason, str, int | None, int | None]:
    """Reason, detail, exit code, signal.

    status: of `os.waitpid`; None where the host died.  cause: why it was killed, if it was.  last: what it wrote last.
    """
    code, number = None, None
    if status is not None:
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    finished = code == 0 and stopping
    if cause is not None and not (finished and cause[0] is ExitReason.KILLED):
        return *cause, code, number
    if status is None:
        return ExitReason.HOST_DIED, "the process that it was forked from is gone", code, number
    if number is not None:
        return *_by_signal(number, last), code, number
    if finished:
        return ExitReason.FINISHED, "", code, number
    reason, detail = _OURS.get(code or 0, (ExitReason.LEFT, f"it left by itself with status {code}"))
    return reason, _with(detail, last), code, number


def _by_signal(number: int, last: str) -> tuple[ExitReason, str]:
    name = signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"
    if number == signal.SIGXCPU:
        return ExitReason.CPU_LIMIT, "it used more CPU time without an answer than its budget"
    if number in _OUTSIDE:
        return ExitReason.SIGNALLED, f"{name} from outside, perhaps because the machine is out of memory"
    if any(words in last for words in _OUT_OF_MEMORY):
        return ExitReason.MEMORY_LIMIT, _with(f"{name} when it needed more memory than its budget", last)
    return ExitReason.CRASHED, _with(name, last)


def _with(detail: str, last: str) -> str:
    return f"{detail}: {last}" if last else detail
