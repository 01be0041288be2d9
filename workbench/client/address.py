"""Where the engine is, and the token that it made for people on this machine."""

from __future__ import annotations

import ipaddress
import json
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from workbench.errors import ConfigError

__all__ = [
    "ADMIN_TOKEN",
    "DEFAULT_DATA",
    "SERVICE_FILE",
    "Address",
    "data_folder",
    "find_engine",
    "note_ended",
    "note_started",
]

DEFAULT_DATA: Final = "var/engine"
ADMIN_TOKEN: Final = "admin.token"
SERVICE_FILE: Final = "service.json"  # written by a running engine: where it listens
_URL: Final = "WORKBENCH_ENGINE_URL"
_TOKEN: Final = "WORKBENCH_ENGINE_TOKEN"
_started: Final[list[Path]] = []  # data folders of engines that this process has started, the newest last


class Address(NamedTuple):
    """url: of REST, no slash at its end.  token: "" where there is none.  certificate: a file to be trusted, if any."""

    url: str
    token: str
    certificate: str


def find_engine(url: str | None, token: str | None, data: str | Path | None) -> Address:
    """Where to ask, and with what token.

    What is given counts first, then the environment (WORKBENCH_ENGINE_URL, WORKBENCH_ENGINE_TOKEN), then what lies in
    the engine's data folder: `data`, that of an engine that this process has started, TRADING_ENGINE_DATA, or
    var/engine here or beside the package.
    Raises ConfigError where the token's file can be read by others, or cannot be read.
    """
    url = url or os.environ.get(_URL)
    token = token or os.environ.get(_TOKEN)
    folder = data_folder(data)
    running = _service(folder)
    found = url or str(running.get("url", "")) or _by_environment()
    if "://" not in found:
        found = f"http://{found}"
    if token is None:
        token = _token(folder / ADMIN_TOKEN) if _is_local(found) else ""
    certificate = str(running.get("certificate", "")) if found == running.get("url") else ""
    return Address(found.rstrip("/"), token, certificate)


def data_folder(data: str | Path | None) -> Path:
    """The data folder of an engine on this machine; it need not be there."""
    if data is not None:
        return Path(data)
    if _started:
        return _started[-1]
    if os.environ.get("TRADING_ENGINE_DATA"):
        return Path(os.environ["TRADING_ENGINE_DATA"])
    here, beside = Path(DEFAULT_DATA), Path(__file__).resolve().parents[2] / DEFAULT_DATA
    return beside if beside.is_dir() and not here.is_dir() else here


def note_started(folder: Path) -> None:
    """An engine of this process runs in `folder`: it is the one that is meant where none is named."""
    note_ended(folder)
    _started.append(folder)


def note_ended(folder: Path) -> None:
    """The engine in `folder`, if there was one, has ended."""
    if folder in _started:
        _started.remove(folder)


def _service(folder: Path) -> dict[str, object]:
    try:
        found = json.loads((folder / SERVICE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no engine runs there, or it is only just starting
        return {}
    return found if isinstance(found, dict) else {}


def _by_environment() -> str:
    host = os.environ.get("TRADING_ENGINE_HOST") or "127.0.0.1"
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{host}:{os.environ.get('TRADING_ENGINE_PORT') or '8083'}"


def _is_local(url: str) -> bool:
    """The admin's token is for this machine alone: it is not sent elsewhere by itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def _token(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: expected the engine's token, which only its owner can read: {error}"
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others can read it; expected mode 600, found {stat.S_IMODE(mode):o}")
    return text
