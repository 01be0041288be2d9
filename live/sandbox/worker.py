"""`Worker`: one strategy process, as the engine holds it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from live.messages import Deliver, FromStrategy, Hello, Stop
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
from live.sandbox.conversation import Conversation
from live.sandbox.exits import why_gone
from live.sandbox.frames import FrameError, Kernel, decode_from_worker, encode
from live.sandbox.kernel_store import KernelStore
from live.sandbox.monitor import Monitor
from live.sandbox.output import Output
from live.sandbox.serve import EXIT_COMPILED
from live.sandbox.usage import vitals
from workbench.errors import SandboxError, WorkerBehind

__all__ = ["Process", "Worker"]

_EXIT_S: Final = 1.0  # that a process may live on without its channel


class Process(Protocol):
    """What a worker needs of a process, or of what stands for one.  pid: as this machine counts."""

    pid: int

    def when_gone(self, on_exit: Callable[[int | None], None]) -> None:
        """Have `on_exit` called once with the status of `os.waitpid`, or None where nobody knows."""

    def kill(self) -> None:
        """End it at once; does nothing where it is gone."""


class Worker:
    """A strategy process; made by `Sandbox.launch`."""

    def __init__(
        self,
        hello: Hello,
        level: Level,
        settings: SandboxSettings,
        kernels: KernelStore,
        callbacks: tuple[OnMessages, OnExit, OnAlarm],
        relaunch: Callable[[Worker], Awaitable[None]],
    ) -> None:
        self.strategy_id = hello.strategy_id
        self.level = level
        self.pid = 0
        """As the engine's machine counts; the engine's own for `thread`."""
        self.exit: WorkerExit | None = None
        self._hello, self._settings, self._kernels, self._relaunch = hello, settings, kernels, relaunch
        self._on_messages, self._on_exit, self._on_alarm = callbacks
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[WorkerExit] = self._loop.create_future()
        self._talk = Conversation(settings, self._loop.time())
        self._monitor = Monitor(settings, self._loop.time())
        self._cause: tuple[ExitReason, str] | None = None
        self._stopping = False
        self._early: list[bytes] = []  # sent before it was ready
        self._launches = 0
        self._relaunching: asyncio.Task[None] | None = None
        self._process: Process
        self._channel: Channel
        self._output: Output

    def begin(self, process: Process, channel: Channel, output: Output) -> None:
        """Send what it is to run; `channel` is wired to `take_frames` and `channel_ended`, `output` to `take_line`."""
        self._process, self._channel, self._output = process, channel, output
        self.pid = process.pid
        self._launches += 1
        for kernel in self._kernels.of(self._hello.source):
            channel.put(encode(Kernel(kernel)), bounded=False)
        for payload in (encode(self._hello), *self._early):
            channel.put(payload, bounded=False)
        channel.flush()
        process.when_gone(self._process_gone)
        if self._cause is not None:
            process.kill()

    # -- what the engine asks ---------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """It has said Ready."""
        return self._talk.ready

    @property
    def answers(self) -> int:
        return self._talk.answers

    @property
    def late(self) -> int:
        """Answers that came after the soft budget."""
        return self._talk.late

    @property
    def backlog_bytes(self) -> int:
        """What was sent and not yet taken in by the process's socket; a reason to conflate prices."""
        return self._channel.waiting

    @property
    def unanswered(self) -> int:
        """Deliveries without an answer."""
        return len(self._talk.due)

    def send(self, message: Deliver | Stop) -> None:
        """Put a message on its way; bytes leave once per turn of the loop.  Never blocks.

        After the process is gone this does nothing (`exit` says so, and which deliveries got no answer).
        Raises WorkerBehind, the message not taken, where `backlog_bytes` would exceed its bound, or it is too large.
        """
        if self.exit is not None:
            return
        payload = encode(message)
        if self._talk.ready:
            self._channel.put(payload)
        else:
            self._send_early(payload)
        if isinstance(message, Stop):
            self._stopping = True
        else:
            self._talk.sent(message, self._loop.time())

    def _send_early(self, payload: bytes) -> None:
        """Until it is ready, another process may have to be sent all of it again.  Raises WorkerBehind."""
        waiting, most = sum(map(len, self._early)) + len(payload), self._settings.backlog_bytes
        if waiting > most:
            raise WorkerBehind(
                f"{waiting:,} bytes for a process that is not ready, allowed {most:,}; wait for Ready"
            )
        self._channel.put(payload, bounded=False)
        self._early.append(payload)

    def flush(self) -> None:
        """Hand what was sent to the kernel now, not at the end of this turn."""
        self._channel.flush()

    def kill(self, detail: str = "") -> None:
        """End it at once; `on_exit` follows."""
        self._end(ExitReason.KILLED, detail)

    async def stop(self, grace_s: float) -> WorkerExit:
        """Send Stop, wait for it to answer what it was given and leave; killed when `grace_s` is over."""
        self._stopping = True
        if self.exit is None:
            payload = encode(Stop())
            self._channel.put(payload, bounded=False)
            self._early.append(payload)
        try:
            return await asyncio.wait_for(self.wait(), grace_s)
        except TimeoutError:
            self.kill(f"had not left {grace_s:g} s after it was told to stop")
        return await self.wait()

    async def wait(self) -> WorkerExit:
        """Until it is gone."""
        return await asyncio.shield(self._gone)

    def usage(self) -> Usage | None:
        """What it uses now; None once it is gone.  Reads /proc (some 0.5 ms)."""
        if self.exit is not None:
            return None
        return self._monitor.usage(self.pid, self._talk.began)

    def status(self) -> WorkerStatus:
        return WorkerStatus(
            strategy_id=self.strategy_id,
            pid=self.pid,
            ready=self.ready,
            unanswered=self.unanswered,
            backlog_bytes=self.backlog_bytes,
            answers=self.answers,
            late=self.late,
            log_lines_dropped=self._talk.meter.dropped,
            refused=self._talk.refused,
            usage=self.usage(),
        )

    # -- what the process says --------------------------------------------------------------------------------------

    def take_frames(self, frames: list[memoryview]) -> None:
        """Frames of a process that may be hostile: what is due goes to the engine, anything else ends the process."""
        heard: list[FromStrategy] = []
        problem, now = "", self._loop.time()
        try:
            for frame in frames:
                message = self._talk.hear(decode_from_worker(frame), now)
                if message is not None:
                    heard.append(message)
        except FrameError as error:
            problem = str(error)
        if self._talk.ready and self._early:
            self._early.clear()
        self._pass_on(heard)
        if problem:
            self._end(ExitReason.PROTOCOL, problem)

    def _pass_on(self, heard: list[FromStrategy]) -> None:
        kernels, self._talk.kernels = self._talk.kernels, []
        for kernel in kernels:
            self._kernels.keep(self._hello.source, kernel)
        if heard:
            self._on_messages(self, heard)
        alarms, self._talk.alarms = self._talk.alarms, []
        for alarm in alarms:
            self._on_alarm(self, alarm)

    def take_line(self, text: str) -> None:
        """A line that came by the process's own output: of the C library, or of an interpreter that dies."""
        try:
            line = self._talk.line("error", text, self._loop.time())
        except FrameError as error:
            self._end(ExitReason.PROTOCOL, str(error))
            return
        if line is not None:
            self._on_messages(self, [line])

    # -- watching ---------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Called several times a second: end what is overdue, look at what it uses."""
        if self._relaunching is not None or self._cause is not None:
            return
        now = self._loop.time()
        if self._talk.overdue(now):
            self._channel.drain()  # it may be this loop that was late
            overdue = self._talk.overdue(now)
            if overdue:
                frozen = vitals(self.pid).state == "T"
                reason = ExitReason.FROZEN if frozen else ExitReason.DEADLINE
                self._end(reason, f"{overdue}{', and the process was stopped by a signal' if frozen else ''}")
        if self._monitor.due(now) and self.exit is None:
            self._look()

    def _look(self) -> None:
        frozen, alarm = self._monitor.look(self.pid, self._talk.began, self.answers)
        if frozen:
            self._end(ExitReason.FROZEN, "the process was found stopped by a signal")
            return
        if alarm is not None:
            self._on_alarm(self, alarm)
        dropped = self._talk.meter.not_told()
        if dropped:
            self._on_alarm(self, Alarm(AlarmKind.LOGS, f"{dropped:,} log lines were dropped", dropped))

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
            self._loop.call_later(_EXIT_S, self._outlived, self._launches)

    def _outlived(self, launch: int) -> None:
        if launch == self._launches and self._relaunching is None:
            self._end(ExitReason.PROTOCOL, "it closed its channel and stayed")

    def _process_gone(self, status: int | None) -> None:
        self._channel.drain()
        self._output.drain()
        self._channel.close()
        self._output.close()
        compiled = status is not None and os.waitstatus_to_exitcode(status) == EXIT_COMPILED
        if compiled and self._launches == 1 and self._cause is None and not self.ready:
            self._relaunching = asyncio.ensure_future(self._begin_again())
            return
        self._finish(*why_gone(status, self._cause, self._output.last, stopping=self._stopping))

    async def _begin_again(self) -> None:
        """The first process has compiled, which takes tens of megabytes for good; a second one has them not."""
        self._talk.begin_again(self._loop.time())
        try:
            await self._relaunch(self)
        except SandboxError as error:
            self._finish(ExitReason.HOST_DIED, str(error), None, None)
        finally:
            self._relaunching = None

    def _finish(self, reason: ExitReason, detail: str, code: int | None, signal: int | None) -> None:
        unanswered = tuple(due.sequence for due in self._talk.due)
        self.exit = WorkerExit(reason, detail, code, signal, unanswered)
        self._gone.set_result(self.exit)
        self._on_exit(self, self.exit)
