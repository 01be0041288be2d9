"""`Worker`: one strategy process, as the engine holds it."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from live.messages import Answer, Deliver, FromStrategy, Hello, Logged, Raised, Ready, Stop
from live.sandbox.channel import Channel
from live.sandbox.contract import (
    Alarm,
    AlarmKind,
    ExitReason,
    Level,
    OnAlarm,
    OnExit,
    OnMessages,
    SandboxSettings,
    Usage,
    WorkerExit,
    WorkerStatus,
)
from live.sandbox.exits import why_gone
from live.sandbox.frames import (
    Begun,
    Dropped,
    FrameError,
    FromWorker,
    Kernel,
    Refused,
    decode_from_worker,
    encode,
)
from live.sandbox.kernel_store import KernelStore
from live.sandbox.log_meter import LogMeter
from live.sandbox.output import Output
from live.sandbox.usage import memory, proportional, renew_cpu, vitals

__all__ = ["Process", "Worker"]

_MOST_TEXT: Final = 2_000
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})
_LOOK_S: Final = 1.0  # between two looks at memory, CPU time and state
_EXIT_S: Final = 1.0  # that a process may live on without its channel
_MEGABYTE: Final = 1 << 20


class Process(Protocol):
    """What a worker needs of a process, or of what stands for one.  pid: as this machine counts."""

    pid: int

    def when_gone(self, on_exit: Callable[[int | None], None]) -> None:
        """Have `on_exit` called once with the status of `os.waitpid`, or None where nobody knows."""

    def kill(self) -> None:
        """End it at once; does nothing where it is gone."""


class _Due(NamedTuple):
    """A delivery without an answer.  sent: loop time.  calls: of the strategy, each of which may raise."""

    sequence: int
    sent: float
    calls: int


class Worker:
    """A strategy process; made by `Sandbox.launch`."""

    def __init__(
        self,
        hello: Hello,
        process: Process,
        level: Level,
        settings: SandboxSettings,
        kernels: KernelStore,
        callbacks: tuple[OnMessages, OnExit, OnAlarm],
    ) -> None:
        self.strategy_id = hello.strategy_id
        self.pid = process.pid
        """As the engine's machine counts; the engine's own for `thread`."""
        self.level = level
        self.ready = False
        self.answers = 0
        self.late = 0
        """Answers that came after the soft budget."""
        self.refused = 0
        """Times that the strategy told to have tried what is forbidden."""
        self.exit: WorkerExit | None = None
        self._source, self._process, self._settings, self._kernels = hello.source, process, settings, kernels
        self._on_messages, self._on_exit, self._on_alarm = callbacks
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[WorkerExit] = self._loop.create_future()
        self._launched = self._oldest_since = self._looked = self._loop.time()
        self._due: deque[_Due] = deque()
        self._raised = self._began = self._added = self._kernel_bytes = 0
        self._meter = LogMeter(settings.log_lines_s, self._launched)
        self._cause: tuple[ExitReason, str] | None = None
        self._stopping = self._memory_told = False
        self._answers_seen = -1
        self._channel: Channel
        self._output: Output

    def begin(self, hello: Hello, channel: Channel, output: Output) -> None:
        """Send what it is to run; `channel` is wired to `take_frames` and `channel_ended`, `output` to `take_line`."""
        self._channel, self._output = channel, output
        for kernel in self._kernels.of(hello.source):
            channel.put(encode(Kernel(kernel)), bounded=False)
        channel.put(encode(hello), bounded=False)
        channel.flush()
        self._process.when_gone(self._process_gone)

    # -- what the engine asks ---------------------------------------------------------------------------------------

    @property
    def backlog_bytes(self) -> int:
        """What was sent and not yet taken in by the process's socket; a reason to conflate prices."""
        return self._channel.waiting

    @property
    def unanswered(self) -> int:
        """Deliveries without an answer."""
        return len(self._due)

    def send(self, message: Deliver | Stop) -> None:
        """Put a message on its way; bytes leave once per turn of the loop.  Never blocks.

        After the process is gone this does nothing (`exit` says so, and which deliveries got no answer).
        Raises WorkerBehind, the message not taken, where `backlog_bytes` would exceed its bound, or it is too large.
        """
        self._channel.put(encode(message))
        if isinstance(message, Stop):
            self._stopping = True
            return
        now = self._loop.time()
        if not self._due:
            self._oldest_since = now
        calls = len(message.fills) + len(message.breaches) + 1
        self._due.append(_Due(message.sequence, now, calls))

    def flush(self) -> None:
        """Hand what was sent to the kernel now, not at the end of this turn."""
        self._channel.flush()

    def kill(self, detail: str = "") -> None:
        """End it at once; `on_exit` follows."""
        self._end(ExitReason.KILLED, detail)

    async def stop(self, grace_s: float) -> WorkerExit:
        """Send Stop, wait for it to answer what it was given and leave; killed when `grace_s` is over."""
        self._stopping = True
        self._channel.put(encode(Stop()), bounded=False)
        try:
            return await asyncio.wait_for(self.wait(), grace_s)
        except TimeoutError:
            self.kill(f"had not left {grace_s:g} s after it was told to stop")
        return await self.wait()

    async def wait(self) -> WorkerExit:
        """Until it is gone."""
        return await asyncio.shield(self._gone)

    def usage(self) -> Usage | None:
        """What it uses now; None once it is gone.  Reads /proc (some 0.1 ms)."""
        if self.exit is not None:
            return None
        size, resident = memory(self.pid)
        return Usage(
            resident=resident,
            proportional=proportional(self.pid),
            address_space=size,
            added=max(0, size - self._began) if self._began else 0,
            budget=self._settings.memory_mb * _MEGABYTE,
            cpu_s=vitals(self.pid).cpu_s,
        )

    def status(self) -> WorkerStatus:
        return WorkerStatus(
            strategy_id=self.strategy_id,
            pid=self.pid,
            ready=self.ready,
            unanswered=self.unanswered,
            backlog_bytes=self.backlog_bytes,
            answers=self.answers,
            late=self.late,
            log_lines_dropped=self._meter.dropped,
            refused=self.refused,
            usage=self.usage(),
        )

    # -- what the process says --------------------------------------------------------------------------------------

    def take_frames(self, frames: list[memoryview]) -> None:
        """Frames of a process that may be hostile: what is due goes to the engine, anything else ends the process."""
        heard: list[FromStrategy] = []
        problem = ""
        try:
            for frame in frames:
                message = self._checked(decode_from_worker(frame))
                if message is not None:
                    heard.append(message)
        except FrameError as error:
            problem = str(error)
        if heard:
            self._on_messages(self, heard)
        if problem:
            self._end(ExitReason.PROTOCOL, problem)

    def _checked(self, message: FromWorker) -> FromStrategy | None:
        """The message if it is for the engine and due now, None if it was for this object.  Raises FrameError."""
        match message:
            case Answer():
                return self._answered(message)
            case Raised():
                return self._has_raised(message)
            case Logged():
                return self._line(message.level, message.text)
            case Ready():
                if self.ready:
                    raise FrameError("it said Ready twice")
                self.ready, self._oldest_since = True, self._loop.time()
                return message
            case Begun():
                if self._began:
                    raise FrameError("it began twice")
                self._began = max(1, message.address_space)
            case Kernel():
                self._keep(message.data)
            case Dropped():
                self._meter.dropped += min(max(message.lines, 0), 1 << 20)
            case Refused():
                self._tried(message.text)
        return None

    def _answered(self, answer: Answer) -> Answer:
        due = self._due.popleft() if self._due else None
        if due is None or due.sequence != answer.sequence or not self.ready:
            expected = "none" if due is None else f"one to {due.sequence}"
            raise FrameError(f"an answer to delivery {answer.sequence}, expected {expected}")
        now = self._loop.time()
        waited = now - max(self._oldest_since, due.sent)
        self._oldest_since, self._raised = now, 0
        self.answers += 1
        spent, soft = answer.elapsed_ns * 1e-9, self._settings.soft_s
        # What the process says is exact unless it lies; what the clock says here includes this loop's own delays.
        if spent > soft or waited > 0.5 * (soft + self._settings.hard_s):
            self.late += 1
            slow = max(spent, waited)
            text = f"answered after {slow * 1e3:.0f} ms, allowed {soft * 1e3:.0f} ms"
            self._on_alarm(self, Alarm(AlarmKind.LATE, text, slow, soft))
        return answer

    def _has_raised(self, raised: Raised) -> Raised:
        number, calls = (
            (self._due[0].sequence, self._due[0].calls + 1) if self._due and self.ready else (0, 1)
        )
        self._raised += 1
        if raised.sequence != number or self._raised > calls or (number == 0 and self.ready):
            raise FrameError(f"an error in delivery {raised.sequence} that is not due")
        return Raised(number, raised.call[:_MOST_TEXT], raised.error[:_MOST_TEXT])

    def take_line(self, text: str) -> None:
        """A line that came by the process's own output: of the C library, or of an interpreter that dies."""
        try:
            line = self._line("error", text)
        except FrameError as error:
            self._end(ExitReason.PROTOCOL, str(error))
            return
        if line is not None:
            self._on_messages(self, [line])

    def _line(self, level: str, text: str) -> Logged | None:
        if not self._meter.passes(self._loop.time()):
            if self._meter.flooded:
                raise FrameError("log lines by the thousand")
            return None
        return Logged(level if level in _LEVELS else "info", text[:_MOST_TEXT])

    def _tried(self, text: str) -> None:
        self.refused += 1
        if self._line("warning", text) is not None:
            self._on_alarm(self, Alarm(AlarmKind.REFUSED, text[:_MOST_TEXT]))

    def _keep(self, data: bytes) -> None:
        self._kernel_bytes += len(data)
        if self._kernel_bytes > 64 * _MEGABYTE:
            raise FrameError("more than 64 MB of compiled functions")
        self._kernels.keep(self._source, data)

    # -- watching ---------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Called several times a second: end what is overdue, look at what it uses."""
        now = self._loop.time()
        overdue = self._overdue(now)
        if overdue:
            self._channel.drain()  # it may be this loop that was late
            overdue = self._overdue(now)
        if overdue and self._cause is None:
            frozen = vitals(self.pid).state == "T"
            self._end(
                ExitReason.FROZEN if frozen else ExitReason.DEADLINE,
                f"{overdue}{', and the process was stopped by a signal' if frozen else ''}",
            )
        if now - self._looked >= _LOOK_S and self.exit is None:
            self._looked = now
            self._look()

    def _overdue(self, now: float) -> str:
        if not self.ready:
            waited = now - self._launched
            return f"not ready after {waited:.1f} s" if waited > self._settings.load_s else ""
        if not self._due:
            return ""
        waited = now - max(self._oldest_since, self._due[0].sent)
        if waited <= self._settings.hard_s:
            return ""
        number, allowed = self._due[0].sequence, self._settings.hard_s
        return f"no answer to delivery {number} after {waited:.2f} s, allowed {allowed:g} s"

    def _look(self) -> None:
        state, cpu_s = vitals(self.pid)
        if state == "T":
            self._end(ExitReason.FROZEN, "the process was found stopped by a signal")
            return
        if self.answers != self._answers_seen and self.pid != os.getpid():
            self._answers_seen = self.answers
            renew_cpu(self.pid, cpu_s, self._settings.cpu_s)
        if self._began > 1:
            self._look_at_memory()
        dropped = self._meter.not_told()
        if dropped:
            self._on_alarm(self, Alarm(AlarmKind.LOGS, f"{dropped:,} log lines were dropped", dropped))

    def _look_at_memory(self) -> None:
        budget = self._settings.memory_mb * _MEGABYTE
        limit = budget * self._settings.memory_alarm
        added = memory(self.pid)[0] - self._began
        if added > limit and not self._memory_told:
            text = (
                f"has added {added / _MEGABYTE:.0f} MB of address space, allowed {budget / _MEGABYTE:.0f} MB"
            )
            self._on_alarm(self, Alarm(AlarmKind.MEMORY, text, float(added), float(budget)))
        self._memory_told = added > limit * (0.9 if self._memory_told else 1.0)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _end(self, reason: ExitReason, detail: str) -> None:
        """Kill it for this reason, unless it is being killed for another."""
        if self._cause is None and self.exit is None:
            self._cause = (reason, detail)
            self._process.kill()

    def channel_ended(self, problem: str) -> None:
        """Nothing more will come: the process is about to be gone, or is made to go."""
        if problem:
            self._end(ExitReason.PROTOCOL, problem)
        else:
            self._loop.call_later(_EXIT_S, self._end, ExitReason.PROTOCOL, "it closed its channel and stayed")

    def _process_gone(self, status: int | None) -> None:
        self._channel.drain()
        self._output.drain()
        self._channel.close()
        self._output.close()
        if self.exit is not None:
            return
        reason, detail, code, signal = why_gone(
            status, self._cause, self._output.last, stopping=self._stopping
        )
        unanswered = tuple(due.sequence for due in self._due)
        self.exit = WorkerExit(reason, detail, code, signal, unanswered)
        self._gone.set_result(self.exit)
        self._on_exit(self, self.exit)
