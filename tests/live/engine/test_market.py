"""The engine's prices in Parquet: all that the journal has, after a crash too, and never in the way of trading."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import workbench as wb
from live.engine import Engine
from live.engine.pump import BLOCK
from live.journal import Journal
from live.journal.market_reading import market_feed, read_market
from live.machine import decode_block
from live.session import journal_url, read_session
from tests.live.engine.desk import open_engine, paper_market, recorded_market, settings_for, until
from workbench.core.messages import PriceUpdate
from workbench.data.store import write_parquet

type Row = tuple[int, str, str, float, float, float, int, int]


def in_the_journal(data: Path) -> list[Row]:
    """Each price of the journal with its record."""
    journal = Journal.open(journal_url(data), read_only=True)
    try:
        return [
            (p.timestamp_ns, p.symbol, p.venue, p.bid, p.ask, p.last, p.sequence, record.sequence)
            for record in journal.read(kinds=[BLOCK])
            for p in decode_block(record.payload)
            if isinstance(p, PriceUpdate)
        ]
    finally:
        journal.close()


def recorded(data: Path) -> list[Row]:
    table = read_market(data / "market")
    names = ("symbol", "venue", "bid", "ask", "close", "sequence", "record")
    times = table["timestamp"].cast("int64").to_pylist()
    return list(zip(times, *(table[name].to_pylist() for name in names), strict=True))


async def prices_for(folder: Path, prices: int = 300, **given: object) -> Engine:
    async with open_engine(settings_for(folder, **given), paper_market(1.0)) as engine:
        await until(lambda: engine.machine.applied > prices)
        return engine


def test_what_is_recorded_is_what_the_journal_has(tmp_path: Path) -> None:
    asyncio.run(prices_for(tmp_path))
    assert len(in_the_journal(tmp_path / "data")) >= 300
    assert recorded(tmp_path / "data") == in_the_journal(tmp_path / "data")
    asyncio.run(prices_for(tmp_path))
    assert recorded(tmp_path / "data") == in_the_journal(tmp_path / "data")


def test_recorded_prices_are_a_feed_like_that_of_the_session(tmp_path: Path) -> None:
    write_parquet(wb.synthetic(["BTC-USD"], venues=["v"], bars=500, seed=3), tmp_path / "p.parquet")

    async def play() -> None:
        market = recorded_market(tmp_path / "p.parquet", "BTC-USD")
        async with open_engine(settings_for(tmp_path), market) as engine:
            await engine.play()

    asyncio.run(play())
    feed, session = market_feed(tmp_path / "data" / "market"), read_session(tmp_path / "data").feed
    assert feed.instruments == session.instruments
    assert len(feed) == 500
    assert (feed.timestamp_ns == session.timestamp_ns).all()
    assert feed.quotes.tobytes() == session.quotes.tobytes()


def test_what_a_crash_kept_from_the_disk_is_taken_from_the_journal(tmp_path: Path) -> None:
    """Killed before the next flush, the folder ends before the journal does."""
    data = tmp_path / "data"
    asyncio.run(prices_for(tmp_path))
    shutil.copytree(data / "market", tmp_path / "then")
    asyncio.run(prices_for(tmp_path, 1000))
    shutil.rmtree(data / "market")
    (tmp_path / "then").rename(data / "market")
    assert len(recorded(data)) < len(in_the_journal(data))
    asyncio.run(prices_for(tmp_path))
    assert recorded(data) == in_the_journal(data)


def test_what_a_crash_before_the_first_flush_kept_from_the_disk_is_taken_from_the_journal(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    asyncio.run(prices_for(tmp_path))
    shutil.rmtree(data / "market")
    asyncio.run(prices_for(tmp_path))
    assert recorded(data) == in_the_journal(data)


def test_nothing_is_recorded_where_that_is_switched_off(tmp_path: Path) -> None:
    engine = asyncio.run(prices_for(tmp_path, record_market=False))
    assert engine.market is None
    assert not (tmp_path / "data" / "market").exists()


def test_a_folder_that_cannot_be_used_does_not_stop_the_engine(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "market").write_text("a file where the folder should be")
    assert asyncio.run(prices_for(tmp_path)).market is None
    assert len(in_the_journal(tmp_path / "data")) >= 300


def test_a_recorder_that_fails_is_told_once_and_trading_goes_on(tmp_path: Path) -> None:
    async def fail() -> None:
        async with open_engine(settings_for(tmp_path), paper_market(1.0)) as engine:
            reader = engine.events.subscribe(("alerts",))
            market = engine.market
            assert market is not None
            await until(lambda: market.info()["waiting"])
            shutil.rmtree(tmp_path / "data" / "market")
            await asyncio.to_thread(market._recorder.flush)  # as comes of itself within ten seconds
            await until(lambda: market.failure)
            then = engine.machine.applied
            await until(lambda: engine.machine.applied > then + 100)
            assert (engine.state, engine.problems) == ("running", {})
            told = [event.body for event in await reader.next() if "market_not_recorded" in str(event.body)]
            assert len(told) == 1

    asyncio.run(fail())
