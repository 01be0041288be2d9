"""The process of a backtest: confined as strategies are, with bounded time, memory and answer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from live.sandbox.bubblewrap import bubblewrapped, why_no_bubblewrap
from live.sandbox.confine import offered
from live.sandbox.contract import Layer, Level
from live.sandbox.interpreter import code_roots, readable_paths
from live.settings import Settings
from workbench.core.jit import CACHE_DIRECTORY
from workbench.errors import SandboxError

__all__ = ["run_job"]

MEMORY: Final = 4 << 30  # bytes of address space, which the compiler reserves far more of than it uses
CPU_S: Final = 600
WALL_S: Final = 900.0
_KERNELS: Final = "/kernels"  # where the process finds compiled code
_CACHE: Final = (
    "/cache"  # where it links to that, in memory: a cache must be writable, and the engine's is not
)
_CACHE_BYTES: Final = 512 << 20
_LARGEST_ANSWER: Final = 16 << 20
_LARGEST_NOISE: Final = 4_000

_WORKER: Final = Path(__file__).with_name("backtest_worker.py")


def _confinement(settings: Settings) -> tuple[bool, list[str]]:
    """Whether bubblewrap goes round it, and the layers that it puts on itself.  Raises SandboxError."""
    if settings.strategy_isolation == "thread":  # the setting for code that is trusted
        return False, []
    lacks = why_no_bubblewrap()
    if not lacks:
        return True, []
    there = {layer for layer, why in offered().items() if not why}
    filtered = {Layer.LANDLOCK, Layer.SECCOMP} <= there
    level = Level.FILTERED if filtered else Level.RLIMITS
    needed = min(Level[settings.strategy_isolation_minimum.upper()], Level.BUBBLEWRAP)
    if level < needed:
        raise SandboxError(
            f"a backtest needs isolation {needed.name.lower()}, and there is {level.name.lower()} here; {lacks}"
        )
    return False, sorted(str(layer) for layer in {Layer.LANDLOCK, Layer.SECCOMP} & there)


async def run_job(settings: Settings, job: dict[str, Any]) -> dict[str, Any]:
    """Run a job; {"result": ...} or {"error": "one line"}.  Raises SandboxError where no process may be made."""
    wrapped, layers = _confinement(settings)
    kernels = str(CACHE_DIRECTORY or "")
    limits = {
        "memory_bytes": MEMORY,
        "cpu_s": CPU_S,
        "layers": layers,
        "readable": [*readable_paths(), *filter(None, [kernels])],
        "kernels": [_KERNELS, f"{_CACHE}/{Path(kernels).name}"] if wrapped and kernels else [],
    }
    program = f"import sys; sys.path[:0] = {code_roots()!r}\n{_WORKER.read_text()}"
    program = _after_future(program)
    command = [sys.executable, "-I", "-B", "-c", program]
    process = await asyncio.create_subprocess_exec(
        *(_wrapped(command, kernels) if wrapped else command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={},
        limit=1 << 16,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(WALL_S):
            _, said, noise = await asyncio.gather(
                _hand_over(process.stdin, msgspec.json.encode({**job, **limits})),
                _read(process.stdout, _LARGEST_ANSWER),
                _newest(process.stderr),
            )
            await process.wait()
    except TimeoutError:
        return {"error": f"the backtest did not end within {WALL_S:g} s; take fewer bars or symbols"}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if said is None:
        return {"error": f"the backtest answered with more than {_LARGEST_ANSWER:,} bytes"}
    try:
        answer: dict[str, Any] = msgspec.json.decode(said, type=dict[str, Any])
    except msgspec.DecodeError:
        last = noise.strip().splitlines()[-1:] or ["it wrote nothing"]
        return {"error": f"the process of the backtest ended ({process.returncode}): {last[0][:500]}"}
    return answer


def _wrapped(command: list[str], kernels: str) -> list[str]:
    """`command` in bubblewrap, with the core's compiled code: without it each backtest compiles for a minute."""
    program, *options = bubblewrapped(command)
    if not kernels:
        return [program, *options]
    room = ("--ro-bind", kernels, _KERNELS, "--size", str(_CACHE_BYTES), "--tmpfs", _CACHE)
    return [program, *room, *options]


def _after_future(program: str) -> str:
    """`from __future__` must come first in what is run."""
    line = "from __future__ import annotations\n"
    return line + program.replace(line, "", 1)


async def _hand_over(pipe: asyncio.StreamWriter, data: bytes) -> None:
    try:
        pipe.write(data)
        await pipe.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended early; its answer says why
    finally:
        pipe.close()


async def _read(pipe: asyncio.StreamReader, most: int) -> bytes | None:
    """Everything; None where it is more than `most`, of which no more is kept."""
    data = bytearray()
    while part := await pipe.read(1 << 16):
        if len(data) <= most:
            data += part
    return bytes(data) if len(data) <= most else None


async def _newest(pipe: asyncio.StreamReader) -> str:
    """The end of what comes."""
    data = b""
    while part := await pipe.read(1 << 16):
        data = (data + part)[-_LARGEST_NOISE:]
    return data.decode(errors="replace")
