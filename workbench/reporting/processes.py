"""A program with a time limit: when that is over, or somebody asks, it is ended with everything that it has started."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import psutil

__all__ = ["Ended", "run_limited"]

_MARK: Final = "WORKBENCH_REPORT_RUN"  # in the environment of all that belongs to one program
_LOOK_S: Final = 0.1
_PATIENCE_S: Final = 10.0
_TAIL: Final = 4_000  # characters of stderr that are kept


class Ended(NamedTuple):
    """How a program ended.  code: its exit status, None where it was ended.  why: "", "time" or "asked"."""

    code: int | None
    out: str
    err: str
    why: str


def run_limited(
    command: Sequence[str],
    *,
    first_line: str,
    seconds: float,
    folder: Path,
    stop: threading.Event | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run `command` until it ends, for `seconds` at most, or until `stop` is set.

    first_line: what it reads on stdin, which stays open for as long as somebody waits.  folder: where its output goes.
    """
    mark = secrets.token_hex(16)
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out_file,
            stderr=err_file,
            env={**os.environ, **(environment or {}), _MARK: mark},
            start_new_session=True,
        )
    why = ""
    try:
        _tell(program, first_line)
        why = _wait(program, time.monotonic() + seconds, stop)
    finally:
        _end_all(program, mark)
    return Ended(None if why else program.returncode, _tail(out), _tail(err), why)


def _tell(program: subprocess.Popen[bytes], line: str) -> None:
    assert program.stdin is not None
    try:
        program.stdin.write(line.encode() + b"\n")
        program.stdin.flush()
    except BrokenPipeError:
        return  # it has ended already, and says why


def _wait(program: subprocess.Popen[bytes], deadline: float, stop: threading.Event | None) -> str:
    while True:
        try:
            program.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            if stop is not None and stop.is_set():
                return "asked"
            if time.monotonic() >= deadline:
                return "time"
        else:
            return ""


def _end_all(program: subprocess.Popen[bytes], mark: str) -> None:
    """End the program and whatever has its mark; a kernel has a session of its own, so no group has them all."""
    if program.poll() is None:
        program.kill()
    if program.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # what it was to read is of no use to it any more
            program.stdin.close()
    program.wait()
    deadline = time.monotonic() + _PATIENCE_S
    while (left := _marked(mark)) and time.monotonic() < deadline:
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=0.5)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # gone meanwhile, or somebody else's
            continue
    return found


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
