"""Uploaded scripts: read by a process of its own before the engine keeps them."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import msgspec

from live.engine import Catalog
from live.files import off_loop
from live.scripts import LARGEST_SCRIPT, Script
from workbench.errors import RequestError, StrategyLoadError

__all__ = ["store"]

MOST_UPLOADS: Final = 500
_CHECK_S: Final = 20.0
_CHECKS_AT_ONCE: Final = 2

_turns = asyncio.Semaphore(_CHECKS_AT_ONCE)


async def store(catalog: Catalog, name: str, source: str) -> Script:
    """Keep a script in the catalog.

    Raises StrategyLoadError where it cannot be used, RequestError (too_large, too_many) where there is no room for it.
    """
    try:
        data = source.encode()
    except UnicodeEncodeError as error:
        raise StrategyLoadError(f"{name!r:.100}: expected text in UTF-8, found {error.reason}") from error
    if len(data) > LARGEST_SCRIPT:
        raise RequestError(
            f"{name!r:.100}: a script may have {LARGEST_SCRIPT:,} bytes, found {len(data):,}", "too_large"
        )
    kept = await off_loop(_kept, catalog)
    if kept >= MOST_UPLOADS:
        raise RequestError(
            f"{kept} uploaded scripts are kept, which is the most; remove some from {catalog.uploads}",
            "too_many",
        )
    async with _turns:
        script = await _read(name, data)
    await off_loop(catalog.keep, script)
    return script


def _kept(catalog: Catalog) -> int:
    return sum(1 for _ in catalog.uploads.glob("*/*.py")) if catalog.uploads.is_dir() else 0


async def _read(name: str, data: bytes) -> Script:
    """Have a script read by a process that may take little time and memory.  Raises StrategyLoadError."""
    if "\x00" in name:
        raise StrategyLoadError(
            f"a script's name is letters, digits and _, as momentum.py; found {name!r:.100}"
        )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "live.scripts", "--", name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(_CHECK_S):
            said, _ = await process.communicate(data)
    except TimeoutError:
        said = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 3:
        raise StrategyLoadError(said.decode(errors="replace"))
    if process.returncode != 0:
        raise StrategyLoadError(f"{name!r:.100}: reading it takes too much memory or time; make it simpler")
    return msgspec.structs.replace(msgspec.json.decode(said, type=Script), source=data.decode("utf-8-sig"))
