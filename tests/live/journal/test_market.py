"""Prices recorded to Parquet: what comes in comes out, in order, whatever happens between."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from live.journal.market import MarketRecorder, Rolling
from live.journal.market_files import listed
from live.journal.market_link import MarketProcess, Opening
from live.journal.market_reading import market_feed, market_prices, read_market
from workbench.core.feed import ASK, BID, CHANGE_PCT, LAST, VOLUME
from workbench.core.messages import Instrument, PriceUpdate
from workbench.data.times import nanoseconds
from workbench.errors import DataError, JournalError

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
BITCOIN = Instrument("BTC-USD", "exchange-1", tick=0.01, lot=0.001)


def block(record: int) -> list[PriceUpdate]:
    """Two instruments' prices, of second `record`."""
    now, last = START + record * SECOND, 100.0 + record % 50
    return [
        PriceUpdate(
            "BTC-USD", "exchange-1", now, last - 0.5, last + 0.5, last, 3.0, math.nan, 7.0, 0.01, record
        ),
        PriceUpdate("ETH-USD", "exchange-2", now + 5, 9.0, 9.5, 9.25, math.nan, 1.0, 2.0, -0.5, record + 10),
    ]


def record(recorder: MarketRecorder, records: Sequence[int]) -> None:
    for number in records:
        recorder.record(block(number), number)


def records_in(folder: Path) -> list[int]:
    """Records of the journal in the order of the rows; each has two rows."""
    numbers: list[int] = read_market(folder)["record"].to_pylist()
    assert numbers[::2] == numbers[1::2]
    return numbers[::2]


def test_what_comes_in_comes_out(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path, [BITCOIN])
    record(recorder, range(1, 101))
    recorder.close()
    recorder.close()
    feed = market_feed(tmp_path)
    assert feed.instruments == (BITCOIN, Instrument("ETH-USD", "exchange-2"))
    assert len(feed) == 200
    for row, update in enumerate(update for number in range(1, 101) for update in block(number)):
        assert feed.instruments[feed.instrument[row]].symbol == update.symbol
        assert (feed.timestamp_ns[row], feed.sequence[row]) == (update.timestamp_ns, update.sequence)
        told = (update.bid, update.ask, update.last, update.volume, update.change_pct)
        np.testing.assert_array_equal(feed.quotes[row, [BID, ASK, LAST, VOLUME, CHANGE_PCT]], told)
        np.testing.assert_array_equal(feed.quotes[row, 4:6], (update.bid_size, update.ask_size))
    assert feed.quotes.flags.c_contiguous
    assert recorder.info()["recorded"] == 100
    assert [file.open for file in listed(tmp_path)] == [False]


def test_a_part_by_time(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path, rolling=Rolling(flush_rows=20, roll_rows=60))
    record(recorder, range(1, 301))
    recorder.close()
    assert records_in(tmp_path) == list(range(1, 301))
    table = read_market(tmp_path, START + 10 * SECOND, START + 12 * SECOND)
    assert table["record"].to_pylist() == [10, 10, 11, 11, 12]  # the last one is 5 ns late
    assert len(read_market(tmp_path, "2023-11-14 22:15:00")) == 2 * 201  # START is 22:13:20
    assert len(read_market(tmp_path, end="2023-11-13")) == 0
    for reader in (market_feed, market_prices):
        with pytest.raises(DataError, match="found none"):
            reader(tmp_path, end="2023-11-13")
    with pytest.raises(DataError, match="expected a folder of recorded prices"):
        read_market(tmp_path / "none")


def test_the_workbench_reads_it(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path, [BITCOIN])
    record(recorder, range(1, 51))
    recorder.close()
    (file,) = listed(tmp_path)
    for prices in (wb.load(file.path), market_prices(tmp_path)):
        assert prices.instruments == [BITCOIN, Instrument("ETH-USD", "exchange-2")]
        bitcoin = prices.frame("BTC-USD@exchange-1")
        assert list(nanoseconds(bitcoin)) == [START + number * SECOND for number in range(1, 51)]
        assert list(bitcoin["close"]) == [100.0 + number % 50 for number in range(1, 51)]
        feed = prices.to_feed()
        live = market_feed(tmp_path)
        np.testing.assert_array_equal(
            feed.timestamp_ns, live.timestamp_ns
        )  # events, not bars with an open and a close
        np.testing.assert_array_equal(feed.quotes[:, : VOLUME + 1], live.quotes[:, : VOLUME + 1])


