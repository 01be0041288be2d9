"""What the engine sees of strategy processes: settings, levels, reasons, alarms.  Frozen structs and closed sets."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from live.messages import FromStrategy

if TYPE_CHECKING:
    from live.sandbox.worker import Worker

__all__ = [
    "MOST_FRAME_BYTES",
    "Alarm",
    "AlarmKind",
    "ExitReason",
    "Isolation",
    "Layer",
    "Level",
    "OnAlarm",
    "OnExit",
    "OnMessages",
    "SandboxSettings",
    "SandboxStatus",
    "Usage",
    "WorkerExit",
    "WorkerStatus",
]

MOST_FRAME_BYTES = 1 << 20
"""Largest frame in either direction, the length in front of it not counted."""


class Isolation(StrEnum):
    """How strategies are kept apart from the engine."""

    SANDBOX = "sandbox"
    CONTAINER = "container"
    THREAD = "thread"


class Level(IntEnum):
    """How much of it holds, weakest first; what each keeps out stands in the package's docstring."""

    NONE = 0
    RLIMITS = 1
    FILTERED = 2
    BUBBLEWRAP = 3
    CONTAINER = 4


class Layer(StrEnum):
    """What a level is made of."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"
    RLIMITS = "rlimits"
    ENVIRONMENT = "environment"


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How strategy processes are kept.  Times in seconds, memory in megabytes (2**20 bytes).

    minimum: a weaker level refuses to start (`none` must be asked for where isolation is `thread`).
    strongest: nothing above it is tried.  without: layers left out; for proving what each is good for.
    memory_mb: address space a strategy may add to what its process starts with (the import of pandas adds 130, that of
    pyarrow as much again, of which little is ever memory).  memory_alarm: share that is told.
    cpu_s: CPU time it may use without answering.  load_s: wall time from launch to Ready.
    soft_s, hard_s: wall time for one delivery, from when it became the oldest without an answer: later than soft is
    counted and told, later than hard is killed.
    backlog_bytes: what may wait to be taken in by a process.  log_lines_s: lines a second; more are dropped, counted.
    kernels: folder where compiled strategies' machine code is kept between launches, one file for each source;
    None keeps it for as long as this sandbox lives.
    container_program: docker or podman; "" takes what there is.  container_image: "" for an empty image with this
    machine's interpreter mounted read-only.  container_options: for `run`, in place of limits by cgroups.
    owner: names the containers of this engine, so that strays are found.
    """

    isolation: Isolation = Isolation.SANDBOX
    minimum: Level = Level.FILTERED
    strongest: Level = Level.BUBBLEWRAP
    without: frozenset[Layer] = frozenset()
    memory_mb: int = 512
    memory_alarm: float = 0.8
    cpu_s: float = 10.0
    load_s: float = 60.0
    soft_s: float = 0.05
    hard_s: float = 1.0
    backlog_bytes: int = 4 << 20
    log_lines_s: int = 50
    kernels: Path | None = None
    container_program: str = ""
    container_image: str = ""
    container_options: tuple[str, ...] = ()
    owner: str = "workbench"


class ExitReason(StrEnum):
    """Why a process is gone.

    finished: it was told to stop, and left.  not_loaded: the strategy could not be loaded or started; Raised told why.
    left: it went by itself (a call of os._exit, a BaseException).  crashed: by a signal that was its own doing.
    memory_limit, cpu_limit: its budget.  deadline: an answer, or Ready, was overdue.  frozen: found stopped (SIGSTOP).
    protocol: what it sent was no message, or not the one that was due.  killed: by `Worker.kill`, or when the
    grace of `Worker.stop` was over.  signalled: somebody else's SIGKILL or SIGTERM.  host_died: the process that
    it was forked from died (the next launch starts a new one).
    """

    FINISHED = "finished"
    NOT_LOADED = "not_loaded"
    LEFT = "left"
    CRASHED = "crashed"
    MEMORY_LIMIT = "memory_limit"
    CPU_LIMIT = "cpu_limit"
    DEADLINE = "deadline"
    FROZEN = "frozen"
    PROTOCOL = "protocol"
    KILLED = "killed"
    SIGNALLED = "signalled"
    HOST_DIED = "host_died"


class WorkerExit(msgspec.Struct, frozen=True):
    """How a process ended.  code: exit status, signal: its number; None where not known.  detail: for people.

    unanswered: sequences of deliveries that got no answer, oldest first.
    """

    reason: ExitReason
    detail: str = ""
    code: int | None = None
    signal: int | None = None
    unanswered: tuple[int, ...] = ()


class AlarmKind(StrEnum):
    """late: an answer came after the soft budget.  memory: the soft share is used.  logs: lines were dropped.

    refused: it tried what the sandbox forbids (told by the process itself, so for information only).
    """

    LATE = "late"
    MEMORY = "memory"
    LOGS = "logs"
    REFUSED = "refused"


class Alarm(msgspec.Struct, frozen=True):
    """Something to tell people; the process goes on.

    value, limit: seconds (late), bytes of address space (memory), lines (logs); 0 where there is no figure.
    """

    kind: AlarmKind
    text: str
    value: float = 0.0
    limit: float = 0.0


class Usage(msgspec.Struct, frozen=True):
    """What a process uses.  resident, proportional, address_space: bytes (proportional: 0 where it may not be read).

    budget: bytes of address space it may add.  added: bytes it has added.  cpu_s: seconds, user and system.
    """

    resident: int
    proportional: int
    address_space: int
    added: int
    budget: int
    cpu_s: float


class WorkerStatus(msgspec.Struct, frozen=True):
    """One process, for /debug/strategy-sandbox/status."""

    strategy_id: str
    pid: int
    ready: bool
    unanswered: int
    backlog_bytes: int
    answers: int
    late: int
    log_lines_dropped: int
    refused: int
    usage: Usage | None


class SandboxStatus(msgspec.Struct, frozen=True):
    """The level in force, and why it is not a higher one.

    layers: which hold.  missing: one line for each that does not, with the way to mend it.
    host_pid: of the process that strategies are forked from; 0 where there is none.
    """

    isolation: Isolation
    level: Level
    minimum: Level
    layers: dict[Layer, bool]
    missing: tuple[str, ...]
    host_pid: int
    host_restarts: int
    workers: tuple[WorkerStatus, ...]


type OnMessages = Callable[[Worker, list[FromStrategy]], None]
"""All that one wake-up of the loop brought, in order: Ready or Raised first, then Answers, Raised, Logged."""

type OnExit = Callable[[Worker, WorkerExit], None]
"""Exactly once, after the last messages."""

type OnAlarm = Callable[[Worker, Alarm], None]
