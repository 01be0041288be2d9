"""A real Prometheus, of Debian's package, that scrapes a small server of ours."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

__all__ = ["Prometheus", "program", "scraping", "serving"]


def program(name: str) -> str:
    """Path of prometheus or promtool; skips the test where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here: apt-get install -y prometheus")
    return found


@contextmanager
def serving(
    render: Callable[[], tuple[bytes, str]], path: str = "/metrics", token: str = ""
) -> Iterator[int]:
    """An HTTP server on loopback that answers `path`, and nothing else; its port.

    token: that must come with a request; "" for none.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, content_type = render()
            allowed = not token or self.headers["Authorization"] == f"Bearer {token}"
            self.send_response(401 if not allowed else 200 if self.path == path else 404)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Prometheus:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self._port = process, port

    def ask(self, path: str) -> Any:
        """What the HTTP API answers; the part `data`."""
        with urlopen(f"http://127.0.0.1:{self._port}/api/v1/{path}", timeout=5) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(f"query?query={quote(expression)}")["result"]
        return found

    def wait_for(self, condition: Callable[[Prometheus], bool], what: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while True:
            assert self._process.poll() is None, "prometheus ended"
            try:
                if condition(self):
                    return
            except (URLError, ConnectionError):
                pass  # not up yet
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.05)


@contextmanager
def scraping(folder: Path, config: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration; it is gone afterwards."""
    (folder / "prometheus.yml").write_text(config)
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(process, port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
