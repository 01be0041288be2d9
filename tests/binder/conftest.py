"""JupyterLab as Binder starts it, and a Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT: Final = Path(__file__).parents[2]
TOKEN: Final = "0123456789abcdef"


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def chromium_path() -> str:
    """The system's Chromium; the test skips where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@contextmanager
def started(checkout: Path, home: Path, python: str = sys.executable) -> Iterator[str]:
    """`binder/start` with the command that Binder gives it; the server's address."""
    port = free_port()
    command = (python, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1")
    options = (f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    folders = {
        name: str(home / name.lower()) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [str(checkout / "binder" / "start"), *command, *options],
            cwd=checkout,
            env={**environment, **folders, "HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        while not answers(url):
            assert server.poll() is None, (home / "server.log").read_text()
            time.sleep(0.2)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        sys.stdout.write((home / "server.log").read_text()[-4000:])  # pytest shows it where a test failed


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/api?token={TOKEN}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
