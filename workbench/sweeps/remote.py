"""What a worker of a cluster does for a sweep; it knows nothing of the cluster, and keeps what pieces share."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import plan_run
from workbench.errors import ConfigError
from workbench.sweeps.crew import Batch, run_batch
from workbench.sweeps.payload import arguments_of, pack, unpack
from workbench.sweeps.processes import Pool
from workbench.sweeps.setting import ROOMS, Setting
from workbench.sweeps.worker import Answer, Request

__all__ = [
    "Parcel",
    "check_version",
    "hand_over",
    "packed_setting",
    "parcel",
    "play_columns",
    "play_requests",
]

MOST_KEPT: Final = 2  # settings, and columns of each thread
IDLE_SECONDS: Final = 20.0  # after which processes without work are let go


class Parcel(NamedTuple):
    """Packed bytes, what they are known by, and by which version of Python and of the rulebook they were packed."""

    data: bytes
    digest: str
    version: str


def parcel(data: bytes) -> Parcel:
    """`data` with its marks."""
    return Parcel(data, hashlib.sha256(data).hexdigest(), _version())


def hand_over(found: Parcel) -> Parcel:
    """The parcel itself: a task of its own, so that the cluster can make it again where a worker is lost."""
    return found


@cache
def _version() -> str:
    """Of Python, whose compiled code travels, and of everything that a result depends on."""
    digest = hashlib.sha256()
    room = Path(__file__).parents[1]
    for path in sorted(room.rglob("*.py")):
        digest.update(path.relative_to(room).as_posix().encode() + path.read_bytes())
    return f"Python {sys.version_info.major}.{sys.version_info.minor}, workbench {digest.hexdigest()[:12]}"


def check_version(found: Parcel) -> None:
    """Raise ConfigError where it was packed by another version than this one."""
    if found.version != _version():
        raise ConfigError(
            f"the cluster's workers have other versions ({_version()}) than this process ({found.version}), and might "
            "give another answer; install the same on all"
        )


# -- compiled strategies ---------------------------------------------------------------------------------------------

_settings: OrderedDict[str, Setting] = OrderedDict()
_lock = threading.Lock()
_own = threading.local()


def packed_setting(setting: Setting) -> bytes:
    """A setting as bytes: what it is made of, not what was made."""
    player = setting.plan.players[0]
    arguments = arguments_of(setting.plan, setting.kind)
    return pack((arguments, dict(player.strategy.config), setting.kind, setting.events))


def _setting(found: Parcel) -> Setting:
    with _lock:
        setting = _settings.get(found.digest)
        if setting is None:
            check_version(found)
            arguments, config, kind, events = unpack(found.data)
            setting = Setting(plan_run(**arguments, config=config), kind, events=events)
            _settings[found.digest] = setting
        _settings.move_to_end(found.digest)
        while len(_settings) > MOST_KEPT:
            _settings.popitem(last=False)
    return setting


def _column(setting: Setting, digest: str) -> Any:
    """Memory for one column; each thread has its own."""
    kept: OrderedDict[str, Any] = _own.__dict__.setdefault("columns", OrderedDict())
    if digest not in kept:
        kept[digest] = setting.column()
        while len(kept) > MOST_KEPT:
            kept.popitem(last=False)
    return kept[digest]


def play_columns(found: Parcel, params: Any, units: npt.NDArray[np.float64]) -> tuple[bytes, float]:
    """Tallies (TALLY[columns], as bytes: not a bit may change) of some columns, and how many seconds they took."""
    setting = _setting(found)
    column = _column(setting, found.digest)
    batch, stop = Batch(setting, params, units), np.zeros(1, dtype=np.int64)
    run_batch(batch, 0, 0, column, stop)  # compiles, which is not to be taken for how long a column takes
    began = time.perf_counter()
    run_batch(batch, 0, len(batch), column, stop)
    crowded = np.flatnonzero(batch.tallies["incomplete"] != 0)
    roomy = setting.column(ROOMS[1]) if len(crowded) else None
    for row in crowded.tolist():
        run_batch(batch, row, row + 1, roomy, stop)
    return batch.tallies.tobytes(), time.perf_counter() - began


# -- plain strategies ------------------------------------------------------------------------------------------------

_idle: list[tuple[float, str, Pool]] = []


def play_requests(
    found: Parcel, path: Sequence[str], requests: Sequence[Request]
) -> tuple[list[Answer], float]:
    """Answers to some requests, and how many seconds they took.

    A process of its own runs them: threads of this one would wait for each other, and a strategy that brings its
    process down must not take the cluster's worker with it.
    """
    check_version(found)
    pool = _taken(found.digest) or Pool(found.data, 1, path)
    answers: list[Answer | None] = [None] * len(requests)
    began = time.perf_counter()
    try:
        pool.run(requests, answers.__setitem__)
    except BaseException:
        pool.close(at_once=True)
        raise
    seconds = time.perf_counter() - began
    with _lock:
        _idle.append((time.monotonic(), found.digest, pool))
    timer = threading.Timer(IDLE_SECONDS, _let_go)
    timer.daemon = True
    timer.start()
    return [answer for answer in answers if answer is not None], seconds


def _taken(digest: str) -> Pool | None:
    with _lock:
        for place, (_, kept, pool) in enumerate(_idle):
            if kept == digest:
                del _idle[place]
                return pool
    return None


def _let_go() -> None:
    """Close the pools that have been idle for long."""
    now = time.monotonic()
    with _lock:
        old = [entry for entry in _idle if now - entry[0] >= IDLE_SECONDS]
        _idle[:] = [entry for entry in _idle if now - entry[0] < IDLE_SECONDS]
    for _, _, pool in old:
        pool.close()
