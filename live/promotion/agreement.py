"""Whether a strategy traded live as it does in a replay of the session: asked of a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["COMMAND", "Agreement", "compare"]

COMMAND: Final = ("-m", "workbench.reconcile")
_LONGEST_S: Final = 600.0
_SHOWN: Final = 300


class Agreement(NamedTuple):
    """ok: they agree; None where they could not be compared.  unexplained_bps: of turnover, NaN where not known."""

    ok: bool | None
    unexplained_bps: float
    why: str


async def compare(
    journal: str,
    strategy_id: str,
    max_unexplained_bps: float,
    *,
    since_ns: int = 0,
    options: tuple[str, ...] = (),
    command: tuple[str, ...] = COMMAND,
    longest_s: float = _LONGEST_S,
) -> Agreement:
    """Compare a strategy's session with its replay.

    journal: URL.  since_ns: what came before is not looked at.  options: further ones of the comparison, as how
    strategies' processes are isolated.  command: arguments of the interpreter.
    """
    url, environment = _without_password(journal)
    since = datetime.fromtimestamp(since_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = [*command, "--journal", url, "--strategy", strategy_id, "--start", since, *options, "--json"]
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except OSError as error:
        return Agreement(None, math.nan, f"no comparison: it cannot be started: {error.strerror}")
    try:
        async with asyncio.timeout(longest_s):
            out, complaint = await process.communicate()
    except TimeoutError:
        return Agreement(None, math.nan, f"the comparison took longer than {longest_s:g} s")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return _read(out, complaint, max_unexplained_bps)


def _read(out: bytes, complaint: bytes, most: float) -> Agreement:
    """Its exit status says whether they agree; whether they could be compared, its JSON says."""
    try:
        said: Any = msgspec.json.decode(out.strip().splitlines()[-1] if out.strip() else b"")
        ok, unexplained = said["ok"], said["unexplained_bps"]
    except (msgspec.MsgspecError, KeyError, TypeError, IndexError):
        words = " ".join(complaint.decode(errors="replace").split())[-_SHOWN:] or "it said nothing"
        return Agreement(None, math.nan, f"no comparison: {words}")
    if (
        not isinstance(ok, bool)
        or isinstance(unexplained, bool)
        or not isinstance(unexplained, int | float | None)
    ):
        return Agreement(None, math.nan, "no comparison: its answer makes no sense")
    bps = math.nan if unexplained is None else float(unexplained)
    if not ok:
        return Agreement(False, bps, f"live and replay differ: {_causes(said)}")
    if not abs(bps) <= most:  # NaN explains nothing
        return Agreement(
            False, bps, f"{bps:.3g} basis points of turnover are not explained, allowed {most:g}"
        )
    return Agreement(True, bps, f"live and replay agree ({bps:.3g} basis points are not explained)")


def _causes(said: dict[str, Any]) -> str:
    found = {
        key: said[key]
        for key in ("unexplained", "unexplained_pnl", "unexplained_bps", "logic", "problems")
        if key in said
    }
    return ", ".join(f"{key} {value}" for key, value in found.items())[:_SHOWN]


def _without_password(journal: str) -> tuple[str, dict[str, str]]:
    """What others may read in the list of processes, and what goes by the environment instead."""
    try:
        url = make_url(journal)
    except ArgumentError:
        return journal, {}
    if not url.password:
        return journal, {}
    shown = url._replace(password=None).render_as_string(hide_password=False)
    return shown, {"PGPASSWORD": str(url.password)}
