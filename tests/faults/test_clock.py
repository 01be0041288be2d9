"""The machine's clock jumps by an hour: nothing that is traded changes, and a person hears of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.engine.clock_watch import ClockWatch
from live.engine.events import EventStream
from live.session import read_session
from live.venues.clock import SimulatedClock
from tests.live.test_service import Service
from tests.waiting import until
from workbench.client import EngineClient

HOUR = 3_600
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def test_a_jump_and_its_return_are_told_once_each_and_a_drift_is_not() -> None:
    clock, events = SimulatedClock(10**18), EventStream()
    reader = events.subscribe(["alerts"])
    machine = [10**18]
    watch = ClockWatch(clock, events, lambda: machine[0])
    steps = {
        0.0: 1,
        0.4: 0,
        HOUR: 1,
        HOUR + 0.3: 0,
        -HOUR: 1,
        -HOUR - 1.0: 1,
        0.1: 1,
    }  # a leap second among them
    told = []
    for apart in steps:
        machine[0] = 10**18 + int(apart * 1e9)
        before = events.sequence
        watch.look()
        watch.look()
        told.append(events.sequence - before)
    assert told == [0, *list(steps.values())[1:]]
    assert not reader.dropped
    assert watch.apart_ns == 0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An engine in a process whose clock the file `clock` sets, with New York's daylight saving besides."""
    if FAKETIME is None:
        pytest.skip("libfaketime is not here: apt-get install faketime")
    (tmp_path / "clock").write_text("+0")
    made = Service(
        tmp_path / "one",
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(tmp_path / "clock"),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DISABLE_SHM="1",
        NO_FAKE_STAT="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        TZ="America/New_York",
    )
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.ended()


def test_the_clock_of_a_process_jumps_by_an_hour_and_back(service: Service, tmp_path: Path) -> None:
    service.ready()
    with service.client() as engine:
        engine.start("momentum", "m", config={"lookback": 5, "unit": 0.01})
        until(lambda: len(engine.fills()) >= 1)
        for jump in ("+3600", "-3600"):
            fills = len(engine.fills())
            (tmp_path / "clock").write_text(jump)
            begun = time.monotonic()
            until(partial(told, service, jump))
            assert time.monotonic() - begun < 5.0
            until(partial(traded, engine, fills))
        assert engine.health().status == "ok"
    service.signal(signal.SIGKILL)  # an orderly end is slow under the library that sets its clock
    feed = read_session(service.data).feed
    assert np.all(np.diff(feed.timestamp_ns) >= 0)
    assert feed.timestamp_ns[-1] - feed.timestamp_ns[0] < 120 * 10**9  # event time did not jump
    for k in range(len(feed.instruments)):
        assert np.all(np.diff(feed.sequence[feed.instrument == k]) == 1)
    assert [round(line["jumped_seconds"]) for line in jumps(service)] == [HOUR, -2 * HOUR]


def jumps(service: Service) -> list[dict[str, Any]]:
    return [line for line in service.lines() if line["event"] == "wall_clock_jumped"]


def told(service: Service, jump: str) -> bool:
    return any(round(line["apart_seconds"]) == int(jump) for line in jumps(service))


def traded(engine: EngineClient, fills: int) -> bool:
    return len(engine.fills()) > fills
