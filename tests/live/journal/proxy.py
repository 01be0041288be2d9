"""Between an engine and its PostgreSQL: passes everything on, until it is told to lose the answer to a commit."""

from __future__ import annotations

import contextlib
import selectors
import socket
import tempfile
import threading
from pathlib import Path
from typing import Final

__all__ = ["Proxy"]

_NAME: Final = ".s.PGSQL.5432"
# https://www.postgresql.org/docs/15/protocol-message-formats.html
_COPY_DONE: Final = b"c\x00\x00\x00\x04"


class Proxy:
    """`folder`: the host to connect to.  `armed`: what the server answers after the next COPY is thrown away."""

    def __init__(self, server: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="journal-proxy-"))
        self._server = str(server / _NAME)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.armed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / _NAME))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def drop(self) -> None:
        """End every connection, on both sides."""
        for pair in self._pairs:
            for side in pair:
                with contextlib.suppress(OSError):  # it may have ended already
                    side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for thread in self._threads:
            thread.join()
        (self.folder / _NAME).unlink()
        self.folder.rmdir()

    def _accept(self) -> None:
        while True:
            try:
                engine, _ = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._pairs.append((engine, server))
            thread = threading.Thread(target=self._pass_on, args=(engine, server))
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, engine: socket.socket, server: socket.socket) -> None:
        silent = False
        with selectors.DefaultSelector() as selector, engine, server:
            selector.register(engine, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, engine)
            while True:
                for key, _ in selector.select():
                    source = engine if key.fileobj is engine else server
                    try:
                        data = source.recv(65536)
                        if not data:
                            return
                        if source is engine and self.armed.is_set() and _COPY_DONE in data:
                            silent = True
                            self.armed.clear()
                        if source is engine or not silent:
                            key.data.sendall(data)
                    except OSError:  # one side has ended
                        return
