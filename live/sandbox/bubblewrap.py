"""bubblewrap: a process in namespaces of its own, with no network and no files but those that are named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

from live.sandbox.interpreter import readable_paths

__all__ = ["bubblewrapped", "why_no_bubblewrap"]

_INSTALL = "install it (on Debian: apt-get install bubblewrap)"
_TRY_S = 10.0
_NOBODY = "65534"


def _options(*, clear: bool) -> list[str]:
    binds = [word for path in readable_paths() for word in ("--ro-bind", path, path)]
    return [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", _NOBODY, "--gid", _NOBODY),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(("--clearenv",) if clear else ()),
        # First the empty /tmp, then what is named: a project may lie under /tmp.
        *("--proc", "/proc", "--dev", "/dev", "--size", str(16 << 20), "--tmpfs", "/tmp"),
        *binds,
        *("--remount-ro", "/", "--chdir", "/", "--"),
    ]


def bubblewrapped(command: list[str], *, clear: bool = True) -> list[str]:
    """`command`, run inside.  The process that this starts is bubblewrap's; with it dies everything inside.

    clear: give it an empty environment.
    """
    return [shutil.which("bwrap") or "bwrap", *_options(clear=clear), *command]


@cache
def why_no_bubblewrap() -> str:
    """Why it cannot run here, one line; "" where it can.  Tried once."""
    if shutil.which("bwrap") is None:
        return f"bubblewrap: there is no bwrap on PATH; {_INSTALL}"
    try:
        tried = subprocess.run(
            bubblewrapped([sys.executable, "--version"]),
            capture_output=True,
            text=True,
            timeout=_TRY_S,
            env={},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap: {error}"
    if tried.returncode == 0:
        return ""
    said = " ".join(tried.stderr.split()) or f"exit status {tried.returncode}"
    return f"bubblewrap: {said} (user namespaces are needed; inside a container they are often switched off)"
