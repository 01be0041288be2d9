"""Log lines of the engine's file, or of a strategy, for eyes or as they are."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.cli.live_tables import clean
from workbench.cli.output import answer_console
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.client import EngineClient

__all__ = ["engine_lines", "show_lines", "strategy_lines"]

LOG_FILE: Final = "engine.log"
_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_LOOK_S: Final = 0.3

type Line = dict[str, Any]


def _rank(level: str) -> int:
    if level not in _LEVELS:
        raise ConfigError(f"--level: expected one of {', '.join(_LEVELS)}, found {level!r}")
    return _LEVELS.index(level)


def engine_lines(folder: Path, last: int, follow: bool, level: str) -> Iterator[Line]:
    """The newest `last` lines of the engine's log in its data folder, then (follow) those that come."""
    lowest, path = _rank(level), folder / LOG_FILE
    files = [path.with_name(f"{LOG_FILE}.{number}") for number in range(9, 0, -1)] + [path]
    if not path.is_file():
        raise ConfigError(f"{path}: no engine has kept a log there; give --data with its data folder")
    newest: deque[Line] = deque(maxlen=last)
    for file in files:
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace") as text:
                newest.extend(line for line in map(_parsed, text) if _wanted(line, lowest))
    yield from newest
    if follow:
        yield from (line for line in _coming(path) if _wanted(line, lowest))


def _coming(path: Path) -> Iterator[Line]:
    """Lines from the end on; the file that takes its place is read from the beginning."""
    text = path.open(encoding="utf-8", errors="replace")
    try:
        text.seek(0, 2)
        rest = ""
        while True:
            rest += text.readline()
            if rest.endswith("\n"):
                yield _parsed(rest)
                rest = ""
                continue
            time.sleep(_LOOK_S)
            if path.is_file() and path.stat().st_ino != os.fstat(text.fileno()).st_ino:
                text.close()
                text, rest = path.open(encoding="utf-8", errors="replace"), ""
    finally:
        text.close()


def _parsed(text: str) -> Line:
    try:
        found = json.loads(text)
    except ValueError:  # half a line, where the disk was full
        found = None
    return found if isinstance(found, dict) else {"level": "info", "event": text.strip()}


def _wanted(line: Line, lowest: int) -> bool:
    level = line.get("level", "info")
    return _LEVELS.index(level) >= lowest if level in _LEVELS else True


def strategy_lines(
    engine: EngineClient, strategy_id: str, last: int, follow: bool, level: str
) -> Iterator[Line]:
    """What a strategy logged or printed."""
    lowest, newest, wanted = _rank(level), 0, last
    with engine:
        while True:
            lines = [line for line in engine.logs(strategy_id) if line.ns > newest]
            for line in lines[-wanted:]:
                moment = datetime.fromtimestamp(line.ns / 1e9, UTC)
                stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
                shown = {"timestamp": stamp, "level": line.level, "event": line.text}
                if _wanted(shown, lowest):
                    yield shown
            if not follow:
                return
            newest, wanted = (lines[-1].ns if lines else newest), len(lines) + 500
            time.sleep(_LOOK_S)


def show_lines(lines: Iterator[Line], as_json: bool) -> None:
    """Print lines as they come."""
    console = answer_console()
    for line in lines:
        if as_json:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            continue
        when, level, event = line.get("timestamp", ""), line.get("level", ""), line.get("event", "")
        hidden = ("timestamp", "level", "event", "service", "logger")
        rest = " ".join(f"{key}={_short(value)}" for key, value in line.items() if key not in hidden)
        colour = _COLOURS.get(level, "default")
        console.print(
            f"[dim]{clean(when)[11:23]}[/] [{colour}]{clean(level):8}[/] [bold]{clean(event)}[/] {clean(rest)}",
            soft_wrap=True,
        )


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
