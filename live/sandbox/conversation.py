"""What a process may say, and when: every message of one that may be hostile is due, or ends it."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import msgspec

from live.messages import Answer, Deliver, FromStrategy, Logged, Raised, Ready
from live.sandbox.contract import Alarm, AlarmKind, SandboxSettings
from live.sandbox.frames import Begun, Dropped, FrameError, FromWorker, Kernel, Refused
from live.sandbox.log_meter import LogMeter

__all__ = ["Conversation"]

_MOST_TEXT: Final = 2_000
_MOST_NAME: Final = 100
_MOST_KERNELS: Final = 64 << 20  # bytes
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})


class _Due(NamedTuple):
    """A delivery without an answer.  sent: loop time.  calls: of the strategy, each of which may raise."""

    sequence: int
    sent: float
    calls: int


def _line(text: str, most: int) -> str:
    """One line that can be printed, whatever the process has put into it."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[:most])
    return " ".join(printable.split())


class Conversation:
    """One process's side of it, from its first frame.  Times are the loop's, in seconds.

    ready: it has said so.  began: bytes of address space at its beginning, 0 where not known.
    alarms, kernels: collected until somebody takes them out.
    """

    def __init__(self, settings: SandboxSettings, now: float) -> None:
        self._settings = settings
        self._launched = self._oldest_since = now
        self._raised = self._kernel_bytes = 0
        self._begun = False
        self.due: deque[_Due] = deque()
        self.meter = LogMeter(settings.log_lines_s, now)
        self.ready = False
        self.began = self.answers = self.late = self.refused = 0
        self.alarms: list[Alarm] = []
        self.kernels: list[bytes] = []

    def sent(self, delivery: Deliver, now: float) -> None:
        """A delivery is on its way; an answer is due."""
        if not self.due:
            self._oldest_since = now
        self.due.append(_Due(delivery.sequence, now, len(delivery.fills) + len(delivery.breaches) + 1))

    def begin_again(self, now: float) -> None:
        """Another process takes over, before the first was ready."""
        self._launched, self._begun = now, False

    def hear(self, message: FromWorker, now: float) -> FromStrategy | None:
        """The message if it is for the engine, None if it is for this package.  Raises FrameError if it is not due."""
        match message:
            case Answer():
                return self._answer(message, now)
            case Raised():
                return self._error(message)
            case Logged():
                return self.line(message.level, message.text, now)
            case Ready():
                if self.ready:
                    raise FrameError("it said Ready twice")
                self.ready, self._oldest_since = True, now
                return msgspec.structs.replace(
                    message, name=_line(message.name, _MOST_NAME), version=_line(message.version, _MOST_NAME)
                )
            case Begun():
                if self._begun:
                    raise FrameError("it began twice")
                self._begun, self.began = True, max(0, message.address_space)
            case Kernel():
                self._kernel_bytes += len(message.data)
                if self._kernel_bytes > _MOST_KERNELS:
                    raise FrameError(f"more than {_MOST_KERNELS >> 20} MB of compiled functions")
                self.kernels.append(message.data)
            case Dropped():
                self.meter.dropped += min(max(message.lines, 0), 1 << 20)
            case Refused():
                self.refused += 1
                if self.line("warning", message.text, now) is not None:
                    self.alarms.append(Alarm(AlarmKind.REFUSED, message.text[:_MOST_TEXT]))
        return None

    def _answer(self, answer: Answer, now: float) -> Answer:
        due = self.due.popleft() if self.due and self.ready else None
        if due is None or due.sequence != answer.sequence:
            expected = "none" if due is None else f"one to {due.sequence}"
            raise FrameError(f"an answer to delivery {answer.sequence}, expected {expected}")
        waited, self._oldest_since, self._raised = now - max(self._oldest_since, due.sent), now, 0
        self.answers += 1
        spent, soft = answer.elapsed_ns * 1e-9, self._settings.soft_s
        # What the process says is exact unless it lies; what the clock says here includes this loop's own delays.
        if spent > soft or waited > 0.5 * (soft + self._settings.hard_s):
            self.late += 1
            slow = max(spent, waited)
            text = f"answered after {slow * 1e3:.0f} ms, allowed {soft * 1e3:.0f} ms"
            self.alarms.append(Alarm(AlarmKind.LATE, text, slow, soft))
        return answer

    def _error(self, raised: Raised) -> Raised:
        """Each call may raise once, and an answer that cannot be sent once more; while loading, one does."""
        number, most = 0, 0 if self.ready else 1
        if self.ready and self.due:
            number, most = self.due[0].sequence, self.due[0].calls + 1
        self._raised += 1
        if raised.sequence != number or self._raised > most:
            raise FrameError(f"an error in delivery {raised.sequence} that is not due")
        return Raised(number, _line(raised.call, _MOST_NAME), _line(raised.error, _MOST_TEXT))

    def line(self, level: str, text: str, now: float) -> Logged | None:
        """A line of its log, if it may have one more.  Raises FrameError where it is flooding."""
        if self.meter.passes(now):
            return Logged(level if level in _LEVELS else "info", text[:_MOST_TEXT])
        if self.meter.flooded:
            raise FrameError("log lines by the thousand")
        return None

    def overdue(self, now: float) -> str:
        """What is later than allowed, one line; "" for nothing."""
        if not self.ready:
            waited = now - self._launched
            return f"not ready after {waited:.1f} s" if waited > self._settings.load_s else ""
        if not self.due:
            return ""
        number, waited = self.due[0].sequence, now - max(self._oldest_since, self.due[0].sent)
        allowed = self._settings.hard_s
        if waited <= allowed:
            return ""
        return f"no answer to delivery {number} after {waited:.2f} s, allowed {allowed:g} s"
