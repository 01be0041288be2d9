"""What of this machine's files a strategy's process must read: the interpreter, its packages, our own code."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import workbench.errors

__all__ = ["SYSTEM_PATHS", "code_roots", "readable_paths"]

SYSTEM_PATHS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
"""Shared libraries and time zones."""


def code_roots() -> list[str]:
    """What `sys.path` needs so that `workbench` and `live` are found."""
    homes = [Path(workbench.errors.__file__).parents[1], Path(__file__).parents[2]]
    return list(dict.fromkeys(str(home) for home in homes))


def _own_code() -> list[Path]:
    """Of `live` only what a strategy's process runs: beside it lie a journal and tokens, perhaps."""
    live = Path(__file__).parents[1]
    return [
        Path(workbench.errors.__file__).parent,
        live / "__init__.py",
        live / "messages.py",
        live / "sandbox",
    ]


def readable_paths() -> list[str]:
    """Absolute paths of files and folders that exist, none inside another."""
    paths = sysconfig.get_paths()
    executable = Path(sys.executable)
    wanted = [
        *(Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        Path(sys.base_prefix) / "lib",
        executable,
        executable.resolve(),
        Path(sys.prefix) / "pyvenv.cfg",
        *_own_code(),
        *(Path(path) for path in SYSTEM_PATHS),
    ]
    present = sorted({os.path.abspath(path) for path in wanted if path.exists()}, key=len)
    kept: list[str] = []
    for path in present:
        if not any(path == other or path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept
