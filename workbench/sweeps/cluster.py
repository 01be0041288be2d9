"""The columns of a sweep over a dask.distributed cluster, with the same answer, bit for bit, as without one.

Columns go out in pieces of about a second. A piece whose worker is lost goes out again.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from workbench.core.tally import TALLY
from workbench.errors import ConfigError, WorkbenchError
from workbench.sweeps.crew import Batch
from workbench.sweeps.payload import pack
from workbench.sweeps.remote import hand_over, packed_setting, parcel, play_columns, play_requests
from workbench.sweeps.worker import Answer

if TYPE_CHECKING:
    from workbench.sweeps.job import Job
    from workbench.sweeps.plain import Columns

__all__ = [
    "Cluster",
    "Outcome",
    "Piece",
    "connect",
    "connected",
    "run_compiled",
    "run_requests",
    "run_tallies",
]

CONNECT_SECONDS: Final = 5.0
PIECE_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 2.0  # between looks at how many workers there are
LEAST_UNDER_WAY: Final = 4  # pieces, so that a cluster that grows on demand sees that there is some
MOST_TRIES: Final = 4  # of a piece; the scheduler itself gives a lost one out again three times in each
_GIVEN_UP: Final = f"given up after {MOST_TRIES} tries, since the cluster lost the workers that ran them"

type Call = Callable[[Any, int, int, int], tuple[Callable[..., Any], tuple[Any, ...]]]
type Take = Callable[[int, int, int, Any], None]


@contextmanager
def connected(client: Any) -> Iterator[Cluster | None]:
    """The cluster that `client` speaks to; None without one.  See `connect`."""
    if client is None:
        yield None
        return
    cluster = connect(client)
    try:
        yield cluster
    finally:
        cluster.close()


def connect(client: Any) -> Cluster:
    """The cluster that a dask.distributed Client, a cluster object or a scheduler's address stands for.

    Raises ConfigError of one line where there is none within five seconds.
    """
    library = _library()
    if isinstance(client, library.Client):
        return _of_client(client)
    if not isinstance(client, str) and not isinstance(getattr(client, "scheduler_address", None), str):
        raise ConfigError(
            f"client must be a dask.distributed Client or a scheduler's address, found {client!r:.80}"
        )
    try:
        made = library.Client(client, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
        raise ConfigError(_no_answer(client, error)) from error
    return Cluster(made, owned=True)


def _library() -> Any:
    """The package; it takes most of a second to import, and not everybody has it."""
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(
            "client= needs the package distributed; install it with pip install 'trading-workbench[lab]'"
        ) from error
    return distributed


def _of_client(client: Any) -> Cluster:
    if client.asynchronous:
        raise ConfigError("client must be a Client of plain code, found one with asynchronous=True")
    where = getattr(client.scheduler, "address", client)
    if client.status != "running":
        raise ConfigError(f"client is {client.status}: connect a new one to {where}")
    try:
        client.sync(client.scheduler.identity, callback_timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise ConfigError(_no_answer(where, error)) from error
    return Cluster(client, owned=False)


def _no_answer(where: object, error: BaseException) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"client: no scheduler answers at {where} ({reason}); start one with `dask scheduler`, or mend the address"


def run_compiled(job: Job, batches: Sequence[Batch], tick: Callable[[int], object]) -> bool:
    """Fill in the tallies of `batches`, as `crew.run_batches` does; whether it ended early."""

    def call(parcel: Any, batch: int, first: int, last: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        params, units = batches[batch].params, batches[batch].units
        return play_columns, (parcel, params[first:last], units[first:last])

    parcels = [packed_setting(batch.setting) for batch in batches]
    return run_tallies(job, batches, tick, parcels, call, first=32)


def run_tallies(
    job: Job,
    batches: Sequence[Batch],
    tick: Callable[[int], object],
    parcels: Sequence[bytes],
    call: Call,
    first: int,
) -> bool:
    """Fill in the tallies of `batches` by calls that answer with some of them; the rest is as in `Cluster.spread`."""

    def take(batch: int, first: int, last: int, found: Any) -> None:
        batches[batch].tallies[first:last] = np.frombuffer(found, dtype=TALLY)
        batches[batch].finished[first:last] = True
        tick(last - first)

    outcome = job.client.spread(parcels, [len(batch) for batch in batches], call, take, first)
    count = sum(piece.last - piece.first for piece in outcome.lost)
    if count:
        job.notes.append(f"lost: {count:,} columns, {_GIVEN_UP}")
    return _ended(job, outcome)


def run_requests(job: Job, columns: Columns) -> bool:
    """Have the requests of a plain sweep answered; whether it ended early."""
    path = tuple(str(folder) for folder in sys.path)

    def call(parcel: Any, _: int, first: int, last: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return play_requests, (parcel, path, columns.requests[first:last])

    def take(_: int, first: int, last: int, found: Any) -> None:
        for number, answer in zip(range(first, last), found, strict=True):
            columns.heard(number, answer)

    outcome = job.client.spread([pack(columns.plan)], [len(columns.requests)], call, take, first=1)
    for piece in outcome.lost:
        for number in range(piece.first, piece.last):
            columns.heard(number, Answer("failed", {}, _GIVEN_UP))
    return _ended(job, outcome)


def _ended(job: Job, outcome: Outcome) -> bool:
    if outcome.ended not in ("", "interrupted"):
        job.notes.append(outcome.ended)
    return bool(outcome.ended)


# -- pieces ----------------------------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """Columns first..last of one batch, given out for the `tries`-th time."""

    batch: int
    first: int
    last: int
    tries: int = 1


class Outcome(NamedTuple):
    """ended: "" where all was played.  lost: pieces that were given up, since their workers died again and again."""

    ended: str
    lost: Sequence[Piece]


class Cluster:
    """A client and what is under way with it.  owned: the client was made here and ends with this."""

    def __init__(self, client: Any, *, owned: bool) -> None:
        self.client, self._owned = client, owned

    def close(self) -> None:
        """Leave the cluster, which goes on."""
        if self._owned:
            with suppress(OSError, TimeoutError):
                self.client.close(timeout=1.0)

    def spread(
        self, parcels: Sequence[bytes], sizes: Sequence[int], call: Call, take: Take, first: int
    ) -> Outcome:
        """Have every column of every batch played.

        parcels: packed, one for each batch.  sizes: of the batches.  call: (parcel, batch, first, last) -> what a
        worker calls, with which arguments, answering (found, seconds).  take: is given (batch, first, last, found).
        first: how many columns the first pieces have.
        """
        run = _Run(self.client, parcels, sizes, call, take, first)
        try:
            return Outcome(run.all(), run.lost)
        except KeyboardInterrupt:
            return Outcome("interrupted", run.lost)
        finally:
            run.cancel()


class _Lost(Exception):
    """There is no scheduler any more."""


class _Run:
    """One sweep under way on a cluster."""

    def __init__(
        self,
        client: Any,
        parcels: Sequence[bytes],
        sizes: Sequence[int],
        call: Call,
        take: Take,
        first: int,
    ) -> None:
        self._client, self._call, self._take = client, call, take
        self._name, self._sent = f"workbench-{uuid.uuid4().hex[:12]}", 0
        self._bytes = list(parcels)
        self._parcels: dict[int, Any] = {}
        self._rest = deque(Piece(batch, 0, size) for batch, size in enumerate(sizes) if size)
        self._again: deque[Piece] = deque()
        self._under_way: dict[Any, Piece] = {}
        self._done = _library().as_completed(loop=client.loop)
        self._size = first
        self._threads, self._looked = 0, -math.inf
        self.lost: list[Piece] = []

    def all(self) -> str:
        """Until all pieces are done; "", or what ended it."""
        try:
            while self._give_out():
                for future in self._done.next_batch():
                    self._hear(self._under_way.pop(future), future)
        except _Lost:
            return "the cluster was lost"
        return ""

    def cancel(self) -> None:
        """Let go of what is under way, without waiting for the cluster to answer."""
        futures = [*self._under_way, *self._parcels.values()]
        self._under_way.clear()
        self._parcels.clear()
        if futures and self._client.status == "running":
            self._client.loop.add_callback(self._client.cancel, futures, asynchronous=True, force=True)

    def _give_out(self) -> bool:
        """Keep two pieces a thread under way; whether anything is."""
        self._wait_until_connected()
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._threads, self._looked = sum(self._client.nthreads().values()), now
        while len(self._under_way) < max(LEAST_UNDER_WAY, 2 * self._threads):
            piece = self._next()
            if piece is None:
                break
            function, arguments = self._call(self._parcel(piece.batch), piece.batch, piece.first, piece.last)
            future = self._submit(function, *arguments)
            self._under_way[future] = piece
            self._done.add(future)
        return bool(self._under_way)

    def _wait_until_connected(self) -> None:
        """A client whose connection broke tries to make it anew.  Raises _Lost where it does not."""
        deadline = time.monotonic() + 2.0 * CONNECT_SECONDS
        while self._client.status == "connecting" and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._client.status != "running":
            raise _Lost

    def _next(self) -> Piece | None:
        if self._again:
            return self._again.popleft()
        if not self._rest:
            return None
        rest = self._rest.popleft()
        # Towards the end they get smaller, so that nobody waits for the last one.
        left = sum(piece.last - piece.first for piece in self._rest) + rest.last - rest.first
        size = max(1, min(self._size, math.ceil(left / (2 * max(1, self._threads)))))
        last = min(rest.first + size, rest.last)
        if last < rest.last:
            self._rest.appendleft(rest._replace(first=last))
        return rest._replace(last=last)

    def _parcel(self, batch: int) -> Any:
        if batch not in self._parcels:
            self._parcels[batch] = self._submit(hand_over, parcel(self._bytes[batch]))
        return self._parcels[batch]

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self._sent += 1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # prices are, and once for all
            return self._client.submit(function, *arguments, key=f"{self._name}-{self._sent}", pure=False)

    def _hear(self, piece: Piece, future: Any) -> None:
        """Take what a piece has found, or see to it that it is played again."""
        try:
            found, seconds = future.result()
        except WorkbenchError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if future.status != "error":  # somebody restarted the cluster, or it is gone
                self._wait_until_connected()
                self._parcels.clear()
            elif not isinstance(error, _library().KilledWorker):
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise ConfigError(f"the cluster's workers cannot play it: {reason}") from error
            self._once_more(piece)
            return
        self._take(piece.batch, piece.first, piece.last, found)
        each = max(seconds / (piece.last - piece.first), 1e-6)
        self._size = max(1, min(4 * self._size, int(PIECE_SECONDS / each)))

    def _once_more(self, piece: Piece) -> None:
        """In halves, since it may have been too much for the memory of a worker."""
        if piece.tries >= MOST_TRIES:
            self.lost.append(piece)
            return
        middle = (piece.first + piece.last) // 2
        halves = [piece._replace(last=middle), piece._replace(first=middle)]
        self._again.extend(half._replace(tries=piece.tries + 1) for half in halves if half.first < half.last)
