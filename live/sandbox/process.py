"""A strategy's process from its first instruction: descriptors, output, confinement, then the loop."""

from __future__ import annotations

import faulthandler
import fcntl
import logging
import os
import sys
import traceback
from typing import Final

from live.sandbox import shelf
from live.sandbox.attempts import note_attempts
from live.sandbox.confine import Confinement, confine
from live.sandbox.frames import Begun, FrameError, Kernel
from live.sandbox.interpreter import code_roots
from live.sandbox.serve import EXIT_ENGINE_GONE, EXIT_MEMORY, EXIT_UNCONFINED, serve
from live.sandbox.voice import LineStream, LogHandler, Voice

__all__ = ["run"]

_READING, _WRITING = 3, 4
_ENGINE_GONE: Final = (BrokenPipeError, ConnectionResetError)


def run(reading: int, writing: int, output: int, order: Confinement) -> int:
    """Be the process of one strategy; the exit status.

    reading, writing: descriptors to the engine, the same for a socket.  output: of a pipe, for what the C library and
    the interpreter write when they die.  All other descriptors are closed.
    """
    _take_descriptors(reading, writing, output)
    try:
        voice = Voice(_WRITING, order.log_lines_s)
        try:
            began = confine(order)
        except OSError as error:
            os.write(2, f"the sandbox could not be put on: {error}\n".encode())
            return EXIT_UNCONFINED
        voice.say(Begun(began))
        voice.flush()
        compiled = _listen_in(voice, order)
        return serve(_READING, voice, lambda: bool(compiled))
    except _ENGINE_GONE:
        return EXIT_ENGINE_GONE
    except MemoryError:
        return EXIT_MEMORY
    except BaseException:  # noqa: BLE001 - the process ends here whatever it was, and this is where it is told
        os.write(2, traceback.format_exc().encode("utf-8", "replace")[-4_000:])
        return 1


def _take_descriptors(reading: int, writing: int, output: int) -> None:
    """0: nothing.  1 and 2: `output`.  3: `reading`.  4: `writing`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    wanted = (nothing, output, output, reading, writing)
    for number, copy in enumerate([fcntl.fcntl(fd, fcntl.F_DUPFD, 2 * len(wanted)) for fd in wanted]):
        os.dup2(copy, number)
    os.closerange(len(wanted), os.sysconf("SC_OPEN_MAX"))
    faulthandler.enable(file=2)


def _listen_in(voice: Voice, order: Confinement) -> list[int]:
    """Have all that the strategy prints, logs, compiles and tries come to `voice`; a list that grows as it compiles."""
    compiled: list[int] = []
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - as long as the process
    sys.stdout, sys.stderr = LineStream(voice, "info"), LineStream(voice, "warning")
    root = logging.getLogger()
    root.handlers[:] = [LogHandler(voice)]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    note_attempts([*order.readable, *code_roots()], voice.refused)

    def keep(data: bytes) -> None:
        try:
            voice.say(Kernel(data))
        except FrameError:
            return  # too large to keep: it is compiled again next time
        voice.flush()  # a call that compiles may well be killed for being late
        compiled.append(len(data))

    shelf.keep_with(keep)
    return compiled