def test_files_roll_by_rows_and_by_time(tmp_path: Path) -> None:
    by_rows = MarketRecorder(tmp_path / "rows", rolling=Rolling(flush_rows=10, flush_s=60.0, roll_rows=100))
    for number in range(1, 201):
        record(by_rows, [number])
        if number % 5 == 0:
            by_rows.flush()
    files = listed(tmp_path / "rows")
    assert [file.last - file.first + 1 for file in files] == [100, 100, 100, 100]
    assert not any(file.open for file in files)
    by_rows.close()
    by_time = MarketRecorder(tmp_path / "time", rolling=Rolling(flush_s=0.02, roll_s=0.2))
    for number in range(1, 31):
        record(by_time, [number])
        time.sleep(0.02)
    by_time.close()
    assert 2 <= len(listed(tmp_path / "time")) <= 6
    assert records_in(tmp_path / "time") == list(range(1, 31))
    for before, after in pairwise(listed(tmp_path / "time")):
        assert after.first == before.last + 1


def test_old_files_are_removed(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path, rolling=Rolling(keep_days=1.0, roll_rows=2))
    for day in range(5):
        record(recorder, [1 + day * 86_400])
        recorder.flush()
    recorder.close()
    assert records_in(tmp_path) == [1 + day * 86_400 for day in (3, 4)]


def test_the_next_engine_goes_on_where_the_last_one_was_killed(tmp_path: Path) -> None:
    writer = """
import sys, time
from live.journal.market import MarketRecorder, Rolling
from tests.live.journal.test_market import block
recorder = MarketRecorder(sys.argv[1], rolling=Rolling(flush_s=0.005, roll_rows=60))
print("ready", flush=True)
for number in range(recorder.recorded + 1, 10**9):
    recorder.record(block(number), number)
    time.sleep(0.0005)
"""
    newest = 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = records_in(tmp_path)
        assert found == list(range(1, len(found) + 1))  # nothing lost between, nothing twice
        assert len(found) > newest
        newest = len(found)


def test_a_crash_between_joining_and_removing_leaves_each_row_once(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path)
    for number in range(1, 6):
        record(recorder, [number])
        recorder.flush()
    pieces = {file.path: file.path.read_bytes() for file in listed(tmp_path)}
    assert len(pieces) == 5
    recorder.close()
    for path, content in pieces.items():
        path.write_bytes(content)
    (tmp_path / ".prices-000-000-0-0.parquet.part").write_bytes(b"half")
    assert records_in(tmp_path) == [1, 2, 3, 4, 5]
    recorder = MarketRecorder(tmp_path)
    assert recorder.recorded == 5
    assert len(list(tmp_path.iterdir())) == 1
    record(recorder, [6])
    recorder.close()
    assert records_in(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_reader_may_come_at_any_time(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path, rolling=Rolling(flush_s=0.001, flush_rows=2, roll_rows=10))
    for number in range(1, 200):
        record(recorder, [number])
        time.sleep(0.001)
        if number % 10 == 0:
            found = records_in(tmp_path)
            assert found == list(range(1, len(found) + 1))
    recorder.close()


def test_a_disk_that_fails_stops_the_recording_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "prices"
    recorder = MarketRecorder(folder)
    record(recorder, [1])
    recorder.flush()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    record(recorder, [2])
    recorder.flush()
    record(recorder, [3])
    info = recorder.info()
    assert "prices can't be recorded any more" in info["failure"]
    assert info["failure"] in caplog.text
    assert (info["recorded"], info["dropped"]) == (1, 4)
    recorder.flush()
    recorder.close()


def test_what_ends_an_engine_does_not_end_the_process_that_writes(tmp_path: Path) -> None:
    """Ctrl-C reaches all of a terminal's processes, and SIGTERM all of a service's."""
    recorder = MarketRecorder(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(recorder.info()["pid"], number)
    record(recorder, [1, 2])
    recorder.close()
    assert records_in(tmp_path) == [1, 2]


def test_the_end_of_the_process_that_writes_stops_the_recording_and_says_so(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path)
    record(recorder, [1])
    recorder.flush()
    os.kill(recorder.info()["pid"], signal.SIGKILL)
    record(recorder, [2])
    recorder.flush()
    info = recorder.info()
    assert "the process that writes them has ended with status -9" in info["failure"]
    assert (info["recorded"], info["dropped"], info["waiting"]) == (1, 2, 0)
    recorder.close()
    recorder = MarketRecorder(tmp_path)
    record(recorder, range(recorder.recorded + 1, 4))
    recorder.close()
    assert records_in(tmp_path) == [1, 2, 3]


def test_two_do_not_write_in_one_folder(tmp_path: Path) -> None:
    first = MarketRecorder(tmp_path)
    with pytest.raises(OSError, match="one in which another engine records"):
        MarketProcess(Opening(str(tmp_path), [], Rolling(), patience_s=0.1))
    record(first, [1])
    first.close()
    second = MarketProcess(Opening(str(tmp_path), [], Rolling(), patience_s=0.1))
    assert second.told.recorded == 1
    second.close()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="expected a folder of recorded prices"):
        MarketRecorder(tmp_path / "file")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "prices-0-1-2-3.parquet").write_text("x")
    with pytest.raises(JournalError, match="expected a folder of recorded prices"):
        MarketRecorder(tmp_path / "bad")
    with pytest.raises(DataError, match="found a file that is none"):
        read_market(tmp_path / "bad")
