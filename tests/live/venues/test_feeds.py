"""Prices of paper venues: a made-up market, recorded prices at any speed, and both by a clock or in lock step."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from live.messages import NewOrder, SessionState, VenueEvent
from live.tasks import Tasks
from live.venues.clock import SimulatedClock, WallClock
from live.venues.feeds import RecordedPrices, rows_of
from live.venues.grid import Grid
from live.venues.opening import in_lock_step, lock_step, open_venues
from live.venues.paper import PaperVenue
from live.venues.recorded import recorded_feed
from live.venues.settings import load_venues
from live.venues.venue_settings import VenuesConfig
from tests.live.venues.kit import SECOND, START, SYMBOL, config, digest
from workbench.core.messages import PriceUpdate
from workbench.errors import ConfigError


def tape(
    folder: Path, speed: object = "off", timestamps: str = "recorded", venues: int = 2, **feed: object
) -> VenuesConfig:
    """So many paper venues on ten recorded minutes of one symbol."""
    index = pd.date_range("2024-01-01", periods=10, freq="1min", tz="UTC")
    close = 100.0 + np.arange(10)
    pd.DataFrame({"timestamp": index, "close": close, "volume": 1.0}).to_csv(
        folder / "BTC-USD.csv", index=False
    )
    table = {"kind": "paper", "feed": "tape", "instruments": {"BTC-USD": {"tick": 0.01, "lot": 0.1}}}
    tables = [{"costs": {"spread_bps": 10 * place}} | table for place in range(1, venues + 1)]
    return load_venues(
        {
            "feeds": {
                "tape": {
                    "kind": "recorded",
                    "path": str(folder / "BTC-USD.csv"),
                    "speed": speed,
                    "timestamps": timestamps,
                }
                | feed
            },
            "venues": {f"v{place}": one for place, one in enumerate(tables, 1)},
        }
    )


def play(settings: VenuesConfig, seconds: float, start: int = START) -> list[tuple[int, VenueEvent]]:
    """All events of all venues and when they were delivered, by a simulated clock."""
    got: list[tuple[int, VenueEvent]] = []

    async def main() -> None:
        clock = SimulatedClock(start)
        venues = open_venues(settings, clock)
        for venue in venues:
            await venue.start(lambda events: got.extend((clock.now_ns(), event) for event in events))
        await clock.run_until(start + int(seconds * SECOND))
        for venue in venues:
            await venue.stop()

    asyncio.run(main())
    return got


def prices(got: list[tuple[int, VenueEvent]], venue: str) -> list[tuple[int, PriceUpdate]]:
    return [(at, e) for at, e in got if isinstance(e, PriceUpdate) and e.venue == venue]


def test_a_made_up_market_brings_each_instrument_each_move_at_its_time() -> None:
    settings = config("paper", costs={"spread_bps": 10})
    got = play(settings, 10)
    assert isinstance(got[0][1], SessionState)
    updates = [p for _, p in prices(got, "x") if p.symbol == SYMBOL]
    assert [p.sequence for p in updates] == list(range(101))
    assert all(at == p.timestamp_ns for at, p in prices(got, "x"))
    for before, after in pairwise(updates):
        assert after.timestamp_ns - before.timestamp_ns == SECOND // 10
        assert after.change_pct == pytest.approx(after.last / before.last - 1.0, abs=1e-12)
        assert after.bid < after.last < after.ask
        assert 1e4 * (after.ask / after.bid - 1.0) == pytest.approx(10.0, abs=3.0)
        assert min(after.volume, after.bid_size, after.ask_size) > 0.0
    assert play(settings, 10) == got


def test_lock_step_brings_the_rows_of_a_replay_in_its_order(tmp_path: Path) -> None:
    settings = tape(tmp_path)
    assert in_lock_step(settings)
    updates = list(lock_step(settings))
    feed = recorded_feed(settings.feeds["tape"], settings.venues)
    assert len(updates) == len(feed) == 20
    assert [u.venue for u in updates[:4]] == ["v1", "v2", "v1", "v2"]
    assert [u.timestamp_ns for u in updates] == feed.timestamp_ns.tolist()
    assert [(u.bid, u.ask, u.last) for u in updates] == [tuple(q) for q in feed.quotes[:, :3].tolist()]
    assert updates[1].ask - updates[1].bid == pytest.approx(2 * (updates[0].ask - updates[0].bid))
    assert [u.sequence for u in updates if u.venue == "v2"] == list(range(10))


def test_venues_in_lock_step_bring_nothing_by_themselves(tmp_path: Path) -> None:
    got = play(tape(tmp_path), 3_600)
    assert [type(event) for _, event in got] == [SessionState, SessionState]


def test_recorded_prices_at_twice_their_pace_with_their_own_times(tmp_path: Path) -> None:
    got = play(tape(tmp_path, speed=2, venues=1), 600)
    found = prices(got, "v1")
    assert [at - START for at, _ in found] == [30 * SECOND * k for k in range(10)]
    first = pd.Timestamp("2024-01-01T00:01Z").value
    assert [p.timestamp_ns for _, p in found] == [first + 60 * SECOND * k for k in range(10)]
    last = got[-1][1]
    assert isinstance(last, SessionState)
    assert (last.up, last.reason) == (False, "the recorded prices have come to their end")


def test_recorded_prices_may_be_stamped_anew_and_repeat(tmp_path: Path) -> None:
    got = play(tape(tmp_path, speed=60, timestamps="now", venues=1, repeat=True), 25)
    found = prices(got, "v1")
    assert [p.timestamp_ns - START for _, p in found] == [SECOND * k for k in range(26)]
    assert [p.sequence for _, p in found] == list(range(26))
    assert [p.last for _, p in found] == [100.0 + k % 10 for k in range(26)]


def test_lock_step_with_anything_else_is_refused(tmp_path: Path) -> None:
    settings = tape(tmp_path)
    mixed = VenuesConfig(settings.feeds | config("paper").feeds, (*settings.venues, *config("paper").venues))
    with pytest.raises(ConfigError, match="one feed alone"):
        in_lock_step(mixed)


def test_an_order_book_on_recorded_prices_is_refused(tmp_path: Path) -> None:
    settings = tape(tmp_path, speed=1)
    table = {"kind": "book", "feed": "tape", "instruments": {"BTC-USD": {"tick": 0.01, "lot": 0.1}}}
    feed = {"kind": "recorded", "path": settings.feeds["tape"].path}
    with pytest.raises(ConfigError, match="synthetic feed behind an order book"):
        open_venues(load_venues({"feeds": {"tape": feed}, "venues": {"v": table}}), WallClock())


def test_a_symbol_that_the_recording_does_not_have_is_named(tmp_path: Path) -> None:
    settings = tape(tmp_path, speed=1)
    table = {"kind": "paper", "feed": "tape", "instruments": {"ETH-USD": {"tick": 0.01, "lot": 0.1}}}
    feed = {"kind": "recorded", "path": settings.feeds["tape"].path}
    with pytest.raises(ConfigError, match="ETH-USD"):
        open_venues(load_venues({"feeds": {"tape": feed}, "venues": {"v": table}}), WallClock())


def test_a_paper_venue_takes_orders_and_says_nothing() -> None:
    async def main() -> None:
        got: list[VenueEvent] = []
        venue = PaperVenue(config("paper").venues[0], SimulatedClock(START), None, Tasks())
        await venue.start(got.extend)
        venue.send([NewOrder(1, SYMBOL, 1, 1.0, "market", "GTC")])
        assert (await venue.account()).positions == {}
        assert await venue.reports(0) == []
        assert venue.status().orders == 1
        await venue.stop()
        await venue.stop()
        assert [type(event) for event in got] == [SessionState]

    asyncio.run(main())


def test_rows_become_messages_one_by_one(tmp_path: Path) -> None:
    feed = recorded_feed(tape(tmp_path).feeds["tape"], tape(tmp_path, venues=1).venues)
    source = RecordedPrices(feed, START, 1.0, restamp=False)
    assert source.take(START - 1) == []
    taken = source.take(START + 3_600 * SECOND)
    assert digest(taken) == digest(list(rows_of(feed)))  # sizes are NaN, which equals nothing
    assert source.next_ns() is None


@pytest.mark.parametrize("step", [0.01, 0.001, 0.05, 0.25, 1.0, 5.0, 1e-8])
def test_a_grid_gives_the_float_of_the_written_decimal(step: float) -> None:
    grid = Grid(step)
    for steps in (1, 7, 30_123_456, 99_999_999):
        value = grid.value(steps)
        assert grid.floor(value) == grid.ceil(value) == grid.near(value) == steps
        assert value == float(f"{value:.12g}")
    assert Grid(0.01).value(3_012_345) == 30_123.45
    assert (Grid(0.01).floor(1.019), Grid(0.01).ceil(1.011)) == (101, 102)
    assert Grid(0.1).floor(0.3) == 3
    with pytest.raises(ValueError, match="above 0"):
        Grid(math.nan)


def test_a_simulated_clock_wakes_at_the_instant_and_in_order() -> None:
    woken: list[tuple[str, int]] = []

    async def wait(clock: SimulatedClock, name: str, *instants: int) -> None:
        for instant in instants:
            await clock.wait_until(instant)
            woken.append((name, clock.now_ns()))

    async def main() -> None:
        clock = SimulatedClock(5)
        tasks = [
            asyncio.create_task(wait(clock, "a", 10, 30)),
            asyncio.create_task(wait(clock, "b", 10, 20, 99)),
        ]
        await clock.run_until(50)
        assert clock.now_ns() == 50
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert woken == [("a", 10), ("b", 10), ("b", 20), ("a", 30)]


def test_the_wall_clock_never_falls_and_waits() -> None:
    async def main() -> None:
        clock = WallClock()
        before = clock.now_ns()
        await clock.wait_until(before + 5_000_000)
        assert clock.now_ns() >= before + 5_000_000
        await clock.wait_until(before)

    asyncio.run(main())
