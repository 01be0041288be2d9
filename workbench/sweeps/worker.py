"""What a worker process of a plain sweep does, spoken to over its stdin and stdout; `sweeps.processes` starts it.

Each message is eight bytes of length (little-endian) and a pickle. The first is a Hello, answered by "" or by what is
wrong; each further one a Request, answered by an Answer. At the end of stdin the process leaves.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, Literal, NamedTuple

__all__ = [
    "Answer",
    "Hello",
    "Plan",
    "Request",
    "figures_of",
    "main",
    "read_message",
    "run_column",
    "write_message",
]

LENGTH_BYTES: Final = 8
OUT_OF_BOOK: Final = ("worst_gross", "worst_use")


class Hello(NamedTuple):
    """path: of the caller's modules.  main: file of its script, "" for a notebook.  descriptor, size: of a file that
    holds a packed Plan.
    """

    path: tuple[str, ...]
    main: str
    descriptor: int
    size: int


class Plan(NamedTuple):
    """What every column of a sweep shares.

    tasks: arguments of `backtest` for each setting, all but config.  base: parameters that stay the same.  metrics:
    names of the figures that are wanted.  per_year: periods per year, 0.0 for what the prices show.
    """

    tasks: Sequence[Mapping[str, Any]]
    base: Mapping[str, Any]
    metrics: Sequence[str]
    per_year: float


class Request(NamedTuple):
    """One column.  task: which setting.  config: a pickled mapping of its own parameters."""

    task: int
    config: bytes


class Answer(NamedTuple):
    """What became of a column.

    kind: "done"; "refused", the strategy does not take these parameters; or "failed", there are no figures.
    figures: by name of metric.  note: why, or the first error that the strategy raised and the run contained.
    """

    kind: Literal["done", "refused", "failed"]
    figures: Mapping[str, Any]
    note: str = ""


# -- messages --------------------------------------------------------------------------------------------------------


def write_message(stream: IO[bytes], message: object) -> None:
    """Write one message and send it off."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
    stream.flush()


def read_message(stream: IO[bytes]) -> Any:
    """The next message; raises EOFError where the stream ends, in the middle of one or before it."""
    size = int.from_bytes(_read(stream, LENGTH_BYTES), "little")
    return pickle.loads(_read(stream, size))


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError(f"expected {size} bytes, found {len(data)}")
    return data


# -- columns ---------------------------------------------------------------------------------------------------------


def run_column(plan: Plan, request: Request) -> Answer:
    """One column by event replay; whatever goes wrong is in the answer."""
    from workbench.backtest.api import backtest
    from workbench.errors import ParameterError
    from workbench.sweeps.payload import unpack

    try:
        config = {**plan.base, **unpack(request.config)}
        result = backtest(**plan.tasks[request.task], config=config, on_error="contain", progress=False)
        figures = figures_of(result, plan.metrics, plan.per_year)
    except ParameterError as error:
        return Answer("refused", {}, str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one column must not take the others with it
        return Answer("failed", {}, _one_line(error))
    errors = result.record.recorder.errors
    return Answer("done", figures, f"{errors[0].call} raised {errors[0].error}" if errors else "")


def figures_of(result: Any, metrics: Sequence[str], per_year: float) -> dict[str, Any]:
    """Figures of a result by the names of `sweeps.metrics`, as plain numbers; times in nanoseconds."""
    stats = result.stats(per_year or None)
    book = result.record.desk.book
    figures: dict[str, Any] = {}
    for name in metrics:
        value: Any = float(getattr(book, name)) if name in OUT_OF_BOOK else stats[name]
        figures[name] = value.value if name == "longest_drawdown" else value
    return figures


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


# -- the process -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Serve until the end of stdin.  Not to be run as a script: its messages would be of classes of `__main__`."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # it is the caller who was interrupted, and who ends this process
    inbox, outbox = _channels()
    try:
        hello: Hello = read_message(inbox)
        try:
            plan = _open(hello)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller raises it as one line
            write_message(outbox, _one_line(error))
            return
        write_message(outbox, "")
        while True:
            write_message(outbox, run_column(plan, read_message(inbox)))
    except (EOFError, BrokenPipeError):
        return  # the caller is done, or gone


def _channels() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout as they are now; what a strategy prints goes to stderr from here on, and it reads nothing."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def _open(hello: Hello) -> Plan:
    from workbench.sweeps.payload import unpack

    sys.path.extend(path for path in hello.path if path not in sys.path)
    # Where a strategy raised is told by the line of its own script, and that is looked for here.
    sys.modules["__main__"].__file__ = hello.main or None
    with mmap.mmap(hello.descriptor, hello.size, access=mmap.ACCESS_READ) as data:
        plan: Plan = unpack(data)  # type: ignore[arg-type]  # a buffer as any other
    os.close(hello.descriptor)
    return plan
