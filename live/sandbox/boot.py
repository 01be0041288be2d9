"""First lines of a process that will run strategies, before anything large is imported."""

from __future__ import annotations

import base64
import os
import socket
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from live.sandbox.confine import Confinement

__all__ = ["Alone", "host"]

# Libraries read these once, when they are loaded; the environment itself is emptied before a strategy runs.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def _prepared(order: str) -> Confinement:
    """order: a Confinement as msgpack in base64."""
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    from live.sandbox import shelf

    shelf.install()
    from live.sandbox.confine import Confinement

    return msgspec.msgpack.decode(base64.b64decode(order), type=Confinement)


def host(control: int, parent: int, order: str) -> None:
    """Be the host.  control: descriptor of a stream socket.  parent, order: see `host.main` and `_prepared`."""
    confinement = _prepared(order)
    from live.sandbox.host import main

    main(socket.socket(fileno=control), parent, confinement)


class Alone:
    """A process that was not forked from a host, as in a container.  order: see `_prepared`."""

    def __init__(self, order: str) -> None:
        self._order = _prepared(order)

    def prove(self) -> None:
        """Write which layers hold here to standard output, as JSON."""
        from live.sandbox.proof import prove

        os.write(1, msgspec.json.encode(prove(self._order)))

    def run(self) -> None:
        """Be a strategy's process: frames on standard input and output."""
        from live.sandbox.host import warm
        from live.sandbox.process import run

        warm()
        os._exit(run(0, 1, 2, self._order))
