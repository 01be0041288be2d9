"""Log lines as JSON, written by a thread of their own: a full disk or a reader who stalls never holds the engine up.

{"timestamp": "2025-09-16T14:23:45.123Z", "level": "info", "service": "trading-engine", "logger": "live.trace",
 "event": "signal_generated", …}
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

__all__ = ["LOG_FILE", "SERVICE", "Logs", "start_logs"]

SERVICE: Final = "trading-engine"
LOG_FILE: Final = "engine.log"  # in the data folder; older ones are engine.log.1, engine.log.2 …
_FILE_BYTES: Final = 16 << 20
_OLD_FILES: Final = 5  # all together below 100 MB
_WAITING: Final = 20_000  # lines; what comes on top is counted and left out
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

type _Event = MutableMapping[str, Any]


class _Sink(Protocol):
    def write(self, lines: list[bytes]) -> None: ...


class _Stream:
    """A file descriptor that somebody reads.  Once it is closed at the other end, nothing more is written to it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open = True

    def write(self, lines: list[bytes]) -> None:
        rest = memoryview(b"".join(lines))
        while self._open and rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                self._open = False


class _File:
    """A file of bounded size, and its forerunners.  troubles: writes that failed; who could be told is not there."""

    def __init__(self, path: Path) -> None:
        self.troubles = 0
        self._path = path
        self._handle = self._opened()

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, lines: list[bytes]) -> None:
        try:
            if os.fstat(self._handle).st_size > _FILE_BYTES:
                self._turn()
            rest = memoryview(b"".join(lines))
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            self.troubles += 1

    def _turn(self) -> None:
        """Move every file one number up; the oldest goes."""
        for number in range(_OLD_FILES - 1, 0, -1):
            old = self._path.with_name(f"{self._path.name}.{number}")
            if old.exists():
                old.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        os.close(self._handle)
        self._handle = self._opened()


class Logs:
    """Takes lines in without ever waiting.  dropped: lines that were left out because too many waited."""

    def __init__(self, sinks: list[_Sink]) -> None:
        self.dropped = 0
        self._sinks = sinks
        self._waiting: deque[bytes] = deque()
        self._bell = threading.Event()
        self._closed = False
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Any thread."""
        if len(self._waiting) >= _WAITING:
            self.dropped += 1
            return
        self._waiting.append(line)
        self._bell.set()

    def close(self, seconds: float = 2.0) -> None:
        """Write what waits, as far as that is done within `seconds`."""
        self._closed = True
        self._bell.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), 500))]
                if self.dropped > self._told:
                    batch.append(self._tell())
                for sink in self._sinks:
                    sink.write(batch)
            if self._closed:
                return

    def _tell(self) -> bytes:
        lost, self._told = self.dropped - self._told, self.dropped
        now = _stamp(time.time())
        line = {
            "timestamp": now,
            "level": "warning",
            "service": SERVICE,
            "event": "log_lines_dropped",
            "count": lost,
        }
        return msgspec.json.encode(line) + b"\n"


class _Logger:
    """What structlog hands finished lines to."""

    def __init__(self, logs: Logs, name: str) -> None:
        self._put = logs.put
        self.name = name

    def msg(self, line: bytes) -> None:
        self._put(line)

    debug = info = warning = error = critical = exception = log = failure = fatal = msg


class _Handler(logging.Handler):
    """Lines of libraries that use the standard library's logging, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"text": record.getMessage()}
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        structlog.get_logger(record.name).log(record.levelno, "log", **fields)


def start_logs(level: str, folder: Path | None, *, stream: int | None = None) -> Logs:
    """Configure structlog and the standard library's logging.

    level: debug, info, warning or error.  folder: where the log file is kept, None for none.  stream: a file
    descriptor for the same lines, read by people where it is a terminal; None for stdout.
    Raises OSError where the file cannot be opened.
    """
    descriptor = sys.stdout.fileno() if stream is None else stream
    shown: _Sink = _Terminal(descriptor) if os.isatty(descriptor) else _Stream(descriptor)
    sinks: list[_Sink] = [shown] if folder is None else [shown, _File(folder / LOG_FILE)]
    logs = Logs(sinks)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *names: _Logger(logs, str(names[0]) if names else ""),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Handler()], level=max(_LEVELS[level], logging.INFO), force=True)
    logging.getLogger("live").setLevel(_LEVELS[level])
    for chatty in ("uvicorn.error", "uvicorn.access", "httpx", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return logs


def _stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _render(logger: Any, _method: str, event: _Event) -> bytes:
    line = {
        "timestamp": _stamp(time.time()),
        "level": event.pop("level"),
        "service": SERVICE,
        "logger": getattr(logger, "name", ""),
        "event": event.pop("event"),
        **event,
    }
    try:
        return msgspec.json.encode(line, enc_hook=str) + b"\n"
    except (
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ):  # half a character, or a number of 30 digits
        return msgspec.json.encode({key: ascii(value)[:2000] for key, value in line.items()}) + b"\n"


class _Terminal:
    """The same lines for eyes: time of day, level, event, and what goes with it."""

    _COLOURS: Final = {"warning": "33", "error": "31", "critical": "1;31", "debug": "2"}

    def __init__(self, descriptor: int) -> None:
        self._stream = _Stream(descriptor)

    def write(self, lines: list[bytes]) -> None:
        self._stream.write([self._shown(msgspec.json.decode(line)) for line in lines])

    def _shown(self, line: dict[str, Any]) -> bytes:
        day_time = line.pop("timestamp")[11:23]
        level, event = line.pop("level"), line.pop("event")
        line.pop("service")
        line.pop("logger", None)
        rest = " ".join(f"{key}={_short(value)}" for key, value in line.items())
        colour = self._COLOURS.get(level, "")
        return (
            f"\x1b[2m{day_time}\x1b[0m \x1b[{colour}m{level:8}\x1b[0m \x1b[1m{event}\x1b[0m {rest}\n".encode()
        )


def _short(value: Any) -> str:
    """Control characters of a strategy's text must not reach a terminal."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300]
