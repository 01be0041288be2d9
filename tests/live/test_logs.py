"""Log lines: never waited for, whatever becomes of the disk or the reader; bounded; in the agreed form."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from live import logs
from live.logs import LOG_FILE, Logs, start_logs
from live.tasks import Tasks


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Takes back what was configured for the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):  # closed by the test
            os.close(end)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]


def test_a_line_has_the_agreed_form(tmp_path: Path, pipe: tuple[int, int]) -> None:
    found = start_logs("info", tmp_path, stream=pipe[1])
    structlog.get_logger("live.trace").info(
        "signal_generated", symbol="BTC-USD", confidence=0.92, spread=math.nan
    )
    structlog.get_logger("live.trace").debug("left_out")
    logging.getLogger("some.library").warning("careful: %d", 7)
    found.close()
    one, two = lines(tmp_path)
    assert one.pop("timestamp").endswith("Z")
    assert one == {
        "level": "info",
        "service": "trading-engine",
        "logger": "live.trace",
        "event": "signal_generated",
        "symbol": "BTC-USD",
        "confidence": 0.92,
        "spread": None,
    }
    assert (two["level"], two["logger"], two["text"]) == ("warning", "some.library", "careful: 7")
    assert os.read(pipe[0], 10_000).decode() == (tmp_path / LOG_FILE).read_text()


def test_what_cannot_be_written_as_json_is_written_all_the_same(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    found = start_logs("info", tmp_path, stream=pipe[1])
    structlog.get_logger("x").info("odd", half="\ud800", large=10**40, thing=object)
    try:
        raise ValueError("told")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    found.close()
    odd, failed = lines(tmp_path)
    assert odd["large"] == str(10**40)
    assert "ValueError: told" in failed["exception"]


def test_a_reader_who_stalls_holds_nobody_up_and_what_is_left_out_is_counted(pipe: tuple[int, int]) -> None:
    found = start_logs("info", None, stream=pipe[1])
    begun = time.perf_counter()
    log = structlog.get_logger("x")
    for number in range(30_000):
        log.info("line", number=number)
    assert time.perf_counter() - begun < 10.0
    assert found.dropped > 5_000
    taken: list[bytes] = []

    def read() -> None:
        while data := os.read(pipe[0], 1 << 16):
            taken.append(data)

    reading = threading.Thread(target=read)
    reading.start()
    found.close(20.0)
    os.close(pipe[1])
    reading.join(20.0)
    seen = [json.loads(line) for line in b"".join(taken).splitlines()]
    lost = sum(line["count"] for line in seen if line["event"] == "log_lines_dropped")
    assert lost == found.dropped
    assert sum(line["event"] == "line" for line in seen) == 30_000 - lost


def test_a_reader_who_goes_is_no_trouble(tmp_path: Path, pipe: tuple[int, int]) -> None:
    found = start_logs("info", tmp_path, stream=pipe[1])
    os.close(pipe[0])
    structlog.get_logger("x").info("one")
    structlog.get_logger("x").info("two")
    found.close()
    assert [line["event"] for line in lines(tmp_path)] == ["one", "two"]


def test_files_are_of_bounded_size_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 2_000)
    found = Logs([logs._File(tmp_path / LOG_FILE)])
    for number in range(400):
        found.put(f"{number:0100}\n".encode())
        if number % 10 == 0:
            time.sleep(0.002)  # so that it is written in many pieces
    found.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [LOG_FILE, *(f"{LOG_FILE}.{number}" for number in range(1, 6))][: len(files)]
    assert len(files) > 2
    assert (tmp_path / LOG_FILE).stat().st_mode & 0o777 == 0o600
    newest = (tmp_path / LOG_FILE).read_text().splitlines()
    assert not newest or int(newest[-1]) == 399


def test_a_full_disk_is_counted_and_passed_over() -> None:
    file = logs._File(Path("/dev/full"))
    file.write([b"one\n"])
    file.write([b"two\n"])
    assert file.troubles == 2


def test_an_error_that_nobody_had_foreseen_is_told_with_where_it_came_from(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("in the middle of it")

    async def main() -> None:
        await asyncio.gather(Tasks().once("strategies", fails()), return_exceptions=True)

    found = start_logs("info", tmp_path, stream=pipe[1])
    asyncio.run(main())
    found.close()
    (line,) = lines(tmp_path)
    assert (line["event"], line["task"], line["level"]) == ("task_failed", "strategies", "error")
    assert "in fails" in line["exception"]
    assert "ZeroDivisionError: in the middle of it" in line["exception"]
