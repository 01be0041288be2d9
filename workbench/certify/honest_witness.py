"""A process that runs a strategy several times, changes something of the world each time, and tells what it saw.

It reads a packed Job from stdin and writes one JSON document to stdout.  Nothing that the strategy prints gets there.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, NamedTuple

import msgspec

__all__ = ["CHANGES", "Job", "Report", "Run", "channels", "main"]

CHANGES: Final = ("base", "again", "clock", "random", "environment")
"""What is different in each run: nothing, nothing, the clock, global random generators, environment and folder."""
AHEAD: Final = 400 * 86_400.0 + 7 * 3_600.0 + 13 * 60.0 + 11.5  # another year, day of the week, hour, minute
SCRAMBLED: Final = ("TZ", "USER", "HOME", "LANG", "HOSTNAME")


class Job(NamedTuple):
    """path: of the caller's modules.  plan: packed arguments of `plan_run`.  rows: updates that are played."""

    path: tuple[str, ...]
    plan: bytes
    rows: int
    file: str


class Run(msgspec.Struct, frozen=True):
    """digest: of what was said and what came of it.  said: how many signals.  raised: "" for nothing.

    first: of the first signal that is not as in the first run, in words; "" where there is none.
    global_random: generators of the process that were used, in words.
    """

    digest: str
    said: int
    raised: str
    first: str
    global_random: str


class Report(msgspec.Struct, frozen=True):
    """runs: by CHANGES.  events: what the strategy reached for, kind and words.  signals: a digest of each."""

    runs: dict[str, Run]
    events: list[tuple[str, str]]
    failed: str = ""


def main() -> None:
    """Do the job on stdin, and leave."""
    inbox, outbox = channels()
    data = inbox.read()
    try:
        report = _witness(data)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller tells it in one line
        report = Report({}, [], " ".join(f"{type(error).__name__}: {error}".split()))
    outbox.write(msgspec.json.encode(report))
    outbox.flush()


def channels() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout as they are now; what a strategy prints goes to stderr from here on, and it reads nothing."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def _witness(data: bytes) -> Report:
    from workbench.certify.honest_watch import Watch
    from workbench.sweeps.payload import unpack

    job = Job(*unpack(data))
    sys.path.extend(path for path in job.path if path not in sys.path)
    sys.modules["__main__"].__file__ = job.file or None
    watch = Watch()
    watch.install()
    runs: dict[str, Run] = {}
    first: Any = None
    for change in CHANGES:
        _changed(watch, change)
        trace, used = _played(job, unpack, watch)
        first = trace if first is None else first
        runs[change] = _told(trace, first, used)
    return Report(runs, list(watch.events))


def _changed(watch: Any, change: str) -> None:
    """Make the world as it is to be for this run."""
    import numpy as np

    watch.shift = AHEAD if change == "clock" else 0.0
    seed = 2 if change == "random" else 1
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - it is this generator that is put to the test
    if change == "environment":
        for name in SCRAMBLED:
            os.environ[name] = "elsewhere"
        os.chdir(os.path.abspath(os.sep))


def _played(job: Job, unpack: Callable[[bytes], Any], watch: Any) -> tuple[Any, str]:
    """One run of a strategy that is loaded anew, and the global generators that it used."""
    from workbench.backtest.api import plan_run
    from workbench.certify.honest_trace import first_rows, trace

    before = set(sys.modules)
    watch.armed = True
    try:
        arguments: Mapping[str, Any] = unpack(job.plan)
        state = _generators()
        plan = plan_run(**arguments)
        found = trace(plan, first_rows(plan.feed, job.rows))
        changed = [name for name, value in _generators().items() if value != state[name]]
    finally:
        watch.armed = False
    for name in set(sys.modules) - before:
        if name.startswith("strategy_"):  # a script: the next run executes it again
            del sys.modules[name]
    return found, " and ".join(changed)


def _generators() -> dict[str, str]:
    import numpy as np

    return {"random": repr(random.getstate()), "numpy.random": repr(np.random.get_state())}  # noqa: NPY002


def _told(trace: Any, first: Any, used: str) -> Run:
    from workbench.certify.honest_trace import first_difference, moment

    time = first_difference(first.said, trace.said)
    return Run(trace.digest, len(trace.said), trace.raised, "" if time is None else moment(time), used)
