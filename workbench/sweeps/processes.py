"""Plain Python strategies over processes: any TradingStrategy, swept by event replay.

The processes are our own. They do not import the caller's script again, so a script needs no guard and a notebook
works; Ctrl-C is not theirs; and one that dies takes nothing with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self

from workbench.core.jit import is_cached
from workbench.core.step import on_row
from workbench.errors import StrategyError
from workbench.sweeps.payload import pack
from workbench.sweeps.plain import Columns
from workbench.sweeps.result import Part
from workbench.sweeps.worker import Answer, Hello, Request, read_message, write_message

if TYPE_CHECKING:
    from workbench.sweeps.job import Job

__all__ = ["Heard", "Pool", "run_plain"]

LEAVE_SECONDS: Final = 1.0
TRIES: Final = 2  # of a column whose process dies
MOST_STILLBORN: Final = 3  # processes in a row that died before they could begin
MOST_DEATHS: Final = 6  # processes that died before any column was finished
THREAD_SETTINGS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# What can be imported here can be imported there; `-P` keeps a random.py of the current folder out until then.
START: Final = "import sys; sys.path[:] = {path}; from workbench.sweeps.worker import main; main()"

type Heard = Callable[[int, Answer], None]


def run_plain(job: Job, tick: Callable[[int], object]) -> tuple[list[Part], bool]:
    """Every column of a job whose strategy is no compiled one; its parts, and whether somebody interrupted."""
    columns = Columns(job, tick)
    if job.client is not None:
        from workbench.sweeps.cluster import run_requests

        interrupted = run_requests(job, columns)
    elif job.pool is not None:
        interrupted = job.pool.run(columns.requests, columns.heard)
    else:
        with Pool(pack(columns.plan), job.workers) as pool:
            interrupted = pool.run(columns.requests, columns.heard)
    return columns.parts(interrupted), interrupted


class Pool:
    """Worker processes for the columns of one Plan, started when there is something to do.

    plan: packed.  workers: how many at most; None for one per core that this process may use.  path: further folders
    that modules are looked for in, those of another process.
    """

    def __init__(self, plan: bytes, workers: int | None = None, path: Sequence[str] = ()) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it has no name, and lives as long as this does
        self._file.write(plan)
        self._file.flush()
        self._size = len(plan)
        self._most, self._path = workers or os.process_cpu_count() or 1, tuple(path)
        self._workers: list[_Worker] = []
        self._waiting: deque[int] = deque()
        self._died: Counter[int] = Counter()
        self._stillborn = self._answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None)

    def run(self, requests: Sequence[Request], heard: Heard) -> bool:
        """Have every request answered; whether somebody interrupted, and then the processes are gone.

        heard: called with the number of a request and the answer, in the order in which they come.
        Raises StrategyError where processes cannot begin, or die before any column is finished.
        """
        self._waiting = deque(range(len(requests)))
        self._died.clear()
        try:
            while self._waiting or any(worker.column is not None for worker in self._workers):
                self._hand_out(requests)
                self._listen(heard)
        except KeyboardInterrupt:
            self.close(at_once=True)
            return True
        return False

    def _hand_out(self, requests: Sequence[Request]) -> None:
        """Give each worker that has nothing to do a column, and start more workers where that would help."""
        for worker in self._workers:
            if worker.ready and worker.column is None and self._waiting:
                worker.column = self._waiting.popleft()
                worker.tell(requests[worker.column])
        # The first one compiles what is not compiled yet, and the others need not.
        most = self._most if self._answered or is_cached(on_row) else 1
        beginning = sum(not worker.ready for worker in self._workers)
        for _ in range(min(most - len(self._workers), len(self._waiting) - beginning)):
            threads = max(1, (os.process_cpu_count() or 1) // self._most)
            self._workers.append(_Worker(self._file.fileno(), self._size, self._path, threads))

    def _listen(self, heard: Heard) -> None:
        """Wait until a worker has something to say, or is no more."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.inbox, selectors.EVENT_READ, worker)
            for key, _ in selector.select():
                self._hear(key.data, heard)

    def _hear(self, worker: _Worker, heard: Heard) -> None:
        try:
            message = read_message(worker.inbox)
        except Exception:  # noqa: BLE001 - the end of the stream, or what a strategy wrote over it
            self._bury(worker, heard)
            return
        if not worker.ready:
            if message:
                raise StrategyError(f"a worker process cannot read the strategy: {message}")
            worker.ready, self._stillborn = True, 0
        elif worker.column is not None:
            column, worker.column = worker.column, None
            self._answered += 1
            heard(column, message)

    def _bury(self, worker: _Worker, heard: Heard) -> None:
        """A worker is no more: its column is tried once more, and then given up."""
        self._workers.remove(worker)
        reason = worker.end()
        column = worker.column
        if column is None:
            self._stillborn += 1
            if self._stillborn >= MOST_STILLBORN:
                raise StrategyError(f"worker processes cannot begin: the last {reason}")
            return
        self._died[column] += 1
        if not self._answered and self._died.total() >= MOST_DEATHS:
            raise StrategyError(
                f"{self._died.total()} worker processes died before any column was finished: the last {reason}"
            )
        if self._died[column] < TRIES:
            self._waiting.appendleft(column)
        else:
            heard(column, Answer("failed", {}, f"its process died {TRIES} times, and the last time {reason}"))

    def close(self, at_once: bool = False) -> None:
        """Let the workers go; those that do not, or all `at_once`, are killed."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.dismiss(at_once)
        deadline = time.monotonic() + LEAVE_SECONDS
        for worker in workers:
            worker.end(max(0.0, deadline - time.monotonic()))
        self._file.close()


class _Worker:
    """A process as its Pool sees it.  column: number of the request that it is at."""

    def __init__(self, descriptor: int, size: int, path: tuple[str, ...], threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(path=[str(path) for path in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**dict.fromkeys(THREAD_SETTINGS, str(threads)), **os.environ},
            pass_fds=[descriptor],
            process_group=0,  # Ctrl-C in a terminal goes to the whole group of the caller
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._outbox: IO[bytes] = self._process.stdin
        self.inbox: IO[bytes] = self._process.stdout
        self.ready = False
        self.column: int | None = None
        main = getattr(sys.modules.get("__main__"), "__file__", None) or ""
        self.tell(Hello(path, str(main), descriptor, size))

    def tell(self, message: Any) -> None:
        """Send a message; where nobody is there any more, the end of `inbox` says so."""
        with suppress(BrokenPipeError):
            write_message(self._outbox, message)

    def dismiss(self, at_once: bool) -> None:
        """Close its stdin, at which it leaves, or kill it."""
        if at_once:
            self._process.kill()
        with suppress(BrokenPipeError):
            self._outbox.close()

    def end(self, patience: float = LEAVE_SECONDS) -> str:
        """Wait for it to be gone, or kill it; how it ended."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        with suppress(BrokenPipeError):
            self._outbox.close()
        self.inbox.close()
        if code >= 0:
            return f"left with code {code}"
        names = {int(s): s.name for s in signal.Signals}
        return f"was killed by {names.get(-code, -code)}"
