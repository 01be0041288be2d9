"""`Worker`: one strategy process, as the engine holds it."""

from __future__ import annotations

from live.messages import Deliver, Stop
from live.sandbox.contract import Level, Usage, WorkerExit

__all__ = ["Worker"]


class Worker:
    """A strategy process; made by `Sandbox.launch`."""

    strategy_id: str
    pid: int
    """As the engine's machine counts; the engine's own for `thread`."""
    level: Level
    ready: bool
    answers: int
    late: int
    """Answers that came after the soft budget."""
    exit: WorkerExit | None

    @property
    def backlog_bytes(self) -> int:
        """What was sent and not yet taken in by the process; a reason to conflate prices."""
        raise NotImplementedError

    @property
    def unanswered(self) -> int:
        """Deliveries without an answer."""
        raise NotImplementedError

    def send(self, message: Deliver | Stop) -> None:
        """Put a message on its way; bytes leave once per turn of the loop.  Never blocks.

        After the process is gone this does nothing (`exit` says so, and which deliveries got no answer).
        Raises WorkerBehind, the message not taken, where `backlog_bytes` would exceed its bound, or it is too large.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Hand what was sent to the kernel now, not at the end of this turn."""
        raise NotImplementedError

    def kill(self, detail: str = "") -> None:
        """End it at once; `on_exit` follows."""
        raise NotImplementedError

    async def stop(self, grace_s: float) -> WorkerExit:
        """Send Stop, wait for it to answer what it was given and leave; killed when `grace_s` is over."""
        raise NotImplementedError

    async def wait(self) -> WorkerExit:
        """Until it is gone."""
        raise NotImplementedError

    def usage(self) -> Usage | None:
        """What it uses now; None once it is gone.  Reads /proc (some 0.1 ms)."""
        raise NotImplementedError
